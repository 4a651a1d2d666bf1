"""Taking in claims: load, decide, save, say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from cradle.registry.v1 import service_pb2 as registry_pb2

from services.claims import rules, store
from services.claims.model import (
    Benefit,
    Category,
    Claim,
    ClaimKind,
    Coverage,
    Determination,
    Facts,
    Insured,
    Prior,
    PriorKind,
    ReceiptStatus,
    Received,
    State,
    Submission,
)
from services.claims.store import Deliveries, Number, Settled
from services.claims.usecases import queueing
from services.claims.wire import intake, out
from services.claims.wire import registry as asking
from services.kit import telemetry
from services.kit.clock import Clock
from services.kit.db import Tx
from services.kit.ids import new_id
from services.kit.law import Law
from services.kit.messages import Reason, reason
from services.kit.outbox import Event
from services.kit.parking import Message
from services.kit.seal import Sealer
from services.kit.settings import Settings

if TYPE_CHECKING:
    from cradle.registry.v1.service_pb2_grpc import RegistryServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Office:
    """What taking in claims needs around it."""

    settings: Settings
    clock: Clock
    law: Law
    sealer: Sealer
    registry: RegistryServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that was read and looked up; `coverage` answers each submission that could be read."""

    received: tuple[Received, ...]
    coverage: dict[str, Coverage]  # by position
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """What a decision is made under: the law, the civil date it is made on, and the instant it is written."""

    law: Law
    today: date
    now: datetime


@dataclass(slots=True)
class OnFile:
    """What is on file about a batch's numbers and persons, and, as the batch goes on, what it adds."""

    claims: dict[Number, Claim]
    deliveries: Deliveries

    def take(self, settled: Settled) -> None:
        """Later records of the batch see what earlier ones decided."""
        if not settled.accepted or settled.claim is None:
            return
        claim = settled.claim
        self.claims[claim.source, claim.number] = claim
        if claim.revision > 1 and claim.state is not State.PENDED:
            self._forget(claim.id)
        if claim.person and claim.state in {State.APPROVED, State.PARTIALLY_APPROVED}:
            self.deliveries.setdefault(claim.person, {})[claim.event_date] = claim.id

    def _forget(self, claim_id: UUID) -> None:
        """A decided correction states the whole claim anew; one that waits leaves what was approved as it is."""
        for dates in self.deliveries.values():
            for day in [day for day, owner in dates.items() if owner == claim_id]:
                del dates[day]


async def prepare(office: Office, messages: Sequence[Message]) -> Prepared:
    """Read a batch and ask the registry about all of it in one call."""
    today, first_day = office.clock.today(), rules.first_day(office.law)
    bytes_max, digest = office.settings.message_bytes_max, office.sealer.digest
    received = tuple(intake.read(m, today, first_day, bytes_max, digest) for m in messages)
    asked = [r for r in received if r.submission is not None]
    if not asked:
        return Prepared(received, {}, office.clock.now())
    answer = await office.registry.BatchGetCoverage(
        registry_pb2.BatchGetCoverageRequest(
            queries=[asking.coverage_query(r.submission) for r in asked if r.submission]
        ),
        timeout=office.settings.grpc_deadline_s,
    )
    coverage = {r.position: asking.coverage(a) for r, a in zip(asked, answer.answers, strict=True)}
    return Prepared(received, coverage, answer.known_at.ToDatetime(tzinfo=office.clock.now().tzinfo))


async def take_in(office: Office, tx: Tx, batch: Prepared) -> None:
    """Settle every record of the batch, save it and say so."""
    persons = {c.person for c in batch.coverage.values() if c.person}
    numbers = {(r.source, r.submission.number) for r in batch.received if r.submission}
    await store.lock_persons(tx, persons)
    on_file = OnFile(await store.load_claims(tx, numbers), await store.load_deliveries(tx, persons))
    terms = Terms(office.law, office.clock.today(), office.clock.now())
    settled = []
    for received in batch.received:
        settled.append(settle(received, batch.coverage.get(received.position), on_file, terms))
        on_file.take(settled[-1])
    sealed = [office.sealer.seal(r.value, r.position.encode()) for r in batch.received]
    await store.save(tx, settled, sealed, law=terms.law, rules=rules.REVISION, known_at=batch.known_at, now=terms.now)
    await queueing.queue(tx, settled, terms.law, terms.now)
    for one in settled:
        say_so(tx, one, terms)
    tx.after_commit(partial(count, settled))


def settle(received: Received, coverage: Coverage | None, on_file: OnFile, terms: Terms) -> Settled:
    """What becomes of one record, given what is on file."""
    submission = received.submission
    if submission is None or coverage is None:
        return _answer(received, ReceiptStatus.RETURNED, received.reasons)
    claim = on_file.claims.get((received.source, submission.number))
    standing = rules.standing(submission, received.content_hash, claim)
    if standing == rules.REPEATED:
        return _answer(received, ReceiptStatus.DUPLICATE, (), claim)
    if isinstance(standing, Reason):
        return _answer(received, ReceiptStatus.RETURNED, (standing,), claim)
    if not coverage.employer:
        kind = "submit" if submission.revision == 1 else "replace"
        unknown = reason("EMPLOYER_UNKNOWN", f"{kind}.claim.employer_uscc")
        return _answer(received, ReceiptStatus.RETURNED, (unknown,), claim)
    stand = partial(_claim, received, submission, coverage.person, claim, terms.now)
    if waiting := waits(coverage):
        return _pended(received, stand(State.PENDED), waiting)
    facts = facts_of(submission, coverage, on_file, claim, terms.today)
    determination = rules.decide(facts, terms.law)
    status = ReceiptStatus.PENDED if determination.outcome is State.PENDED else ReceiptStatus.DETERMINED
    reasons = tuple([reason(code) for code in determination.reasons])
    return _answer(received, status, reasons, stand(determination.outcome), facts=facts, determination=determination)


