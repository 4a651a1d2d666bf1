"""Sessions whose client hangs, on the real PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest

from deploy.local.stack import Stack
from services.kit import db
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
