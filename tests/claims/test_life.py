"""Through the running roles: medical claims, voids, control totals, and coverage that comes late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import orjson
import pytest
from cradle.claims.v1 import claim_pb2, event_pb2, intake_pb2, receipt_pb2, service_pb2

from deploy.local.stack import Stack
from services.claims import store, usecases
from services.claims.model import Account, Level
from services.claims.rules import LAW, decide, taken_by
from services.claims.rules.history import REVISIONS
from services.kit.dates import from_proto
from services.kit.db import Database
from services.kit.errors import is_conflict
from tests.builders import (
    DELIVERED,
    OTHER_HOSPITAL,
    TODAY,
    claim,
    claim_number,
    control_totals,
    employer_record,
    for_surgery,
    id_number,
    item_sent,
    law_with,
    medical,
    person_record,
    provider_record,
    replacement,
    stay_sent,
    submit,
    visit_sent,
    void,
)
from tests.claims.desk import Desk, take
from tests.claims.harness import Insured, Receipt, asking, events, exchange, insure, insured, record
from tests.kit.live import read_until, rows, value

pytestmark = pytest.mark.integration

HOSPITAL = "H61030200123"


@pytest.fixture(scope="module", autouse=True)
def hospitals(stack: Stack) -> None:
    """One at each level, and one that closed on the day before a delivery's discharge."""
    closed = provider_record("H61030200666", last=DELIVERED + timedelta(days=3))
    known = [provider_record(HOSPITAL), provider_record(OTHER_HOSPITAL, Level.SECONDARY), closed]
    asyncio.run(record(stack, providers=known))


# --- medical claims -------------------------------------------------------------------------------------------------


def test_a_settlement_is_decided_by_the_registers_level_and_told_by_line(stack: Stack) -> None:
    who = insured(stack)

    (answer,) = exchange(stack, submit(medical(number=claim_number(), person=who.number, stays=[stay_sent(520_000)])))

    assert (answer.status, answer.codes) == ("DETERMINED", [])
    assert (answer.receipt.medical_fen, answer.receipt.allowance_fen) == (520_000, 0)
    assert answer.receipt.lines[0].payee == claim_pb2.PAYEE_PROVIDER
    (event,) = events(stack, answer.receipt.claim, 1)
    assert event.determined.kind == claim_pb2.CLAIM_KIND_PROVIDER_SETTLEMENT
    assert (event.determined.medical_fen, event.determined.lines[0].amount_fen) == (520_000, 520_000)


@pytest.mark.parametrize(
    ("stay", "codes"),
    [
        (stay_sent(provider="H61030299999"), [("PROVIDER_UNKNOWN", "submit.claim.stays[0].provider")]),
        (stay_sent(provider="H61030200666"), [("PROVIDER_CLOSED", "submit.claim.stays[0].provider")]),
        (stay_sent(provider="H61030200666", discharged=DELIVERED + timedelta(days=3)), []),
        (
            stay_sent(provider=OTHER_HOSPITAL, level="TERTIARY"),
            [("PROVIDER_LEVEL_DENIED", "submit.claim.stays[0].level")],
        ),
        (stay_sent(provider=OTHER_HOSPITAL, level="SECONDARY"), []),
    ],
    ids=["unknown", "closed", "on its last day", "another level", "its level"],
)
def test_an_institution_is_what_the_register_says(
    stack: Stack, stay: intake_pb2.Stay, codes: list[tuple[str, str]]
) -> None:
    who = insured(stack)

    (answer,) = exchange(stack, submit(medical(number=claim_number(), person=who.number, stays=[stay])))

    assert answer.codes == codes
    assert answer.status == ("RETURNED" if codes else "DETERMINED")


def test_each_surgery_of_a_day_is_approved_once(stack: Stack) -> None:
    """Of allowances, for what hospitals get for a surgery is not set as shipped."""
    who, codes = insured(stack), ["1", "3", "5", "3"]
    sent = [for_surgery(claim(number=claim_number(), person=who.number, employer=who.employer), code) for code in codes]

    answers = exchange(stack, *map(submit, sent))

    assert [one.receipt.allowance_fen for one in answers] == [
        2 * 20_000,
        15 * 20_000,
        21 * 20_000,
        0,
    ]  # 6,000 / 30 a day
    assert answers[3].receipt.outcome == claim_pb2.CLAIM_STATE_DUPLICATE
    assert answers[3].codes == [("DUPLICATE_EVENT", "")]


