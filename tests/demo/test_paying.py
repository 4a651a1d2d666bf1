"""The demo's own figures of the money: what is noticed when receipts, treasury and bank differ; and a small run."""

from __future__ import annotations

import argparse
import io
from typing import Any

import pytest
from cradle.claims.v1 import claim_pb2, receipt_pb2
from cradle.common.v1 import reason_pb2
from cradle.treasury.v1 import money_pb2, run_pb2, service_pb2
from rich.cells import cell_len
from rich.console import Console
from stdnum import luhn

from deploy.demo import accounts, expect_paid, pay_report, report
from deploy.demo.__main__ import TODAY, demonstrate
from deploy.demo.account import Account, Answer, Came, Tally
from deploy.demo.claims import Submission, generate
from deploy.demo.expect_paid import Owed, owed, tally, wrong
from deploy.demo.paying import Books

SETTLED, HELD, RESERVED = (
    service_pb2.OrderState.Value(f"ORDER_STATE_{name}") for name in ("SETTLED", "HELD", "RESERVED")
)
FUND = money_pb2.FUND_EMPLOYEE_INSURANCE


def order(number: int, fen: int = 100, state: service_pb2.OrderState.ValueType = SETTLED, **changed: Any) -> Any:
    is_held = state == HELD
    said: dict[str, Any] = {
        "settled_fen": 0 if is_held else fen,
        "reasons": [reason_pb2.Reason(code="BUDGET_HELD")] if is_held else [],
        "county": "610302",
        **changed,
    }
    return service_pb2.Order(
        name=f"orders/{number}", case_id=f"c{number}", owed_fen=fen, state=state, fund=FUND, **said
    )


def books(*orders: service_pb2.Order, available_fen: int = 0, **changed: Any) -> Books:
    """Each order that is settled was paid by one payment, which the bank knows."""
    paid = [one for one in orders if one.settled_fen]
    spent = sum(one.settled_fen for one in paid)
    budget = service_pb2.Budget(
        name="budgets/1",
        key=service_pb2.BudgetKey(fund=FUND, county="610302"),
        spent_fen=spent,
        available_fen=available_fen,
    )
    sums = [run_pb2.RunSum(state=run_pb2.PAYMENT_STATE_RECONCILED, count=len(paid), amount_fen=spent)]
    bank = [
        {"status": "accepted", "booked_at": "now", "amount": one.settled_fen, "end_to_end_id": one.name} for one in paid
    ]
    made = Books(list(orders), [budget], [run_pb2.Run(name="runs/1", sums=sums)], [[]], bank, 0)
    return made._replace(**changed)


def expected(*orders: service_pb2.Order) -> dict[str, Owed]:
    return {one.case_id: Owed(1, one.owed_fen) for one in orders}


PAID, WAITS = order(1), order(2, 50, HELD)


def test_what_is_paid_and_held_as_it_is_owed_is_right() -> None:
    made = books(PAID, WAITS, available_fen=49)

    assert wrong(expected(PAID, WAITS), made, ["c1"]) == []
    assert tally(made) == Tally(ordered=2, paid=1, returned=0, held=1, imbalance=0)
    assert str(Tally()) == "ordered=0 paid=0 returned=0 held=0 imbalance=unknown"


