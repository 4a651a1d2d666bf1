"""What becomes of one record, given what is on file. Nothing here waits or writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from services.claims import rules
from services.claims.model import (
    APPROVING,
    Benefit,
    Category,
    Claim,
    ClaimKind,
    Coverage,
    Determination,
    Facts,
    Hold,
    Institution,
    Insured,
    Item,
    Level,
    Payment,
    ReceiptStatus,
    Received,
    Standing,
    State,
    Stay,
    StaySent,
    Submission,
    Taken,
    Visit,
    Void,
)
from services.claims.model.review import DENIED_BEFORE
from services.claims.rules import History
from services.claims.store import Change, Settled, Waiting
from services.claims.usecases.batch import OnFile, Prepared, Terms
from services.claims.usecases.ordering import ordered
from services.claims.wire import out
from services.claims.wire.registry import Visited, visited
from services.kit.ids import stable_id_at
from services.kit.messages import Reason, reason

# Stands for nothing: facts as stated are completed by what the registry knows before anything is decided on them.
_NOT_KNOWN: Final = Category.RESIDENT
_PAID: Final = {Payment.PAID, Payment.OVERPAID}
_ASKED: Final = {
    ClaimKind.ALLOWANCE: (Benefit.ALLOWANCE,),
    ClaimKind.PROVIDER_SETTLEMENT: (Benefit.MEDICAL,),
    ClaimKind.REIMBURSEMENT: (Benefit.MEDICAL,),
}


class Decided(NamedTuple):
    facts: Facts
    determination: Determination
    holds: tuple[Hold, ...]
    taken: tuple[Taken, ...]


def settle(received: Received, batch: Prepared, on_file: OnFile, terms: Terms) -> Settled:
    """What becomes of a claim or a void, and what that orders."""
    settled = _settle(received, batch, on_file, terms)
    if settled.change is None:
        return settled
    change = ordered(settled.change, on_file.orders.get(settled.change.claim.id, {}), terms)
    return Settled(received, settled.status, settled.receipt_id, settled.reasons, change.claim, change)


def _settle(received: Received, batch: Prepared, on_file: OnFile, terms: Terms) -> Settled:
    if received.void is not None:
        return _void(received, received.void, on_file, terms)
    submission, coverage = received.submission, batch.coverage.get(received.position)
    if submission is None or coverage is None:
        return _answer(received, ReceiptStatus.RETURNED, received.reasons)
    claim = on_file.claims.get((received.source, submission.number))
    standing = rules.standing(submission, received.content_hash, claim)
    if standing == rules.REPEATED:
        return _answer(received, ReceiptStatus.DUPLICATE, (), claim)
    if isinstance(standing, Reason):
        return _answer(received, ReceiptStatus.RETURNED, (standing,), claim)
    if unfit := tuple(_unfit(submission, coverage, batch.institutions, f"{received.sent}.claim")):
        return _answer(received, ReceiptStatus.RETURNED, unfit, claim)
    facts = stated(submission, batch.institutions, terms.today)
    providers = tuple([batch.institutions[one].reference for one in visited(submission)])
    return _decided(received, submission, coverage, facts, providers, on_file, terms)


def _decided(  # noqa: PLR0917  # all of it is needed to decide
    received: Received,
    submission: Submission,
    coverage: Coverage,
    facts: Facts,
    providers: tuple[str, ...],
    on_file: OnFile,
    terms: Terms,
) -> Settled:
    before = on_file.claims.get((received.source, submission.number))
    stand = partial(_claim, received, submission, coverage, providers, before, terms)
    if waits := rules.waits_before(submission.kind, coverage, coverage.employer):
        return _pended(received, stand(State.PENDED), facts, waits, terms)
    decided = decide(facts, coverage, on_file.others(coverage.person, before), terms)
    determination = decided.determination
    if waits := rules.waits_after(facts.event, coverage, determination):
        return _pended(received, stand(State.PENDED), facts, waits, terms)
    reasons = tuple([reason(code) for code in determination.reasons])
    if determination.outcome is State.ERROR:
        return _answer(received, ReceiptStatus.RETURNED, reasons, before)
    status = ReceiptStatus.PENDED if determination.outcome is State.PENDED else ReceiptStatus.DETERMINED
    claim = stand(determination.outcome)
    if claim.state in APPROVING and (on_file.is_denied(claim) or (before is not None and on_file.is_denied(before))):
        return _pended(received, stand(State.PENDED), facts, (DENIED_BEFORE,), terms)
    change = Change(claim, decided.facts, determination, holds=decided.holds, taken=decided.taken)
    return _answer(received, status, reasons, claim, change)


def _void(received: Received, void: Void, on_file: OnFile, terms: Terms) -> Settled:
    """A void gives back all that the claim held and took; a void sent again changes nothing."""
    claim = on_file.claims.get((received.source, void.number))
    standing = rules.standing_of_void(void, received.content_hash, claim)
    if standing == rules.REPEATED:
        return _answer(received, ReceiptStatus.DUPLICATE, (reason("VOID_ALREADY", "void.claim_number"),), claim)
    if isinstance(standing, Reason) or claim is None:
        return _answer(received, ReceiptStatus.RETURNED, (standing,) if isinstance(standing, Reason) else (), claim)
    voided = claim._replace(
        version=claim.version + 1,
        state=State.REVERSED if claim.payment in _PAID else State.VOIDED,
        updated_at=terms.now,
        void_hash=received.content_hash,
    )
    return _answer(received, ReceiptStatus.VOIDED, (), voided, Change(voided))


def decide(stated: Facts, coverage: Coverage, others: Sequence[Standing], terms: Terms) -> Decided:
    """Decide facts as stated, completed by what the registry and the file know."""
    holds = [hold for one in others for hold in one.holds]
    facts = completed(stated, coverage, history(stated, others, terms), terms.today)
    determination = rules.decide(facts, terms.law)
    if determination.outcome is State.PENDED:
        return Decided(facts, determination, (), ())
    return Decided(
        facts,
        determination,
        rules.held_by(facts, determination, holds),
        rules.taken_by(facts, determination, terms.law),
    )


def history(stated: Facts, others: Sequence[Standing], terms: Terms) -> History:
    """What the person's other claims hold and take, as it bears on this one."""
    holds = [hold for one in others for hold in one.holds]
    taken = [one for standing in others for one in standing.taken]
    return rules.history_of(stated, holds, taken, terms.law)


