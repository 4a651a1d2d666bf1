"""Taking in claims: load, decide, save, say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from cradle.registry.v1 import service_pb2 as registry_pb2

from services.claims import rules, store
from services.claims.model import (
    Category,
    Claim,
    Coverage,
    Determination,
    Facts,
    Insured,
    ReceiptStatus,
    Received,
    State,
    Submission,
)
from services.claims.store import Deliveries, Number, Settled
from services.claims.wire import intake, out
from services.claims.wire import registry as asking
from services.kit import telemetry
from services.kit.clock import Clock
from services.kit.dates import civil
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
        for dates in self.deliveries.values():
            for day in [day for day, owner in dates.items() if owner == claim.id]:
                del dates[day]
        if claim.person and claim.state in {State.APPROVED, State.PARTIALLY_APPROVED}:
            self.deliveries.setdefault(claim.person, {})[claim.event_date] = claim.id


async def prepare(office: Office, messages: Sequence[Message]) -> Prepared:
    """Read a batch and ask the registry about all of it in one call."""
    today, first_day = office.clock.today(), office.law.first_day
    received = tuple(intake.read(m, today, first_day, office.settings.message_bytes_max) for m in messages)
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
    now = office.clock.now()
    settled = []
    for received in batch.received:
        settled.append(settle(received, batch.coverage.get(received.position), on_file, office.law, now))
        on_file.take(settled[-1])
    sealed = [office.sealer.seal(r.value, r.position.encode()) for r in batch.received]
    await store.save(tx, settled, sealed, law=office.law, rules=rules.REVISION, known_at=batch.known_at, now=now)
    for one in settled:
        say_so(tx, one, office.law, now)


def settle(received: Received, coverage: Coverage | None, on_file: OnFile, law: Law, now: datetime) -> Settled:
    """What becomes of one record, given what is on file."""
    submission = received.submission
    if submission is None or coverage is None:
        return _answer(received, ReceiptStatus.RETURNED, received.reasons)
    claim = on_file.claims.get((received.source, submission.number))
    standing = rules.standing(submission, claim)
    if standing == rules.REPEATED:
        return _answer(received, ReceiptStatus.DUPLICATE, (), claim)
    if isinstance(standing, Reason):
        return _answer(received, ReceiptStatus.RETURNED, (standing,), claim)
    if coverage.employer is None:
        kind = "submit" if submission.revision == 1 else "replace"
        return _answer(
            received, ReceiptStatus.RETURNED, (reason("EMPLOYER_UNKNOWN", f"{kind}.claim.employer_uscc"),), claim
        )
    claim = _claim(received, submission, coverage.person, claim, now)
    if waits := _waits(coverage):
        return _pended(received, replace(claim, state=State.PENDED), waits)
    facts = facts_of(submission, coverage, on_file.deliveries, claim.id, civil(now))
    determination = rules.decide(facts, law)
    claim = replace(claim, state=determination.outcome)
    status = ReceiptStatus.PENDED if claim.state is State.PENDED else ReceiptStatus.DETERMINED
    reasons = tuple(reason(code) for code in determination.reasons)
    return _answer(received, status, reasons, claim, facts=facts, determination=determination)


def facts_of(submission: Submission, coverage: Coverage, deliveries: Deliveries, claim_id: UUID, today: date) -> Facts:
    """Everything the rules may know, and nothing that names a person."""
    known = deliveries.get(coverage.person, {}) if coverage.person else {}
    return Facts(
        decision_date=today,
        delivery=submission.delivery,
        insured=Insured(
            coverage.category or Category.EMPLOYEE,
            coverage.paid_months,
            coverage.back_paid,
            submission.own_monthly_wage_fen,
        ),
        employer_wages=coverage.employer_wages,
        other_deliveries=tuple(sorted(day for day, owner in known.items() if owner != claim_id)),
    )


def _waits(coverage: Coverage) -> Reason | None:
    """Why the claim cannot be decided yet, if it cannot."""
    if coverage.person is None:
        return reason("PERSON_UNKNOWN")
    if coverage.category is None:
        return reason("COVERAGE_MISSING")
    if coverage.category is Category.EMPLOYEE and coverage.insured_by != coverage.employer:
        return reason("EMPLOYER_MISMATCH")
    return None


def _claim(
    received: Received, submission: Submission, person: UUID | None, on_file: Claim | None, now: datetime
) -> Claim:
    return Claim(
        id=on_file.id if on_file else new_id(),
        source=received.source,
        number=submission.number,
        version=on_file.version + 1 if on_file else 1,
        state=State.PENDED,
        county=submission.county,
        event_date=submission.delivery.date,
        person=person,
        content_hashes=(*(on_file.content_hashes if on_file else ()), submission.content_hash),
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


def say_so(tx: Tx, settled: Settled, law: Law, now: datetime) -> None:
    """A receipt to the sender, and an event to everyone if the claim changed."""
    received, claim, determination = settled.received, settled.claim, settled.determination
    receipt = out.receipt(received, settled.status, settled.reasons, claim, determination)
    tx.emit(
        Event(
            settled.receipt_id,
            "submission",
            receipt.receipt_id,
            1,
            "cradle.claims.v1.ClaimReceipt",
            out.RECEIPT + received.source,
            (received.claim_number or receipt.receipt_id).encode(),
            now,
            received.position,
            receipt.SerializeToString(),
        )
    )
    outcome = claim.state if claim and settled.accepted else settled.status
    tx.after_commit(telemetry.CLAIMS.labels(received.source, outcome).inc)
    if claim is None or not settled.accepted:
        return
    event = out.claim_event(claim, determination, [r.code for r in settled.reasons], law.digest, civil(now))
    tx.emit(
        Event(
            new_id(),
            "claim",
            str(claim.id),
            claim.version,
            f"cradle.claims.v1.{_EVENT_TYPES[event.WhichOneof('event')]}",
            out.EVENTS,
            str(claim.id).encode(),
            now,
            received.position,
            event.SerializeToString(),
        )
    )
    if determination is not None and determination.figures.payee is not None:
        figures = determination.figures
        tx.after_commit(lambda: telemetry.ALLOWANCE_FEN.labels(figures.payee).inc(figures.allowance_fen))


_EVENT_TYPES = {"determined": "ClaimDetermined", "pended": "ClaimPended", None: ""}
