"""Medical cost (生育医疗费用): inpatient stays by mode, and family-planning surgery.

社会保险法 art. 54, 55. Full within policy, flat, or the ordinary insurance rules with deductible, rate and cap. One
rounding per line, half up; a result is never below zero.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from services.claims.model import (
    Category,
    ClaimKind,
    DeliveryMode,
    EventType,
    Facts,
    Level,
    Line,
    LineKind,
    Payee,
    PriorKind,
    State,
    Stay,
    Surgery,
)
from services.claims.rules import duplicates
from services.claims.rules.leave import GestationMissing, is_late
from services.claims.rules.working import Working, needed, unset
from services.kit.law import Law, NotInForce, Unset
from services.kit.money import half_up

_FLAT_OF: Final = {DeliveryMode.VAGINAL: "medical.flat.vaginal", DeliveryMode.CAESAREAN: "medical.flat.caesarean"}
_SURGERY_OF: Final = {
    Surgery.IUD_INSERTION: "IUD_IN",
    Surgery.IUD_REMOVAL: "IUD_OUT",
    Surgery.ABORTION: "ABORT",
    Surgery.INDUCTION: "INDUCE",
    Surgery.LIGATION: "LIGATION",
    Surgery.LIGATION_REVERSAL: "LIGATION_REVERSAL",
    Surgery.VASECTOMY: "VASECTOMY",
    Surgery.VASECTOMY_REVERSAL: "VASECTOMY_REVERSAL",
    Surgery.OTHER: "OTHER",
}


class StayPart(NamedTuple):
    """What became of one stay. `own_fen` is her part within policy range, where the ordinary rules decided."""

    line: Line
    ordinary_fen: int = 0
    own_fen: int = 0
    is_flat: bool = False


def stays(facts: Facts, law: Law) -> list[StayPart]:
    """One part for each stay, in their order: flat rates are paid once, caps run from stay to stay."""
    parts: list[StayPart] = []
    for number, stay in enumerate(facts.stays, 1):
        working = Working(law.on(event=facts.event.date, discharge=stay.discharge))
        try:
            parts.append(_stay(facts, stay, number, parts, working))
        except (Unset, NotInForce) as error:
            parts.append(StayPart(unset(error, working, stay_kind(facts), number)))
        except GestationMissing:
            parts.append(StayPart(working.refused(stay_kind(facts), State.PENDED, "GESTATION_REQUIRED", number=number)))
    return parts


def medical_payee(facts: Facts) -> Payee:
    """The hospital that settled with the fund, or the person who paid first."""
    return Payee.PROVIDER if facts.kind is ClaimKind.PROVIDER_SETTLEMENT else Payee.PERSON


def stay_kind(facts: Facts) -> LineKind:
    return LineKind.SURGERY if facts.event.type is EventType.FAMILY_PLANNING_SURGERY else LineKind.STAY


def _stay(facts: Facts, stay: Stay, number: int, before: list[StayPart], working: Working) -> StayPart:
    kind, category = stay_kind(facts), facts.insured.category
    if category is Category.UNINSURED_EMPLOYEE:
        working.cite("NOT_INSURED_MEDICAL", "LABOUR_8_2")
        return StayPart(working.refused(kind, State.DENIED, "NOT_INSURED", number=number))
    transfer = _is_transfer(facts, stay, working)
    second = None if transfer else duplicates.of_stay(facts, duplicates.settled_before(facts), working, kind, number)
    if second := second or duplicates.of_cost(facts, working, kind, number):
        return StayPart(second)
    if category is Category.SPOUSE_OF_EMPLOYEE:
        return StayPart(_line(facts, number, spouse_share(stay.policy_range_fen, working), working))
    if transfer:
        working.cite("TRANSFER_FILED", "ORDINARY_STAY", hospital=stay.hospital)
        return _ordinary(facts, stay, number, before, working)
    if facts.event.type is EventType.FAMILY_PLANNING_SURGERY:
        return _flat(facts, number, before, f"medical.fp.{_SURGERY_OF[_surgery(facts)]}", working)
    return _by_mode(facts, stay, number, before, working)


def _is_transfer(facts: Facts, stay: Stay, working: Working) -> bool:
    """A transfer was filed from another stay of the event, settled before by the same scheme or claimed with it."""
    if not stay.transfer_filed:
        return False
    own = PriorKind.RESIDENT_SETTLED if facts.insured.category is Category.RESIDENT else PriorKind.DELIVERY_SETTLED
    window = working.rates["duplicate.window_days"].count
    settled = [
        prior for prior in duplicates.settled_before(facts) if abs((prior.event_date - facts.event.date).days) <= window
    ]
    if settled:
        return all(prior.kind is own for prior in settled)
    return any(not other.transfer_filed for other in facts.stays)


def _by_mode(facts: Facts, stay: Stay, number: int, before: list[StayPart], working: Working) -> StayPart:
    category = facts.insured.category
    name = "medical.resident.delivery.mode" if category is Category.RESIDENT else "medical.delivery.mode"
    mode = working.rates[name].code
    if category is Category.UNEMPLOYMENT_BENEFIT:
        working.by("AS_EMPLOYEE", "medical.ui_recipient")
    working.by(f"MODE_{mode}", name)
    if mode == "ORDINARY":
        return _ordinary(facts, stay, number, before, working)
    if mode == "FLAT":
        return _flat(facts, number, before, _flat_of(facts, working), working)
    working.cite("FULL", "INSURANCE_55", policy_fen=stay.policy_range_fen, amount_fen=stay.policy_range_fen)
    return StayPart(_line(facts, number, stay.policy_range_fen, working))


def _line(facts: Facts, number: int, amount_fen: int, working: Working) -> Line:
    return Line(
        stay_kind(facts), State.APPROVED, amount_fen, medical_payee(facts), trace=tuple(working.steps), number=number
    )


def spouse_share(policy_fen: int, working: Working) -> int:
    """社会保险法 art. 54: the unemployed spouse has medical cost only, by a share that the city sets."""
    share = working.rates["medical.spouse.pct"].number
    amount_fen = half_up(policy_fen * share)
    working.by("SPOUSE", "medical.spouse.pct", policy_fen=policy_fen, percent=percent(share), amount_fen=amount_fen)
    return amount_fen


def percent(share: Decimal) -> str:
    """A fraction as a person reads it."""
    return f"{(share * 100).normalize():f}%"


def _surgery(facts: Facts) -> Surgery:
    surgery: Surgery = needed(facts.event.surgery, "event.surgery")
    return surgery


def _flat_of(facts: Facts, working: Working) -> str:
    """The flat rate of the event; a miscarriage has that of an abortion or an induction, by gestation."""
    if facts.event.type is EventType.MISCARRIAGE:
        return "medical.fp.INDUCE" if is_late(facts.event, working) else "medical.fp.ABORT"
    return _FLAT_OF[needed(facts.event.mode, "event.delivery_mode")]


def _flat(facts: Facts, number: int, before: list[StayPart], name: str, working: Working) -> StayPart:
    """A fixed payment for the event, once. Nobody is paid back more than she paid, a hospital is paid the rate."""
    if any(part.is_flat for part in before):
        working.cite("FLAT_ONCE", "INSURANCE_55")
        return StayPart(_line(facts, number, 0, working))
    flat_fen = working.rates[name].count
    working.by("FLAT", name, amount_fen=flat_fen)
    if facts.event.type is EventType.DELIVERY and facts.event.infants > 1:
        more = working.rates["medical.flat.extra_infant"].count * (facts.event.infants - 1)
        working.by("FLAT_INFANTS", "medical.flat.extra_infant", times=facts.event.infants - 1, amount_fen=more)
        flat_fen += more
    costs_fen = sum(other.policy_range_fen for other in facts.stays if not _is_transfer(facts, other, working))
    if facts.kind is not ClaimKind.PROVIDER_SETTLEMENT and costs_fen < flat_fen:
        flat_fen = costs_fen
        working.cite("FLAT_TO_COST", "INSURANCE_55", amount_fen=flat_fen)
    return StayPart(_line(facts, number, flat_fen, working), is_flat=True)


def _ordinary(facts: Facts, stay: Stay, number: int, before: list[StayPart], working: Working) -> StayPart:
    """The ordinary inpatient rules: (policy range - deductible) x rate x out-of-city factor, within the annual cap."""
    scheme, level = _table(facts, stay)
    prefix = f"medical.ordinary.{scheme}"
    deductible = _deductible(facts, prefix, level)
    rate = f"{prefix}.{level}.rate"
    rates = working.rates
    deductible_fen, share = rates[deductible].count, rates[rate].number
    above_fen = max(0, stay.policy_range_fen - deductible_fen)
    working.by("DEDUCTIBLE", deductible, policy_fen=stay.policy_range_fen, deductible_fen=deductible_fen)
    working.by("RATE", rate, percent=percent(share))
    if stay.out_of_city:
        factor = f"medical.ordinary.out_of_city.{stay.out_of_city.lower()}"
        working.by("OUT_OF_CITY", factor, percent=percent(rates[factor].number))
        share *= rates[factor].number
    amount_fen = half_up(above_fen * share)
    working.cite("ORDINARY", "ORDINARY_STAY", above_fen=above_fen, percent=percent(share), amount_fen=amount_fen)
    cap = rates[f"{prefix}.annual_cap"]
    left_fen = max(0, cap.count - facts.paid.fund_fen - sum(part.ordinary_fen for part in before))
    if amount_fen > left_fen:
        amount_fen = left_fen
        working.by("ANNUAL_CAP", cap.name, cap_fen=cap.count, amount_fen=amount_fen)
    line = _line(facts, number, amount_fen, working)
    return StayPart(line, amount_fen, stay.policy_range_fen - amount_fen)


def _table(facts: Facts, stay: Stay) -> tuple[str, str]:
    """Scheme and level as the ordinary rules name them. A township hospital counts as primary for an employee."""
    if facts.insured.category is Category.RESIDENT:
        return "resident", stay.level.lower()
    return "employee", "primary" if stay.level is Level.TOWNSHIP else stay.level.lower()


def _deductible(facts: Facts, prefix: str, level: str) -> str:
    student = facts.insured.student and facts.insured.category is Category.RESIDENT and level != "township"
    return f"{prefix}.student.{level}.deductible" if student else f"{prefix}.{level}.deductible"


def catastrophic(facts: Facts, parts: list[StayPart], law: Law) -> Line | None:
    """Residents' catastrophic insurance (大病保险): bands on her own part of the year, in its own annual cap."""
    added_fen = sum(part.own_fen for part in parts)
    if facts.insured.category is not Category.RESIDENT or not added_fen:
        return None
    working = Working(law.on(event=facts.event.date, discharge=max(stay.discharge for stay in facts.stays)))
    try:
        amount_fen = _catastrophic(facts, added_fen, working)
    except (Unset, NotInForce) as error:
        return unset(error, working, LineKind.CATASTROPHIC)
    if not amount_fen:
        return None
    return Line(LineKind.CATASTROPHIC, State.APPROVED, amount_fen, medical_payee(facts), trace=tuple(working.steps))


def _catastrophic(facts: Facts, added_fen: int, working: Working) -> int:
    before_fen = facts.paid.own_fen
    due = _banded(before_fen + added_fen, working) - _banded(before_fen, working)
    cap = working.rates["medical.catastrophic.resident.annual_cap"]
    amount_fen = min(half_up(due), max(0, cap.count - facts.paid.catastrophic_fen))
    threshold = "medical.catastrophic.resident.bracket_1.threshold"
    working.by("CATASTROPHIC", threshold, own_fen=before_fen + added_fen, amount_fen=amount_fen)
    return amount_fen


def _banded(own_fen: int, working: Working) -> Decimal:
    due, upper = Decimal(0), own_fen
    for bracket in (3, 2, 1):
        node = f"medical.catastrophic.resident.bracket_{bracket}"
        lower = working.rates[f"{node}.threshold"].count
        if upper > lower:
            due += (upper - lower) * working.rates[f"{node}.rate"].number
            upper = lower
    return due
