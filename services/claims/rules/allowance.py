"""What an insured employee is owed for a delivery: leave, fund-paid days, allowance, payee, and her employer's part.

Pure functions of facts and law. Each writes down what it did, with the parameter or article it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from services.claims.model import (
    Category,
    Delivery,
    DeliveryMode,
    Determination,
    Facts,
    Figures,
    Insured,
    Payee,
    State,
    Step,
)
from services.kit.dates import last_day, month_end, month_of
from services.kit.law import Dated, Law
from services.kit.money import half_up


@dataclass(slots=True)
class Trace:
    """Collects the steps of one determination."""

    steps: list[Step] = field(default_factory=list)

    def by_parameter(self, rule: str, dated: Dated, **values: object) -> None:
        self.steps.append(Step(rule, tuple([(name, str(given)) for name, given in values.items()]), *dated.stamp))

    def by_article(self, rule: str, article: str, **values: object) -> None:
        self.steps.append(Step(rule, tuple([(name, str(given)) for name, given in values.items()]), article=article))


@dataclass(frozen=True, slots=True)
class LeavePart:
    """A component of the leave. `fund_paid` None: whether the fund pays it is itself a parameter."""

    parameter: str
    rule: str
    fund_paid: bool | None
    times: Callable[[Delivery, Law], int]


def _third_child(delivery: Delivery, law: Law) -> int:
    return int(delivery.birth_order >= law["leave.maternity.third_child_order"].at(delivery.date).count)


# 女职工劳动保护特别规定 art. 7(1); 陕西省人口与计划生育条例 art. 45. Days and who pays them are two things: the
# national parts are fund-paid, the local ones are leave whose wages the employer pays.
LEAVE: Final = (
    LeavePart("leave.maternity.base_days", "LEAVE_BASE", True, lambda _, __: 1),
    LeavePart(
        "leave.maternity.dystocia_days",
        "LEAVE_DYSTOCIA",
        True,
        lambda d, _: int(d.dystocia or d.mode is DeliveryMode.CAESAREAN),
    ),
    LeavePart("leave.maternity.extra_infant_days", "LEAVE_INFANTS", True, lambda d, _: d.infants - 1),
    LeavePart("leave.maternity.local_days", "LEAVE_LOCAL", None, lambda _, __: 1),
    LeavePart("leave.maternity.prepregnancy_check_days", "LEAVE_CHECK", False, lambda d, _: int(d.prepregnancy_check)),
    LeavePart("leave.maternity.third_child_days", "LEAVE_THIRD_CHILD", False, _third_child),
)


def decide(facts: Facts, law: Law) -> Determination:
    """Decide an employee's allowance for a delivery (社会保险法 art. 56; 女职工劳动保护特别规定 art. 7, 8).

    Pends what a person must look at: another category of insurance, a second delivery too near to the first, an
    employer without a wage on record. Denies for want of contributions, and then says what the employer owes.
    """
    trace = Trace()
    if facts.insured.category is not Category.EMPLOYEE:
        trace.by_article("CATEGORY", "SOCIAL_INSURANCE_54", category=facts.insured.category)
        return _without_figures(State.PENDED, "CATEGORY_REVIEW", trace)
    if (second := _second_delivery(facts, law, trace)) is not None:
        return second

    leave = leave_of(facts.delivery, law)
    trace.steps += leave.steps
    months = continuous_months(facts.insured, facts.delivery.date, facts.decision_date, law)
    needed = law["allowance.min_continuous_months"].at(facts.delivery.date)
    trace.by_parameter("CONTRIBUTIONS", needed, months=months, needed=needed.count)
    if months < needed.count:
        return _denied(facts, law, leave, months, trace)
    return _approved(facts, law, leave, months, trace)


def _approved(facts: Facts, law: Law, leave: Leave, months: int, trace: Trace) -> Determination:
    year = facts.delivery.date.year - 1
    wage_fen = dict(facts.employer_wages).get(year)
    if wage_fen is None:
        trace.by_article("WAGE_MISSING", "LABOUR_8_1", year=year)
        figures = Figures(leave.days, leave.end, leave.fund_days, continuous_months=months)
        return Determination(State.PENDED, ("WAGE_REQUIRED", *leave.notes), figures, tuple(trace.steps))
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
    figures = Figures(
        leave_days=leave.days,
        leave_end=leave.end,
        fund_days=leave.fund_days,
        allowance_fen=allowance_fen,
        payee=_payee(facts.decision_date, law, trace),
        employer_topup_fen=_topup(facts, leave.fund_days, allowance_fen, law, trace),
        employer_leave_fen=_employer_leave(facts, leave, law, trace),
        continuous_months=months,
    )
    return Determination(State.APPROVED, leave.notes, figures, tuple(trace.steps))


def _denied(facts: Facts, law: Law, leave: Leave, months: int, trace: Trace) -> Determination:
    """特别规定 art. 8: what the fund does not pay for want of contributions, her employer owes at her own wage."""
    liability_fen = _own_wage(facts, leave.fund_days, law)
    if liability_fen is not None:
        trace.by_article("LIABILITY", "LABOUR_8", days=leave.fund_days, liability_fen=liability_fen)
    figures = Figures(
        leave_days=leave.days,
        leave_end=leave.end,
        fund_days=leave.fund_days,
        employer_liability_fen=liability_fen,
        employer_leave_fen=_employer_leave(facts, leave, law, trace),
        continuous_months=months,
    )
    return Determination(State.DENIED, ("CONTRIB_SHORT", *leave.notes), figures, tuple(trace.steps))


def _without_figures(outcome: State, reason: str, trace: Trace) -> Determination:
    return Determination(outcome, (reason,), Figures(), tuple(trace.steps))


def _second_delivery(facts: Facts, law: Law, trace: Trace) -> Determination | None:
    """医疗保障基金使用监督管理条例 art. 17: nobody is paid twice for one delivery."""
    day = facts.delivery.date
    if day in facts.other_deliveries:
        trace.by_article("SAME_DELIVERY", "FUND_17", date=day)
        return _without_figures(State.DUPLICATE, "DUPLICATE_DELIVERY", trace)
    window = law["duplicate.window_days"].at(day)
    near = [other for other in facts.other_deliveries if abs((other - day).days) <= window.count]
    if near:
        trace.by_parameter("NEAR_DELIVERY", window, date=day, other=near[0], window=window.count)
        return _without_figures(State.PENDED, "DELIVERY_DATE_REVIEW", trace)
    return None


@dataclass(frozen=True, slots=True)
class Leave:
    """The leave of a delivery: calendar days, taken once, from the day of delivery; and how it was counted."""

    days: int
    end: date
    fund_days: int
    notes: tuple[str, ...]
    steps: tuple[Step, ...]


@lru_cache(maxsize=4096)
def leave_of(delivery: Delivery, law: Law) -> Leave:
    """Leave days and, of them, those the fund pays. They hang on the delivery and the law alone, so they are kept."""
    trace = Trace()
    leave_days = fund_days = 0
    for part in LEAVE:
        times = part.times(delivery, law)
        if not times:
            continue
        dated = law[part.parameter].at(delivery.date)
        days = dated.count * times
        leave_days += days
        trace.by_parameter(part.rule, dated, days=days, times=times)
        if _is_fund_paid(part, delivery.date, law, trace):
            fund_days += days
    end = last_day(delivery.date, leave_days)
    trace.by_article("LEAVE_TOTAL", "LABOUR_7_1", days=leave_days, fund_days=fund_days, start=delivery.date, end=end)
    notes = _third_child_notes(delivery, law, trace)
    return Leave(leave_days, end, fund_days, notes, tuple(trace.steps))


def _is_fund_paid(part: LeavePart, day: date, law: Law, trace: Trace) -> bool:
    if part.fund_paid is not None:
        return part.fund_paid
    dated = law["allowance.fund_days.local60"].at(day)
    trace.by_parameter("FUND_PAYS_LOCAL" if dated.value else "FUND_LEAVES_LOCAL", dated)
    return bool(dated.value)


def _third_child_notes(delivery: Delivery, law: Law, trace: Trace) -> tuple[str, ...]:
    """Where only the infants of this birth bring the children to three, the days are a reviewer's question."""
    third = law["leave.maternity.third_child_order"].at(delivery.date)
    if delivery.birth_order < third.count <= delivery.birth_order + delivery.infants - 1:
        trace.by_parameter("THIRD_CHILD_OPEN", third, order=delivery.birth_order, infants=delivery.infants)
        return ("THIRD_CHILD_REVIEW",)
    return ()


