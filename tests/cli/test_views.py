from __future__ import annotations

from datetime import date
from typing import Any, get_args

import pytest
from cradle.claims.v1 import appeal_pb2, claim_pb2, receipt_pb2, redetermination_pb2
from cradle.common.v1 import reason_pb2
from cradle.ops.v1 import parked_pb2
from rich.cells import cell_len
from rich.console import Console, RenderableType

from services.cli import appeals, claims, views
from services.cli.failures import coded
from services.cli.intake import Position, Sent
from services.cli.mapping import to_intake
from services.cli.session import Session, language_of
from services.kit.dates import to_proto
from services.kit.messages import CATALOGUE, Language
from tests.builders import MOTHER
from tests.cli import builders

CHINESE, ENGLISH = Session(Language.ZH, "table"), Session(Language.EN, "table")


def drawn(what: RenderableType) -> str:
    console = Console(width=100, markup=False, highlight=False)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def sent(**receipt: object) -> Sent:
    return Sent(to_intake(builders.claim("A-1", 1))[0], Position("t", 0, 1), receipt_pb2.ClaimReceipt(**receipt))  # type: ignore[arg-type]


DECIDED = sent(
    claim_number="A-1",
    revision=1,
    status=receipt_pb2.RECEIPT_STATUS_DETERMINED,
    outcome=claim_pb2.CLAIM_STATE_APPROVED,
    allowance_fen=2613333,
    payee=claim_pb2.PAYEE_PERSON,
)
RETURNED = sent(
    claim_number="A-2",
    revision=1,
    status=receipt_pb2.RECEIPT_STATUS_RETURNED,
    reasons=[coded("COUNTY_UNKNOWN", "county")],
)


def test_results_show_money_in_yuan_and_reasons_in_the_language() -> None:
    chinese, english = (
        drawn(views.results(CHINESE, [DECIDED, RETURNED])),
        drawn(views.results(ENGLISH, [DECIDED, RETURNED])),
    )

    assert "26,133.33" in chinese
    assert "退回补正" in chinese
    assert "行政区划代码不是宝鸡市的县区代码。" in chinese
    assert "COUNTY_UNKNOWN county" in english
    assert "returned" in english


def test_chinese_columns_stand_below_each_other() -> None:
    lines = drawn(views.results(CHINESE, [DECIDED, RETURNED])).splitlines()

    starts = [
        cell_len(line[: line.index(word)]) for line in lines for word in ("受理", "已核定", "退回补正") if word in line
    ]
    assert len(starts) == 3
    assert len(set(starts)) == 1
    assert max(cell_len(line) for line in lines) <= 100


def test_what_a_hospital_is_paid_is_shown_as_an_allowance_is() -> None:
    settled = sent(
        claim_number="A-4",
        status=receipt_pb2.RECEIPT_STATUS_DETERMINED,
        outcome=claim_pb2.CLAIM_STATE_APPROVED,
        medical_fen=203526,
    )

    assert "2,035.26" in drawn(views.results(ENGLISH, [settled]))
    assert "0.00" not in drawn(views.results(ENGLISH, [RETURNED]))


def test_a_claim_number_that_holds_an_id_number_is_not_shown() -> None:
    intake = to_intake(builders.claim("A-1", 1) | {"claim_number": MOTHER})[0]
    returned = Sent(intake, Position("t", 0, 3), receipt_pb2.ClaimReceipt(status=receipt_pb2.RECEIPT_STATUS_RETURNED))

    for shown in (
        views.results(ENGLISH, [returned]),
        views.results(ENGLISH, [Sent(intake, Position("t", 0, 4))]),
        views.foreseen(ENGLISH, [("file:1", intake, [coded("FIELD_MALFORMED", "claim_number")])]),
    ):
        assert MOTHER not in drawn(shown)
        assert "***" in drawn(shown)


def test_a_claim_without_a_receipt_is_shown_as_waiting() -> None:
    waiting = Sent(to_intake(builders.claim("A-3", 1))[0], Position("t", 0, 2))

    assert "A-3" in drawn(views.results(ENGLISH, [waiting]))


def test_instants_are_shown_in_shanghai() -> None:
    claim = claim_pb2.Claim(claim_number="A-1", source="hospitals", state=claim_pb2.CLAIM_STATE_PENDED)
    claim.update_time.FromJsonString("2026-11-22T23:30:00Z")

    assert "2026-11-23 07:30:00" in drawn(views.claims(ENGLISH, [claim]))


