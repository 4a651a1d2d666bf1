"""What every test may ask for: the whole system, running."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date

import pytest

from deploy.demo import budgets
from deploy.local.stack import Stack

TODAY = "2026-11-23"
os.environ["CRADLE_PASSING"] = "1"  # every stack of a test, whoever starts it, is thrown away after it


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The real system, with money in its budgets, started when the first test asks for it.

    A missing Kafka or PostgreSQL fails that test.
    """
    with Stack(f"test-{os.getpid()}", settings={"CRADLE_TODAY": TODAY}) as running:
        budgets.appropriate(running.environment, date.fromisoformat(TODAY))
        yield running
    if not request.session.testsfailed:  # the logs of a failure are kept
        running.remove()
