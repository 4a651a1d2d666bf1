"""Answering a review. Nobody types an amount: the law decides again, from the facts with what the reviewer found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

import orjson
from cradle.claims.v1 import review_pb2

from services.claims import rules, store
from services.claims.model import Coverage, Determination, Facts, ReceiptStatus, State, Submission
from services.claims.model.codes import DenyReason
from services.claims.model.review import (
    QUALITY_ERROR,
    QUALITY_SAMPLE,
    DisagreeReason,
    ErrorReason,
    Move,
    Proposal,
    Supplement,
)
from services.claims.store import reviews
from services.claims.usecases import queueing, taking_in
from services.claims.usecases.reviewing import Asked, Case, Desk, is_hers, settle, step
from services.claims.usecases.reviewing import found as found_review
from services.claims.usecases.taking_in import OnFile
from services.claims.wire import out
from services.claims.wire import review as wire
from services.kit.errors import Conflict, Invalid, Refused
from services.kit.law import canonical
from services.kit.messages import reason
from services.kit.parking import Message


@dataclass(frozen=True, slots=True)
class Looked:
    """What is decided upon, looked up outside any transaction: a claim that waits is read again as it was sent, and
    its coverage asked for again; one that was determined has its facts.
    """

    version: int  # of the claim it was looked up for
    known_at: datetime
    submission: Submission | None = None
    coverage: Coverage | None = None
    facts: Facts | None = None


class People(NamedTuple):
    """Who decided. `needed`: the law asks for the second."""

    first: str
    second: str | None = None
    needed: bool = False


async def decide(
    case: Case, looked: Looked, found: Supplement, denied: DenyReason | None
) -> review_pb2.AnswerReviewResponse:
    """Decide alone, or propose to a second person what is above the amount or risk for one."""
    is_hers(case)
    decided = await _decided(case, looked, found, denied)
    terms, actor = case.terms, case.asked.actor
    needed = rules.review.needs_second(decided[1], case.review.risk, terms.law, terms.today)
    made = Proposal(found, denied, canonical(decided[1].as_data()), terms.today, terms.law.digest)
    if needed:
        content = canonical(made.as_data())
        changes = {"proposer": actor, "proposal": content, "assignee": ""}
        await step(case, Move.PROPOSED, code=denied or "", content=content, **changes)
    else:
        await _settle(case, looked, decided, made, People(actor))
    return _answer(case, decided[1], needed=needed)


async def agree(case: Case, looked: Looked) -> review_pb2.AnswerReviewResponse:
    """The second person agrees to what was proposed, which must still come out the same."""
    is_hers(case)
    if not case.review.proposal:
        raise Refused(reason("NOTHING_PROPOSED"))
    proposal, people = wire.proposal_of(case.review), People(case.review.proposer, case.asked.actor, needed=True)
    decided = await _decided(case, looked, proposal.supplement, proposal.denied)
    if _gist(decided[1]) != _gist(Determination.from_data(orjson.loads(proposal.result))):
        raise Refused(reason("PROPOSAL_OUTDATED"))
    await _settle(case, looked, decided, proposal, people)
    return _answer(case, decided[1], needed=True)


async def disagree(case: Case, why: DisagreeReason) -> review_pb2.AnswerReviewResponse:
    is_hers(case)
    await step(case, Move.DISAGREED, code=why, assignee="")
    return _answer(case)


async def stand(case: Case) -> review_pb2.AnswerReviewResponse:
    """What was determined stands. What waits was not determined, so it cannot."""
    is_hers(case)
    if case.claim.state is State.PENDED:
        raise Refused(reason("NOTHING_STANDS"))
    await step(case, Move.STOOD)
    return _answer(case)


async def error_found(case: Case, why: ErrorReason) -> review_pb2.AnswerReviewResponse:
    """A sampled claim is wrong: that is told of the sample, and a review of the claim begins."""
    is_hers(case)
    if case.review.reason != QUALITY_SAMPLE:
        raise Refused(reason("NOT_A_SAMPLE"))
    await step(case, Move.ERROR_FOUND, code=why)
    claim, now = case.claim, case.terms.now
    asked = queueing.ask(
        claim.id, claim.version, case.review.kind, QUALITY_ERROR, claim.received_at, case.terms.law, now
    )
    await reviews.open_reviews(case.tx, [asked])
    return _answer(case)


async def foresee(
    case: Case, looked: Looked, found: Supplement, denied: DenyReason | None
) -> review_pb2.AnswerReviewResponse:
    """What a decision would come to; nothing is changed."""
    _, determination = await _decided(case, looked, found, denied)
    needed = rules.review.needs_second(determination, case.review.risk, case.terms.law, case.terms.today)
    return _answer(case, determination, needed=needed)


# --- deciding --------------------------------------------------------------------------------------------------------


async def look_up(desk: Desk, listed: reviews.Listed) -> Looked:
    """Everything that takes a network or a reading, before the transaction."""
    claim = await store.claim_by_id(desk.database, listed.review.claim_id)
    if claim is None:
        raise Conflict("a review of no claim")
    if claim.state is State.PENDED:
        sent = await reviews.waiting_submission(desk.database, claim.id)
        if sent is None:
            raise Conflict("the claim was settled meanwhile")
        prepared = await taking_in.prepare(desk.office, [_message(desk, *sent)])
        (received,) = prepared.received
        coverage = prepared.coverage.get(received.position)
        return Looked(claim.version, prepared.known_at, received.submission, coverage)
    recorded = await store.recorded(desk.database, claim.id, claim.revision)
    facts = recorded.facts_again() if recorded else None
    return Looked(claim.version, desk.office.clock.now(), facts=facts)


def _message(desk: Desk, position: str, sealed: bytes) -> Message:
    topic, partition, offset = position.rsplit("/", 2)
    value = desk.office.sealer.open(sealed, position.encode())
    return Message(topic, int(partition), int(offset), None, value, 0)


async def _decided(
    case: Case, looked: Looked, found: Supplement, denied: DenyReason | None
) -> tuple[Facts, Determination]:
    """The law's word on the facts as supplemented. What still waits is told with what it waits for."""
    if case.claim.version != looked.version:
        raise Conflict("the claim changed meanwhile")
    stated = await _stated(case, looked, found, denied)
    rates = case.terms.law.on(event=stated.event.date, decision=case.terms.today)
    if names := rules.reviewed.unasked(stated, found, rates):
        raise Refused(*[reason("FINDING_NOT_ASKED", f"decide.{name}") for name in names])
    facts = rules.reviewed.lay_over(stated, found, rates)
    if denied:
        facts = facts._replace(reviewed=facts.reviewed._replace(denied=denied))
    determination = rules.decide(facts, case.terms.law)
    if determination.outcome in {State.PENDED, State.ERROR}:
        raise Refused(reason("STILL_WAITS", "decide", reasons=", ".join(determination.reasons)))
    return facts, determination


