"""Sessions whose client hangs, and parts of a transaction, on the real PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from threading import Thread

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.kit import db
from services.kit.errors import is_away
from tests.kit.live import eventually, hanging_copy, new_database, value

pytestmark = pytest.mark.integration
ALIVE = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1"


def test_a_copy_that_hangs_is_ended_once_it_has_hung_long_enough(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act() -> None:
        dsn = new_database(stack, "claims")
        async with db.connect(dsn) as database, db.connect(dsn) as other, hanging_copy(other, "SELECT 1") as pid:
            assert await database.end_stalled() == 0
            assert await value(dsn, ALIVE, pid) == 1

            monkeypatch.setattr(db, "STALLED_S", 0.2)
            assert await eventually(database.end_stalled) == 1

            async def is_gone() -> bool:
                return bool(await value(dsn, ALIVE, pid) == 0)

            assert await eventually(is_gone)

    asyncio.run(act())


def test_a_session_that_is_not_a_service_is_left_alone(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "STALLED_S", 0)

    async def act() -> None:
        dsn = new_database(stack, "claims")
        named = "SET LOCAL application_name = 'pg_dump'"
        async with db.connect(dsn) as database, db.connect(dsn) as backup, hanging_copy(backup, named) as pid:
            assert await database.end_stalled() == 0
            assert await value(dsn, ALIVE, pid) == 1

    asyncio.run(act())


def test_a_part_that_fails_is_rolled_back_by_itself_with_what_it_tells(stack: Stack) -> None:
    async def act() -> None:
        counted: list[str] = []
        async with db.connect(new_database(stack, "claims")) as database, database.transaction() as tx:
            await tx.execute("CREATE TEMPORARY TABLE part (it text) ON COMMIT PRESERVE ROWS")
            for one in ("'first'", "1 / 0", "'last'"):
                with suppress(asyncpg.DivisionByZeroError):
                    async with tx.part():
                        tx.after_commit(partial(counted.append, one))
                        await tx.execute(f"INSERT INTO part SELECT ({one})::text")
            found = await tx.fetch("SELECT it FROM part")
        assert [row["it"] for row in found] == ["first", "last"]
        assert counted == ["'first'", "'last'"]

    asyncio.run(act())


def test_a_session_that_the_server_ends_while_it_is_idle_is_away_and_no_bug(stack: Stack) -> None:
    """Also when its goodbye has been read and the end of its stream has not: asyncpg has a word of its own for that."""
    dsn = new_database(stack, "claims")

    async def act(turns: int) -> Exception:
        async with db.connect(dsn) as database, database.own_connection() as connection:
            pid = connection.get_server_pid()
            ending = Thread(target=lambda: asyncio.run(end(dsn, pid)))
            ending.start()
            ending.join()  # our loop stands still meanwhile, so that it finds both at once
            for _ in range(turns):
                await asyncio.sleep(0)
            with pytest.raises(Exception) as caught:  # noqa: PT011  # which one is asked below
                await connection.execute("SELECT 1")
        return caught.value

    errors = [asyncio.run(act(turns)) for turns in range(5)]

    assert [repr(error) for error in errors if not is_away(error)] == []
    assert any(isinstance(error, asyncpg.InternalClientError) for error in errors)


def test_nor_is_one_that_it_ends_before_a_copy_and_that_cannot_be_cleared_up(stack: Stack) -> None:
    """What ending the transaction and giving the connection back raise must not hide why they were done."""
    dsn = new_database(stack, "claims")

    async def copy(database: db.Database, turns: int) -> None:
        async with database.transaction() as tx:
            await tx.execute("CREATE TEMPORARY TABLE copied (it text)")
            await tx.copy("copied", ["it"], [("once",)])  # the next asks for no columns first
            pid = tx.connection.get_server_pid()
            ending = Thread(target=lambda: asyncio.run(end(dsn, pid)))
            ending.start()
            ending.join()
            for _ in range(turns):
                await asyncio.sleep(0)
            await tx.copy("copied", ["it"], [("twice",)])

    async def act(turns: int) -> Exception:
        async with db.connect(dsn) as database:
            with pytest.raises(Exception) as caught:  # noqa: PT011  # which one is asked below
                await copy(database, turns)
        return caught.value

    errors = [asyncio.run(act(turns)) for turns in range(8)]

    assert [repr(error) for error in errors if not is_away(error)] == []
    assert any("in progress" in str(error) for error in errors)


async def end(dsn: str, pid: int) -> None:
    """End a session and wait until it is gone."""
    await value(dsn, "SELECT pg_terminate_backend($1, 5000)", pid)
