"""What is on file about a person, as facts of the next claim; and what a decided claim adds to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Final, NamedTuple

from services.claims.model import (
    APPROVING,
    NOTHING_PAID,
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
    Line,
    LineKind,
    Paid,
    Prior,
    PriorKind,
    Programme,
    State,
    Stay,
    Surgery,
    Taken,
)
from services.claims.rules.leave import ends_pregnancy
from services.claims.rules.medical import stay_kind
from services.kit.law import Dated, Law

_STAYS: Final = {LineKind.STAY, LineKind.SURGERY}
_SURGERY: Final = EventType.FAMILY_PLANNING_SURGERY


class History(NamedTuple):
    """What the file adds to the facts of a claim."""

    prior: tuple[Prior, ...] = ()
    paid: Paid = NOTHING_PAID
    items: tuple[Item, ...] = ()
    settled: tuple[str, ...] = ()


_NONE: Final = History()


def history_of(facts: Facts, holds: Collection[Hold], taken: Collection[Taken], law: Law) -> History:
    """What other claims of the same person hold and took, as facts of this one."""
    if not holds and not facts.items and not taken:
        return _NONE
    found = {(one.event_date, one.event_type): one.same_event for one in facts.prior}  # by a reviewer, before
    mine = [hold for hold in holds if hold.benefit in facts.benefits]
    if facts.event.type is _SURGERY:
        mine = _beside_surgery(facts.event, mine)
    told = {
        Prior(
            hold.kind,
            hold.event_date,
            hold.event_type,
            hold.hospital,
            hold.paid_fen,
            found.get((hold.event_date, hold.event_type)),
        )
        for hold in mine
    }
    prior = tuple(sorted(told, key=lambda one: (one.event_date, one.event_type, one.kind, one.hospital, one.paid_fen)))
    if Benefit.MEDICAL not in facts.benefits:
        return History(prior)
    times: Counter[str] = Counter()
    for one in taken:
        if one.account is Account.ITEM:
            times[one.key] += one.amount
    items = tuple([item._replace(times_before=times[_key(item)]) for item in facts.items])
    costs = [one.key for one in taken if one.account is Account.COST]
    settled = tuple([line for line, key in _costs(facts) if _is_settled(key, costs)]) if costs else ()
    return History(prior, _paid(facts, taken, law), items, settled)


def with_history(facts: Facts, holds: Collection[Hold], taken: Collection[Taken], law: Law) -> Facts:
    """The facts with that, in place of what they had of it before."""
    found = history_of(facts, holds, taken, law)
    return facts._replace(prior=found.prior, paid=found.paid, items=found.items, settled=found.settled)


def costs_of(facts: Facts) -> dict[LineKind, int]:
    """How many costs of each kind there are: `settled` names them, as VISIT/1 to VISIT/3."""
    return {stay_kind(facts): len(facts.stays), LineKind.VISIT: len(facts.visits), LineKind.ITEM: len(facts.items)}


def has_room(before: Facts, now: History) -> bool:
    """Whether something of other claims that was decided against is no more: held, taken of a cap, or counted."""
    if not set(before.prior) <= set(now.prior) or any(
        paid < was for was, paid in zip(before.paid, now.paid, strict=True)
    ):
        return True
    if not set(before.settled) <= set(now.settled):
        return True
    return any(item.times_before < was.times_before for was, item in zip(before.items, now.items, strict=False))


def held_by(facts: Facts, determination: Determination, others: Collection[Hold]) -> tuple[Hold, ...]:
    """What a determination holds: each benefit of an event once. A stay after a filed transfer holds nothing.

    An abortion or induction is held as the miscarriage, too, as which it may be claimed again.
    """
    if determination.outcome not in APPROVING:
        return ()
    approved = [line for line in determination.lines if line.outcome is State.APPROVED]
    found = []
    if any(line.kind is LineKind.ALLOWANCE for line in approved):
        found.append(_hold(facts, Benefit.ALLOWANCE, PriorKind.ALLOWANCE_APPROVED))
    if stays := [line for line in approved if line.kind in _STAYS]:
        resident = facts.insured.category is Category.RESIDENT
        kind = PriorKind.RESIDENT_SETTLED if resident else PriorKind.DELIVERY_SETTLED
        hospital, paid_fen = facts.stays[stays[0].number - 1].hospital, sum(line.amount_fen for line in stays)
        found.append(_hold(facts, Benefit.MEDICAL, kind, hospital, paid_fen))
    if ends_pregnancy(facts.event):
        found += [hold._replace(event_type=EventType.MISCARRIAGE, surgery="") for hold in found]
    if not others:
        return tuple(found)
    return tuple(hold for hold in found if not any(_is_same(hold, other) for other in others))


def taken_by(facts: Facts, determination: Determination, law: Law) -> tuple[Taken, ...]:
    """What a determination takes from each account, once for each; where nothing is taken there is no entry."""
    if Benefit.MEDICAL not in facts.benefits or determination.outcome not in APPROVING:
        return ()
    sums: dict[tuple[Account, str], int] = {}
    caps: dict[tuple[Account, str], int] = {}
    for one in _taken(facts, determination, law):
        place = (one.account, one.key)
        sums[place] = sums.get(place, 0) + one.amount
        if one.cap is not None:
            caps[place] = max(caps.get(place, 0), one.cap)
    approved = {f"{line.kind}/{line.number}" for line in determination.lines if line.outcome is State.APPROVED}
    sums |= {(Account.COST, key): 1 for line, key in _costs(facts) if line in approved}
    return tuple(Taken(*place, amount, caps.get(place)) for place, amount in sorted(sums.items()) if amount)


def _beside_surgery(event: Event, holds: list[Hold]) -> list[Hold]:
    """What is held, but for other surgeries of the day: each is an event of its own."""
    if ends_pregnancy(event):
        holds = [_as_surgery(hold) for hold in holds]
    day, same = (event.type, event.date), ("", _surgery(event))
    return [hold for hold in holds if (hold.event_type, hold.event_date) != day or hold.surgery in same]


def _as_surgery(hold: Hold) -> Hold:
    """To an abortion or an induction, a miscarriage of the same day is the same event."""
    return hold._replace(event_type=_SURGERY) if hold.event_type is EventType.MISCARRIAGE else hold


def _surgery(event: Event) -> str:
    """Which of the day's surgeries an event is: an induction is the abortion of its day; what is no surgery is none."""
    if event.type is not _SURGERY:
        return ""
    return Surgery.ABORTION if ends_pregnancy(event) else event.surgery or ""


