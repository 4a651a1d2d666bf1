"""Advices of what moved on our account: camt.054.001.08 (BankToCustomerDebitCreditNotificationV08)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from services.treasury.bank import camt
from services.treasury.bank.camt import End, Entry, Report
from services.treasury.bank.reading import BYTES_MAX

MESSAGES: Final = ("camt.054.001.08",)


def read(source: BinaryIO, bytes_max: int = BYTES_MAX) -> Iterator[Report | Entry | End]:
    """Each report, its entries, its end. An advice is news, a statement the proof: both tell of the same movement."""
    return camt.read(source, MESSAGES, "BkToCstmrDbtCdtNtfctn", "Ntfctn", bytes_max)
