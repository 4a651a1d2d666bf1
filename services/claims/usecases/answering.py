"""Answering a review. Nobody types an amount: the law decides again, from the facts with what the reviewer found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import NamedTuple

import orjson
from cradle.claims.v1 import review_pb2

from services.claims import rules, store
from services.claims.model import Coverage, DenyReason, Determination, Facts, State, refusal
from services.claims.model import Move as ClaimMove
from services.claims.model.appeal import AppealMove
from services.claims.model.review import (
    APPEAL,
    QUALITY_ERROR,
    QUALITY_SAMPLE,
    DisagreeReason,
    ErrorReason,
    Move,
    Proposal,
    Supplement,
)
from services.claims.rules import History
from services.claims.store import Change, Known, Look, reviews
from services.claims.usecases import again, appealing, queueing, settling
from services.claims.usecases.again import Answers
from services.claims.usecases.reviewing import Asked, Case, Desk, changed, is_hers, settle, step
from services.claims.usecases.reviewing import found as found_review
from services.claims.usecases.settling import Decided
from services.claims.wire import out
from services.claims.wire import review as wire
from services.kit.errors import Conflict, Invalid, Refused
from services.kit.law import canonical
from services.kit.messages import reason


class Looked(NamedTuple):
    """What is asked outside any transaction: her coverage as it is known now. Person None: nobody knows her."""

    look: Look | None
    answers: Answers


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
    await _appeal_decided(case, AppealMove.UPHOLD, People(case.asked.actor))
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
    look = store.look_of(claim) if claim else None
    return Looked(look, await again.look(desk.office, [look] if look else []))


async def _decided(case: Case, looked: Looked, found: Supplement, denied: DenyReason | None) -> Decided:
    """The law's word on the facts as supplemented. What still waits is told with what it waits for."""
    terms, known = case.terms, await _on_file(case)
    coverage = await _coverage(case, looked, known, found, denied)
    persons = {known.claim.person} if known.claim.person else set()
    standing = await store.load_standing(case.tx, persons, with_taken=True)
    others = [one for of_person in standing.values() for one in of_person.values() if one.claim_id != known.claim.id]
    holds = [hold for one in others for hold in one.holds]
    facts = _completed(known, coverage, terms.today)
    facts = rules.with_history(facts, holds, [one for other in others for one in other.taken], terms.law)
    facts = _supplemented(case, facts, found, denied)
    determination = rules.decide(facts, terms.law)
    _is_final(facts, coverage, determination)
    if case.review.reason == APPEAL and rules.appealing.is_worse(known.determination, determination):
        raise Refused(reason("APPEAL_NOT_WORSE"))
    return Decided(
        facts,
        determination,
        rules.held_by(facts, determination, holds),
        rules.taken_by(facts, determination, terms.law),
    )


async def _on_file(case: Case) -> Known:
    """The claim with the facts it waits with, or was last decided on. Its row is ours already."""
    if refused := refusal(case.claim.state, ClaimMove.DECIDE_AGAIN, "decide"):
        raise Refused(refused)
    (known,) = await store.of_claims(case.tx, [case.claim.id])
    return known


async def _coverage(case: Case, looked: Looked, known: Known, found: Supplement, denied: DenyReason | None) -> Coverage:
    """Her coverage, where it is not outdated and lets the claim be decided."""
    claim, look = known.claim, looked.look
    if look is None:
        raise Refused(reason("STILL_WAITS", "decide", reasons="PERSON_UNKNOWN"))
    persons = {one for one in (claim.person, claim.husband) if one}
    if look != store.look_of(claim):
        raise Conflict("the claim changed meanwhile")
    coverage = looked.answers.coverage[look]
    if await store.changed_since(case.tx, persons, {coverage.insured_by}, looked.answers.known_at):
        raise Conflict("her coverage changed meanwhile")
    if found.employer_confirmed and rules.waits_before(claim.kind, coverage, claim.employer) != ("EMPLOYER_MISMATCH",):
        raise Refused(reason("FINDING_NOT_ASKED", "decide.employer_confirmed"))
    employer = coverage.insured_by if found.employer_confirmed or denied else again.employer_of(known, coverage)
    if waits := rules.waits_before(claim.kind, coverage, employer):
        raise Refused(reason("STILL_WAITS", "decide", reasons=", ".join(waits)))
    return coverage


def _completed(known: Known, coverage: Coverage, today: date) -> Facts:
    """By what the registry knows of her now; the coverage of a husband who cannot be asked for stays."""
    if again.rests_on_one_unnamed(known, coverage):
        return known.facts._replace(decision_date=today)
    kept = History(known.facts.prior, known.facts.paid, known.facts.items)
    return settling.completed(known.facts, coverage, kept, today)


def _supplemented(case: Case, facts: Facts, found: Supplement, denied: DenyReason | None) -> Facts:
    rates = case.terms.law.on(event=facts.event.date, decision=case.terms.today)
    if names := rules.reviewed.unasked(facts, found, rates):
        raise Refused(*[reason("FINDING_NOT_ASKED", f"decide.{name}") for name in names])
    facts = rules.reviewed.lay_over(facts, found, rates)
    return facts._replace(reviewed=facts.reviewed._replace(denied=denied))  # a decision lifts what was denied before


def _is_final(facts: Facts, coverage: Coverage, determination: Determination) -> None:
    waits = rules.waits_after(facts.event, coverage, determination)
    if waits or determination.outcome in {State.PENDED, State.ERROR}:
        raise Refused(reason("STILL_WAITS", "decide", reasons=", ".join(waits or determination.reasons)))


async def _settle(case: Case, looked: Looked, decided: Decided, made: Proposal, by: People) -> None:
    known = await _on_file(case)
    move, content = Move.DENIED if made.denied else Move.DECIDED, canonical(made.as_data())
    await step(case, move, code=made.denied or "", content=content)
    claim, determination = changed(case, decided.determination.outcome), decided.determination
    if decided.facts.reviewed.employer_confirmed and looked.look:
        claim = claim._replace(employer=looked.answers.coverage[looked.look].insured_by)
    was_decided = known.determination is not None and known.determination.outcome is not State.PENDED
    sequence = known.sequence + 1 if was_decided else known.sequence
    change = Change(claim, decided.facts, determination, sequence, decided.holds, decided.taken)
    await settle(case, change, [reason(code) for code in determination.reasons], looked.answers.known_at)
    denied = made.denied is not None
    await reviews.decided_by(case.tx, case.review, claim, by.first, by.second, needed=by.needed, denied=denied)
    await _appeal_decided(case, AppealMove.REDETERMINE, by)


async def _appeal_decided(case: Case, move: AppealMove, by: People) -> None:
    """What its review decides is what becomes of an appeal."""
    if case.review.reason == APPEAL:
        case.claim = await appealing.decided(case.tx, case.review, case.claim, move, by.first, by.second, case.terms)


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
