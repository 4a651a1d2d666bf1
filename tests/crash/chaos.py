"""Breaking things at random moments, each only after work was seen to go on since the last."""

from __future__ import annotations

import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random

import asyncpg

from deploy.local.stack import Stack
from tests.crash.balance import ask, taken

# A dead member is missed after two seconds, so that a takeover is a matter of seconds and not of half a minute.
SETTINGS = {
    "CRADLE_SESSION_TIMEOUT_MS": "2000",
    "CRADLE_REBALANCE_TIMEOUT_MS": "4000",
    "CRADLE_MAX_POLL_INTERVAL_MS": "10000",
    "CRADLE_BATCH_RECORDS_MAX": "100",
}
_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


def eventually(question: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Ask until the answer is yes; what is away answers no."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        with suppress(*_AWAY):
            if question():
                return
        assert time.monotonic() < deadline_s, f"{what}: not within {timeout_s} s"
        time.sleep(0.05)


def wait_progress(stack: Stack, timeout_s: float = 60.0, records: int = 1) -> None:
    """Return when some more records have had their effect."""
    before = taken(stack)
    eventually(lambda: taken(stack) >= before + records, timeout_s, "no record is taken")


def sent(stack: Stack, relay: str = "claims-relay") -> float:
    """How many events the relay that lives now has sent."""
    return metric(stack, relay, "cradle_outbox_sent_total")


def metric(stack: Stack, role: str, name: str) -> float:
    """The sum of a metric of a role over its labels."""
    address = stack.process(role).command.env["CRADLE_METRICS_LISTEN"]
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


def kill_workers(stack: Stack, random: Random, kills: int, role: str = "claims-worker") -> None:
    """SIGKILL under load, at a random moment after records were taken again."""
    for _ in range(kills):
        wait_progress(stack)
        time.sleep(random.uniform(0, 0.6))  # the moment; nothing is waited for
        stack.kill(role)
        stack.process(role).start()  # at once: the supervisor's growing patience is not what is tested


def kill_relays(stack: Stack, random: Random, kills: int, role: str = "claims-relay") -> None:
    for _ in range(kills):
        eventually(lambda: sent(stack, role) > 0, 60, "the relay sends nothing")
        time.sleep(random.uniform(0, 0.6))
        stack.kill(role)
        stack.process(role).start()


def at_once(*works: Callable[[], None]) -> None:
    """Do several things beside each other; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result()


def stall(stack: Stack, role: str) -> Callable[[], None]:
    """SIGSTOP a role, as a machine that hangs would; answers what lets it go on."""
    pid = stack.pid(role)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    return lambda: os.kill(pid, signal.SIGCONT)


def restarts_of(stack: Stack, *roles: str) -> int:
    """How often roles died of themselves."""
    return sum(stack.process(role).restarts for role in roles)


def waits_for_lock(stack: Stack) -> int:
    return int(ask(stack, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0][0])
