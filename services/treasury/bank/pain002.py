"""A bank's answers to a payment file: pain.002.001.03 and .10 (CustomerPaymentStatusReport).

| `Outcome` | codes of ExternalPaymentTransactionStatus1Code and of groups | what it means for money |
|---|---|---|
| RECEIVED | RCVD ACTC PDNG PATC | it is with the bank; nothing is promised |
| ACCEPTED | ACCP ACSP ACWC ACFC ACWP | it will be paid; a rejection may still follow (an account closed meanwhile) |
| SETTLED | ACSC ACCC | it left our account; a statement proves it, a return may still follow |
| REJECTED | RJCT CANC | it did not leave |
| DUPLICATE | RJCT with AM05 DUPL DU01 to DU05 | **no** rejection: the bank has one like it, which may well be paid |
| PARTIAL | PART (of groups) | see each payment |
| UNKNOWN | every other | a person looks at it |

A group that is REJECTED or DUPLICATE has no payments under it: its outcome is that of every payment in the file that
`original_message_id` names. Codes and texts are kept as they came.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, Final, NamedTuple, TypeAlias

from lxml import etree

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.treasury.bank.amounts import signed
from services.treasury.bank.reading import (
    BYTES_MAX,
    Fields,
    amount_or_none,
    count,
    elements,
    every,
    fields,
    identifier,
    instant,
    texts,
    total,
)

MESSAGES: Final = ("pain.002.001.03", "pain.002.001.10")
_PARENTS: Final = {
    "GrpHdr": "CstmrPmtStsRpt",
    "OrgnlGrpInfAndSts": "CstmrPmtStsRpt",
    "OrgnlPmtInfAndSts": "CstmrPmtStsRpt",
    "TxInfAndSts": "OrgnlPmtInfAndSts",
}
_DUPLICATES: Final = frozenset({"AM05", "DUPL", "DU01", "DU02", "DU03", "DU04", "DU05"})
REASONS_MAX: Final = 20


class Outcome(StrEnum):
    RECEIVED = "RECEIVED"
    ACCEPTED = "ACCEPTED"
    SETTLED = "SETTLED"
    REJECTED = "REJECTED"
    DUPLICATE = "DUPLICATE"
    PARTIAL = "PARTIAL"
    RETURNED = "RETURNED"  # said only by a bank that was asked, in no pain.002
    UNKNOWN = "UNKNOWN"


class Why(NamedTuple):
    """A reason as the bank gave it: a code (AC01, AC04, AC06, AM05, BE04, MS03 ... or its own) and its words.

    The words may name an account: they are personal data.
    """

    code: str
    text: str


class Group(NamedTuple):
    """What the bank says of the whole file. `status` is empty where it reports on payments alone."""

    message_id: str  # the bank's
    created_at: datetime
    original_message_id: str  # ours; NOTPROVIDED if the bank could not read it
    status: str
    reasons: tuple[Why, ...]


class Batch(NamedTuple):
    """What the bank says of one `PmtInf`."""

    batch_id: str
    status: str
    reasons: tuple[Why, ...]


class Answer(NamedTuple):
    """What the bank says of one payment. `status` is the payment's own, or else that of its batch or group."""

    original_message_id: str
    batch_id: str
    end_to_end_id: str
    status: str
    reasons: tuple[Why, ...]
    amount_fen: int | None  # as the bank repeats it, if it does


Record: TypeAlias = Group | Batch | Answer

_OUTCOMES: Final = {
    **dict.fromkeys(("RCVD", "ACTC", "PDNG", "PATC"), Outcome.RECEIVED),
    **dict.fromkeys(("ACCP", "ACSP", "ACWC", "ACFC", "ACWP"), Outcome.ACCEPTED),
    **dict.fromkeys(("ACSC", "ACCC"), Outcome.SETTLED),
    **dict.fromkeys(("RJCT", "CANC"), Outcome.REJECTED),
    "PART": Outcome.PARTIAL,
}
_GOOD: Final = frozenset({Outcome.ACCEPTED, Outcome.SETTLED})
_BAD: Final = frozenset({Outcome.REJECTED, Outcome.DUPLICATE})


def outcome(status: str, reasons: Sequence[Why]) -> Outcome:
    found = _OUTCOMES.get(status, Outcome.UNKNOWN)
    if found is Outcome.REJECTED and any(why.code in _DUPLICATES for why in reasons):
        return Outcome.DUPLICATE
    return found


def read(source: BinaryIO, bytes_max: int = BYTES_MAX) -> Iterator[Record]:
    """The group, then each batch before its answers, in the order of the message.

    Raises Invalid (see `reading`), also where counts or sums do not fit the payments told, and where the whole is
    accepted and a part rejected or the other way round.
    """
    reader = _Reader()
    for event, name, element in elements(source, MESSAGES, _PARENTS, bytes_max):
        yield from reader.take(event, name, element)
    reader.end()


