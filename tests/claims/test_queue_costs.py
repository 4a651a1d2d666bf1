"""What the queue of reviews costs the intake: nothing, while no claim waits for a person."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import cast

import pytest

from services.claims.model import Claim, State
from services.claims.rules import LAW
from services.claims.store import Change
from services.claims.usecases import queueing
from services.claims.usecases.batch import Terms
from services.kit.db import Tx
from services.kit.ids import new_id

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
TERMS = Terms(LAW, date(2026, 11, 23), NOW, date(2026, 12, 23), date(2026, 12, 7))
NO_DATABASE = cast("Tx", None)


def changed(state: State, version: int = 1) -> Change:
    return Change(
        Claim(new_id(), "hospitals", "C-1", version, state, "610304", date(2026, 3, 10), new_id(), (b"",), NOW, NOW)
    )


def test_a_batch_in_which_nothing_waits_costs_no_statement() -> None:
    told: list[queueing.Told] = [
        (changed(State.APPROVED), ()),
        (changed(State.DENIED), ("CONTRIB_SHORT",)),
        (changed(State.PENDED), ("AWAITING_COVERAGE", "PERSON_UNKNOWN")),
        (changed(State.PENDED), ("PARAMETER_UNSET",)),
    ]

    asyncio.run(queueing.queue(NO_DATABASE, told, TERMS))


@pytest.mark.parametrize(
    ("state", "codes", "asked"),
    [
        (State.PENDED, ["EMPLOYER_MISMATCH"], "EMPLOYER_MISMATCH"),
        (State.PENDED, ["GESTATION_REQUIRED", "THIRD_CHILD_REVIEW"], "GESTATION_REQUIRED"),
        (State.APPROVED, ["THIRD_CHILD_REVIEW"], "THIRD_CHILD_REVIEW"),
        (State.DENIED, ["CONTRIB_SHORT", "THIRD_CHILD_REVIEW"], None),
        (State.DUPLICATE, ["DUPLICATE_DELIVERY"], "DUPLICATE_DELIVERY"),
        (State.DENIED, ["DOUBLE_BENEFIT", "THIRD_CHILD_REVIEW"], "DOUBLE_BENEFIT"),
        (State.PARTIALLY_APPROVED, ["DUPLICATE_DELIVERY"], "DUPLICATE_DELIVERY"),
        (State.PENDED, ["DUPLICATE_DELIVERY", "DELIVERY_DATE_REVIEW"], "DELIVERY_DATE_REVIEW"),
        (State.PENDED, ["DUPLICATE_DELIVERY", "WAGE_REQUIRED"], "WAGE_REQUIRED"),
        (State.DUPLICATE, ["DUPLICATE_EVENT"], None),
        (State.RETURNED, ["COVERAGE_LATE"], None),
        (State.VOIDED, ["THIRD_CHILD_REVIEW"], None),
    ],
)
def test_a_claim_leaves_one_question_or_none(state: State, codes: list[str], asked: str | None) -> None:
    questions = queueing.questions_of(changed(state), codes, TERMS)

    assert [question.reason for question in questions] == ([asked] if asked else [])
