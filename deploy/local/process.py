"""Child processes that are started by one thread, restarted when they die, and never outlive it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local.errors import StackError

_LAUNCH = Path(__file__).with_name("launch.py")
_TICK_S = 0.05
_BACKOFF_FIRST_S = 0.2
_BACKOFF_MAX_S = 5.0
_STABLE_S = 10.0  # a process that lived this long starts again with the first backoff
_CALL_TIMEOUT_S = 30.0

MARK = "CRADLE_STACK_CHILD"  # in every child's environment: the folder of the stack it belongs to


@dataclass(frozen=True, slots=True)
class Command:
    """How to start a process, and how to end it."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    uid: int
    gid: int
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    grace_s: float = 12.0


class Process:
    """A supervised process: the same name through any number of restarts."""

    def __init__(self, command: Command, parent: Supervisor) -> None:
        self.command = command
        self.restarts = 0
        self.wanted = True
        self._parent = parent
        self._lock = threading.RLock()
        self._popen: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._started_s = 0.0
        self._due_s: float | None = None

    @property
    def name(self) -> str:
        return self.command.name

    @property
    def pid(self) -> int | None:
        """The process id, or None while it is down."""
        popen = self._popen
        return popen.pid if popen is not None and popen.poll() is None else None

    @property
    def exit_status(self) -> int | None:
        return None if self._popen is None else self._popen.poll()

    @property
    def failures(self) -> int:
        """How often it died in a row without having been asked to."""
        return self._failures

    def start(self) -> None:
        """Start it, if it is not running."""
        with self._lock:
            self.wanted = True
            if self.pid is None:
                self._failures = 0
                self._parent.call(self.spawn)

    def stop(self, *, force: bool = False, by: signal.Signals | None = None) -> None:
        """Ask it to end, wait out its grace, then end it; `force` goes straight to the last."""
        with self._lock:
            self.wanted = False
            popen = self._popen
        if popen is None:
            return
        if not force:
            with suppress(ProcessLookupError):
                popen.send_signal(by or self.command.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                popen.wait(self.command.grace_s)
        kill_group(popen.pid)
        popen.wait(_CALL_TIMEOUT_S)

    def wait(self, timeout_s: float) -> int:
        """Wait for its end and answer its exit status."""
        if self._popen is None:
            raise StackError(f"{self.name} was never started")
        return self._popen.wait(timeout_s)

    def kill(self, *, restart: bool = True) -> None:
        """SIGKILL, as a crash would; the supervisor brings it back unless told not to."""
        with self._lock:
            self.wanted = restart
            popen = self._popen
        if popen is not None and popen.poll() is None:
            popen.kill()
            popen.wait(_CALL_TIMEOUT_S)

    def spawn(self) -> None:
        """Start the program. Only the supervisor's thread calls this: the child dies with the thread that forked it."""
        command = self.command
        launch = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), str(int(command.death_signal))]
        with command.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*launch, str(command.uid), str(command.gid), *command.argv],
                env=dict(command.env),
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self._started_s = time.monotonic()
        self._due_s = None

    def tend(self, say: Callable[[str], None]) -> None:
        """Notice a death; start again when its backoff is over."""
        if not self._lock.acquire(blocking=False):
            return  # someone is starting or stopping it just now
        try:
            self._tend(say)
        finally:
            self._lock.release()

    def _tend(self, say: Callable[[str], None]) -> None:
        if not self.wanted or self._popen is None or self._popen.poll() is None:
            return
        now_s = time.monotonic()
        if self._due_s is None:
            self._failures = 1 if now_s - self._started_s > _STABLE_S else self._failures + 1
            backoff_s = min(_BACKOFF_FIRST_S * 2 ** (self._failures - 1), _BACKOFF_MAX_S)
            self._due_s = now_s + backoff_s
            kill_group(self._popen.pid)
            say(f"{self.name} ended with status {self._popen.returncode}; starts again in {backoff_s:.1f} s")
        elif now_s >= self._due_s:
            self.restarts += 1
            self.spawn()
            say(f"{self.name} started again, pid {self.pid}")


class Supervisor(threading.Thread):
    """The one thread that forks, for the kernel ties a child to the thread that made it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(name="supervisor", daemon=True)
        self._say = say
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._processes: list[Process] = []

    def add(self, command: Command) -> Process:
        """Start a process and look after it from now on."""
        process = Process(command, self)
        self.call(process.spawn)
        self._processes.append(process)
        self._say(f"{process.name} started, pid {process.pid}")
        return process

    def run_once(self, command: Command, timeout_s: float) -> int:
        """Run a command to its end and answer its exit status."""
        process = Process(command, self)
        self.call(process.spawn)
        try:
            return process.wait(timeout_s)
        finally:
            process.stop(force=True)

    def call(self, job: Callable[[], None]) -> None:
        """Run a job on the supervisor's thread and wait for it."""
        done: Future[None] = Future()

        def answer() -> None:
            try:
                job()
            except Exception as error:  # noqa: BLE001  # it belongs to the caller, not to this thread
                done.set_exception(error)
            else:
                done.set_result(None)

        self._jobs.put(answer)
        done.result(_CALL_TIMEOUT_S)

    def close(self) -> None:
        """End the thread. The processes must have been stopped; any that was not dies with it."""
        self._jobs.put(None)
        self.join(_CALL_TIMEOUT_S)

    def run(self) -> None:
        while True:
            with suppress(queue.Empty):
                job = self._jobs.get(timeout=_TICK_S)
                if job is None:
                    return
                job()
            for process in tuple(self._processes):
                process.tend(self._say)


def kill_group(leader: int) -> None:
    """End a process and all that it started in its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def children_of(folder: Path) -> list[psutil.Process]:
    """Every living process that belongs to the stack of that folder, whoever its parent is by now."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def sweep(folder: Path, timeout_s: float = 10.0) -> int:
    """End whatever a dead supervisor left behind; answers how many there were."""
    left = children_of(folder)
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=timeout_s)
    return len(left)
