"""Claims for the allowance as a broker would receive them: sound ones, corrections, and dirt with its name on it."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from cradle.registry.v1 import service_pb2 as registry_pb2

from deploy.demo import city, stories
from deploy.demo.stories import Arrival

# Published on purpose: it only keeps a member number from being read off a record's key, and every sender must arrive
# at the same key for the same woman, or her submissions would lie in different partitions.
MEMBER_KEY_SECRET: Final = b"cradle.claims.intake.v1.member"

NO_DIRT: Final = frozenset({stories.CLEAN, stories.CORRECTION, stories.OTHER_CATEGORY})


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
        tuple(_submission(arrival) for arrival in arrivals),
    )


def counts(submissions: Iterable[Submission]) -> dict[str, int]:
    """How many of each truth, most first."""
    return dict(Counter(submission.truth for submission in submissions).most_common())


def member_key(member_number: str) -> bytes:
    """The record key of whatever is sent about a member: HMAC-SHA256 of her number, its first 16 bytes."""
    return hmac.digest(MEMBER_KEY_SECRET, member_number.encode(), hashlib.sha256)[:16]


def _submission(arrival: Arrival) -> Submission:
    return Submission(arrival.source, member_key(arrival.member_number), arrival.value, arrival.truth)