def stated(submission: Submission, institutions: Mapping[Visited, Institution], today: date) -> Facts:
    """The facts as the sender states them; the level of a hospital is the register's."""
    return Facts(
        decision_date=today,
        event=submission.event,
        insured=Insured(_NOT_KNOWN, own_monthly_wage_fen=submission.own_monthly_wage_fen),
        kind=submission.kind,
        benefits=_ASKED[submission.kind],
        father=submission.father,
        stays=tuple([_stay(stay, institutions) for stay in submission.stays]),
        visits=tuple([Visit(visit.date, visit.policy_range_fen, visit.provider) for visit in submission.visits]),
        items=tuple(
            [
                Item(
                    item.programme,
                    item.code,
                    item.date,
                    item.policy_range_fen,
                    out_of_city=item.out_of_city,
                    provider=item.provider,
                )
                for item in submission.items
            ]
        ),
    )


def _stay(stay: StaySent, institutions: Mapping[Visited, Institution]) -> Stay:
    level = institutions[stay.provider, stay.discharge].level
    return Stay(
        stay.provider,
        level or Level.PRIMARY,  # one without a level was returned
        stay.admission,
        stay.discharge,
        stay.policy_range_fen,
        stay.transfer_filed,
        stay.out_of_city,
    )


def completed(stated: Facts, coverage: Coverage, history: History, today: date) -> Facts:
    """The facts with what the registry and the file know of her, in place of what was known before."""
    return Facts(  # made anew: `_replace` costs as much as a rule
        today,
        stated.event,
        Insured(
            coverage.category or _NOT_KNOWN,
            coverage.paid_months,
            coverage.back_paid,
            stated.insured.own_monthly_wage_fen,
            coverage.student,
        ),
        stated.kind,
        stated.benefits,
        coverage.employer_wages,
        coverage.employer_bases,
        stated.father,
        stated.stays,
        stated.visits,
        history.items,
        history.prior,
        history.paid,
        stated.reviewed,
        history.settled,
    )