def continuous_months(insured: Insured, event: date, decision: date, law: Law) -> int:
    """Unbroken paid months back from the month of the event, or from the one before if that is not yet paid.

    A month paid late counts if it was paid by the end of the grace after it, and not after the event.
    """
    grace = law["allowance.backpay_grace_months"].at(event).count
    late = {
        month
        for month, paid_on in insured.back_paid
        if paid_on <= month_end(month + grace) and paid_on <= min(event, decision)
    }
    cursor = month_of(event)
    if not _is_paid(cursor, insured.paid_months, late):
        cursor -= 1
    counted = 0
    while True:
        first = _span_start(cursor, insured.paid_months)
        if first is None and cursor not in late:
            return counted
        first = cursor if first is None else first
        counted += cursor - first + 1
        cursor = first - 1


def _span_start(month: int, spans: Sequence[tuple[int, int]]) -> int | None:
    return next((first for first, last in spans if first <= month <= last), None)


def _is_paid(month: int, spans: Sequence[tuple[int, int]], late: set[int]) -> bool:
    return month in late or _span_start(month, spans) is not None


def _wage_base(wage_fen: int, year: int, day: date, law: Law, trace: Trace) -> Decimal:
    """特别规定 art. 8(1): the employer's average monthly wage of the year before, within a cap and a floor if set."""
    trace.by_article("WAGE_BASE", "LABOUR_8_1", year=year, wage_fen=wage_fen)
    base = Decimal(wage_fen)
    cap, floor = (law[f"allowance.base.{bound}_monthly"].at(day) for bound in ("cap", "floor"))
    if cap.value is not None and base > cap.number:
        base = cap.number
        trace.by_parameter("WAGE_CAPPED", cap, base_fen=int(base))
    if floor.value is not None and base < floor.number:
        base = floor.number
        trace.by_parameter("WAGE_RAISED", floor, base_fen=int(base))
    return base


