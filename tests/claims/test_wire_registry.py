"""What the registry's events say to claims."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cradle.registry.v1 import event_pb2

from services.claims.wire.registry import WagesChanged, wages_changed

AT = datetime(2026, 11, 23, 4, tzinfo=UTC)


def test_figures_that_changed_are_told_by_year() -> None:
    event = event_pb2.EmployerEvent(employer="e-1", version=3)
    event.wage_changed.years.extend([2024, 2025])
    event.wage_changed.recorded_at.FromDatetime(AT)

    assert wages_changed(event.SerializeToString()) == WagesChanged("e-1", 3, AT, (2024, 2025))


def test_another_event_of_an_employer_says_nothing_of_its_figures() -> None:
    event = event_pb2.EmployerEvent(employer="e-1", version=3, recorded=event_pb2.EmployerRecorded(county="610304"))

    assert wages_changed(event.SerializeToString()) is None


def test_what_is_no_event_on_an_employer_is_a_bug() -> None:
    with pytest.raises(ValueError, match="not an event on an employer"):
        wages_changed(b"\xff")
