"""What statements (camt.053) and advices (camt.054) share: an account's report, and its entries one by one.

An entry of the bank may hold many transactions; each becomes an `Entry` here, with the day and direction of the whole,
and their sum must be the whole's amount. Amounts bear no sign: `is_credit` tells which way money went.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import BinaryIO, Final, NamedTuple

from lxml import etree

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.treasury.bank.reading import (
    Fields,
    amount,
    check_currency,
    count,
    day,
    elements,
    every,
    fields,
    identifier,
    instant,
    is_credit,
    same_count,
    same_sum,
    texts,
    total,
)

BOOKED: Final = "BOOK"
NOT_PROVIDED: Final = "NOTPROVIDED"
LINES_MAX: Final = 20
BALANCES_MAX: Final = 50
FEN_MAX: Final = 10**16  # of an entry, a balance, or what a page moves: no account of a fund comes near it


class Report(NamedTuple):
    """An account's report as it begins."""

    message_id: str
    created_at: datetime
    report_id: str
    account: str  # IBAN or number, as the bank calls it
    sequence: str  # ElctrncSeqNb: 7 is missing between 6 and 8
    legal_sequence: str
    page: int  # 1 if there is no other
    is_last_page: bool
    day: date | None  # the last one it covers
    opening_fen: int | None  # signed; of statements
    closing_fen: int | None


class Entry(NamedTuple):
    """One movement. What is not told is empty or None."""

    account: str
    number: int  # of the bank's entry within the report, from 1; transactions of one entry share it
    end_to_end_id: str  # empty: no payment of ours is named
    message_id: str  # our file's
    batch_id: str
    amount_fen: int
    is_credit: bool
    is_reversal: bool  # of a booking of the bank's own
    status: str  # BOOK, or one not yet booked
    booked_on: date | None
    value_on: date | None
    reference: str  # the bank's
    code: str  # of the bank transaction: PMNT/ICDT/ESCT
    return_reason: str  # AC04 ...; empty: it is no return
    other_account: str  # personal
    remittance: str  # personal


class End(NamedTuple):
    """A report has been read whole: its booked entries, signed."""

    report: Report
    entries: int
    booked_fen: int


class _Whole(NamedTuple):
    """The bank's entry, of which transactions are parts."""

    amount_fen: int
    is_credit: bool
    is_reversal: bool
    status: str
    booked_on: date | None
    value_on: date | None
    reference: str
    code: str


def read(
    source: BinaryIO, messages: tuple[str, ...], body: str, report_name: str, bytes_max: int
) -> Iterator[Report | Entry | End]:
    """Reports, each with its entries and its end. `body` and `report_name` are the message's own element names."""
    parents = {"GrpHdr": body, report_name: body, "Ntry": report_name, "NtryDtls": "Ntry", "TxDtls": "NtryDtls"}
    reader = _Reader(report_name)
    for event, name, element in elements(source, messages, parents, bytes_max):
        yield from reader.take(event, "Report" if name == report_name else name, element)
    reader.end()


