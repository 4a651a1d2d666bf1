"""What a claim waits for before it can be decided: coverage that may yet come, or a look at her employer."""

from __future__ import annotations

from typing import Final

from services.claims.model import Category, ClaimKind, Coverage, Determination, Event
from services.kit.dates import month_of

AWAITING: Final = "AWAITING_COVERAGE"
_BY_CONTRIBUTIONS: Final = {Category.EMPLOYEE, Category.FLEXIBLE}


def waits_before(kind: ClaimKind, coverage: Coverage, employer: str) -> tuple[str, ...]:
    """Why the claim cannot be decided yet, by what is known of her; empty if it can.

    `employer` is the one the claim names. Only the allowance of an employee rests on it.
    """
    if not coverage.is_known or coverage.person is None:
        return (AWAITING, "PERSON_UNKNOWN")
    if coverage.category is None:
        return (AWAITING, "COVERAGE_MISSING")
    of_employer = kind is ClaimKind.ALLOWANCE and coverage.category is Category.EMPLOYEE
    if of_employer and coverage.insured_by != employer:
        return ("EMPLOYER_MISMATCH",)
    return ()


def waits_after(event: Event, coverage: Coverage, determination: Determination) -> tuple[str, ...]:
    """Why what was decided does not stand yet: months were missing, and those of the event may not be reported.

    Months that are reported later can only make more of them continuous, so what is approved need not wait.
    """
    short = "CONTRIB_SHORT" in determination.reasons and coverage.category in _BY_CONTRIBUTIONS
    if short and coverage.reported_to_month < month_of(event.date):
        return (AWAITING, "CONTRIBUTIONS_NOT_REPORTED")
    return ()
