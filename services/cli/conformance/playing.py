"""Playing the steps on a running system: the registry is told of the women, records are sent, receipts collected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import uuid4

import grpc
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from cradle.claims.v1 import intake_pb2, receipt_pb2, service_pb2, submitting_pb2
from cradle.claims.v1.service_pb2_grpc import ClaimsServiceStub
from cradle.registry.v1 import service_pb2 as registry_pb2
from google.protobuf.duration_pb2 import Duration
from google.type.date_pb2 import Date

from services.cli.conformance.scenarios import Play, Step
from services.cli.failures import Exit, from_rpc
from services.cli.intake import INTAKE, RECEIPT, Position, receipts_from_now
from services.kit.dates import month_of
from services.kit.member_key import member_key

_AGAIN_S: Final = 1.0  # so long it is looked on, after the last receipt, whether one comes twice
_COUNTY: Final = "610304"
_WAGE_FEN: Final = 600_000
_YEARS: Final = 3


@dataclass(frozen=True, slots=True)
class Told:
    """One receipt as it came. Over gRPC it has neither key nor headers."""

    receipt: receipt_pb2.ClaimReceipt
    raw: bytes
    key: bytes | None = None
    headers: Mapping[str, bytes] | None = None


@dataclass(slots=True)
class Played:
    """A step that was sent, where it lies, and everything that came back for it."""

    step: Step
    position: Position | None = None
    told: list[Told] = field(default_factory=list)
    refused: tuple[str, ...] | None = None
    seconds: float | None = None


def registry_records(
    play: Play, today: date
) -> tuple[list[registry_pb2.EmployerRecord], list[registry_pb2.PersonRecord], registry_pb2.ProviderRecord]:
    """The women of the cases and their employers, paid for without a gap, and a hospital."""
    wages = dict.fromkeys(range(today.year - _YEARS, today.year + 1), _WAGE_FEN)
    span = registry_pb2.MonthSpan(first_month=month_of(today) - 12 * _YEARS, last_month=month_of(today))
    employers = [
        registry_pb2.EmployerRecord(uscc=code, name="一致性测试", county=_COUNTY, average_monthly_wage_fen=wages)
        for code in play.employers
    ]
    persons = [
        registry_pb2.PersonRecord(
            person_id_number=one.id_number,
            name="一致性测试",
            category=registry_pb2.CATEGORY_EMPLOYEE,
            employer_uscc=one.employer,
            paid_months=[span],
        )
        for one in play.insured
    ]
    first = Date(year=today.year - _YEARS, month=1, day=1)
    contract = registry_pb2.ContractSpan(level=registry_pb2.PROVIDER_LEVEL_TERTIARY, first_day=first)
    provider = registry_pb2.ProviderRecord(code=play.provider, name="一致性测试", county=_COUNTY, contracts=[contract])
    return employers, persons, provider


def was_played(channel: grpc.Channel, source: str, play: Play, timeout_s: float) -> bool:
    """Whether the first claim of this play is on file: a play is a play once."""
    name = f"sources/{source}/claims/{play.steps[0].claim_number}"
    try:
        ClaimsServiceStub(channel).GetClaim(service_pb2.GetClaimRequest(name=name), timeout=timeout_s)
    except grpc.RpcError as error:
        if from_rpc(error, "").exit_code is Exit.NOT_FOUND:
            return False
        raise
    return True


def ask_leave(channel: grpc.Channel, source: str, play: Play, timeout_s: float) -> None:
    """Raises RpcError where who plays may not hand in for this source: said once, and not of every step."""
    first = intake_pb2.ClaimIntake.FromString(play.steps[0].value)
    request = submitting_pb2.SubmitClaimRequest(
        parent=f"sources/{source}", intake=first, request_id=str(uuid4()), validate_only=True
    )
    try:
        ClaimsServiceStub(channel).SubmitClaim(request, timeout=timeout_s)
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.PERMISSION_DENIED:
            raise


def is_prepared(first: Played) -> bool:
    """Whether the registry was told of the play. Its first claim is good, and her employer is in no other's records."""
    return all(one.code != "EMPLOYER_UNKNOWN" for told in first.told for one in told.receipt.reasons)


async def by_topic(client: Mapping[str, Any], source: str, steps: Sequence[Step], timeout_s: float) -> list[Played]:
    """Send all in order, then collect receipts until each has one, and a little longer."""
    async with receipts_from_now(client, RECEIPT + source) as receipts:
        played = await _send(client, source, steps)
        await _collect(receipts, played, timeout_s)
    return played


async def _send(client: Mapping[str, Any], source: str, steps: Sequence[Step]) -> list[Played]:
    producer = AIOKafkaProducer(**client, enable_idempotence=True, acks="all", linger_ms=5)
    await producer.start()
    try:
        answers = [
            await producer.send(
                INTAKE + source, step.value, key=None if step.key_of is None else member_key(step.key_of)
            )
            for step in steps
        ]
        places = [await answer for answer in answers]
    finally:
        await producer.stop()
    return [
        Played(step, Position(place.topic, place.partition, place.offset))
        for step, place in zip(steps, places, strict=True)
    ]


