"""What banks say, from their messages to rows: answers (pain.002), advices and statements (camt), returns (pacs.004).

Rows come as the reader reads, and count only when it has ended without an error (see `bank.reading`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import BinaryIO, Final, NamedTuple, TypeAlias

import orjson

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.kit.seal import Sealer
from services.treasury.bank import camt, camt053, camt054, pacs004, pain002
from services.treasury.bank.pain002 import Outcome
from services.treasury.rules.refusing import WHOLE_FILE

RETURN_NOTE: Final = "RETURN_NOTE"  # outcome of a pacs.004: why money comes back, without the money
_ID_MAX: Final = 35
_CODE_MAX: Final = 35
_CODE: Final = re.compile(r"[A-Z0-9]{2,8}")
_NARRATIVE: Final = "NARR"
_EXPECTED: Final = (*pain002.MESSAGES, *camt054.MESSAGES, *camt053.MESSAGES, *pacs004.MESSAGES)


class AnswerRow(NamedTuple):
    end_to_end_id: str
    outcome: str
    reason: str
    amount_fen: int | None
    said_at: datetime


class EntryRow(NamedTuple):
    is_statement: bool
    key: bytes
    account: str
    end_to_end_id: str
    amount_fen: int
    is_credit: bool
    is_reversal: bool
    value_on: date | None
    reference: str
    return_reason: str
    detail_sealed: bytes | None


class WholeRow(NamedTuple):
    """What is said of a whole file of ours, or of one class of payee in it."""

    message_id: str
    payee_kind: str  # empty: all
    outcome: str
    reason: str
    said_at: datetime


class PageRow(NamedTuple):
    """A page of a statement, read to its end."""

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


Row: TypeAlias = AnswerRow | EntryRow | WholeRow | PageRow


def read(source: BinaryIO, kind: str, sealer: Sealer, bytes_max: int) -> Iterator[Row]:
    """Raises Invalid for what the bank layer refuses, and for a message that is none of these."""
    if kind in pain002.MESSAGES:
        return _answers(pain002.read(source, bytes_max))
    if kind in camt053.MESSAGES:
        return _entries(camt053.read(source, bytes_max), sealer, is_statement=True)
    if kind in camt054.MESSAGES:
        return _entries(camt054.read(source, bytes_max), sealer, is_statement=False)
    if kind in pacs004.MESSAGES:
        return _returns(pacs004.read(source, bytes_max))
    raise Invalid(reason("BANK_MESSAGE_UNEXPECTED", "Document", expected=", ".join(_EXPECTED), found="-"))


def _answers(records: Iterator[pain002.Record]) -> Iterator[Row]:
    """A group or batch that stands alone speaks for all of its payments: told at the end, when it is known."""
    group: pain002.Group | None = None
    batch: pain002.Batch | None = None
    told, told_in_batch = 0, 0
    for record in records:
        match record:
            case pain002.Group():
                group = record
            case pain002.Batch():
                yield from _whole(group, batch, told_in_batch)
                batch, told_in_batch = record, 0
            case pain002.Answer():
                told, told_in_batch = told + 1, told_in_batch + 1
                yield _answer(record, group)
    yield from _whole(group, batch, told_in_batch)
    if batch is None and not told and group is not None and group.status:
        found = pain002.outcome(group.status, group.reasons)
        if found != Outcome.PARTIAL:
            yield WholeRow(group.original_message_id, "", found, _of_file(found, group.reasons), group.created_at)


def _answer(record: pain002.Answer, group: pain002.Group | None) -> AnswerRow:
    said_at = group.created_at if group else _EPOCH
    outcome = pain002.outcome(record.status, record.reasons)
    return AnswerRow(record.end_to_end_id[:_ID_MAX], outcome, _code(record.reasons), record.amount_fen, said_at)


def _whole(group: pain002.Group | None, batch: pain002.Batch | None, told: int) -> Iterator[WholeRow]:
    if group is None or batch is None or told:
        return
    status, reasons = (batch.status, batch.reasons) if batch.status else (group.status, group.reasons)
    found = pain002.outcome(status, reasons)
    if status and found != Outcome.PARTIAL:
        kind = batch.batch_id.rpartition("-")[2]
        yield WholeRow(group.original_message_id, kind, found, _of_file(found, reasons), group.created_at)


def _code(reasons: tuple[pain002.Why, ...]) -> str:
    """Codes go on, on the topic too: a bank's own words may hold a name, and do not."""
    return ",".join(_plain(why.code) for why in reasons if why.code)[:_CODE_MAX]


def _of_file(outcome: Outcome, reasons: tuple[pain002.Why, ...]) -> str:
    """What is said of a file as a whole is not about the account of each of its payees."""
    return ",".join(filter(None, (WHOLE_FILE if outcome == Outcome.REJECTED else "", _code(reasons))))


def _plain(code: str) -> str:
    return code if _CODE.fullmatch(code) else _NARRATIVE


def _entries(
    records: Iterator[camt.Report | camt.Entry | camt.End], sealer: Sealer, *, is_statement: bool
) -> Iterator[Row]:
    report: camt.Report | None = None
    parts = reports = 0
    for record in records:
        match record:
            case camt.Report():
                report, parts = record, 0
            case camt.Entry():
                parts += 1
                if record.status == camt.BOOKED:
                    yield _entry(record, report, parts, sealer, is_statement=is_statement)
            case camt.End():
                if is_statement:
                    reports += 1
                    yield _page(reports, record)


def _page(number: int, end: camt.End) -> PageRow:
    report = end.report
    return PageRow(
        number,
        report.account,
        report.report_id,
        report.sequence,
        report.page,
        report.is_last_page,
        report.day,
        report.opening_fen,
        report.closing_fen,
        end.booked_fen,
    )


def _entry(entry: camt.Entry, report: camt.Report | None, part: int, sealer: Sealer, *, is_statement: bool) -> EntryRow:
    """By the bank's reference the same movement is known again; without one only within its report."""
    report_id = report.report_id if report else ""
    place = ("ref", entry.reference) if entry.reference else ("part", report_id, str(part))
    named = (
        "S" if is_statement else "A",
        entry.account,
        "C" if entry.is_credit else "D",
        entry.end_to_end_id,
        str(entry.amount_fen),
        *place,
    )
    key = hashlib.sha256("\x00".join(named).encode()).digest()
    detail = None
    if not entry.end_to_end_id or entry.is_credit:
        plain = orjson.dumps((entry.other_account, entry.remittance))
        detail = sealer.seal(plain, b"statement_entry/" + key)
    return EntryRow(
        is_statement,
        key,
        entry.account,
        entry.end_to_end_id[:_ID_MAX],
        entry.amount_fen,
        entry.is_credit,
        entry.is_reversal,
        entry.value_on or entry.booked_on or (report.day if report else None),
        entry.reference,
        _plain(entry.return_reason) if entry.return_reason else "",
        detail,
    )


def _returns(records: Iterator[pacs004.Return]) -> Iterator[Row]:
    for one in records:
        yield AnswerRow(one.end_to_end_id[:_ID_MAX], RETURN_NOTE, _plain(one.reason), one.amount_fen, _EPOCH)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