# --- voids ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one after the other"])
def test_a_void_frees_the_delivery_and_the_number_is_never_taken_in_again(stack: Stack, at_once: bool) -> None:
    who, number, other = insured(stack), claim_number(), claim_number()
    mine = claim(number=number, person=who.number, employer=who.employer)
    sent = [
        submit(mine),
        void(number),
        submit(claim(number=other, person=who.number, employer=who.employer)),
        replacement(mine, 2),
        void(number),
    ]

    answers = exchange(stack, *sent) if at_once else [exchange(stack, one)[0] for one in sent]

    assert [(one.status, [code for code, _ in one.codes]) for one in answers] == [
        ("DETERMINED", []),
        ("VOIDED", []),
        ("DETERMINED", []),
        ("RETURNED", ["CLAIM_VOIDED"]),
        ("DUPLICATE", ["VOID_ALREADY"]),
    ]
    assert answers[1].receipt.outcome == claim_pb2.CLAIM_STATE_VOIDED
    assert answers[2].receipt.outcome == claim_pb2.CLAIM_STATE_APPROVED
    told = events(stack, answers[0].receipt.claim, 2)
    assert [(event.version, event.WhichOneof("event")) for event in told] == [(1, "determined"), (2, "voided")]
    assert (told[1].voided.revision, told[1].voided.reason) == (1, intake_pb2.VOID_REASON_ENTERED_TWICE)


def test_a_claim_that_was_a_duplicate_of_a_voided_one_is_decided_again(stack: Stack) -> None:
    who, number, other = insured(stack), claim_number(), claim_number()
    sent = [claim(number=one, person=who.number, employer=who.employer) for one in (number, other)]
    _, duplicate, _ = exchange(stack, submit(sent[0]), submit(sent[1]), void(number))

    told = events(stack, duplicate.receipt.claim, 2)

    assert [event.determined.outcome for event in told] == [
        claim_pb2.CLAIM_STATE_DUPLICATE,
        claim_pb2.CLAIM_STATE_APPROVED,
    ]


def test_a_void_and_a_correction_come_to_the_same_end_in_their_own_order(stack: Stack) -> None:
    """Void first: the correction is returned. Correction first: a void of the first revision is stale."""
    who = [insured(stack), insured(stack)]
    mine = [claim(number=claim_number(), person=one.number, employer=one.employer) for one in who]

    void_first = exchange(stack, submit(mine[0]), void(mine[0].claim_number), replacement(mine[0], 2))
    void_last = exchange(
        stack, submit(mine[1]), replacement(mine[1], 2), void(mine[1].claim_number), void(mine[1].claim_number, 2)
    )

    assert [one.codes for one in void_first] == [[], [], [("CLAIM_VOIDED", "replace.claim.claim_number")]]
    assert [one.codes for one in void_last] == [[], [], [("VOID_STALE", "void.revision")], []]
    assert [one.status for one in void_last][-1] == "VOIDED"


# --- control totals -------------------------------------------------------------------------------------------------

DAY = date(2026, 11, 20)


def test_totals_are_compared_with_what_was_taken_in_and_those_sent_later_hold(stack: Stack) -> None:
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        mine = claim(number="A", person=who.number, employer=who.employer, claimed_fen=1_960_000)
        again = claim(number="A", person=who.number, employer=who.employer, claimed_fen=2_000_000)
        bad = claim(number="B", person=who.number, employer=who.employer, county="110101", claimed_fen=5)
        day = datetime(2026, 11, 20, 9, tzinfo=UTC)
        records = [submit(mine), submit(mine), replacement(again, 2), submit(bad), void("A", 2, submitted=day), b"\xff"]
        await desk.take(*records)

        agreed = await desk.take(control_totals(DAY, 2, 1, 1, 3_960_005))
        differ = await desk.take(control_totals(DAY, 3, 0, 2, 1, sent=datetime(2026, 11, 22, 3, tzinfo=UTC)))
        older = await desk.take(control_totals(DAY, 9, 9, 9, 9, sent=datetime(2026, 11, 21, 3, tzinfo=UTC)))
        kept = await rows(desk.dsn, "SELECT submitted, taken_submitted, differs FROM control_total")

        assert agreed == [("TOTALS_AGREE", [])]
        assert differ == [
            (
                "TOTALS_DIFFER",
                [
                    "TOTALS_SUBMITTED_DIFFER",
                    "TOTALS_REPLACED_DIFFER",
                    "TOTALS_VOIDED_DIFFER",
                    "TOTALS_CLAIMED_DIFFER",
                ],
            )
        ]
        assert older[0][0] == "TOTALS_DIFFER"
        assert [tuple(row) for row in kept] == [(3, 2, True)]

    asyncio.run(act())


