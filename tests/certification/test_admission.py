"""Who may apply, as what, for which months; working-day clocks."""

from __future__ import annotations

from datetime import date

import pytest

from services.certification.model import Admission, CertificateState, Kind, Size, Standing, State
from services.certification.rules import clocks, periods
from services.certification.rules.admission import Applicant, kind_of, problems
from services.certification.rules.periods import Period
from services.kit.calendar import CALENDAR, YearNotHeld
from tests.certification.sheets import LATEST

SUBMITTED = date(2026, 6, 15)
GOOD = Applicant("", is_registered=True, is_in_baoji=True, staffed_since=date(2025, 6, 1), consents=True)


def month(year: int, number: int) -> int:
    return year * 12 + number - 1


# --- admission --------------------------------------------------------------------------------------------------------


def test_a_good_applicant_is_admitted(uscc: str) -> None:
    assert problems(GOOD._replace(uscc=uscc), LATEST, SUBMITTED) == []


@pytest.fixture
def uscc() -> str:
    from stdnum.cn import uscc as number  # noqa: PLC0415

    return "91610300MA6X0QKX7" + str(number.calc_check_digit("91610300MA6X0QKX7"))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"is_registered": False}, Admission.NOT_A_BAOJI_EMPLOYER),
        ({"is_in_baoji": False}, Admission.NOT_A_BAOJI_EMPLOYER),
        ({"consents": False}, Admission.CONSENT_MISSING),
        ({"has_open_application": True}, Admission.APPLICATION_ALREADY_OPEN),
        ({"staffed_since": date(2025, 6, 2)}, Admission.OPERATING_TOO_SHORT),
        ({"locked_until": SUBMITTED}, Admission.LOCKED_OUT),
        ({"locked_until": date(2026, 6, 14)}, None),
    ],
)
def test_what_is_returned_has_its_reason(uscc: str, changed: dict[str, object], expected: Admission | None) -> None:
    applicant = Applicant(**{**GOOD._asdict(), "uscc": uscc, **changed})

    assert problems(applicant, LATEST, SUBMITTED) == ([expected] if expected else [])


def test_a_wrong_check_character_is_no_employer_and_every_reason_is_told(uscc: str) -> None:
    wrong = uscc[:-1] + ("1" if uscc[-1] != "1" else "2")
    applicant = Applicant(wrong, is_registered=True, is_in_baoji=True, staffed_since=SUBMITTED, consents=False)

    assert problems(applicant, LATEST, SUBMITTED) == [
        Admission.NOT_A_BAOJI_EMPLOYER, Admission.OPERATING_TOO_SHORT, Admission.CONSENT_MISSING,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2028, 12, 1), None),  # 181 days before
        (date(2028, 12, 2), Kind.EXTENSION),  # 180
        (date(2029, 5, 31), Kind.EXTENSION),
        (date(2029, 6, 1), Kind.NEW),
    ],
)
def test_an_extension_is_taken_in_its_window_and_late_it_is_new(day: date, expected: Kind | None) -> None:
    held = Standing(CertificateState.ACTIVE, date(2029, 5, 31), Kind.NEW)

    assert kind_of(Kind.EXTENSION, held, LATEST, day) is expected


def test_what_was_extended_is_certified_anew_and_what_has_ended_is_new() -> None:
    day = date(2029, 5, 1)

    extended = Standing(CertificateState.ACTIVE, date(2029, 5, 31), Kind.EXTENSION)
    assert kind_of(Kind.EXTENSION, extended, LATEST, day) is Kind.RECERTIFICATION
    assert kind_of(Kind.RECERTIFICATION, extended, LATEST, day) is Kind.RECERTIFICATION
    assert kind_of(Kind.EXTENSION, extended._replace(state=CertificateState.REVOKED), LATEST, day) is Kind.NEW
    assert kind_of(Kind.EXTENSION, None, LATEST, day) is Kind.NEW


# --- the assessed months ----------------------------------------------------------------------------------------------


