"""Every way through the tables of moves: none awards with an open gate, one assessor, or a running objection."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.certification.model import (
    NOT_ON_FILE,
    Application,
    Decision,
    Facts,
    IndicatorKind,
    Move,
    Outcome,
    State,
)
from services.certification.model.moves import (
    CERTIFICATE_ENDS,
    CERTIFICATES,
    ENDS,
    MOVES,
    CertificateMove,
    CertificateState,
    Table,
    problems,
)
from services.certification.rules import decide
from services.certification.rules.applications import Done, Under, moved, open_moves
from services.kit.calendar import CALENDAR
from services.kit.messages import Reason
from tests.certification.sheets import LARGE, LATEST, best

GATES = [gate.id for gate in LATEST.of(IndicatorKind.GATE)]
UNDER = Under(LATEST, CALENDAR)
FIRST = date(2026, 3, 2)
SHEETS = {name: best(name) for name in "abcdef"}


@cache
def decided(gates: tuple[tuple[str, bool], ...], assessors: tuple[str, ...]) -> Decision:
    return decide(Facts(LARGE, gates, sheets=tuple(SHEETS[name] for name in assessors)), LATEST)


@dataclass
class Way:
    """One application and what was done with it; every decision is that of the rules."""

    application: Application = NOT_ON_FILE
    today: date = FIRST
    refused: list[str] = field(default_factory=list)

    def does(self, move: Move, **details: object) -> bool:
        done = Done(move, self.today, decision=self.decision(), **details)  # type: ignore[arg-type]
        found = moved(self.application, done, UNDER)
        if isinstance(found, Reason):
            self.refused.append(found.code)
            return False
        self.application = found
        return True

    def decision(self) -> Decision | None:
        """As the assessors' sheets and the gates have it."""
        if len(self.application.gates) < len(GATES):
            return None
        return decided(self.application.gates, self.application.assessors)

    def to(self, state: State) -> Way:
        """By the shortest way that a good application takes."""
        steps: dict[State, tuple[Move, ...]] = {
            State.DRAFT: (Move.SAVE,),
            State.SUBMITTED: (Move.SUBMIT,),
            State.SCREENING: (Move.COMPLETE,),
            State.ASSESSMENT: (Move.LOOK_UP, Move.SCREEN),
            State.VERIFICATION: (Move.SCORE, Move.ASSESS),
            State.REVIEW: (Move.VISIT,),
            State.PUBLIC_NOTICE: (Move.SCORE, Move.PROPOSE),
        }
        for reached, moves in steps.items():
            for move in moves:
                by = "b" if self.application.assessors else "a"
                gates = GATES if move is Move.LOOK_UP else [""]
                assert all(self.does(move, by=by, gate=gate, passed=True) for gate in gates), (move, self.refused)
            assert self.application.state is reached
            if reached is state:
                return self
        raise AssertionError(state)


# --- the tables -------------------------------------------------------------------------------------------------------


def test_both_tables_are_whole() -> None:
    assert problems(MOVES, set(State), ENDS) == []
    assert problems(CERTIFICATES, set(CertificateState), CERTIFICATE_ENDS) == []


def test_a_state_out_of_reach_or_without_a_way_on_is_told() -> None:
    cut: Table[State, Move] = {
        state: {m: to for m, to in moves.items() if m is not Move.RETURN} for state, moves in MOVES.items()
    }

    assert problems(cut, set(State), ENDS) == ["LAPSED cannot be reached", "RETURNED cannot be reached"]
    stuck: Table[State, Move] = {**MOVES, State.SCREENING: {}}
    assert problems(stuck, set(State), ENDS)[-1] == "SCREENING is a dead end"
    on: Table[State, Move] = {**MOVES, State.AWARDED: {Move.SAVE: State.DRAFT}}
    assert "AWARDED is final and has a way on" in problems(on, set(State), ENDS)
    left_out: Table[State, Move] = {state: moves for state, moves in MOVES.items() if state is not State.LAPSED}
    assert problems(left_out, set(State), ENDS)[0] == "LAPSED has no row"


def test_a_certificate_is_never_alive_again_once_it_has_ended() -> None:
    for state in CERTIFICATE_ENDS:
        assert CERTIFICATES[state] == {}
    assert CERTIFICATES[CertificateState.SUSPENDED][CertificateMove.REINSTATE] is CertificateState.ACTIVE
    assert CertificateMove.EXTEND not in CERTIFICATES[CertificateState.SUSPENDED]