def _hold(facts: Facts, benefit: Benefit, kind: PriorKind, hospital: str = "", paid_fen: int = 0) -> Hold:
    return Hold(benefit, facts.event.type, facts.event.date, kind, hospital, paid_fen, _surgery(facts.event))


def _is_same(hold: Hold, other: Hold) -> bool:
    """Whether another claim holds the same. A surgery that is not known is taken for the same."""
    known = (hold.benefit, hold.event_type, hold.event_date) == (other.benefit, other.event_type, other.event_date)
    return known and other.surgery in {"", hold.surgery}


def _key(item: Item) -> str:
    """A code may stand on both lists, and only one of them has a limit."""
    return f"{item.programme}/{item.code}"


def _costs(facts: Facts) -> Iterator[tuple[str, str]]:
    """Each cost by its line, with what makes it the same cost under another claim, whatever event that is for.

    A day may have several visits; those of one sum are taken for one.
    """
    kind = stay_kind(facts)
    for number, stay in enumerate(facts.stays, 1):
        yield f"{kind}/{number}", _stay_cost(facts, stay)
    for number, visit in enumerate(facts.visits, 1):
        if visit.provider:
            key = f"VISIT/{visit.provider}/{visit.date}/{visit.policy_range_fen}"
            yield f"{LineKind.VISIT}/{number}", key
    for number, item in enumerate(facts.items, 1):
        if item.provider:
            yield f"{LineKind.ITEM}/{number}", f"ITEM/{item.provider}/{_key(item)}/{item.date}"


