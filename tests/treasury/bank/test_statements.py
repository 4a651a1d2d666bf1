"""Statements, advices and returns: every movement to the fen, and the arithmetic."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.money import yuan
from services.treasury.bank import camt053, camt054, pacs004
from services.treasury.bank.amounts import decimal
from services.treasury.bank.camt import End, Entry, Report
from services.treasury.bank.pacs004 import Return
from services.treasury.rules.reconciling import balances
from tests.treasury.bank.answers import advice, balance, details, entry, refusal, returned, statement, whole
from tests.treasury.bank.builders import message

ONE = "01KG000000E008000000000001"
RETURNED = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"


def entries(content: str) -> list[Entry]:
    return [one for one in camt053.read(message(content)) if isinstance(one, Entry)]


def end(content: str) -> End:
    (found,) = [one for one in camt053.read(message(content)) if isinstance(one, End)]
    return found


def test_a_statement_tells_account_number_days_and_balances() -> None:
    report, *_ = camt053.read(message(statement(entry("10.00"))))

    assert isinstance(report, Report)
    assert (report.report_id, report.account, report.sequence) == ("S-1", "61050162010800000123", "7")
    assert (report.opening_fen, report.closing_fen, report.day) == (10_000, 9_000, date(2026, 11, 26))
    assert (report.page, report.is_last_page) == (1, True)


def test_a_payment_and_its_return_are_told_by_its_own_id() -> None:
    rest = "<RltdPties><CdtrAcct><Id><Othr><Id>622</Id></Othr></Id></CdtrAcct></RltdPties>"
    note = "<RmtInf><Ustrd>退</Ustrd><Ustrd>汇</Ustrd></RmtInf>"
    paid, came_back = entries(
        statement(
            entry("10.00", details=details(ONE, "10.00", rest=rest))
            + entry("10.00", "CRDT", details(ONE, "10.00", "CRDT", rest + note + RETURNED)),
        )
    )

    assert (paid.end_to_end_id, paid.amount_fen, paid.is_credit, paid.return_reason) == (ONE, 1000, False, "")
    assert (paid.message_id, paid.batch_id, paid.reference, paid.code) == ("RUN-1", "B-1", "REF-1", "9")
    assert (paid.booked_on, paid.value_on) == (date(2026, 11, 26), date(2026, 11, 27))
    assert (came_back.end_to_end_id, came_back.is_credit, came_back.return_reason) == (ONE, True, "AC04")
    assert (came_back.other_account, came_back.remittance) == ("622", "退 汇")


def test_a_return_without_a_reason_is_a_return() -> None:
    (told,) = entries(statement(entry("1.00", "CRDT", details(ONE, "1.00", "CRDT", "<RtrInf/>"))))

    assert told.return_reason == "NARR"


def test_what_names_no_payment_is_told_without_one() -> None:
    fee, credit = entries(statement(entry("0.50") + entry("7.00", "CRDT", details("NOTPROVIDED", "7.00", "CRDT"))))

    assert (fee.end_to_end_id, fee.amount_fen, credit.end_to_end_id) == ("", 50, "")


def test_an_entry_of_many_transactions_is_each_of_them() -> None:
    many = entry("3.00", details=details("A", "1.00") + details("B", "2.50") + details("C", "0.50", "CRDT"))

    told = entries(statement(many))

    assert [(one.number, one.end_to_end_id, one.amount_fen, one.is_credit) for one in told] == [
        (1, "A", 100, False),
        (1, "B", 250, False),
        (1, "C", 50, True),
    ]


def test_what_is_not_booked_yet_is_told_and_does_not_count() -> None:
    pending = statement(entry("10.00") + entry("99.00", status="PDNG"))

    assert [one.status for one in entries(pending)] == ["BOOK", "PDNG"]
    assert balances([whole(end(pending))]) == []


# --- opening + entries = closing -------------------------------------------------------------------------------------


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(-(10**9), 10**9), max_size=20))
def test_a_whole_statement_adds_up(opening_fen: int, movements: list[int]) -> None:
    assert balances([whole(end(stated(opening_fen, movements, opening_fen + sum(movements))))]) == []


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=9), st.data())
def test_a_hole_is_told_with_its_amount(opening_fen: int, movements: list[int], data: st.DataObject) -> None:
    closing_fen = opening_fen + sum(movements)
    lost = movements.pop(data.draw(st.integers(0, len(movements) - 1)))

    (found,) = balances([whole(end(stated(opening_fen, movements, closing_fen)))])

    assert found.reason.code == "BANK_STATEMENT_DIFFERENCE"
    assert dict(found.reason.values)["difference"] == yuan(lost)


def stated(opening_fen: int, movements: list[int], closing_fen: int) -> str:
    told = [entry(decimal(abs(one)), "CRDT" if one > 0 else "DBIT") for one in movements]
    both = balance("OPBD", decimal(abs(opening_fen)), "CRDT" if opening_fen >= 0 else "DBIT")
    both += balance("CLBD", decimal(abs(closing_fen)), "CRDT" if closing_fen >= 0 else "DBIT")
    return statement("".join(told), balances=both)


def test_pages_add_up_together() -> None:
    page = "<StmtPgntn><PgNb>{}</PgNb><LastPgInd>{}</LastPgInd></StmtPgntn>"
    first = statement(entry("4.00"), head=page.format(1, "false"), balances=balance("OPBD", "100.00"))
    last = statement(entry("6.00"), head=page.format(2, "true"), balances=balance("CLBD", "90.00"))

    assert balances([whole(end(first), end(last))]) == []


def test_statements_follow_each_other_by_number_and_balance() -> None:
    first = whole(end(statement(entry("10.00"))))
    next_day = first._replace(day=first.day + timedelta(1), booked_fen=0, closing_fen=9_000)
    second = next_day._replace(sequence="8", opening_fen=9_000)
    later = next_day._replace(sequence="9", opening_fen=9_001, closing_fen=9_001)

    assert balances([first, second]) == []
    missing, opening = balances([first, later])
    assert (missing.reason.code, opening.reason.code) == ("BANK_STATEMENT_MISSING", "BANK_STATEMENT_OPENING")
    assert dict(missing.reason.values) == {"expected": "8", "found": "9"}


# --- what is refused -------------------------------------------------------------------------------------------------

SUMMARY = "<TxsSummry><TtlNtries><NbOfNtries>{}</NbOfNtries><Sum>{}</Sum></TtlNtries></TxsSummry>"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (statement(entry("1.00", currency="USD")), ("BANK_CURRENCY", "Stmt[1]/Ntry[1]/Amt")),
        (statement("").replace("<Ccy>CNY", "<Ccy>EUR"), ("BANK_CURRENCY", "Stmt[1]/Acct/Ccy")),
        (statement(entry("1.00") + entry("1.005")), ("BANK_AMOUNT_FRACTION", "Stmt[1]/Ntry[2]/Amt")),
        (statement(entry("-1.00")), ("BANK_AMOUNT_NEGATIVE", "Stmt[1]/Ntry[1]/Amt")),
        (statement(entry("one")), ("BANK_AMOUNT_MALFORMED", "Stmt[1]/Ntry[1]/Amt")),
        (statement(entry("1.00", "BOTH")), ("BANK_DIRECTION", "Stmt[1]/Ntry[1]/CdtDbtInd")),
        (statement(entry("1.00", status="")), ("BANK_ID_MISSING", "Stmt[1]/Ntry[1]/Sts/Cd")),
        (statement(entry("1.00").replace("2026-11-26", "2026-02-30")), ("BANK_DATE", "Stmt[1]/Ntry[1]/BookgDt")),
        (statement(entry("1.00", details=details("A", "0.99"))), ("BANK_SUM", "Stmt[1]/Ntry[1]")),
        (statement(entry("1.00", details=details("A", "1.00") * 2)), ("BANK_SUM", "Stmt[1]/Ntry[1]")),
        (statement(entry("1.00", details=details("A", "1.00", "CRDT"))), ("BANK_SUM", "Stmt[1]/Ntry[1]")),
        (
            statement(entry("1.00", details=details("A", "1.00").replace("CNY", "JPY"))),
            ("BANK_CURRENCY", "Stmt[1]/Ntry[1]/TxDtls[1]/Amt"),
        ),
        (statement(entry("1.00"), head=SUMMARY.format(2, "1.00")), ("BANK_COUNT", "Stmt[1]/TxsSummry")),
        (statement(entry("1.00"), head=SUMMARY.format(1, "1.01")), ("BANK_SUM", "Stmt[1]/TxsSummry")),
        (statement("", balances=balance("CLBD", "1.00")), ("BANK_BALANCE_MISSING", "S-1")),
        (statement("", balances=balance("OPBD", "1.00")), ("BANK_BALANCE_MISSING", "S-1")),
        (statement("", opening="1.001"), ("BANK_AMOUNT_FRACTION", "Stmt[1]/Bal[1]/Amt")),
        (statement("").replace("<Id>S-1</Id>", ""), ("BANK_ID_MISSING", "Stmt[1]/Id")),
        (statement("").replace("<MsgId>BANK-1</MsgId>", ""), ("BANK_ID_MISSING", "GrpHdr/MsgId")),
        (
            statement("").replace("<Othr><Id>61050162010800000123</Id></Othr>", ""),
            ("BANK_ID_MISSING", "Stmt[1]/Acct/Id"),
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_located(content: str, expected: tuple[str, str]) -> None:
    assert refusal(camt053.read, content) == expected


HUGE, LARGEST, ABOVE = "9999999999999999.99", "100000000000000.00", "100000000000000.01"


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (statement(entry(HUGE)), "Stmt[1]/Ntry[1]/Amt"),
        (statement(entry(ABOVE)), "Stmt[1]/Ntry[1]/Amt"),
        (statement(entry("1.00", details=details("A", HUGE))), "Stmt[1]/Ntry[1]/TxDtls[1]/Amt"),
        (statement("", opening=ABOVE), "Stmt[1]/Bal[1]/Amt"),
        (statement("", closing=ABOVE), "Stmt[1]/Bal[2]/Amt"),
        (statement(entry(LARGEST) + entry("0.01")), "Stmt[1]/Ntry[2]"),
        (statement(entry("0.01", "CRDT") + entry(LARGEST, "CRDT")), "Stmt[1]/Ntry[2]"),
    ],
)
def test_sums_that_no_account_has_are_refused(content: str, place: str) -> None:
    assert refusal(camt053.read, content) == ("BANK_AMOUNT_MALFORMED", place)


def test_the_largest_sum_is_read() -> None:
    told = end(statement(entry(LARGEST) + entry(LARGEST, "CRDT") + entry(LARGEST), opening=LARGEST, closing=LARGEST))

    assert (told.booked_fen, told.report.opening_fen, told.report.closing_fen) == (-(10**16), 10**16, 10**16)


def test_a_sum_of_more_digits_than_an_amount_has_is_told() -> None:
    parts = details("A", LARGEST) * 1001
    assert refusal(camt053.read, statement(entry("1.00", details=parts))) == ("BANK_SUM", "Stmt[1]/Ntry[1]")
    many = one_return(amount=HUGE) * 2
    stated = "<NbOfTxs>2</NbOfTxs><CtrlSum>1.00</CtrlSum>"
    assert refusal(pacs004.read, returned(many, stated)) == ("BANK_SUM", "GrpHdr")


def test_an_advice_is_read_as_a_statement_without_balances() -> None:
    report, told, ended = camt054.read(message(advice(entry("10.00", details=details(ONE, "10.00")))))

    assert isinstance(report, Report)
    assert (report.account, report.opening_fen) == ("NL41MOCK0000000001", None)
    assert isinstance(told, Entry)
    assert (told.account, told.end_to_end_id) == ("NL41MOCK0000000001", ONE)
    assert isinstance(ended, End)
    assert (ended.entries, ended.booked_fen) == (1, -1000)


# --- pacs.004 --------------------------------------------------------------------------------------------------------


def one_return(reference: str = ONE, amount: str = "10.00", currency: str = "CNY") -> str:
    return (
        f"<TxInf><RtrId>R-1</RtrId><OrgnlEndToEndId>{reference}</OrgnlEndToEndId>"
        f"<RtrdIntrBkSttlmAmt Ccy='{currency}'>{amount}</RtrdIntrBkSttlmAmt><IntrBkSttlmDt>2026-11-30</IntrBkSttlmDt>"
        "<RtrRsnInf><Rsn><Cd>AC04</Cd></Rsn></RtrRsnInf></TxInf>"
    )


def test_a_return_names_its_payment_and_reason() -> None:
    assert list(pacs004.read(message(returned(one_return(), "<NbOfTxs>1</NbOfTxs><CtrlSum>10.00</CtrlSum>")))) == [
        Return("BANK-1", "R-1", "RUN-1", ONE, 1000, date(2026, 11, 30), "AC04")
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (returned(one_return() * 2), ("BANK_COUNT", "GrpHdr")),
        (returned(one_return(), "<CtrlSum>9.99</CtrlSum>"), ("BANK_SUM", "GrpHdr")),
        (returned(one_return("")), ("BANK_ID_MISSING", "TxInf[1]/OrgnlEndToEndId")),
        (returned(one_return(amount="1.001")), ("BANK_AMOUNT_FRACTION", "TxInf[1]/RtrdIntrBkSttlmAmt")),
        (returned(one_return(currency="EUR")), ("BANK_CURRENCY", "TxInf[1]/RtrdIntrBkSttlmAmt")),
        (
            returned("<TxInf><OrgnlEndToEndId>E</OrgnlEndToEndId></TxInf>"),
            ("BANK_ELEMENT_MISSING", "TxInf[1]/RtrdIntrBkSttlmAmt"),
        ),
    ],
)
def test_a_return_that_does_not_fit_is_refused(content: str, expected: tuple[str, str]) -> None:
    assert refusal(pacs004.read, content) == expected
