"""Leave: how many days, who pays them, until when (产假、流产假、计划生育手术假、护理假).

女职工劳动保护特别规定 art. 7; 陕西省人口与计划生育条例 art. 45. Days and who pays them are two things: the national
parts are paid by the fund, the local ones are leave whose wages the employer pays, unless the fund rule says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from services.claims.model import DeliveryMode, Event, EventType, Father, Step, Surgery
from services.claims.rules.working import Rates, Working, needed
from services.kit.dates import last_day
from services.kit.law import Law


class Part(NamedTuple):
    """A component of the leave for a birth. `fund_paid` None: whether the fund pays it is itself a parameter."""

    rule: str
    parameter: str
    fund_paid: bool | None
    times: Callable[[Event, Rates], int]


def _third_child(event: Event, rates: Rates) -> int:
    order: int = needed(event.birth_order, "event.birth_order")
    if order >= rates["leave.maternity.third_child_order"].count:
        return 1
    return int(event.third_child is True and third_by_its_infants(event, rates))


def _difficult(event: Event, _: Rates) -> int:
    """A caesarean counts as a difficult birth, once, flag or no flag."""
    mode = needed(event.mode, "event.delivery_mode")
    return int(event.dystocia or mode is DeliveryMode.CAESAREAN)


BIRTH: Final = (
    Part("LEAVE_BASE", "leave.maternity.base_days", True, lambda _, __: 1),
    Part("LEAVE_DYSTOCIA", "leave.maternity.dystocia_days", True, _difficult),
    Part("LEAVE_INFANTS", "leave.maternity.extra_infant_days", True, lambda event, _: event.infants - 1),
    Part("LEAVE_LOCAL", "leave.maternity.local_days", None, lambda _, __: 1),
    Part("LEAVE_CHECK", "leave.maternity.prepregnancy_check_days", False, lambda event, _: event.prepregnancy_check),
    Part("LEAVE_THIRD_CHILD", "leave.maternity.third_child_days", False, _third_child),
)


FUND_PAYS_LOCAL: Final = "allowance.fund_days.local60"


class Leave(NamedTuple):
    """The leave of one event. `fund_days` are those the fund pays where an allowance is due."""

    days: int
    end: date
    fund_days: int
    notes: tuple[str, ...]  # reasons that do not change the outcome
    steps: tuple[Step, ...]


class GestationMissing(Exception):
    """The leave of a miscarriage follows the gestation, and life left it out."""


_TOTAL_BY: Final = {
    EventType.DELIVERY: "LABOUR_7_1",
    EventType.MISCARRIAGE: "LABOUR_7_2",
    EventType.FAMILY_PLANNING_SURGERY: "INSURANCE_56",
}


@lru_cache(4096)
def leave_of(event: Event, law: Law, *, employed: bool = True) -> Leave:
    """The leave, from the day of the event; without an employer, only the days the fund pays.

    Raises GestationMissing, FactMissing, Unset. Cached: the same kind of birth on the same day is asked for again and
    again.
    """
    working = Working(law.on(event=event.date))
    match event.type:
        case EventType.DELIVERY:
            days, fund_days = _birth(event, working, employed=employed)
        case EventType.MISCARRIAGE:
            days = fund_days = _miscarriage(event, working)
        case EventType.FAMILY_PLANNING_SURGERY:
            days = fund_days = _surgery(event, working)
    end = last_day(event.date, days)
    if not employed:
        working.cite("FUND_TOTAL", "INSURANCE_56", fund_days=fund_days)
        return Leave(days, end, fund_days, (), tuple(working.steps))
    working.cite("LEAVE_TOTAL", _TOTAL_BY[event.type], days=days, fund_days=fund_days, start=event.date, end=end)
    notes = _third_child_open(event, working) if event.type is EventType.DELIVERY else ()
    return Leave(days, end, fund_days, notes, tuple(working.steps))


def _birth(event: Event, working: Working, *, employed: bool) -> tuple[int, int]:
    days = fund_days = 0
    for part in BIRTH:
        if not employed and part.fund_paid is False:
            continue
        times = part.times(event, working.rates)
        if not times:
            continue
        given = times * working.rates[part.parameter].count
        paid = part.fund_paid if part.fund_paid is not None else working.rates[FUND_PAYS_LOCAL].flag
        if paid or employed:
            working.by(part.rule, part.parameter, days=given, times=int(times))
            days += given
        if part.fund_paid is None:
            working.by("FUND_PAYS_LOCAL" if paid else "FUND_LEAVES_LOCAL", FUND_PAYS_LOCAL)
        fund_days += given if paid else 0
    return days, fund_days


def is_late(event: Event, working: Working) -> bool:
    """特别规定 art. 7(2): four months or more. The regulation counts no days; the line between is a parameter."""
    if event.gestation_days is None:
        raise GestationMissing
    limit = working.rates["leave.miscarriage.late_from_gestation_days"].count
    rule = "GESTATION_LATE" if event.gestation_days >= limit else "GESTATION_EARLY"
    working.by(rule, "leave.miscarriage.late_from_gestation_days", gestation=event.gestation_days, limit=limit)
    return event.gestation_days >= limit


def _miscarriage(event: Event, working: Working) -> int:
    name = "leave.miscarriage.late_days" if is_late(event, working) else "leave.miscarriage.early_days"
    days = working.rates[name].count
    working.by("LEAVE_MISCARRIAGE", name, days=days)
    return days


def ends_pregnancy(event: Event) -> bool:
    """Whether a family-planning surgery is what life also calls a miscarriage."""
    return event.type is EventType.FAMILY_PLANNING_SURGERY and event.surgery in {Surgery.ABORTION, Surgery.INDUCTION}


def _surgery(event: Event, working: Working) -> int:
    """Abortion and induction are miscarriages by gestation; the rest have days of their own."""
    surgery: Surgery = needed(event.surgery, "event.surgery")
    if ends_pregnancy(event):
        return _miscarriage(event, working)
    name = f"leave.surgery.{surgery}_days"
    days = working.rates[name].count
    working.by("LEAVE_SURGERY", name, days=days, surgery=surgery)
    return days


def third_child_is_open(event: Event, rates: Rates) -> bool:
    """The days are a reviewer's question, and no reviewer has looked."""
    return event.third_child is None and third_by_its_infants(event, rates)


