"""Deciding again because the law changed: a plan of all claims, approved by a second person, then carried out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from services.claims.model.codes import State


class RedeterminationState(StrEnum):
    PLANNING = "PLANNING"  # 试算中
    PLANNED = "PLANNED"  # 待批准
    APPROVED = "APPROVED"  # 执行中
    DONE = "DONE"  # 办结
    CANCELLED = "CANCELLED"  # 取消


OPEN: Final = frozenset({RedeterminationState.PLANNING, RedeterminationState.PLANNED, RedeterminationState.APPROVED})


class Finding(StrEnum):
    """What the law in force makes of a claim that was decided under another."""

    UP = "UP"  # more for somebody, less for nobody
    WAITED = "WAITED"  # it waited for what the authority has set by now, and can be decided
    DOWN = "DOWN"  # less of anything: a person looks
    SAME = "SAME"


class Result(StrEnum):
    """What became of a claim of the plan."""

    DECIDED = "DECIDED"
    ASKED = "ASKED"  # of a person, with both results
    SETTLED = "SETTLED"  # it was voided, corrected or decided since; there is nothing left to do
    FAILED = "FAILED"  # a bug of ours stopped it; nothing was changed


class Place(NamedTuple):
    """Where a claim stands in the order of a redetermination: those of one person one after the other."""

    person: UUID
    claim: UUID


FIRST: Final = Place(UUID(int=0), UUID(int=0))


class Redetermination(NamedTuple):
    """`number` counts its moves and is the etag. `cursor`: the last claim looked at in this state."""

    id: UUID
    law_digest: str
    state: RedeterminationState
    number: int
    cursor: Place
    plan_hash: bytes
    planned_by: str
    begun_at: datetime
    approved_by: str = ""
    cancelled_by: str = ""
    planned_at: datetime | None = None
    approved_at: datetime | None = None
    ended_at: datetime | None = None


class LineDiffers(NamedTuple):
    """A line that comes out otherwise. An outcome is empty where there is no such line."""

    line: str  # as STAY/2
    before: str
    before_fen: int
    after: str
    after_fen: int

    @classmethod
    def from_data(cls, data: Any) -> LineDiffers:
        return cls(*data)


class Difference(NamedTuple):
    """A claim before and after. `up_fen` and `down_fen` are what its lines gain and lose."""

    finding: Finding
    before: State
    after: State
    before_fen: int = 0
    after_fen: int = 0
    up_fen: int = 0
    down_fen: int = 0
    lines: tuple[LineDiffers, ...] = ()


class Item(NamedTuple):
    """A claim of a plan. `determined_version` and `digest`: what was compared, and what it comes to."""

    place: Place
    determined_version: int
    county: str
    difference: Difference
    digest: bytes


class Sum(NamedTuple):
    """What was found in one county."""

    county: str
    finding: Finding
    claims: int
    up_fen: int
    down_fen: int


class Progress(NamedTuple):
    """How many claims the plan has, and what became of how many."""

    planned: int
    done: Mapping[Result, int]


class Shown(NamedTuple):
    """A claim of a plan, and what became of it; None: nothing yet."""

    item: Item
    source: str
    number: str
    result: Result | None