async def _stated(case: Case, looked: Looked, found: Supplement, denied: DenyReason | None) -> Facts:
    if looked.facts is not None:
        return looked.facts._replace(decision_date=case.terms.today)
    if looked.submission is None or looked.coverage is None or looked.coverage.person != case.claim.person:
        raise Refused(reason("STILL_WAITS", "decide", reasons="PERSON_UNKNOWN"))
    waits = taking_in.waits(looked.coverage)
    if waits and not denied and not (waits.code == "EMPLOYER_MISMATCH" and found.employer_confirmed):
        raise Refused(reason("STILL_WAITS", "decide", reasons=waits.code))
    persons = {case.claim.person} if case.claim.person else set()
    on_file = OnFile({}, await store.load_deliveries(case.tx, persons))
    return taking_in.facts_of(looked.submission, looked.coverage, on_file, case.claim, case.terms.today)


async def _settle(case: Case, looked: Looked, decided: tuple[Facts, Determination], made: Proposal, by: People) -> None:
    facts, determination = decided
    await step(
        case, Move.DENIED if made.denied else Move.DECIDED, code=made.denied or "", content=canonical(made.as_data())
    )
    reasons = [reason(code) for code in determination.reasons]
    await settle(
        case, determination.outcome, ReceiptStatus.DETERMINED, reasons, facts, determination, known_at=looked.known_at
    )
    await reviews.decided_by(case.tx, case.review, case.claim.version, by.first, by.second, needed=by.needed)


def _gist(determination: Determination) -> object:
    """What a second person agreed to. Steps may tell another day of decision; what is owed may not be another."""
    lines = [(line.kind, line.number, line.outcome, line.amount_fen, line.payee) for line in determination.lines]
    return determination.outcome, determination.reasons, determination.figures, lines


def _answer(
    case: Case, determination: Determination | None = None, *, needed: bool = False
) -> review_pb2.AnswerReviewResponse:
    answer = review_pb2.AnswerReviewResponse(review=case.answer(), second_person_needed=needed)
    if determination is not None:
        answer.determination.CopyFrom(
            out.determination_to_proto(determination, case.terms.today, case.terms.law.digest)
        )
    return answer


# --- what was asked --------------------------------------------------------------------------------------------------

Act = Callable[[Case], Awaitable[review_pb2.AnswerReviewResponse]]


async def answer(desk: Desk, one: Asked, request: review_pb2.AnswerReviewRequest) -> Act:
    """The move a request asks for, with what it needs looked up."""
    match request.WhichOneof("answer"):
        case "stand":
            return _unless_foreseen(request, stand)
        case "error_found":
            return _unless_foreseen(request, partial(error_found, why=wire.ERROR_REASONS[request.error_found]))
        case "disagree":
            return _unless_foreseen(request, partial(disagree, why=wire.DISAGREE_REASONS[request.disagree]))
    looked = await look_up(desk, await found_review(desk.database, one.review_id))
    if request.WhichOneof("answer") == "agree":
        return _unless_foreseen(request, partial(agree, looked=looked))
    denied = wire.DENY_REASONS[request.deny] if request.WhichOneof("answer") == "deny" else None
    found = wire.supplement(request.decide)
    return partial(foresee if request.validate_only else decide, looked=looked, found=found, denied=denied)


def _unless_foreseen(request: review_pb2.AnswerReviewRequest, act: Act) -> Act:
    """Only a decision can be foreseen; the others change nothing that would have to be computed."""
    if request.validate_only:
        raise Invalid(reason("NOTHING_TO_FORESEE", "validate_only"))
    return act