async def _collect(receipts: AIOKafkaConsumer, played: Sequence[Played], timeout_s: float) -> None:
    by_position = {one.position: one for one in played}
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    until_s = begun_s + timeout_s
    waiting = len(played)
    while loop.time() < until_s:
        found = await receipts.getmany(timeout_ms=200)
        for record in (record for records in found.values() for record in records):
            receipt = receipt_pb2.ClaimReceipt.FromString(record.value)
            place = receipt.position
            one = by_position.get(Position(place.topic, place.partition, place.offset))
            if one is None:
                continue
            if not one.told:
                waiting -= 1
                one.seconds = round(loop.time() - begun_s, 3)
                until_s = min(until_s, loop.time() + _AGAIN_S) if waiting == 0 else until_s
            one.told.append(Told(receipt, record.value, record.key, dict(record.headers)))


def by_grpc(channel: grpc.Channel, source: str, steps: Sequence[Step], timeout_s: float) -> Iterator[Played]:
    """One call a step, in order; a refusal is what came back."""
    stub, request_id = ClaimsServiceStub(channel), ""
    for step in steps:
        request_id = request_id if step.request == "same" else str(uuid4())
        request = submitting_pb2.SubmitClaimRequest(
            parent=f"sources/{source}",
            intake=intake_pb2.ClaimIntake.FromString(step.value),
            request_id=request_id,
            validate_only=step.request == "dry",
            member_key=member_key(step.key_of) if step.key_of else b"",
            receipt_wait=Duration(seconds=min(30, int(timeout_s))),
        )
        played = Played(step)
        try:
            answer = stub.SubmitClaim(request, timeout=timeout_s + 5)
        except grpc.RpcError as error:
            reasons = from_rpc(error, "").reasons
            played.refused = tuple(f"{one.code} {one.field}".strip() for one in reasons)
        else:
            if answer.HasField("position"):
                place = answer.position
                played.position = Position(place.topic, place.partition, place.offset)
            if answer.HasField("receipt"):
                played.told.append(Told(answer.receipt, answer.receipt.SerializeToString()))
        yield played


def by_stream(channel: grpc.Channel, source: str, steps: Sequence[Step], timeout_s: float) -> list[Played]:
    """All in one stream, in order; then the stream is opened again for those that repeat the number before them."""
    stub, stream_id = ClaimsServiceStub(channel), str(uuid4())
    numbers: list[int] = []
    for step in steps:
        numbers.append(numbers[-1] if step.request == "same" and numbers else len(numbers) + 1)
    numbered = list(zip(numbers, steps, strict=True))
    answered: dict[int, Played] = {}
    for again in (False, True):
        sent = [(place, one) for place, one in enumerate(numbered) if (one[1].request == "same") is again]
        requests = _stream(source, stream_id, [one for _, one in sent])
        came = iter(_answers(stub, requests, timeout_s) if sent else ())
        for place, (number, step) in sent:
            answer = next(came, None)  # one to another number than its turn's is none
            answered[place] = _answered(step, answer if answer is not None and answer.number == number else None)
    return [answered[place] for place in range(len(steps))]


def _stream(
    source: str, stream_id: str, numbered: Sequence[tuple[int, Step]]
) -> Iterator[submitting_pb2.StreamClaimsRequest]:
    opened = submitting_pb2.OpenClaimStream(parent=f"sources/{source}", stream_id=stream_id)
    yield submitting_pb2.StreamClaimsRequest(open=opened)
    for number, step in numbered:
        submission = submitting_pb2.NumberedSubmission(
            number=number,
            intake=intake_pb2.ClaimIntake.FromString(step.value),
            member_key=member_key(step.key_of) if step.key_of else b"",
        )
        yield submitting_pb2.StreamClaimsRequest(submission=submission)


def _answers(
    stub: ClaimsServiceStub, requests: Iterator[submitting_pb2.StreamClaimsRequest], timeout_s: float
) -> Iterator[submitting_pb2.SubmissionAnswer]:
    """Those that came until the stream ended, however it did: whoever has none, is told of."""
    with suppress(grpc.RpcError):
        for response in stub.StreamClaims(requests, timeout=timeout_s + 5):
            if response.HasField("answer"):
                yield response.answer


def _answered(step: Step, answer: submitting_pb2.SubmissionAnswer | None) -> Played:
    played = Played(step)
    if answer is None:
        return played
    if answer.reasons:
        played.refused = tuple(f"{one.code} {one.field}".strip() for one in answer.reasons)
    if answer.HasField("position"):
        place = answer.position
        played.position = Position(place.topic, place.partition, place.offset)
    if answer.HasField("receipt"):
        played.told.append(Told(answer.receipt, answer.receipt.SerializeToString()))
    return played
