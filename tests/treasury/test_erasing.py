"""Erasure reaches the treasury: accounts and names go once they are needed no more, and every fen stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from cradle.registry.v1 import event_pb2

from deploy.local.stack import Stack
from services.kit.ids import new_id
from services.kit.parking import Message
from services.treasury.usecases import banking, erasing
from tests.kit.live import rows
from tests.kit.opening import readable, traces
from tests.treasury.cashier import CARD, Cashier, account, act, answered, moved, statement
from tests.treasury.debts import notify, overpaid, repayment

pytestmark = pytest.mark.integration
NAME, NUMBER = "司马删除", "6217004260009876541"
HERS = traces(NAME, NUMBER)
AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
SUMS = (
    "SELECT * FROM budget ORDER BY 1",
    "SELECT * FROM payment_order ORDER BY 1",
    "SELECT * FROM transfer ORDER BY 1",
    "SELECT * FROM account_day ORDER BY 1, 2, 3",
    "SELECT * FROM recovery ORDER BY 1",
    "SELECT id, order_id, state, amount_fen, account_hash, payee FROM payment ORDER BY 1",
    "SELECT id, end_to_end_id, amount_fen, is_credit, key FROM statement_entry ORDER BY 1",
)


async def sums(dsn: str) -> list[list[asyncpg.Record]]:
    return [await rows(dsn, sql) for sql in SUMS]


def told(person: UUID) -> Message:
    event = event_pb2.PersonEvent(person=str(person), version=9)
    event.erased.erased_at.FromDatetime(AT)
    return Message("registry.person.v1", 0, 9, str(person).encode(), event.SerializeToString(), 0)


async def erase(here: Cashier, *persons: UUID) -> None:
    async with here.database.transaction() as tx:
        await erasing.hear(here.counter.desk, tx, erasing.read([told(one) for one in persons]))


async def look_again(here: Cashier) -> int:
    return await erasing.look_again(here.counter.desk, here.database)


def known(here: Cashier, *, is_erased: bool = False) -> UUID:
    """Another person, and what the registry answers of her account."""
    person = new_id()
    hers = ("PERSON_ERASED",) if is_erased else account(holder=NAME, number=NUMBER)
    here.registry.said[str(person)] = hers
    return person


def by(text: str) -> str:
    """A movement in whose details the bank names her."""
    return text.replace("</TxDtls>", f"<RmtInf><Ustrd>{NAME}</Ustrd></RmtInf></TxDtls>")


async def kept(here: Cashier) -> list[tuple[int, int, int]]:
    found = await here.database.fetch("SELECT number, accounts, details FROM erasure ORDER BY number")
    return [tuple(row) for row in found]


def test_what_has_ended_goes_at_once_and_every_sum_is_what_it_was(stack: Stack, dsn: str, tmp_path: Path) -> None:
    """Paid, returned with her name, rejected, repaid with her name; another's account stays."""

    async def story(here: Cashier) -> None:
        person = known(here)
        debt = await overpaid(here, 500, payee=str(person))
        found = await notify(here, debt)
        await here.hear(statement(by(repayment(found, 200)), day="2026-11-24"))
        (back,) = await here.owe(100, payee=str(person))
        await here.owe(300)
        await here.sent()
        paid = await here.payment(back)
        await here.hear(statement(moved(paid), by(moved(paid, why="AC04")), day="2026-11-25"))
        assert HERS.search(await readable(stack, dsn))
        before = await sums(dsn)

        await erase(here, person)
        await erase(here, person)

        left = await readable(stack, dsn)
        assert not HERS.search(left)
        assert traces(CARD).search(left)
        assert await sums(dsn) == before
        assert await kept(here) == [(0, 0, 0), (1, 2, 2)]
        assert await look_again(here) == 0

    act(stack, dsn, tmp_path, story)


