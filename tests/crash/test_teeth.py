"""The tests' own teeth: with a bug planted, the balance must not come out. The gap is what the bug costs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from deploy.local.roles import Role, service_role
from deploy.local.stack import Stack
from tests.crash.balance import draw_up, ends, wait_settled
from tests.crash.chaos import SETTINGS, kill_workers
from tests.crash.conftest import TODAY, Size, Tell
from tests.crash.load import Load
from tests.crash.test_members import wait_both_work, wake_with_an_open_transaction

WORKER = "claims-worker"
_SOUND = (service_role("registry", "api"), service_role("claims", "relay"))


@contextmanager
def city_with(planted: str) -> Iterator[Stack]:
    """A stack whose worker has the bug."""
    argv = (sys.executable, "-m", "tests.crash.planted", "worker")
    worker = Role(WORKER, argv, {"CRASH_PLANTED": planted}, service="claims")
    settings = {"CRADLE_TODAY": TODAY.isoformat(), **SETTINGS}
    with Stack(f"crash-{planted}-{os.getpid()}", [*_SOUND, worker], settings) as stack:
        yield stack
    stack.remove()


def test_an_offset_committed_before_its_effect_is_seen_as_loss(random: Random, size: Size, tell: Tell) -> None:
    with city_with("offset-first") as city:
        since = ends(city)
        with Load(city, random, per_second=size.per_second) as load:
            kill_workers(city, random, 2 * size.rounds, WORKER)
        wait_settled(city, size.timeout_s)
        account = draw_up(city, load, since, TODAY)

    tell(f"planted: lost {len(account.lost)} of {len(account.log)} in {2 * size.rounds} kills; {account.line()}")
    tell(f"verdict: {account.problems()}")
    assert account.lost
    assert "the database do not balance" in " ".join(account.problems())


def test_a_missing_fence_is_seen_as_a_second_effect(random: Random, size: Size, tell: Tell) -> None:
    rounds = (size.rounds + 1) // 2

    with city_with("no-fence") as city:
        since = ends(city)
        with Load(city, random, per_second=size.per_second) as load:
            second = city.start_role(WORKER).name
            for _ in range(rounds):
                wait_both_work(city)
                wake_with_an_open_transaction(city, random.choice((WORKER, second)), random)
            wait_both_work(city)
        wait_settled(city, size.timeout_s)
        account = draw_up(city, load, since, TODAY)

    tell(f"planted: {len(account.twice)} of {len(account.log)} settled twice by {rounds} zombies; {account.line()}")
    tell(f"verdict: {account.problems()}")
    assert account.twice
    assert "had an effect twice" in " ".join(account.problems())
