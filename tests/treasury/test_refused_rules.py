"""Which failures are about a payee's account, and what a plan makes of an account that was refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.messages import CATALOGUE
from services.treasury.model import Account, Candidate, Payee, Paying, Payment, PaymentState, RunScope
from services.treasury.rules.planning import planned
from services.treasury.rules.refusing import ABOUT_ACCOUNT, about_account, is_refused, refused
from tests.treasury.test_rules import DAY, POT, order

EVERYTHING = RunScope("", "", "", DAY, 0, 0)
PAYING = {POT.fund: Paying("medical", "", "", "", "")}
LI, WANG = Payee("PERSON", "li"), Payee("PERSON", "wang")
FAILED = (PaymentState.REJECTED, PaymentState.RETURNED)
S = PaymentState


def payment(state: PaymentState = S.REJECTED, reason: str = "AC04", **changed: Any) -> Payment:
    nothing = (None, None, None, None, None, None, None)
    made = Payment(
        UUID(int=1), UUID(int=2), 1, 1, 1, 1, 100, state, POT.fund, POT.county, LI, 1, b"h", b"", "medical", "E", None,
        None, reason, *nothing,
    )  # fmt: skip
    return made._replace(**changed)


def test_each_reason_about_an_account_is_told_in_both_languages() -> None:
    assert set(CATALOGUE) >= ABOUT_ACCOUNT


@pytest.mark.parametrize(
    ("why", "codes"),
    [
        ("AC04", ("AC04",)),
        ("NARR,AC06", ("AC06",)),
        ("AC01,BE01", ("AC01", "BE01")),
        ("AC02", ()),  # our own account
        ("AM04", ()),
        ("BE04", ()),
        ("", ()),
        ("FILE_REJECTED,AC04", ()),  # the account that the file was to be paid from
    ],
)
def test_which_reasons_are_about_the_payees_account(why: str, codes: tuple[str, ...]) -> None:
    assert about_account(why) == codes


@given(st.sampled_from(list(PaymentState)), st.integers(0, 1), st.sampled_from(["AC04", "AM04", ""]))
def test_an_account_is_refused_by_a_payment_that_failed_because_of_it(state: S, version: int, why: str) -> None:
    found = is_refused(payment(state, why, payee_version=version))

    assert found == (state in FAILED and version == 1 and why == "AC04")


def test_what_is_heard_refuses_an_account_and_takes_it_back() -> None:
    sent, rejected, paid = payment(S.SENT, ""), payment(), payment(S.RECONCILED)

    assert refused([(sent, rejected)]) == ([rejected], [])
    assert refused([(rejected, paid)]) == ([], [paid])
    assert refused([(sent, rejected), (rejected, paid)]) == ([], [])
    assert refused([(sent, payment(S.SETTLED, ""))]) == ([], [])


@given(
    st.lists(st.tuples(st.sampled_from([LI, WANG]), st.integers(1, 50)), max_size=8),
    st.sets(st.sampled_from([LI, WANG])),
)
def test_no_order_of_a_payee_whose_account_was_refused_is_planned_and_every_other_is(
    owed: list[tuple[Payee, int]], barred: set[Payee]
) -> None:
    candidates = [
        Candidate(order(number, fen, reserved_fen=fen, payee=payee), False, False, False, None)
        for number, (payee, fen) in enumerate(owed, 1)
    ]
    payees = {one: Account("", "", "", 1) for one in (LI, WANG)}

    plan = planned(candidates, payees, PAYING, EVERYTHING, 0, refused=dict.fromkeys(barred, ("AC04",)))

    assert [line.order.id for line in plan.lines] == [n for n, (one, _) in enumerate(owed, 1) if one not in barred]
    assert [(one.order_id, one.reasons) for one in plan.exempt] == [
        (n, ("ACCOUNT_REFUSED_BY_BANK", "AC04")) for n, (one, _) in enumerate(owed, 1) if one in barred
    ]
