"""Late coverage and corrected coverage: who waits is decided, in her favour at once, against her by a reviewer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from deploy.local.stack import Stack
from services.claims import rules, usecases
from services.kit import telemetry
from services.kit.errors import Conflict
from services.kit.ids import stable_id
from tests.builders import DELIVERED, TODAY, claim, claim_number, employer_record, replacement, submit, void
from tests.claims.desk import Desk, changed, hear, take
from tests.claims.harness import Insured, insure, record
from tests.kit.live import eventually, rows, value

pytestmark = pytest.mark.integration

SHORT, LONG = "2025-12..2026-03", "2024-01..2026-03"


def sent_by(who: Insured, number: str, **changes: object) -> bytes:
    return submit(claim(number=number, person=who.number, employer=who.employer, **changes))  # type: ignore[arg-type]


async def known_employer(stack: Stack, who: Insured) -> Insured:
    await record(stack, [employer_record(who.employer)])
    return who


# --- who waits ------------------------------------------------------------------------------------------------------


def test_a_claim_that_waits_is_decided_when_coverage_comes_and_only_once(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = await known_employer(stack, Insured())
        waited = await desk.take(sent_by(who, number))
        await insure(stack, who)
        person = await desk.person(number)

        await desk.hear(person, 1)
        after = await desk.claim(number), await desk.determinations(), await desk.events(number)
        await desk.hear(person, 1)
        await desk.hear(person, 2)

        assert waited == [("PENDED", ["AWAITING_COVERAGE", "PERSON_UNKNOWN"])]
        assert after == (("APPROVED", 2), [(number, 1, "APPROVED")], ["ClaimPended 1", "ClaimDetermined 2"])
        assert (await desk.claim(number), await desk.determinations(), await desk.events(number)) == after
        assert [held[0] for held in await desk.held()] == [number]
        assert await value(desk.dsn, "SELECT count(*) FROM waiting") == 0
        first, later = await desk.receipts(number)
        claim_id = await value(desk.dsn, "SELECT id FROM claim WHERE number = $1", number)
        assert later.receipt_id == str(stable_id(claim_id.bytes, b"2"))
        assert (later.revision, later.allowance_fen, later.position.topic) == (1, 1_960_000, "")
        assert later.content_hash == first.content_hash

    asyncio.run(act())


def test_coverage_that_was_heard_of_before_the_claim_is_decided_on_at_once(stack: Stack) -> None:
    """The other order: the claim was looked up before, and the event was heard before the claim came on file."""
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = await known_employer(stack, Insured())
        async with desk.at_work() as (office, database):
            message = desk.message(sent_by(who, number))
            early = await usecases.prepare(office, [message])
            await insure(stack, who)
            (coverage,) = early.coverage.values()
            assert coverage.person is not None
            await hear(office, database, [changed(coverage.person, 1)])

            with pytest.raises(Conflict):
                async with database.transaction() as tx:
                    await usecases.take_in(office, tx, early)
            answered = await take(office, database, [message])

        assert answered == [("DETERMINED", [])]
        assert await desk.claim(number) == ("APPROVED", 1)

    asyncio.run(act())


def test_a_change_that_was_recorded_before_the_look_up_and_committed_after_it_is_not_missed(stack: Stack) -> None:
    """The registry notes the instant before it commits: who looks up between the two sees nothing of the change."""
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = await known_employer(stack, Insured())
        async with desk.at_work() as (office, database):
            early = await usecases.prepare(office, [desk.message(sent_by(who, number))])
            (coverage,) = early.coverage.values()
            assert coverage.person is not None
            await hear(office, database, [changed(coverage.person, 1, early.known_at - timedelta(seconds=1))])

            with pytest.raises(Conflict):
                async with database.transaction() as tx:
                    await usecases.take_in(office, tx, early)

    asyncio.run(act())


@pytest.mark.parametrize("order", [(1, 2), (2, 1), (2, 2)], ids=str)
def test_events_in_any_order_come_to_the_same(stack: Stack, order: tuple[int, int]) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = await known_employer(stack, Insured())
        await desk.take(sent_by(who, number))
        await insure(stack, who)
        person = await desk.person(number)

        for version in order:
            await desk.hear(person, version)

        assert await desk.claim(number) == ("APPROVED", 2)
        assert await desk.determinations() == [(number, 1, "APPROVED")]

    asyncio.run(act())


def test_too_few_months_wait_while_the_month_of_the_event_is_not_reported(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = Insured()
        await insure(stack, who, paid="2025-12..2026-02")
        waited = await desk.take(sent_by(who, number))
        await insure(stack, who, paid="2025-12..2026-03")
        await desk.hear(await desk.person(number), 1)

        assert waited == [("PENDED", ["AWAITING_COVERAGE", "CONTRIBUTIONS_NOT_REPORTED"])]
        assert await desk.claim(number) == ("DENIED", 2)

    asyncio.run(act())


def test_who_still_waits_is_told_nothing_new(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = await known_employer(stack, Insured())
        await desk.take(sent_by(who, number))

        await desk.hear(await desk.person(number), 1)

        assert await desk.claim(number) == ("PENDED", 1)
        assert len(await desk.receipts(number)) == 1

    asyncio.run(act())


def test_another_employer_than_she_is_insured_by_waits_for_a_reviewer_without_a_last_day(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who, other = await known_employer(stack, Insured()), Insured()
        await desk.take(sent_by(who, number))
        await insure(stack, Insured(who.number, other.employer))

        await desk.hear(await desk.person(number), 1)

        assert await desk.claim(number) == ("PENDED", 2)
        assert [tuple(row) for row in await rows(desk.dsn, "SELECT reasons, due_on FROM waiting")] == [
            (["EMPLOYER_MISMATCH"], None)
        ]
        await insure(stack, who)
        await desk.hear(await desk.person(number), 2)
        assert await desk.claim(number) == ("APPROVED", 3)

    asyncio.run(act())


@pytest.mark.parametrize("waits_for", ["coverage", "registration"])
def test_what_cannot_be_is_returned_with_its_reason_as_if_it_had_come_now(stack: Stack, waits_for: str) -> None:
    """For one, what would be decided on a day before the event."""
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = await known_employer(stack, Insured())
        sent = claim(number=number, person=who.number, employer=who.employer)
        if waits_for == "registration":
            await insure(stack, who, paid=SHORT)
            desk.law = rules.LAW.given({"policy.require_registration": "true"})
            sent.event.registered = False
        await desk.take(submit(sent))
        decided = await desk.determinations()
        await insure(stack, who, paid=LONG)
        desk.today = DELIVERED - timedelta(days=1)

        await desk.hear(await desk.person(number), 1)

        assert await desk.claim(number) == ("RETURNED", 2)
        assert await desk.events(number) == ["ClaimPended 1", "ClaimReturned 2"]
        assert [given.code for given in (await desk.receipts(number))[-1].reasons] == ["FACT_OUT_OF_RANGE"]
        assert await desk.determinations() == decided
        assert await desk.held() == []

    asyncio.run(act())


def test_what_stands_is_not_taken_back_because_it_cannot_be_decided_again(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = Insured()
        await insure(stack, who, paid=LONG)
        await desk.take(sent_by(who, number))
        await insure(stack, who, paid=SHORT)
        desk.today = DELIVERED - timedelta(days=1)

        await desk.hear(await desk.person(number), 1)

        assert await desk.claim(number) == ("APPROVED", 1)
        assert await value(desk.dsn, "SELECT count(*) FROM review_task WHERE kind = 'COVERAGE_WORSE'") == 1

    asyncio.run(act())


def test_two_claims_that_wait_for_one_delivery_are_not_both_approved(stack: Stack) -> None:
    desk, numbers = Desk.open(stack), [claim_number(), claim_number()]

    async def act() -> None:
        who = await known_employer(stack, Insured())
        for number, source in zip(numbers, ("hospitals", "counter"), strict=True):
            await desk.take(sent_by(who, number), source=source)
        await insure(stack, who)

        await desk.hear(await desk.person(numbers[0]), 1)

        assert sorted(outcome for _, _, outcome in await desk.determinations()) == ["APPROVED", "DUPLICATE"]

    asyncio.run(act())


# --- the last day ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "returned"), [(59, 0), (60, 0), (61, 1)])
def test_who_waited_to_the_last_day_is_returned_on_the_next(stack: Stack, days: int, returned: int) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = await known_employer(stack, Insured())
        await desk.take(sent_by(who, number))
        desk.today = TODAY + timedelta(days=days)

        assert await desk.expire() == returned
        assert await desk.expire() == 0
        assert await desk.claim(number) == (("RETURNED", 2) if returned else ("PENDED", 1))

    asyncio.run(act())


def test_a_returned_claim_is_told_and_may_be_sent_again_as_its_next_revision(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = await known_employer(stack, Insured())
        await desk.take(sent_by(who, number))
        desk.today = TODAY + timedelta(days=61)
        await desk.expire()
        told = (await desk.receipts(number))[-1]
        assert ([given.code for given in told.reasons], told.revision) == (["COVERAGE_LATE"], 1)
        assert await desk.events(number) == ["ClaimPended 1", "ClaimReturned 2"]

        await insure(stack, who)
        await desk.hear(await desk.person(number), 1)
        assert await desk.claim(number) == ("RETURNED", 2)
        again = claim(number=number, person=who.number, employer=who.employer)

        assert await desk.take(replacement(again, 2)) == [("DETERMINED", [])]
        assert await desk.claim(number) == ("APPROVED", 3)

    asyncio.run(act())


def test_whose_coverage_came_unheard_is_looked_up_once_more_and_decided(stack: Stack) -> None:
    """An event may be lost with a restored database: nobody is returned whom the registry knows."""
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = await known_employer(stack, Insured())
        await desk.take(sent_by(who, number))
        await insure(stack, who)
        desk.today = TODAY + timedelta(days=61)

        await desk.expire()

        assert await desk.claim(number) == ("APPROVED", 2)

    asyncio.run(act())


async def reviews_of(desk: Desk) -> list[tuple[Any, ...]]:
    found = await rows(desk.dsn, "SELECT version, reason, due_on, state, outcome FROM review_task ORDER BY id")
    return [tuple(one) for one in found]


def test_a_correction_that_is_returned_leaves_what_was_approved_and_a_person_is_asked(stack: Stack) -> None:
    """Its sender called wrong what stands, and no coverage that is told later decides it again."""
    desk, number, other = Desk.open(stack), claim_number(), claim_number()

    async def act() -> None:
        who, stranger = Insured(), await known_employer(stack, Insured())
        await insure(stack, who)
        await desk.take(sent_by(who, number))
        moved = claim(number=number, person=stranger.number, employer=stranger.employer)
        await desk.take(replacement(moved, 2))
        desk.today = TODAY + timedelta(days=61)
        await desk.expire()

        assert await desk.claim(number) == ("RETURNED", 3)
        due = desk.today + timedelta(days=14)
        assert await reviews_of(desk) == [(3, "CORRECTION_RETURNED", due, "OPEN", None)]
        assert await desk.expire() == 0
        await desk.take(replacement(claim(number=number, person=who.number, employer=who.employer), 3))
        assert await desk.claim(number) == ("APPROVED", 4)
        assert await reviews_of(desk) == [(3, "CORRECTION_RETURNED", due, "CLOSED", "SUPERSEDED")]
        await desk.take(sent_by(who, other), source="counter")
        assert await desk.claim(other) == ("DUPLICATE", 1)

    asyncio.run(act())


def test_nobody_is_asked_about_what_is_returned_and_was_never_approved(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        stranger = await known_employer(stack, Insured())
        await desk.take(sent_by(stranger, number))
        await desk.take(replacement(claim(number=number, person=stranger.number, employer=stranger.employer), 2))
        desk.today = TODAY + timedelta(days=61)
        await desk.expire()

        assert await desk.claim(number) == ("RETURNED", 3)
        assert await reviews_of(desk) == []

    asyncio.run(act())


def test_one_that_hits_a_bug_is_told_and_the_others_are_returned(stack: Stack) -> None:
    desk, numbers = Desk.open(stack), [claim_number() for _ in range(5)]

    async def act() -> None:
        who = await known_employer(stack, Insured())
        await desk.take(*[sent_by(Insured(employer=who.employer), number) for number in numbers])
        broken = await value(
            desk.dsn,
            """UPDATE waiting SET facts = '{}' FROM claim WHERE claim_id = claim.id AND number = $1
               RETURNING claim_id""",
            numbers[2],
        )
        desk.today = TODAY + timedelta(days=61)
        before = bugs()

        assert await desk.expire() == 4
        assert await desk.expire() == 0
        assert bugs() == before + 2
        assert [(await desk.claim(number))[0] for number in numbers] == [
            "PENDED" if number == numbers[2] else "RETURNED" for number in numbers
        ]
        assert {str(broken)} == {name for record in told if (name := record.get("about"))}

    with structlog.testing.capture_logs() as told:
        asyncio.run(act())


def bugs() -> float:
    return float(telemetry.TIMER_FAILED.labels("bug")._value.get())


async def moved_while_it_waited(stack: Stack, desk: Desk, number: str) -> tuple[Insured, bytes]:
    """Approved for one woman, corrected to another who was not known yet; who is known now, and the next correction."""
    who, other = Insured(), await known_employer(stack, Insured())
    await insure(stack, who)
    await desk.take(sent_by(who, number))
    moved = claim(number=number, person=other.number, employer=other.employer)
    assert await desk.take(replacement(moved, 2)) == [("PENDED", ["AWAITING_COVERAGE", "PERSON_UNKNOWN"])]
    await insure(stack, other)
    return who, replacement(moved, 3)


@pytest.mark.parametrize("sent", ["a correction", "a void"])
def test_what_the_first_woman_held_is_free_within_the_batch_that_frees_it(stack: Stack, sent: str) -> None:
    desk, number, hers = Desk.open(stack), claim_number(), claim_number()

    async def act() -> None:
        who, correction = await moved_while_it_waited(stack, desk, number)
        freeing = correction if sent == "a correction" else void(number, 2)

        await desk.take(freeing, sent_by(who, hers))

        assert await desk.claim(hers) == ("APPROVED", 1)
        assert await desk.claim(number) == ("APPROVED" if sent == "a correction" else "VOIDED", 3)

    asyncio.run(act())


def test_whose_hold_a_correction_frees_is_not_decided_on_before_it_is_committed(stack: Stack) -> None:
    desk, number, hers = Desk.open(stack), claim_number(), claim_number()

    async def act() -> None:
        who, correction = await moved_while_it_waited(stack, desk, number)
        async with desk.at_work() as (office, database):
            prepared = await usecases.prepare(office, [desk.message(correction)])
            async with database.transaction() as tx:
                await usecases.take_in(office, tx, prepared)
                other = asyncio.create_task(take(office, database, [desk.message(sent_by(who, hers), "counter")]))
                await eventually(lambda: is_waiting(desk), other)
            await other

        assert await desk.claim(hers) == ("APPROVED", 1)

    asyncio.run(act())


async def is_waiting(desk: Desk) -> bool:
    sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"
    return bool(await value(desk.dsn, sql))


def test_two_timers_at_once_return_a_claim_once(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = await known_employer(stack, Insured())
        await desk.take(sent_by(who, number))
        desk.today = TODAY + timedelta(days=61)

        done = await asyncio.gather(*[desk.expire() for _ in range(4)])

        assert sum(done) == 1
        assert await desk.claim(number) == ("RETURNED", 2)

    asyncio.run(act())


# --- corrected afterwards -------------------------------------------------------------------------------------------


def test_what_is_better_for_her_is_decided_again_in_the_same_revision(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = Insured()
        await insure(stack, who, paid=SHORT)
        await desk.take(sent_by(who, number))
        await insure(stack, who, paid=LONG)
        person = await desk.person(number)

        await desk.hear(person, 1)
        await desk.hear(person, 1)
        await desk.hear(person, 2)

        assert await desk.determinations() == [(number, 1, "DENIED"), (number, 1, "APPROVED")]
        assert [row[0] for row in await rows(desk.dsn, "SELECT sequence FROM determination ORDER BY version")] == [1, 2]
        assert await desk.claim(number) == ("APPROVED", 2)
        assert await value(desk.dsn, "SELECT count(*) FROM review_task") == 0
        assert [held[0] for held in await desk.held()] == [number]
        assert (await desk.receipts(number))[-1].allowance_fen == 1_960_000

    asyncio.run(act())


def test_what_is_worse_for_her_is_a_reviewers_and_changes_nothing(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = Insured()
        await insure(stack, who, paid=LONG)
        await desk.take(sent_by(who, number))
        await insure(stack, who, paid=SHORT)
        person = await desk.person(number)

        for version in (1, 1, 2):
            await desk.hear(person, version)

        assert await desk.determinations() == [(number, 1, "APPROVED")]
        tasks = await rows(desk.dsn, "SELECT version, kind, reason, due_on, state FROM review_task")
        assert [tuple(task) for task in tasks] == [
            (1, "COVERAGE_WORSE", "COVERAGE_WORSE", TODAY + timedelta(days=14), "OPEN")
        ]

    asyncio.run(act())


def test_what_is_the_same_for_her_changes_nothing_though_the_law_is_another(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = Insured()
        await insure(stack, who, paid=LONG)
        await desk.take(sent_by(who, number))
        desk.law = rules.LAW.given({"allowance.fund_days.local60": "true"})

        await desk.hear(await desk.person(number), 1)

        assert await desk.determinations() == [(number, 1, "APPROVED")]
        assert await desk.claim(number) == ("APPROVED", 1)

    asyncio.run(act())


def test_what_was_decided_on_later_knowledge_stays(stack: Stack) -> None:
    """The event was looked up, then the claim corrected on later coverage, then the event applied."""
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = Insured()
        await insure(stack, who, paid=SHORT)
        await desk.take(sent_by(who, number))
        async with desk.at_work() as (office, database):
            hearing = await usecases.prepare_hearing(office, database, [changed(await desk.person(number), 1)])
            await insure(stack, who, paid=LONG)
            again = claim(number=number, person=who.number, employer=who.employer)
            await take(office, database, [desk.message(replacement(again, 2))])

            async with database.transaction() as tx:
                await usecases.hear(office, tx, hearing)

        assert await desk.determinations() == [(number, 1, "DENIED"), (number, 2, "APPROVED")]
        assert await value(desk.dsn, "SELECT count(*) FROM review_task WHERE kind = 'COVERAGE_WORSE'") == 0

    asyncio.run(act())


def test_a_voided_claim_is_not_decided_again(stack: Stack) -> None:
    desk, number = Desk.open(stack), claim_number()

    async def act() -> None:
        who = await known_employer(stack, Insured())
        await desk.take(sent_by(who, number))
        await desk.take(void(number))
        await insure(stack, who)

        await desk.hear(await desk.person(number), 1)

        assert await desk.claim(number) == ("VOIDED", 2)
        assert await value(desk.dsn, "SELECT count(*) FROM waiting") == 0

    asyncio.run(act())


def test_events_about_nobody_on_file_are_only_noted(stack: Stack) -> None:
    desk = Desk.open(stack)

    async def act() -> None:
        person = stable_id(str(datetime.now(UTC)).encode())
        await desk.hear(person, 3)
        await desk.hear(person, 2)

        assert await value(desk.dsn, "SELECT coverage_version FROM person WHERE id = $1", person) == 3
        assert await value(desk.dsn, "SELECT count(*) FROM outbox") == 0

    asyncio.run(act())
