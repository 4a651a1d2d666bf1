"""What is owed, ordered and paid, reckoned with values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.model import (
    Category,
    Claim,
    ClaimKind,
    Determination,
    Figures,
    Fund,
    Heard,
    Item,
    Line,
    LineKind,
    Order,
    Ordered,
    Orders,
    Owed,
    Payee,
    Payment,
    Programme,
    Progress,
    Recovery,
    State,
    Visit,
)
from services.claims.rules import paying
from tests.builders import DELIVERED, MEDICAL, facts, stay

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
TODAY = date(2026, 11, 23)
HER = UUID(int=7)


def claim(version: int = 1, county: str = "610304", employer: str = "e-1", providers: tuple[str, ...] = ()) -> Claim:
    return Claim(
        UUID(int=1), "hospitals", "C-1", version, State.APPROVED, county, DELIVERED, HER, (b"a",), NOON, NOON,
        employer=employer, providers=providers,
    )  # fmt: skip


def determined(*lines: Line) -> Determination:
    return Determination(State.APPROVED, (), Figures(), lines)


def line(
    kind: LineKind = LineKind.ALLOWANCE,
    payee: Payee | None = Payee.PERSON,
    *,
    amount_fen: int = 100,
    number: int = 1,
    outcome: State = State.APPROVED,
) -> Line:
    return Line(kind, outcome, amount_fen, payee, number=number)


def order(name: str = "STAY/1", owed_fen: int = 100, revision: int = 1, reference: str = "h-1") -> Order:
    fund = Fund.EMPLOYEE_INSURANCE
    return Order(name, revision, owed_fen, Payee.PROVIDER, reference, fund, "610304", TODAY)


def owed(name: str = "STAY/1", owed_fen: int = 100, reference: str = "h-1") -> Owed:
    return Owed(name, owed_fen, Payee.PROVIDER, reference, Fund.EMPLOYEE_INSURANCE)


def heard(version: int, progress: Progress, payment_id: str = "", amount_fen: int = 100, *reasons: str) -> Heard:
    return Heard(UUID(int=1), "STAY/1", version, progress, payment_id, amount_fen if payment_id else 0, reasons)


def after(known: Ordered, *events: Heard) -> Ordered:
    for event in events:
        known = paying.with_heard(known, event)
    return known


# --- what is owed, by whom, to whom ----------------------------------------------------------------------------------


@pytest.mark.parametrize("category", Category)
def test_residents_are_paid_by_their_fund_and_who_is_insured_by_work_by_the_employees(category: Category) -> None:
    lines, without = paying.owed_by(claim(), facts(category=category), determined(line()))

    if category is Category.UNINSURED_EMPLOYEE:
        assert (lines, without) == ([], ["ALLOWANCE/1"])
    else:
        fund = Fund.RESIDENT_INSURANCE if category is Category.RESIDENT else Fund.EMPLOYEE_INSURANCE
        assert (lines, without) == ([Owed("ALLOWANCE/1", 100, Payee.PERSON, str(HER), fund)], [])


def test_each_line_is_paid_to_whom_it_names_by_the_reference_of_the_registry() -> None:
    case = facts(
        category=Category.RESIDENT,
        kind=ClaimKind.PROVIDER_SETTLEMENT,
        benefits=MEDICAL,
        stays=(stay(), stay()),
        visits=(Visit(DELIVERED, 1),),
        items=(Item(Programme.ART, "A", DELIVERED, 1),),
    )
    provider = Payee.PROVIDER
    lines = [
        line(LineKind.ALLOWANCE, Payee.EMPLOYER),
        line(LineKind.STAY, provider),
        line(LineKind.STAY, provider, number=2),
        line(LineKind.VISIT, provider),
        line(LineKind.ITEM, provider),
        line(LineKind.CATASTROPHIC, provider),
    ]

    found, without = paying.owed_by(claim(providers=("h-1", "h-2", "h-3", "h-4")), case, determined(*lines))
    same, nobody = paying.owed_by(claim(providers=("h-1", "h-1", "h-3", "h-4")), case, determined(*lines))

    assert [(one.line, one.reference) for one in found] == [
        ("ALLOWANCE/1", "e-1"), ("STAY/1", "h-1"), ("STAY/2", "h-2"), ("VISIT/1", "h-3"), ("ITEM/1", "h-4")
    ]  # fmt: skip
    assert without == ["CATASTROPHIC/1"]  # stays in two institutions: whose it is, nobody knows
    assert (same[-1].line, same[-1].reference, nobody) == ("CATASTROPHIC/1", "h-1", [])


@pytest.mark.parametrize("providers", [(), ("h-1", "h-2"), ("",)])
def test_what_nobody_is_known_to_be_paid_is_told_and_not_owed(providers: tuple[str, ...]) -> None:
    case = facts(benefits=MEDICAL, stays=(stay(),))

    found = paying.owed_by(claim(providers=providers), case, determined(line(LineKind.STAY, Payee.PROVIDER)))

    assert found == ([], ["STAY/1"])
    assert paying.owed_by(claim(employer=""), case, determined(line(payee=Payee.EMPLOYER))) == ([], ["ALLOWANCE/1"])


def test_nothing_and_what_is_not_approved_are_owed_to_nobody() -> None:
    lines = [line(amount_fen=0), line(LineKind.STAY, number=1, outcome=State.DENIED)]

    assert paying.owed_by(claim(), facts(), determined(*lines)) == ([], [])


def test_two_lines_of_one_name_are_a_bug_and_not_one_order() -> None:
    with pytest.raises(ValueError, match="two lines"):
        paying.owed_by(claim(), facts(), determined(line(), line(amount_fen=3)))


# --- what is ordered -------------------------------------------------------------------------------------------------


def on_order(*made: Order) -> Orders:
    return {one.line: Ordered(one) for one in made}


@pytest.mark.parametrize(
    ("before", "now", "ordered"),
    [
        ([], [owed()], [("STAY/1", 2, 100)]),
        ([], [], []),
        ([order()], [owed()], []),
        ([order()], [owed(owed_fen=70)], [("STAY/1", 2, 70)]),
        ([order()], [owed(reference="h-2")], [("STAY/1", 2, 100)]),
        ([order()], [], [("STAY/1", 2, 0)]),
        ([order(owed_fen=0)], [], []),
        ([order(owed_fen=0)], [owed()], [("STAY/1", 2, 100)]),
        ([order()], [owed("VISIT/1")], [("STAY/1", 2, 0), ("VISIT/1", 2, 100)]),
    ],
    ids=["first", "none", "same", "less", "payee", "gone", "gone before", "again", "what is gone goes first"],
)  # fmt: skip
def test_the_whole_is_ordered_where_it_differs(
    before: list[Order], now: list[Owed], ordered: list[tuple[str, int, int]]
) -> None:
    made = paying.orders(on_order(*before), now, claim(version=2), TODAY)

    assert [(one.line, one.revision, one.owed_fen) for one in made] == ordered


def test_another_county_pays_by_another_order_and_another_day_of_decision_does_not() -> None:
    before = on_order(order())

    assert paying.orders(before, [owed()], claim(version=2), date(2027, 1, 4)) == ()
    (moved,) = paying.orders(before, [owed()], claim(version=2, county="610302"), date(2027, 1, 4))
    assert (moved.county, moved.owed_fen, moved.payable_on) == ("610302", 100, date(2027, 1, 4))


# --- what became of it -----------------------------------------------------------------------------------------------

SENT, SETTLED = heard(2, Progress.SENT, "p1"), heard(3, Progress.SETTLED, "p1")
RETURNED = heard(4, Progress.RETURNED, "p1", 100, "AC04")


@pytest.mark.parametrize(
    ("events", "payment", "reasons"),
    [
        ([], Payment.PAYABLE, ()),
        ([heard(1, Progress.HELD, "", 0, "BUDGET_HELD")], Payment.PAYABLE, ("BUDGET_HELD",)),
        ([heard(1, Progress.HELD, "", 0, "BUDGET_HELD"), heard(2, Progress.RESERVED)], Payment.PAYABLE, ()),
        ([heard(1, Progress.REFUSED, "", 0, "CONFLICT")], Payment.PAYABLE, ("CONFLICT",)),
        ([SENT], Payment.IN_PAYMENT, ()),
        ([SENT, SETTLED], Payment.PAID, ()),
        ([SENT, heard(3, Progress.FAILED, "p1", 100, "AC01")], Payment.PAYABLE, ("AC01",)),
        ([SENT, SETTLED, RETURNED], Payment.PAYABLE, ("AC04",)),
        ([SENT, SETTLED, RETURNED, heard(5, Progress.SENT, "p2")], Payment.IN_PAYMENT, ()),
        ([SENT, SETTLED, RETURNED, heard(6, Progress.SETTLED, "p2")], Payment.PAID, ()),
        ([heard(2, Progress.SETTLED, "p1", 40)], Payment.IN_PAYMENT, ()),
        ([heard(2, Progress.SETTLED, "p1", 101)], Payment.OVERPAID, ()),
        ([SETTLED, heard(5, Progress.SENT, "p2", 1), heard(6, Progress.RECOVERY)], Payment.OVERPAID, ()),
    ],
)
def test_an_order_is_as_far_as_its_events_say(events: list[Heard], payment: Payment, reasons: tuple[str, ...]) -> None:
    known = after(Ordered(order()), *events)

    assert (paying.payment_of_line(known), paying.reasons_of(known)) == (payment, reasons)


def test_in_any_order_and_twice_events_come_to_the_same() -> None:
    events = [
        heard(1, Progress.HELD, "", 0, "BUDGET_HELD"), heard(2, Progress.RESERVED), heard(3, Progress.SENT, "p1"),
        heard(4, Progress.RETURNED, "p1", 100, "AC04"), heard(5, Progress.SETTLED, "p2", 60),
    ]  # fmt: skip
    wanted = after(Ordered(order()), *events)

    assert {paying.sums(after(Ordered(order()), *drawn)) for drawn in permutations(events)} == {paying.sums(wanted)}
    assert all(after(Ordered(order()), *drawn, *drawn) == wanted for drawn in permutations(events))


def asked_back(version: int, outstanding: int, recovered: int = 0, written_off: int = 0) -> Heard:
    told = Recovery(version, outstanding, recovered, written_off)
    return heard(version, Progress.RECOVERY)._replace(recovery_id="r1", recovery=told)


@pytest.mark.parametrize(
    ("owed", "events", "payment"),
    [
        (40, [asked_back(3, 60)], Payment.OVERPAID),
        (40, [asked_back(3, 60), asked_back(4, 1, 59)], Payment.OVERPAID),
        (40, [asked_back(3, 60), asked_back(4, 0, 60)], Payment.PAID),
        (40, [asked_back(4, 0, 60), asked_back(3, 60)], Payment.PAID),
        (40, [asked_back(3, 0, 20, 40)], Payment.PAID),
        (40, [asked_back(3, 1, 20, 39)], Payment.OVERPAID),
        (0, [asked_back(3, 0, 100)], None),
        (100, [asked_back(3, 0, 100)], Payment.PAYABLE),
    ],
)
def test_what_came_back_is_not_paid_and_what_was_given_up_is_not_too_much(
    owed: int, events: list[Heard], payment: Payment | None
) -> None:
    known = after(Ordered(order(owed_fen=owed)), SETTLED, *events)

    assert paying.payment_of_line(known) is payment
    last = max(one.recovery for one in events if one.recovery)
    assert paying.asked_back(known) == last[1:]


def test_a_new_order_forgets_a_refusal_and_keeps_a_hold_and_what_was_paid() -> None:
    held = after(Ordered(order()), heard(1, Progress.HELD, "", 0, "LIMIT"), SETTLED)
    refused = after(Ordered(order()), heard(1, Progress.REFUSED, "", 0, "CONFLICT"))
    more = order(owed_fen=150, revision=2)

    assert paying.with_orders({"STAY/1": held}, [more])["STAY/1"] == held._replace(order=more)
    assert paying.with_orders({"STAY/1": refused}, [more])["STAY/1"].reasons == ()


@pytest.mark.parametrize(
    ("lines", "payment"),
    [
        ([], None),
        ([None, None], None),
        ([Payment.PAYABLE, None], Payment.PAYABLE),
        ([Payment.PAYABLE, Payment.PAID], Payment.IN_PAYMENT),
        ([Payment.PAID, Payment.PAID, None], Payment.PAID),
        ([Payment.PAID, Payment.OVERPAID], Payment.OVERPAID),
    ],
)
def test_a_claim_is_paid_when_all_its_lines_are(lines: list[Payment | None], payment: Payment | None) -> None:
    of_line = {
        None: Ordered(order(owed_fen=0)),
        Payment.PAYABLE: Ordered(order()),
        Payment.PAID: after(Ordered(order()), SETTLED),
        Payment.OVERPAID: after(Ordered(order(owed_fen=99)), SETTLED),
    }

    assert paying.payment_of({str(n): of_line[one] for n, one in enumerate(lines)}) is payment


amounts = st.dictionaries(st.sampled_from(["STAY/1", "STAY/2", "ALLOWANCE/1"]), st.integers(1, 1000))


@given(st.lists(st.tuples(amounts, st.sampled_from(["h-1", "h-2"])), max_size=8))
def test_whatever_is_decided_what_stands_ordered_is_what_is_owed(life: list[tuple[dict[str, int], str]]) -> None:
    """As the treasury reads it: by line, the highest revision."""
    on_file: Orders = {}
    treasury: dict[str, Order] = {}
    for version, (decided, reference) in enumerate(life, 1):
        due = [owed(name, fen, reference) for name, fen in decided.items()]
        made = paying.orders(on_file, due, claim(version=version), TODAY)
        on_file = paying.with_orders(on_file, made)
        for one in made:
            assert one.line not in treasury or treasury[one.line].revision < one.revision
            assert one.owed_fen or one.line in treasury
            treasury[one.line] = one
        standing = {name: (one.owed_fen, one.reference) for name, one in treasury.items() if one.owed_fen}
        assert standing == {name: (fen, reference) for name, fen in decided.items()}
        assert paying.orders(on_file, due, claim(version=version + 1), TODAY) == ()
