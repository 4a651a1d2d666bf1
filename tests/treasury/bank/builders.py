"""Payments and files that tests send, with what a test cares about changed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

from services.treasury.bank import Outgoing, pain001
from services.treasury.bank.pain001 import Batch, Debtor, Order, Payment

DEBTOR = Debtor("宝鸡市医疗保障基金管理中心", "61050162010800000123", "105100000017")
MOCK_DEBTOR = Debtor("宝鸡市医疗保障基金管理中心", "0000000001", "105100000017")  # an account the mock bank holds
CREATED_AT = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
EXECUTE_ON = date(2026, 11, 26)
CLOSED = "NL84MOCK0000000003"
NO_SUCH_BANK = "NL57MOCK0000000004"


def payment(number: int = 1, **changed: Any) -> Payment:
    made = Payment(
        payment_id=payment_id(number),
        payee_kind="PERSON",
        amount_fen=1_960_000,
        name="王小红",
        account="6222022603001234565",
        bank_code="102100099996",
        bank_name="中国工商银行",
        remittance="生育津贴",
    )
    return made._replace(**changed)


def payment_id(number: int) -> UUID:
    return UUID(int=0x019C0000_0000_7000_8000_000000000000 + number)


def order(payments: Sequence[Payment], **changed: Any) -> Order:
    """The file's head, its batches by the payments' classes in their order."""
    batches = []
    for number, (kind, group) in enumerate(groupby(payments, key=lambda one: one.payee_kind), 1):
        amounts = [one.amount_fen for one in group]
        batches.append(Batch(f"RUN-20261126-1-{number}", kind, len(amounts), sum(amounts)))
    return Order("RUN-20261126-1", CREATED_AT, EXECUTE_ON, DEBTOR, tuple(batches))._replace(**changed)


def written(folder: Path, payments: Sequence[Payment], name: str = "RUN-20261126-1.xml", **changed: Any) -> Outgoing:
    path = folder / name
    return Outgoing(path, pain001.write(path, order(payments, **changed), payments).sha256)


def message(text: str | bytes) -> io.BytesIO:
    return io.BytesIO(text if isinstance(text, bytes) else text.encode())
