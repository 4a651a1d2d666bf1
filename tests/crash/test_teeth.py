"""The tests' own teeth: with a bug planted, the balance must not come out. The gap is what the bug costs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from deploy.local.roles import service_role
from deploy.local.stack import Stack
from tests.crash.balance import draw_up, ends, wait_settled
from tests.crash.chaos import SETTINGS, kill_workers, worker_with
from tests.crash.conftest import TODAY, Size, Tell
from tests.crash.load import Load
from tests.crash.test_members import wait_both_work, wake_before_its_fence

_SOUND = (service_role("registry", "api"), service_role("claims", "relay"))


@contextmanager
def city_without_workers(name: str) -> Iterator[Stack]:
    settings = {"CRADLE_TODAY": TODAY.isoformat(), **SETTINGS}
    with Stack(f"crash-{name}-{os.getpid()}", _SOUND, settings) as stack:
        yield stack
    stack.remove()


def test_an_offset_committed_before_its_effect_is_seen_as_loss(random: Random, size: Size, tell: Tell) -> None:
    with city_without_workers("offset-first") as city:
        since = ends(city)
        worker = city.start_role(worker_with("offset-first", city)).name
        with Load(city, random, per_second=size.per_second) as load:
            kill_workers(city, random, size.rounds, worker)
        wait_settled(city, size.timeout_s)
        account = draw_up(city, load, since, TODAY)

    tell(f"planted: lost {len(account.lost)} of {len(account.log)} in {size.rounds} kills; {account.line()}")
    tell(f"verdict: {account.problems()}")
    assert account.lost
    assert "by the database it does not balance" in " ".join(account.problems())


def test_a_missing_fence_is_seen_as_a_second_effect(random: Random, size: Size, tell: Tell) -> None:
    rounds = (size.rounds + 1) // 2

    with city_without_workers("no-fence") as city:
        since = ends(city)
        role = worker_with("no-fence", city)
        pair = city.start_role(role).name, city.start_role(role).name
        with Load(city, random, per_second=size.per_second) as load:
            for _ in range(rounds):
                wait_both_work(city, pair)
                wake_before_its_fence(city, random.choice(pair), random)
            wait_both_work(city, pair)
        wait_settled(city, size.timeout_s)
        account = draw_up(city, load, since, TODAY)

    tell(f"planted: {len(account.twice)} of {len(account.log)} settled twice by {rounds} zombies; {account.line()}")
    tell(f"verdict: {account.problems()}")
    assert account.twice
    assert "had an effect twice" in " ".join(account.problems())
