"""How an employer stands on a day: what is in arrears, how far a violation is, and what cannot be stated."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from cradle.registry.v1 import standing_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.kit.dates import to_proto
from services.kit.errors import Invalid
from services.registry import rules
from services.registry.model import Arrear, Unpaid, Violation, ViolationDates, ViolationKind, ViolationState
from services.registry.wire import standing
from tests.builders import TODAY, id_number, month, uscc

DUE = date(2026, 4, 30)
DAY = timedelta(days=1)


def arrear(amount_fen: int = 100, due_on: date = DUE, until: date | None = None, paid_on: date | None = None) -> Arrear:
    return Arrear(month("2026-03"), due_on, amount_fen, until, paid_on)


@pytest.mark.parametrize(
    ("one", "day", "fen"),
    [
        (arrear(), DUE - DAY, 0),
        (arrear(), DUE, 0),
        (arrear(), DUE + DAY, 100),
        (arrear(until=DUE + 9 * DAY), DUE + 9 * DAY, 0),
        (arrear(until=DUE + 9 * DAY), DUE + 10 * DAY, 100),
        (arrear(paid_on=DUE + 5 * DAY), DUE + 4 * DAY, 100),
        (arrear(paid_on=DUE + 5 * DAY), DUE + 5 * DAY, 0),
        (arrear(paid_on=DUE + 5 * DAY), DUE + 6 * DAY, 0),
    ],
)
def test_premium_is_in_arrears_after_its_last_day_until_it_is_paid(one: Arrear, day: date, fen: int) -> None:
    assert rules.unpaid_on([one], day).fen == fen


def test_arrears_are_reckoned_from_the_first_of_them() -> None:
    found = rules.unpaid_on([arrear(), arrear(200, DUE - 30 * DAY, until=DUE + DAY), arrear(400, TODAY)], TODAY)

    assert found == Unpaid(300, DUE + DAY)
    assert rules.unpaid_on([], TODAY) == Unpaid(0, None)


_DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 1))
_ARREARS = st.lists(
    st.builds(
        arrear, st.integers(1, 10**9), _DAYS, st.none() | st.just(date(2026, 3, 1)), st.none() | _DAYS
    ),
    max_size=6,
)  # fmt: skip


@given(_ARREARS, _DAYS)
def test_what_is_unpaid_is_the_sum_of_its_parts_and_paying_never_raises_it(arrears: list[Arrear], day: date) -> None:
    found = rules.unpaid_on(arrears, day)

    assert found.fen == sum(rules.unpaid_on([one], day).fen for one in arrears)
    assert (found.fen > 0) == (found.since is not None)
    assert found.since is None or found.since <= day
    assert rules.unpaid_on([one._replace(paid_on=day) for one in arrears], day) == Unpaid()


OPENED, TALKED, DEADLINE, UPHELD, CLOSED = (date(2026, 5, day) for day in (1, 8, 20, 22, 29))
CASE = Violation(
    "office/labour",
    "L-1",
    ViolationKind.LABOUR_PROTECTION,
    ViolationDates(OPENED, TALKED, DEADLINE, UPHELD, CLOSED),
    "宝人社罚字〔2026〕7号",
)


@pytest.mark.parametrize(
    ("day", "state", "due_on", "decision"),
    [
        (OPENED, ViolationState.OPENED, None, ""),
        (TALKED - DAY, ViolationState.OPENED, None, ""),
        (TALKED, ViolationState.TALKED, DEADLINE, ""),
        (UPHELD - DAY, ViolationState.TALKED, DEADLINE, ""),
        (UPHELD, ViolationState.UPHELD, DEADLINE, CASE.decision),
        (CLOSED - DAY, ViolationState.UPHELD, DEADLINE, CASE.decision),
        (CLOSED, ViolationState.CLOSED, DEADLINE, CASE.decision),
    ],
)
def test_a_violation_is_as_far_as_its_dates_had_come(
    day: date, state: ViolationState, due_on: date | None, decision: str
) -> None:
    found = rules.violation_on(CASE, day)

    assert found is not None
    assert (rules.state_of(found.dates), found.dates.due_on, found.decision) == (state, due_on, decision)


def test_before_it_is_opened_there_is_none() -> None:
    assert rules.violation_on(CASE, OPENED - DAY) is None


def record(**fields: object) -> standing_pb2.ViolationRecord:
    made = standing_pb2.ViolationRecord(
        number="L-1",
        employer_uscc=uscc(),
        kind=standing_pb2.VIOLATION_KIND_LABOUR_PROTECTION,
        opened_on=to_proto(OPENED),
    )
    for name, value in fields.items():
        if isinstance(value, date):
            getattr(made, name).CopyFrom(to_proto(value))
        else:
            setattr(made, name, value)
    return made


def problems(*records: standing_pb2.ViolationRecord) -> list[tuple[str, str]]:
    try:
        standing.stated(standing_pb2.BatchRecordViolationsRequest(violations=records), "office/labour", TODAY)
    except Invalid as refused:
        return [(one.code, one.field.removeprefix("violations[0].")) for one in refused.reasons]
    return []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, []),
        ({"talked_on": TALKED, "due_on": TALKED}, []),
        ({"talked_on": TALKED, "due_on": TALKED - DAY}, [("DATES_OUT_OF_ORDER", "due_on")]),
        ({"talked_on": TALKED}, [("FIELD_REQUIRED", "due_on")]),
        ({"talked_on": OPENED - DAY, "due_on": DEADLINE}, [("DATES_OUT_OF_ORDER", "talked_on")]),
        ({"due_on": TODAY + 30 * DAY}, []),
        ({"upheld_on": UPHELD}, [("FIELD_REQUIRED", "decision")]),
        ({"decision": "7号"}, [("FIELD_REQUIRED", "upheld_on")]),
        ({"upheld_on": UPHELD, "decision": "7号", "closed_on": UPHELD}, []),
        ({"upheld_on": UPHELD, "decision": "7号", "closed_on": UPHELD - DAY}, [("DATES_OUT_OF_ORDER", "closed_on")]),
        ({"opened_on": TODAY}, []),
        ({"opened_on": TODAY + DAY}, [("DATE_IN_FUTURE", "opened_on")]),
        ({"upheld_on": UPHELD, "decision": f"关于{id_number()}"}, [("ID_NUMBER_NOT_HERE", "decision")]),
        ({"number": id_number()}, [("ID_NUMBER_NOT_HERE", "number")]),
        ({"employer_uscc": "91610302MA6XA1B210"}, [("USCC_CHECK_DIGIT", "employer_uscc")]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_by_code_and_place(fields: dict[str, object], told: list[tuple[str, str]]) -> None:
    assert problems(record(**fields)) == told