def _stay_cost(facts: Facts, stay: Stay) -> str:
    """Nobody enters one hospital twice on a day. A hospital has the rate of each surgery of a stay, whatever that cost;
    what is paid by the bill (paid back, after a transfer, a spouse's share) is the whole stay.
    """
    whole = f"STAY/{stay.hospital}/{stay.admission}"
    by_bill = (
        facts.kind is not ClaimKind.PROVIDER_SETTLEMENT
        or stay.transfer_filed
        or facts.insured.category is Category.SPOUSE_OF_EMPLOYEE
    )
    return whole if by_bill or facts.event.type is not _SURGERY else f"{whole}/{_surgery(facts.event)}"


def _is_settled(key: str, costs: Collection[str]) -> bool:
    """Whether one of these is the cost, the whole it is part of, or a part of it."""
    return any(key == cost or cost.startswith(f"{key}/") or key.startswith(f"{cost}/") for cost in costs)


def _paid(facts: Facts, taken: Iterable[Taken], law: Law) -> Paid:
    window = law.on(event=facts.event.date)["duplicate.window_days"].count
    year = _year(facts)
    sums: Counter[Account] = Counter()
    for one in taken:
        if one.account is Account.ANTENATAL:
            near = abs((date.fromisoformat(one.key) - facts.event.date).days) <= window
            sums[one.account] += one.amount if near else 0
        elif one.key == year:
            sums[one.account] += one.amount
    return Paid(*[sums[account] for account in (Account.ANTENATAL, Account.FUND, Account.OWN, Account.CATASTROPHIC)])


def _year(facts: Facts) -> str:
    """The calendar year a claim's stays count in: that of the last discharge, for all of them."""
    return str(max((stay.discharge for stay in facts.stays), default=facts.event.date).year)


def _taken(facts: Facts, determination: Determination, law: Law) -> Iterator[Taken]:
    year, event = _year(facts), facts.event.date
    for line in determination.lines:
        if line.outcome is not State.APPROVED:
            continue
        match line.kind:
            case LineKind.STAY | LineKind.SURGERY if _is_ordinary(line):
                stay = facts.stays[line.number - 1]
                scheme = "resident" if facts.insured.category is Category.RESIDENT else "employee"
                cap = law.on(event=event, discharge=stay.discharge)[f"medical.ordinary.{scheme}.annual_cap"]
                yield Taken(Account.FUND, year, line.amount_fen, _cap(cap))
                yield Taken(Account.OWN, year, stay.policy_range_fen - line.amount_fen)
            case LineKind.CATASTROPHIC:
                last = max(stay.discharge for stay in facts.stays)
                cap = law.on(event=event, discharge=last)["medical.catastrophic.resident.annual_cap"]
                yield Taken(Account.CATASTROPHIC, year, line.amount_fen, _cap(cap))
            case LineKind.VISIT:
                day = facts.visits[line.number - 1].date
                cap = law.on(event=event, visit=day, discharge=day)["medical.antenatal.cap_per_pregnancy"]
                yield Taken(Account.ANTENATAL, event.isoformat(), line.amount_fen, _cap(cap))
            case LineKind.ITEM:
                item = facts.items[line.number - 1]
                most = law.on(event=event, item=item.date)["art.times_per_item"]
                yield Taken(Account.ITEM, _key(item), 1, _cap(most) if item.programme is Programme.ART else None)
            case _:
                pass


def _is_ordinary(line: Line) -> bool:
    """Whether the ordinary inpatient rules decided a stay: then it counts against the year's cap."""
    return any(step[0] == "ORDINARY" for step in line.trace)


def _cap(value: Dated) -> int | None:
    return value.count if value.is_set else None