def test_totals_before_and_after_their_claims_agree_in_the_end(stack: Stack) -> None:
    """In one batch they are compared last; what comes later still is compared again by the timer."""
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        mine = submit(claim(number="A", person=who.number, employer=who.employer))
        first = await desk.take(control_totals(DAY, 1), mine)
        early = await desk.take(control_totals(DAY, 2))
        await desk.take(submit(claim(number="B", person=who.number, employer=who.employer)))
        async with desk.at_work() as (office, database):
            before = await store.differences(database)
            await usecases.watch(database, office.clock, office.settings.sources)
            after = await store.differences(database)

        assert first[0] == ("TOTALS_AGREE", [])
        assert early == [("TOTALS_DIFFER", ["TOTALS_SUBMITTED_DIFFER"])]
        assert (before, after) == ({"hospitals": 1}, {"hospitals": 0})

    asyncio.run(act())


def test_totals_of_a_day_not_over_are_returned_and_a_source_is_told_its_own(stack: Stack) -> None:
    today, other = exchange(stack, control_totals(date(2026, 11, 23)), control_totals(date(2025, 1, 1), 7))

    assert (today.status, today.codes) == ("RETURNED", [("TOTALS_DAY_NOT_OVER", "control_totals.date")])
    assert other.status == "TOTALS_DIFFER"
    assert other.codes == [("TOTALS_SUBMITTED_DIFFER", "control_totals.submitted")]
    assert "7" in other.receipt.reasons[0].text_en
    assert other.key.decode() == other.receipt.receipt_id


async def shown(stack: Stack, name: str) -> claim_pb2.Claim:
    async with asking(stack) as stub:
        return await stub.GetClaim(service_pb2.GetClaimRequest(name=name), timeout=10)


# --- late coverage --------------------------------------------------------------------------------------------------


def test_a_claim_that_waited_is_decided_when_the_registry_hears_of_her(stack: Stack) -> None:
    who, number = Insured(), claim_number()
    asyncio.run(record(stack, [employer_record(who.employer)]))
    (waiting,) = exchange(stack, submit(claim(number=number, person=who.number, employer=who.employer)))
    assert [code for code, _ in waiting.codes] == ["AWAITING_COVERAGE", "PERSON_UNKNOWN"]
    pended = asyncio.run(shown(stack, waiting.receipt.claim))
    assert [one.code for one in pended.waits_for] == ["AWAITING_COVERAGE", "PERSON_UNKNOWN"]
    assert all(one.text_zh and one.text_en for one in pended.waits_for)
    assert from_proto(pended.waits_until) == TODAY + timedelta(days=60)

    asyncio.run(insure(stack, who))

    told = events(stack, waiting.receipt.claim, 2)
    assert [(event.version, event.WhichOneof("event")) for event in told] == [(1, "pended"), (2, "determined")]

    def mine(read: list[Any]) -> list[Receipt]:
        return [Receipt.FromString(one.value) for one in read if one.key == number.encode()]

    read = asyncio.run(read_until(stack, ["claims.receipt.v1.hospitals"], lambda found: len(mine(found)) >= 2))
    assert [receipt_pb2.ReceiptStatus.Name(one.status) for one in mine(read)] == [
        "RECEIPT_STATUS_PENDED",
        "RECEIPT_STATUS_DETERMINED",
    ]
    assert isinstance(told[1], event_pb2.ClaimEvent)
    decided = asyncio.run(shown(stack, waiting.receipt.claim))
    assert not decided.waits_for
    assert not decided.HasField("waits_until")


