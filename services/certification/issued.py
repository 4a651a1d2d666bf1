"""What a certificate says, and what is answered to whoever asks whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, assert_never

from services.kit.messages import Language, Reason, reason


@dataclass(frozen=True, slots=True)
class Office:
    """Who issues, in both languages."""

    zh: str
    en: str

    def name(self, language: Language) -> str:
        return self.zh if language is Language.ZH else self.en


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate as its paper, its credential and the public page show it. No person stands in it."""

    number: str
    employer: str
    uscc: str
    scheme: str  # id and version, as pinned by the application: baoji-family-friendly/1
    awarded_on: date
    valid_to: date  # the last day
    office: Office
    tier: str = ""  # "": the scheme has no tiers


class Outcome(StrEnum):
    VALID = "VALID"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"  # ended for good before its day: revoked, surrendered or superseded
    EXPIRED = "EXPIRED"
    INVALID = "INVALID"  # not ours, altered, or not to be confirmed


@dataclass(frozen=True, slots=True)
class Verification:
    """`issued` is there whenever the certificate is known to be ours, and never with INVALID."""

    outcome: Outcome
    checked_at: datetime
    reasons: tuple[Reason, ...] = ()
    issued: Issued | None = None


Found = Literal[Outcome.VALID, Outcome.SUSPENDED, Outcome.REVOKED, Outcome.EXPIRED]


def known(outcome: Found, issued: Issued, now: datetime) -> Verification:
    """The certificate is ours, and stands so."""
    match outcome:
        case Outcome.VALID:
            why = reason("CERTIFICATE_HOLDS")
        case Outcome.SUSPENDED:
            why = reason("CERTIFICATE_SUSPENDED")
        case Outcome.REVOKED:
            why = reason("CERTIFICATE_ENDED")
        case Outcome.EXPIRED:
            why = reason("CERTIFICATE_EXPIRED", day=issued.valid_to)
        case _:
            assert_never(outcome)
    return Verification(outcome, now, (why,), issued)


def unconfirmed(why: Reason, now: datetime) -> Verification:
    return Verification(Outcome.INVALID, now, (why,))


def unknown(now: datetime) -> Verification:
    """There is no certificate of the number asked for."""
    return unconfirmed(reason("CERTIFICATE_UNKNOWN", "number"), now)
