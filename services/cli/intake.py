"""Sending claims to their source's intake and waiting for the receipts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.structs import RecordMetadata
from cradle.claims.v1 import intake_pb2, receipt_pb2

from services.cli.failures import Exit, Failure, coded
from services.kit.member_key import member_key

INTAKE: Final = "claims.intake.v1."
RECEIPT: Final = "claims.receipt.v1."
_REQUEST_TIMEOUT_MS: Final = 10_000
_POLL_MS: Final = 500


Put = Callable[[Sequence[tuple[bytes, bytes]]], Awaitable[list["Position"]]]


class Position(NamedTuple):
    topic: str
    partition: int
    offset: int


@dataclass(slots=True)
class Sent:
    """A message the broker has, and its receipt once that came."""

    intake: intake_pb2.ClaimIntake
    position: Position
    receipt: receipt_pb2.ClaimReceipt | None = None

    @property
    def number(self) -> str:
        return number_of(self.intake)


def claim_of(intake: intake_pb2.ClaimIntake) -> intake_pb2.ClaimSubmission:
    return intake.replace.claim if intake.WhichOneof("event") == "replace" else intake.submit.claim


def number_of(intake: intake_pb2.ClaimIntake) -> str:
    """The claim's number; totals are of no claim."""
    return intake.void.claim_number or claim_of(intake).claim_number


def keys_of(intakes: Sequence[intake_pb2.ClaimIntake]) -> list[bytes]:
    """The key of each. A void names no person: it has the key of its claim where that is sent here too, and else one of
    its own, for then the claim should be on file already. Totals concern nobody.
    """
    keys: dict[str, bytes] = {}
    found = []
    for intake in intakes:
        match intake.WhichOneof("event"):
            case "void":
                number = intake.void.claim_number
                found.append(keys.get(number) or member_key(number))
            case "control_totals":
                found.append(member_key("control_totals"))
            case _:
                claim = claim_of(intake)
                keys[claim.claim_number] = member_key(claim.person_id_number)
                found.append(keys[claim.claim_number])
    return found


async def submit(
    client: Mapping[str, Any],
    source: str,
    intakes: Sequence[intake_pb2.ClaimIntake],
    timeout_s: float,
    on_receipt: Callable[[], None],
) -> list[Sent]:
    """Send, then wait for the receipts until all are there or the time is over."""
    async with receipts_from_now(client, RECEIPT + source) as receipts:
        sent = await send(client, source, intakes)
        await _match(receipts, sent, timeout_s, on_receipt)
    return sent


async def send(client: Mapping[str, Any], source: str, intakes: Sequence[intake_pb2.ClaimIntake]) -> list[Sent]:
    """Send in order; returns when the broker has them all."""
    async with sending(client, source) as put:
        values = [intake.SerializeToString() for intake in intakes]
        places = await put(list(zip(keys_of(intakes), values, strict=True)))
    return [Sent(intake, place) for intake, place in zip(intakes, places, strict=True)]


@asynccontextmanager
async def sending(client: Mapping[str, Any], source: str) -> AsyncIterator[Put]:
    """A way to send keys and values to a source's intake, in order; it returns when the broker has them."""
    topic = INTAKE + source
    producer = AIOKafkaProducer(
        **client,
        enable_idempotence=True,
        acks="all",
        linger_ms=5,
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
    )

    async def put(given: Sequence[tuple[bytes, bytes]]) -> list[Position]:
        answers = [await producer.send(topic, value, key=key) for key, value in given]
        return [_position(await answer) for answer in answers]

    try:
        await producer.start()
        with _wanting(topic):
            await producer.partitions_for(topic)
        yield put
    finally:
        await producer.stop()


@asynccontextmanager
async def receipts_from_now(client: Mapping[str, Any], topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A reader of the receipts that come after this moment."""
    consumer = AIOKafkaConsumer(topic, **client, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    try:
        with _wanting(topic):
            await consumer.start()
        for partition, offset in (await consumer.end_offsets(consumer.assignment())).items():
            consumer.seek(partition, offset)
        yield consumer
    finally:
        await consumer.stop()


async def _match(
    receipts: AIOKafkaConsumer, sent: Sequence[Sent], timeout_s: float, on_receipt: Callable[[], None]
) -> None:
    waiting = {one.position: one for one in sent}
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + timeout_s
    while waiting and (left_s := deadline_s - loop.time()) > 0:
        found = await receipts.getmany(timeout_ms=min(_POLL_MS, int(left_s * 1000) + 1))
        for record in (record for records in found.values() for record in records):
            receipt = receipt_pb2.ClaimReceipt.FromString(record.value)
            place = receipt.position
            if one := waiting.pop(Position(place.topic, place.partition, place.offset), None):
                one.receipt = receipt
                on_receipt()


@contextmanager
def _wanting(topic: str) -> Iterator[None]:
    """A topic that is not there is told by its name."""
    try:
        yield
    except UnknownTopicOrPartitionError as error:
        raise Failure(Exit.UNAVAILABLE, [coded("CLI_TOPIC_MISSING", topic=topic)]) from error


def _position(place: RecordMetadata) -> Position:
    return Position(place.topic, place.partition, place.offset)
