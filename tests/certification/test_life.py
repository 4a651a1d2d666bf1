"""A certificate's life beyond the worked cases: history, suspensions, what is undecided, what is surrendered."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.certification.model import CertificateState, Kind, Life, Renewal, Suspended, Suspension, Veto
from services.certification.model.moves import CERTIFICATE_ENDS
from services.certification.rules import problems_of_life, standing
from services.certification.rules.life import anniversary, last_day, locked_until, reports, timeline
from services.certification.wire.notice import notice
from services.kit.messages import Language
from tests.certification.sheets import LATEST

AWARDED = date(2026, 6, 1)
REPORTS = (date(2027, 5, 20), date(2028, 5, 20))
ACTIVE, SUSPENDED, EXPIRED = CertificateState.ACTIVE, CertificateState.SUSPENDED, CertificateState.EXPIRED
REVOKED, SURRENDERED = CertificateState.REVOKED, CertificateState.SURRENDERED


def state(life: Life, as_of: date) -> CertificateState:
    return standing(life, LATEST, as_of).state


def test_history_has_every_change_with_its_reason() -> None:
    life = Life(AWARDED, (date(2027, 8, 10), *REPORTS[1:]), suspensions=(
        Suspended(Suspension.VIOLATION_OPENED, date(2027, 1, 10), date(2027, 2, 1)),
    ))  # fmt: skip

    assert [(one.on, one.state, one.why) for one in standing(life, LATEST, date(2029, 7, 1)).history] == [
        (AWARDED, ACTIVE, "NEW"),
        (date(2027, 1, 10), SUSPENDED, "SUSPENSION_VIOLATION_OPENED"),
        (date(2027, 2, 1), ACTIVE, "REINSTATED"),
        (date(2027, 7, 1), SUSPENDED, "ANNUAL_REPORT_OVERDUE"),
        (date(2027, 8, 10), ACTIVE, "REINSTATED"),
        (date(2029, 6, 1), EXPIRED, "EXPIRED"),
    ]


def test_history_is_told_in_both_languages() -> None:
    life = Life(AWARDED, vetoes=((Veto.FALSE_DATA, date(2027, 1, 1)),))
    found = standing(life, LATEST, date(2027, 1, 1))

    assert "申报材料、数据、报告弄虚作假" in notice(None, found, LATEST, Language.ZH)
    assert notice(None, found, LATEST, Language.EN).splitlines()[-1] == (
        "2027-01-01 REVOKED: false data in an application or report"
    )


def test_two_suspensions_at_once_end_with_the_later() -> None:
    life = Life(AWARDED, REPORTS, suspensions=(
        Suspended(Suspension.ARREARS, date(2026, 9, 1), date(2026, 10, 1)),
        Suspended(Suspension.VIOLATION_OPENED, date(2026, 9, 15)),
    ))  # fmt: skip

    assert [state(life, day) for day in (date(2026, 8, 31), date(2026, 9, 1), date(2026, 10, 1), date(2028, 1, 1))] == [
        ACTIVE, SUSPENDED, SUSPENDED, SUSPENDED,
    ]  # fmt: skip
    assert state(life, date(2029, 6, 1)) is EXPIRED


# --- undecided --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [(date(2029, 6, 1), ACTIVE), (date(2029, 8, 29), ACTIVE), (date(2029, 8, 30), EXPIRED)],
)
def test_applied_for_in_time_and_undecided_it_stays_alive_for_ninety_days(
    as_of: date, expected: CertificateState
) -> None:
    life = Life(AWARDED, REPORTS, (Renewal(Kind.EXTENSION, date(2029, 5, 20)),))

    assert state(life, as_of) is expected
    assert standing(life, LATEST, as_of).valid_to == date(2029, 5, 31)


def test_refused_it_ends_with_the_decision_and_never_before_its_own_end() -> None:
    late = Life(AWARDED, REPORTS, (Renewal(Kind.EXTENSION, date(2029, 5, 20), date(2029, 6, 15)),))
    early = Life(AWARDED, REPORTS, (Renewal(Kind.EXTENSION, date(2029, 4, 20), date(2029, 5, 1)),))

    assert [state(late, day) for day in (date(2029, 6, 15), date(2029, 6, 16))] == [ACTIVE, EXPIRED]
    assert [state(early, day) for day in (date(2029, 5, 31), date(2029, 6, 1))] == [ACTIVE, EXPIRED]


def test_granted_late_it_is_extended_from_the_old_end() -> None:
    life = Life(AWARDED, (*REPORTS, date(2029, 5, 15)),
                (Renewal(Kind.EXTENSION, date(2029, 5, 20), date(2029, 7, 1), granted=True),))  # fmt: skip

    assert standing(life, LATEST, date(2029, 6, 30)).valid_to == date(2029, 5, 31)
    assert standing(life, LATEST, date(2029, 7, 1)).valid_to == date(2031, 5, 31)


def test_granted_after_it_had_ended_it_is_not_extended() -> None:
    life = Life(AWARDED, (*REPORTS, date(2029, 5, 15)),
                (Renewal(Kind.EXTENSION, date(2029, 5, 20), date(2029, 9, 15), granted=True),))  # fmt: skip

    assert standing(life, LATEST, date(2029, 10, 1))[:2] == (EXPIRED, date(2029, 5, 31))


def test_it_is_extended_once() -> None:
    applied = (date(2029, 5, 20), date(2031, 5, 20))
    life = Life(AWARDED, (*REPORTS, date(2029, 5, 15), date(2030, 5, 15)),
                tuple(Renewal(Kind.EXTENSION, day, day, granted=True) for day in applied))  # fmt: skip

    assert standing(life, LATEST, date(2031, 6, 1))[:2] == (EXPIRED, date(2031, 5, 31))


# --- ends -------------------------------------------------------------------------------------------------------------


def test_what_was_surrendered_is_not_revoked_afterwards() -> None:
    life = Life(AWARDED, vetoes=((Veto.NURSERY_ABUSE, date(2027, 3, 2)),), surrendered_on=date(2027, 3, 1))

    found = standing(life, LATEST, date(2027, 6, 1))
    assert (found.state, found.locked_until) == (SURRENDERED, None)


def test_on_the_same_day_a_veto_counts_and_not_the_surrender() -> None:
    life = Life(AWARDED, vetoes=((Veto.NURSERY_ABUSE, date(2027, 3, 1)),), surrendered_on=date(2027, 3, 1))

    assert state(life, date(2027, 3, 1)) is REVOKED


@pytest.mark.parametrize("veto", Veto)
def test_every_veto_revokes_and_locks(veto: Veto) -> None:
    found = standing(Life(AWARDED, vetoes=((veto, date(2027, 3, 1)),)), LATEST, date(2027, 3, 1))

    assert (found.state, found.locked_until) == (REVOKED, date(2030, 3, 1))


def test_days_of_years() -> None:
    assert (last_day(date(2026, 6, 1), 3), last_day(date(2028, 2, 29), 3)) == (date(2029, 5, 31), date(2031, 2, 28))
    assert (anniversary(date(2028, 2, 29), 4), anniversary(date(2028, 2, 29), 1)) == (
        date(2032, 2, 29),
        date(2029, 3, 1),
    )
    assert (locked_until(date(2028, 2, 29), 3), locked_until(date(2027, 3, 1), 0)) == (date(2031, 2, 28), None)


def test_reports_say_when_they_are_due_and_when_they_came() -> None:
    life = Life(AWARDED, (date(2027, 5, 20),))

    assert [(one.on, one.filed_on) for one in reports(life, LATEST, date(2028, 6, 15))] == [
        (date(2027, 6, 1), date(2027, 5, 20)), (date(2028, 6, 1), None),
    ]  # fmt: skip


def test_what_lies_before_the_award_cannot_be() -> None:
    early = AWARDED - timedelta(days=1)
    life = Life(AWARDED, (early,), (Renewal(Kind.EXTENSION, early),), ((Veto.FALSE_DATA, early),),
                (Suspended(Suspension.ARREARS, early),))  # fmt: skip

    assert problems_of_life(life, early) == ["as_of", "annual_reports", "violations", "renewals", "suspensions"]
    assert problems_of_life(Life(AWARDED), AWARDED) == []


# --- any life ---------------------------------------------------------------------------------------------------------

DAYS = st.dates(AWARDED, date(2036, 1, 1))
LIVES = st.builds(
    Life,
    st.just(AWARDED),
    st.lists(DAYS, max_size=8).map(tuple),
    st.lists(st.builds(Renewal, st.sampled_from(list(Kind)), DAYS, st.none() | DAYS, st.booleans()), max_size=3).map(
        tuple
    ),
    st.lists(st.tuples(st.sampled_from(list(Veto)), DAYS), max_size=2).map(tuple),
    st.lists(st.builds(Suspended, st.sampled_from(list(Suspension)), DAYS, st.none() | DAYS), max_size=2).map(tuple),
    st.none() | DAYS,
    st.none() | DAYS,
)


@given(LIVES, DAYS)
def test_any_life_has_one_state_on_any_day_and_its_history_ends_there(life: Life, day: date) -> None:
    found = standing(life, LATEST, day)

    assert found.history[-1].state is found.state
    assert [one.on for one in found.history] == sorted(one.on for one in found.history)
    assert all(one.on <= day for one in found.history)
    assert found.valid_to >= date(2029, 5, 31)
    assert (found.locked_until is not None) <= (found.state is REVOKED)


@given(LIVES, DAYS, st.integers(0, 2000))
def test_what_has_ended_never_lives_again(life: Life, day: date, later: int) -> None:
    ended = standing(life, LATEST, day)

    if ended.state in CERTIFICATE_ENDS:
        assert standing(life, LATEST, day + timedelta(days=later)).state is ended.state


@given(LIVES, DAYS)
def test_what_is_written_ahead_is_how_it_stands_on_each_day(life: Life, day: date) -> None:
    written = [one for one in timeline(life, LATEST) if one.on <= day][-1]
    found = standing(life, LATEST, day)

    assert (written.state, written.locked_until) == (found.state, found.locked_until)
    if found.state not in CERTIFICATE_ENDS:
        assert (written.valid_to, written.kind, written.why) == (found.valid_to, found.kind, found.history[-1].why)


def test_another_certificate_ends_this_one() -> None:
    life = Life(AWARDED, superseded_on=date(2027, 3, 1))

    assert [state(life, day) for day in (date(2027, 2, 28), date(2027, 3, 1))] == [ACTIVE, CertificateState.SUPERSEDED]
