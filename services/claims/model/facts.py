"""What a determination rests on besides the law. Tuples, for replay makes millions of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple, TypeVar

from services.claims.model.codes import (
    Benefit,
    Category,
    ClaimKind,
    DeliveryMode,
    DenyReason,
    EventType,
    Level,
    OutOfCity,
    PriorKind,
    Programme,
    Surgery,
)

T = TypeVar("T")


class Event(NamedTuple):
    """The pregnancy event a claim hangs on. None: not stated, and no rule may need it."""

    type: EventType
    date: date
    mode: DeliveryMode | None = None
    dystocia: bool = False
    infants: int = 1
    birth_order: int | None = None  # of this birth
    gestation_days: int | None = None
    surgery: Surgery | None = None
    prepregnancy_check: bool = False
    registered: bool = True  # 生育登记; asked only where the city requires it
    third_child: bool | None = None  # a reviewer's finding, where only the infants of this birth make three children


class Insured(NamedTuple):
    """Her coverage as the registry knew it. Months are year * 12 + month - 1; spans have both ends in.

    A month in `back_paid` counts by its day of payment, whether or not a span holds it. `paid_months` None: not stated.
    """

    category: Category
    paid_months: tuple[tuple[int, int], ...] | None = None
    back_paid: tuple[tuple[int, date], ...] = ()
    own_monthly_wage_fen: int | None = None
    student: bool = False  # students and children have deductibles of their own in the residents' scheme


class Father(NamedTuple):
    leave_requested: bool
    living_apart: bool = False  # 异地


class Stay(NamedTuple):
    """An inpatient stay (住院). The level is the register's, never the sender's."""

    hospital: str
    level: Level
    admission: date
    discharge: date
    policy_range_fen: int
    transfer_filed: bool = False
    out_of_city: OutOfCity | None = None


class Visit(NamedTuple):
    """An antenatal visit (产前检查)."""

    date: date
    policy_range_fen: int
    provider: str = ""


class Item(NamedTuple):
    """An item of labour analgesia or assisted reproduction. `times_before`: paid for her before this claim."""

    programme: Programme
    code: str
    date: date
    policy_range_fen: int
    times_before: int = 0
    out_of_city: bool = False
    provider: str = ""


class Prior(NamedTuple):
    kind: PriorKind
    event_date: date
    event_type: EventType = EventType.DELIVERY
    hospital: str = ""
    paid_fen: int = 0
    same_event: bool | None = None  # a reviewer's finding about an event near this one


class Paid(NamedTuple):
    """What was paid before this claim, against caps. Fen."""

    antenatal_fen: int = 0  # in this pregnancy
    fund_fen: int = 0  # by the ordinary rules, in the year
    own_fen: int = 0  # her own part within policy range, in the year
    catastrophic_fen: int = 0  # in the year


NOTHING_PAID: Final = Paid()


class Reviewed(NamedTuple):
    """What a reviewer found that no other fact tells."""

    employer_confirmed: bool = False  # the employer named is hers, though another pays the contributions
    denied: DenyReason | None = None


NOT_REVIEWED: Final = Reviewed()

_NO_DEFAULT: Final = object()
_FIELDS: Final = {
    kind: tuple([(name, kind._field_defaults.get(name, _NO_DEFAULT)) for name in kind._fields])
    for kind in (Event, Insured, Father, Stay, Visit, Item, Prior, Paid, Reviewed)
}


class Facts(NamedTuple):
    """Everything a determination rests on besides the law. Stored with it; enough to decide again."""

    decision_date: date
    event: Event
    insured: Insured
    kind: ClaimKind = ClaimKind.PROVIDER_SETTLEMENT
    benefits: tuple[Benefit, ...] = (Benefit.MEDICAL, Benefit.ALLOWANCE)
    employer_wages: tuple[tuple[int, int], ...] = ()  # calendar year, average monthly wage in fen
    employer_bases: tuple[tuple[int, int], ...] = ()  # calendar year, average monthly contribution base in fen
    father: Father | None = None
    stays: tuple[Stay, ...] = ()
    visits: tuple[Visit, ...] = ()
    items: tuple[Item, ...] = ()
    prior: tuple[Prior, ...] = ()
    paid: Paid = NOTHING_PAID
    reviewed: Reviewed = NOT_REVIEWED
    settled: tuple[str, ...] = ()  # lines, as VISIT/2, whose very cost was paid under another claim

    def as_data(self) -> dict[str, Any]:
        """The facts as canonical JSON takes them. What was not stated, or stands at its default, is left out."""
        data: dict[str, Any] = {
            "decision_date": self.decision_date,
            "kind": self.kind,
            "benefits": self.benefits,
            "event": _told(self.event),
            "insured": _told(self.insured),
        }
        for name in ("employer_wages", "employer_bases"):
            if years := getattr(self, name):
                data[name] = years
        for name in ("stays", "visits", "items", "prior"):
            if given := getattr(self, name):
                data[name] = [_told(one) for one in given]
        if self.father:
            data["father"] = _told(self.father)
        if self.paid != NOTHING_PAID:
            data["paid"] = _told(self.paid)
        if self.reviewed != NOT_REVIEWED:
            data["reviewed"] = _told(self.reviewed)
        if self.settled:
            data["settled"] = self.settled
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Facts:
        """The facts as they were stored."""
        father, paid, reviewed = data.get("father"), data.get("paid"), data.get("reviewed")
        return cls(
            date.fromisoformat(data["decision_date"]),
            _event(**data["event"]),
            _insured(**data["insured"]),
            _KIND[data["kind"]],
            tuple([_BENEFIT[benefit] for benefit in data["benefits"]]),
            _pairs(data.get("employer_wages")),
            _pairs(data.get("employer_bases")),
            Father(**father) if father else None,
            _each(_stay, data.get("stays")),
            _each(_visit, data.get("visits")),
            _each(_item, data.get("items")),
            _each(_prior, data.get("prior")),
            Paid(**paid) if paid else NOTHING_PAID,
            _reviewed(**reviewed) if reviewed else NOT_REVIEWED,
            tuple(data.get("settled", ())),
        )


# A look-up in a dict is a third of the cost of calling the enum.
_KIND: Final = {kind.value: kind for kind in ClaimKind}
_BENEFIT: Final = {benefit.value: benefit for benefit in Benefit}
_CATEGORY: Final = {category.value: category for category in Category}
_EVENT_TYPE: Final = {kind.value: kind for kind in EventType}
_MODE: Final = {mode.value: mode for mode in DeliveryMode}
_LEVEL: Final = {level.value: level for level in Level}
_PROGRAMME: Final = {programme.value: programme for programme in Programme}


def _told(one: Any) -> dict[str, Any]:
    """A tuple's fields by name, but those at their default."""
    return {
        name: value
        for (name, default), value in zip(_FIELDS[type(one)], one, strict=True)
        if value is not default and value != default
    }


