"""A city to break things in, the sizes of the breaking, and the figures at the end of the run."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

import pytest

from deploy.demo import budgets
from deploy.local.stack import Stack
from tests.crash.chaos import SETTINGS

TODAY = date(2026, 11, 23)
BUDGET_FEN = 10**12  # one county has all the load of all tests
_TOLD: pytest.StashKey[list[str]] = pytest.StashKey()
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How long a form is: kills or rounds of each kind, and the load meanwhile."""

    rounds: int
    per_second: int  # for as long as things are broken
    steadily: int  # a second, of a number that is known before
    timeout_s: float


SHORT = Size(rounds=5, per_second=500, steadily=400, timeout_s=90)
LONG = Size(rounds=40, per_second=1_500, steadily=750, timeout_s=600)


@pytest.fixture(
    params=[
        pytest.param(SHORT, id="short", marks=pytest.mark.crash),
        pytest.param(LONG, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(2_400)]),
    ]
)
def size(request: pytest.FixtureRequest) -> Size:
    """The same code twice: `make crash` and `make soak`."""
    given: Size = request.param
    return given


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Say a figure that is shown at the end of the run, passed or failed."""
    told = request.config.stash.setdefault(_TOLD, [])

    def say(line: str) -> None:
        print(line)  # noqa: T201  # beside the failure it belongs to
        told.append(f"{request.node.name}: {line}")

    return say


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if told := config.stash.get(_TOLD, []):
        terminalreporter.section("crash figures")
        terminalreporter.write("\n".join(told) + "\n")


@pytest.fixture
def random(tell: Tell) -> Random:
    """The moments of the kills; CRADLE_CRASH_SEED gives those of an earlier run again."""
    seed = int(os.environ.get("CRADLE_CRASH_SEED") or secrets.randbelow(10**6))
    tell(f"seed {seed}")
    return Random(seed)


@pytest.fixture(scope="session")
def _kept() -> Iterator[list[Stack]]:
    kept: list[Stack] = []
    yield kept
    for stack in kept:
        stack.stop()
        stack.remove()


@pytest.fixture
def city(request: pytest.FixtureRequest, _kept: list[Stack]) -> Iterator[Stack]:
    """A whole running stack, handed from test to test while they pass; after a failure the next gets a new one."""
    if not _kept:
        # A name of its own, so that the logs of a failed one are not swept away by the next.
        fresh = Stack(
            f"crash-{os.getpid()}-{secrets.token_hex(2)}", settings={"CRADLE_TODAY": TODAY.isoformat(), **SETTINGS}
        )
        fresh.start()
        for nth in range(5):
            budgets.appropriate(fresh.environment, TODAY, BUDGET_FEN, nth)
        _kept.append(fresh)
    failed = request.session.testsfailed
    yield _kept[0]
    if request.session.testsfailed != failed:  # its logs are kept
        _kept.pop().stop()


@pytest.fixture
def stack(city: Stack) -> Stack:
    """Who needs a system and breaks nothing of it takes the city too."""
    return city


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    """The client tells four times a second that a broker we stopped is not there."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