@pytest.mark.parametrize(
    ("made", "paid", "word"),
    [
        (books(PAID, WAITS, available_fen=50), ["c1"], "has the money"),
        (books(PAID), ["c1"], "otherwise than owed"),
        (books(PAID, WAITS, order(3)), ["c1", "c3"], "otherwise than owed"),
        (books(PAID, order(2, 49, HELD)), ["c1"], "otherwise than owed"),
        (books(PAID, order(2, 50, HELD, reasons=[reason_pb2.Reason(code="PAYEE_CHANGED")])), ["c1"], "something else"),
        (books(PAID, order(2, 50, RESERVED, reserved_fen=50, settled_fen=0)), ["c1"], "neither paid nor held"),
        (books(PAID, order(2, 50, SETTLED, settled_fen=49)), ["c1", "c2"], "neither paid nor held"),
        (books(PAID, WAITS, imbalance_fen=1), ["c1"], "off by 1 fen"),
        (books(PAID, WAITS, bank=[]), ["c1"], "the bank paid 0 fen"),
        (books(PAID, WAITS, bank=books(PAID).bank * 2), ["c1"], "sent a payment twice"),
        (books(PAID, WAITS), [], "0 claims are PAID and not 1"),
        (books(PAID, WAITS), ["c1", "c2"], "2 claims are PAID and not 1"),
    ],
)
def test_whatever_differs_is_told(made: Books, paid: list[str], word: str) -> None:
    found = wrong(expected(PAID, WAITS), made, paid)

    assert any(word in one for one in found), found


def test_a_payment_that_came_back_at_the_bank_only_is_told() -> None:
    bank = [{**one, "status": "returned"} for one in books(PAID).bank]

    assert any("the treasury" in one for one in wrong(expected(PAID), books(PAID, bank=bank), ["c1"]))


def test_what_is_owed_is_the_approved_lines_of_the_last_receipt_that_somebody_is_paid_for() -> None:
    def line(outcome: str, fen: int, payee: claim_pb2.Payee.ValueType = claim_pb2.PAYEE_PERSON) -> claim_pb2.ClaimLine:
        return claim_pb2.ClaimLine(
            outcome=claim_pb2.ClaimState.Value(f"CLAIM_STATE_{outcome}"), amount_fen=fen, payee=payee
        )

    receipt = receipt_pb2.ClaimReceipt(
        claim="claims/a",
        lines=[
            line("APPROVED", 70),
            line("APPROVED", 30),
            line("APPROVED", 0),
            line("DENIED", 5),
            line("APPROVED", 9, claim_pb2.PAYEE_UNSPECIFIED),
        ],
    )
    answer = Answer(Submission("counter", b"", b"", "clean"), None, Came.APPROVED, receipt)

    assert owed([answer]) == {"a": Owed(2, 100)}
    assert owed([answer, Answer(answer.submission, None, Came.VOIDED, receipt)]) == {}


def test_everybody_has_an_account_that_banks_take_and_another_one_when_it_is_told_anew() -> None:
    made = generate(162, 200, TODAY)

    first, again, anew = (list(accounts.of_women(made.persons, nth)) for nth in (0, 0, 1))

    assert first == again
    assert not {one.account.number for one in first} & {one.account.number for one in anew}
    assert len({one.account.number for one in first}) == len(first)
    assert all(luhn.is_valid(one.account.number) for one in (*first, *anew))
    assert all(one.account.holder for one in accounts.of_employers(made.employers))


def test_what_is_shown_fits_the_page() -> None:
    left_out = [
        run_pb2.PlanException(amount_fen=1, reasons=[reason_pb2.Reason(code="ACCOUNT_MISSING", text_zh="无")] * 2)
    ]
    made = books(PAID, WAITS, left_out=[left_out])
    shown = Console(file=io.StringIO(), width=report.WIDTH, record=True)

    for one in (pay_report.by_run, pay_report.by_county, pay_report.by_payee, pay_report.why_not):
        shown.print(one(made))

    text = shown.export_text()
    assert "ACCOUNT_MISSING" in text
    assert max(map(cell_len, text.splitlines())) <= report.WIDTH


@pytest.mark.integration
@pytest.mark.timeout(300)  # a whole stack of its own
def test_a_small_city_is_paid_through_the_independent_bank() -> None:
    account = Account()
    shown = Console(file=io.StringIO(), width=report.WIDTH)
    options = argparse.Namespace(seed=162, count=400, dirt="realistic")

    assert demonstrate(shown, account, options) == []

    found = account.tally
    assert found.ordered == found.paid + found.held > 300
    assert found.imbalance == 0
    assert expect_paid.owed(list(account.answers()))