@pytest.mark.parametrize("state", [state for state in MOVES if state])
@pytest.mark.parametrize("move", Move)
def test_a_move_that_is_not_open_is_answered_with_those_that_are(state: State, move: Move) -> None:
    application = Application(state, days_left=1)
    found = moved(application, Done(move, FIRST), UNDER)

    if move not in MOVES[state]:
        assert isinstance(found, Reason)
        assert found.code == "APPLICATION_MOVE_NOT_ALLOWED"
        assert dict(found.values) == {"state": state, "allowed": ", ".join(open_moves(application)) or "-"}
    elif isinstance(found, Reason):
        assert found.code != "APPLICATION_MOVE_NOT_ALLOWED"
    else:
        assert found.state is MOVES[state][move]


# --- the way to an award ----------------------------------------------------------------------------------------------


def test_a_good_application_is_awarded_on_the_day_after_its_notice() -> None:
    """Published on Monday 2 March 2026, five working days end on Monday 9 March."""
    way = Way().to(State.PUBLIC_NOTICE)

    assert way.application.notice_ends_on == date(2026, 3, 9)
    way.today = date(2026, 3, 9)
    assert not way.does(Move.AWARD)
    way.today = date(2026, 3, 10)
    assert way.does(Move.AWARD)
    assert way.application.state is State.AWARDED
    assert way.refused == ["NOTICE_RUNS"]


def test_a_gate_that_opens_during_the_notice_stops_the_award() -> None:
    way = Way().to(State.PUBLIC_NOTICE)
    way.today += timedelta(days=20)

    assert way.does(Move.LOOK_UP, gate=GATES[0], passed=False)
    assert not way.does(Move.AWARD)
    assert way.refused == ["GATE_IS_OPEN"]
    assert way.does(Move.DECLINE)


def test_an_objection_goes_back_and_the_notice_runs_anew() -> None:
    way = Way().to(State.PUBLIC_NOTICE)
    way.today = date(2026, 3, 9)
    assert way.does(Move.OBJECT)
    assert not way.does(Move.PROPOSE)
    assert way.does(Move.SETTLE)
    assert not way.does(Move.SETTLE)
    assert way.does(Move.PROPOSE)

    assert way.application.notice_ends_on == date(2026, 3, 16)
    assert way.refused == ["OBJECTION_RUNS", "OBJECTION_MISSING"]


def test_an_objection_after_the_notice_is_too_late() -> None:
    way = Way().to(State.PUBLIC_NOTICE)
    way.today = date(2026, 3, 10)

    assert not way.does(Move.OBJECT)
    assert way.refused == ["NOTICE_HAS_ENDED"]


def test_a_second_assessor_is_another_person() -> None:
    way = Way().to(State.REVIEW)

    assert not way.does(Move.PROPOSE)
    assert not way.does(Move.SCORE, by="a")
    assert way.does(Move.SCORE, by="b")
    assert way.does(Move.SCORE, by="c")
    assert not way.does(Move.SCORE, by="d")
    assert way.refused == ["SECOND_ASSESSOR_MISSING", "SAME_ASSESSOR", "ASSESSORS_ENOUGH"]


def test_gates_are_looked_up_before_anything_is_scored() -> None:
    way = Way().to(State.SCREENING)

    assert not way.does(Move.SCREEN)
    assert not way.does(Move.LOOK_UP, gate="gate.no_such", passed=True)
    assert way.refused == ["GATES_NOT_LOOKED_UP", "GATE_UNKNOWN"]


def test_information_is_asked_for_once_and_the_clock_stands_still() -> None:
    """15 working days from Monday 2 March end on 23 March; asked on 16 March, 5 are left."""
    way = Way().to(State.ASSESSMENT)
    assert way.application.due_on == date(2026, 3, 23)
    way.today = date(2026, 3, 16)
    assert way.does(Move.ASK)
    assert way.application.due_on == date(2026, 3, 30)
    way.today = date(2026, 3, 30)
    assert not way.does(Move.EXPIRE)
    way.today = date(2026, 3, 31)
    assert way.does(Move.EXPIRE)

    assert way.application.state is State.ASSESSMENT
    assert way.application.due_on == date(2026, 4, 8)  # 清明 4 to 6 April
    assert not way.does(Move.ASK)
    assert way.refused == ["DEADLINE_RUNS", "INFORMATION_ASKED_BEFORE"]


