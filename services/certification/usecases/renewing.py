"""What an application for an extension or a recertification does to the certificate that it would renew."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from services.certification.model import CertificateState, Fact, Filed, Happening, Kind, Move, State
from services.certification.store import certificates
from services.certification.usecases import booking
from services.certification.usecases.desk import Desk
from services.kit.db import Database, Tx
from services.kit.errors import Refused
from services.kit.messages import reason

_UNDONE: Final = frozenset({Move.DECLINE, Move.WITHDRAW, Move.UPHOLD})
_OPEN: Final = frozenset({Move.SUBMIT, Move.OVERTURN})


async def follow(desk: Desk, tx: Tx, filed: Filed, move: Move) -> None:
    """A submission files that it was applied for; whatever ends it otherwise than by an award decides against it. So
    does a submission, as a new one, of what was returned.
    """
    renews = filed.kind is not Kind.NEW
    ended = move in _UNDONE or (move is Move.EXPIRE and filed.application.state is State.LAPSED)
    ended = ended or (move is Move.SUBMIT and not renews)
    if not filed.scheme or not (ended or (renews and move in _OPEN)):
        return
    if not renews and (await _first(tx, filed)).since is None:
        return
    await certificates.lock_employers(tx, [filed.employer])
    fact = await decided(desk, tx, filed, granted=False) if ended else await _applied(desk, tx, filed)
    if fact.number:
        await booking.book(desk, tx, [fact], f"applications/{filed.id}")


async def decided(desk: Desk, tx: Tx, filed: Filed, *, granted: bool) -> Fact:
    return (await _applied(desk, tx, filed))._replace(until=desk.clock.today(), granted=granted)


async def number_of(tx: Tx, filed: Filed) -> str:
    """Of the certificate that it would renew. Raises Refused where there is none."""
    if not (number := (await _first(tx, filed)).number):
        raise Refused(reason("RENEWAL_NOT_POSSIBLE", "name", certificate="-"))
    return number


async def applied_since(source: Database | Tx, filed: Filed) -> date | None:
    """The day of its first submission as a renewal."""
    return (await _first(source, filed)).since


def about(filed: Filed) -> str:
    return f"application/{filed.id}"


async def _applied(desk: Desk, tx: Tx, filed: Filed) -> Fact:
    """As of the day on which it was first submitted, of the certificate that lived then."""
    first, today = await _first(tx, filed), desk.clock.today()
    source = f"applications/{filed.id}/{filed.number}"
    kind = first.kind if filed.kind is Kind.NEW else filed.kind
    return Fact(
        filed.employer, source, about(filed), filed.number, Happening.RENEWAL, today, kind,
        first.since or filed.submitted_on, number=first.number,
    )  # fmt: skip


class _First(NamedTuple):
    """What was filed with the first submission; before that, which certificate lives."""

    number: str = ""
    since: date | None = None
    kind: Kind = Kind.NEW


async def _first(source: Database | Tx, filed: Filed) -> _First:
    facts = (await certificates.facts(source, [filed.employer])).get(filed.employer, ())
    if mine := [one for one in facts if one.about == about(filed)]:
        first = min(mine, key=lambda one: one.rank)
        return _First(first.number, first.since, Kind(first.code))
    held = await certificates.latest_of(source, filed.employer)
    lives = held and held.now.state in {CertificateState.ACTIVE, CertificateState.SUSPENDED}
    return _First(held.number) if held and lives else _First()
