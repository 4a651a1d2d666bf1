"""What is only ever appended to, and what the database itself refuses."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from deploy.local.stack import Stack
from tests.kit.live import new_database, rows

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> str:
    return new_database(stack, "claims")


@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"])
@pytest.mark.parametrize(
    ("table", "column"), [("determination", "outcome"), ("submission", "status"), ("law", "content")]
)
def test_what_is_only_ever_appended_to_refuses_to_change(dsn: str, table: str, column: str, statement: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match=f"{table} is append-only"):
        asyncio.run(rows(dsn, statement.format(table, column)))


CLAIM = """INSERT INTO claim VALUES (gen_random_uuid(), 'hospitals', $1, 1, $2, '610304', '2026-03-10',
    NULL, '{}', now(), now())"""


def test_a_number_is_claimed_once_by_a_source(dsn: str) -> None:
    asyncio.run(rows(dsn, CLAIM, "once", "PENDED"))

    with pytest.raises(asyncpg.UniqueViolationError):
        asyncio.run(rows(dsn, CLAIM, "once", "PENDED"))


def test_a_state_nobody_declared_cannot_be_written(dsn: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        asyncio.run(rows(dsn, CLAIM, "odd", "PAID_TWICE"))


DELIVERY = """WITH made AS (INSERT INTO claim VALUES (gen_random_uuid(), $1, 'd', 1, 'APPROVED', '610304', '2026-03-10',
    NULL, '{}', now(), now()) RETURNING id)
    INSERT INTO delivery SELECT '00000000-0000-0000-0000-000000000001', '2026-03-10', id FROM made"""


def test_a_delivery_is_approved_once_whichever_source_sends_it(dsn: str) -> None:
    asyncio.run(rows(dsn, DELIVERY, "hospitals"))

    with pytest.raises(asyncpg.UniqueViolationError):
        asyncio.run(rows(dsn, DELIVERY, "counter"))


DETERMINATION = """INSERT INTO determination
    VALUES ('00000000-0000-0000-0000-000000000002', $1, 1, $2, '2026-03-10', now(), '', '', '', '', now())"""


def test_a_revision_is_decided_once_and_may_be_looked_at_again_while_it_waits(dsn: str) -> None:
    asyncio.run(rows(dsn, DETERMINATION, 1, "PENDED"))
    asyncio.run(rows(dsn, DETERMINATION, 2, "PENDED"))
    asyncio.run(rows(dsn, DETERMINATION, 3, "APPROVED"))

    with pytest.raises(asyncpg.UniqueViolationError):
        asyncio.run(rows(dsn, DETERMINATION, 4, "DENIED"))
