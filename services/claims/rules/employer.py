"""What her employer owes beside the fund: the top-up, the other leave days, and what it should have insured.

女职工劳动保护特别规定 art. 5, 8; 陕西省人口与计划生育条例 art. 45.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from services.claims.model import Benefit, Category, Facts, Item, Line, State, Stay, Visit
from services.claims.rules.leave import Leave
from services.claims.rules.working import Working
from services.kit.money import half_up


class EmployerPart(NamedTuple):
    """Fen; None where her own wage was not stated."""

    topup_fen: int | None = 0
    leave_fen: int | None = 0
    liability_fen: int | None = 0


def employer_part(facts: Facts, leave: Leave, allowance: Line, working: Working) -> EmployerPart:
    """The employer's part of one event, given what became of the allowance."""
    if (wage_fen := facts.insured.own_monthly_wage_fen) is not None:
        divisor = working.rates["leave.own_wage_divisor"]
        working.by("OWN_WAGE", divisor.name, wage_fen=wage_fen, divisor=str(divisor.number))
    leave_fen = _leave(facts, leave, working)
    match allowance.outcome:
        case State.APPROVED:
            return EmployerPart(topup_fen=_topup(facts, leave.fund_days, allowance, working), leave_fen=leave_fen)
        case State.DENIED:
            return EmployerPart(leave_fen=leave_fen, liability_fen=_liability(facts, leave, working))
        case _:  # it waits, or is a duplicate
            return EmployerPart(leave_fen=leave_fen)


def _own_wage(facts: Facts, days: int, working: Working) -> int | None:
    """Her own wage for so many days; its divisor is not that of the allowance, which a city may set."""
    wage_fen = facts.insured.own_monthly_wage_fen
    if wage_fen is None:
        return None
    return half_up(wage_fen * Decimal(days) / working.rates["leave.own_wage_divisor"].number)


def _leave(facts: Facts, leave: Leave, working: Working) -> int | None:
    """The wages of the leave days that the fund does not pay."""
    days = leave.days - leave.fund_days
    owed_fen = _own_wage(facts, days, working)
    if owed_fen:
        working.cite("EMPLOYER_LEAVE", "SHAANXI_45", days=days, owed_fen=owed_fen)
    return owed_fen


def _topup(facts: Facts, fund_days: int, allowance: Line, working: Working) -> int | None:
    """特别规定 art. 5: her wage is not cut; what her own wage is above the allowance, the employer adds (补差)."""
    own_fen = _own_wage(facts, fund_days, working)
    if own_fen is None:
        return None
    topup_fen = max(0, own_fen - allowance.amount_fen)
    if topup_fen:
        working.cite("TOPUP", "LABOUR_5", own_fen=own_fen, allowance_fen=allowance.amount_fen, topup_fen=topup_fen)
    return topup_fen


def _liability(facts: Facts, leave: Leave, working: Working) -> int | None:
    """特别规定 art. 8: what the fund does not pay because she was not insured or not covered, her employer owes."""
    wages_fen = _own_wage(facts, leave.fund_days, working)
    if wages_fen is not None:
        working.cite("LIABILITY", "LABOUR_8", days=leave.fund_days, liability_fen=wages_fen)
    return medical_liability(facts, working) + wages_fen if wages_fen is not None else None


def medical_liability(facts: Facts, working: Working) -> int:
    """特别规定 art. 8(2): the medical cost of a woman not insured at all, by the items and standards of the fund."""
    if facts.insured.category is not Category.UNINSURED_EMPLOYEE or Benefit.MEDICAL not in facts.benefits:
        return 0
    costs: list[Stay | Visit | Item] = [*facts.stays, *facts.visits, *facts.items]
    costs_fen = sum(cost.policy_range_fen for cost in costs)
    if costs_fen:
        working.cite("LIABILITY_MEDICAL", "LABOUR_8_2", liability_fen=costs_fen)
    return costs_fen
