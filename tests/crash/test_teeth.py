"""The tests' own teeth: with a bug planted, the balance must not come out. The gap is what the bug costs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from deploy.local.roles import DEFAULT_ROLES
from deploy.local.stack import Stack
from tests.crash.balance import draw_up, ends, wait_settled
from tests.crash.chaos import SETTINGS, kill_relays, kill_workers, role_with
from tests.crash.conftest import TODAY, Size, Tell
from tests.crash.load import Load
from tests.crash.test_members import wait_both_work, wake_before_its_fence


@contextmanager
def city_of(name: str, *, but: str) -> Iterator[Stack]:
    """A stack without the one role that the test brings itself."""
    roles = [role for role in DEFAULT_ROLES if role.name not in {but, "claims-api"}]
    settings = {"CRADLE_TODAY": TODAY.isoformat(), **SETTINGS}
    with Stack(f"crash-{name}-{os.getpid()}", roles, settings) as stack:
        yield stack
    stack.remove()


def test_an_offset_committed_before_its_effect_is_seen_as_loss(random: Random, size: Size, tell: Tell) -> None:
    with city_of("offset-first", but="claims-worker") as city:
        since = ends(city)
        worker = city.start_role(role_with("offset-first", city)).name
        with Load(city, random, per_second=size.per_second) as load:
            kill_workers(city, random, size.rounds, worker)
        wait_settled(city, size.timeout_s)
        account = draw_up(city, load, since, TODAY)

    tell(f"planted: lost {len(account.lost)} of {len(account.log)} in {size.rounds} kills; {account.line()}")
    tell(f"verdict: {account.problems()}")
    assert account.lost
    assert "by the database it does not balance" in " ".join(account.problems())


def test_a_missing_fence_is_seen_as_a_second_effect(random: Random, size: Size, tell: Tell) -> None:
    rounds = (size.rounds + 2) // 3

    with city_of("no-fence", but="claims-worker") as city:
        since = ends(city)
        role = role_with("no-fence", city)
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


def test_an_event_deleted_before_it_was_sent_is_seen_as_loss(random: Random, size: Size, tell: Tell) -> None:
    with city_of("delete-first", but="claims-relay") as city:
        since = ends(city)
        relay = city.start_role(role_with("delete-first", city, "relay")).name
        with Load(city, random, per_second=size.per_second) as load:
            kill_relays(city, random, size.rounds, relay)
        wait_settled(city, size.timeout_s)
        account = draw_up(city, load, since, TODAY)

    unanswered = account.log - account.receipts.keys()
    tell(f"planted: {len(unanswered)} of {len(account.log)} unanswered in {size.rounds} kills; {account.line()}")
    tell(f"verdict: {account.problems()}")
    assert unanswered
    assert not account.lost
    assert "by the receipts it does not balance" in " ".join(account.problems())
