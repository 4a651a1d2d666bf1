"""The tests' own teeth: with a bug planted, the balance must not come out. The gap is what the bug costs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from deploy.local.roles import Role, service_role
from deploy.local.stack import Stack
from tests.crash.balance import ask, draw_up, ends, wait_settled
from tests.crash.chaos import SETTINGS, kill_relays, kill_workers, role_with
from tests.crash.conftest import TODAY, Size, Tell
from tests.crash.load import Load
from tests.crash.test_members import wait_both_work, wake_before_its_fence

WORKER, RELAY = service_role("claims", "worker"), service_role("claims", "relay")


@pytest.fixture(scope="module")
def bare(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A registry, and the claims that each test brings; an account has only what was sent since the test began."""
    roles = (service_role("registry", "api"), WORKER)
    failed = request.session.testsfailed
    with Stack(f"crash-teeth-{os.getpid()}", roles, {"CRADLE_TODAY": TODAY.isoformat(), **SETTINGS}) as stack:
        stack.stop_role(WORKER.name)
        yield stack
    if request.session.testsfailed == failed:  # the logs of a failure are kept
        stack.remove()


@contextmanager
def running(stack: Stack, *roles: Role) -> Iterator[list[str]]:
    """These roles, for as long as a test; answers what their processes are called."""
    names = [stack.start_role(role).name for role in roles]
    yield names
    for name in names:
        stack.stop_role(name)


def test_an_offset_committed_before_its_effect_is_seen_as_loss(
    bare: Stack, random: Random, size: Size, tell: Tell
) -> None:
    since = ends(bare)
    with running(bare, RELAY, role_with("offset-first", bare)) as (_, worker):
        with Load(bare, random, per_second=size.per_second) as load:
            kill_workers(bare, random, size.rounds, worker)
        wait_settled(bare, size.timeout_s)
        account = draw_up(bare, load, since, TODAY)

    tell(f"planted: lost {len(account.lost)} of {len(account.log)} in {size.rounds} kills; {account.line()}")
    tell(f"verdict: {account.problems()}")
    assert account.lost
    assert "by the database it does not balance" in " ".join(account.problems())


def test_a_missing_fence_is_seen_as_a_second_effect(bare: Stack, random: Random, size: Size, tell: Tell) -> None:
    zombies, since, role = 0, ends(bare), role_with("no-fence", bare)
    with running(bare, RELAY, role, role) as (_, *both):
        pair = both[0], both[1]
        with Load(bare, random, per_second=size.per_second) as load:
            wait_both_work(bare, pair)
            while zombies < size.rounds and not has_second_effects(bare):
                wake_before_its_fence(bare, random.choice(pair), random)
                wait_both_work(bare, pair)
                zombies += 1
        wait_settled(bare, size.timeout_s)
        account = draw_up(bare, load, since, TODAY)

    tell(f"planted: {len(account.twice)} of {len(account.log)} settled twice by {zombies} zombies; {account.line()}")
    tell(f"verdict: {account.problems()}")
    assert account.twice
    # Where the second effect meets the constraint that stands behind the fence, its record is parked instead.
    said = " ".join(account.problems())
    assert "had an effect twice" in said or "both parked and settled" in said


def has_second_effects(stack: Stack) -> bool:
    sql = """SELECT FROM submission GROUP BY position HAVING count(*) > 1
             UNION ALL
             SELECT FROM submission JOIN parked ON position = concat_ws('/', topic, partition, record_offset) LIMIT 1"""
    return bool(ask(stack, sql))


def test_an_event_deleted_before_it_was_sent_is_seen_as_loss(
    bare: Stack, random: Random, size: Size, tell: Tell
) -> None:
    since = ends(bare)
    with running(bare, WORKER, role_with("delete-first", bare, "relay")) as (_, relay):
        with Load(bare, random, per_second=size.per_second) as load:
            kill_relays(bare, random, size.rounds, relay)
        wait_settled(bare, size.timeout_s)
        account = draw_up(bare, load, since, TODAY)

    unanswered = account.log - account.receipts.keys()
    tell(f"planted: {len(unanswered)} of {len(account.log)} unanswered in {size.rounds} kills; {account.line()}")
    tell(f"verdict: {account.problems()}")
    assert unanswered
    assert not account.lost
    assert "by the receipts it does not balance" in " ".join(account.problems())
