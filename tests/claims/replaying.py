"""A replay in a process of its own, to be killed: `python -m tests.claims.replaying DATABASE CHECKPOINT`."""

from __future__ import annotations

import sys
from pathlib import Path

from services.claims.usecases.replay import Asked, replay

if __name__ == "__main__":
    replay(sys.argv[1], Asked(), 2, Path(sys.argv[2]))
