"""Moving a review: lock, look whether it still stands as it was read, move, say so. Each request once.

Locks are taken in the order of the intake, persons before claims before reviews, so that nobody waits in a circle.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from cradle.claims.v1 import review_pb2
from google.protobuf.message import Message

from services.claims import store
from services.claims.model import Claim, State, refusal
from services.claims.model import Move as ClaimMove
from services.claims.model.review import (
    APPEAL,
    COMPARED,
    CORRECTION_RETURNED,
    QUALITY_SAMPLE,
    SUPERVISED,
    TABLE,
    Entry,
    Move,
    PendReason,
    ReturnReason,
    Review,
    allowed,
    note_context,
)
from services.claims.store import Change, Waiting, reviews
from services.claims.store.reviews import Listed
from services.claims.usecases import appealing, erasing, queueing, telling
from services.claims.usecases.batch import Terms
from services.claims.usecases.office import Office
from services.claims.usecases.ordering import ordered
from services.claims.wire import out
from services.claims.wire import review as wire
from services.kit import auth
from services.kit.db import Database, Tx
from services.kit.errors import Conflict, Invalid, Refused, Stale, unseen
from services.kit.ids import read_id
from services.kit.messages import Reason, reason
from services.kit.naming import id_named

AnswerT = TypeVar("AnswerT", bound=Message)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where reviews are moved: the office and its database."""

    office: Office
    database: Database


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of one person about one review, and the digest of all it says."""

    actor: str
    review_id: UUID
    etag: str
    request_id: str
    note: str
    digest: bytes


@dataclass(slots=True)
class Case:
    """A review in hand: locked with its claim, and as it stands after each move."""

    tx: Tx
    office: Office
    asked: Asked
    terms: Terms
    review: Review
    claim: Claim

    def answer(self) -> review_pb2.Review:
        return wire.review_to_proto(self.review, self.claim.source, self.claim.number, self.claim.county)


def asked(office: Office, actor: str, request: Any) -> Asked:
    """What a request says about itself."""
    move, digest = request.move, office.sealer.digest(request.SerializeToString(deterministic=True))
    return Asked(actor, id_named(move.name, "reviews", "move.name"), move.etag, move.request_id, move.note, digest)


async def found(database: Database, review_id: UUID) -> Listed:
    """A review in the scope of who asks; of another's nobody learns that it is there."""
    listed = await reviews.review_by_id(database, review_id)
    if listed is None or not auth.current().sees(source=listed.source, county=listed.county):
        raise unseen(reason("NOT_FOUND", "name", name=f"reviews/{review_id}"), is_there=listed is not None)
    return listed


async def once(desk: Desk, one: Asked, act: Callable[[Case], Awaitable[AnswerT]], kind: type[AnswerT]) -> AnswerT:
    """Do it in one transaction; a request sent again is answered with its first answer."""
    listed = await found(desk.database, one.review_id)
    async with desk.database.transaction() as tx:
        case = await _in_hand(desk.office, tx, one, listed)
        if before := await _before(tx, one):
            return kind.FromString(before)
        await _fresh(case)
        await erasing.may_note(tx, case.claim, one.note, "move.note")
        answer = await act(case)
        if one.request_id:
            kept, now = answer.SerializeToString(), case.terms.now
            await reviews.keep_answer(tx, one.actor, one.request_id, one.digest, answer=kept, now=now)
        return answer


async def _in_hand(office: Office, tx: Tx, one: Asked, listed: Listed) -> Case:
    numbers = {(listed.source, listed.number)}
    await store.lock_persons(tx, {who for who in (listed.person, listed.husband) if who})
    claim = (await store.load_claims(tx, numbers))[listed.source, listed.number]
    if (claim.person, claim.husband) != (listed.person, listed.husband):
        raise Conflict("the claim got another person meanwhile")
    return Case(tx, office, one, office.terms(), await reviews.locked(tx, one.review_id), claim)


async def _before(tx: Tx, one: Asked) -> bytes | None:
    before = await reviews.answered(tx, one.actor, one.request_id) if one.request_id else None
    if before is None:
        return None
    digest, answer = before
    if digest != one.digest:
        raise Invalid(reason("REQUEST_ID_REUSED", "move.request_id"))
    return answer


async def _fresh(case: Case) -> None:
    """Refuse a move on what has changed since it was read, and say what has."""
    if case.asked.etag == str(case.review.number):
        return
    read = int(case.asked.etag) if case.asked.etag.isdecimal() else 0
    moves = await reviews.history(case.tx, case.review.id, read)
    changes = "; ".join(f"{entry.move} {entry.actor}" for entry in moves[-5:])
    raise Stale(reason("REVIEW_CHANGED", "move.etag", changes=changes or "-", etag=case.review.number))


# --- one move --------------------------------------------------------------------------------------------------------


async def step(case: Case, move: Move, *, code: str = "", content: str = "", **changes: Any) -> None:
    """Make a move, and write it down. What a state alone holds is dropped when the state is left."""
    leads, review = TABLE[move], case.review
    if review.state not in leads.since:
        moves = ", ".join(allowed(review.state)) or "-"
        raise Refused(reason("REVIEW_MOVE_NOT_ALLOWED", move=move, state=review.state, allowed=moves))
    if leads.to is not None:
        review = replace(review, pend_reason=None, proposer="", proposal="")
    number = review.number + 1
    case.review = replace(
        review,
        state=leads.to or review.state,
        outcome=leads.outcome,
        number=number,
        updated_at=case.terms.now,
        **changes,
    )
    note = case.asked.note.encode()
    sealed = case.office.sealer.seal(note, note_context(review.id, number)) if note else None
    entry = Entry(number, case.terms.now, case.asked.actor, move, code, sealed, content)
    await reviews.move(case.tx, case.review, entry)


