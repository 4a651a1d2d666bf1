"""Civil dates of Asia/Shanghai, and months as plain numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from google.type.date_pb2 import Date
from hypothesis import given
from hypothesis import strategies as st

from services.kit.clock import Clock
from services.kit.dates import civil, from_ms, from_proto, last_day, month_end, month_of, month_text, to_proto

any_day = st.dates(date(1900, 1, 1), date(2200, 12, 31))


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2024, 2, 1), date(2024, 2, 29)),
        (date(2026, 2, 28), date(2026, 2, 28)),
        (date(2000, 2, 1), date(2000, 2, 29)),
        (date(2100, 2, 1), date(2100, 2, 28)),
        (date(2025, 12, 5), date(2025, 12, 31)),
        (date(2026, 1, 31), date(2026, 1, 31)),
    ],
)
def test_a_month_ends_on_its_last_day(day: date, end: date) -> None:
    assert month_end(month_of(day)) == end


@given(any_day)
def test_a_day_lies_in_its_month_and_the_next_month_begins_after_its_end(day: date) -> None:
    month = month_of(day)

    assert month_end(month - 1) < day <= month_end(month)
    assert month_of(month_end(month) + timedelta(days=1)) == month + 1
    assert month_text(month) == day.isoformat()[:7]


@given(any_day)
def test_a_date_survives_protobuf(day: date) -> None:
    assert from_proto(to_proto(day)) == day


@pytest.mark.parametrize(
    "value", [Date(), Date(year=2026), Date(year=2026, month=2, day=30), Date(year=2026, month=13)]
)
def test_a_day_the_calendar_does_not_have_raises(value: Date) -> None:
    with pytest.raises(ValueError, match=r"year|month|day"):
        from_proto(value)


@pytest.mark.parametrize(("days", "end"), [(1, date(2026, 3, 10)), (2, date(2026, 3, 11)), (158, date(2026, 8, 14))])
def test_the_first_day_counts(days: int, end: date) -> None:
    assert last_day(date(2026, 3, 10), days) == end


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 22, 16, 0, 0, tzinfo=UTC), date(2026, 11, 23)),
    ],
)
def test_the_day_changes_at_midnight_in_shanghai(instant: datetime, day: date) -> None:
    assert civil(instant) == day


def test_milliseconds_are_utc() -> None:
    assert from_ms(1_500) == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(("ms", "day"), [(2**62, date(9999, 12, 31)), (-(2**62), date(1970, 1, 1))])
def test_a_time_outside_the_calendar_has_a_day_in_shanghai(ms: int, day: date) -> None:
    assert civil(from_ms(ms)) == day


def test_a_frozen_clock_stops_the_day_and_not_the_instants() -> None:
    clock, before = Clock(date(2020, 2, 29)), datetime.now(UTC)

    assert clock.today() == date(2020, 2, 29)
    assert before <= clock.now() <= clock.now() <= datetime.now(UTC)


def test_today_is_the_day_in_shanghai() -> None:
    assert Clock().today() in {civil(datetime.now(UTC)), civil(datetime.now(UTC) - timedelta(minutes=1))}
