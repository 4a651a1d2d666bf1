"""The tests' own teeth: with a bug planted, the balance must not come out. The gap is what the bug costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from deploy.local.roles import Role, service_role
from deploy.local.stack import Stack
from tests.crash.balance import ask, draw_up, ends, wait_settled
from tests.crash.chaos import kill_relays, kill_workers, role_with, start_at_once, stop_at_once, two_with
from tests.crash.conftest import RELAY, TODAY, Size, Tell
from tests.crash.load import Load
from tests.crash.test_members import wait_both_work, wake_before_its_fence

WORKER = service_role("claims", "worker")


@contextmanager
def running(stack: Stack, *roles: Role) -> Iterator[list[str]]:
    """These roles, for as long as a test; answers what their processes are called."""
    names = start_at_once(stack, *roles)
    yield names
    stop_at_once(stack, *names)


def test_an_offset_committed_before_its_effect_is_seen_as_loss(
    bare: Stack, random: Random, size: Size, tell: Tell
) -> None:
    since = ends(bare)
    with running(bare, role_with("offset-first", bare)) as (worker,):
        with Load(bare, random, per_second=size.per_second) as load:
            kill_workers(bare, random, size.rounds, worker)
        wait_settled(bare, size.timeout_s)
        account = draw_up(bare, load, since, TODAY)

    tell(f"planted: lost {len(account.lost)} of {len(account.log)} in {size.rounds} kills; {account.line()}")
    tell(f"verdict: {account.problems()}")
    assert account.lost
    assert "by the database it does not balance" in " ".join(account.problems())


def test_a_missing_fence_is_seen_as_a_second_effect(bare: Stack, random: Random, size: Size, tell: Tell) -> None:
    zombies, since = 0, ends(bare)
    with running(bare, *two_with("no-fence", bare)) as (one, other):
        pair = one, other
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
    bare.stop_role(RELAY.name)
    with running(bare, WORKER, role_with("delete-first", bare, "relay")) as (_, relay):
        with Load(bare, random, per_second=size.per_second) as load:
            kill_relays(bare, random, size.rounds, relay)
        wait_settled(bare, size.timeout_s)
        account = draw_up(bare, load, since, TODAY)

    bare.start_role(RELAY)
    unanswered = account.log - account.receipts.keys()
    tell(f"planted: {len(unanswered)} of {len(account.log)} unanswered in {size.rounds} kills; {account.line()}")
    tell(f"verdict: {account.problems()}")
    assert unanswered
    assert not account.lost
    assert "by the receipts it does not balance" in " ".join(account.problems())
