"""Free loopback ports, held for as long as the stack lives: a stopped broker finds its port free when it returns."""

from __future__ import annotations

import fcntl
import random
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import IO

# Below the range from which the system picks ports for outgoing connections, which would take ours at random.
_RANGE = range(20_000, 30_000)
_ATTEMPTS_MAX = 1_000


class Ports:
    """Claims ports by locked files, so that two stacks of this clone never pick the same one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[int, IO[str]] = {}

    def claim(self, preferred: Iterable[int] = ()) -> int:
        """Take a preferred port if it is free, else any."""
        candidates = [*preferred, *random.sample(_RANGE, _ATTEMPTS_MAX)]
        for port in candidates:
            if port not in self._held and self._take(port):
                return port
        raise OSError("no free port on 127.0.0.1")

    def release(self) -> None:
        for lock in self._held.values():
            lock.close()
        self._held.clear()

    def _take(self, port: int) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = (self._folder / str(port)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            return False
        self._held[port] = lock
        return True
