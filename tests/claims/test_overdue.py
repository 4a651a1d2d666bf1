"""Time running out: a claim that waits, and for no reviewer, past the last day on which the law has it decided."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from cradle.claims.v1 import claim_pb2, service_pb2
from prometheus_client import REGISTRY

from deploy.local.stack import Stack
from services.claims import store
from services.claims.model import ClaimKind
from services.claims.rules import LAW, review
from services.claims.store import Wanted
from services.claims.usecases import overdue
from services.kit import db
from services.kit.calendar import CALENDAR
from services.kit.clock import Clock
from services.kit.dates import instants_of
from tests.claims.harness import asking
from tests.kit.live import new_database, rows

ONE = timedelta(days=1)
RECEIVED = date(2026, 9, 21)  # a Monday before the holidays of October


@pytest.mark.parametrize("kind", ClaimKind)
def test_what_was_received_is_overdue_from_the_day_after_its_last(kind: ClaimKind) -> None:
    due = review.due_on(kind, RECEIVED, LAW, CALENDAR)
    assert due is not None
    assert review.overdue_before(kind, LAW, CALENDAR, due) <= RECEIVED
    assert review.overdue_before(kind, LAW, CALENDAR, due + ONE) > RECEIVED


def test_ten_working_days_of_an_allowance_are_counted_past_holidays() -> None:
    """2026-09-25 to 27 and 10-01 to 07 are off, 10-10 is worked (国办发明电〔2025〕7号)."""
    assert review.due_on(ClaimKind.ALLOWANCE, date(2026, 9, 21), LAW, CALENDAR) == date(2026, 10, 12)
    assert review.overdue_before(ClaimKind.ALLOWANCE, LAW, CALENDAR, date(2026, 10, 13)) == date(2026, 9, 22)


def test_in_a_year_that_is_not_held_a_year_is_longer_than_any_term() -> None:
    assert review.overdue_before(ClaimKind.ALLOWANCE, LAW, CALENDAR, date(2040, 12, 31)) == date(2039, 12, 31)


# --- counted and listed ----------------------------------------------------------------------------------------------

CLAIM = """INSERT INTO claim (id, source, number, version, state, county, event_date, content_hashes, received_at,
                              updated_at, kind)
    VALUES (gen_random_uuid(), 'hospitals', $1, 1, $2, '610304', '2026-03-10', '{}', $3, now(), $4)"""
TASK = """INSERT INTO review_task (id, claim_id, version, kind, reason, opened_at, state, outcome)
    SELECT gen_random_uuid(), id, 1, 'WAGE_REQUIRED', 'WAGE_REQUIRED', now(), $2::text,
           CASE WHEN $2 = 'CLOSED' THEN 'SUPERSEDED' END FROM claim WHERE number = $1"""
WAITS = """INSERT INTO waiting (claim_id, revision, reasons, facts, known_at)
    SELECT id, 1, '{AWAITING_COVERAGE}', '', now() FROM claim WHERE number = $1"""


@pytest.mark.integration
def test_those_are_counted_by_what_they_wait_for_and_listed(stack: Stack) -> None:
    dsn, today = new_database(stack, "claims"), date(2026, 10, 13)
    begin, _ = instants_of(date(2026, 9, 22))  # what was received on the 21st was due on the 12th

    async def add(number: str, state: str = "PENDED", late: timedelta = -timedelta(microseconds=1),
                  kind: str = "ALLOWANCE") -> None:  # fmt: skip
        await rows(dsn, CLAIM, number, state, begin + late, kind)

    async def act() -> None:
        await add("coverage")
        await rows(dsn, WAITS, "coverage")
        await add("parameter")
        await add("another-parameter")
        await rows(dsn, TASK, "another-parameter", "CLOSED")
        await add("in-time", late=timedelta(0))
        await add("thirty-days", kind="REIMBURSEMENT")
        await add("decided", "DENIED")
        await add("before-a-reviewer")
        await rows(dsn, TASK, "before-a-reviewer", "OPEN")

        async with db.connect(dsn) as database:
            await overdue.watch(database, LAW, Clock(today))
            assert figures() == {"COVERAGE": 1, "PARAMETER": 2}
            wanted = Wanted(overdue=overdue.terms_over(LAW, today), source="hospitals")
            found = await store.list_claims(database, wanted, before=None, limit=9)
            assert {one.number for one in found} == {"coverage", "parameter", "another-parameter"}
            await rows(dsn, "UPDATE claim SET state = 'APPROVED'")
            await overdue.watch(database, LAW, Clock(today))
            assert figures() == {"COVERAGE": 0, "PARAMETER": 0}

    asyncio.run(act())


def figures() -> Mapping[str, float | None]:
    told = REGISTRY.get_sample_value
    return {reason: told("cradle_claims_overdue", {"reason": reason}) for reason in store.WAITS_FOR}


@pytest.mark.integration
def test_the_list_takes_the_question(stack: Stack) -> None:
    """Claims of this stack were received after its today, so none of them is late."""

    async def act() -> None:
        async with asking(stack) as claims:
            found = await claims.ListClaims(service_pb2.ListClaimsRequest(overdue=True), timeout=10)
            approved = service_pb2.ListClaimsRequest(overdue=True, state=claim_pb2.CLAIM_STATE_APPROVED)
            assert list((await claims.ListClaims(approved, timeout=10)).claims) == []
            assert all(one.state == claim_pb2.CLAIM_STATE_PENDED for one in found.claims)

    asyncio.run(act())