class _Reader:
    def __init__(self, report_name: str) -> None:
        self._name = report_name
        self._header: tuple[str, datetime] | None = None
        self._report: Report | None = None
        self._stated = _Summary(None, None, None, None)
        self._whole: _Whole | None = None
        self._reports = self._entries = self._parts = 0
        self._parts_fen = self._booked_fen = self._credits_fen = self._debits_fen = 0

    @property
    def _where(self) -> str:
        place = f"{self._name}[{self._reports}]"
        return f"{place}/Ntry[{self._entries}]" if self._entries else place

    def take(self, event: str, name: str, element: etree._Element) -> Iterator[Report | Entry | End]:
        match name, event:
            case "GrpHdr", "end":
                told = fields(element)
                self._header = identifier(told, "MsgId", name), instant(told, "CreDtTm", name)
            case "Report", "start":
                self._report, self._reports, self._entries = None, self._reports + 1, 0
                self._booked_fen = self._credits_fen = self._debits_fen = 0
            case "Ntry", "start":
                if self._report is None:
                    yield self._begin(_parent(element))
                self._whole, self._entries, self._parts, self._parts_fen = None, self._entries + 1, 0, 0
            case "TxDtls", "end":
                yield self._part(element)
            case "NtryDtls", "end" if self._whole is None:
                self._whole = _whole(_parent(element), self._where)
            case "Ntry", "end":
                yield from self._end_entry(element)
            case "Report", "end":
                if self._report is None:
                    yield self._begin(element)
                yield self._end_report()

    def end(self) -> None:
        if not self._reports:
            raise Invalid(reason("BANK_ELEMENT_MISSING", self._name))

    def _begin(self, element: etree._Element) -> Report:
        where = f"{self._name}[{self._reports}]"
        if self._header is None:
            raise Invalid(reason("BANK_ELEMENT_MISSING", "GrpHdr"))
        told = fields(element, without="Ntry")
        paging = "StmtPgntn" if self._name == "Stmt" else "NtfctnPgntn"
        account = told.get("Acct/Id/IBAN") or told.get("Acct/Id/Othr/Id")
        if not account:
            raise Invalid(reason("BANK_ID_MISSING", f"{where}/Acct/Id"))
        if currency := told.get("Acct/Ccy"):
            check_currency(currency, f"{where}/Acct/Ccy")
        balances = _balances(element, where)
        self._stated = _summary(told, where)
        self._report = Report(
            *self._header,
            report_id=identifier(told, "Id", where),
            account=account,
            sequence=told.get("ElctrncSeqNb", ""),
            legal_sequence=told.get("LglSeqNb", ""),
            page=count(told, f"{paging}/PgNb", where) or 1,
            is_last_page=told.get(f"{paging}/LastPgInd") not in {"false", "0"},
            day=day(told, "FrToDt/ToDtTm", where) or balances.day,
            opening_fen=balances.opening_fen,
            closing_fen=balances.closing_fen,
        )
        return self._report

    def _part(self, element: etree._Element) -> Entry:
        if self._whole is None:
            self._whole = _whole(_parent(_parent(element)), self._where)
        whole, self._parts = self._whole, self._parts + 1
        where, told = f"{self._where}/TxDtls[{self._parts}]", fields(element)
        amount_fen = _amount_of_part(told, where)
        if amount_fen is None:  # the one transaction of an entry may leave it to the entry; if more come, no sum fits
            amount_fen = whole.amount_fen
        credit = is_credit(told, "CdtDbtInd", where) if "CdtDbtInd" in told else whole.is_credit
        self._parts_fen += signed(amount_fen, credit)
        remittance = texts(element, "RmtInf/Ustrd", LINES_MAX) if "RmtInf/Ustrd" in told else ""
        return self._entry(whole, told, amount_fen, credit, remittance)

    def _end_entry(self, element: etree._Element) -> Iterator[Entry]:
        whole = self._whole or _whole(element, self._where)
        if not self._parts:
            yield self._entry(whole, {}, whole.amount_fen, whole.is_credit, "")
        else:
            same_sum(signed(whole.amount_fen, whole.is_credit), self._parts_fen, self._where)
        if whole.is_credit:
            self._credits_fen += whole.amount_fen
        else:
            self._debits_fen += whole.amount_fen
        if whole.status == BOOKED:
            self._booked_fen += signed(whole.amount_fen, whole.is_credit)
            _check_size(self._booked_fen, self._where)

    def _end_report(self) -> End:
        where, stated = f"{self._name}[{self._reports}]/TxsSummry", self._stated
        same_count(stated.entries, self._entries, where)
        same_sum(stated.sum_fen, self._credits_fen + self._debits_fen, where)
        same_sum(stated.credits_fen, self._credits_fen, where)
        same_sum(stated.debits_fen, self._debits_fen, where)
        return End(self._begun(), self._entries, self._booked_fen)

    def _begun(self) -> Report:
        if self._report is None:
            raise Invalid(reason("BANK_ELEMENT_MISSING", self._name))
        return self._report

    def _entry(self, whole: _Whole, told: Fields, amount_fen: int, credit: bool, remittance: str) -> Entry:
        end_to_end_id = told.get("Refs/EndToEndId", "")
        return Entry(
            account=self._begun().account,
            number=self._entries,
            end_to_end_id="" if end_to_end_id == NOT_PROVIDED else end_to_end_id,
            message_id=told.get("Refs/MsgId", ""),
            batch_id=told.get("Refs/PmtInfId", ""),
            amount_fen=amount_fen,
            is_credit=credit,
            is_reversal=whole.is_reversal,
            status=whole.status,
            booked_on=whole.booked_on,
            value_on=whole.value_on,
            reference=told.get("Refs/AcctSvcrRef") or whole.reference,
            code=whole.code,
            return_reason=_return_reason(told),
            other_account=_other_account(told, credit),
            remittance=remittance,
        )