@pytest.mark.parametrize("end", ["settled", "rejected", "returned", "unknown"])
def test_what_is_on_its_way_keeps_its_account_until_it_has_ended(
    stack: Stack, dsn: str, tmp_path: Path, end: str
) -> None:
    """It is sent with the account that was approved, heard of, even asked about; a reissue is not planned."""

    async def story(here: Cashier) -> None:
        person = known(here)
        (one,) = await here.owe(100, payee=str(person))
        run = await here.approved()
        await erase(here, person)
        here.registry.said[str(person)] = ("PERSON_ERASED",)
        assert await look_again(here) == 0
        await here.queue(run)
        await here.round()
        payment = await here.payment(one)
        assert payment["state"] == "SENT"
        assert NUMBER in "".join(path.read_text() for path in (here.root / "bank" / "outbox").glob("*.xml"))
        assert await look_again(here) == 0
        if end == "unknown":
            await banking.start(here.sender)  # a restart without an answer: it is asked about
            await here.round()
            assert (await here.states(one), await look_again(here)) == (["UNKNOWN"], 0)
        if end == "rejected":
            await here.hear(answered((payment, "RJCT", "AC04")))
        else:
            await here.hear(statement(moved(payment)))
        if end == "returned":
            await here.hear(statement(by(moved(payment, why="AC04")), day="2026-11-24"))

        assert await look_again(here) == 1

        assert not HERS.search(await readable(stack, dsn))
        assert await kept(here) == [(0, 0, 0), (1, 1, int(end == "returned"))]
        if end in {"rejected", "returned"}:  # owed again, and nobody knows where to
            again = await here.plan()
            assert (again.planned_count, await here.exceptions(again)) == (0, [["PERSON_ERASED"]])

    act(stack, dsn, tmp_path, story)


def test_a_file_that_did_not_leave_keeps_the_accounts_it_is_written_from(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """Whatever a bank says of a payment in it: the file must come out again with its hash."""

    async def story(here: Cashier) -> None:
        person = known(here)
        (one,) = await here.owe(100, payee=str(person))
        await here.sent()
        await here.hear(answered((await here.payment(one), "RJCT", "AC04")))
        await here.database.fetch("UPDATE bank_file SET handover = 'NOT_SENT'")

        await erase(here, person)

        assert await kept(here) == [(0, 0, 0)]
        await here.database.fetch("UPDATE bank_file SET handover = 'TAKEN'")
        assert await look_again(here) == 1
        assert not HERS.search(await readable(stack, dsn))

    act(stack, dsn, tmp_path, story)


def test_what_was_planned_is_dropped_when_it_is_approved_and_its_account_goes(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    """The plan was made before; and the other order: the event was heard before a plan that had looked her up."""

    async def story(here: Cashier) -> None:
        before, after = known(here), known(here)
        await here.owe(100, payee=str(before))
        await erase(here, after)
        await here.owe(200, payee=str(after))
        run = await here.plan()
        await erase(here, before)
        for person in (before, after):
            here.registry.said[str(person)] = ("PERSON_ERASED",)

        await here.approve(run)

        assert await here.states() == ["CANCELLED", "CANCELLED"]
        assert await look_again(here) == 2
        assert not HERS.search(await readable(stack, dsn))

    act(stack, dsn, tmp_path, story)


def test_of_a_statements_entry_only_the_sealed_part_is_ever_taken_away(stack: Stack, dsn: str) -> None:
    granted = """SELECT attname FROM pg_attribute WHERE attrelid = 'statement_entry'::regclass AND attacl IS NOT NULL"""
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'statement_entry'"

    async def look() -> None:
        assert [row["attname"] for row in await rows(dsn, granted)] == ["detail_sealed"]
        for (name,) in await rows(dsn, columns):
            if name != "detail_sealed":
                with pytest.raises(asyncpg.RaiseError, match="append-only"):
                    await rows(dsn, f"UPDATE statement_entry SET {name} = DEFAULT")

    asyncio.run(look())


def test_what_is_read_of_the_topic_is_erasures_only_each_once() -> None:
    person, other = new_id(), event_pb2.PersonEvent(person=str(new_id()), version=1)
    other.recorded.recorded_at.GetCurrentTime()
    recorded = Message("registry.person.v1", 0, 1, b"", other.SerializeToString(), 0)

    assert [tuple(one) for one in erasing.read([told(person), recorded, told(person)])] == [(person, AT)]
    with pytest.raises(ValueError, match="not an event on a person"):
        erasing.read([Message("registry.person.v1", 0, 1, b"", b"\xff", 0)])
