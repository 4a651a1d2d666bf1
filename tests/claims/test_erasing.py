"""Erasure reaches claims: nothing that opens is left of her, in either order, and every sum still adds up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from cradle.claims.v1 import appeal_pb2, claim_pb2, review_pb2, service_pb2
from cradle.registry.v1 import event_pb2

from deploy.local.stack import Stack
from services.claims import store, streams, usecases
from services.claims.api import Appeals, Claims, Reviews
from services.claims.usecases import Office, erasing
from services.claims.usecases import platform as adapter
from services.claims.usecases.platform import Gateway
from services.kit import auth
from services.kit.auth.principal import Principal
from services.kit.db import Database
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.kit.outbox import opened
from services.kit.parking import Message, Parking
from services.kit.replay import Replays
from tests.builders import (
    claim,
    claim_number,
    id_number,
    medical,
    message,
    provider_record,
    replacement,
    stay_sent,
    submit,
    uscc,
    void,
)
from tests.claims.desk import Desk, take
from tests.claims.harness import Insured, insured, record
from tests.claims.platform.messages import DATA, INFO, msgid, raw, settlement, undo
from tests.kit.live import eventually, rows, value
from tests.kit.opening import readable, traces

pytestmark = pytest.mark.integration
HOSPITAL = "H61030200123"
NAME, NOTE = "司马删除", "她的电话 13809171234"
AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
# What is asked for again after an erasure: every figure, and what was decided.
SUMS = (
    "SELECT * FROM accumulator ORDER BY 1, 2, 3",
    "SELECT * FROM taken ORDER BY 1, 2, 3",
    "SELECT * FROM benefit_hold ORDER BY 1, 2, 3, 4",
    "SELECT * FROM ordered ORDER BY 1, 2",
    "SELECT * FROM determination ORDER BY 1, 2",
    "SELECT id, state, version, county, person, content_hashes, payment FROM claim ORDER BY 1",
    """SELECT source, submit_date, sent, status, count(*), sum(claimed_fen) FROM submission
       GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""",
)


async def sums(dsn: str) -> list[list[asyncpg.Record]]:
    return [await rows(dsn, sql) for sql in SUMS]


def told(person: UUID, version: int = 9) -> Message:
    event = event_pb2.PersonEvent(person=str(person), version=version)
    event.erased.erased_at.FromDatetime(AT)
    return Message("registry.person.v1", 0, version, str(person).encode(), event.SerializeToString(), 0)


async def erase(office: Office, database: Database, *persons: UUID) -> None:
    async with database.transaction() as tx:
        await erasing.erase(office, tx, erasing.read([told(one) for one in persons]))


def sent_by(who: Insured, number: str, **changes: Any) -> bytes:
    return submit(claim(number=number, person=who.number, employer=who.employer, remark=NAME, **changes))


async def ask(office: Office, database: Database, servicer: type[Any], method: str, request: Any) -> Any:
    made = servicer(usecases.Desk(office, database))
    with auth.acting(Principal("person", "li", "city-reviewer", "baoji", frozenset(), counties=None)):
        return await getattr(made, method)(request, None)


def appeal(number: str, note: str) -> appeal_pb2.FileAppealRequest:
    return appeal_pb2.FileAppealRequest(
        claim=f"sources/hospitals/claims/{number}",
        appellant=appeal_pb2.APPELLANT_PERSON,
        ground=appeal_pb2.APPEAL_GROUND_FACTS_WRONG,
        request_id=str(uuid4()),
        note=note,
    )


def test_after_it_nothing_opens_of_her_and_every_sum_is_what_it_was(stack: Stack) -> None:
    """A claim corrected to another woman, one returned, notes, and another's beside it."""
    desk, her, other = Desk.open(stack), insured(stack), insured(stack)
    number, moved, wrong = claim_number(), claim_number(), claim_number()
    hers, others = traces(her.number, NAME, NOTE), traces(other.number)

    async def act() -> None:
        async with desk.at_work() as (office, database):
            first = [
                desk.message(sent_by(her, number)),
                desk.message(sent_by(her, moved)),
                desk.message(submit(claim(number=wrong, person=her.number, employer=uscc()))),
                desk.message(sent_by(other, claim_number()).replace(NAME.encode(), "留下的话".encode())),
            ]
            assert [status for status, _ in await take(office, database, first)] == [
                *("DETERMINED", "DETERMINED", "RETURNED", "DETERMINED")
            ]
            corrected = claim(number=moved, person=other.number, employer=other.employer)
            hers_again = claim(number=moved, person=her.number, employer=her.employer)
            later = [replacement(corrected, 2), replacement(hers_again, 9)]  # the last is returned: a gap
            await take(office, database, [desk.message(one) for one in later])
            both = claim_number()  # of her and of the other in one batch
            changed = claim(number=both, person=other.number, employer=other.employer)
            await take(office, database, [desk.message(one) for one in (sent_by(her, both), replacement(changed, 2))])
            made = await ask(office, database, Appeals, "FileAppeal", appeal(number, NOTE))
            person, before = await desk.person(number), await sums(desk.dsn)
            assert hers.search(await readable(stack, desk.dsn))

            await erase(office, database, person)

            left = await readable(stack, desk.dsn)
            assert not hers.search(left)
            assert others.search(left)
            assert await sums(desk.dsn) == before
            kept = [tuple(row) for row in await rows(desk.dsn, "SELECT person, submissions, notes, keys FROM erasure")]
            assert kept == [(person, 5, 1, 0)]

            await erase(office, database, person)  # the same again
            assert len(await rows(desk.dsn, "SELECT FROM erasure")) == 1

            review = await ask(office, database, Reviews, "GetReview", review_pb2.GetReviewRequest(name=made.review))
            assert [(entry.move, entry.note) for entry in review.history] == [("OPENED", "")]
            assert review.claim_on_file.person_erase_time.ToDatetime(UTC) == AT
            assert (await claim_on_file(office, database, made.claim)).HasField("person_erase_time")

    asyncio.run(act())


