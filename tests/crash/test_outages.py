"""The broker, the database and the registry go away under load: it costs waiting, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

from deploy.local.stack import Stack
from tests.crash.balance import Account, draw_up, ends, wait_settled
from tests.crash.chaos import last_words, restarts_of, wait_progress
from tests.crash.conftest import TODAY, Size, Tell
from tests.crash.load import Load

ROLES = ("claims-worker", "claims-relay", "claims-api")


def under_load(city: Stack, random: Random, size: Size, tell: Tell, outages: list[Callable[[], None]]) -> Account:
    """Let each outage come at a random moment under load, and draw up what became of the load."""
    since, deaths = ends(city), restarts_of(city, *ROLES)

    with Load(city, random, per_second=size.per_second) as load:
        for outage in outages:
            wait_progress(city)
            time.sleep(random.uniform(0, 1))
            begun_s = time.monotonic()
            outage()
            wait_progress(city)
            tell(f"{outage.__name__}: records taken again after {time.monotonic() - begun_s:.1f} s")
    took_s = wait_settled(city, size.timeout_s)

    account = draw_up(city, load, since, TODAY)
    tell(f"{len(outages)} outages; caught up in {took_s:.1f} s; {account.line()}")
    assert restarts_of(city, *ROLES) == deaths, last_words(city, *ROLES)
    return account


def test_a_broker_that_restarts_costs_waiting_only(city: Stack, random: Random, size: Size, tell: Tell) -> None:
    def killed() -> None:
        city.broker_stop(kill=True)
        time.sleep(random.uniform(0, 2))
        city.broker_start()

    def stopped() -> None:
        city.broker_stop()
        time.sleep(random.uniform(0, 2))
        city.broker_start()

    account = under_load(city, random, size, tell, [killed, stopped] * ((size.rounds + 4) // 5))

    assert account.problems() == []
    assert account.parked == {}


def test_a_database_that_restarts_costs_waiting_only(city: Stack, random: Random, size: Size, tell: Tell) -> None:
    def crashed() -> None:
        city.database_stop(immediate=True)
        time.sleep(random.uniform(0, 3))
        city.database_start()

    def stopped() -> None:
        city.database_stop()
        time.sleep(random.uniform(0, 3))
        city.database_start()

    account = under_load(city, random, size, tell, [crashed, stopped] * ((size.rounds + 4) // 5))

    assert account.problems() == []
    assert account.parked == {}


def test_a_registry_that_is_away_costs_waiting_only(city: Stack, random: Random, size: Size, tell: Tell) -> None:
    def killed() -> None:
        city.kill("registry-api", restart=False)
        time.sleep(random.uniform(2, 5))
        city.process("registry-api").start()

    account = under_load(city, random, size, tell, [killed] * ((size.rounds + 4) // 5))

    assert account.problems() == []
    assert account.parked == {}