def test_how_far_a_claim_is_paid_is_shown_by_line_with_its_reasons() -> None:
    claim = claim_pb2.Claim(claim_number="A-1", source="hospitals", payment=claim_pb2.PAYMENT_STATE_IN_PAYMENT)
    claim.orders.add(
        line="STAY/1", owed_fen=520_000, payee=claim_pb2.PAYEE_PROVIDER, payment=claim_pb2.PAYMENT_STATE_PAID
    )
    claim.orders.add(line="STAY/2", owed_fen=100, payee=claim_pb2.PAYEE_PROVIDER, payment=1, reasons=["AC04"])
    claim.orders.add(line="STAY/3", owed_fen=100, payee=claim_pb2.PAYEE_PROVIDER, payment=1, reasons=["BUDGET_HELD"])

    shown = drawn(views.claim(ENGLISH, claim))

    assert "STAY/1: 5,200.00 the hospital paid\n" in "\n".join(line.rstrip() for line in shown.splitlines()) + "\n"
    assert "STAY/2: 1.00 the hospital payable AC04" in shown
    assert "BUDGET_HELD: The budget" in shown
    assert "该预算可用资金不足" in drawn(views.claim(CHINESE, claim))
    assert "in payment" in shown
    assert "in payment" in drawn(views.claims(ENGLISH, [claim]))


def test_a_table_without_rows_says_so() -> None:
    assert "(none)" in drawn(views.claims(ENGLISH, []))
    assert "（无）" in drawn(views.claims(CHINESE, []))


@pytest.mark.parametrize(
    ("given", "names", "prefix"),
    [
        (appeals.State, appeal_pb2.AppealState, "APPEAL_STATE_"),
        (appeals.By, appeal_pb2.Appellant, "APPELLANT_"),
        (appeals.Ground, appeal_pb2.AppealGround, "APPEAL_GROUND_"),
        (appeals.Late, appeal_pb2.LateBecause, "LATE_BECAUSE_"),
    ],
)
def test_what_one_may_say_of_an_appeal_is_what_there_is(given: Any, names: Any, prefix: str) -> None:
    assert list(get_args(given)) == [name.removeprefix(prefix) for name, value in names.items() if value]


def test_the_payments_one_may_ask_for_are_those_there_are() -> None:
    names = [name.removeprefix("PAYMENT_STATE_") for name, value in claim_pb2.PaymentState.items() if value]

    assert list(get_args(claims.Payment)) == names


def test_a_claim_that_waits_says_for_what_and_until_when() -> None:
    why = reason_pb2.Reason(code="AWAITING_COVERAGE", text_zh="等待参保信息", text_en="Her coverage is awaited.")
    claim = claim_pb2.Claim(
        state=claim_pb2.CLAIM_STATE_PENDED, waits_for=[why], waits_until=to_proto(date(2027, 1, 22))
    )

    shown = drawn(views.claim(ENGLISH, claim))

    assert "AWAITING_COVERAGE" in shown
    assert "Her coverage is awaited." in shown
    assert "2027-01-22" in shown
    assert "等待事项" in drawn(views.claim(CHINESE, claim))


def test_the_states_one_may_ask_for_are_those_of_a_claim_on_file() -> None:
    """ERROR is the outcome of a calculation only."""
    names = [name.removeprefix("CLAIM_STATE_") for name, value in claim_pb2.ClaimState.items() if value]
    names.remove("ERROR")

    assert list(get_args(claims.State)) == names


@pytest.mark.parametrize(
    "code",
    [
        *(f"CLI_{name}" for name, value in receipt_pb2.ReceiptStatus.items() if value),
        *(f"CLI_{name}" for name, value in parked_pb2.ParkedState.items() if value),
        *(name.replace("CLAIM_STATE_", "OUTCOME_") for name, value in claim_pb2.ClaimState.items() if value),
        *(name for name, value in claim_pb2.Payee.items() if value),
        *(name for name, value in claim_pb2.PaymentState.items() if value),
        *(f"CLI_{name}" for name, value in appeal_pb2.AppealState.items() if value),
        *(f"CLI_{name}" for name, value in appeal_pb2.Appellant.items() if value),
        *(f"CLI_{name}" for name, value in appeal_pb2.AppealGround.items() if value),
        *(f"CLI_{name}" for name, value in appeal_pb2.LateBecause.items() if value),
        *(f"CLI_{name}" for name, value in redetermination_pb2.RedeterminationState.items() if value),
        *(f"CLI_{name}" for name, value in redetermination_pb2.RedeterminationFinding.items() if value),
        *(f"CLI_{name}" for name, value in redetermination_pb2.RedeterminationResult.items() if value),
    ],
)
def test_every_code_has_its_word(code: str) -> None:
    assert code in CATALOGUE


@pytest.mark.parametrize(
    ("lang", "language"), [("zh_CN.UTF-8", "zh-CN"), ("zh_TW", "zh-CN"), ("en_US", "en"), ("", "en"), ("C", "en")]
)
def test_the_language_follows_lang(lang: str, language: str) -> None:
    assert language_of(lang) == language