def test_a_returned_application_lapses_the_day_after_its_deadline() -> None:
    way = Way().to(State.SUBMITTED)
    assert way.does(Move.RETURN)
    assert way.application.due_on == date(2026, 3, 23)
    way.today = date(2026, 3, 23)
    assert not way.does(Move.EXPIRE)
    way.today = date(2026, 3, 24)
    assert way.does(Move.EXPIRE)
    assert way.application.state is State.LAPSED


# --- the review of a decision -----------------------------------------------------------------------------------------


def declined() -> Way:
    way = Way().to(State.REVIEW)
    way.does(Move.SCORE, by="b")
    way.does(Move.LOOK_UP, gate=GATES[0], passed=False)
    assert way.does(Move.DECLINE)
    return way


@pytest.mark.parametrize(("last", "open_"), [(20, True), (23, True), (24, False)])
def test_a_review_is_asked_for_within_fifteen_working_days(last: int, open_: bool) -> None:
    way = declined()
    way.today = date(2026, 3, last)

    assert way.does(Move.ASK_REVIEW) is open_
    assert way.refused == ([] if open_ else ["DEADLINE_PASSED"])


def test_a_review_is_decided_within_four_weeks_by_others_and_asked_for_once() -> None:
    way = declined()
    assert way.does(Move.ASK_REVIEW)
    assert way.application.due_on == date(2026, 3, 30)  # 20 working days: 28 days without a holiday
    assert not way.does(Move.SCORE, by="a")
    for name in "def":
        assert way.does(Move.SCORE, by=name)
    assert way.does(Move.UPHOLD)
    assert not way.does(Move.ASK_REVIEW)
    assert way.refused == ["SAME_ASSESSOR", "REVIEWED_BEFORE"]


def test_what_is_overturned_is_published_before_it_is_awarded() -> None:
    way = declined()
    way.does(Move.ASK_REVIEW)
    way.does(Move.LOOK_UP, gate=GATES[0], passed=True)
    for name in "de":
        way.does(Move.SCORE, by=name)

    assert way.does(Move.OVERTURN)
    assert not way.does(Move.AWARD)
    assert way.does(Move.PROPOSE)
    assert way.application.state is State.PUBLIC_NOTICE


def test_what_the_rules_award_is_not_declined_and_the_other_way_round() -> None:
    good = Way().to(State.REVIEW)
    good.does(Move.SCORE, by="b")

    assert not good.does(Move.DECLINE)
    assert good.refused == ["DECISION_IS_ANOTHER"]
    bad = Way().to(State.REVIEW)
    bad.does(Move.SCORE, by="b")
    bad.does(Move.LOOK_UP, gate=GATES[1], passed=False)
    assert not bad.does(Move.PROPOSE)
    assert bad.refused == ["GATE_IS_OPEN"]


# --- every way --------------------------------------------------------------------------------------------------------

OTHERS = (st.sampled_from("abcd"), st.sampled_from(GATES), st.booleans(), st.integers(0, 9))
STEPS = st.tuples(st.sampled_from(list(Move)), *OTHERS)
STARTS = (State.SCREENING, State.ASSESSMENT, State.REVIEW, State.PUBLIC_NOTICE)
AROUND = (Move.LOOK_UP, Move.OBJECT, Move.SETTLE, Move.PROPOSE, Move.AWARD, Move.SCORE)


def walked(way: Way, steps: list[tuple[Move, str, str, bool, int]]) -> None:
    for move, by, gate, passed, days in steps:
        way.today += timedelta(days=days)
        before = way.application
        if way.does(move, by=by, gate=gate, passed=passed) and way.application.state is State.AWARDED:
            decision = Way(before).decision()
            assert all(dict(before.gates)[one] for one in GATES)
            assert len(set(before.assessors)) >= 2
            assert before.objections == 0
            assert before.notice_ends_on is not None
            assert way.today > before.notice_ends_on
            assert decision is not None
            assert decision.outcome is Outcome.AWARDED


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(STARTS), st.lists(STEPS, max_size=25))
def test_no_way_awards_with_an_open_gate_one_assessor_or_a_running_objection(
    start: State, steps: list[tuple[Move, str, str, bool, int]]
) -> None:
    walked(Way().to(start), steps)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_nor_does_any_way_from_nothing(steps: list[tuple[Move, str, str, bool, int]]) -> None:
    walked(Way(), steps)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(AROUND), *OTHERS), max_size=12))
def test_nor_any_way_around_the_notice(steps: list[tuple[Move, str, str, bool, int]]) -> None:
    walked(Way().to(State.PUBLIC_NOTICE), steps)
