"""Workers that come, go and hang: the group's partitions change hands under load."""

from __future__ import annotations

import time
from random import Random

from deploy.local.stack import Stack
from tests.crash.balance import draw_up, ends, wait_settled
from tests.crash.chaos import (
    end_sessions_in_the_way,
    eventually,
    metric,
    stalled,
    stalled_inside_a_transaction,
    wait_progress,
    wait_taken_over,
)
from tests.crash.conftest import TODAY, Size, Tell
from tests.crash.load import Load

FIRST, SECOND = "claims-worker", "claims-worker-2"


def wait_both_work(stack: Stack) -> None:
    """Return when each of the two has had an effect since now."""
    for worker in (FIRST, SECOND):
        before = metric(stack, worker, "cradle_inbox_records_total")
        eventually(
            lambda worker=worker, before=before: metric(stack, worker, "cradle_inbox_records_total") > before,  # type: ignore[misc]
            60,
            f"{worker} has no work",
        )


def test_a_worker_that_leaves_and_one_that_joins_lose_nothing(
    city: Stack, random: Random, size: Size, tell: Tell
) -> None:
    since = ends(city)
    rounds = (size.rounds + 1) // 2

    with Load(city, random, per_second=size.per_second) as load:
        city.start_role(FIRST)
        for turn in range(rounds):
            wait_both_work(city)
            leaver = (FIRST, SECOND)[turn % 2]
            city.stop_role(leaver)
            assert city.process(leaver).exit_status == 0
            wait_progress(city)
            city.start_role(FIRST)
        wait_both_work(city)
        city.stop_role(SECOND)
    took_s = wait_settled(city, size.timeout_s)

    account = draw_up(city, load, since, TODAY)
    tell(f"{rounds} left and joined; caught up in {took_s:.1f} s; {account.line()}")
    assert account.problems() == []


def test_a_worker_that_wakes_after_it_was_replaced_changes_nothing(
    city: Stack, random: Random, size: Size, tell: Tell
) -> None:
    since, fenced = ends(city), 0.0
    rounds = (size.rounds + 4) // 5

    with Load(city, random, per_second=size.per_second) as load:
        city.start_role(FIRST)
        for _ in range(rounds):
            for stall in (wake_with_an_open_transaction, wake_after_its_session_was_ended, wake_at_any_moment):
                wait_both_work(city)
                stall(city, random.choice((FIRST, SECOND)), random)
        wait_both_work(city)
        fenced = sum(metric(city, worker, "cradle_inbox_fenced_total") for worker in (FIRST, SECOND))
        city.stop_role(SECOND)
    took_s = wait_settled(city, size.timeout_s)

    account = draw_up(city, load, since, TODAY)
    tell(f"{3 * rounds} zombies, {fenced:.0f} batches fenced; caught up in {took_s:.1f} s; {account.line()}")
    assert account.problems() == []
    assert fenced >= rounds


def wake_with_an_open_transaction(city: Stack, victim: str, random: Random) -> None:
    """It commits after all; whoever took its place is the one to be fenced."""
    with stalled_inside_a_transaction(city, victim, workers=2):
        wait_taken_over(city)
        time.sleep(random.uniform(0, 0.5))


def wake_after_its_session_was_ended(city: Stack, victim: str, random: Random) -> None:
    """The other has decided its batch; what it still holds must be dropped."""
    with stalled_inside_a_transaction(city, victim, workers=2):
        wait_taken_over(city)
        assert end_sessions_in_the_way(city) > 0
        wait_progress(city)


def wake_at_any_moment(city: Stack, victim: str, random: Random) -> None:
    time.sleep(random.uniform(0, 0.5))
    with stalled(city, victim):
        time.sleep(random.uniform(2.5, 4))  # past the session timeout of two seconds
