"""A bank role with a bug, once through: `python -m tests.crash.planted_bank BUG <dsn> <key> <folder> [dies after]`.

- `nothing`: a sound one.
- `resend`: what was intended and not answered is sent again, as one that trusts nobody to have got it does.
- `intent-late`: the intent is committed once the bank has answered, as one that notes what it has done does.
- `no-hold`: pays after a restore as if nothing had been lost.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.kit.db import Database
from services.treasury.bank import Handover
from services.treasury.model import File
from services.treasury.store import files
from services.treasury.store import holding as holds
from services.treasury.usecases import holding, sending
from services.treasury.usecases.sending import Sender
from tests.treasury.sending_again import main

_intend = sending._intend
_record = sending._record


async def all_unanswered(database: Database, accounts: Sequence[str]) -> list[File]:
    rows = await database.fetch(
        f"SELECT {files._COLUMNS} FROM bank_file AS f WHERE f.handover IS NULL AND f.paying_account = ANY($1)",
        list(accounts),
    )
    return [files._file_of(row)._replace(intent_at=None) for row in rows]


async def intend_nothing(sender: Sender, file: File) -> None:
    """It comes later, or it is there already."""


async def intend_and_record(sender: Sender, file: File, handover: Handover) -> None:
    await _intend(sender, file)
    await _record(sender, file, handover)


async def _nothing(*_: Any) -> None:
    """There is no HOLD, and no mark."""


nothing: Any = _nothing


if __name__ == "__main__":
    os.umask(0o077)
    match sys.argv[1]:
        case "nothing":
            pass
        case "resend":
            files.to_send = all_unanswered
            sending._intend = intend_nothing
        case "intent-late":
            sending._intend = intend_nothing
            sending._record = intend_and_record
            holding.note = nothing
        case "no-hold":
            holding.look = nothing
            holds.is_held_now = nothing
    dsn, key, root, *dies = sys.argv[2:]
    asyncio.run(main(dsn, key, Path(root), int(dies[0]) if dies else None))
