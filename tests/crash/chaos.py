"""Breaking things at random moments, each only after work was seen to go on since the last."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import psutil

from deploy.local.roles import Role
from deploy.local.stack import Stack
from tests.crash import databases
from tests.crash.balance import INTAKE, ask, taken

# A dead member is missed after two seconds, so that a takeover is a matter of seconds and not of half a minute.
SETTINGS = {
    "CRADLE_SESSION_TIMEOUT_MS": "2000",
    "CRADLE_REBALANCE_TIMEOUT_MS": "4000",
    "CRADLE_MAX_POLL_INTERVAL_MS": "10000",
    "CRADLE_BATCH_RECORDS_MAX": "100",
    "CRADLE_ORDER_RECORDS_MAX": "100",
}


def eventually(question: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Ask until the answer is yes; what is away answers no."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        with suppress(*databases.AWAY):
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


def kill_and_start(stack: Stack, role: str) -> None:
    """SIGKILL, and again at once: the supervisor's growing patience is not what is tested."""
    stack.kill(role)
    stack.process(role).start()


def kill_workers(stack: Stack, random: Random, kills: int, role: str = "claims-worker") -> None:
    """SIGKILL under load, at a random moment after records were taken again."""
    for _ in range(kills):
        wait_progress(stack)
        time.sleep(random.uniform(0, 0.6))  # the moment; nothing is waited for
        kill_and_start(stack, role)


def kill_relays(stack: Stack, random: Random, kills: int, role: str = "claims-relay") -> None:
    """SIGKILL a relay that has sent something and has more to send, at a random moment."""
    for _ in range(kills):
        eventually(lambda: sent(stack, role) > 0, 60, "the relay sends nothing")
        time.sleep(random.uniform(0, 0.6))
        eventually(lambda: bool(ask(stack, "SELECT 1 FROM outbox LIMIT 1")), 60, "the outbox is empty")
        time.sleep(random.uniform(0, 0.02))
        kill_and_start(stack, role)


