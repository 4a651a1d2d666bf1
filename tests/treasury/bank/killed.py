"""Builds and hands over files, killed by a timer at any moment, while a bank takes away whatever it sees.

Prints for each file how often the bank got it whole and how often not, and at the end how often it killed. A process of
its own, since it forks.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from services.treasury.bank import Outgoing, pain001
from services.treasury.bank.folder import Folders
from services.treasury.bank.pain001 import Payment
from services.treasury.bank.placing import content_of
from tests.treasury.bank.builders import order, payment

KILLS = 4


def build_and_hand_over(root: Path, name: str, payments: Sequence[Payment], sha256: bytes) -> None:
    path = root / "built" / f"{name}.xml"
    pain001.write(path, order(payments, message_id=name), payments, expected=sha256)
    Folders(root / "bank").hand_over(Outgoing(path, sha256))


def undisturbed_s(root: Path) -> float:
    """How long it takes here at best: kills are spread over that, on a fast machine as on a slow one."""
    took: list[float] = []
    for number in range(-5, 0):
        payments = [payment(1_000_000 + one) for one in range(30)]
        sha256 = pain001.digest(order(payments, message_id=f"TRY{number}"), payments).sha256
        begun_s = time.perf_counter()
        in_a_child(root, f"TRY{number}", payments, sha256, 30.0)
        took.append(time.perf_counter() - begun_s)
    for path in (root / "bank" / "outbox").iterdir():
        path.unlink()
    return min(took)


def in_a_child(root: Path, name: str, payments: Sequence[Payment], sha256: bytes, alive_s: float) -> bool:
    """Whether it was killed."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, alive_s)
        build_and_hand_over(root, name, payments, sha256)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def main(root: Path, files: int, seed: int) -> None:
    chance, killed = random.Random(seed), 0
    (root / "built").mkdir()
    Folders(root / "bank")
    whole_s = undisturbed_s(root)
    for number in range(files):
        payments = [payment(number * 100 + one) for one in range(30)]
        sha256 = pain001.digest(order(payments, message_id=f"RUN-{number}"), payments).sha256
        got: list[bool] = []
        for alive_s in [*(chance.uniform(0.05, 0.95) * whole_s for _ in range(KILLS)), 30.0]:
            killed += in_a_child(root, f"RUN-{number}", payments, sha256, alive_s)
            for path in (root / "bank" / "outbox").iterdir():
                got.append(content_of(path).sha256 == sha256)
                path.unlink()
        sys.stdout.write(f"{got.count(True)} whole, {got.count(False)} not\n")
    sys.stdout.write(f"{killed}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
