"""The public format of facts (docs/cases.md), read into the model: the same reader for files and for gRPC.

Facts that can be read but cannot be are the rules' word (FACT_OUT_OF_RANGE).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from services.claims import rules
from services.claims.model import (
    NOT_REVIEWED,
    NOTHING_PAID,
    Benefit,
    Category,
    ClaimKind,
    DeliveryMode,
    DenyReason,
    Event,
    EventType,
    Facts,
    Father,
    Insured,
    Item,
    Level,
    OutOfCity,
    Paid,
    Prior,
    PriorKind,
    Programme,
    Reviewed,
    Stay,
    Surgery,
    Visit,
)
from services.claims.wire.content import stays_overlap
from services.kit.errors import Invalid
from services.kit.given import Given, fitted, stated
from services.kit.messages import Reason, few, reason
from services.kit.scalars import Day, Fen, Flag, Month, Span, Text, Unfit, Whole, Year, code


class EventGiven(Given):
    type: Annotated[EventType, code(EventType)]
    date: Day
    delivery_mode: Annotated[DeliveryMode, code(DeliveryMode)] | None = None
    dystocia: Flag = False
    infants: Whole = 1
    birth_order: Whole | None = None
    gestation_days: Whole | None = None
    surgery: Annotated[Surgery, code(Surgery)] | None = None
    prepregnancy_check: Flag = False
    registered: Flag = True
    third_child: Flag | None = None


class InsuredGiven(Given):
    category: Annotated[Category, code(Category)]
    own_monthly_wage_fen: Fen | None = None
    paid_months: tuple[Span, ...] | None = None
    back_paid: dict[Month, Day] = Field(default_factory=dict)
    student: Flag = False


class EmployerGiven(Given):
    average_monthly_wage_fen: dict[Year, Fen] = Field(default_factory=dict)
    average_contribution_base_fen: dict[Year, Fen] = Field(default_factory=dict)


class FatherGiven(Given):
    leave_requested: Flag
    living_apart: Flag = False


class StayGiven(Given):
    hospital: Text = ""
    level: Annotated[Level, code(Level)]
    admission_date: Day
    discharge_date: Day
    policy_range_fen: Fen
    transfer_filed: Flag = False
    out_of_city: Annotated[OutOfCity, code(OutOfCity)] | None = None


class VisitGiven(Given):
    date: Day
    policy_range_fen: Fen


class ItemGiven(Given):
    programme: Annotated[Programme, code(Programme)]
    code: Text
    date: Day
    policy_range_fen: Fen
    times_before: Whole = 0
    out_of_city: Flag = False


class PriorGiven(Given):
    kind: Annotated[PriorKind, code(PriorKind)]
    hospital: Text = ""
    event_date: Day
    event_type: Annotated[EventType, code(EventType)] = EventType.DELIVERY
    paid_fen: Fen = 0
    same_event: Flag | None = None


class PaidGiven(Given):
    antenatal_fen: Fen = 0
    fund_fen: Fen = 0
    own_fen: Fen = 0
    catastrophic_fen: Fen = 0


class ReviewedGiven(Given):
    employer_confirmed: Flag = False
    denied: Annotated[DenyReason, code(DenyReason)] | None = None


def _some(benefits: tuple[Benefit, ...]) -> tuple[Benefit, ...]:
    """Who asks for nothing is not decided."""
    if not benefits:
        raise Unfit("FACT_MISSING")
    return benefits


class FactsGiven(Given):
    """The facts by the names of the public format."""

    decision_date: Day
    kind: Annotated[ClaimKind, code(ClaimKind)] = ClaimKind.PROVIDER_SETTLEMENT
    benefits: Annotated[tuple[Annotated[Benefit, code(Benefit)], ...], AfterValidator(_some)] = tuple(Benefit)
    event: EventGiven
    insured: InsuredGiven
    employer: EmployerGiven = EmployerGiven()
    father: FatherGiven | None = None
    stays: tuple[StayGiven, ...] = ()
    visits: tuple[VisitGiven, ...] = ()
    items: tuple[ItemGiven, ...] = ()
    prior: tuple[PriorGiven, ...] = ()
    paid: PaidGiven = PaidGiven()
    reviewed: ReviewedGiven = ReviewedGiven()
    settled: tuple[Text, ...] = ()


def read(content: object, at: str = "") -> Facts:
    """The facts under the path `at`. Raises Invalid with a coded, located reason for everything that does not fit.

    Stays that lie over each other are refused here as by the intake, for the rules take them for one confinement; so is
    a settled cost that is none of those given, for the rules would pass it over.
    """
    given = fitted(FactsGiven, stated(content), at)
    facts, under = _facts(given), f"{at}." if at else ""
    days = [(stay.hospital, stay.admission, stay.discharge) for stay in facts.stays]
    if problems := [*stays_overlap(days, f"{under}stays"), *_not_among_costs(facts, f"{under}settled")]:
        raise Invalid(*few(problems))
    return facts


def _not_among_costs(facts: Facts, path: str) -> Iterator[Reason]:
    if not facts.settled:
        return
    costs = {kind: count for kind, count in rules.costs_of(facts).items() if count}
    lines = {f"{kind}/{number}" for kind, count in costs.items() for number in range(1, count + 1)}
    known = ", ".join(f"{kind}/1..{count}" if count > 1 else f"{kind}/1" for kind, count in costs.items())
    for place, line in enumerate(facts.settled):
        if line not in lines:
            yield reason("FACT_NO_COST", f"{path}[{place}]", known=f"[{known}]")


def _facts(given: FactsGiven) -> Facts:
    return Facts(
        given.decision_date,
        _event(given.event),
        Insured(
            given.insured.category,
            given.insured.paid_months,
            tuple(sorted(given.insured.back_paid.items())),
            given.insured.own_monthly_wage_fen,
            given.insured.student,
        ),
        given.kind,
        given.benefits,
        tuple(sorted(given.employer.average_monthly_wage_fen.items())),
        tuple(sorted(given.employer.average_contribution_base_fen.items())),
        Father(given.father.leave_requested, given.father.living_apart) if given.father else None,
        tuple(_stay(stay) for stay in given.stays),
        tuple(Visit(visit.date, visit.policy_range_fen) for visit in given.visits),
        tuple(Item(**dict(item)) for item in given.items),
        tuple(Prior(**dict(prior)) for prior in given.prior),
        Paid(**dict(given.paid)) if given.paid != PaidGiven() else NOTHING_PAID,
        Reviewed(**dict(given.reviewed)) if given.reviewed != ReviewedGiven() else NOT_REVIEWED,
        given.settled,
    )


def _event(given: EventGiven) -> Event:
    stated = dict(given)
    return Event(mode=stated.pop("delivery_mode"), **stated)


def _stay(given: StayGiven) -> Stay:
    stated = dict(given)
    return Stay(admission=stated.pop("admission_date"), discharge=stated.pop("discharge_date"), **stated)
