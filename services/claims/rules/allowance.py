"""The maternity allowance (生育津贴): who has one, on which base, for how many days, paid to whom.

社会保险法 art. 56; 女职工劳动保护特别规定 art. 8(1).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from services.claims.model import Category, Facts, Line, LineKind, Payee, State
from services.claims.rules.contributions import continuous_months
from services.claims.rules.leave import Leave
from services.claims.rules.working import Rates, Working, unset
from services.kit.law import NotInForce, Unset
from services.kit.money import half_up

_KIND = LineKind.ALLOWANCE


class Allowance(NamedTuple):
    line: Line
    months: int = 0


def allowance(facts: Facts, leave: Leave, rates: Rates) -> Allowance:
    """Decide the allowance line of a category that has one by law, given the leave it pays for."""
    working = Working(rates)
    if facts.insured.category is Category.UNINSURED_EMPLOYEE:
        working.cite("NOT_INSURED", "LABOUR_8")
        return Allowance(working.refused(_KIND, State.DENIED, "NOT_INSURED"))
    try:
        return _insured(facts, leave, working)
    except (Unset, NotInForce) as error:
        return Allowance(unset(error, working, _KIND))


def _insured(facts: Facts, leave: Leave, working: Working) -> Allowance:
    rates = working.rates
    months = continuous_months(facts.insured, facts.event.date, facts.decision_date, working)
    minimum = rates["allowance.min_continuous_months"].count
    working.by("CONTRIBUTIONS", "allowance.min_continuous_months", months=months, needed=minimum)
    if months < minimum:
        return Allowance(working.refused(_KIND, State.DENIED, "CONTRIB_SHORT"), months)
    base = _flexible_base(working) if facts.insured.category is Category.FLEXIBLE else _wage_base(facts, working)
    if base is None:
        return Allowance(working.refused(_KIND, State.PENDED, "WAGE_REQUIRED"), months)
    amount_fen = _amount(base, leave.fund_days, working)
    payee = _payee(facts, working)
    return Allowance(Line(_KIND, State.APPROVED, amount_fen, payee, trace=tuple(working.steps)), months)


def on_unemployment_benefit(rates: Rates) -> Line:
    """社会保险法 art. 56 rests the allowance on an employer's wage; who lives on unemployment benefit has none."""
    working = Working(rates)
    working.by("NO_EMPLOYER", "allowance.ui_recipient")
    return working.refused(_KIND, State.DENIED, "NO_EMPLOYER_WAGE_BASE")


def _wage_base(facts: Facts, working: Working) -> Decimal | None:
    """特别规定 art. 8(1): the employer's average monthly wage of the year before, within a cap and a floor if set.

    A city may take the average contribution base instead of the wage bill. None: no figure for that year.
    """
    year = facts.event.date.year - 1
    source = working.rates["allowance.base_source"]
    by_wage = source.code == "UNIT_AVG_WAGE"
    years = facts.employer_wages if by_wage else facts.employer_bases
    wage_fen = dict(years).get(year)
    if wage_fen is None:
        working.by("WAGE_MISSING" if by_wage else "BASE_MISSING", source.name, year=year)
        return None
    working.by("WAGE_BASE" if by_wage else "CONTRIBUTION_BASE", source.name, year=year, wage_fen=wage_fen)
    base = Decimal(wage_fen)
    cap, floor = working.rates["allowance.base.cap_monthly"], working.rates["allowance.base.floor_monthly"]
    if cap.is_set and base > cap.number:
        base = cap.number
        working.by("WAGE_CAPPED", cap.name, base_fen=int(base))
    if floor.is_set and base < floor.number:
        base = floor.number
        working.by("WAGE_RAISED", floor.name, base_fen=int(base))
    return base


def _flexible_base(working: Working) -> Decimal:
    """国办发〔2024〕48号: a flexible worker has no employer; her base is set."""
    base = working.rates["allowance.flex.base_monthly"].number
    working.by("FLEXIBLE_BASE", "allowance.flex.base_monthly", base_fen=int(base))
    return base


def _amount(base: Decimal, days: int, working: Working) -> int:
    """The month's base by the days of the month, times the fund-paid days; one rounding."""
    divisor, months = working.rates["allowance.divisor"].number, working.rates["allowance.divisor_months"].number
    amount_fen = half_up(base * days * months / divisor)
    per_month = str(divisor) if months == 1 else f"{divisor}/{months}"
    working.by(
        "ALLOWANCE", "allowance.divisor", base_fen=int(base), days=days, divisor=per_month, allowance_fen=amount_fen
    )
    return amount_fen


def _payee(facts: Facts, working: Working) -> Payee:
    """Direct payment follows the day of decision; the switch day itself is already direct."""
    if facts.insured.category is Category.FLEXIBLE:
        working.cite("PAYEE_FLEXIBLE", "FLEXIBLE_48")
        return Payee.PERSON
    switch = working.rates["payee.direct_person_from"]
    payee = Payee.PERSON if facts.decision_date >= switch.day else Payee.EMPLOYER
    working.by(f"PAYEE_{payee}", switch.name, decision=facts.decision_date)
    return payee