async def claim_on_file(office: Office, database: Database, name: str) -> claim_pb2.Claim:
    servicer: Any = Claims(database, office.law, None, None)  # type: ignore[arg-type]  # it only asks
    with auth.acting(Principal("person", "li", "city-reviewer", "baoji", frozenset(), counties=None)):
        found: claim_pb2.Claim = await servicer.GetClaim(service_pb2.GetClaimRequest(name=name), None)
        return found


def test_what_comes_later_is_decided_as_of_anybody_and_nothing_of_it_opens(stack: Stack) -> None:
    """The event came before the claim; and her claim is corrected, voided and appealed after it."""
    desk, her, number = Desk.open(stack), insured(stack), claim_number()

    async def act() -> None:
        async with desk.at_work() as (office, database):
            early = await usecases.prepare(office, [desk.message(sent_by(her, number))])
            (coverage,) = early.coverage.values()
            assert coverage.person is not None
            await erase(office, database, coverage.person)

            taken = await take(office, database, [desk.message(sent_by(her, number))])
            corrected = claim(number=number, person=her.number, employer=her.employer, remark=NAME, birth_order=2)
            taken += await take(office, database, [desk.message(replacement(corrected, 2))])
            with pytest.raises(Invalid) as refused:
                await ask(office, database, Appeals, "FileAppeal", appeal(number, NOTE))
            assert [(one.code, one.field) for one in refused.value.reasons] == [("NOTE_NOT_KEPT", "note")]
            await ask(office, database, Appeals, "FileAppeal", appeal(number, ""))
            taken += await take(office, database, [desk.message(void(number, 2))])

            assert [status for status, _ in taken] == ["DETERMINED", "DETERMINED", "VOIDED"]
            assert not traces(her.number, NAME, NOTE).search(await readable(stack, desk.dsn))
            assert await value(desk.dsn, "SELECT count(*) FROM submission WHERE person = $1", coverage.person) == 3

    asyncio.run(act())


def test_a_reviewers_own_words_about_an_erased_person_are_refused_and_the_move_is_not(stack: Stack) -> None:
    desk, her, number = Desk.open(stack), insured(stack), claim_number()

    async def act() -> None:
        async with desk.at_work() as (office, database):
            await take(office, database, [desk.message(sent_by(her, number))])
            made = await ask(office, database, Appeals, "FileAppeal", appeal(number, ""))
            await erase(office, database, await desk.person(number))
            move = review_pb2.Move(name=made.review, etag="1", note=NOTE)

            with pytest.raises(Invalid) as refused:
                await ask(office, database, Reviews, "TakeReview", review_pb2.TakeReviewRequest(move=move))
            assert [(one.code, one.field) for one in refused.value.reasons] == [("NOTE_NOT_KEPT", "move.note")]

    asyncio.run(act())


