"""A version of the crosswalk in memory, and how a code is looked up in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

Confidence = Literal["confirmed", "secondary", "recalled", "design"]
How = Literal["exact", "prefix", "local"]
Disposition = str  # MAPPED, or why a field is ignored

CONFIDENCES: Final[tuple[Confidence, ...]] = ("confirmed", "secondary", "recalled", "design")  # surest first
_SURGERIES: Final = tuple(f"SURGERY_{code}" for code in "123456789")
_LONGEST: Final = 64  # no list of codes has longer ones
# What the codes of each set may become. The mapping knows these words and no others.
TARGETS: Final[Mapping[str, tuple[str, ...] | None]] = {
    "med_type": ("DELIVERY_STAY", "SURGERY_STAY", "ORDINARY_STAY", "NEWBORN", "OUTPATIENT", "OTHER"),
    "matn_type": ("DELIVERY_VAGINAL", "DELIVERY_CAESAREAN", "MISCARRIAGE", "COMBINED", *_SURGERIES),
    "birctrl_type": _SURGERIES,
    "insutype": ("EMPLOYEE", "MATERNITY", "RESIDENT", "OTHER"),
    "division": None,  # a division code
    "oprn_oprt_code": ("CAESAREAN", "VAGINAL"),
    "diag_code": ("SINGLE_VAGINAL", "SINGLE_CAESAREAN", "MULTIPLE", "MISCARRIAGE"),
    "fund_pay_type": ("MATERNITY", "OTHER"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code becomes, how sure that is, and who says so."""

    to: str
    confidence: Confidence
    source: str


@dataclass(frozen=True, slots=True)
class CodeSet:
    codes: Mapping[str, Entry]
    prefixes: Mapping[str, Entry]

    def find(self, code: str) -> tuple[Entry, How] | None:
        """The code itself, or the longest beginning of it that is known."""
        if entry := self.codes.get(code):
            return entry, "exact"
        for length in range(min(len(code), _LONGEST), 0, -1):
            if entry := self.prefixes.get(code[:length]):
                return entry, "prefix"
        return None


@dataclass(frozen=True, slots=True)
class Sender:
    lists: tuple[str, ...]
    whole_totals: bool  # a 3201 of this sender speaks for its whole source


@dataclass(frozen=True, slots=True)
class Limits:
    rounding_fen: int
    unclear_weeks: tuple[int, ...]
    weeks_least: int
    weeks_most: int
    delivery_weeks_least: int


@dataclass(frozen=True, slots=True)
class Found:
    to: str
    how: How
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Crosswalk:
    version: str
    valid_from: date
    sources: Mapping[str, tuple[str, str]]
    sets: Mapping[str, CodeSet]
    lists: Mapping[str, Mapping[str, CodeSet]]
    senders: Mapping[str, Sender]
    limits: Limits
    fields: Mapping[str, Disposition]

    def for_sender(self, source: str) -> Codes:
        """The crosswalk as it reads one sender; a sender it does not name uses the national codes only."""
        return Codes(self, self.senders.get(source, Sender((), whole_totals=False)))


@dataclass(frozen=True, slots=True)
class Codes:
    crosswalk: Crosswalk
    sender: Sender

    def find(self, name: str, code: str) -> Found | None:
        """The national code, else one of the sender's lists, else a known beginning of the code."""
        national = self.crosswalk.sets[name].find(code)
        if national and national[1] == "exact":
            return Found(national[0].to, "exact", national[0].confidence)
        for used in self.sender.lists:
            local = self.crosswalk.lists[used].get(name)
            if local and (found := local.find(code)):
                return Found(found[0].to, "local", found[0].confidence)
        return Found(national[0].to, "prefix", national[0].confidence) if national else None


def choose(versions: Sequence[Crosswalk], day: date) -> Crosswalk | None:
    """The version in force on a day; `versions` are in order of their first days."""
    return next((one for one in reversed(versions) if one.valid_from <= day), None)
