"""Facts and laws drawn at random, mostly near to where the answers change. The same seed draws the same."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any, Final

from hypothesis import strategies as st

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
from services.claims.rules import LAW
from services.kit.dates import month_end, month_of
from tests.builders import HOSPITAL, OTHER_HOSPITAL, law_with

_ALL: Final = tuple(Category)
_CATEGORIES: Final = (*(Category.EMPLOYEE,) * 12, *(Category.FLEXIBLE,) * 4, *_ALL)
_EVENTS: Final = (*(EventType.DELIVERY,) * 8, EventType.MISCARRIAGE, EventType.FAMILY_PLANNING_SURGERY)
_MODES: Final = tuple(DeliveryMode)
_SURGERIES: Final = tuple(Surgery)
_LEVELS: Final = tuple(Level)
_AMOUNTS: Final = (0, 1, 15_000, 30_000, 40_000, 60_000, 150_000, 500_000, 1_000_000, 5_000_000, 20_000_000)
_PAID_BEFORE: Final = (0, 0, 0, 900_000, 4_900_000, 12_950_000, 13_000_000, 29_990_000, 34_950_000)


def some_law(random: Random) -> dict[str, Any]:
    """What a city may set about the allowance."""
    pick = random.choice
    return {
        "allowance.fund_days.local60": pick((True, False)),
        "allowance.min_continuous_months": pick((0, 1, 6, 9, 12, 13)),
        "allowance.backpay_grace_months": pick((0, 1, 3, 6)),
        "allowance.divisor": pick((30, 31, Decimal("30.4"), 365)),
        "allowance.divisor_months": pick((1, 1, 12)),
        "allowance.base.cap_monthly": pick((None, 700_000, 2_325_000)),
        "allowance.base.floor_monthly": pick((None, 300_000, 465_000)),
        "allowance.base_source": pick(("UNIT_AVG_WAGE", "UNIT_AVG_WAGE", "UNIT_AVG_CONTRIB_BASE")),
        "allowance.flex.base_monthly": pick((465_000, 465_001, 500_017)),
        "duplicate.window_days": pick((0, 30, 150)),
        "payee.direct_person_from": date(2025, 9, 1) + timedelta(days=random.randrange(-400, 400)),
    }


def some_medical_law(random: Random) -> dict[str, Any]:
    """What a city may set about medical cost; some of it nobody set."""
    pick = random.choice
    modes = ("POLICY_FULL", "FLAT", "ORDINARY")
    return {
        "medical.delivery.mode": pick(modes),
        "medical.resident.delivery.mode": pick(("ORDINARY", *modes)),
        "medical.flat.vaginal": pick((None, 300_000, 300_000)),
        "medical.flat.caesarean": pick((None, 450_000, 450_000)),
        "medical.flat.extra_infant": pick((None, 50_000, 50_000)),
        "medical.fp.ABORT": pick((None, 80_000, 80_000)),
        "medical.fp.INDUCE": 150_000,
        "medical.spouse.pct": pick((Decimal("0.5"), Decimal("0.333"))),
        "medical.antenatal.cap_per_pregnancy": pick((None, 100_000, 200_000)),
        "art.items": pick((None, ("ART01", "ART02"))),
        "labour_analgesia.item": pick((None, True, False)),
        "labour_analgesia.pct": pick((None, Decimal("0.8"))),
        "policy.require_registration": pick((False, False, False, True)),
    }


def some_event(random: Random) -> Event:
    day = date(2022, 5, 25) + timedelta(days=random.randrange(1_600))
    kind = random.choice(_EVENTS)
    gestation = random.choice((None, 0, 110, 111, 112, 113, 200))
    if kind is EventType.MISCARRIAGE:
        return Event(kind, day, gestation_days=gestation)
    if kind is EventType.FAMILY_PLANNING_SURGERY:
        return Event(kind, day, surgery=random.choice(_SURGERIES), gestation_days=gestation)
    return Event(
        kind,
        day,
        random.choice(_MODES),
        random.random() < 0.2,
        random.choice((1, 1, 1, 2, 3)),
        random.choice((1, 1, 2, 3, 4)),
        prepregnancy_check=random.random() < 0.3,
    )


def some_insured(random: Random, event: date) -> Insured:
    """Spans with gaps, overlaps and neighbours; gaps paid back in time and late, some inside a span."""
    event_month = month_of(event)
    paid, cursor = [], event_month + random.randrange(-2, 4)
    while random.random() < 0.8:
        first = cursor - random.randrange(18)
        paid.append((first, cursor))
        cursor = first - random.choice((0, 1, 1, 2, 3))
    missed = {m for (_, after), (before, _) in pairwise(sorted(paid)) for m in range(after + 1, before)}
    missed |= {event_month - random.randrange(14), event_month - random.randrange(3)}
    late = [(m, month_end(m) + timedelta(days=random.randrange(1, 220))) for m in missed if random.random() < 0.7]
    if late and random.random() < 0.2:  # paid in two parts
        late.append((late[0][0], late[0][1] + timedelta(days=random.randrange(-60, 60))))
    random.shuffle(paid)
    return Insured(
        random.choice(_CATEGORIES),
        tuple(paid),
        tuple(late),
        random.choice((None, random.randrange(2_000_000), random.randrange(2_000_000))),
        random.random() < 0.1,
    )


def some_prior(random: Random, event: Event) -> Prior:
    apart = random.choice((0, 0, 29, 30, 31, 149, 150, 151, random.randrange(1, 400))) * random.choice((-1, 1))
    kind = event.type if random.random() < 0.8 else random.choice(_EVENTS)
    return Prior(random.choice(tuple(PriorKind)), event.date + timedelta(days=apart), kind, HOSPITAL, 300_000)


def some_facts(random: Random) -> Facts:
    """An allowance alone, or with medical cost that has no bill."""
    event = some_event(random)
    wages, bases = (
        tuple(
            (year, random.randrange(200_000, 3_000_000))
            for year in range(event.date.year - 2, event.date.year + 1)
            if random.random() < 0.9
        )
        for _ in range(2)
    )
    return Facts(
        event.date + timedelta(days=random.randrange(400)),
        event,
        some_insured(random, event.date),
        ClaimKind.ALLOWANCE,
        (Benefit.ALLOWANCE,),
        wages,
        bases,
        prior=tuple(some_prior(random, event) for _ in range(random.choice((0, 0, 0, 0, 0, 0, 1, 2)))),
    )


def some_claim(random: Random) -> Facts:
    """Anything there is: stays, visits, items, what was paid before, the father."""
    given = some_facts(random)
    day = given.event.date
    benefits = random.choice(((Benefit.MEDICAL,), (Benefit.MEDICAL, Benefit.ALLOWANCE), (Benefit.ALLOWANCE,)))
    return given._replace(
        event=given.event._replace(registered=random.random() < 0.9),
        kind=random.choice(tuple(ClaimKind)),
        benefits=benefits,
        father=random.choice((None, Father(random.random() < 0.8, random.random() < 0.5))),
        stays=tuple(_stay(random, day) for _ in range(random.choice((0, 1, 1, 2, 3)))),
        visits=tuple(
            Visit(day - timedelta(days=random.randrange(200)), random.choice(_AMOUNTS[:8]))
            for _ in range(random.choice((0, 0, 1, 3)))
        ),
        items=tuple(_item(random, day) for _ in range(random.choice((0, 0, 1, 3)))),
        paid=Paid(*(random.choice(_PAID_BEFORE) for _ in range(4))),
    )


def _stay(random: Random, event: date) -> Stay:
    admission = event + timedelta(days=random.randrange(-3, 4))
    return Stay(
        random.choice((HOSPITAL, OTHER_HOSPITAL)),
        random.choice(_LEVELS),
        admission,
        admission + timedelta(days=random.randrange(12)),
        random.choice(_AMOUNTS) + random.choice((0, 0, 1, 7, 99_999)),
        random.random() < 0.3,
        random.choice((None, None, None, *OutOfCity)),
    )


def _item(random: Random, event: date) -> Item:
    return Item(
        random.choice(tuple(Programme)),
        random.choice(("ART01", "ART02", "LA01")),
        event - timedelta(days=random.randrange(200)),
        random.choice(_AMOUNTS[:8]),
        random.choice((0, 0, 1, 2, 3)),
        random.random() < 0.2,
    )


# --- for hypothesis --------------------------------------------------------------------------------------------------

seeds = st.integers(0, 2**48)
any_facts = seeds.map(lambda seed: some_facts(Random(seed)))
any_claim = seeds.map(lambda seed: some_claim(Random(seed)))
LAWS: Final = [law_with(some_law(Random(seed)) | some_medical_law(Random(seed))) for seed in range(30)] + [LAW]
any_law = st.integers(0, len(LAWS) - 1)  # by its number, for a law is long to print