def test_a_parked_record_waits_whole_and_leaves_nothing_when_it_is_replayed(stack: Stack) -> None:
    """Nothing is lost: it is decided in the end, and only then are its bytes needed no more."""
    desk, her, number = Desk.open(stack), insured(stack), claim_number()

    async def act() -> None:
        async with desk.at_work() as (office, database):
            parking = Parking(streams.CONSUMER, office.sealer)
            early = await usecases.prepare(office, [desk.message(sent_by(her, number))])
            async with database.transaction() as tx:
                await parking.park(tx, desk.message(sent_by(her, number)), RuntimeError())
            (coverage,) = early.coverage.values()
            assert coverage.person is not None
            await erase(office, database, coverage.person)
            assert traces(her.number).search(await readable(stack, desk.dsn))

            (row,) = await rows(desk.dsn, "UPDATE parked SET state = 'REQUESTED' RETURNING id")
            await Replays(streams.intake(office), database, parking).replay(row["id"])

            assert await desk.claim(number) == ("APPROVED", 1)
            assert not traces(her.number, NAME).search(await readable(stack, desk.dsn))

    asyncio.run(act())


@pytest.mark.parametrize("first", ["intake", "erasure"])
def test_a_record_that_is_settled_while_she_is_erased_leaves_nothing_whoever_is_first(stack: Stack, first: str) -> None:
    """Each holds her lock until it has committed, so the other sees what it did."""
    desk, her, number = Desk.open(stack), insured(stack), claim_number()

    async def act() -> None:
        async with desk.at_work() as (office, database):
            prepared = await usecases.prepare(office, [desk.message(sent_by(her, number))])
            (coverage,) = prepared.coverage.values()
            assert coverage.person is not None
            heard = erasing.read([told(coverage.person)])

            async def second() -> None:
                async with database.transaction() as tx:
                    if first == "intake":
                        await erasing.erase(office, tx, heard)
                    else:
                        await usecases.take_in(office, tx, prepared)

            async with database.transaction() as tx:
                if first == "intake":
                    await usecases.take_in(office, tx, prepared)
                else:
                    await erasing.erase(office, tx, heard)
                waiting = asyncio.create_task(second())
                await eventually(lambda: is_waiting(database), waiting)
            await waiting

            assert not traces(her.number, NAME).search(await readable(stack, desk.dsn))
            assert await desk.claim(number) == ("APPROVED", 1)
            assert await value(desk.dsn, "SELECT count(*) FROM erasure") == 1

    asyncio.run(act())