def _payee(decision: date, law: Law, trace: Trace) -> Payee:
    """Direct payment follows the day of decision; the switch day itself is already direct."""
    switch = law["payee.direct_person_from"].at(decision)
    payee = Payee.PERSON if isinstance(switch.value, date) and decision >= switch.value else Payee.EMPLOYER
    trace.by_parameter(f"PAYEE_{payee}", switch, decision=decision)
    return payee


def _own_wage(facts: Facts, days: int, law: Law) -> int | None:
    """Her own wage for so many days; its divisor is not that of the allowance, which a city may set."""
    if facts.insured.own_monthly_wage_fen is None:
        return None
    divisor = law["leave.own_wage_divisor"].at(facts.delivery.date)
    return half_up(facts.insured.own_monthly_wage_fen * Decimal(days) / divisor.number)


def _topup(facts: Facts, fund_days: int, allowance_fen: int, law: Law, trace: Trace) -> int | None:
    """特别规定 art. 5: her wage is not cut; what her own wage is above the allowance, the employer adds (补差)."""
    own_fen = _own_wage(facts, fund_days, law)
    if own_fen is None:
        return None
    topup_fen = max(0, own_fen - allowance_fen)
    if topup_fen:
        trace.by_article("TOPUP", "LABOUR_5", own_fen=own_fen, allowance_fen=allowance_fen, topup_fen=topup_fen)
    return topup_fen


def _employer_leave(facts: Facts, leave: Leave, law: Law, trace: Trace) -> int | None:
    """The wages of the leave days that the fund does not pay."""
    days = leave.days - leave.fund_days
    owed_fen = _own_wage(facts, days, law)
    if owed_fen:
        trace.by_article("EMPLOYER_LEAVE", "SHAANXI_45", days=days, owed_fen=owed_fen)
    return owed_fen
