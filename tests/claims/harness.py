"""Talking to the running system as its neighbours do: the registry over gRPC, claims over Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from cradle.claims.v1 import event_pb2, receipt_pb2, service_pb2_grpc
from cradle.registry.v1 import service_pb2 as registry_pb2
from cradle.registry.v1 import service_pb2_grpc as registry_grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from deploy.local.stack import Stack
from services.claims.model import Category
from services.kit import rpc
from tests.builders import employer_record, id_number, person_record, spans, uscc
from tests.kit.live import Record, read_until, send, unique

Receipt = receipt_pb2.ClaimReceipt


async def record(
    stack: Stack,
    employers: Sequence[registry_pb2.EmployerRecord] = (),
    persons: Sequence[registry_pb2.PersonRecord] = (),
    providers: Sequence[registry_pb2.ProviderRecord] = (),
) -> None:
    """Have the registry know these."""
    async with rpc.channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        request = registry_pb2.BatchRecordCoverageRequest(employers=employers, persons=persons, providers=providers)
        await registry_grpc.RegistryServiceStub(channel).BatchRecordCoverage(request, timeout=10)


@dataclass(frozen=True)
class Insured:
    """A woman the registry knows, with her employer; another one each time."""

    number: str = field(default_factory=id_number)
    employer: str = field(default_factory=uscc)


def insured(
    stack: Stack,
    *,
    paid: str = "2024-01..2026-11",
    name: str = "王测试",
    category: Category = Category.EMPLOYEE,
    reported_to: str = "",
    made: Insured | None = None,
) -> Insured:
    """Another woman each time, or one who is known by now."""
    made = made or Insured()
    asyncio.run(insure(stack, made, paid=paid, name=name, category=category, reported_to=reported_to))
    return made


async def insure(
    stack: Stack,
    who: Insured,
    *,
    paid: str = "2024-01..2026-11",
    name: str = "王测试",
    category: Category = Category.EMPLOYEE,
    reported_to: str = "",
) -> None:
    person = person_record(
        who.number,
        who.employer,
        name=name,
        paid=spans(paid) if paid else (),
        category=category,
        reported_to=reported_to,
    )
    await record(stack, [employer_record(who.employer)], [person])


@dataclass(frozen=True)
class Answered:
    """A receipt as it came, with what surrounded it."""

    receipt: Receipt
    key: bytes
    headers: dict[str, bytes]

    @property
    def status(self) -> str:
        return receipt_pb2.ReceiptStatus.Name(self.receipt.status).removeprefix("RECEIPT_STATUS_")

    @property
    def codes(self) -> list[tuple[str, str]]:
        return [(given.code, given.field) for given in self.receipt.reasons]


def exchange(stack: Stack, *sent: bytes, source: str = "hospitals") -> list[Answered]:
    """Send these as one member's to a source's intake, and wait for the receipt of each, in their order."""
    key = unique("member").encode()
    return asyncio.run(_exchange(stack, [(key, value) for value in sent], source))


async def _exchange(stack: Stack, records: Sequence[Record], source: str) -> list[Answered]:
    positions = await send(stack, f"claims.intake.v1.{source}", records)
    found = await receipts(stack, set(positions), source)
    return [found[position] for position in positions]


async def receipts(stack: Stack, positions: set[str], source: str) -> dict[str, Answered]:
    def by_position(read: list[Any]) -> dict[str, Answered]:
        answered = [Answered(Receipt.FromString(one.value), one.key, dict(one.headers)) for one in read]
        return {_position(given.receipt): given for given in answered}

    read = await read_until(stack, [f"claims.receipt.v1.{source}"], lambda found: positions <= set(by_position(found)))
    return {position: given for position, given in by_position(read).items() if position in positions}


def receipts_of(stack: Stack, number: str, count: int, source: str = "hospitals") -> list[Answered]:
    """The first `count` receipts of a claim number, in the order in which they were sent."""

    def mine(read: list[Any]) -> list[Any]:
        return [one for one in read if one.key == number.encode()]

    read = asyncio.run(read_until(stack, [f"claims.receipt.v1.{source}"], lambda found: len(mine(found)) >= count))
    return [Answered(Receipt.FromString(one.value), one.key, dict(one.headers)) for one in mine(read)]


def _position(receipt: Receipt) -> str:
    return f"{receipt.position.topic}/{receipt.position.partition}/{receipt.position.offset}"


def events(stack: Stack, claim: str, count: int) -> list[event_pb2.ClaimEvent]:
    """The first `count` events of a claim, named as a receipt names it (`claims/{id}`)."""
    wanted = claim.removeprefix("claims/").encode()

    def mine(read: list[Any]) -> list[Any]:
        return [one for one in read if one.key == wanted]

    read = asyncio.run(read_until(stack, ["claims.claim.v1"], lambda found: len(mine(found)) >= count))
    return [event_pb2.ClaimEvent.FromString(one.value) for one in mine(read)]


@asynccontextmanager
async def asking(stack: Stack, system: str = "") -> AsyncIterator[service_pb2_grpc.ClaimsServiceAsyncStub]:
    """The gRPC of claims, asked by a system (`source/hospitals`), or by an operator."""
    who = stack.authority.identity(system) if system else stack.operator
    async with rpc.channel(stack.environment["CRADLE_CLAIMS_TARGET"], who) as channel:
        yield service_pb2_grpc.ClaimsServiceStub(channel)


def told(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, list[tuple[str, str]]]:
    """How a call was refused: its code, and every coded reason with its field."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # an aio error has what is read of a call
    info, violations = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details if status else ():
        detail.Unpack(violations)
        detail.Unpack(info)
    located = [(one.reason, one.field) for one in violations.field_violations]
    return error.code(), located or [(info.reason, "")]


def claims_dsn(stack: Stack) -> str:
    return f"{stack.environment['DATABASE_URL']}/cradle_claims"