def test_the_24_months_before_the_month_of_submission_are_assessed() -> None:
    assert periods.assessed(LATEST, date(2028, 1, 10)).days == (date(2026, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize(
    ("since", "months", "enough"),
    [(date(2025, 6, 1), 12, True), (date(2025, 6, 2), 11, False), (date(2025, 5, 1), 13, True)],
)
def test_a_young_employer_has_at_least_twelve(since: date, months: int, enough: bool) -> None:
    period = periods.assessed(LATEST, SUBMITTED, since)

    assert (period.months, periods.is_long_enough(LATEST, period)) == (months, enough)


@pytest.mark.parametrize(
    ("submitted_on", "expected"),
    [
        (date(2028, 1, 10), Period(month(2027, 1), month(2027, 12))),  # twelve months after the start
        (date(2027, 12, 31), None),  # eleven
        (date(2027, 9, 10), None),  # eight
        (date(2028, 12, 31), Period(month(2027, 1), month(2028, 11))),  # the last day
        (date(2029, 1, 1), None),
        (date(2029, 2, 1), None),
        (date(2026, 12, 31), None),
    ],
)
def test_the_transition_may_be_chosen_where_it_has_twelve_months(submitted_on: date, expected: Period | None) -> None:
    assert periods.in_transition(LATEST, submitted_on, periods.assessed(LATEST, submitted_on)) == expected


@pytest.mark.parametrize(("denominator", "may"), [(0, False), (1, True), (4, True), (5, False)])
def test_an_sme_may_look_back_further_where_there_are_few_cases(denominator: int, may: bool) -> None:
    found = periods.lookback(LATEST, Size.SME, date(2028, 1, 10), denominator)

    assert found == (Period(month(2025, 1), month(2027, 12)) if may else None)
    assert periods.lookback(LATEST, Size.LARGE, date(2028, 1, 10), denominator) is None


@pytest.mark.parametrize(
    ("denominator", "voluntary", "left"), [(4, 0, 4), (4, 1, 3), (4, 2, 3), (1, 1, 0), (5, 1, 5), (0, 1, 0)]
)
def test_one_who_declined_in_writing_leaves_a_small_denominator(denominator: int, voluntary: int, left: int) -> None:
    assert periods.without_voluntary(LATEST, denominator, voluntary) == left


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.SUBMITTED, date(2026, 9, 30)),  # five: 23, 24, 28, 29, 30 (the 20th was made up, 25 to 27 are 中秋)
        (State.RETURNED, date(2026, 10, 20)),  # fifteen: 国庆 1 to 7 October, the 10th is made up
        (State.PUBLIC_NOTICE, date(2026, 10, 10)),  # five of notice and three to decide
        (State.AWARDED, None),
    ],
)
def test_clocks_go_by_the_working_days_of_the_notice(state: State, expected: date | None) -> None:
    assert clocks.due_on(LATEST, CALENDAR, state, date(2026, 9, 22)) == expected


def test_the_notice_ends_on_its_fifth_working_day() -> None:
    assert clocks.notice_ends_on(LATEST, CALENDAR, date(2026, 9, 22)) == date(2026, 9, 30)


def test_working_days_left_do_not_count_today() -> None:
    assert clocks.working_days_left(CALENDAR, date(2026, 9, 22), date(2026, 9, 30)) == 5
    assert clocks.working_days_left(CALENDAR, date(2026, 9, 30), date(2026, 9, 30)) == 0
    assert clocks.working_days_left(CALENDAR, date(2026, 10, 9), date(2026, 9, 30)) == 0


def test_a_clock_beyond_the_years_held_says_so() -> None:
    with pytest.raises(YearNotHeld):
        clocks.due_on(LATEST, CALENDAR, State.RETURNED, date(2026, 12, 25))


def test_the_steps_of_the_authority_come_to_its_total() -> None:
    own = [s for s in clocks.STEPS if s not in {State.RETURNED, State.INFORMATION_REQUESTED, State.DECISION_REVIEW}]

    days = sum(LATEST.figures[name].count for state in own for name in clocks.STEPS[state])
    assert days == LATEST.figures["step.total"].count == 60
