"""A city to break things in, the sizes of the breaking, and the figures at the end of the run."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from random import Random

import pytest

from deploy.demo import budgets
from deploy.local.roles import DEFAULT_ROLES, Role, service_role
from deploy.local.stack import Stack
from tests.crash.balance import ask
from tests.crash.chaos import SETTINGS, at_once

TODAY = date(2026, 11, 23)
BUDGET_FEN = 10**12  # one county has all the load of all tests
_TOLD: pytest.StashKey[list[str]] = pytest.StashKey()
Tell = Callable[[str], None]
RELAY = service_role("claims", "relay")


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
def _kept() -> Iterator[dict[str, Stack]]:
    kept: dict[str, Stack] = {}
    yield kept
    if kept:
        at_once(*[partial(_end, stack) for stack in kept.values()])


def _end(stack: Stack) -> None:
    stack.stop()
    stack.remove()


@contextmanager
def _handed_on(request: pytest.FixtureRequest, kept: dict[str, Stack], name: str, *roles: Role) -> Iterator[Stack]:
    """A running stack, handed from test to test while they pass; after a failure the next gets a new one."""
    if name not in kept:
        # A name of its own, so that the logs of a failed one are not swept away by the next.
        unique = f"crash-{name}-{os.getpid()}-{secrets.token_hex(2)}"
        fresh = Stack(unique, roles, {"CRADLE_TODAY": TODAY.isoformat(), **SETTINGS})
        fresh.start()
        kept[name] = fresh
    failed = request.session.testsfailed
    yield kept[name]
    if request.session.testsfailed != failed:  # its logs are kept
        kept.pop(name).stop()


@pytest.fixture
def city(request: pytest.FixtureRequest, _kept: dict[str, Stack]) -> Iterator[Stack]:
    """All of it, with money in its budgets, to break things in."""
    is_new = "city" not in _kept
    with _handed_on(request, _kept, "city", *DEFAULT_ROLES) as stack:
        for nth in range(5 * is_new):
            budgets.appropriate(stack.environment, TODAY, BUDGET_FEN, nth)
        yield stack


@pytest.fixture
def bare(request: pytest.FixtureRequest, _kept: dict[str, Stack]) -> Iterator[Stack]:
    """A registry, and what claims say; who claims are decided by, each test brings."""
    with _handed_on(request, _kept, "bare", service_role("registry", "api"), RELAY) as stack:
        yield stack


@pytest.fixture
def unclaimed(request: pytest.FixtureRequest, _kept: dict[str, Stack]) -> Iterator[Stack]:
    """The same before anybody has claimed."""
    if "bare" in _kept and ask(_kept["bare"], "SELECT 1 FROM claim LIMIT 1"):
        _end(_kept.pop("bare"))
    with _handed_on(request, _kept, "bare", service_role("registry", "api"), RELAY) as stack:
        yield stack


@pytest.fixture
def stack(city: Stack) -> Stack:
    """Who needs a system and breaks nothing of it takes the city too."""
    return city


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    """The client tells four times a second that a broker we stopped is not there."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
