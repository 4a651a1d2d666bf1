"""Messages of a bank as tests need them, in its words and with what is wrong put in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

import pytest

from services.kit.errors import Invalid
from services.treasury.bank.camt import End
from services.treasury.model.breaks import Whole
from tests.treasury.bank.builders import message

Record = TypeVar("Record")
URN = "urn:iso:std:iso:20022:tech:xsd:"


def document(kind: str, body: str, inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{URN}{kind}"><{body}>{inside}</{body}></Document>'


HEADER = "<GrpHdr><MsgId>BANK-1</MsgId><CreDtTm>2026-11-26T17:00:00+08:00</CreDtTm></GrpHdr>"


def report(group: str, batches: str = "", kind: str = "pain.002.001.10") -> str:
    stated = f"<OrgnlGrpInfAndSts><OrgnlMsgId>RUN-1</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId>{group}"
    return document(kind, "CstmrPmtStsRpt", f"{HEADER}{stated}</OrgnlGrpInfAndSts>{batches}")


def batch(answers: str, stated: str = "", batch_id: str = "B-1") -> str:
    return f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{batch_id}</OrgnlPmtInfId>{stated}{answers}</OrgnlPmtInfAndSts>"


def answer(reference: str, status: str, why: str = "", amount: str = "") -> str:
    told = f"<StsRsnInf><Rsn><Cd>{why}</Cd></Rsn><AddtlInf>in words</AddtlInf></StsRsnInf>" if why else ""
    original = f"<OrgnlTxRef><Amt>{amount}</Amt></OrgnlTxRef>" if amount else ""
    state = f"<TxSts>{status}</TxSts>" if status else ""
    return f"<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId>{state}{told}{original}</TxInfAndSts>"


def balance(kind: str, amount: str, direction: str = "CRDT") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='CNY'>{amount}</Amt>"
        f"<CdtDbtInd>{direction}</CdtDbtInd><Dt><Dt>2026-11-26</Dt></Dt></Bal>"
    )


def entry(
    amount: str, direction: str = "DBIT", details: str = "", *, currency: str = "CNY", status: str = "BOOK"
) -> str:
    inside = f"<NtryDtls>{details}</NtryDtls>" if details else ""
    return (
        f"<Ntry><Amt Ccy='{currency}'>{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>{status}</Cd></Sts>"
        f"<BookgDt><Dt>2026-11-26</Dt></BookgDt><ValDt><DtTm>2026-11-27T00:00:00+08:00</DtTm></ValDt>"
        f"<AcctSvcrRef>REF-1</AcctSvcrRef><BkTxCd><Prtry><Cd>9</Cd></Prtry></BkTxCd>{inside}</Ntry>"
    )


def details(reference: str, amount: str, direction: str = "DBIT", rest: str = "") -> str:
    return (
        f"<TxDtls><Refs><MsgId>RUN-1</MsgId><PmtInfId>B-1</PmtInfId><EndToEndId>{reference}</EndToEndId></Refs>"
        f"<Amt Ccy='CNY'>{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{rest}</TxDtls>"
    )


def statement(
    entries: str, opening: str = "100.00", closing: str = "90.00", head: str = "", *, balances: str = ""
) -> str:
    told = balances or balance("OPBD", opening) + balance("CLBD", closing)
    account = "<Acct><Id><Othr><Id>61050162010800000123</Id></Othr></Id><Ccy>CNY</Ccy></Acct>"
    inside = f"<Id>S-1</Id><ElctrncSeqNb>7</ElctrncSeqNb>{account}{told}{head}{entries}"
    return document("camt.053.001.08", "BkToCstmrStmt", f"{HEADER}<Stmt>{inside}</Stmt>")


def whole(*pages: End) -> Whole:
    """A statement of these pages, as reconciliation has it."""
    first, last = pages[0].report, pages[-1].report
    assert last.day is not None
    assert first.opening_fen is not None
    assert last.closing_fen is not None
    booked_fen = sum(page.booked_fen for page in pages)
    sums = (first.opening_fen, last.closing_fen, booked_fen)
    return Whole(first.account, last.day, first.report_id, first.sequence, *sums, "s.xml")


def advice(entries: str) -> str:
    account = "<Acct><Id><IBAN>NL41MOCK0000000001</IBAN></Id></Acct>"
    inside = f"<Ntfctn><Id>N-1</Id>{account}{entries}</Ntfctn>"
    return document("camt.054.001.08", "BkToCstmrDbtCdtNtfctn", f"{HEADER}{inside}")


def returned(transactions: str, header: str = "<NbOfTxs>1</NbOfTxs>") -> str:
    head = f"<GrpHdr><MsgId>BANK-1</MsgId><CreDtTm>2026-11-26T17:00:00Z</CreDtTm>{header}</GrpHdr>"
    original = "<OrgnlGrpInf><OrgnlMsgId>RUN-1</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId></OrgnlGrpInf>"
    return document("pacs.004.001.09", "PmtRtr", head + original + transactions)


def refusal(read: Callable[[BinaryIO], Iterator[Record]], content: str | bytes) -> tuple[str, str]:
    """The one reason a message is refused for: code and place."""
    with pytest.raises(Invalid) as refused:
        list(read(message(content)))
    (one,) = refused.value.reasons
    return one.code, one.field