def _each(make: Callable[..., T], given: Iterable[Mapping[str, Any]] | None) -> tuple[T, ...]:
    return tuple([make(**one) for one in given]) if given else ()


def _pairs(raw: Iterable[Sequence[int]] | None) -> tuple[tuple[int, int], ...]:
    return tuple([(first, second) for first, second in raw]) if raw else ()


def _event(*, type: str, date: str, mode: str | None = None, surgery: str | None = None, **rest: Any) -> Event:  # noqa: A002
    return Event(
        _EVENT_TYPE[type],
        _day(date),
        _MODE[mode] if mode else None,
        surgery=Surgery(surgery) if surgery else None,
        **rest,
    )


def _insured(
    *, category: str, paid_months: Any = None, back_paid: Iterable[Sequence[Any]] = (), **rest: Any
) -> Insured:
    return Insured(
        _CATEGORY[category],
        None if paid_months is None else _pairs(paid_months),
        tuple([(month, _day(paid_on)) for month, paid_on in back_paid]) if back_paid else (),
        **rest,
    )


def _stay(  # called by name
    hospital: str, level: str, admission: str, discharge: str, out_of_city: str | None = None, **rest: Any
) -> Stay:
    return Stay(
        hospital,
        _LEVEL[level],
        _day(admission),
        _day(discharge),
        out_of_city=OutOfCity(out_of_city) if out_of_city else None,
        **rest,
    )


def _visit(date: str, policy_range_fen: int, provider: str = "") -> Visit:
    return Visit(_day(date), policy_range_fen, provider)


def _item(*, programme: str, date: str, **rest: Any) -> Item:
    return Item(programme=_PROGRAMME[programme], date=_day(date), **rest)


def _prior(*, kind: str, event_date: str, event_type: str = "DELIVERY", **rest: Any) -> Prior:
    return Prior(PriorKind(kind), _day(event_date), _EVENT_TYPE[event_type], **rest)


def _reviewed(*, employer_confirmed: bool = False, denied: str | None = None) -> Reviewed:
    return Reviewed(employer_confirmed, DenyReason(denied) if denied else None)


_day: Final = date.fromisoformat
