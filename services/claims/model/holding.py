"""What a decided claim holds against every other claim of the person, and what it takes from caps and counts."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from services.claims.model.codes import Benefit, EventType, PriorKind


class Hold(NamedTuple):
    """A benefit of one event, approved under one claim. `kind` is what it is to a later claim."""

    benefit: Benefit
    event_type: EventType
    event_date: date
    kind: PriorKind
    hospital: str = ""
    paid_fen: int = 0
    surgery: str = ""  # which of the day's; what is none has none, nor has one from before it was kept


class Account(StrEnum):
    """What is counted against a cap, or for a rule; the key of its rows beside the person."""

    ANTENATAL = "ANTENATAL"  # fen, by the date of the event: one pregnancy
    FUND = "FUND"  # fen by the ordinary rules, by calendar year
    OWN = "OWN"  # fen of her own part within policy range, by calendar year
    CATASTROPHIC = "CATASTROPHIC"  # fen, by calendar year
    ITEM = "ITEM"  # times, by programme and code
    COST = "COST"  # once, by what was done where and when: one cost is paid under one claim


class Taken(NamedTuple):
    """What one claim takes from one account. `cap` None: none is set, or there is none."""

    account: Account
    key: str
    amount: int
    cap: int | None = None


class Standing(NamedTuple):
    """What one claim that stands holds and takes."""

    claim_id: UUID
    holds: tuple[Hold, ...] = ()
    taken: tuple[Taken, ...] = ()
