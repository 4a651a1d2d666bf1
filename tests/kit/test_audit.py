"""Calls that are refused are rows: of whom, of what, why, how often; and a flood of them is few rows."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local import authority
from deploy.local.authority import keep
from deploy.local.stack import Stack
from services.kit import audit, auth, db
from services.kit.audit import KINDS_MAX, OTHERS, Refusals, Wanted, refusals
from services.kit.clock import Clock
from services.kit.db import Database
from services.kit.errors import Forbidden, unseen
from services.kit.messages import reason
from tests.kit.answering import answering, free_address, outcome, settings
from tests.kit.live import new_database, rows, value
from tests.kit.test_auth_calls import ACCESS, METHODS, TOY

pytestmark = pytest.mark.integration
CLOCK = Clock()


@pytest.fixture
def dsn(stack: Stack) -> str:
    return new_database(stack, "claims")


async def of_another(request: Any, context: Any) -> Any:
    """It is there, and not for who asks."""
    raise unseen(reason("NOT_FOUND", "name", name="x"), is_there=auth.current().name == "source/friend")


async def not_yours(request: Any, context: Any) -> Any:
    raise Forbidden(reason("AUTH_SOURCE_NOT_YOURS", "parent"))


@dataclass(frozen=True)
class Late(Database):
    """A database whose answer comes only when it is let through."""

    done: asyncio.Event = field(default_factory=asyncio.Event)
    let_through: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        found = await super().fetch(sql, *arguments)
        self.done.set()
        await self.let_through.wait()
        return found


def test_what_is_being_written_when_a_service_ends_is_written_once(dsn: str) -> None:
    async def act() -> None:
        async with db.connect(dsn) as there:
            late = Late(there.pool, there.dsn)

            async def serve() -> None:
                async with refusals(late, CLOCK) as note:
                    note("source/late", "One", "AUTH_NO_ROLE")
                    await late.done.wait()

            serving = asyncio.create_task(serve())
            await late.done.wait()
            for _ in range(10):  # it has come to its end, and waits
                await asyncio.sleep(0)
            late.let_through.set()
            await serving

        (found,) = await rows(dsn, "SELECT sum(calls)::int AS calls FROM refused_call WHERE principal = 'source/late'")
        assert found["calls"] == 1

    asyncio.run(act())


def test_whatever_is_refused_for_who_asks_is_a_row(dsn: str, tmp_path: Path) -> None:
    """Forged, over, without permission, without a role, outside the scope, for another: each once, under its name."""
    ours, theirs = keep(tmp_path / "ours"), keep(tmp_path / "theirs")
    (tmp_path / "access.yaml").write_text(ACCESS)
    tool = ours.identity(authority.OPERATOR)
    friend = {"cradle_role": "friend"}

    def carrying(token: str) -> Any:
        return ours.identity(authority.OPERATOR, token=token)

    async def act() -> None:
        with free_address() as address:
            given = settings(ours, address, tmp_path / "access.yaml")
            async with (
                db.connect(dsn) as database,
                refusals(database, CLOCK) as refused,
                answering(given, [TOY], {"One": of_another, "Take": not_yours}, refused),
            ):
                for identity in (
                    carrying(theirs.token("mallory", friend)),
                    carrying(ours.token("anna", friend, lasts=timedelta(minutes=-1))),
                    ours.identity("source/stranger"),
                    ours.identity("intruder/x"),
                    tool,
                    ours.identity("source/friend"),
                    ours.identity("source/friend"),
                    carrying(ours.token("anna", friend)),  # to her it is not there, which is no refusal
                ):
                    await outcome(address, identity, METHODS["One"])
                await outcome(address, ours.identity("source/friend"), METHODS["Take"], ends=True)

        found = await rows(dsn, "SELECT principal, method, code, calls, first_at, last_at FROM refused_call")
        told: Counter[tuple[str, str, str]] = Counter()
        for row in found:
            told[row["principal"], row["method"], row["code"]] += row["calls"]
            assert row["first_at"] <= row["last_at"]
        assert told == {
            ("spiffe://cradle/tool/operator", "One", "AUTH_TOKEN_INVALID"): 1,
            ("spiffe://cradle/tool/operator", "One", "AUTH_TOKEN_EXPIRED"): 1,
            ("source/stranger", "One", "AUTH_PERMISSION_MISSING"): 1,
            ("spiffe://cradle/intruder/x", "One", "AUTH_NO_ROLE"): 1,
            ("spiffe://cradle/tool/operator", "One", "AUTH_NO_ROLE"): 1,
            ("source/friend", "One", "OUT_OF_SCOPE"): 2,
            ("source/friend", "Take", "AUTH_SOURCE_NOT_YOURS"): 1,
        }

    asyncio.run(act())


@pytest.mark.parametrize(
    ("callers", "kept"), [(KINDS_MAX, KINDS_MAX), (KINDS_MAX + 1, KINDS_MAX + 1), (5_000, KINDS_MAX + 1)]
)
def test_a_flood_is_few_rows_and_every_call_is_counted(dsn: str, callers: int, kept: int) -> None:
    async def act() -> None:
        async with db.connect(dsn) as database:
            flooded = Refusals(database, CLOCK)
            for number in range(3 * callers):
                flooded.note(
                    f"spiffe://cradle/tool/{number % callers}\x00{'x' * 1_000}", "GetClaim", "AUTH_TOKEN_INVALID"
                )
            await flooded.write()
            await flooded.write()

        found = await rows(dsn, "SELECT principal, calls FROM refused_call")
        assert len(found) == min(callers, KINDS_MAX + 1)
        assert sum(row["calls"] for row in found) == 3 * callers
        assert max(len(row["principal"]) for row in found) <= 200
        assert [row["calls"] for row in found if row["principal"] == OTHERS] == (
            [3 * (callers - KINDS_MAX)] if callers > KINDS_MAX else []
        )

    asyncio.run(act())


def test_what_could_not_be_written_is_written_later_and_once(dsn: str) -> None:
    async def act() -> None:
        async with db.connect(dsn) as database:
            kept = Refusals(database, CLOCK)
            kept.note("source/a", "GetClaim", "AUTH_NO_ROLE")
            await rows(dsn, "ALTER TABLE refused_call RENAME TO away")
            with pytest.raises(asyncpg.UndefinedTableError):
                await kept.write()
            kept.note("source/a", "GetClaim", "AUTH_NO_ROLE")
            kept.note("source/b", "GetClaim", "AUTH_NO_ROLE")
            await rows(dsn, "ALTER TABLE away RENAME TO refused_call")
            await kept.write()
            await kept.write()
            shown = await audit.refused_calls(database, Wanted(principal="source/a"), None, 10)

        assert [(one.kind.principal, one.happened.calls) for one in shown] == [("source/a", 2)]
        assert await value(dsn, "SELECT sum(calls) FROM refused_call") == 3

    asyncio.run(act())


@pytest.mark.parametrize("table", ["audit", "refused_call"])
@pytest.mark.parametrize("statement", ["UPDATE {0} SET method = ''", "DELETE FROM {0}", "TRUNCATE {0}"])
def test_the_audit_is_only_ever_appended_to(dsn: str, table: str, statement: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match=f"{table} is append-only"):
        asyncio.run(rows(dsn, statement.format(table)))