# --- parts of a report ---------------------------------------------------------------------------------------------


class _Balances(NamedTuple):
    opening_fen: int | None = None
    closing_fen: int | None = None
    day: date | None = None


def _balances(element: etree._Element, where: str) -> _Balances:
    """The booked ones: at the beginning (OPBD, or PRCD, the closing before) and at the end (CLBD); a debit is owed."""
    balances = _Balances()
    for number, one in enumerate(every(element, "Bal")[:BALANCES_MAX], 1):
        place = f"{where}/Bal[{number}]"
        told = fields(one)
        kind = told.get("Tp/CdOrPrtry/Cd")
        if kind in {"OPBD", "PRCD"}:
            balances = balances._replace(opening_fen=_balance(told, place))
        elif kind == "CLBD":
            balances = balances._replace(closing_fen=_balance(told, place), day=day(told, "Dt", place))
    return balances


def _balance(told: Fields, where: str) -> int:
    return signed(_amount(told, "Amt", where), is_credit(told, "CdtDbtInd", where))


def signed(amount_fen: int, credit: bool) -> int:
    return amount_fen if credit else -amount_fen


class _Summary(NamedTuple):
    entries: int | None
    sum_fen: int | None
    credits_fen: int | None
    debits_fen: int | None


def _summary(told: Fields, where: str) -> _Summary:
    return _Summary(
        count(told, "TxsSummry/TtlNtries/NbOfNtries", where),
        total(told, "TxsSummry/TtlNtries/Sum", where),
        total(told, "TxsSummry/TtlCdtNtries/Sum", where),
        total(told, "TxsSummry/TtlDbtNtries/Sum", where),
    )


def _whole(entry: etree._Element, where: str) -> _Whole:
    told = fields(entry, without="NtryDtls")
    return _Whole(
        amount_fen=_amount(told, "Amt", where),
        is_credit=is_credit(told, "CdtDbtInd", where),
        is_reversal=told.get("RvslInd") in {"true", "1"},
        status=identifier(told, "Sts/Cd", where),
        booked_on=day(told, "BookgDt", where),
        value_on=day(told, "ValDt", where),
        reference=told.get("AcctSvcrRef") or told.get("NtryRef", ""),
        code=_code(told),
    )


def _code(told: Fields) -> str:
    parts = [told.get(f"BkTxCd/Domn/{path}", "") for path in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")]
    return "/".join(parts) if all(parts) else told.get("BkTxCd/Prtry/Cd", "")


def _amount_of_part(told: Fields, where: str) -> int | None:
    path = next((one for one in ("Amt", "AmtDtls/TxAmt/Amt") if one in told), None)
    return None if path is None else _amount(told, path, where)


def _amount(told: Fields, path: str, where: str) -> int:
    amount_fen = amount(told, path, where)
    _check_size(amount_fen, f"{where}/{path}")
    return amount_fen


def _check_size(amount_fen: int, where: str) -> None:
    if abs(amount_fen) > FEN_MAX:
        raise Invalid(reason("BANK_AMOUNT_MALFORMED", where))


def _return_reason(told: Fields) -> str:
    """A return without a reason is a return all the same: NARR stands for "see the text"."""
    if "RtrInf" not in told:
        return ""
    return told.get("RtrInf/Rsn/Cd") or told.get("RtrInf/Rsn/Prtry") or "NARR"


def _other_account(told: Fields, credit: bool) -> str:
    """Whose account is on the other side: of a return it is still the creditor's."""
    for party in ("Dbtr", "Cdtr") if credit else ("Cdtr", "Dbtr"):
        account = f"RltdPties/{party}Acct/Id"
        if number := told.get(f"{account}/IBAN") or told.get(f"{account}/Othr/Id"):
            return number
    return ""


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    if parent is None:
        raise Invalid(reason("BANK_ELEMENT_MISSING", str(element.tag).rpartition("}")[2]))
    return parent
