"""Claims of every category and kind, as facts; the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

from services.claims.model import (
    Benefit,
    Category,
    ClaimKind,
    DeliveryMode,
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
    Stay,
    Surgery,
    Visit,
)
from services.kit.dates import month_of

FIRST_DAY, DAYS = date(2025, 1, 1), 600
_CATEGORIES = {
    Category.EMPLOYEE: 60,
    Category.RESIDENT: 15,
    Category.FLEXIBLE: 10,
    Category.SPOUSE_OF_EMPLOYEE: 7,
    Category.UNEMPLOYMENT_BENEFIT: 5,
    Category.UNINSURED_EMPLOYEE: 3,
}
_EVENTS = {EventType.DELIVERY: 85, EventType.MISCARRIAGE: 9, EventType.FAMILY_PLANNING_SURGERY: 6}
_ASKED = (
    (ClaimKind.ALLOWANCE, (Benefit.ALLOWANCE,)),
    (ClaimKind.PROVIDER_SETTLEMENT, (Benefit.MEDICAL,)),
    (ClaimKind.PROVIDER_SETTLEMENT, (Benefit.MEDICAL, Benefit.ALLOWANCE)),
    (ClaimKind.REIMBURSEMENT, (Benefit.MEDICAL,)),
)


def mixed(count: int, seed: int = 1) -> Iterator[Facts]:
    """In the order of their days, as claims come."""
    draw = random.Random(seed)
    for number in range(count):
        yield _facts(draw, FIRST_DAY + timedelta(days=number * DAYS // count))


def _facts(draw: random.Random, day: date) -> Facts:
    event = _event(draw, day)
    kind, benefits = draw.choice(_ASKED)
    medical = Benefit.MEDICAL in benefits
    until = month_of(day) - draw.choice((0, 0, 0, 1, 2))
    return Facts(
        decision_date=day + timedelta(days=draw.randrange(10, 200)),
        event=event,
        insured=Insured(
            draw.choices(list(_CATEGORIES), list(_CATEGORIES.values()))[0],
            ((until - draw.choice((5, 11, 20, 40, 80)), until),),
            ((until - 3, day - timedelta(days=60)),) if draw.random() < 0.05 else (),
            draw.choice((None, 520_000, 640_050, 810_000)),
            student=draw.random() < 0.02,
        ),
        kind=kind,
        benefits=benefits,
        employer_wages=((day.year - 1, draw.randrange(350_000, 1_500_000)),) if draw.random() < 0.95 else (),
        employer_bases=((day.year - 1, draw.randrange(350_000, 1_200_000)),),
        father=Father(leave_requested=True, living_apart=draw.random() < 0.3) if draw.random() < 0.2 else None,
        stays=_stays(draw, day) if medical else (),
        visits=_visits(draw, day) if medical and draw.random() < 0.4 else (),
        items=_items(draw, day) if medical and draw.random() < 0.15 else (),
        prior=(Prior(draw.choice(list(PriorKind)), day - timedelta(days=draw.choice((0, 90, 700)))),)
        if draw.random() < 0.05
        else (),
        paid=Paid(own_fen=draw.randrange(2_000_000)) if draw.random() < 0.1 else Paid(),
    )


def _event(draw: random.Random, day: date) -> Event:
    match draw.choices(list(_EVENTS), list(_EVENTS.values()))[0]:
        case EventType.DELIVERY:
            return Event(
                EventType.DELIVERY,
                day,
                draw.choice(list(DeliveryMode)),
                draw.random() < 0.1,
                draw.choice((1, 1, 1, 1, 1, 1, 2)),
                draw.choice((1, 1, 2, 2, 3)),
                prepregnancy_check=draw.random() < 0.5,
            )
        case EventType.MISCARRIAGE:
            return Event(EventType.MISCARRIAGE, day, gestation_days=draw.choice((None, 60, 100, 130, 200)))
        case _:
            surgery = draw.choice(list(Surgery))
            return Event(EventType.FAMILY_PLANNING_SURGERY, day, surgery=surgery, gestation_days=70)


def _stays(draw: random.Random, day: date) -> tuple[Stay, ...]:
    first = Stay(
        f"H{draw.randrange(40):03d}",
        draw.choice(list(Level)),
        day - timedelta(days=1),
        day + timedelta(days=draw.randrange(2, 7)),
        draw.randrange(200_000, 2_500_000),
        out_of_city=draw.choice(list(OutOfCity)) if draw.random() < 0.1 else None,
    )
    if draw.random() < 0.9:
        return (first,)
    return (first, Stay("H100", Level.TERTIARY, first.discharge, first.discharge + timedelta(days=4), 900_000, True))


def _visits(draw: random.Random, day: date) -> tuple[Visit, ...]:
    return tuple(
        Visit(day - timedelta(days=30 * n), draw.randrange(5_000, 60_000)) for n in range(draw.randrange(1, 6), 0, -1)
    )


def _items(draw: random.Random, day: date) -> tuple[Item, ...]:
    return tuple(
        Item(draw.choice(list(Programme)), f"IT{draw.randrange(9)}", day, draw.randrange(20_000, 400_000))
        for _ in range(draw.randrange(1, 3))
    )