class _Told:
    """Counts and sum that a group or batch states of the original, and those of the answers told under it."""

    def __init__(self, told: Fields, where: str) -> None:
        self.where = where
        self._count = count(told, "OrgnlNbOfTxs", where)
        self._total_fen = total(told, "OrgnlCtrlSum", where)
        self._answers = self._summed_fen = 0
        self._all_amounts = True

    def add(self, answer: Answer) -> None:
        self._answers += 1
        self._summed_fen += answer.amount_fen or 0
        self._all_amounts = self._all_amounts and answer.amount_fen is not None

    def check(self) -> None:
        """A bank may tell some payments only, never more than there were; if it tells all, their sum must fit."""
        if self._count is None:
            return
        if self._answers > self._count:
            raise Invalid(reason("BANK_COUNT", self.where, stated=self._count, found=self._answers))
        whole = self._answers == self._count and self._all_amounts and self._answers
        if whole and self._total_fen is not None and self._total_fen != self._summed_fen:
            stated, found = signed(self._total_fen), signed(self._summed_fen)
            raise Invalid(reason("BANK_SUM", self.where, stated=stated, found=found))


class _Reader:
    """Where we are in the message: header, group, batch."""

    def __init__(self) -> None:
        self._header: tuple[str, datetime] | None = None
        self._group: Group | None = None
        self._batch: Batch | None = None
        self._told: list[_Told] = []  # of the group, then of the batch
        self._batches = self._answers = 0

    def take(self, event: str, name: str, element: etree._Element) -> Iterator[Record]:
        match name, event:
            case "GrpHdr", "end":
                told = fields(element)
                self._header = identifier(told, "MsgId", name), instant(told, "CreDtTm", name)
            case "OrgnlGrpInfAndSts", "end":
                yield self._begin_group(element)
            case "OrgnlPmtInfAndSts", "start":
                self._batch, self._batches, self._answers = None, self._batches + 1, 0
            case "TxInfAndSts", "end":
                if self._batch is None:
                    yield self._begin_batch(_parent(element))
                yield self._answer(element)
            case "OrgnlPmtInfAndSts", "end":
                if self._batch is None:
                    yield self._begin_batch(element)
                self._told.pop().check()

    def end(self) -> None:
        if self._group is None:
            raise Invalid(reason("BANK_ELEMENT_MISSING", "OrgnlGrpInfAndSts"))
        self._told.pop().check()

    def _begin_group(self, element: etree._Element) -> Group:
        where = "OrgnlGrpInfAndSts"
        if self._header is None:
            raise Invalid(reason("BANK_ELEMENT_MISSING", "GrpHdr"))
        if self._group is not None:
            raise Invalid(reason("BANK_ELEMENT_REPEATED", where))
        told = fields(element)
        original = identifier(told, "OrgnlMsgId", where)
        self._group = Group(*self._header, original, told.get("GrpSts", ""), _reasons(element, told))
        self._told = [_Told(told, where)]
        return self._group

    def _begin_batch(self, element: etree._Element) -> Batch:
        where = f"OrgnlPmtInfAndSts[{self._batches}]"
        if self._group is None:
            raise Invalid(reason("BANK_ELEMENT_MISSING", "OrgnlGrpInfAndSts"))
        told = fields(element, without="TxInfAndSts")
        batch_id = identifier(told, "OrgnlPmtInfId", where)
        batch = Batch(batch_id, told.get("PmtInfSts", ""), _reasons(element, told))
        _check_fits(self._group.status, self._group.reasons, batch.status, batch.reasons, where)
        self._batch = batch
        self._told.append(_Told(told, where))
        return batch

    def _answer(self, element: etree._Element) -> Answer:
        group, batch = self._group, self._batch
        if group is None or batch is None:
            raise Invalid(reason("BANK_ELEMENT_MISSING", "OrgnlGrpInfAndSts"))
        self._answers += 1
        where = f"OrgnlPmtInfAndSts[{self._batches}]/TxInfAndSts[{self._answers}]"
        said = fields(element)
        status, reasons = said.get("TxSts", ""), _reasons(element, said)
        for above in (batch, group):
            _check_fits(above.status, above.reasons, status, reasons, where)
        if not status:
            status, reasons = (batch.status, batch.reasons) if batch.status else (group.status, group.reasons)
        if not status or status == "PART":
            raise Invalid(reason("BANK_STATUS_MISSING", where))
        for above in (batch, group):  # rejected because the whole is a duplicate: a duplicate, and no rejection
            if outcome(above.status, above.reasons) is Outcome.DUPLICATE:
                reasons += above.reasons
        end_to_end_id = identifier(said, "OrgnlEndToEndId", where)
        amount_fen = amount_or_none(said, "OrgnlTxRef/Amt/InstdAmt", where)
        answer = Answer(group.original_message_id, batch.batch_id, end_to_end_id, status, reasons, amount_fen)
        for told in self._told:
            told.add(answer)
        return answer


def _check_fits(whole: str, whole_reasons: Sequence[Why], part: str, reasons: Sequence[Why], where: str) -> None:
    above, below = outcome(whole, whole_reasons), outcome(part, reasons)
    if (above in _GOOD and below in _BAD) or (above in _BAD and below in _GOOD):
        raise Invalid(reason("BANK_STATUS_CONTRADICTS", where, whole=above, part=below))


def _reasons(element: etree._Element, told: Fields) -> tuple[Why, ...]:
    return tuple(map(_why, every(element, "StsRsnInf")[:REASONS_MAX])) if "StsRsnInf" in told else ()


def _why(element: etree._Element) -> Why:
    told = fields(element)
    return Why(told.get("Rsn/Cd") or told.get("Rsn/Prtry") or "", texts(element, "AddtlInf", REASONS_MAX))


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    if parent is None:
        raise Invalid(reason("BANK_ELEMENT_MISSING", "OrgnlPmtInfAndSts"))
    return parent
