"""SIGKILL under load: the worker and the relay, again and again."""

from __future__ import annotations

from random import Random

import pytest

from deploy.local.roles import DEFAULT_ROLES
from deploy.local.stack import Stack
from tests.crash.balance import draw_up, ends, wait_settled
from tests.crash.chaos import at_once, kill_relays, kill_workers
from tests.crash.conftest import TODAY, Size, Tell
from tests.crash.load import Load


def test_killing_worker_and_relay_loses_nothing_and_decides_nothing_twice(
    city: Stack, random: Random, size: Size, tell: Tell
) -> None:
    since = ends(city)

    with Load(city, random, per_second=size.per_second) as load:
        at_once(
            lambda: kill_workers(city, Random(random.random()), size.rounds),
            lambda: kill_relays(city, Random(random.random()), size.rounds),
        )
    took_s = wait_settled(city, size.timeout_s)

    account = draw_up(city, load, since, TODAY)
    tell(f"{size.rounds} workers and {size.rounds} relays killed; caught up in {took_s:.1f} s; {account.line()}")
    assert account.problems() == []


@pytest.mark.crash
def test_killed_roles_become_ready_again(city: Stack) -> None:
    before = {role.name: city.pid(role.name) for role in DEFAULT_ROLES}

    for role in before:
        city.kill(role)
    for role in before:
        city.wait_ready(role, 30)

    assert all(city.pid(role) not in (None, pid) for role, pid in before.items())