def is_hers(case: Case) -> None:
    """Who decides has taken it first, so that two do not work on one question unknowing."""
    if case.review.assignee != case.asked.actor:
        holder = case.review.assignee
        raise Refused(reason("REVIEW_HELD", holder=holder) if holder else reason("REVIEW_NOT_TAKEN"))


async def take(case: Case) -> review_pb2.Review:
    if case.review.assignee not in {"", case.asked.actor}:
        raise Refused(reason("REVIEW_HELD", holder=case.review.assignee))
    if case.review.proposer == case.asked.actor:
        raise Refused(reason("SECOND_PERSON_NEEDED"))
    if case.review.reason == QUALITY_SAMPLE and case.asked.actor in await reviews.deciders(case.tx, case.claim.id):
        raise Refused(reason("SECOND_LOOK_BY_ANOTHER"))
    if case.review.reason == APPEAL:
        await appealing.is_another(case.tx, case.review, case.asked.actor)
    await step(case, Move.TAKEN, assignee=case.asked.actor)
    return case.answer()


async def leave(case: Case) -> review_pb2.Review:
    """Anybody may put a review back, for whoever holds it may be ill; the history tells who did."""
    await step(case, Move.LEFT, assignee="")
    return case.answer()


async def pend(case: Case, why: PendReason) -> review_pb2.Review:
    """Papers that are awaited are asked of the sender; an investigation is nobody's business yet."""
    is_hers(case)
    await step(case, Move.PENDED, code=why, pend_reason=why)
    if why is PendReason.AWAITING_DOCUMENTS and case.claim.state is State.PENDED:
        (known,) = await store.of_claims(case.tx, [case.claim.id])
        waiting = Waiting(known.waits, known.facts, known.due_on) if known.waits else None
        change = Change(changed(case, State.PENDED), waiting=waiting)
        await settle(case, change, [reason(why)], known.known_at)  # nothing was looked up
    return case.answer()


async def release(case: Case) -> review_pb2.Review:
    is_hers(case)
    await step(case, Move.RELEASED)
    return case.answer()


_TOLD: Final = {
    ReturnReason.DOCUMENTS_MISSING: "RETURN_DOCUMENTS_MISSING",
    ReturnReason.STATED_WRONGLY: "RETURN_STATED_WRONGLY",
    ReturnReason.EMPLOYER_WRONG: "RETURN_EMPLOYER_WRONG",
    ReturnReason.DOCUMENTS_NOT_SENT: "RETURN_DOCUMENTS_NOT_SENT",
}


async def give_back(case: Case, why: Sequence[ReturnReason]) -> review_pb2.Review:
    """退回补正: the sender sends it again, corrected, under the same number."""
    is_hers(case)
    _is_no_appeal(case)
    _may(case, ClaimMove.RETURN)
    await step(case, Move.RETURNED, code=",".join(why))
    await settle(case, Change(changed(case, State.RETURNED)), [reason(_TOLD[code]) for code in why])
    if case.claim.payment is not None:  # its sender called wrong what stands, and nothing else will look at it again
        await reviews.open_reviews(case.tx, [queueing.ask_decided(case.claim, CORRECTION_RETURNED, case.terms)])
    return case.answer()


async def withdraw(case: Case) -> review_pb2.Review:
    """撤回: only what was never determined; later, what was determined is taken back by its sender's void."""
    is_hers(case)
    _is_no_appeal(case)
    _may(case, ClaimMove.WITHDRAW)
    if await reviews.was_determined(case.tx, case.claim.id):
        raise Refused(reason("WITHDRAW_TOO_LATE"))
    await step(case, Move.WITHDRAWN)
    await settle(case, Change(changed(case, State.WITHDRAWN)), [reason("WITHDRAWN_BY_CLAIMANT")])
    return case.answer()


def _is_no_appeal(case: Case) -> None:
    if case.review.reason == APPEAL:
        raise Refused(reason("APPEAL_ONLY_DECIDED"))


def _may(case: Case, move: ClaimMove) -> None:
    if refused := refusal(case.claim.state, move, ""):
        raise Refused(refused)


# --- what becomes of the claim ---------------------------------------------------------------------------------------


async def settle(case: Case, change: Change, reasons: Sequence[Reason], known_at: datetime | None = None) -> None:
    """The claim's next version: written, told to its sender and to everyone.

    What else was asked about it is closed, and what it leaves to a person now is asked.
    """
    terms, tx = case.terms, case.tx
    orders = await store.load_orders(tx, [case.claim.id])
    change = ordered(change, orders.get(case.claim.id, {}), terms)
    claim = case.claim = change.claim
    await store.save_changes(tx, [change], terms.ground(known_at or terms.now))
    await reviews.supersede(tx, [claim.id], terms.now, but=case.review.id)
    asked = queueing.questions_of(change, [given.code for given in reasons], terms)
    if case.review.reason in COMPARED:  # a person has just looked whether it is asked for twice
        asked = [one for one in asked if one.reason not in SUPERVISED]
    await reviews.open_reviews(tx, asked)
    receipt, place = out.later_receipt(claim, reasons, change.determination, terms.now), _place(case)
    tx.emit(telling.receipt_event(read_id(receipt.receipt_id), receipt, place, terms.now))
    telling.tell(tx, change, [reason.code for reason in reasons], place, terms)
    tx.after_commit(partial(telling.count_paid, [change]))


def changed(case: Case, state: State) -> Claim:
    """The claim's next version, in this state."""
    return case.claim._replace(version=case.claim.version + 1, state=state, updated_at=case.terms.now)


def _place(case: Case) -> str:
    return f"reviews/{case.review.id}/{case.review.number}"
