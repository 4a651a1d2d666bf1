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
from deploy.demo.stories import Arrival
from services.kit.member_key import member_key

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
        tuple(employer.record for employer in office.employers.values),
        tuple(office.persons),
        tuple(office.late_persons),
        tuple(_submission(arrival) for arrival in arrivals),
    )


def counts(submissions: Iterable[Submission]) -> dict[str, int]:
    """How many of each truth, most first."""
    return dict(Counter(submission.truth for submission in submissions).most_common())


def _submission(arrival: Arrival) -> Submission:
    """A sender keys by the number of its member's card, so a slip in the claim does not move her to another key."""
    return Submission(arrival.source, member_key(arrival.person), arrival.value, arrival.truth)
