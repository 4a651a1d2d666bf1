"""Looking on while a service works by itself, with a bar where a person watches."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from services.cli.session import Session

_WAIT_S: Final = 3_600.0
_LOOK_EVERY_S: Final = 0.5
OneT = TypeVar("OneT")


def watch(
    session: Session,
    code: str,
    look: Callable[[], OneT],
    is_done: Callable[[OneT], bool],
    progress_of: Callable[[OneT], tuple[int, int | None]],
) -> OneT:
    """Look until it is done, for so long as a person waits; answers the last look.

    `code` names the work, `progress_of` says how much of it is done, and of how much, if that is known.
    """
    until, one = time.monotonic() + _WAIT_S, look()
    with session.progress(code, progress_of(one)[1]) as progress:
        while not is_done(one) and time.monotonic() < until:
            done, total = progress_of(one)
            progress.update(progress.task_ids[0], total=total, completed=done)
            time.sleep(_LOOK_EVERY_S)
            one = look()
    return one
