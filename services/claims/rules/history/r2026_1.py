"""The rules of revision 2026.1, frozen: the allowance of an insured employee for a delivery, and nothing else.

Never changed again. It has its own facts, trace and figures, so that today's may change; only the kit's law, money and
dates lie below it. What `again` answers is compared byte for byte with what was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from services.claims import model
from services.claims.model import Benefit, Category, ClaimKind, EventType, LineKind, Payee, PriorKind, State
from services.kit.dates import last_day, month_end, month_of
from services.kit.law import Dated, Law, canonical
from services.kit.money import half_up


class Delivery(NamedTuple):
    date: date
    mode: str
    dystocia: bool
    infants: int
    birth_order: int
    prepregnancy_check: bool


class Facts(NamedTuple):
    decision_date: date
    delivery: Delivery
    category: str
    paid_months: Sequence[Sequence[int]]
    back_paid: Sequence[tuple[int, date]]
    own_monthly_wage_fen: int | None
    employer_wages: Sequence[Sequence[int]]
    other_deliveries: Sequence[date]


class Trace(list[list[Any]]):
    """Steps as they were stored: rule, values, then parameter, value, date and status, or the article."""

    def by_parameter(self, rule: str, dated: Dated, /, **values: object) -> None:
        self.append([rule, [(name, str(given)) for name, given in values.items()], *dated.stamp])

    def by_article(self, rule: str, article: str, /, **values: object) -> None:
        self.append([rule, [(name, str(given)) for name, given in values.items()], article])


_NOTHING: Final[Mapping[str, Any]] = {
    "leave_days": 0,
    "fund_days": 0,
    "allowance_fen": 0,
    "employer_topup_fen": 0,
    "employer_leave_fen": 0,
    "employer_liability_fen": 0,
    "continuous_months": 0,
}


def again(facts: str, law: Law) -> str:
    """Decide from facts as they were stored; the result as it was stored."""
    return canonical(decide(read(orjson.loads(facts)), law))


def read(data: Mapping[str, Any]) -> Facts:
    delivery, insured = data["delivery"], data["insured"]
    return Facts(
        _day(data["decision_date"]),
        Delivery(**{**delivery, "date": _day(delivery["date"])}),
        insured["category"],
        insured["paid_months"],
        [(month, _day(paid_on)) for month, paid_on in insured["back_paid"]],
        insured["own_monthly_wage_fen"],
        data["employer_wages"],
        [_day(day) for day in data["other_deliveries"]],
    )


def decide(facts: Facts, law: Law) -> dict[str, Any]:
    trace, day = Trace(), facts.delivery.date
    if facts.category != "EMPLOYEE":
        trace.by_article("CATEGORY", "SOCIAL_INSURANCE_54", category=facts.category)
        return _result("PENDED", ["CATEGORY_REVIEW"], trace)
    if (second := _second_delivery(facts, law, trace)) is not None:
        return second
    leave = _leave_of(facts.delivery, law)
    trace += leave.steps
    months = _continuous_months(facts, law)
    needed = law["allowance.min_continuous_months"].at(day)
    trace.by_parameter("CONTRIBUTIONS", needed, months=months, needed=needed.count)
    figures = {
        "leave_days": leave.days,
        "leave_end": leave.end.isoformat(),
        "fund_days": leave.fund_days,
        "continuous_months": months,
    }
    if months < needed.count:
        return _denied(facts, law, leave, figures, trace)
    return _approved(facts, law, leave, figures, trace)


def _approved(facts: Facts, law: Law, leave: Leave, figures: dict[str, Any], trace: Trace) -> dict[str, Any]:
    year = facts.delivery.date.year - 1
    wage_fen = {known: fen for known, fen in facts.employer_wages}.get(year)  # noqa: C416  # pairs are lists here
    if wage_fen is None:
        trace.by_article("WAGE_MISSING", "LABOUR_8_1", year=year)
        return _result("PENDED", ["WAGE_REQUIRED", *leave.notes], trace, figures)
    base_fen = _wage_base(wage_fen, year, facts.delivery.date, law, trace)
    divisor = law["allowance.divisor"].at(facts.delivery.date)
    allowance_fen = half_up(base_fen * leave.fund_days / divisor.number)
    trace.by_parameter(
        "ALLOWANCE",
        divisor,
        base_fen=int(base_fen),
        days=leave.fund_days,
        divisor=divisor.number,
        allowance_fen=allowance_fen,
    )
    figures |= {
        "allowance_fen": allowance_fen,
        "payee": _payee(facts.decision_date, law, trace),
        "employer_topup_fen": _topup(facts, leave.fund_days, allowance_fen, law, trace),
        "employer_leave_fen": _employer_leave(facts, leave, law, trace),
    }
    return _result("APPROVED", leave.notes, trace, figures)


def _denied(facts: Facts, law: Law, leave: Leave, figures: dict[str, Any], trace: Trace) -> dict[str, Any]:
    liability_fen = _own_wage(facts, leave.fund_days, law)
    if liability_fen is not None:
        trace.by_article("LIABILITY", "LABOUR_8", days=leave.fund_days, liability_fen=liability_fen)
    figures |= {
        "employer_liability_fen": liability_fen,
        "employer_leave_fen": _employer_leave(facts, leave, law, trace),
    }
    return _result("DENIED", ["CONTRIB_SHORT", *leave.notes], trace, figures)


def _result(
    outcome: str, reasons: Sequence[str], trace: Trace, figures: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    told = {**_NOTHING, **(figures or {})}
    return {
        "outcome": outcome,
        "reasons": reasons,
        "figures": {name: value for name, value in told.items() if value is not None},
        "trace": trace,
    }


def _second_delivery(facts: Facts, law: Law, trace: Trace) -> dict[str, Any] | None:
    day = facts.delivery.date
    if day in facts.other_deliveries:
        trace.by_article("SAME_DELIVERY", "FUND_17", date=day)
        return _result("DUPLICATE", ["DUPLICATE_DELIVERY"], trace)
    window = law["duplicate.window_days"].at(day)
    near = [other for other in facts.other_deliveries if abs((other - day).days) <= window.count]
    if near:
        trace.by_parameter("NEAR_DELIVERY", window, date=day, other=near[0], window=window.count)
        return _result("PENDED", ["DELIVERY_DATE_REVIEW"], trace)
    return None


class Leave(NamedTuple):
    days: int
    end: date
    fund_days: int
    notes: Sequence[str]
    steps: Trace


class Part(NamedTuple):
    """A component of the leave. `fund_paid` None: whether the fund pays it is itself a parameter."""

    parameter: str
    rule: str
    fund_paid: bool | None
    times: Callable[[Delivery, Law], int]


def _third_child(delivery: Delivery, law: Law) -> int:
    return int(delivery.birth_order >= law["leave.maternity.third_child_order"].at(delivery.date).count)


_LEAVE: Final = (
    Part("leave.maternity.base_days", "LEAVE_BASE", True, lambda _, __: 1),
    Part(
        "leave.maternity.dystocia_days", "LEAVE_DYSTOCIA", True, lambda d, _: int(d.dystocia or d.mode == "CAESAREAN")
    ),
    Part("leave.maternity.extra_infant_days", "LEAVE_INFANTS", True, lambda d, _: d.infants - 1),
    Part("leave.maternity.local_days", "LEAVE_LOCAL", None, lambda _, __: 1),
    Part("leave.maternity.prepregnancy_check_days", "LEAVE_CHECK", False, lambda d, _: int(d.prepregnancy_check)),
    Part("leave.maternity.third_child_days", "LEAVE_THIRD_CHILD", False, _third_child),
)


@lru_cache(maxsize=4096)
def _leave_of(delivery: Delivery, law: Law) -> Leave:
    trace, day = Trace(), delivery.date
    leave_days = fund_days = 0
    for part in _LEAVE:
        times = part.times(delivery, law)
        if not times:
            continue
        dated = law[part.parameter].at(day)
        days = dated.count * times
        leave_days += days
        trace.by_parameter(part.rule, dated, days=days, times=times)
        fund_paid = part.fund_paid
        if fund_paid is None:
            local = law["allowance.fund_days.local60"].at(day)
            fund_paid = bool(local.value)
            trace.by_parameter("FUND_PAYS_LOCAL" if fund_paid else "FUND_LEAVES_LOCAL", local)
        if fund_paid:
            fund_days += days
    end = last_day(day, leave_days)
    trace.by_article("LEAVE_TOTAL", "LABOUR_7_1", days=leave_days, fund_days=fund_days, start=day, end=end)
    third = law["leave.maternity.third_child_order"].at(day)
    if delivery.birth_order < third.count <= delivery.birth_order + delivery.infants - 1:
        trace.by_parameter("THIRD_CHILD_OPEN", third, order=delivery.birth_order, infants=delivery.infants)
        return Leave(leave_days, end, fund_days, ("THIRD_CHILD_REVIEW",), trace)
    return Leave(leave_days, end, fund_days, (), trace)


def _continuous_months(facts: Facts, law: Law) -> int:
    event = facts.delivery.date
    grace = law["allowance.backpay_grace_months"].at(event).count
    known = min(event, facts.decision_date)
    late = {month for month, paid_on in facts.back_paid if paid_on <= month_end(month + grace) and paid_on <= known}
    cursor = month_of(event)
    if cursor not in late and _span_start(cursor, facts.paid_months) is None:
        cursor -= 1
    counted = 0
    while True:
        first = _span_start(cursor, facts.paid_months)
        if first is None:
            if cursor not in late:
                return counted
            first = cursor
        counted += cursor - first + 1
        cursor = first - 1


def _span_start(month: int, spans: Sequence[Sequence[int]]) -> int | None:
    for first, last in spans:
        if first <= month <= last:
            return first
    return None


def _wage_base(wage_fen: int, year: int, day: date, law: Law, trace: Trace) -> Decimal:
    trace.by_article("WAGE_BASE", "LABOUR_8_1", year=year, wage_fen=wage_fen)
    base = Decimal(wage_fen)
    cap, floor = law["allowance.base.cap_monthly"].at(day), law["allowance.base.floor_monthly"].at(day)
    if cap.value is not None and base > cap.number:
        base = cap.number
        trace.by_parameter("WAGE_CAPPED", cap, base_fen=int(base))
    if floor.value is not None and base < floor.number:
        base = floor.number
        trace.by_parameter("WAGE_RAISED", floor, base_fen=int(base))
    return base


def _payee(decision: date, law: Law, trace: Trace) -> str:
    switch = law["payee.direct_person_from"].at(decision)
    payee = "PERSON" if isinstance(switch.value, date) and decision >= switch.value else "EMPLOYER"
    trace.by_parameter(f"PAYEE_{payee}", switch, decision=decision)
    return payee


def _own_wage(facts: Facts, days: int, law: Law) -> int | None:
    if facts.own_monthly_wage_fen is None:
        return None
    divisor = law["leave.own_wage_divisor"].at(facts.delivery.date)
    return half_up(facts.own_monthly_wage_fen * Decimal(days) / divisor.number)


def _topup(facts: Facts, fund_days: int, allowance_fen: int, law: Law, trace: Trace) -> int | None:
    own_fen = _own_wage(facts, fund_days, law)
    if own_fen is None:
        return None
    topup_fen = max(0, own_fen - allowance_fen)
    if topup_fen:
        trace.by_article("TOPUP", "LABOUR_5", own_fen=own_fen, allowance_fen=allowance_fen, topup_fen=topup_fen)
    return topup_fen


def _employer_leave(facts: Facts, leave: Leave, law: Law, trace: Trace) -> int | None:
    days = leave.days - leave.fund_days
    owed_fen = _own_wage(facts, days, law)
    if owed_fen:
        trace.by_article("EMPLOYER_LEAVE", "SHAANXI_45", days=days, owed_fen=owed_fen)
    return owed_fen


_day: Final = date.fromisoformat

# --- what was stored, in today's shape: to be shown, explained, and decided under a draft -----------------------------


def lift_facts(data: Mapping[str, Any]) -> model.Facts:
    """A claim of the allowance alone. The other deliveries were those whose allowance had been approved."""
    old = read(data)
    event = model.Event(
        EventType.DELIVERY,
        old.delivery.date,
        model.DeliveryMode(old.delivery.mode),
        old.delivery.dystocia,
        old.delivery.infants,
        old.delivery.birth_order,
        prepregnancy_check=old.delivery.prepregnancy_check,
    )
    insured = model.Insured(
        Category(old.category), _pairs(old.paid_months), tuple(old.back_paid), old.own_monthly_wage_fen
    )
    return model.Facts(
        old.decision_date,
        event,
        insured,
        ClaimKind.ALLOWANCE,
        (Benefit.ALLOWANCE,),
        _pairs(old.employer_wages),
        prior=tuple([model.Prior(PriorKind.ALLOWANCE_APPROVED, day) for day in old.other_deliveries]),
    )


def lift_result(data: Mapping[str, Any]) -> model.Determination:
    """One line, the allowance. The steps keep their order, so none of them moves to the line."""
    given = data["figures"]
    figures = model.Figures.from_data(
        {name: given.get(name) for name in ("employer_topup_fen", "employer_leave_fen", "employer_liability_fen")}
        | given
    )
    outcome, reasons = State(data["outcome"]), tuple(data["reasons"])
    payee = Payee(given["payee"]) if "payee" in given else None
    line = model.Line(LineKind.ALLOWANCE, outcome, given["allowance_fen"], payee, reasons)
    trace = tuple(
        [(rule, {name: _plain(value) for name, value in values}, *rest) for rule, values, *rest in data["trace"]]
    )
    return model.Determination(outcome, reasons, figures, (line,), trace)


def _pairs(raw: Sequence[Sequence[int]]) -> tuple[tuple[int, int], ...]:
    return tuple([(first, second) for first, second in raw])


def _plain(value: str) -> int | str:
    """Every value was stored as text; whole numbers are numbers today."""
    return int(value) if value.isdecimal() else value
