"""What comes back is counted once: beside what payments on their way keep, and what a message brought before."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from services.treasury.model import Entry, Payee, Payment, PaymentState
from services.treasury.model.recoveries import Recovery, RecoveryState, Share
from services.treasury.usecases.repaying import Backs

WHO = Payee("PERSON", "01930000-0000-7000-8000-000000000001")
DAY = date(2026, 11, 23)
ONE = UUID(int=1)


def backs(*, outstanding: int = 0, live: int = 0, repaid: int = 0) -> Backs:
    one = Recovery(
        ONE, 1, WHO, 1, RecoveryState.OFFSETTING, 1, outstanding, live, 0, repaid, 0, 0, "OWED_LESS", "", DAY, DAY, 0,
        0, "610304",
    )  # fmt: skip
    return Backs({ONE: one})


def credit(fen: int, entry_id: int = 1) -> Entry:
    return Entry(entry_id, 1, True, "61050162010800000123", "R", fen, True, False, DAY, "")


def returning(fen: int, number: int = 1) -> tuple[Payment, Payment]:
    before = Payment(
        UUID(int=number), UUID(int=9), number, 1, 1, 1, fen, PaymentState.RECONCILED, "EMPLOYEE_INSURANCE", "610304",
        WHO, 1, b"", b"", "A", f"{number}", None, None, "", None, None, None, None, None, None, None,
    )  # fmt: skip
    return before, before._replace(state=PaymentState.RETURNED)


@pytest.mark.parametrize(("fen", "code"), [(599, ""), (600, ""), (601, "REPAYMENT_TOO_MUCH")])
def test_no_more_is_repaid_than_payments_on_their_way_leave(fen: int, code: str) -> None:
    assert backs(outstanding=1_000, live=400).take(credit(fen), ONE) == code


def test_of_two_repayments_in_one_message_the_second_is_counted_against_the_first() -> None:
    here = backs(outstanding=1_000)

    assert [here.take(credit(600, 1), ONE), here.take(credit(600, 2), ONE)] == ["", "REPAYMENT_TOO_MUCH"]


@pytest.mark.parametrize(("fen", "is_barred"), [(599, False), (600, False), (601, True)])
def test_a_return_leaves_what_is_recovered_and_what_is_kept_on_its_way(fen: int, is_barred: bool) -> None:
    here = backs(live=300, repaid=100)

    assert here.bars(*returning(fen), [Share(1, WHO, 1, 1_000)]) is is_barred


def test_of_two_returns_in_one_message_the_second_is_counted_against_the_first() -> None:
    here, shares = backs(repaid=400), [Share(1, WHO, 1, 1_000)]

    assert [here.bars(*returning(600, 1), shares), here.bars(*returning(400, 2), shares)] == [False, True]


def test_a_repayment_heard_before_a_return_counts() -> None:
    here = backs(outstanding=400)
    assert not here.take(credit(400), ONE)

    assert here.bars(*returning(601), [Share(1, WHO, 1, 1_000)])