def third_by_its_infants(event: Event, rates: Rates) -> bool:
    """Only the infants of this birth bring the children to three."""
    order: int = needed(event.birth_order, "event.birth_order")
    return order < rates["leave.maternity.third_child_order"].count <= order + event.infants - 1


def _third_child_open(event: Event, working: Working) -> tuple[str, ...]:
    if not third_child_is_open(event, working.rates):
        return ()
    working.by("THIRD_CHILD_OPEN", "leave.maternity.third_child_order", order=event.birth_order, infants=event.infants)
    return ("THIRD_CHILD_REVIEW",)


def father_leave(father: Father | None, event: Event, working: Working) -> tuple[int, tuple[str, ...]]:
    """The father's care leave (护理假) in days, and what a reviewer is told."""
    if father is None or not father.leave_requested or event.type is not EventType.DELIVERY:
        return 0, ()
    rule, name = (
        ("FATHER_APART", "leave.father.living_apart_days") if father.living_apart else ("FATHER", "leave.father.days")
    )
    days = working.rates[name].count
    working.by(rule, name, days=days)
    if _third_child(event, working.rates):
        more = working.rates["leave.father.third_child_extra_days"].count
        working.by("FATHER_THIRD_CHILD", "leave.father.third_child_extra_days", days=more)
        days += more
    return days, ("THIRD_CHILD_REVIEW",) if third_child_is_open(event, working.rates) else ()
