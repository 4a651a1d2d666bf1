"""What is known to have happened, as the life of one certificate. The order in which it was heard does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final

from services.certification.model import Fact, Happening, Kind, Life, Renewal, Suspended, Suspension, Veto

# 欠缴超过30日: on the first day of arrears it is one day, so it is more than 30 from the 30th day after.
ARREARS_AFTER: Final = timedelta(days=30)
BY_TWO_PERSONS: Final = frozenset({Veto.FALSE_DATA})  # 两名评审员 and a hearing, by the proof that the scheme asks for


def life_of(awarded_on: date, facts: Iterable[Fact]) -> Life:
    """Of the facts about this certificate and about its holder. What was over before the award is none of it."""
    known = sorted(facts, key=lambda one: (one.rank, one.source))
    latest = list({one.about: one for one in known}.values())

    def of(happening: Happening) -> Iterator[tuple[Fact, date]]:
        for one in latest:
            if one.happening is happening and one.since:
                yield one, one.since

    spans = [Suspended(Suspension(one.code), since, one.until) for one, since in of(Happening.SUSPENSION)]
    spans += _arrears([one for one in known if one.happening is Happening.ARREARS])
    return Life(
        awarded_on,
        tuple(sorted(day for _, day in of(Happening.REPORT))),
        tuple(
            sorted(
                (Renewal(Kind(one.code), day, one.until, one.granted) for one, day in of(Happening.RENEWAL)),
                key=lambda one: (one.applied_on, one.kind),
            )
        ),
        tuple(
            sorted(
                ((Veto(one.code), day) for one, day in of(Happening.VETO) if day >= awarded_on),
                key=lambda one: (one[1], one[0]),
            )
        ),
        tuple(sorted(_within(spans, awarded_on), key=lambda one: (one.since, one.why, one.until or date.max))),
        min((day for _, day in of(Happening.SURRENDER)), default=None),
        min((day for _, day in of(Happening.SUPERSEDED)), default=None),
    )


def _arrears(told: list[Fact]) -> list[Suspended]:
    """Each word on arrears stands until the next one, which may say the same again."""
    found: list[Suspended] = []
    for number, one in enumerate(told):
        if one.since is None:
            continue
        until = next((later.recorded_on for later in told[number + 1 :] if later.since != one.since), None)
        if not found or (found[-1].since, found[-1].until) != (one.since + ARREARS_AFTER, until):
            found.append(Suspended(Suspension.ARREARS, one.since + ARREARS_AFTER, until))
    return found


def _within(spans: Iterable[Suspended], awarded_on: date) -> Iterator[Suspended]:
    for one in spans:
        since = max(one.since, awarded_on)
        if one.until is None or one.until > since:
            yield one._replace(since=since)
