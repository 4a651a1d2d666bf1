"""Answering a review. Nobody types an amount: the law decides again, from the facts with what the reviewer found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import orjson
from cradle.claims.v1 import review_pb2
from cradle.registry.v1 import service_pb2 as registry_pb2

from services.claims import rules, store
from services.claims.model import Claim, Coverage, DenyReason, Determination, Facts, State, refusal
from services.claims.model import Move as ClaimMove
from services.claims.model.review import (
    QUALITY_ERROR,
    QUALITY_SAMPLE,
    DisagreeReason,
    ErrorReason,
    Move,
    Proposal,
    Supplement,
)
from services.claims.store import Change, reviews
from services.claims.usecases import queueing, settling
from services.claims.usecases.reviewing import Asked, Case, Desk, changed, is_hers, settle, step
from services.claims.usecases.reviewing import found as found_review
from services.claims.usecases.settling import Decided
from services.claims.wire import out
from services.claims.wire import registry as asking
from services.claims.wire import review as wire
from services.kit.errors import Conflict, Invalid, Refused
from services.kit.law import canonical
from services.kit.messages import reason


class Looked(NamedTuple):
    """What is decided upon, looked up outside any transaction: the facts as they were stated, and her coverage as it
    is known now. Coverage None: nobody knows her.
    """

    version: int  # of the claim it was looked up for
    known_at: datetime
    stated: Facts
    coverage: Coverage | None


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
    needed = rules.review.needs_second(decided.determination, case.review.risk, terms.law, terms.today)
    made = Proposal(found, denied, canonical(decided.determination.as_data()), terms.today, terms.law.digest)
    if needed:
        content = canonical(made.as_data())
        changes = {"proposer": actor, "proposal": content, "assignee": ""}
        await step(case, Move.PROPOSED, code=denied or "", content=content, **changes)
    else:
        await _settle(case, looked, decided, made, People(actor))
    return _answer(case, decided.determination, needed=needed)


async def agree(case: Case, looked: Looked) -> review_pb2.AnswerReviewResponse:
    """The second person agrees to what was proposed, which must still come out the same."""
    is_hers(case)
    if not case.review.proposal:
        raise Refused(reason("NOTHING_PROPOSED"))
    proposal, people = wire.proposal_of(case.review), People(case.review.proposer, case.asked.actor, needed=True)
    decided = await _decided(case, looked, proposal.supplement, proposal.denied)
    if _gist(decided.determination) != _gist(Determination.from_data(orjson.loads(proposal.result))):
        raise Refused(reason("PROPOSAL_OUTDATED"))
    await _settle(case, looked, decided, proposal, people)
    return _answer(case, decided.determination, needed=True)


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
    await reviews.open_reviews(case.tx, [queueing.ask(case.claim, QUALITY_ERROR, case.terms)])
    return _answer(case)


async def foresee(
    case: Case, looked: Looked, found: Supplement, denied: DenyReason | None
) -> review_pb2.AnswerReviewResponse:
    """What a decision would come to; nothing is changed."""
    determination = (await _decided(case, looked, found, denied)).determination
    needed = rules.review.needs_second(determination, case.review.risk, case.terms.law, case.terms.today)
    return _answer(case, determination, needed=needed)


# --- deciding --------------------------------------------------------------------------------------------------------


async def look_up(desk: Desk, listed: reviews.Listed) -> Looked:
    """Everything that takes a network, before the transaction."""
    claim = await store.claim_by_id(desk.database, listed.review.claim_id)
    stated = await _stated(desk, claim) if claim else None
    if claim is None or stated is None:
        raise Conflict("the claim was settled meanwhile")
    if claim.person is None:
        return Looked(claim.version, desk.office.clock.now(), stated, None)
    answer = await desk.office.registry.BatchGetCoverage(
        registry_pb2.BatchGetCoverageRequest(queries=[asking.person_query(claim.person, stated.event.date)]),
        timeout=desk.office.settings.grpc_deadline_s,
    )
    known_at = answer.known_at.ToDatetime(tzinfo=UTC)
    return Looked(claim.version, known_at, stated, asking.coverage(answer.answers[0]))


async def _stated(desk: Desk, claim: Claim) -> Facts | None:
    """Of a claim that waits before it is decided what was kept of it, else what it was last decided on."""
    if waiting := await reviews.waiting_of(desk.database, claim.id):
        return waiting.facts
    recorded = await store.recorded(desk.database, claim.id, claim.revision)
    return recorded.facts_again() if recorded else None


async def _decided(case: Case, looked: Looked, found: Supplement, denied: DenyReason | None) -> Decided:
    """The law's word on the facts as supplemented. What still waits is told with what it waits for."""
    claim, terms = case.claim, case.terms
    persons = {claim.person} if claim.person else set()
    if claim.version != looked.version or await store.changed_since(case.tx, persons, looked.known_at):
        raise Conflict("the claim or her coverage changed meanwhile")
    coverage = _known(case, looked, found, denied)
    standing = await store.load_standing(case.tx, persons, with_taken=True)
    others = [one for known in standing.values() for claim_id, one in known.items() if claim_id != claim.id]
    holds = [hold for one in others for hold in one.holds]
    facts = settling.completed(looked.stated, coverage, terms.today)
    facts = rules.with_history(facts, holds, [one for other in others for one in other.taken], terms.law)
    facts = _supplemented(case, facts, found, denied)
    determination = rules.decide(facts, terms.law)
    _is_final(facts, coverage, determination)
    return Decided(
        facts,
        determination,
        rules.held_by(facts, determination, holds),
        rules.taken_by(facts, determination, terms.law),
    )