def at_once(*works: Callable[[], None]) -> None:
    """Do several things beside each other; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result()


def start_at_once(stack: Stack, *roles: str | Role, env: Mapping[str, str] | None = None) -> list[str]:
    """Start roles of different names beside each other; answers what their processes are called."""
    with ThreadPoolExecutor(len(roles)) as pool:
        return [process.name for process in pool.map(lambda role: stack.start_role(role, env), roles)]


def stop_at_once(stack: Stack, *names: str) -> None:
    at_once(*[partial(stack.stop_role, name) for name in names])


def restarts_of(stack: Stack, *roles: str) -> dict[str, int]:
    """How often each of the roles died of itself and was started again."""
    return {role: stack.process(role).restarts for role in roles}


def last_words(stack: Stack, *roles: str) -> str:
    """What the roles said when they died."""
    logs = [stack.process(role).command.log.read_text("utf-8", "replace") for role in roles]
    return "\n".join(line for log in logs for line in log.splitlines() if '"died"' in line)


# -- zombies --


@contextmanager
def stalled(stack: Stack, role: str) -> Iterator[None]:
    """SIGSTOP a role, as a machine that hangs would, and let it go on at the end."""
    pid = stack.pid(role)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def stalled_before_its_fence(stack: Stack, role: str) -> Iterator[None]:
    """Let a worker of `planted` hang with a batch in hand, and go on at the end."""
    pid = stack.pid(role)
    assert pid is not None
    (stalls(stack) / str(pid)).touch()
    victim = psutil.Process(pid)
    eventually(lambda: victim.status() == psutil.STATUS_STOPPED, 30, "the worker does not come to its fence")
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def role_with(planted: str, stack: Stack, role: str = "worker") -> Role:
    """A role with one of the bugs of `planted`, or none; a worker may be told to hang."""
    argv = (sys.executable, "-m", "tests.crash.planted", role)
    env = {"CRASH_PLANTED": planted, "CRASH_STALLS": str(stalls(stack))}
    return Role(f"{planted}-{role}", argv, env, service="claims")


def two_with(planted: str, stack: Stack) -> tuple[Role, Role]:
    """Two such workers, named apart, so that they can be started beside each other."""
    one = role_with(planted, stack)
    return one, replace(one, name=f"{one.name}-beside")


def stalls(stack: Stack) -> Path:
    folder = stack.folder / "stalls"
    folder.mkdir(exist_ok=True)
    return folder


def wait_every_partition_advances(stack: Stack, timeout_s: float = 60.0) -> None:
    """Return when records of every partition were taken: those of a stalled worker by another.

    Its session must end, and a transaction that its other inbox left open, which PostgreSQL would end after 15 seconds
    and is ended here after one.
    """
    before = _offsets(stack)
    eventually(
        lambda: (
            end_stalled_sessions(stack) >= 0
            and all(offset > before[place] for place, offset in _offsets(stack).items())
        ),
        timeout_s,
        "nobody takes the stalled worker's place",
    )


def _offsets(stack: Stack) -> dict[tuple[str, int], int]:
    sent = "SELECT topic, partition, next_offset FROM consumed WHERE consumer = 'claims' AND topic = ANY($1)"
    rows = ask(stack, sent, list(INTAKE))  # the sandbox sends nothing here
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


@contextmanager
def stalled_inside_a_transaction(stack: Stack, role: str) -> Iterator[None]:
    """Stall a worker when it has moved a fence and not yet committed."""
    with ExitStack() as until_the_end:
        with _persons_locked(stack):
            eventually(lambda: _has_moved_its_fence(stack, role), 10, "the worker brings no batch to the persons")
            until_the_end.enter_context(stalled(stack, role))
        yield


def _has_moved_its_fence(stack: Stack, role: str) -> bool:
    """Whether a session of this role's process waits for the persons and has written its offset."""
    ports = [connection.laddr.port for connection in psutil.Process(stack.pid(role)).net_connections("tcp")]
    waiting = ask(
        stack,
        """SELECT FROM pg_stat_activity AS session
           WHERE wait_event_type = 'Lock' AND strpos(query, 'person') > 0 AND client_port = ANY($1)
             AND EXISTS (SELECT FROM pg_locks AS held WHERE held.pid = session.pid AND held.granted
                           AND held.relation = 'consumed'::regclass AND held.mode = 'RowExclusiveLock')""",
        ports,
    )
    return bool(waiting)


def wait_taken_over(stack: Stack, timeout_s: float = 30.0) -> None:
    """Return when another worker has the partitions of a stalled one and waits for the offsets that it holds."""
    sql = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND strpos(query, 'consumed') > 0"
    eventually(lambda: bool(ask(stack, sql)), timeout_s, "nobody takes the stalled worker's place")


def end_sessions_in_the_way(stack: Stack) -> int:
    """End the sessions that others wait for, as PostgreSQL itself does after `idle_in_transaction_session_timeout`."""
    ended = ask(
        stack,
        """SELECT pg_terminate_backend(pid) FROM (SELECT DISTINCT unnest(pg_blocking_pids(pid)) AS pid
           FROM pg_stat_activity WHERE query LIKE '%consumed%') AS blocking""",
    )
    return len(ended)


def end_stalled_sessions(stack: Stack) -> int:
    """Those that others wait for, and whose transaction has done nothing for a second: none that lives is so."""
    ended = ask(
        stack,
        """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE state = 'idle in transaction' AND state_change < clock_timestamp() - interval '1 second'
             AND pid IN (SELECT unnest(pg_blocking_pids(waits.pid)) FROM pg_stat_activity AS waits
                         WHERE waits.wait_event_type = 'Lock')""",
    )
    return len(ended)


def _persons_locked(stack: Stack) -> AbstractContextManager[None]:
    """Nobody can be decided about meanwhile."""
    return databases.locked(databases.dsn_of(stack, "claims"), "LOCK TABLE person IN ACCESS EXCLUSIVE MODE", 20)