async def is_waiting(database: Database) -> bool:
    (row,) = await database.fetch(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return bool(row["count"])


def test_a_husband_is_erased_out_of_his_wifes_claims(stack: Stack) -> None:
    desk, her, number = Desk.open(stack), Insured(), claim_number()
    him = insured(stack, made=Insured(id_number(sequence=401)))
    asyncio.run(record(stack, providers=[provider_record(HOSPITAL)]))

    async def act() -> None:
        async with desk.at_work() as (office, database):
            sent = submit(medical(number=number, person=her.number, husband=him.number, stays=[stay_sent(500_000)]))
            await take(office, database, [desk.message(sent)])
            husband = await value(desk.dsn, "SELECT husband FROM claim WHERE number = $1", number)
            assert traces(him.number).search(await readable(stack, desk.dsn))

            await erase(office, database, husband)
            await take(office, database, [desk.message(sent)])  # sent again, it is a duplicate

            assert not traces(him.number).search(await readable(stack, desk.dsn))
            assert await value(desk.dsn, "SELECT array_agg(status ORDER BY id) FROM submission") == [
                *("DETERMINED", "DUPLICATE")
            ]

    asyncio.run(act())


def test_an_undo_finds_the_settlement_of_an_erased_person(stack: Stack) -> None:
    """The key of her settlement goes; its undo leaves all the same, and again after a settlement that came again."""
    desk, her = Desk.open(stack), insured(stack)
    number = f"S{claim_number()}"[:30]
    named = {f"{INFO}certno": her.number, f"{INFO}setl_id": number}

    async def act() -> None:
        async with desk.at_work() as (office, database):
            gateway = Gateway(office.clock, office.sealer)

            async def came(content: dict[str, Any], offset: int) -> list[Message]:
                """What the adapter makes of it, as it reaches the intake."""
                sent = message(raw(content), topic="claims.platform-intake.v1.hospitals", offset=offset)
                batch = await adapter.prepare(gateway, [sent])
                async with database.transaction() as tx:
                    await adapter.take_in(gateway, tx, batch)
                left = await rows(desk.dsn, "DELETE FROM outbox WHERE sealed RETURNING *")
                return [desk.message(opened(row, office.sealer)["payload"]) for row in left]

            await take(office, database, await came(settlement(named), 1))
            person = await value(desk.dsn, "SELECT person FROM submission")
            await erase(office, database, person)
            assert await value(desk.dsn, "SELECT keys FROM erasure") == 1
            assert await value(desk.dsn, "SELECT count(*) FROM platform_settlement WHERE sealed_key IS NULL") == 1
            await take(office, database, await came(settlement({**named, "msgid": msgid()}), 2))
            assert await value(desk.dsn, "SELECT count(*) FROM platform_settlement WHERE sealed_key IS NULL") == 1

            undone = await came(undo({f"{DATA}setl_id": number}), 3)

            assert len(undone) == 1
            assert not traces(her.number).search(await readable(stack, desk.dsn))

    asyncio.run(act())


def test_what_names_nobody_goes_when_its_days_are_over(stack: Stack) -> None:
    """At its last instant it is kept, after it not; what names somebody stays until she is erased."""
    desk, her, number = Desk.open(stack), insured(stack), claim_number()
    unreadable = NAME.encode() + her.number.encode()

    async def act() -> None:
        async with desk.at_work() as (office, database):
            await take(office, database, [desk.message(sent_by(her, number)), desk.message(unreadable)])
            held = "SELECT sealed IS NOT NULL FROM submission ORDER BY id"
            kept = await value(desk.dsn, "SELECT max(kept_at) FROM submission")
            async with database.transaction() as tx:
                assert await store.erasing.take_unnamed(tx, kept) == 0
                assert await store.erasing.take_unnamed(tx, kept + timedelta(microseconds=1)) == 1
            assert [row[0] for row in await rows(desk.dsn, held)] == [True, False]
            assert await erasing.forget_unnamed(office, database) == 0

    asyncio.run(act())


def test_what_is_read_of_the_topic_is_erasures_only_each_once() -> None:
    person, at = new_id(), event_pb2.PersonEvent(person=str(new_id()), version=1)
    at.recorded.recorded_at.GetCurrentTime()
    other = Message("registry.person.v1", 0, 1, b"", at.SerializeToString(), 0)

    assert [one.person for one in erasing.read([told(person, 2), other, told(person, 3)])] == [person]
    with pytest.raises(ValueError, match="not an event on a person"):
        erasing.read([Message("registry.person.v1", 0, 1, b"", b"\xff", 0)])
    assert streams.PERSON_CONSUMER == "claims.person"


@pytest.mark.parametrize(("table", "column"), [("submission", "sealed"), ("review_entry", "note_sealed")])
def test_what_was_sealed_is_only_ever_taken_away(stack: Stack, table: str, column: str) -> None:
    desk, her, number = Desk.open(stack), insured(stack), claim_number()

    async def act() -> None:
        async with desk.at_work() as (office, database):
            await take(office, database, [desk.message(sent_by(her, number))])
            await ask(office, database, Appeals, "FileAppeal", appeal(number, NOTE))
        with pytest.raises(asyncpg.RaiseError, match=f"{table} is append-only"):
            await rows(desk.dsn, f"UPDATE {table} SET {column} = 'other'")
        every = await rows(desk.dsn, "SELECT column_name FROM information_schema.columns WHERE table_name = $1", table)
        for (name,) in every:
            if name != column:
                with pytest.raises(asyncpg.RaiseError, match=f"{table} is append-only"):
                    await rows(desk.dsn, f"UPDATE {table} SET {name} = DEFAULT")
        await rows(desk.dsn, f"UPDATE {table} SET {column} = NULL")
        with pytest.raises(asyncpg.RaiseError, match=f"{table} is append-only"):
            await rows(desk.dsn, f"UPDATE {table} SET {column} = ''")

    asyncio.run(act())
