"""What is done with a certificate after its award: by its holder, and by the authority."""

from __future__ import annotations

from datetime import date

from services.certification.model import Certificate, Fact, Happening, Proposed, Report, Suspension
from services.certification.rules import yearly
from services.certification.rules.happened import BY_TWO_PERSONS
from services.certification.store import reports
from services.certification.usecases.desk import Desk
from services.certification.usecases.holding import Asked, alive, happened, in_hand, life
from services.kit import auth
from services.kit.db import Tx
from services.kit.errors import Forbidden, Invalid, Refused
from services.kit.messages import reason

# --- the holder -------------------------------------------------------------------------------------------------------


async def report(desk: Desk, tx: Tx, asked: Asked, given: Report) -> Certificate:
    """Filed, to be checked. Raises Refused with everything that stands against it."""
    one = await _own(desk, tx, asked)
    known, _ = await life(tx, one)
    filed = given._replace(number=one.number, filed_on=desk.clock.today(), filed_by=asked.actor)
    if problems := yearly.problems(filed, known, desk.schemes[one.scheme], filed.filed_on):
        raise Refused(*problems)
    made = await reports.file(tx, filed)
    in_time = yearly.is_in_time(made, desk.schemes[one.scheme])
    found = [_reported(one, asked, made, 0, made.filed_on)] if in_time else []
    return await happened(desk, tx, one, found, asked.actor)


async def surrender(desk: Desk, tx: Tx, asked: Asked) -> Certificate:
    one = await _own(desk, tx, asked)
    today = desk.clock.today()
    return await happened(desk, tx, one, [_fact(one, asked, Happening.SURRENDER, "surrender", today)], asked.actor)


# --- the authority ----------------------------------------------------------------------------------------------------


async def check(desk: Desk, tx: Tx, asked: Asked, due_on: date, *, in_order: bool, said: str) -> Certificate:
    """By another than who filed it. In order, it counts from the day on which it came if that was in time, else from
    today on; not in order, it never counted.
    """
    one = await in_hand(tx, asked)
    if not in_order and not said:
        raise Invalid(reason("FIELD_REQUIRED", "said"))
    waiting = await reports.waiting(tx, one.number, due_on)
    if waiting is None:
        raise Refused(reason("REPORT_NOT_WAITING", "due_date", day=due_on))
    today = desk.clock.today()
    await reports.check(tx, waiting._replace(in_order=in_order, checked_on=today, said=said), asked.actor)
    counts = waiting.filed_on if yearly.is_in_time(waiting, desk.schemes[one.scheme]) else today
    fact = _reported(one, asked, waiting, 1, counts if in_order else None)
    return await happened(desk, tx, one, [fact], asked.actor)


async def suspend(desk: Desk, tx: Tx, asked: Asked, why: Suspension, document: str) -> Certificate:
    one = await in_hand(tx, asked)
    await alive(desk, tx, one)
    if await _open(tx, one, why):
        raise Refused(reason("SUSPENSION_ALREADY", "suspension", code=why))
    about = f"office/{why}/{one.version}"
    fact = _fact(one, asked, Happening.SUSPENSION, about, desk.clock.today())
    return await happened(desk, tx, one, [fact._replace(code=why, document=document)], asked.actor)


async def reinstate(desk: Desk, tx: Tx, asked: Asked, why: Suspension, document: str) -> Certificate:
    """What a person began; what an authority states to the registry ends by its own word."""
    one = await in_hand(tx, asked)
    await alive(desk, tx, one)
    if not (begun := await _open(tx, one, why)):
        raise Refused(reason("SUSPENSION_NOT_OPEN", "suspension", code=why))
    today = desk.clock.today()
    ended = begun._replace(
        source=f"{begun.about}/ended", rank=begun.rank + 1, until=today, recorded_on=today, document=document,
        actor=asked.actor,
    )  # fmt: skip
    return await happened(desk, tx, one, [ended], asked.actor)


async def revoke(desk: Desk, tx: Tx, asked: Asked, wanted: Proposed) -> Certificate:
    """From the day of the decision on. False data is proposed first, and revoked by a second person who says the same;
    who proposed it may word it anew.

    Raises Refused for the same person, for another word, and for one that has ended.
    """
    one = await in_hand(tx, asked)
    await alive(desk, tx, one)
    today = desk.clock.today()
    if not one.awarded_on <= wanted.on <= today:
        raise Invalid(reason("FIELD_OUT_OF_RANGE", "date", bounds=f"≥ {one.awarded_on}, ≤ {today}"))
    if wanted.veto in BY_TWO_PERSONS:
        first = await reports.propose(tx, one.number, wanted)
        if first is None:
            return await happened(desk, tx, one, (), asked.actor)
        if first.proposed_by == asked.actor:
            raise Refused(reason("REVOCATION_SECOND_PERSON", "name"))
        if first[:3] != wanted[:3]:
            raise Refused(reason("REVOCATION_DIFFERS", "document", day=first.on, document=first.document))
        await reports.agree(tx, one.number, wanted.veto, asked.actor)
    fact = _fact(one, asked, Happening.VETO, f"office/veto/{wanted.veto}", wanted.on)
    veto = fact._replace(code=wanted.veto, document=wanted.document)
    return await happened(desk, tx, one, [veto], asked.actor)


async def _own(desk: Desk, tx: Tx, asked: Asked) -> Certificate:
    """Raises Forbidden for another's, Refused for one that has ended."""
    one = await in_hand(tx, asked)
    if not auth.current().acts_for(one.uscc):
        raise Forbidden(reason("AUTH_EMPLOYER_NOT_YOURS", "name"))
    await alive(desk, tx, one)
    return one


async def _open(tx: Tx, one: Certificate, why: Suspension) -> Fact | None:
    """The suspension that a person began and nobody has ended."""
    _, facts = await life(tx, one)
    mine = [fact for fact in facts if fact.about.startswith(f"{one.number}/office/{why}/")]
    latest = {fact.about: fact for fact in sorted(mine, key=lambda fact: fact.rank)}
    return next((fact for fact in latest.values() if fact.until is None), None)


def _reported(one: Certificate, asked: Asked, report: Report, rank: int, counts: date | None) -> Fact:
    """What a report counts from, until more is known of it; None: it does not."""
    about = f"report/{report.due_on}/{report.attempt}"
    fact = _fact(one, asked, Happening.REPORT, about, report.filed_on)
    return fact._replace(source=f"{fact.source}/{rank}", rank=rank, since=counts)


def _fact(one: Certificate, asked: Asked, happening: Happening, about: str, on: date) -> Fact:
    """About this certificate, and for good unless more is told about the same."""
    mine = f"{one.number}/{about}"
    return Fact(one.employer, mine, mine, 1, happening, on, since=on, number=one.number, actor=asked.actor)
