"""What one undisturbed decision gives: the same records, in the log's order, one after the other, nothing killed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub

from deploy.local.stack import Stack
from services.claims import rules, usecases
from services.claims.usecases import Office, OnFile
from services.kit import rpc
from services.kit.clock import Clock
from services.kit.law import canonical
from services.kit.parking import Message
from services.kit.seal import Sealer
from services.kit.settings import Settings

_PER_CALL = 500


@dataclass(frozen=True, slots=True)
class Expected:
    status: str
    reasons: tuple[str, ...]
    revision: int
    version: int = 0
    decision: tuple[str, str] | None = None  # facts and result, canonical


async def decide(stack: Stack, records: Sequence[Any], today: date) -> dict[str, Expected]:
    """Decide every record of the intake again, by position, with the registry's answers of now."""
    settings = _settings(stack, today)
    expected: dict[str, Expected] = {}
    async with rpc.channel(settings.registry_target) as channel:
        sealer = Sealer.from_base64(settings.sealing_key.get_secret_value())
        office = Office(settings, Clock(today), rules.LAW, sealer, RegistryServiceStub(channel))
        on_file = OnFile({}, {})
        for start in range(0, len(records), _PER_CALL):
            messages = [
                Message(r.topic, r.partition, r.offset, r.key, r.value or b"", r.timestamp)
                for r in records[start : start + _PER_CALL]
            ]
            expected |= await _decide(office, on_file, messages)
    return expected


async def _decide(office: Office, on_file: OnFile, messages: Sequence[Message]) -> dict[str, Expected]:
    batch = await usecases.prepare(office, messages)
    expected = {}
    for received in batch.received:
        coverage = batch.coverage.get(received.position)
        settled = usecases.settle(received, coverage, on_file, office.law, office.clock.now())
        on_file.take(settled)
        decision = None
        if settled.facts is not None and settled.determination is not None:
            decision = canonical(settled.facts.as_data()), canonical(settled.determination.as_data())
        expected[received.position] = Expected(
            settled.status.value,
            tuple(reason.code for reason in settled.reasons),
            received.revision,
            settled.claim.version if settled.claim else 0,
            decision,
        )
    return expected


def _settings(stack: Stack, today: date) -> Settings:
    given = stack.environment
    return Settings.model_validate(
        {
            "KAFKA_BOOTSTRAP_SERVERS": given["KAFKA_BOOTSTRAP_SERVERS"],
            "DATABASE_URL": given["DATABASE_URL"],
            "environment": "local",
            "today": today,
            "sealing_key": given["CRADLE_SEALING_KEY"],
            "blind_index_key": given["CRADLE_BLIND_INDEX_KEY"],
            "registry_target": given["CRADLE_REGISTRY_TARGET"],
        }
    )
