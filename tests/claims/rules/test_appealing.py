"""Until when an appeal may be filed, by when it is decided, and that nobody comes off worse for one."""

from __future__ import annotations

from datetime import date

import pytest

from services.claims.model.appeal import APPEAL_MOVES, AppealMove, AppealState, refusal_of_move
from services.claims.rules import LAW, decide
from services.claims.rules.appealing import due_on, is_worse, last_day
from services.kit.calendar import CALENDAR
from tests.builders import ALLOWANCE, facts, law_with

FACTS = facts(benefits=ALLOWANCE)


@pytest.mark.parametrize(
    ("notified", "last"),
    [
        (date(2026, 9, 21), date(2026, 11, 20)),  # a Friday
        (date(2026, 9, 22), date(2026, 11, 23)),  # a Saturday, so the Monday
        (date(2026, 9, 24), date(2026, 11, 23)),
        (date(2026, 8, 2), date(2026, 10, 8)),  # the first of October, so after the holidays
        (date(2026, 11, 10), date(2027, 1, 11)),  # a Saturday of a year that is not held
    ],
)
def test_the_window_ends_on_a_working_day(notified: date, last: date) -> None:
    assert last_day(notified, LAW, CALENDAR) == last


def test_where_the_authority_sets_no_window_there_is_no_last_day() -> None:
    none = law_with({"appeal.window_days": None, "appeal.decide_working_days": None})

    assert last_day(date(2026, 9, 21), none, CALENDAR) is None
    assert due_on(date(2026, 9, 21), none, CALENDAR) is None


def test_it_is_decided_within_working_days_and_a_year_that_is_not_held_leaves_that_open() -> None:
    assert due_on(date(2026, 11, 23), LAW, CALENDAR) == date(2026, 12, 21)
    assert due_on(date(2026, 12, 10), LAW, CALENDAR) is None


def test_nobody_comes_off_worse() -> None:
    before = decide(FACTS, LAW)

    assert is_worse(before, decide(FACTS, law_with({"allowance.divisor": 31})))
    assert not is_worse(before, before)
    assert not is_worse(before, decide(FACTS, law_with({"allowance.divisor": 29})))
    assert not is_worse(None, before)
    assert not is_worse(decide(FACTS, law_with({"allowance.divisor": None})), before)


@pytest.mark.parametrize("state", AppealState)
@pytest.mark.parametrize("move", AppealMove)
def test_what_has_ended_moves_no_more(state: AppealState, move: AppealMove) -> None:
    refused = refusal_of_move(state, move)

    assert (refused is None) == (state is AppealState.FILED)
    assert set(APPEAL_MOVES[AppealState.FILED].values()) == set(AppealState) - {AppealState.FILED}
