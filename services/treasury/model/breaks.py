"""Breaks: where the bank's word and the ledger differ, how each may end, and what a day comes to. Money is fen."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.messages import Reason


class BreakKind(StrEnum):
    FILE = "FILE"  # it cannot be read
    ANSWER = "ANSWER"  # of a bank, that cannot be
    AMOUNT = "AMOUNT"
    DATE = "DATE"  # the ledger has it on another day
    ACCOUNT = "ACCOUNT"
    DUPLICATE = "DUPLICATE"
    UNKNOWN_CREDIT = "UNKNOWN_CREDIT"
    UNKNOWN_DEBIT = "UNKNOWN_DEBIT"
    MISSING = "MISSING"  # we have it as paid or accepted, and the statements of its days have it not
    BALANCE = "BALANCE"  # a statement does not add up, or does not follow the one before it


class Way(StrEnum):
    """How a break ends."""

    MATCHED = "MATCHED"  # it is this payment's debit, or its return
    CANCELLED_OUT = "CANCELLED_OUT"  # the bank has corrected it: together these breaks come to nothing
    EXPLAINED = "EXPLAINED"
    NOT_PAID = "NOT_PAID"  # the bank's word that a payment it accepted, or a return it advised, was not made
    HEALED = "HEALED"  # a later message has what was missing
    REPAID = "REPAID"  # a payee has paid back what is asked of him: recovery has it, by its own rules


class Why(StrEnum):
    """What explains a break."""

    BANK_CHARGE = "BANK_CHARGE"
    INTEREST = "INTEREST"
    NOT_OURS = "NOT_OURS"  # money of another business on the account, passed on to where it belongs
    RETURNED_TO_SENDER = "RETURNED_TO_SENDER"
    BANK_CORRECTED = "BANK_CORRECTED"
    BANK_CONFIRMED = "BANK_CONFIRMED"  # in writing; the note says where
    SENT_AGAIN = "SENT_AGAIN"  # the message came again, whole
    VALUE_DATE = "VALUE_DATE"  # another day, the same payment


class Awaited(StrEnum):
    """What an open break waits for."""

    BANK_CORRECTION = "BANK_CORRECTION"
    RETURN_TO_SENDER = "RETURN_TO_SENDER"


class Break(NamedTuple):
    id: int
    number: int  # of its moves: the etag
    kind: BreakKind
    source: str
    file_name: str
    end_to_end_id: str
    payment_id: UUID | None
    order_id: int | None
    account: str
    value_on: date | None
    amount_fen: int
    is_credit: bool
    effect_fen: int
    counter_account: str
    counter_fen: int
    counter_on: date | None
    entry_id: int | None
    reasons: tuple[Reason, ...]
    is_open: bool
    way: Way | None
    why: str
    note: str
    ends_with: tuple[int, ...]
    ends_payment: UUID | None
    proposed_by: str | None
    proposed_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None
    received_at: datetime

    @property
    def signed_fen(self) -> int:
        return self.amount_fen if self.is_credit else -self.amount_fen

    @property
    def code(self) -> str:
        return self.reasons[0].code if self.reasons else ""

    @property
    def is_movement(self) -> bool:
        return self.entry_id is not None

    @property
    def is_on_statement(self) -> bool:
        return self.effect_fen != 0


class Proposal(NamedTuple):
    """How somebody says that a break ends."""

    way: Way
    why: str
    note: str
    others: tuple[int, ...]
    payment_id: UUID | None


class BreakStep(NamedTuple):
    number: int
    step: str
    way: str
    why: str
    note: str
    actor: str
    at: datetime


class Finding(NamedTuple):
    """A break that is computed from rows, not heard: by its key it is known again, and heals when it is gone."""

    key: str
    kind: BreakKind
    source: str
    file_name: str
    payment_id: UUID | None
    order_id: int | None
    end_to_end_id: str
    account: str
    value_on: date | None
    amount_fen: int
    is_credit: bool
    effect_fen: int
    counter_fen: int
    counter_on: date | None
    reason: Reason


class Whole(NamedTuple):
    """A statement of which every page is here."""

    account: str
    day: date
    report_id: str
    sequence: str
    opening_fen: int
    closing_fen: int
    booked_fen: int
    file_name: str


class Page(NamedTuple):
    message_id: int
    number: int
    account: str
    report_id: str
    sequence: str
    page: int
    is_last: bool
    day: date | None
    opening_fen: int | None
    closing_fen: int | None
    booked_fen: int


class Unproven(NamedTuple):
    """A payment that we have as accepted or paid, and no statement has."""

    payment_id: UUID
    order_id: int
    end_to_end_id: str
    state: str
    amount_fen: int
    account: str
    day: date  # on which it was to be paid, or was, or came back
    is_credit: bool
    advice: int | None  # the entry that told that it came back


class Dated(NamedTuple):
    """A payment that the ledger has on one day and the statement on another."""

    payment_id: UUID
    order_id: int
    end_to_end_id: str
    amount_fen: int
    is_credit: bool
    account: str
    ledger_on: date
    statement_on: date
    file_name: str


class ReconciledDay(NamedTuple):
    """A day of one of our accounts: statement = ledger + explained + open, or `difference_fen` is not 0."""

    account: str
    day: date
    is_covered: bool
    opening_fen: int | None
    closing_fen: int | None
    statement_fen: int
    ledger_fen: int
    explained_fen: int
    open_fen: int
    open_breaks: int

    @property
    def difference_fen(self) -> int:
        return self.statement_fen - self.ledger_fen - self.explained_fen - self.open_fen


# A bug of ours is about a message: on record, it is worked again when a person says so; else it is imported again.
STOPPED: Final = "BANK_MESSAGE_STOPPED"
UNREAD: Final = "BANK_MESSAGE_UNREAD"
OUR_FAULTS: Final = [STOPPED, UNREAD]

KINDS: Final = {
    "ENTRY_AMOUNT_DIFFERS": BreakKind.AMOUNT,
    "ENTRY_ACCOUNT_DIFFERS": BreakKind.ACCOUNT,
    "ENTRY_TWICE": BreakKind.DUPLICATE,
}


def kind_of(code: str, *, is_movement: bool, is_credit: bool) -> BreakKind:
    """Of what was heard and fits nothing: money of a payment that had ended, or never began, is money unknown."""
    if not is_movement:
        return BreakKind.ANSWER
    return KINDS.get(code) or (BreakKind.UNKNOWN_CREDIT if is_credit else BreakKind.UNKNOWN_DEBIT)
