"""Antenatal visits within their cap, and items of labour analgesia and assisted reproduction by list and count."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from services.claims.model import Category, Facts, Item, Line, LineKind, Programme, State
from services.claims.rules import duplicates
from services.claims.rules.medical import medical_payee, percent, spouse_share
from services.claims.rules.working import Working, unset
from services.kit.law import Law, NotInForce, Unset
from services.kit.money import half_up


def visits(facts: Facts, law: Law) -> list[Line]:
    """Antenatal visits (产前检查): within policy, up to the cap of the pregnancy."""
    lines: list[Line] = []
    used_fen = facts.paid.antenatal_fen
    for number, visit in enumerate(facts.visits, 1):
        working = Working(law.on(event=facts.event.date, visit=visit.date, discharge=visit.date))
        try:
            line = _visit(facts, visit.policy_range_fen, used_fen, number, working)
        except (Unset, NotInForce) as error:
            line = unset(error, working, LineKind.VISIT, number)
        used_fen += line.amount_fen
        lines.append(line)
    return lines


def _visit(facts: Facts, policy_fen: int, used_fen: int, number: int, working: Working) -> Line:
    if facts.insured.category is Category.UNINSURED_EMPLOYEE:
        working.cite("NOT_INSURED_MEDICAL", "LABOUR_8_2")
        return working.refused(LineKind.VISIT, State.DENIED, "NOT_INSURED", number=number)
    if second := duplicates.of_cost(facts, working, LineKind.VISIT, number):
        return second
    spouse = facts.insured.category is Category.SPOUSE_OF_EMPLOYEE
    amount_fen = spouse_share(policy_fen, working) if spouse else policy_fen
    cap_fen = working.rates["medical.antenatal.cap_per_pregnancy"].count
    left_fen = max(0, cap_fen - used_fen)
    paid_fen = min(amount_fen, left_fen)
    working.by("VISIT", "medical.antenatal.cap_per_pregnancy", cap_fen=cap_fen, left_fen=left_fen, amount_fen=paid_fen)
    if amount_fen and not paid_fen:
        return working.refused(LineKind.VISIT, State.DENIED, "CAP_REACHED", number=number)
    return _paid(LineKind.VISIT, facts, paid_fen, number, working)


def items(facts: Facts, law: Law) -> list[Line]:
    """Items of labour analgesia (分娩镇痛) and assisted reproduction (辅助生殖)."""
    lines: list[Line] = []
    times: Counter[str] = Counter()
    for number, item in enumerate(facts.items, 1):
        working = Working(law.on(event=facts.event.date, item=item.date))
        try:
            line = _item(facts, item, item.times_before + times[item.code], number, working)
        except (Unset, NotInForce) as error:
            line = unset(error, working, LineKind.ITEM, number)
        times[item.code] += line.outcome is State.APPROVED
        lines.append(line)
    return lines


def _item(facts: Facts, item: Item, times: int, number: int, working: Working) -> Line:
    if facts.insured.category is Category.UNINSURED_EMPLOYEE:
        working.cite("NOT_INSURED_MEDICAL", "LABOUR_8_2")
        return working.refused(LineKind.ITEM, State.DENIED, "NOT_INSURED", number=number)
    if second := duplicates.of_cost(facts, working, LineKind.ITEM, number):
        return second
    by_programme = _analgesia if item.programme is Programme.ANALGESIA else _art
    return by_programme(facts, item, times, number, working)


def _analgesia(facts: Facts, item: Item, _: int, number: int, working: Working) -> Line:
    switch = working.rates["labour_analgesia.item"]
    listed = working.rates["labour_analgesia.items"]
    if not switch.flag or (listed.is_set and item.code not in listed.codes):
        working.by("ITEM_OFF_LIST", switch.name, code=item.code)
        return working.refused(LineKind.ITEM, State.DENIED, "ITEM_NOT_LISTED", number=number)
    return _share(facts, item, working.rates["labour_analgesia.pct"].number, "labour_analgesia.pct", number, working)


def _art(facts: Facts, item: Item, times: int, number: int, working: Working) -> Line:
    """By a list, at most so many times an item and person, at the share of her scheme, less outside the city."""
    rates = working.rates
    if item.code not in rates["art.items"].codes:
        working.by("ITEM_OFF_LIST", "art.items", code=item.code)
        return working.refused(LineKind.ITEM, State.DENIED, "ITEM_NOT_LISTED", number=number)
    most = rates["art.times_per_item"].count
    working.by("ITEM_COUNT", "art.times_per_item", code=item.code, times=times, most=most)
    if times >= most:
        return working.refused(LineKind.ITEM, State.DENIED, "ITEM_COUNT_REACHED", number=number)
    residents = {Category.RESIDENT, Category.SPOUSE_OF_EMPLOYEE}  # neither is insured as an employee herself
    name = "art.resident_pct" if facts.insured.category in residents else "art.employee_pct"
    share = rates[name].number
    if item.out_of_city:
        points = rates["art.out_of_city_points"].number
        working.by("ITEM_OUT_OF_CITY", "art.out_of_city_points", points=percent(points))
        share = max(Decimal(0), share - points)
    return _share(facts, item, share, name, number, working)


def _share(facts: Facts, item: Item, share: Decimal, name: str, number: int, working: Working) -> Line:  # noqa: PLR0917
    amount_fen = half_up(item.policy_range_fen * share)
    working.by(
        "ITEM", name, code=item.code, policy_fen=item.policy_range_fen, percent=percent(share), amount_fen=amount_fen
    )
    return _paid(LineKind.ITEM, facts, amount_fen, number, working)


def _paid(kind: LineKind, facts: Facts, amount_fen: int, number: int, working: Working) -> Line:
    return Line(kind, State.APPROVED, amount_fen, medical_payee(facts), trace=tuple(working.steps), number=number)
