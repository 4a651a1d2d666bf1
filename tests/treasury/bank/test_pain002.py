"""A bank's answers: every status and reason, kept as it came, and what contradicts itself."""

from __future__ import annotations

import pytest

from services.treasury.bank.pain002 import Answer, Batch, Group, Outcome, Why, outcome, read
from tests.treasury.bank.answers import answer, batch, refusal, report
from tests.treasury.bank.builders import message

ONE, OTHER = "01KG000000E008000000000001", "01KG000000E008000000000002"
YUAN = "<InstdAmt Ccy='CNY'>{}</InstdAmt>"


@pytest.mark.parametrize("kind", ["pain.002.001.03", "pain.002.001.10"])
def test_group_batches_and_payments_come_in_their_order(kind: str) -> None:
    content = report(
        "<GrpSts>PART</GrpSts>",
        batch(answer(ONE, "ACCP") + answer(OTHER, "RJCT", "AC04"), "<PmtInfSts>PART</PmtInfSts>")
        + batch(answer("X", "ACSC"), batch_id="B-2"),
        kind,
    )

    group, first, paid, rejected, second, settled = read(message(content))

    assert isinstance(group, Group)
    assert (group.message_id, group.original_message_id, group.status) == ("BANK-1", "RUN-1", "PART")
    assert group.created_at.isoformat() == "2026-11-26T17:00:00+08:00"
    assert first == Batch("B-1", "PART", ())
    assert paid == Answer("RUN-1", "B-1", ONE, "ACCP", (), None)
    assert rejected == Answer("RUN-1", "B-1", OTHER, "RJCT", (Why("AC04", "in words"),), None)
    assert second == Batch("B-2", "", ())
    assert settled == Answer("RUN-1", "B-2", "X", "ACSC", (), None)


def test_a_file_rejected_as_a_whole_has_its_group_only() -> None:
    why = "<StsRsnInf><Rsn><Prtry>家里的</Prtry></Rsn></StsRsnInf>"

    (group,) = read(message(report(f"<GrpSts>RJCT</GrpSts>{why}")))

    assert isinstance(group, Group)
    assert outcome(group.status, group.reasons) is Outcome.REJECTED
    assert group.reasons == (Why("家里的", ""),)


def test_a_payment_without_a_status_has_that_of_its_batch_or_group() -> None:
    by_batch = batch(answer(ONE, ""), "<PmtInfSts>ACSP</PmtInfSts>")
    by_group = batch(answer(ONE, ""))

    told = [list(read(message(report("<GrpSts>ACCP</GrpSts>", inside))))[-1] for inside in (by_batch, by_group)]

    assert [one.status for one in told] == ["ACSP", "ACCP"]


@pytest.mark.parametrize(
    ("status", "why", "expected"),
    [
        ("RCVD", "", Outcome.RECEIVED),
        ("ACTC", "", Outcome.RECEIVED),
        ("PDNG", "", Outcome.RECEIVED),
        ("ACCP", "", Outcome.ACCEPTED),
        ("ACSP", "", Outcome.ACCEPTED),
        ("ACSC", "", Outcome.SETTLED),
        ("PART", "", Outcome.PARTIAL),
        ("RJCT", "AC01", Outcome.REJECTED),
        ("RJCT", "AC04", Outcome.REJECTED),
        ("RJCT", "AC06", Outcome.REJECTED),
        ("RJCT", "BE04", Outcome.REJECTED),
        ("RJCT", "MS03", Outcome.REJECTED),
        ("RJCT", "XY99", Outcome.REJECTED),
        ("RJCT", "", Outcome.REJECTED),
        ("RJCT", "AM05", Outcome.DUPLICATE),
        ("RJCT", "DUPL", Outcome.DUPLICATE),
        ("RJCT", "DU03", Outcome.DUPLICATE),
        ("XXXX", "", Outcome.UNKNOWN),
        ("", "", Outcome.UNKNOWN),
        ("rjct", "", Outcome.UNKNOWN),
    ],
)
def test_what_a_status_means_for_money(status: str, why: str, expected: Outcome) -> None:
    assert outcome(status, (Why(why, ""),) if why else ()) is expected


