"""The employer's side: drafts, submission, withdrawal, answers, and a review of the decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from services.certification import rules
from services.certification.model import (
    NOT_ON_FILE,
    Answer,
    Decision,
    Employer,
    Filed,
    Kind,
    Move,
    Scheme,
    Sheet,
    Stated,
)
from services.certification.rules import admission, risk, scoring
from services.certification.rules.applications import Under, moved
from services.certification.rules.periods import assessed
from services.certification.store import applications, file
from services.certification.store.applications import Event
from services.certification.usecases import standing
from services.certification.usecases.desk import Desk
from services.certification.usecases.moving import Asked, done, in_hand, move
from services.kit import auth
from services.kit.db import Database, Tx
from services.kit.errors import Forbidden, Invalid, Refused, unseen
from services.kit.identifiers import uscc_problems
from services.kit.ids import new_id
from services.kit.messages import Reason, reason


class Submission(NamedTuple):
    """What a submission would be: the kind it is taken as, and how it would be decided."""

    kind: Kind
    scheme: Scheme
    employer: Employer
    foreseen: Decision


# What a caller changes of what was stated before.
Change = Callable[[Filed], tuple[Kind, Stated]]


async def create(desk: Desk, tx: Tx, uscc: str, kind: Kind) -> Filed:
    """A draft. Raises Invalid, Forbidden, NotFound, or Refused for a second open one."""
    if problems := uscc_problems(uscc, "parent"):
        raise Invalid(*problems)
    if not auth.current().acts_for(uscc):
        raise Forbidden(reason("AUTH_EMPLOYER_NOT_YOURS", "parent"))
    known = await desk.register.employment(uscc, desk.clock.today())
    if known is None or not auth.current().sees_employer(uscc, known.county):
        raise unseen(reason("EMPLOYER_UNKNOWN", "parent"), is_there=known is not None)
    who = done(desk, Move.SAVE, auth.current().name)
    started = moved(NOT_ON_FILE, who, Under(desk.in_force(), desk.calendar))
    if isinstance(started, Reason):
        raise Refused(started)
    filed = Filed(new_id(), 1, known.id, uscc, known.name, known.county, kind, who.by, started)
    await applications.create(tx, filed, Event(who.move, who.by, who.on, {}), desk.clock.now())
    return filed


async def save(desk: Desk, tx: Tx, asked: Asked, change: Change, answers: Sequence[Answer]) -> Filed:
    """What was stated, as it is from now on; `answers` replace those of their criteria."""
    filed = await in_hand(tx, asked)
    kind, stated = change(filed)
    merged = stated._replace(answers=_merged(filed.stated.answers, answers))
    said = {"criteria": [one.indicator for one in answers]}
    return await move(desk, tx, filed, done(desk, Move.SAVE, asked.actor), said, stated=merged, kind=kind)


async def submit(desk: Desk, tx: Tx, asked: Asked) -> tuple[Filed, Submission]:
    """Pinned to the version in force, or every reason why not."""
    filed = await in_hand(tx, asked)
    found = await _submission(desk, tx, filed)
    await applications.keep_scheme(tx, found.scheme, desk.clock.now())
    pinned = filed._replace(scheme=found.scheme.version, scheme_digest=found.scheme.digest)
    who = done(desk, Move.SUBMIT, asked.actor)
    after = await move(
        desk, tx, pinned, who,
        kind=found.kind, submitted_on=who.on, risk=risk.of(found.foreseen, found.employer, found.kind, found.scheme),
    )  # fmt: skip
    return after, found


async def withdraw(desk: Desk, tx: Tx, asked: Asked) -> Filed:
    return await move(desk, tx, await in_hand(tx, asked), done(desk, Move.WITHDRAW, asked.actor))


async def answer(desk: Desk, tx: Tx, asked: Asked, said: str, answers: Sequence[Answer]) -> Filed:
    """What was asked is answered; what was stated changes in the criteria that were asked about, and no others."""
    filed = await in_hand(tx, asked)
    request = await file.asked(tx, filed.id)
    about = request.criteria if request else ()
    if strange := [one.indicator for one in answers if one.indicator not in about]:
        raise Refused(*[reason("CRITERION_NOT_ASKED", "answers", criterion=one) for one in strange])
    merged = filed.stated._replace(answers=_merged(filed.stated.answers, answers))
    who = done(desk, Move.ANSWER, asked.actor)
    after = await move(desk, tx, filed, who, {"criteria": [one.indicator for one in answers]}, stated=merged)
    await file.answer(tx, filed, said, who.on)
    return after


async def ask_review(desk: Desk, tx: Tx, asked: Asked, ground: str) -> Filed:
    """Others score anew, in a round of their own."""
    filed = await in_hand(tx, asked)
    who = done(desk, Move.ASK_REVIEW, asked.actor)
    return await move(desk, tx, filed, who, {"ground": ground}, round=filed.round + 1, proposed_by="")


async def _submission(desk: Desk, source: Database | Tx, filed: Filed) -> Submission:
    """Raises Refused with everything that stands against it, or Invalid with everything that was not said."""
    scheme, today = desk.in_force(), desk.clock.today()
    if missing := list(_unsaid(filed.stated)):
        raise Invalid(*missing)
    applied_on = await standing.applied_on(desk, source, filed)
    held = await standing.of_employer(desk, source, filed, applied_on)
    known = await desk.register.employment(filed.uscc, today)
    applicant = admission.Applicant(
        filed.uscc,
        is_registered=known is not None and known.is_registered,
        is_in_baoji=known is not None and known.is_in_baoji,
        staffed_since=known.staffed_since if known and known.staffed_since else today,
        consents=filed.stated.consents,
        locked_until=await standing.locked_until(desk, source, filed),
        has_open_application=await applications.has_open(source, filed.employer, filed.id),
    )
    if problems := admission.problems(applicant, scheme, today):
        raise Refused(*map(reason, problems))
    await _held_against_the_registry(desk, filed, assessed(scheme, today, applicant.staffed_since).days[1])
    kind = admission.kind_of(filed.kind, held, scheme, applied_on)
    if kind is None:
        raise Refused(reason("RENEWAL_TOO_EARLY", "name", days=scheme.figures["validity.window"].count))
    stated = filed.stated
    employer = employer_of(stated, scheme)
    sheet = Sheet("", stated.answers)
    return Submission(kind, scheme, employer, rules.foreseen(sheet, employer, kind, scheme))


async def _held_against_the_registry(desk: Desk, filed: Filed, period_end: date) -> None:
    """Size decides by how many points it passes: nobody states fewer staff than were insured at the period's end."""
    known = await desk.register.employment(filed.uscc, period_end)
    if known is not None and filed.stated.staff < known.insured:
        raise Refused(reason("STAFF_BELOW_INSURED", "application.facts.staff", insured=known.insured))


def employer_of(stated: Stated, scheme: Scheme) -> Employer:
    return Employer(scoring.size_of(scheme, stated.staff), stated.staff, stated.women, stated.sector)


def _unsaid(stated: Stated) -> list[Reason]:
    needed = {"facts.staff": stated.staff, "facts.sector": stated.sector}
    found = [reason("FIELD_REQUIRED", f"application.{name}") for name, value in needed.items() if not value]
    if stated.women > stated.staff > 0:
        found.append(reason("FIELD_OUT_OF_RANGE", "application.facts.women", bounds=f"≤ {stated.staff}"))
    return found


def _merged(before: Sequence[Answer], given: Sequence[Answer]) -> tuple[Answer, ...]:
    """One that is given replaces that of its criterion; one without quantities takes it away."""
    found = {one.indicator: one for one in before} | {one.indicator: one for one in given}
    return tuple(one for _, one in sorted(found.items()) if one.quantities)
