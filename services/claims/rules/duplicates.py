"""Nobody is paid twice for one event (医疗保障基金使用监督管理条例 art. 17)."""

from __future__ import annotations

from collections.abc import Collection

from services.claims.model import EventType, Facts, Line, LineKind, Prior, PriorKind, State
from services.claims.rules.working import Working


def of_allowance(facts: Facts, working: Working) -> Line | None:
    """The line of an allowance that was approved before under another number, or of a delivery too near to such."""
    if not facts.prior:
        return None
    kind, priors = LineKind.ALLOWANCE, _of(facts, {PriorKind.ALLOWANCE_APPROVED})
    if same_day(facts, priors):
        working.cite("SAME_EVENT", "FUND_17", date=facts.event.date, event=facts.event.type)
        return working.refused(kind, State.DUPLICATE, _same(facts))
    if near(facts, priors, working):
        return working.refused(kind, State.PENDED, "DELIVERY_DATE_REVIEW")
    return None


def settled_before(facts: Facts) -> list[Prior]:
    """Medical settlements of the same kind of event, by either scheme."""
    return _of(facts, {PriorKind.DELIVERY_SETTLED, PriorKind.RESIDENT_SETTLED})


def of_stay(facts: Facts, priors: list[Prior], working: Working, kind: LineKind, number: int) -> Line | None:
    """The line of a stay whose event was settled before, without a transfer filed."""
    same = same_day(facts, priors)
    if any(prior.kind is PriorKind.RESIDENT_SETTLED for prior in same):
        working.cite("DOUBLE_BENEFIT", "FUND_17", date=facts.event.date)
        return working.refused(kind, State.DENIED, "DOUBLE_BENEFIT", number=number)
    if same:
        working.cite("SETTLED_BEFORE", "FUND_17", date=facts.event.date, hospital=same[0].hospital)
        return working.refused(kind, State.DUPLICATE, _same(facts), number=number)
    if near(facts, priors, working):
        return working.refused(kind, State.PENDED, "DELIVERY_DATE_REVIEW", number=number)
    return None


def of_cost(facts: Facts, working: Working, kind: LineKind, number: int) -> Line | None:
    """The line of a cost that was paid under another claim, be it as a transfer or for an event of another kind."""
    if not facts.settled or f"{kind}/{number}" not in facts.settled:
        return None
    working.cite("COST_SETTLED", "FUND_17")
    return working.refused(kind, State.DUPLICATE, "DUPLICATE_COST", number=number)


def same_day(facts: Facts, priors: list[Prior]) -> list[Prior]:
    return [prior for prior in priors if prior.same_event or prior.event_date == facts.event.date]


def near(facts: Facts, priors: list[Prior], working: Working) -> bool:
    """Whether another delivery lies within the window, on another day; beyond it, it is another delivery.

    What a reviewer has found about it is no question any more.
    """
    if not priors or facts.event.type is not EventType.DELIVERY:
        return False
    window = working.rates["duplicate.window_days"].count
    day = facts.event.date
    for prior in priors:
        if prior.same_event is None and 0 < abs((prior.event_date - day).days) <= window:
            working.by("NEAR_DELIVERY", "duplicate.window_days", date=day, other=prior.event_date, window=window)
            return True
    return False


def _of(facts: Facts, kinds: Collection[PriorKind]) -> list[Prior]:
    return [prior for prior in facts.prior if prior.kind in kinds and prior.event_type is facts.event.type]


def _same(facts: Facts) -> str:
    return "DUPLICATE_DELIVERY" if facts.event.type is EventType.DELIVERY else "DUPLICATE_EVENT"
