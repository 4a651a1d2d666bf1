"""The bank's side of the treasury: ISO 20022 messages, payees' accounts, and the seam behind which a bank stands.

| module | |
|---|---|
| `pain001`, `payroll` | payments out, as ISO 20022 or as CSV; `placing` and `signing`: whole, hashed, signed |
| `pain002`, `camt054`, `camt053`, `pacs004` | what the bank says, read strictly (`reading`); `answers` picks |
| `reference`, `amounts`, `wording`, `accounts` | ids, fen, text and account numbers as banks carry them |
| `folder`, `objects`, `live` | adapters of `Bank`: files in folders, in object storage, and a bank that speaks HTTP |

**What may never happen is a second payment**, so every doubt is UNKNOWN: a file that may have been handed over is never
handed over again, a bank that does not know a payment today may still pay it tomorrow, and a "duplicate" is no
rejection. What the bank says may come twice, late and in any order; whoever takes it in keys it by its content's hash,
commits, and only then calls `done`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

from services.kit.messages import Reason
from services.treasury.bank.pain002 import Outcome


class Handover(StrEnum):
    """What became of a file that was to be handed over."""

    TAKEN = "TAKEN"  # the bank has it; what it thinks of it comes as an answer
    BEFORE = "BEFORE"  # it was handed over earlier, or that was begun: nothing was sent now; ask, do not send again
    NOT_SENT = "NOT_SENT"  # not a byte of it left: the same file may be handed over again
    REFUSED = "REFUSED"  # the bank says that it did not read it: a person looks; it is not handed over again either
    UNKNOWN = "UNKNOWN"  # it may have arrived: ask, never send again


class Outgoing(NamedTuple):
    """A file as it was written: its SHA-256 was committed before it is handed over."""

    path: Path
    sha256: bytes
    signature: Path | None = None


class Received(NamedTuple):
    """Something the bank said, kept on disk. `kind` is its message, as camt.053.001.08; empty if it names none.

    With a `problem` it did not come whole, and is to be refused.
    """

    path: Path
    name: str
    kind: str
    sha256: bytes
    problem: Reason | None = None


class Standing(NamedTuple):
    """What a bank answers when asked of one payment. `known` False: it knows none such, **which proves nothing**."""

    known: bool
    status: str = ""
    reason: str = ""
    outcome: Outcome = Outcome.UNKNOWN


class Bank(Protocol):
    """A bank. Every method may raise Unavailable or OSError: waited out, and called again."""

    async def send(self, file: Outgoing) -> Handover:
        """Hand a file over, at most once for its name: calling again is always safe, after a crash as well.

        Raises Invalid if the name was used for other content, or if the file is not the one of its hash.
        """

    def answers(self, since: datetime | None = None) -> AsyncIterator[Received]:
        """What the bank said and `done` or `refused` have not taken yet, oldest first as far as one can tell.

        With `since` also what was taken, from that instant on: for a treasury that was restored from a backup.
        """

    def statements(self, since: datetime) -> AsyncIterator[Received]:
        """The statements from that instant on, taken or not."""

    async def status(self, end_to_end_id: str) -> Standing | None:
        """What became of a payment, asked by its own id; None where a bank cannot be asked."""

    async def done(self, received: Received) -> None:
        """It is committed. Twice is once."""

    async def refused(self, received: Received, reasons: Sequence[Reason]) -> None:
        """It cannot be taken; it is kept with the reasons for a person. Twice is once."""
