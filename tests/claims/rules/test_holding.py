"""What a decided claim holds against others and takes from caps and counts, and what the next one is told of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.claims.model import (
    Account,
    Benefit,
    Category,
    ClaimKind,
    Determination,
    Event,
    EventType,
    Facts,
    Hold,
    Item,
    Paid,
    Prior,
    PriorKind,
    Programme,
    State,
    Surgery,
    Taken,
    Visit,
)
from services.claims.rules import History, decide, has_room, held_by, history_of, taken_by, with_history
from services.kit.law import Law
from tests.builders import (
    ALLOWANCE,
    DELIVERED,
    HOSPITAL,
    MEDICAL,
    OTHER_HOSPITAL,
    delivery,
    facts,
    law_with,
    miscarriage,
    stay,
    surgery,
)

CAPPED = law_with(
    {
        "medical.antenatal.cap_per_pregnancy": 200_000,
        "medical.delivery.mode": "ORDINARY",
        "art.items": ("ART-01", "ART-02"),
        "art.times_per_item": 3,
        "labour_analgesia.item": True,
        "labour_analgesia.pct": "0.8",
    }
)
ART = Item(Programme.ART, "ART-01", date(2026, 1, 15), 100_000)


def after(given: Facts, law: Law = CAPPED, others: tuple[Hold, ...] = ()) -> tuple[tuple[Hold, ...], tuple[Taken, ...]]:
    determination = decide(given, law)
    return held_by(given, determination, others), taken_by(given, determination, law)


def not_costs(taken: tuple[Taken, ...]) -> tuple[Taken, ...]:
    return tuple(one for one in taken if one.account is not Account.COST)


# --- holds ----------------------------------------------------------------------------------------------------------


def test_an_approved_allowance_holds_its_event() -> None:
    held, taken = after(facts(benefits=ALLOWANCE))

    assert held == (Hold(Benefit.ALLOWANCE, EventType.DELIVERY, DELIVERED, PriorKind.ALLOWANCE_APPROVED),)
    assert taken == ()


def test_a_denied_allowance_holds_nothing() -> None:
    assert after(facts(benefits=ALLOWANCE, paid_months=())) == ((), ())


@pytest.mark.parametrize(
    ("category", "kind"),
    [(Category.EMPLOYEE, PriorKind.DELIVERY_SETTLED), (Category.RESIDENT, PriorKind.RESIDENT_SETTLED)],
)
def test_a_settled_stay_holds_its_event_with_where_and_how_much(category: Category, kind: PriorKind) -> None:
    given = facts(benefits=MEDICAL, category=category, stays=[stay(500_000)])

    ((hold,), _) = after(given)

    paid_fen = decide(given, CAPPED).figures.medical_fen
    assert hold == Hold(Benefit.MEDICAL, EventType.DELIVERY, DELIVERED, kind, HOSPITAL, paid_fen)


def test_visits_alone_hold_nothing() -> None:
    held, _ = after(facts(benefits=MEDICAL, visits=[Visit(date(2026, 1, 15), 30_000)]))

    assert held == ()


def test_a_stay_after_a_filed_transfer_holds_nothing_beside_the_first() -> None:
    first = Hold(Benefit.MEDICAL, EventType.DELIVERY, DELIVERED, PriorKind.DELIVERY_SETTLED, HOSPITAL, 450_000)
    given = with_history(facts(benefits=MEDICAL, stays=[stay(480_000, transfer_filed=True)]), [first], [], CAPPED)

    determination = decide(given, CAPPED)

    assert determination.outcome is State.APPROVED
    assert held_by(given, determination, [first]) == ()


@pytest.mark.parametrize("event", [miscarriage(120), surgery(Surgery.LIGATION)])
def test_every_type_of_event_is_held_by_itself(event: object) -> None:
    given = facts(event, benefits=ALLOWANCE)  # type: ignore[arg-type]  # events both

    ((hold,), _) = after(given)

    assert hold.event_type is given.event.type


ABORTION = {code: surgery(code, gestation_days=70) for code in (Surgery.ABORTION, Surgery.INDUCTION)}


@pytest.mark.parametrize("benefits", [ALLOWANCE, MEDICAL])
@pytest.mark.parametrize("code", ABORTION)
@pytest.mark.parametrize("surgery_first", [True, False])
def test_an_abortion_is_the_miscarriage_that_it_is_claimed_as_elsewhere(
    benefits: tuple[Benefit, ...], code: Surgery, surgery_first: bool
) -> None:
    events = [ABORTION[code], miscarriage(70)]
    first, second = events if surgery_first else reversed(events)
    law = law_with({"medical.delivery.mode": "POLICY_FULL", "medical.fp.ABORT": 1_000, "medical.fp.INDUCE": 1_000})
    stays = [stay()] if benefits is MEDICAL else []
    held, _ = after(facts(first, benefits=benefits, stays=stays), law)

    given = with_history(facts(second, benefits=benefits, stays=stays), held, (), law)
    determination = decide(given, law)

    assert (determination.outcome, determination.reasons) == (State.DUPLICATE, ("DUPLICATE_EVENT",))
    assert has_room(given, History())


@pytest.mark.parametrize("code", ABORTION)
def test_an_abortion_and_an_induction_hold_the_same(code: Surgery) -> None:
    held, _ = after(facts(ABORTION[code], benefits=ALLOWANCE))

    assert [(hold.event_type, hold.surgery) for hold in held] == [
        (EventType.FAMILY_PLANNING_SURGERY, Surgery.ABORTION),
        (EventType.MISCARRIAGE, ""),
    ]


@pytest.mark.parametrize("other", [surgery(Surgery.IUD_INSERTION), delivery()])
def test_nothing_else_of_that_day_is_a_miscarriage(other: Event) -> None:
    held, _ = after(facts(other, benefits=ALLOWANCE))

    given = with_history(facts(miscarriage(70), benefits=ALLOWANCE), held, (), CAPPED)

    assert decide(given, CAPPED).outcome is State.APPROVED


BY_RATE = law_with(
    {
        "medical.delivery.mode": "POLICY_FULL",
        "medical.spouse.pct": "0.5",
        "medical.fp.IUD_IN": 40_000,
        "medical.fp.IUD_OUT": 30_000,
        "medical.fp.ABORT": 80_000,
        "medical.fp.INDUCE": 150_000,
        "medical.fp.LIGATION": 300_000,
    }
)


def operated(code: str, benefits: tuple[Benefit, ...] = MEDICAL, **changes: Any) -> Facts:
    """A surgery of the same stay for all, at the same sum."""
    event = surgery(Surgery(code), gestation_days=70)
    return facts(event, **{"benefits": benefits, "stays": [stay()] if benefits is MEDICAL else [], **changes})


def decided_after(first: Facts, second: Facts, law: Law = BY_RATE) -> tuple[Facts, Determination]:
    """The second by what the first one leaves on file."""
    given = with_history(second, *after(first, law), law)
    return given, decide(given, law)


@pytest.mark.parametrize("benefits", [ALLOWANCE, MEDICAL])
@pytest.mark.parametrize("codes", [("1", "5"), ("3", "1"), ("3", "5"), ("4", "2")])
@pytest.mark.parametrize("turned", [False, True])
def test_another_surgery_of_the_day_is_another_event(
    benefits: tuple[Benefit, ...], codes: tuple[str, str], turned: bool
) -> None:
    first, second = [operated(code, benefits) for code in (reversed(codes) if turned else codes)]

    given, determination = decided_after(first, second)

    assert determination == decide(second, BY_RATE)
    assert determination.outcome is State.APPROVED
    assert second.event.type not in {prior.event_type for prior in given.prior}
    assert held_by(given, determination, after(first, BY_RATE)[0]) == after(second, BY_RATE)[0]


@pytest.mark.parametrize("benefits", [ALLOWANCE, MEDICAL])
@pytest.mark.parametrize("codes", [("1", "1"), ("5", "5"), ("3", "3"), ("3", "4"), ("4", "3"), ("4", "4")])
def test_the_same_surgery_of_the_day_is_the_same_event_and_an_induction_is_the_abortion(
    benefits: tuple[Benefit, ...], codes: tuple[str, str]
) -> None:
    first, second = [operated(code, benefits) for code in codes]

    given, determination = decided_after(first, second)

    assert (determination.outcome, determination.reasons) == (State.DUPLICATE, ("DUPLICATE_EVENT",))
    assert has_room(given, History())


def test_the_same_surgery_is_found_among_others_of_the_day() -> None:
    held = [hold for code in ("3", "1", "5") for hold in after(operated(code), BY_RATE)[0]]

    for code in ("1", "3", "5"):
        assert decide(with_history(operated(code), held, (), BY_RATE), BY_RATE).outcome is State.DUPLICATE
    assert decide(with_history(operated("2"), held, (), BY_RATE), BY_RATE).outcome is State.APPROVED


@pytest.mark.parametrize("benefits", [ALLOWANCE, MEDICAL])
@pytest.mark.parametrize("code", ["1", "3"])
def test_a_surgery_held_before_its_code_was_kept_stands_for_every_one_of_its_day(
    benefits: tuple[Benefit, ...], code: str
) -> None:
    held = [hold._replace(surgery="") for hold in after(operated("5", benefits), BY_RATE)[0]]

    determination = decide(with_history(operated(code, benefits), held, (), BY_RATE), BY_RATE)

    assert (determination.outcome, determination.reasons) == (State.DUPLICATE, ("DUPLICATE_EVENT",))


def test_what_was_refused_for_another_surgery_of_the_day_has_room() -> None:
    """As it is on file: its facts name what was held without its code."""
    held, _ = after(operated("1", ALLOWANCE))
    refused = with_history(operated("5", ALLOWANCE), [hold._replace(surgery="") for hold in held], (), CAPPED)

    assert decide(refused, CAPPED).outcome is State.DUPLICATE
    assert has_room(refused, history_of(refused, held, (), CAPPED))


def test_what_is_no_surgery_is_told_of_all_of_them_in_one_order() -> None:
    holds = [hold for code in ("5", "1") for hold in after(operated(code), BY_RATE)[0]]

    for held in (holds, holds[::-1]):
        told = with_history(facts(benefits=MEDICAL, stays=[stay()]), held, (), BY_RATE).prior
        assert [prior.paid_fen for prior in told] == [40_000, 300_000]


def test_a_filed_transfer_is_one_from_the_same_surgery_only() -> None:
    transferred = operated("5", stays=[stay(hospital=OTHER_HOSPITAL, transfer_filed=True)])

    for code, paid_fen in (("1", 300_000), ("5", 297_500)):  # the rate; (5,000 - 1,500) x 85 %
        assert decided_after(operated(code), transferred)[1].figures.medical_fen == paid_fen


@pytest.mark.parametrize("known", [True, False])
def test_a_surgery_after_a_filed_transfer_holds_nothing_beside_the_first(known: bool) -> None:
    held, _ = after(operated("5"), BY_RATE)
    held = held if known else tuple(hold._replace(surgery="") for hold in held)
    given = with_history(operated("5", stays=[stay(transfer_filed=True)]), held, (), BY_RATE)

    assert decide(given, BY_RATE).outcome is State.APPROVED
    assert held_by(given, decide(given, BY_RATE), held) == ()


# --- what is taken --------------------------------------------------------------------------------------------------


def test_a_stay_by_the_ordinary_rules_takes_from_the_year_of_its_discharge() -> None:
    given = facts(benefits=MEDICAL, stays=[stay(1_000_000, discharged=date(2026, 1, 2))])

    _, taken = after(given)

    assert not_costs(taken) == (
        Taken(Account.FUND, "2026", 722_500, 35_000_000),  # (10,000 - 1,500) x 85 %
        Taken(Account.OWN, "2026", 277_500),
    )


def test_a_stay_paid_in_full_takes_nothing() -> None:
    full = law_with({"medical.delivery.mode": "POLICY_FULL"})

    assert not_costs(after(facts(benefits=MEDICAL, stays=[stay()]), full)[1]) == ()


COSTS = {
    "STAY/1": facts(benefits=MEDICAL, stays=[stay()]),
    "STAY/1 after a transfer": facts(benefits=MEDICAL, stays=[stay(transfer_filed=True)]),
    "SURGERY/1": facts(surgery(Surgery.LIGATION), benefits=MEDICAL, stays=[stay()]),
    "VISIT/1": facts(benefits=MEDICAL, visits=[Visit(date(2026, 1, 15), 30_000, HOSPITAL)]),
    "ITEM/1": facts(benefits=MEDICAL, items=[ART._replace(provider=HOSPITAL)]),
}
SET = law_with({"medical.fp.LIGATION": 100_000}, CAPPED)


@pytest.mark.parametrize("name", COSTS)
def test_a_cost_that_was_paid_is_not_paid_under_another_claim(name: str) -> None:
    given = COSTS[name]
    taken = taken_by(given, decide(given, SET), SET)

    again = with_history(given, (), taken, SET)
    determination = decide(again, SET)

    assert again.settled == (name.partition(" ")[0],)
    assert (determination.outcome, determination.reasons) == (State.DUPLICATE, ("DUPLICATE_COST",))
    assert taken_by(again, determination, SET) == ()
    assert has_room(again, History())


REIMBURSED: dict[str, Any] = {"kind": ClaimKind.REIMBURSEMENT}
BY_BILL: dict[str, dict[str, Any]] = {
    "paid back": REIMBURSED,
    "the share of a spouse": {"category": Category.SPOUSE_OF_EMPLOYEE},
    "after a transfer": {"stays": [stay(transfer_filed=True)]},
}


@pytest.mark.parametrize("how", BY_BILL)
def test_a_bill_is_paid_once_though_it_is_for_two_surgeries(how: str) -> None:
    first, second = [operated(code, **BY_BILL[how]) for code in ("1", "5")]

    _, determination = decided_after(first, second)

    assert decide(first, BY_RATE).outcome is State.APPROVED
    assert (determination.outcome, determination.reasons) == (State.DUPLICATE, ("DUPLICATE_COST",))


WHOLE = {
    "a delivery": facts(benefits=MEDICAL, stays=[stay()]),
    "a miscarriage": facts(miscarriage(70), benefits=MEDICAL, stays=[stay()]),
    "a surgery that is paid back": operated("1", **REIMBURSED),
}


@pytest.mark.parametrize("what", WHOLE)
@pytest.mark.parametrize("turned", [False, True])
def test_a_surgery_is_part_of_the_stay_that_is_paid_as_a_whole(what: str, turned: bool) -> None:
    first, second = (operated("5"), WHOLE[what]) if turned else (WHOLE[what], operated("5"))

    _, determination = decided_after(first, second)

    assert (determination.outcome, determination.reasons) == (State.DUPLICATE, ("DUPLICATE_COST",))


@pytest.mark.parametrize("codes", [("5", "5"), ("3", "4")])
def test_one_surgery_of_one_stay_is_paid_once_whatever_day_it_is_claimed_for(codes: tuple[str, str]) -> None:
    first, second = [operated(code) for code in codes]
    other = second._replace(event=second.event._replace(date=DELIVERED + timedelta(days=1)))

    assert decided_after(first, other)[1].reasons == ("DUPLICATE_COST",)


def test_what_is_done_elsewhere_or_on_another_day_is_another_cost() -> None:
    given = facts(
        benefits=MEDICAL,
        stays=[stay(transfer_filed=True)],
        visits=[Visit(date(2026, 1, 15), 30_000, HOSPITAL)],
        items=[ART._replace(provider=HOSPITAL)],
    )
    taken = taken_by(given, decide(given, CAPPED), CAPPED)
    (stayed,), (visited,), (item,) = given.stays, given.visits, given.items
    later = date(2026, 1, 16)

    for other in (
        given._replace(stays=(stayed._replace(hospital="H61030200124"),), visits=(), items=()),
        given._replace(stays=(stayed._replace(admission=stayed.discharge),), visits=(), items=()),
        given._replace(stays=(), visits=(visited._replace(date=later),), items=()),
        given._replace(stays=(), visits=(visited._replace(policy_range_fen=30_001),), items=()),
        given._replace(stays=(), visits=(), items=(item._replace(date=later, code="ART-02"),)),
    ):
        assert with_history(other, (), taken, CAPPED).settled == ()


def test_two_visits_of_one_sum_in_one_claim_are_both_paid() -> None:
    visit = Visit(date(2026, 1, 15), 30_000, HOSPITAL)

    given = facts(benefits=MEDICAL, visits=[visit, visit])

    assert decide(given, CAPPED).figures.medical_fen == 60_000
    assert [one.amount for one in after(given)[1] if one.account is Account.COST] == [1]


def test_two_stays_across_new_year_count_in_the_year_of_the_last() -> None:
    stays = [stay(1_000_000, discharged=date(2025, 12, 30)), stay(1_000_000, discharged=date(2026, 1, 9))]

    _, taken = after(facts(benefits=MEDICAL, stays=stays))

    assert {one.key for one in not_costs(taken)} == {"2026"}
    assert not_costs(taken)[0].amount == 2 * 722_500


def test_visits_take_from_the_cap_of_the_pregnancy() -> None:
    visits = [Visit(date(2026, 1, 15), 150_000), Visit(date(2026, 2, 15), 150_000)]

    _, taken = after(facts(benefits=MEDICAL, visits=visits))

    assert taken == (Taken(Account.ANTENATAL, "2026-03-10", 200_000, 200_000),)


def test_each_approved_item_is_counted_by_programme_and_code() -> None:
    items = [ART, ART, ART._replace(code="ART-02"), Item(Programme.ANALGESIA, "ART-01", date(2026, 3, 10), 88_000)]

    _, taken = after(facts(benefits=MEDICAL, items=items))

    assert taken == (
        Taken(Account.ITEM, "ANALGESIA/ART-01", 1),
        Taken(Account.ITEM, "ART/ART-01", 2, 3),
        Taken(Account.ITEM, "ART/ART-02", 1, 3),
    )


# --- what the next claim is told ------------------------------------------------------------------------------------


def told(given: Facts, *taken: Taken) -> Facts:
    return with_history(given, [], taken, CAPPED)


@pytest.mark.parametrize(
    ("other", "counted"),
    [("2026-03-10", 70_000), ("2026-08-07", 70_000), ("2026-08-08", 0), ("2025-10-11", 70_000), ("2025-10-10", 0)],
)
def test_events_within_the_window_are_one_pregnancy(other: str, counted: int) -> None:
    given = facts(benefits=MEDICAL, visits=[Visit(date(2026, 1, 15), 150_000)])

    assert told(given, Taken(Account.ANTENATAL, other, 70_000)).paid.antenatal_fen == counted


def test_only_the_year_of_the_discharge_counts() -> None:
    given = facts(benefits=MEDICAL, stays=[stay(discharged=date(2026, 1, 2))])
    sums = [
        Taken(Account.FUND, "2026", 1),
        Taken(Account.OWN, "2026", 2),
        Taken(Account.CATASTROPHIC, "2026", 3),
        Taken(Account.FUND, "2025", 100),
        Taken(Account.FUND, "2026", 10),
    ]

    assert told(given, *sums).paid == Paid(fund_fen=11, own_fen=2, catastrophic_fen=3)


@pytest.mark.parametrize(("times", "outcome"), [(2, State.APPROVED), (3, State.DENIED), (4, State.DENIED)])
def test_an_item_is_paid_as_often_as_the_law_allows(times: int, outcome: State) -> None:
    given = told(facts(benefits=MEDICAL, items=[ART]), Taken(Account.ITEM, "ART/ART-01", times))

    assert given.items[0].times_before == times
    assert decide(given, CAPPED).outcome is outcome


# --- room -----------------------------------------------------------------------------------------------------------

FIRST = Prior(PriorKind.DELIVERY_SETTLED, DELIVERED, hospital=HOSPITAL, paid_fen=5)
OTHER = Prior(PriorKind.DELIVERY_SETTLED, date(2024, 1, 5))


@pytest.mark.parametrize(
    ("now", "room"),
    [
        (History((FIRST,), Paid(10, 10, 10, 10), (ART._replace(times_before=2),)), False),
        (History((FIRST, OTHER), Paid(11, 11, 11, 11), (ART._replace(times_before=3),)), False),
        (History((), Paid(10, 10, 10, 10), (ART._replace(times_before=2),)), True),
        (History((OTHER,), Paid(10, 10, 10, 10), (ART._replace(times_before=2),)), True),
        (History((FIRST,), Paid(9, 99, 99, 99), (ART._replace(times_before=2),)), True),
        (History((FIRST,), Paid(99, 9, 99, 99), (ART._replace(times_before=2),)), True),
        (History((FIRST,), Paid(99, 99, 9, 99), (ART._replace(times_before=2),)), True),
        (History((FIRST,), Paid(99, 99, 99, 9), (ART._replace(times_before=2),)), True),
        (History((FIRST,), Paid(10, 10, 10, 10), (ART._replace(times_before=1),)), True),
    ],
)
def test_there_is_room_where_something_that_stood_against_a_claim_is_no_more(now: History, room: bool) -> None:
    before = facts(benefits=MEDICAL, items=[ART._replace(times_before=2)], prior=[FIRST], paid=Paid(10, 10, 10, 10))

    assert has_room(before, now) is room


def test_a_claim_with_nothing_against_it_has_no_more_room_than_before() -> None:
    assert not has_room(facts(benefits=ALLOWANCE), History())


def test_an_allowance_is_told_of_allowances_and_medical_cost_of_settlements() -> None:
    holds = [
        Hold(Benefit.MEDICAL, EventType.DELIVERY, DELIVERED, PriorKind.DELIVERY_SETTLED, HOSPITAL, 5),
        Hold(Benefit.ALLOWANCE, EventType.DELIVERY, DELIVERED, PriorKind.ALLOWANCE_APPROVED),
    ]

    cash = with_history(facts(benefits=ALLOWANCE, kind=ClaimKind.ALLOWANCE), holds, [], CAPPED)
    cost = with_history(facts(benefits=MEDICAL, stays=[stay()]), holds, [], CAPPED)

    assert cash.prior == (Prior(PriorKind.ALLOWANCE_APPROVED, DELIVERED),)
    assert cost.prior == (Prior(PriorKind.DELIVERY_SETTLED, DELIVERED, hospital=HOSPITAL, paid_fen=5),)


def test_what_is_taken_never_passes_its_cap_however_claims_follow() -> None:
    """As the table of sums demands it: `amount <= cap`."""
    before: list[Taken] = []
    for _ in range(4):
        given = told(facts(benefits=MEDICAL, visits=[Visit(date(2026, 1, 15), 70_000)], items=[ART]), *before)
        before += taken_by(given, decide(given, CAPPED), CAPPED)

    sums = {account: sum(one.amount for one in before if one.account is account) for account in Account}
    assert sums[Account.ANTENATAL] == 200_000
    assert sums[Account.ITEM] == 3


def test_a_determination_that_waits_takes_nothing_of_the_lines_that_are_approved() -> None:
    determination = decide(facts(benefits=MEDICAL, stays=[stay()]), law_with({"medical.delivery.mode": "FLAT"}))

    assert isinstance(determination, Determination)
    assert determination.outcome is State.PENDED
    assert taken_by(facts(benefits=MEDICAL, stays=[stay()]), determination, CAPPED) == ()