@pytest.mark.parametrize("status", ["RJCT", ""])
def test_payments_of_a_duplicate_file_are_duplicates_though_each_is_called_rejected(status: str) -> None:
    why = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>DUPL</Cd></Rsn></StsRsnInf>"

    *_, told = read(message(report(why, batch(answer(ONE, status), "<PmtInfSts>RJCT</PmtInfSts>"))))

    assert isinstance(told, Answer)
    assert outcome(told.status, told.reasons) is Outcome.DUPLICATE


def test_codes_that_nobody_knows_are_kept() -> None:
    *_, told = read(message(report("", batch(answer(ONE, "ZZZZ", "Q7Q7")))))

    assert isinstance(told, Answer)
    assert (told.status, told.reasons[0].code) == ("ZZZZ", "Q7Q7")


COUNT = "<OrgnlNbOfTxs>{}</OrgnlNbOfTxs>"
SUM = "<OrgnlCtrlSum>{}</OrgnlCtrlSum>"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (report(COUNT.format(1), batch(answer(ONE, "ACCP") * 2)), ("BANK_COUNT", "OrgnlGrpInfAndSts")),
        (report("", batch(answer(ONE, "ACCP") * 2, COUNT.format(1))), ("BANK_COUNT", "OrgnlPmtInfAndSts[1]")),
        (report(COUNT.format("1,0")), ("BANK_COUNT_MALFORMED", "OrgnlGrpInfAndSts/OrgnlNbOfTxs")),
        (
            report(COUNT.format(1) + SUM.format("5.01"), batch(answer(ONE, "ACCP", "", YUAN.format("5.00")))),
            ("BANK_SUM", "OrgnlGrpInfAndSts"),
        ),
        (report(SUM.format("5.001")), ("BANK_AMOUNT_FRACTION", "OrgnlGrpInfAndSts/OrgnlCtrlSum")),
        (
            report("", batch(answer(ONE, "ACCP", "", "<InstdAmt Ccy='USD'>5.00</InstdAmt>"))),
            ("BANK_CURRENCY", "OrgnlPmtInfAndSts[1]/TxInfAndSts[1]/OrgnlTxRef/Amt/InstdAmt"),
        ),
        (
            report("", batch(answer(ONE, "ACCP") + answer("", "ACCP"))),
            ("BANK_ID_MISSING", "OrgnlPmtInfAndSts[1]/TxInfAndSts[2]/OrgnlEndToEndId"),
        ),
        (
            report("", batch(answer(ONE, "ACCP"), batch_id="")),
            ("BANK_ID_MISSING", "OrgnlPmtInfAndSts[1]/OrgnlPmtInfId"),
        ),
        (report("", batch(answer(ONE, ""))), ("BANK_STATUS_MISSING", "OrgnlPmtInfAndSts[1]/TxInfAndSts[1]")),
        (
            report("<GrpSts>ACCP</GrpSts>", batch(answer(ONE, "RJCT"))),
            ("BANK_STATUS_CONTRADICTS", "OrgnlPmtInfAndSts[1]/TxInfAndSts[1]"),
        ),
        (
            report("<GrpSts>RJCT</GrpSts>", batch("", "<PmtInfSts>ACSC</PmtInfSts>")),
            ("BANK_STATUS_CONTRADICTS", "OrgnlPmtInfAndSts[1]"),
        ),
        (report("").replace("<MsgId>BANK-1</MsgId>", ""), ("BANK_ID_MISSING", "GrpHdr/MsgId")),
        (report("").replace("2026-11-26T17", "2026-13-26T17"), ("BANK_DATE", "GrpHdr/CreDtTm")),
        (report("").replace("<OrgnlMsgId>RUN-1</OrgnlMsgId>", ""), ("BANK_ID_MISSING", "OrgnlGrpInfAndSts/OrgnlMsgId")),
    ],
)
def test_what_does_not_fit_is_refused_and_located(content: str, expected: tuple[str, str]) -> None:
    assert refusal(read, content) == expected


def test_a_bank_may_tell_some_payments_only() -> None:
    some = report(COUNT.format(3) + SUM.format("9.00"), batch(answer(ONE, "RJCT", "AC01", YUAN.format("5.00"))))

    *_, told = read(message(some))

    assert isinstance(told, Answer)
    assert told.amount_fen == 500
