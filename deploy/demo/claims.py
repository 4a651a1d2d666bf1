"""Claims of every kind as a broker would receive them: sound ones, corrections, and dirt with its name on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from cradle.registry.v1 import service_pb2 as registry_pb2

from deploy.demo import city, stories
from deploy.demo.figures import Hospital
from deploy.demo.stories import Arrival
from services.kit.dates import to_proto
from services.kit.member_key import member_key

_SINCE: Final = date(2020, 1, 1)  # before the first event that the law held decides
NO_DIRT: Final = frozenset(
    {
        stories.CLEAN,
        stories.CORRECTION,
        stories.OTHER_CATEGORY,
        stories.MEDICAL,
        stories.VOID,
        stories.LATE,
        stories.MISCARRIAGE,
        stories.SURGERY,
    }
)


@dataclass(frozen=True, slots=True)
class Submission:
    """One record of an intake topic; `truth` names its dirt, or says that it has none (`NO_DIRT`)."""

    source: str
    key: bytes
    value: bytes
    truth: str


@dataclass(frozen=True, slots=True)
class City:
    providers: tuple[registry_pb2.ProviderRecord, ...]
    employers: tuple[registry_pb2.EmployerRecord, ...]
    persons: tuple[registry_pb2.PersonRecord, ...]
    late_persons: tuple[registry_pb2.PersonRecord, ...]  # reported only after their claims were answered
    submissions: tuple[Submission, ...]


def generate(seed: int, count: int, today: date, dirt: str = "realistic") -> City:
    """A city with exactly `count` submissions, in the order they came. `dirt` names a profile of `city.yaml`.

    The order holds within a source; sources are different topics, so nothing is promised between them.
    """
    figures = city.load()
    rng = Random(seed)  # noqa: S311  # test data wants to be repeatable
    office = stories.open_office(rng, figures, count, today, figures.dirt.profiles[dirt])
    arrivals: list[Arrival] = []
    while len(arrivals) < count:
        arrivals += stories.story(rng, office)
    del arrivals[count:]
    arrivals.sort(key=lambda arrival: arrival.at)  # stable: what follows another at the same instant still follows it
    return City(
        tuple(_provider(hospital) for hospital in (*figures.hospitals, *figures.hospitals_outside)),
        tuple(employer.record for employer in office.employers.values),
        tuple(office.persons),
        tuple(office.late_persons),
        tuple(_submission(arrival) for arrival in arrivals),
    )


def _provider(hospital: Hospital) -> registry_pb2.ProviderRecord:
    """Under contract, at its level, since before the first claim."""
    level = registry_pb2.ProviderLevel.Value(f"PROVIDER_LEVEL_{hospital.level}")
    contract = registry_pb2.ContractSpan(level=level, first_day=to_proto(_SINCE))
    return registry_pb2.ProviderRecord(
        code=hospital.code, name=hospital.name, county=hospital.area, contracts=[contract]
    )


def counts(submissions: Iterable[Submission]) -> dict[str, int]:
    """How many of each truth, most first."""
    return dict(Counter(submission.truth for submission in submissions).most_common())


def _submission(arrival: Arrival) -> Submission:
    """A sender keys by the number of its member's card, so a slip in the claim does not move her to another key."""
    return Submission(arrival.source, member_key(arrival.person), arrival.value, arrival.truth)