def test_a_claim_that_waited_is_decided_when_the_registry_hears_of_her_husband(stack: Stack) -> None:
    him = Insured(id_number(sequence=401))
    sent = medical(number=claim_number(), person=id_number(), husband=him.number, stays=[stay_sent()])
    (waiting,) = exchange(stack, submit(sent))
    assert [code for code, _ in waiting.codes] == ["AWAITING_COVERAGE", "PERSON_UNKNOWN"]

    asyncio.run(insure(stack, him))

    told = events(stack, waiting.receipt.claim, 2)
    assert [(event.version, event.WhichOneof("event")) for event in told] == [(1, "pended"), (2, "determined")]
    assert told[1].determined.outcome == claim_pb2.CLAIM_STATE_APPROVED


def test_a_claim_without_a_wage_is_decided_when_her_employers_comes(stack: Stack) -> None:
    who, number = Insured(), claim_number()
    person = person_record(who.number, who.employer)
    asyncio.run(record(stack, [employer_record(who.employer, wages={2024: 600_000})], [person]))
    (waiting,) = exchange(stack, submit(claim(number=number, person=who.number, employer=who.employer)))
    assert [code for code, _ in waiting.codes] == ["WAGE_REQUIRED"]

    asyncio.run(record(stack, [employer_record(who.employer)]))

    told = events(stack, waiting.receipt.claim, 2)
    assert [(event.version, event.WhichOneof("event")) for event in told] == [(1, "pended"), (2, "determined")]
    assert told[1].determined.allowance_fen == 1_960_000


# --- races ----------------------------------------------------------------------------------------------------------

ROUNDS = 100


@pytest.mark.parametrize("kind", ["an allowance", "medical cost"])
def test_two_sources_in_two_workers_race_for_one_delivery_a_hundred_times(stack: Stack, kind: str) -> None:
    """One is paid, the other told: one order, one hold, and for the loser the code that says why.

    Two workers are two offices, each with a pool of its own: what keeps them apart is the database alone (her row's
    lock, and the constraint on what is held), as it is between processes. That a worker may die meanwhile is
    `tests/crash`'s to show.
    """
    desk = Desk.open(stack)
    who = [Insured() for _ in range(ROUNDS)]

    def sent(one: Insured, source: str) -> bytes:
        number = f"{source}-{claim_number()}"
        if kind == "an allowance":
            return submit(claim(number=number, person=one.number, employer=one.employer))
        return submit(medical(number=number, person=one.number, stays=[stay_sent()]))

    async def act() -> None:
        employers = [employer_record(one.employer) for one in who]
        await record(stack, employers, [person_record(one.number, one.employer) for one in who])
        async with desk.at_work() as (office, database), desk.at_work() as (second, other):
            for one in who:
                both = await asyncio.gather(
                    until_taken(database, lambda d: take(office, d, [desk.message(sent(one, "hospitals"))])),  # noqa: B023
                    until_taken(other, lambda d: take(second, d, [desk.message(sent(one, "counter"), "counter")])),  # noqa: B023
                )
                assert [status for ((status, _),) in both] == ["DETERMINED"] * 2

        outcomes = await rows(
            desk.dsn, "SELECT person, array_agg(state ORDER BY state) AS s FROM claim GROUP BY person"
        )
        assert [row["s"] for row in outcomes] == [["APPROVED", "DUPLICATE"]] * ROUNDS
        assert await value(desk.dsn, "SELECT count(*) FROM benefit_hold") == ROUNDS
        paid = await rows(
            desk.dsn,
            """SELECT person, array_agg(state) AS states FROM claim JOIN ordered ON claim_id = claim.id AND owed_fen > 0
               GROUP BY person""",
        )
        assert [row["states"] for row in paid] == [["APPROVED"]] * ROUNDS
        told = await rows(
            desk.dsn,
            """SELECT string_agg(state || ' ' || array_to_string(reasons, ','), '; ' ORDER BY state) AS each
               FROM claim JOIN submission ON claim_id = claim.id GROUP BY claim.person""",
        )
        assert [row["each"] for row in told] == ["APPROVED ; DUPLICATE DUPLICATE_DELIVERY"] * ROUNDS

    asyncio.run(act())


Taken = list[tuple[str, list[str]]]


async def until_taken(database: Database, work: Callable[[Database], Awaitable[Taken]]) -> Taken:
    """As the inbox does: who lost a race reads and decides again."""
    while True:
        try:
            return await work(database)
        except asyncpg.PostgresError as error:
            if not is_conflict(error):
                raise


