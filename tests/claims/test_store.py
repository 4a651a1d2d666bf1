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


HOLD = """INSERT INTO benefit_hold
    VALUES ('00000000-0000-0000-0000-000000000001', '2026-03-10', $1, $2, gen_random_uuid(), '', '', 0)"""


def test_a_benefit_of_an_event_is_approved_once_whichever_source_sends_it(dsn: str) -> None:
    for event_type in ("DELIVERY", "MISCARRIAGE", "FAMILY_PLANNING_SURGERY"):
        for benefit in ("ALLOWANCE", "MEDICAL"):
            asyncio.run(rows(dsn, HOLD, event_type, benefit))

            with pytest.raises(asyncpg.UniqueViolationError):
                asyncio.run(rows(dsn, HOLD, event_type, benefit))


SURGERY = """INSERT INTO benefit_hold
    VALUES ('00000000-0000-0000-0000-000000000008', '2026-03-10', 'FAMILY_PLANNING_SURGERY', 'MEDICAL',
            gen_random_uuid(), '', '', 0, $1)"""


def test_each_surgery_of_a_day_is_approved_once(dsn: str) -> None:
    for code in ("1", "5"):
        asyncio.run(rows(dsn, SURGERY, code))

        with pytest.raises(asyncpg.UniqueViolationError):
            asyncio.run(rows(dsn, SURGERY, code))


def test_what_a_worker_of_the_release_before_approves_holds_too(dsn: str) -> None:
    """It may run on for a while beside this one, and knows only `delivery`."""
    person, claim_id = "00000000-0000-0000-0000-000000000003", "00000000-0000-0000-0000-000000000004"
    held = f"SELECT event_type, benefit, kind FROM benefit_hold WHERE person = '{person}'"

    asyncio.run(rows(dsn, f"INSERT INTO delivery VALUES ('{person}', '2026-03-10', '{claim_id}')"))
    assert [tuple(row) for row in asyncio.run(rows(dsn, held))] == [("DELIVERY", "ALLOWANCE", "ALLOWANCE_APPROVED")]

    asyncio.run(rows(dsn, f"DELETE FROM delivery WHERE claim_id = '{claim_id}'"))
    assert asyncio.run(rows(dsn, held)) == []


TAKEN = """INSERT INTO taken (claim_id, account, key, person, amount)
    VALUES (gen_random_uuid(), $1, $2, $3::text::uuid, 1)"""


def test_a_cost_is_taken_once_for_a_woman_and_a_sum_as_often_as_there_is_room(dsn: str) -> None:
    woman, other = "00000000-0000-0000-0000-000000000006", "00000000-0000-0000-0000-000000000007"
    for account, key, person in (("COST", "a", woman), ("COST", "b", woman), ("COST", "a", other)):
        asyncio.run(rows(dsn, TAKEN, account, key, person))
    for _ in range(2):
        asyncio.run(rows(dsn, TAKEN, "ITEM", "a", woman))

    with pytest.raises(asyncpg.UniqueViolationError):
        asyncio.run(rows(dsn, TAKEN, "COST", "a", woman))


ACCUMULATOR = "INSERT INTO accumulator VALUES (gen_random_uuid(), 'ANTENATAL', '2026-03-10', $1, $2)"


@pytest.mark.parametrize(("amount", "cap"), [(0, 100), (99, 100), (100, 100), (101, None)])
def test_a_sum_within_its_cap_is_kept(dsn: str, amount: int, cap: int | None) -> None:
    asyncio.run(rows(dsn, ACCUMULATOR, amount, cap))


@pytest.mark.parametrize(("amount", "cap"), [(-1, None), (-1, 100), (101, 100)])
def test_a_sum_below_nothing_or_above_its_cap_is_refused(dsn: str, amount: int, cap: int | None) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        asyncio.run(rows(dsn, ACCUMULATOR, amount, cap))


DETERMINATION = """INSERT INTO determination
    VALUES ('00000000-0000-0000-0000-000000000002', $1, 1, $2, '2026-03-10', now(), '', '', '', '', now())"""


def test_a_revision_is_decided_once_and_may_be_looked_at_again_while_it_waits(dsn: str) -> None:
    asyncio.run(rows(dsn, DETERMINATION, 1, "PENDED"))
    asyncio.run(rows(dsn, DETERMINATION, 2, "PENDED"))
    asyncio.run(rows(dsn, DETERMINATION, 3, "APPROVED"))

    with pytest.raises(asyncpg.UniqueViolationError):
        asyncio.run(rows(dsn, DETERMINATION, 4, "DENIED"))


AGAIN = """INSERT INTO determination VALUES
    ('00000000-0000-0000-0000-000000000005', $1, 1, 'APPROVED', '2026-03-10', now(), '', '', '', '', now(), $2)"""


def test_a_revision_is_decided_again_only_under_the_next_number(dsn: str) -> None:
    asyncio.run(rows(dsn, AGAIN, 1, 1))
    asyncio.run(rows(dsn, AGAIN, 2, 2))

    with pytest.raises(asyncpg.UniqueViolationError):
        asyncio.run(rows(dsn, AGAIN, 3, 2))
