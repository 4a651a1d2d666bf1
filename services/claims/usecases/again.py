"""Deciding claims again when coverage is known otherwise: who waited is decided, what is better for her is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cradle.registry.v1 import service_pb2 as registry_pb2

from services.claims import rules, store
from services.claims.model import APPROVING, Category, Coverage, Determination, State
from services.claims.model.review import CORRECTION_RETURNED, COVERAGE_WORSE, DENIED_BEFORE, PARTLY_WORSE, Review
from services.claims.rules import History
from services.claims.store import Change, Known, Look, Waiting, reviews
from services.claims.usecases import queueing
from services.claims.usecases.batch import OnFile, Terms
from services.claims.usecases.office import Office
from services.claims.usecases.ordering import ordered
from services.claims.usecases.settling import completed, decide, history
from services.claims.usecases.telling import codes_of, count_paid, say_later
from services.claims.wire import registry as asking
from services.kit.db import Tx
from services.kit.errors import Conflict

_NOT_HER_OWN: Final = {None, Category.RESIDENT, Category.SPOUSE_OF_EMPLOYEE}


@dataclass(frozen=True, slots=True)
class Answers:
    """What the registry answered about persons on days."""

    coverage: Mapping[Look, Coverage]
    known_at: datetime


@dataclass(slots=True)
class Outcome:
    """What came of looking at claims again."""

    changes: list[Change] = field(default_factory=list)
    asked: list[Review] = field(default_factory=list)


async def look(office: Office, looks: Sequence[Look]) -> Answers:
    """Ask about all of them, as known at one instant."""
    if not looks:
        return Answers({}, office.clock.now())
    found: dict[Look, Coverage] = {}
    known_at = None
    for start in range(0, len(looks), asking.QUERIES_MAX):
        part = looks[start : start + asking.QUERIES_MAX]
        request = registry_pb2.BatchGetCoverageRequest(
            purpose="deciding a claim again",
            queries=[asking.person_query(*one) for one in part],
            known_at=known_at,
        )
        answer = await office.registry.BatchGetCoverage(request, timeout=office.settings.grpc_deadline_s)
        known_at = answer.known_at
        found |= zip(part, map(asking.coverage, answer.answers), strict=True)
    return Answers(found, answer.known_at.ToDatetime(tzinfo=UTC))


async def decide_again(
    office: Office, tx: Tx, known: Sequence[Known], answers: Answers, *, overdue: bool = False, cause: str
) -> Outcome:
    """Decide these claims again, whose persons are locked; save it and say so. Overdue ones do not wait any longer."""
    employers = {coverage.insured_by for coverage in answers.coverage.values() if coverage.insured_by}
    if await store.changed_since(tx, (), employers, answers.known_at):
        raise Conflict("an employer's figures changed since they were looked up")
    persons = {one.claim.person for one in known if one.claim.person}
    orders = await store.load_orders(tx, {one.claim.id for one in known})
    standing, denied = await store.load_standing(tx, persons, with_taken=True), await reviews.denied_events(tx, persons)
    on_file, terms = OnFile({}, standing, orders, denied=denied), office.terms()
    outcome = Outcome()
    for one in known:
        on_file.claims[one.claim.source, one.claim.number] = one.claim
        change = _again(one, answers, on_file, terms, outcome.asked)
        if change is not None and change.determination and change.determination.outcome is State.ERROR:
            change = _returned(one, change.determination.reasons, terms)  # it waited: what stands is not changed so
        elif change is None and overdue:
            change = _returned(one, ("COVERAGE_LATE",), terms)
        if change is not None and change.returned and one.claim.payment is not None:
            # Its sender called wrong what stands, and nothing will look at it again.
            outcome.asked.append(queueing.ask_decided(change.claim, CORRECTION_RETURNED, terms))
        if change is not None:
            change = ordered(change, orders.get(one.claim.id, {}), terms)
            on_file.take(change)
            outcome.changes.append(change)
    await store.save_changes(tx, outcome.changes, terms.ground(answers.known_at))
    await queueing.queue(tx, [(change, codes_of(change)) for change in outcome.changes], terms)
    await reviews.open_reviews(tx, outcome.asked)
    for change in outcome.changes:
        say_later(tx, change, cause, terms)
    tx.after_commit(lambda: count_paid(outcome.changes))
    return outcome


def _again(  # all of it is needed to decide
    one: Known, answers: Answers, on_file: OnFile, terms: Terms, asked: list[Review]
) -> Change | None:
    """How the claim changes; None if it does not. What was decided on later knowledge stays."""
    mine = store.look_of(one.claim)
    if mine is None or one.known_at >= answers.known_at:
        return None
    coverage = answers.coverage.get(mine)
    if coverage is None:
        raise Conflict("a claim came on file while its person was looked up")
    if one.determination is None:
        return _unless_denied(one, _of_waiting(one, coverage, on_file, terms), on_file, terms, asked)
    unchanged = _is_unchanged(one, coverage, terms)
    if unchanged and not _has_room(one, on_file, terms):
        return None
    if rules.waits_before(one.claim.kind, coverage, employer_of(one, coverage)):
        found = rules.WORSE
        change = None
    else:
        change = _decided(one, coverage, on_file, terms, one.determination)
        found = rules.compared(one.determination, change.determination) if change.determination else rules.SAME
    # What other claims took since is nothing that changed about her.
    if found == rules.WORSE and not unchanged and one.determination.outcome is not State.PENDED:
        asked.append(queueing.ask_decided(one.claim, COVERAGE_WORSE, terms))
    if found != rules.BETTER:
        return None
    if change is not None and change.determination and rules.is_partly_worse(one.determination, change.determination):
        asked.append(queueing.ask_decided(one.claim, PARTLY_WORSE, terms))
        return None
    return _unless_denied(one, change, on_file, terms, asked)


def _unless_denied(
    one: Known, change: Change | None, on_file: OnFile, terms: Terms, asked: list[Review]
) -> Change | None:
    """The change, if no person is needed. What a reviewer has denied is not approved beside the finding: whether it is
    about this claim too is seen at its own review.
    """
    if change is None or not on_file.approves_denied(change.claim):
        return change
    before = one.determination.outcome if one.determination else State.PENDED
    if before in APPROVING:
        return change
    if before is State.PENDED:
        return _waits(one, (DENIED_BEFORE,), terms)
    asked.append(queueing.ask_decided(one.claim, DENIED_BEFORE, terms))
    return None


def rests_on_one_unnamed(one: Known, coverage: Coverage) -> bool:
    """Whether it was decided by a husband's coverage that a question about her does not ask for.

    Claims from before husbands were kept name none.
    """
    by_him = one.facts.insured.category is Category.SPOUSE_OF_EMPLOYEE and one.claim.husband is None
    return by_him and coverage.category in _NOT_HER_OWN


def employer_of(one: Known, coverage: Coverage) -> str:
    """The employer that is hers: the one the claim names, unless a reviewer found that the one who pays may stand."""
    return coverage.insured_by if one.facts.reviewed.employer_confirmed else one.claim.employer


def _of_waiting(one: Known, coverage: Coverage, on_file: OnFile, terms: Terms) -> Change | None:
    if waits := rules.waits_before(one.claim.kind, coverage, one.claim.employer):
        return _waits(one, waits, terms)
    change = _decided(one, coverage, on_file, terms, None)
    if change.determination and (waits := rules.waits_after(one.facts.event, coverage, change.determination)):
        return _waits(one, waits, terms)
    return change


def _waits(one: Known, waits: tuple[str, ...], terms: Terms) -> Change | None:
    """It waits on; its sender is told where it is for something else than before."""
    if waits == one.waits:
        return None
    due_on = terms.waits_until if waits[0] == rules.AWAITING else None
    claim = one.claim._replace(version=one.claim.version + 1, updated_at=terms.now)
    return Change(claim, waiting=Waiting(waits, one.facts, due_on))


def _decided(one: Known, coverage: Coverage, on_file: OnFile, terms: Terms, before: Determination | None) -> Change:
    """Decided once more: the next in the sequence of its revision, where it was decided before."""
    decided = decide(one.facts, coverage, on_file.others(one.claim.person, one.claim), terms)
    claim = one.claim._replace(
        version=one.claim.version + 1,
        state=decided.determination.outcome,
        updated_at=terms.now,
        employer=employer_of(one, coverage),
    )
    was_decided = before is not None and before.outcome is not State.PENDED
    return Change(
        claim,
        decided.facts,
        decided.determination,
        one.sequence + 1 if was_decided else one.sequence,
        decided.holds,
        decided.taken,
    )


def _is_unchanged(one: Known, coverage: Coverage, terms: Terms) -> bool:
    """Whether the registry answers what was decided on: then another law, or one more claim, is no reason to decide."""
    if rests_on_one_unnamed(one, coverage):
        return True
    now = completed(one.facts, coverage, History(), terms.today)
    return (now.insured, now.employer_wages, now.employer_bases) == (
        one.facts.insured,
        one.facts.employer_wages,
        one.facts.employer_bases,
    )


def _has_room(one: Known, on_file: OnFile, terms: Terms) -> bool:
    """Whether something that stood against it was given back."""
    others = on_file.others(one.claim.person, one.claim)
    return rules.has_room(one.facts, history(one.facts, others, terms))


def _returned(one: Known, why: tuple[str, ...], terms: Terms) -> Change:
    """It waited for what never came, or cannot be. What an earlier revision was approved for still stands."""
    claim = one.claim._replace(version=one.claim.version + 1, state=State.RETURNED, updated_at=terms.now)
    return Change(claim, returned=why)
