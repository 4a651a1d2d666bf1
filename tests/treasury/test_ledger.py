"""The ledger: appended to and never changed, sealed in blocks, its balances looked up in days."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.kit.clock import Clock
from services.kit.migrations import migrate
from services.treasury import store
from services.treasury.model.ledger import Verified
from services.treasury.store import Scope
from services.treasury.usecases import Sealing, verifying
from tests.kit.live import new_database, rows, unique
from tests.treasury.cashier import Cashier, moved
from tests.treasury.cashier import act as at_the_bank
from tests.treasury.cashier import statement as statement_of
from tests.treasury.counter import TODAY, Counter, case, counter, order

pytestmark = pytest.mark.integration
APPEND_ONLY = ("transfer", "ledger_block", "appropriation", "order_revision", "refusal")
NOTHING = [0, 0, 0, 0]  # of COMMITTED, SPENT, RECEIVABLE, RECOVERED
ALL = Scope("", "", None)


def act(stack: Stack, dsn: str, story: Callable[[Counter], Awaitable[None]]) -> None:
    async def run() -> None:
        async with counter(stack, dsn) as here:
            await story(here)

    asyncio.run(run())


async def some(here: Counter, count: int = 5) -> None:
    await here.give(10_000)
    await here.take_in(*[order(case(), 10 + number) for number in range(count)], b"\xff")


async def sealed(here: Counter) -> Sealing:
    """Two looks: what the first saw is sealed by the second."""
    sealing = Sealing(here.database, Clock(TODAY))
    await sealing.seal()
    await sealing.seal()
    return sealing


async def verified(here: Counter, most: int = 10) -> Verified:
    """All of the ledger, so much at a time; how far it is rises to the end."""
    found = await verifying.verify(here.database, verifying.BEGIN, most)
    while found.then:
        part = await verifying.verify(here.database, found.then, most)
        assert found.verified_parts < part.verified_parts <= part.total_parts
        found = part._replace(
            blocks=found.blocks + part.blocks,
            transfers=found.transfers + part.transfers,
            first_wrong_block=found.first_wrong_block or part.first_wrong_block,
            imbalance_fen=found.imbalance_fen + part.imbalance_fen,
        )
    assert found.verified_parts == found.total_parts
    return found


# --- append-only ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_change_is_taken_from_anybody(stack: Stack, dsn: str, table: str, change: str) -> None:
    column = {"transfer": "amount_fen", "ledger_block": "digest", "appropriation": "document"}.get(table, "position")
    column = {"order_revision": "revision"}.get(table, column)

    async def story(here: Counter) -> None:
        await some(here)
        await sealed(here)
        statement = change.format(table, column, column)
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await here.database.fetch(statement)

    act(stack, dsn, story)


def test_the_service_that_owns_the_tables_is_granted_no_change(stack: Stack) -> None:
    """Migrated by an owner who is no superuser, as in production."""

    async def act() -> None:
        admin, name, password = new_database(stack, "treasury"), unique("owner"), unique("secret")
        database = unique("owned")
        await _run(admin, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'", f"CREATE DATABASE {database} OWNER {name}")
        place = admin.rpartition("@")[2].rpartition("/")[0]
        dsn = f"postgresql://{name}:{password}@{place}/{database}"
        await asyncio.to_thread(migrate, dsn, "treasury")
        for table in APPEND_ONLY:
            assert await rows(dsn, f"SELECT * FROM {table}") == []
            for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await rows(dsn, statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await rows(dsn, "UPDATE transfer SET amount_fen = 1")
        async with counter(stack, dsn) as here:
            await some(here)
            await sealed(here)
            assert (await here.figures())[1] == 60
            assert (await verified(here)).first_wrong_block == 0

    asyncio.run(act())


async def _run(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


# --- sealing ----------------------------------------------------------------------------------------------------------


def test_blocks_are_chained_and_anybody_can_compute_them(stack: Stack, dsn: str) -> None:
    async def story(here: Counter) -> None:
        await some(here)
        sealing = await sealed(here)
        await here.take_in(order(case(), 77))
        await sealing.seal()
        await sealing.seal()

        blocks = await here.database.fetch("SELECT * FROM ledger_block ORDER BY number")
        previous = hashlib.sha256(b"cradle ledger").digest()
        assert [one["transfers"] for one in blocks] == [6, 1]
        for block in blocks:
            found = await here.database.fetch(
                "SELECT * FROM transfer WHERE id BETWEEN $1 AND $2 ORDER BY id",
                block["first_transfer"],
                block["last_transfer"],
            )
            content = "\n".join(_line(one) for one in found).encode()
            assert block["previous"] == previous
            previous = hashlib.sha256(previous + content).digest()
            assert block["digest"] == previous
        assert (await verified(here))[:5] == (2, 7, 0, 0, 0)
        assert (await verified(here, most=1))[:5] == (2, 7, 0, 0, 0)

    act(stack, dsn, story)


def _line(row: asyncpg.Record) -> str:
    at = row["booked_at"]
    micros = int(at.timestamp()) * 1_000_000 + at.microsecond
    parts = [row["id"], row["debit"], row["credit"], row["amount_fen"], row["kind"], row["order_id"] or "-"]
    return "|".join(map(str, [*parts, row["payment_id"] or "-", row["effective_on"], row["booked_on"], micros]))


def test_nothing_is_sealed_while_a_transaction_may_bring_an_earlier_transfer(stack: Stack, dsn: str) -> None:
    async def story(here: Counter) -> None:
        await here.give(10_000)
        async with here.database.transaction() as slow:
            await slow.execute("SELECT pg_current_xact_id(), nextval('transfer_id_seq')")
            await here.take_in(order(case(), 5))
            sealing = await sealed(here)
            await sealing.seal()
            assert await here.database.fetch("SELECT FROM ledger_block") == []

        await sealing.seal()

        assert (await verified(here))[:5] == (1, 2, 0, 0, 0)

    act(stack, dsn, story)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE transfer SET amount_fen = amount_fen + 1 WHERE id = (SELECT min(id) + 2 FROM transfer)",
        "UPDATE transfer SET debit = credit, credit = debit WHERE id = (SELECT min(id) + 2 FROM transfer)",
        "DELETE FROM transfer WHERE id = (SELECT max(id) FROM transfer)",
        "UPDATE transfer SET effective_on = effective_on - 1 WHERE id = (SELECT min(id) FROM transfer)",
        "UPDATE ledger_block SET digest = sha256('x') WHERE number = 1",
        "UPDATE ledger_block SET transfers = transfers + 1 WHERE number = 1",
        """INSERT INTO transfer (id, debit, credit, amount_fen, kind, effective_on, booked_on, booked_at)
           OVERRIDING SYSTEM VALUE VALUES (0, 1, 2, 5, 'RESERVE', now(), now(), now())""",
    ],
)
def test_whoever_tampers_with_triggers_off_is_found(stack: Stack, dsn: str, tampering: str) -> None:
    async def story(here: Counter) -> None:
        await some(here)
        await sealed(here)
        assert (await verified(here)).first_wrong_block == 0

        async with here.database.transaction() as tx:
            await tx.execute("SET LOCAL session_replication_role = replica")
            await tx.execute(tampering)

        found = await verified(here)
        assert found.first_wrong_block == 1

    act(stack, dsn, story)


def test_a_budget_that_differs_from_its_accounts_is_an_imbalance(stack: Stack, dsn: str) -> None:
    async def story(here: Counter) -> None:
        await some(here)
        assert await store.imbalance(here.database) == 0

        await here.database.fetch("UPDATE budget SET available_fen = available_fen + 7")

        assert await store.imbalance(here.database) == 14  # the figure, and the sum of all
        assert (await verified(here, 3)).imbalance_fen == 14

    act(stack, dsn, story)


@pytest.mark.parametrize("most", [1, 6, 7, 8, 100])
def test_a_sum_that_differs_from_its_transfers_is_found_however_it_is_paged(stack: Stack, dsn: str, most: int) -> None:
    """A budget has seven accounts. The first, the last, and one that is none of ours."""

    async def story(here: Counter) -> None:
        await some(here)
        assert (await verified(here, most))[4] == 0

        accounts = await here.database.fetch("SELECT min(id) AS first, max(id) AS last FROM account")
        await here.database.fetch(
            "UPDATE account_day SET debit_fen = debit_fen + 1, credit_fen = credit_fen + 1 WHERE account_id = $1",
            accounts[0]["first"],
        )
        assert (await verified(here, most)).imbalance_fen == 2
        await here.database.fetch(
            "INSERT INTO account_day VALUES ($1, '2026-11-23', '2026-11-23', 3, 3)", accounts[0]["last"]
        )
        assert (await verified(here, most)).imbalance_fen == 8
        await here.database.fetch("INSERT INTO account_day VALUES (1000000, '2026-11-23', '2026-11-23', 5, 5)")
        await here.database.fetch("INSERT INTO account_day VALUES (-1, '2026-11-23', '2026-11-23', 5, 5)")
        assert (await verified(here, most)).imbalance_fen == 28

    act(stack, dsn, story)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_block_that_is_not_as_sealed_is_told_once_wherever_a_part_ends(stack: Stack, dsn: str, most: int) -> None:
    async def story(here: Counter) -> None:
        await here.give(10_000)
        for _ in range(3):
            await here.take_in(order(case(), 10))
            await sealed(here)
        assert (await verified(here, most))[:3] == (3, 4, 0)

        async with here.database.transaction() as tx:
            await tx.execute("SET LOCAL session_replication_role = replica")
            await tx.execute("UPDATE transfer SET kind = 'RELEASE' WHERE id = (SELECT max(id) FROM transfer)")
        assert (await verified(here, most)).first_wrong_block == 3
        async with here.database.transaction() as tx:
            await tx.execute("SET LOCAL session_replication_role = replica")
            await tx.execute("DELETE FROM ledger_block WHERE number = 2")
        assert (await verified(here, most)).first_wrong_block == 2

    act(stack, dsn, story)


# --- balances ---------------------------------------------------------------------------------------------------------


def test_balances_as_of_a_day_by_booking_and_by_effect(stack: Stack, dsn: str) -> None:
    async def story(here: Counter) -> None:
        await some(here, 1)

        async def net(booked: date | None, effective: date | None) -> list[int]:
            return [
                one.debit_fen - one.credit_fen for one in await store.balances(here.database, ALL, booked, effective)
            ]

        before = TODAY - timedelta(1)
        assert await net(None, None) == [-10_000, 9_990, 10, *NOTHING]
        assert await net(TODAY, TODAY) == [-10_000, 9_990, 10, *NOTHING]
        assert await net(before, None) == await net(None, before) == [0, 0, 0, *NOTHING]
        moved = await store.movements(here.database, ALL, date(2026, 11, 1), date(2026, 11, 30))
        assert [(one.opening_fen, one.debit_fen, one.credit_fen) for one in moved] == [
            (0, 0, 10_000),
            (0, 10_000, 10),
            (0, 10, 0),
            *[(0, 0, 0) for _ in NOTHING],
        ]
        later = await store.movements(here.database, ALL, date(2026, 12, 1), date(2026, 12, 31))
        assert [one.opening_fen for one in later] == [-10_000, 9_990, 10, *NOTHING]

    act(stack, dsn, story)


@pytest.mark.parametrize("effective", [date(2026, 11, 20), date(2026, 12, 2)])
def test_what_has_effect_on_another_day_than_it_is_booked_is_seen_as_of_each(
    stack: Stack, dsn: str, tmp_path: Path, effective: date
) -> None:
    """Booked today: a debit that the bank made before, or will make in a month that is not there yet."""

    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        told = statement_of(moved(await here.payment(one)))
        await here.hear(told.replace("<DtTm>2026-11-27T", f"<DtTm>{effective}T"))
        (spend,) = await here.database.fetch("SELECT booked_on, effective_on FROM transfer WHERE kind = 'SPEND'")
        assert (spend["booked_on"], spend["effective_on"]) == (TODAY, effective)

        async def spent(booked: date | None, had_effect: date | None) -> int:
            found = await store.balances(here.database, ALL, booked, had_effect)
            assert sum(one.debit_fen - one.credit_fen for one in found) == 0
            return sum(one.debit_fen - one.credit_fen for one in found if one.account.endswith("/SPENT"))

        day = timedelta(1)
        assert [await spent(one, None) for one in (TODAY - day, TODAY, TODAY + day)] == [0, 100, 100]
        assert [await spent(None, one) for one in (effective - day, effective, effective + day)] == [0, 100, 100]
        assert [await spent(one, effective) for one in (TODAY - day, TODAY, TODAY + day)] == [0, 100, 100]
        assert [await spent(TODAY, one) for one in (effective - day, effective, effective + day)] == [0, 100, 100]
        assert await spent(TODAY - day, effective - day) == 0

    at_the_bank(stack, dsn, tmp_path, story)


def test_a_balance_costs_as_much_with_a_hundred_times_the_transfers(stack: Stack, dsn: str) -> None:
    """Rows read are days of accounts; the transfers are not looked at."""

    async def story(here: Counter) -> None:
        async def read() -> int:
            await here.database.fetch("ANALYZE")
            async with here.database.transaction() as tx:
                await tx.execute("SET LOCAL enable_seqscan = off")
                plan = await tx.fetch(
                    """EXPLAIN (ANALYZE, FORMAT JSON) SELECT sum(debit_fen - credit_fen) FROM account_day
                       WHERE account_id = (SELECT id FROM account WHERE kind = 'RESERVED') AND booked_on <= $1""",
                    TODAY,
                )
            text = plan[0][0]
            assert '"transfer"' not in text
            return _rows(json.loads(text)[0]["Plan"])

        await some(here, 5)
        few = await read()
        for _ in range(5):
            await here.take_in(*[order(case(), 1) for _ in range(100)])

        assert await read() == few

    act(stack, dsn, story)


def _rows(plan: dict[str, object]) -> int:
    inside = plan.get("Plans", [])
    assert isinstance(inside, list)
    return int(str(plan["Actual Rows"]).partition(".")[0]) + sum(map(_rows, inside))
