"""Whatever a bank says, by its kind: which reader reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final, TypeAlias

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.treasury.bank import camt053, camt054, pacs004, pain002
from services.treasury.bank.camt import End, Entry, Report
from services.treasury.bank.pacs004 import Return
from services.treasury.bank.reading import BYTES_MAX

Record: TypeAlias = pain002.Record | Report | Entry | End | Return

_READERS: Final = {
    **dict.fromkeys(pain002.MESSAGES, pain002.read),
    **dict.fromkeys(camt053.MESSAGES, camt053.read),
    **dict.fromkeys(camt054.MESSAGES, camt054.read),
    **dict.fromkeys(pacs004.MESSAGES, pacs004.read),
}


def read(source: BinaryIO, kind: str, bytes_max: int = BYTES_MAX) -> Iterator[Record]:
    """The records of a message of this kind (`Received.kind`), under the contract of `reading`."""
    if kind not in _READERS:
        raise Invalid(reason("BANK_MESSAGE_UNEXPECTED", "Document", expected=", ".join(_READERS), found=kind or "-"))
    return _READERS[kind](source, bytes_max)
