"""What is append-only in the treasury: by a trigger to everybody, and by what its owner is not granted."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from deploy.local.stack import Stack
from tests.kit.live import new_database, rows

pytestmark = pytest.mark.integration
# What may change. Every other table has to be append-only: a new one that is in neither fails here.
CHANGES = {
    *("answered", "consumed", "outbox", "parked", "schema_migrations"),  # the kit's
    *("account", "run_exception"),  # which nothing changes, and which prove nothing
    *("budget", "account_day", "payment_order"),
    *("payment_run", "payment", "bank_file", "bank_message", "unmatched", "unknown_resolution"),
    *("treasury_hold", "recovery", "recovery_dispute", "recovery_write_off", "order_decision", "refused_account"),
}
TABLES = "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
FOUND = """SELECT c.relname AS name,
                  (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1) AS first,
                  ARRAY(SELECT privilege_type FROM aclexplode(c.relacl) WHERE grantee = c.relowner) AS granted
           FROM pg_class AS c JOIN pg_trigger AS t ON t.tgrelid = c.oid JOIN pg_proc AS f ON f.oid = t.tgfoid
           WHERE f.proname = 'refuse_change'"""


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> str:
    return new_database(stack, "treasury")


def test_every_table_that_is_to_be_is_append_only(dsn: str) -> None:
    tables = {one["name"] for one in asyncio.run(rows(dsn, TABLES))}
    assert tables >= CHANGES
    assert {one["name"] for one in asyncio.run(rows(dsn, FOUND))} == tables - CHANGES


def test_no_table_takes_a_change_from_anybody_not_even_of_no_row(dsn: str) -> None:
    for one in asyncio.run(rows(dsn, FOUND)):
        name, first = one["name"], one["first"]
        for change in (f"UPDATE {name} SET {first} = DEFAULT", f"DELETE FROM {name}", f"TRUNCATE {name}"):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                asyncio.run(rows(dsn, change))


def test_its_owner_is_granted_no_change(dsn: str) -> None:
    for one in asyncio.run(rows(dsn, FOUND)):
        assert {"INSERT", "SELECT"} <= set(one["granted"]), one["name"]
        assert not {"UPDATE", "DELETE", "TRUNCATE"} & set(one["granted"]), one["name"]
