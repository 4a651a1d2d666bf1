"""The stream of the platform's messages: map, find each undo its settlement, and write what leaves to the outbox.

What leaves is a record of the intake and carries an ID number, so it lies sealed until the relay sends it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from cradle.claims.v1 import platform_pb2

from services.claims.model.platform import PlatformSettlement
from services.claims.model.submission import NotMapped
from services.claims.store import platform as store
from services.claims.store.submissions import save_not_mapped
from services.claims.usecases.platform.matching import Leaving, Outcome, Register, Status
from services.claims.wire.intake import INTAKE
from services.claims.wire.platform import (
    PLATFORM_INTAKE,
    PLATFORM_REPORT,
    Adapter,
    FindingKind,
    Kind,
    Mapped,
    read_message,
)
from services.claims.wire.platform.mapping import unreadable
from services.claims.wire.platform.records import Record
from services.claims.wire.platform.report import report, report_id
from services.kit import telemetry
from services.kit.clock import Clock
from services.kit.dates import from_ms
from services.kit.db import Tx
from services.kit.ids import new_id, read_id
from services.kit.member_key import member_key
from services.kit.messages import REASONS_MAX, reason
from services.kit.outbox import Event, sealed
from services.kit.parking import Message
from services.kit.seal import Sealer
from services.kit.stream import read_each

_BYTES_MAX = 1_048_576  # a long stay has hundreds of lines, and the broker's own limit is near this
_AGAINST = {FindingKind.UNMAPPED, FindingKind.CONTRADICTION}
_STATUS = {status: platform_pb2.PlatformStatus.Value(f"PLATFORM_STATUS_{status}") for status in Status}


@dataclass(frozen=True, slots=True)
class Gateway:
    """What taking in the platform's messages needs around it."""

    clock: Clock
    sealer: Sealer


@dataclass(frozen=True, slots=True)
class Read:
    message: Message
    source: str
    mapped: Mapped


Prepared = tuple[Read, ...]


async def prepare(gateway: Gateway, messages: Sequence[Message]) -> Prepared:
    """Map every message of a batch; nothing of it needs to be asked for."""
    return tuple(await read_each(messages, partial(_read, gateway)))


def _read(gateway: Gateway, message: Message) -> Read:
    source = message.topic.removeprefix(PLATFORM_INTAKE)
    adapter, size = Adapter(source), len(message.value)
    if size > _BYTES_MAX:
        too_large = Record(1, None, reason("PLATFORM_TOO_LARGE", size=size, limit=_BYTES_MAX))
        return Read(message, source, unreadable(adapter, too_large))
    return Read(message, source, read_message(adapter, message.value, gateway.clock.today()))


async def take_in(gateway: Gateway, tx: Tx, batch: Prepared) -> None:
    """Settle every message, remember what an undo may need, and say what became of each."""
    by_source: dict[str, list[Read]] = defaultdict(list)
    for read in batch:
        by_source[read.source].append(read)
    await store.lock_sources(tx, sorted(by_source))
    counted: Counter[tuple[str, str]] = Counter()
    for source, reads in by_source.items():
        register = await _register(gateway, tx, source, [read.mapped for read in reads])
        before, refused = set(register.waiting), []
        for read in reads:
            outcome = register.take(read.mapped)
            _say_so(gateway, tx, read, outcome)
            counted[source, outcome.status] += 1
            if outcome.status is Status.NOT_MAPPED:
                refused.append(_not_mapped(gateway, read, outcome.mapped))
        await save_not_mapped(tx, refused)
        await store.save(tx, source, gateway.sealer, register, [one for one in register.waiting if one not in before])
    waiting = await store.count_waiting(tx, sorted(by_source))
    tx.after_commit(partial(_count, counted, waiting))


async def _register(gateway: Gateway, tx: Tx, source: str, mapped: Sequence[Mapped]) -> Register:
    """What is on file about the numbers of a batch."""
    register = Register(gateway.sealer.digest)
    settlements = [register.settlement_of(one) for one in mapped]
    messages = [message for one in mapped if (message := register.message_of(one)) is not None]
    register.know(
        await store.load_settlements(tx, source, gateway.sealer, settlements),
        await store.load_messages(tx, source, messages),
    )
    unknown = {one.settlement_id for one in mapped if one.kind is Kind.UNDO} - set(register.settlements)
    claimed = await store.load_claimed(tx, source, unknown)
    # Its claim is on file already, so the void need not keep to the key of its submission.
    register.know([PlatformSettlement(number, "", b"", b"", member_key(number)) for number in claimed], ())
    register.waiting = await store.load_waiting(tx, source, settlements)
    return register


def _not_mapped(gateway: Gateway, read: Read, mapped: Mapped) -> NotMapped:
    message, codes = read.message, dict.fromkeys(one.reason.code for one in mapped.findings if one.kind in _AGAINST)
    return NotMapped(
        report_id(message),
        read.source,
        mapped.settlement_id or mapped.msgid,
        tuple(codes)[:REASONS_MAX],
        message.position,
        gateway.sealer.digest(message.value),
        from_ms(message.timestamp_ms),
    )


def _say_so(gateway: Gateway, tx: Tx, read: Read, outcome: Outcome) -> None:
    for leaving in outcome.leaving:
        tx.emit(sealed(_intake_event(gateway, read, leaving), gateway.sealer))
    tx.emit(_report_event(gateway, read, outcome))


def _intake_event(gateway: Gateway, read: Read, leaving: Leaving) -> Event:
    intake = leaving.intake
    number = intake.void.claim_number or intake.submit.claim.claim_number or "control_totals"
    return Event(
        id=new_id(),
        aggregate_type="platform",
        aggregate_id=number,
        version=1,
        type="cradle.claims.v1.ClaimIntake",
        topic=INTAKE + read.source,
        key=leaving.key,
        occurred_at=gateway.clock.now(),
        causation=read.message.position,
        payload=intake.SerializeToString(),
    )


def _report_event(gateway: Gateway, read: Read, outcome: Outcome) -> Event:
    now = gateway.clock.now()
    made = report(read.message, read.source, outcome.mapped, _STATUS[outcome.status], outcome.claim_number, now)
    return Event(
        id=read_id(made.report_id),
        aggregate_type="platform",
        aggregate_id=made.report_id,
        version=1,
        type="cradle.claims.v1.PlatformReport",
        topic=PLATFORM_REPORT + read.source,
        key=(made.msgid or made.report_id).encode(),
        occurred_at=now,
        causation=read.message.position,
        payload=made.SerializeToString(),
    )


def _count(counted: Counter[tuple[str, str]], waiting: Mapping[str, int]) -> None:
    for (source, status), times in counted.items():
        telemetry.PLATFORM_MESSAGES.labels(source, status).inc(times)
    for source, undos in waiting.items():
        telemetry.PLATFORM_UNDOS_WAITING.labels(source).set(undos)
