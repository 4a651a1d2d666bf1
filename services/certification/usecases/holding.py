"""A certificate in hand: locked, in scope, as it was read; and as it is answered, with all that hangs on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from services.certification.model import Certificate, Fact, Life, Proposed, Report, Span
from services.certification.model.moves import CERTIFICATE_ENDS
from services.certification.rules.happened import life_of
from services.certification.store import certificates, reports
from services.certification.usecases import booking
from services.certification.usecases.desk import Desk
from services.kit import auth
from services.kit.db import Database, Tx
from services.kit.errors import Invalid, Refused, Stale, unseen
from services.kit.messages import reason


class Asked(NamedTuple):
    """Which certificate, as it was read, and who acts."""

    number: str
    etag: str
    actor: str


class OnFile(NamedTuple):
    """`spans`: its history up to `as_of`, at least one."""

    certificate: Certificate
    as_of: date
    spans: Sequence[Span]
    reports: Sequence[Report] = ()
    proposed: Sequence[Proposed] = ()


def number_of(name: str) -> str:
    return name.removeprefix("certificates/")


def asked(request: Any) -> Asked:
    return Asked(number_of(request.name), request.etag, auth.current().name)


async def found(source: Database | Tx, number: str) -> Certificate:
    """Raises NotFound, in the same words for one that is not there and for one that is another's."""
    one = await certificates.by_number(source, number)
    if one is None or not auth.current().sees_employer(one.uscc, one.county):
        raise unseen(reason("NOT_FOUND", "name", name=f"certificates/{number}"), is_there=one is not None)
    return one


async def in_hand(tx: Tx, asked: Asked) -> Certificate:
    """Raises NotFound, or Stale if it has changed since it was read."""
    employer = (await found(tx, asked.number)).employer
    await certificates.lock_employers(tx, [employer])
    one = next(each for each in await certificates.of_employers(tx, [employer]) if each.number == asked.number)
    if asked.etag != str(one.version):
        raise Stale(reason("CERTIFICATE_CHANGED", "etag", state=one.now.state, etag=one.version))
    return one


async def alive(desk: Desk, source: Database | Tx, one: Certificate) -> None:
    """Raises Refused for one that has ended by today."""
    spans = await certificates.history(source, one.number, desk.clock.today())
    if spans[-1].state in CERTIFICATE_ENDS:
        raise Refused(reason("CERTIFICATE_NOT_IN_FORCE", "name", state=spans[-1].state))


async def life(source: Database | Tx, one: Certificate) -> tuple[Life, Sequence[Fact]]:
    """What happened to it, and by which facts."""
    known = (await certificates.facts(source, [one.employer])).get(one.employer, ())
    mine = [fact for fact in known if fact.number in {"", one.number}]
    return life_of(one.awarded_on, mine), mine


async def happened(desk: Desk, tx: Tx, one: Certificate, facts: Sequence[Fact], actor: str) -> Certificate:
    """Booked, and its etag moved on."""
    if facts:
        held = await booking.book(desk, tx, facts, actor, {one.number})
    else:
        held = await booking.look_again(desk, tx, [one.employer], actor, {one.number})
    return held[one.number]


async def whole(desk: Desk, source: Database | Tx, one: Certificate, as_of: date | None = None) -> OnFile:
    """Raises Invalid for a day to come, or before the award."""
    day = as_of or desk.clock.today()
    if day > desk.clock.today():
        raise Invalid(reason("DATE_IN_FUTURE", "as_of", last=desk.clock.today()))
    if day < one.awarded_on:
        raise Invalid(reason("CERTIFICATE_NOT_YET", "as_of", day=one.awarded_on))
    return OnFile(
        one,
        day,
        await certificates.history(source, one.number, day),
        await reports.of(source, one.number),
        await reports.proposals(source, one.number),
    )
