"""Runs, their payments, files for banks, and what banks say: as they lie in the tables. Money is fen."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from services.treasury.model.breaks import BreakKind
from services.treasury.model.moves import PaymentState, RunState
from services.treasury.model.orders import Order, Payee

FIRST_HASH: Final = bytes(32)


class Scope(NamedTuple):
    """What a run may pay; empty or 0 is any."""

    fund: str
    county: str
    programme: str
    payable_to: date
    payment_max_fen: int
    total_max_fen: int


class Mark(NamedTuple):
    """How far a run is planned: orders in order of budget, payable day and id."""

    budget_id: int
    payable_on: date
    order_id: int


class Run(NamedTuple):
    id: UUID
    state: RunState
    number: int  # of its moves: the etag
    scope: Scope
    execute_on: date
    mark: Mark
    planned_count: int
    planned_fen: int
    plan_hash: bytes
    exceptions: int
    dropped: int
    planned_by: str
    planned_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    is_ready: bool
    sent_by: str | None
    sent_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None
    ordinal: int = 0
    checked_at: datetime | None = None  # when the payees of what is committed were last asked about

    def is_stale(self, before: datetime) -> bool:
        """Whether its payees were last asked about before then."""
        checked_at = self.checked_at or self.approved_at
        return checked_at is not None and checked_at < before


class Account(NamedTuple):
    """Where a payee is paid, as the registry says it. Personal."""

    holder: str
    number: str
    bank_code: str
    version: int


class Format(StrEnum):
    """How a file for a bank is written. Its name ends by it, so a file that is on record stays what it was."""

    PAIN_001 = "PAIN_001"
    PAYROLL_CSV = "PAYROLL_CSV"

    @property
    def suffix(self) -> str:
        return ".csv" if self is Format.PAYROLL_CSV else ".xml"

    @classmethod
    def of(cls, name: str) -> Format:
        return next(one for one in cls if name.endswith(one.suffix))


class Paying(NamedTuple):
    """Our own account at a bank, by a name of ours."""

    code: str
    name: str
    account: str
    bank_code: str
    known_as: str  # how the bank's statements call it
    format: Format = Format.PAIN_001


class Payment(NamedTuple):
    """One attempt to pay an order."""

    id: UUID
    run_id: UUID
    number: int
    order_id: int
    order_revision: int
    budget_id: int
    amount_fen: int
    state: PaymentState
    fund: str
    county: str
    payee: Payee
    payee_version: int
    account_hash: bytes
    account_sealed: bytes | None  # None: its payee was erased, and it had ended
    paying_account: str
    end_to_end_id: str
    reissue_of: UUID | None
    file_id: UUID | None
    reason: str
    decided_at: datetime | None
    debited_on: date | None
    returned_on: date | None
    debit_advice: int | None
    debit_statement: int | None
    return_advice: int | None
    return_statement: int | None
    debit_again: int | None = None  # the first debit came back, this one stands
    offset_fen: int = 0  # kept against what the payee owes back

    @property
    def net_fen(self) -> int:
        """What the bank is to pay."""
        return self.amount_fen - self.offset_fen

    @property
    def was_sent(self) -> bool:
        """Whoever was told that it is on its way is told what became of it."""
        return self.file_id is not None


class Unlocked(NamedTuple):
    """A payment as it is found before it is locked: enough to lock it with its order, and to ask about its payee."""

    id: UUID
    number: int
    order_id: int
    offset_fen: int
    payee: Payee
    end_to_end_id: str


class Candidate(NamedTuple):
    """An order that may be planned, locked, with what is known of its payments."""

    order: Order
    is_live: bool  # a payment of it may still be paid
    is_disputed: bool  # something the bank said about it waits for a person
    is_return_unproven: bool  # an advice says that a payment of it came back, and no statement has it
    failed: UUID | None  # the last payment that failed and has no successor


class Exempt(NamedTuple):
    """An order that a plan leaves out, or a line that falls out of it."""

    order_id: int
    payment_id: UUID | None
    amount_fen: int
    county: str
    reasons: tuple[str, ...]


class File(NamedTuple):
    """A file for a bank: with its payments all that is in it."""

    id: UUID
    run_id: UUID
    paying: Paying
    message_id: str
    name: str
    created_at: datetime
    execute_on: date
    payments: int
    total_fen: int
    sha256: bytes | None
    size_bytes: int | None
    signature: bytes | None
    intent_at: datetime | None
    handover: str | None


class Source(StrEnum):
    """What of the bank fits no payment."""

    FILE = "FILE"
    ANSWER = "ANSWER"
    ENTRY = "ENTRY"
    RETURN = "RETURN"


class Said(NamedTuple):
    """What an answer says of one payment. `outcome` is the bank layer's word, by meaning."""

    number: int
    end_to_end_id: str
    outcome: str
    reason: str
    amount_fen: int | None
    said_at: datetime


class Entry(NamedTuple):
    """A booked movement on one of our accounts."""

    id: int
    number: int
    is_statement: bool
    account: str
    end_to_end_id: str
    amount_fen: int
    is_credit: bool
    is_reversal: bool
    value_on: date | None
    return_reason: str


class Unmatched(NamedTuple):
    """What fits no payment, and why."""

    source: Source
    key: bytes
    end_to_end_id: str
    payment_id: UUID | None
    order_id: int | None
    amount_fen: int
    is_credit: bool
    value_on: date | None
    code: str
    kind: BreakKind
    account: str = ""
    entry_id: int | None = None
    effect_fen: int = 0  # what the statement has more than the ledger
