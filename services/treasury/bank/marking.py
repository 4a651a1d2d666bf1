"""The mark: what was sent last, on record outside the database, beside the files that were written.

It is made durable after the intent is committed and before the first byte leaves, so it is never behind what may have
left. A database that does not know what the mark names was restored from a backup.
"""

from __future__ import annotations

import os
import secrets
from datetime import date
from pathlib import Path
from typing import Final

import orjson

from services.treasury.bank.placing import UNFINISHED, rename
from services.treasury.model.holding import Mark

_NAME: Final = "last-sent.json"
_BYTES_MAX: Final = 4096


def read(spool: Path) -> str:
    """As it stands there; '' if there is none."""
    try:
        with (spool / _NAME).open("rb") as file:
            return file.read(_BYTES_MAX).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def parse(text: str) -> Mark | None:
    """None if it cannot be read: then it is not known what it says."""
    try:
        found = orjson.loads(text)
        return Mark(str(found["file"]), date.fromisoformat(found["sent_to"]), str(found["hold"]))
    except (ValueError, KeyError, TypeError):
        return None


def write(spool: Path, mark: Mark) -> None:
    unfinished = spool / f".{_NAME}.{secrets.token_hex(8)}{UNFINISHED}"
    with unfinished.open("wb") as file:
        file.write(orjson.dumps(mark._asdict(), option=orjson.OPT_APPEND_NEWLINE))
        file.flush()
        os.fsync(file.fileno())
    rename(unfinished, spool / _NAME)