def facts_of(submission: Submission, coverage: Coverage, on_file: OnFile, claim: Claim | None, today: date) -> Facts:
    """Everything the rules may know, and nothing that names a person."""
    known = on_file.deliveries.get(coverage.person, {}) if coverage.person else {}
    others = sorted(day for day, owner in known.items() if claim is None or owner != claim.id)
    return Facts(
        decision_date=today,
        kind=ClaimKind.ALLOWANCE,
        benefits=(Benefit.ALLOWANCE,),
        event=submission.event,
        insured=Insured(
            coverage.category or Category.EMPLOYEE,
            coverage.paid_months,
            coverage.back_paid,
            submission.own_monthly_wage_fen,
        ),
        employer_wages=coverage.employer_wages,
        prior=tuple([Prior(PriorKind.ALLOWANCE_APPROVED, day) for day in others]),
    )


def waits(coverage: Coverage) -> Reason | None:
    """Why the claim cannot be decided yet, if it cannot."""
    if coverage.person is None:
        return reason("PERSON_UNKNOWN")
    if coverage.category is None:
        return reason("COVERAGE_MISSING")
    if coverage.category is Category.EMPLOYEE and coverage.insured_by != coverage.employer:
        return reason("EMPLOYER_MISMATCH")
    return None


def _claim(  # noqa: PLR0917  # all of it makes the claim
    received: Received, submission: Submission, person: UUID | None, on_file: Claim | None, now: datetime, state: State
) -> Claim:
    """The claim as it stands after this submission: new, or the next revision of the one on file."""
    return Claim(
        id=on_file.id if on_file else new_id(),
        source=received.source,
        number=submission.number,
        version=on_file.version + 1 if on_file else 1,
        state=state,
        county=submission.county,
        event_date=submission.event.date,
        person=person,
        content_hashes=(*(on_file.content_hashes if on_file else ()), received.content_hash),
        received_at=on_file.received_at if on_file else received.received_at,
        updated_at=now,
    )


def _pended(received: Received, claim: Claim, waits: Reason) -> Settled:
    return Settled(received, ReceiptStatus.PENDED, out.receipt_id(received), (waits,), claim, accepted=True)


def _answer(
    received: Received,
    status: ReceiptStatus,
    reasons: tuple[Reason, ...],
    claim: Claim | None = None,
    *,
    facts: Facts | None = None,
    determination: Determination | None = None,
) -> Settled:
    return Settled(
        received, status, out.receipt_id(received), reasons, claim, determination is not None, facts, determination
    )


def say_so(tx: Tx, settled: Settled, terms: Terms) -> None:
    """A receipt to the sender, and an event to everyone if the claim changed."""
    tx.emit(_receipt(settled, terms.now))
    if settled.claim is not None and settled.accepted:
        tx.emit(_event(settled, settled.claim, terms))


def count(batch: Sequence[Settled]) -> None:
    """Tell the metrics what stands now."""
    outcomes = Counter(
        (s.received.source, s.claim.state if s.claim and s.accepted else _OTHER[s.status]) for s in batch
    )
    for (source, outcome), times in outcomes.items():
        telemetry.CLAIMS.labels(source, outcome).inc(times)
    paid: Counter[str] = Counter()
    for settled in batch:
        if settled.determination and (payee := settled.determination.figures.payee):
            paid[payee] += settled.determination.figures.allowance_fen
    for name, fen in paid.items():
        telemetry.ALLOWANCE_FEN.labels(name).inc(fen)


_OTHER = {ReceiptStatus.RETURNED: "RETURNED", ReceiptStatus.DUPLICATE: "REPEATED"}


def _receipt(settled: Settled, now: datetime) -> Event:
    received = settled.received
    receipt = out.receipt(received, settled.status, settled.reasons, settled.claim, settled.determination)
    return Event(
        id=settled.receipt_id,
        aggregate_type="submission",
        aggregate_id=receipt.receipt_id,
        version=1,
        type="cradle.claims.v1.ClaimReceipt",
        topic=out.RECEIPT + received.source,
        key=(received.claim_number or receipt.receipt_id).encode(),
        occurred_at=now,
        causation=received.position,
        payload=receipt.SerializeToString(),
    )


def _event(settled: Settled, claim: Claim, terms: Terms) -> Event:
    reasons = [reason.code for reason in settled.reasons]
    event = out.claim_event(claim, settled.determination, reasons, terms.law.digest, terms.today)
    return Event(
        id=new_id(),
        aggregate_type="claim",
        aggregate_id=str(claim.id),
        version=claim.version,
        type="cradle.claims.v1.ClaimPended" if event.HasField("pended") else "cradle.claims.v1.ClaimDetermined",
        topic=out.EVENTS,
        key=str(claim.id).encode(),
        occurred_at=terms.now,
        causation=settled.received.position,
        payload=event.SerializeToString(),
    )
