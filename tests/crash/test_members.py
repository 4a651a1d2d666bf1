"""Workers that come, go and hang: the group's partitions change hands under load."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from deploy.local.stack import Stack
from tests.crash.balance import draw_up, ends, wait_settled
from tests.crash.chaos import (
    end_sessions_in_the_way,
    eventually,
    last_words,
    metric,
    restarts_of,
    stalled,
    stalled_before_its_fence,
    stalled_inside_a_transaction,
    start_at_once,
    stop_at_once,
    two_with,
    wait_every_partition_advances,
    wait_progress,
    wait_taken_over,
)
from tests.crash.conftest import TODAY, Size, Tell
from tests.crash.load import Load

WORKER = "claims-worker"
Pair = tuple[str, str]


def wait_both_work(stack: Stack, pair: Pair) -> None:
    """Return when each of the two has had an effect since now."""
    before = {worker: records(stack, worker) for worker in pair}
    eventually(lambda: all(records(stack, worker) > before[worker] for worker in pair), 60, "one of them has no work")


def records(stack: Stack, worker: str) -> float:
    return metric(stack, worker, "cradle_inbox_records_total")


@contextmanager
def two_that_may_hang(city: Stack, planted: str) -> Iterator[Pair]:
    """Two workers of `planted` in the place of the usual one."""
    one, other = start_at_once(city, *two_with(planted, city))
    city.stop_role(WORKER)
    yield one, other
    city.start_role(WORKER)
    stop_at_once(city, one, other)


def test_a_worker_that_leaves_and_one_that_joins_lose_nothing(
    city: Stack, random: Random, size: Size, tell: Tell
) -> None:
    since, rounds = ends(city), (size.rounds + 1) // 2
    pair = (WORKER, f"{WORKER}-2")

    with Load(city, random, per_second=size.per_second) as load:
        city.start_role(WORKER)
        for turn in range(rounds):
            wait_both_work(city, pair)
            time.sleep(random.uniform(0, 1))
            city.stop_role(pair[turn % 2])
            assert city.process(pair[turn % 2]).exit_status == 0
            wait_progress(city)
            city.start_role(WORKER)
        wait_both_work(city, pair)
        city.stop_role(pair[1])
    took_s = wait_settled(city, size.timeout_s)

    account = draw_up(city, load, since, TODAY)
    tell(f"{rounds} left and joined; caught up in {took_s:.1f} s; {account.line()}")
    assert account.problems() == []


def test_a_worker_that_wakes_after_it_was_replaced_changes_nothing(
    city: Stack, random: Random, size: Size, tell: Tell
) -> None:
    since, rounds, fenced = ends(city), (size.rounds + 4) // 5, 0.0

    # Half the load of the others: it is there all the time, and each second of it is balanced at the end.
    with two_that_may_hang(city, "nothing") as pair, Load(city, random, per_second=size.per_second // 2) as load:
        for _ in range(rounds):
            for wake in (wake_before_its_fence, wake_with_an_open_transaction, wake_without_session, wake_any_time):
                wait_both_work(city, pair)
                before = fences(city, pair)
                wake(city, random.choice(pair), random)
                wait_both_work(city, pair)
                tell(f"{wake.__name__}: {fences(city, pair) - before:.0f} batches fenced")
        fenced = fences(city, pair)
        deaths, said = restarts_of(city, *pair), last_words(city, *pair)
    took_s = wait_settled(city, size.timeout_s)

    account = draw_up(city, load, since, TODAY)
    tell(f"{4 * rounds} zombies; caught up in {took_s:.1f} s; {account.line()}")
    assert account.problems() == []
    assert fenced >= rounds
    assert not any(deaths.values()), said


def fences(city: Stack, pair: Pair) -> float:
    return sum(metric(city, worker, "cradle_inbox_fenced_total") for worker in pair)


def wake_before_its_fence(city: Stack, victim: str, random: Random) -> None:
    """The worst moment: it goes on with a batch that another has decided meanwhile, and must be fenced."""
    with stalled_before_its_fence(city, victim):
        wait_every_partition_advances(city)
        time.sleep(random.uniform(0, 0.5))


def wake_with_an_open_transaction(city: Stack, victim: str, random: Random) -> None:
    """It commits after all. Whoever takes its place waits longer than for any lock, and does not die of it."""
    with stalled_inside_a_transaction(city, victim):
        wait_taken_over(city)
        time.sleep(random.uniform(5.5, 6.5))


def wake_without_session(city: Stack, victim: str, random: Random) -> None:
    """The database ended its session and another has decided its batch; what it still holds must be dropped."""
    with stalled_inside_a_transaction(city, victim):
        wait_taken_over(city)
        assert end_sessions_in_the_way(city) > 0
        wait_every_partition_advances(city)


def wake_any_time(city: Stack, victim: str, random: Random) -> None:
    time.sleep(random.uniform(0, 0.5))
    with stalled(city, victim):
        time.sleep(random.uniform(2.5, 4))  # past the session timeout of two seconds