# --- what is taken from caps and counts -------------------------------------------------------------------------------

CAPPED = law_with(
    {
        "medical.antenatal.cap_per_pregnancy": 200_000,
        "medical.delivery.mode": "ORDINARY",
        "art.items": ("ART-01", "ART-02"),
    }
)


def a_claim(random: Random, who: Insured, number: str) -> intake_pb2.ClaimSubmission:
    """Of one woman: stays, visits and items that press against every cap there is."""
    return medical(
        random.choice(["REIMBURSEMENT", "PROVIDER_SETTLEMENT"]),
        number=number,
        person=who.number,
        on=random.choice([DELIVERED, DELIVERED + timedelta(days=1), DELIVERED - timedelta(days=300)]),
        stays=[stay_sent(random.randrange(100_000, 30_000_000), transfer_filed=random.random() < 0.5)]
        * random.randrange(2),
        visits=[visit_sent(random.randrange(1, 90_000)) for _ in range(1 + random.randrange(3))],
        items=[
            item_sent(random.choice(["ART-01", "ART-02"]), date(2026, 1, 15 + day))
            for day in range(random.randrange(3))
        ],
    )


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_of_claims_corrections_and_voids_the_sums_are_those_of_what_stands(
    stack: Stack, seed: int
) -> None:
    desk, who, random = Desk.open(stack), insured(stack), Random(seed)
    desk.law = CAPPED
    revisions: dict[str, int] = {}

    def step() -> bytes:
        number = random.choice(sorted(revisions)) if revisions and random.random() < 0.6 else f"N-{len(revisions)}"
        if number not in revisions:
            revisions[number] = 1
            return submit(a_claim(random, who, number))
        if random.random() < 0.3:
            return void(number, revisions[number])
        revisions[number] += 1
        return replacement(a_claim(random, who, number), revisions[number])

    async def act() -> None:
        for _ in range(12):
            await desk.take(*[step() for _ in range(1 + random.randrange(4))])
            assert await sums(desk) == await recomputed(desk)
        assert await value(desk.dsn, "SELECT count(*) FROM accumulator WHERE amount > 0") > 0

        for number, revision in revisions.items():
            await desk.take(void(number, revision, why="WITHDRAWN_BY_CLAIMANT"))
        assert await sums(desk) == {}
        assert await desk.held() == []

    asyncio.run(act())


async def sums(desk: Desk) -> dict[tuple[str, str], int]:
    found = await rows(desk.dsn, "SELECT account, key, amount FROM accumulator WHERE amount > 0")
    return {(row["account"], row["key"]): row["amount"] for row in found}


async def recomputed(desk: Desk) -> dict[tuple[str, str], int]:
    """From the determinations of the claims that stand: the last decided one of each, unless it was voided."""
    found = await rows(
        desk.dsn,
        """SELECT DISTINCT ON (claim_id) facts, result, rules_revision FROM determination
           JOIN claim ON claim.id = claim_id WHERE state <> 'VOIDED' AND outcome <> 'PENDED'
           ORDER BY claim_id, determination.version DESC""",
    )
    total: dict[tuple[str, str], int] = {}
    for row in found:
        lift = REVISIONS[row["rules_revision"]]
        facts = lift.lift_facts(orjson.loads(row["facts"]))
        for one in taken_by(facts, lift.lift_result(orjson.loads(row["result"])), CAPPED):
            if one.account is Account.COST:
                continue  # once, and not summed up
            total[one.account, one.key] = total.get((one.account, one.key), 0) + one.amount
    return total


def test_a_claim_decided_under_another_law_is_decided_again_from_its_own_row(stack: Stack) -> None:
    desk, who = Desk.open(stack), insured(stack)
    desk.law = CAPPED

    async def act() -> None:
        await desk.take(submit(a_claim(Random(1), who, "A")))
        (row,) = await rows(desk.dsn, "SELECT facts, result FROM determination")
        lift = REVISIONS["2026.2"]
        facts = lift.lift_facts(orjson.loads(row["facts"]))

        assert decide(facts, CAPPED) == lift.lift_result(orjson.loads(row["result"]))
        assert CAPPED.digest != LAW.digest

    asyncio.run(act())