def _known(case: Case, looked: Looked, found: Supplement, denied: DenyReason | None) -> Coverage:
    """Her coverage, where it lets the claim be decided."""
    coverage, claim = looked.coverage, case.claim
    if coverage is None:
        raise Refused(reason("STILL_WAITS", "decide", reasons="PERSON_UNKNOWN"))
    confirmed = found.employer_confirmed or looked.stated.reviewed.employer_confirmed or denied
    employer = coverage.insured_by if confirmed else claim.employer
    if waits := rules.waits_before(claim.kind, coverage, employer):
        raise Refused(reason("STILL_WAITS", "decide", reasons=", ".join(waits)))
    return coverage


def _supplemented(case: Case, facts: Facts, found: Supplement, denied: DenyReason | None) -> Facts:
    rates = case.terms.law.on(event=facts.event.date, decision=case.terms.today)
    if names := rules.reviewed.unasked(facts, found, rates):
        raise Refused(*[reason("FINDING_NOT_ASKED", f"decide.{name}") for name in names])
    facts = rules.reviewed.lay_over(facts, found, rates)
    return facts._replace(reviewed=facts.reviewed._replace(denied=denied)) if denied else facts


def _is_final(facts: Facts, coverage: Coverage, determination: Determination) -> None:
    waits = rules.waits_after(facts.event, coverage, determination)
    if waits or determination.outcome in {State.PENDED, State.ERROR}:
        raise Refused(reason("STILL_WAITS", "decide", reasons=", ".join(waits or determination.reasons)))


async def _settle(case: Case, looked: Looked, decided: Decided, made: Proposal, by: People) -> None:
    if refused := refusal(case.claim.state, ClaimMove.DECIDE_AGAIN, "decide"):
        raise Refused(refused)
    move, content = Move.DENIED if made.denied else Move.DECIDED, canonical(made.as_data())
    await step(case, move, code=made.denied or "", content=content)
    claim, determination = changed(case, decided.determination.outcome), decided.determination
    sequence = await reviews.next_sequence(case.tx, claim.id, claim.revision)
    change = Change(claim, decided.facts, determination, sequence, decided.holds, decided.taken)
    await settle(case, change, [reason(code) for code in determination.reasons], looked.known_at)
    await reviews.decided_by(case.tx, case.review, claim.version, by.first, by.second, needed=by.needed)


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