def _unfit(
    submission: Submission, coverage: Coverage, institutions: Mapping[Visited, Institution], path: str
) -> Iterator[Reason]:
    """What the registers say against a claim: its employer, where the law needs one, and its institutions."""
    if submission.kind is ClaimKind.ALLOWANCE:
        if submission.employer_uscc:
            if not coverage.employer:
                yield reason("EMPLOYER_UNKNOWN", f"{path}.employer_uscc")
        elif coverage.category is Category.EMPLOYEE:
            yield reason("EMPLOYER_REQUIRED", f"{path}.employer_uscc")
    for number, stay in enumerate(submission.stays):
        place = f"{path}.stays[{number}]"
        found = institutions[stay.provider, stay.discharge]
        yield from _institution(found, f"{place}.provider")
        if stay.level and found.level and stay.level is not found.level:
            yield reason("PROVIDER_LEVEL_DENIED", f"{place}.level")
    for number, visit in enumerate(submission.visits):
        yield from _institution(institutions[visit.provider, visit.date], f"{path}.visits[{number}].provider")
    for number, item in enumerate(submission.items):
        yield from _institution(institutions[item.provider, item.date], f"{path}.items[{number}].provider")


def _institution(found: Institution, place: str) -> Iterator[Reason]:
    if not found.is_known:
        yield reason("PROVIDER_UNKNOWN", place)
    elif found.level is None:
        yield reason("PROVIDER_CLOSED", place)


def _claim(  # noqa: PLR0917  # all of it makes the claim
    received: Received,
    submission: Submission,
    coverage: Coverage,
    providers: tuple[str, ...],
    on_file: Claim | None,
    terms: Terms,
    state: State,
) -> Claim:
    """The claim as it stands after this submission: new, or the next revision of the one on file."""
    return Claim(
        on_file.id if on_file else _claim_id(received, submission.number),
        received.source,
        submission.number,
        on_file.version + 1 if on_file else 1,
        state,
        submission.county,
        submission.event.date,
        coverage.person,
        (*on_file.content_hashes, received.content_hash) if on_file else (received.content_hash,),
        on_file.received_at if on_file else received.received_at,
        terms.now,
        submission.kind,
        coverage.employer,
        husband=coverage.husband,
        providers=providers,
    )


def _claim_id(received: Received, number: str) -> UUID:
    """The same record makes the same claim, also in a database that was restored and reads it again: under another id
    it would be ordered and paid once more.
    """
    return stable_id_at(received.received_at, received.offset, received.source.encode(), number.encode())


def _pended(received: Received, claim: Claim, facts: Facts, waits: tuple[str, ...], terms: Terms) -> Settled:
    """The claim waits; only what waits for coverage has a last day."""
    due_on = terms.waits_until if waits[0] == rules.AWAITING else None
    reasons = tuple([reason(code) for code in waits])
    return _answer(received, ReceiptStatus.PENDED, reasons, claim, Change(claim, waiting=Waiting(waits, facts, due_on)))


def _answer(
    received: Received,
    status: ReceiptStatus,
    reasons: tuple[Reason, ...],
    claim: Claim | None = None,
    change: Change | None = None,
) -> Settled:
    return Settled(received, status, out.receipt_id(received), reasons, claim, change)
