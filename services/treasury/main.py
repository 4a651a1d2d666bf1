"""The parts of the treasury, named and put together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import grpc
from cradle.ops.v1 import audit_pb2, audit_pb2_grpc, parked_pb2, parked_pb2_grpc
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub
from cradle.treasury.v1 import (
    hold_pb2,
    hold_pb2_grpc,
    reconciliation_pb2,
    reconciliation_pb2_grpc,
    recovery_pb2,
    recovery_pb2_grpc,
    run_pb2,
    run_pb2_grpc,
    service_pb2,
    service_pb2_grpc,
)

from services.kit import audit, rpc, run, telemetry, tls
from services.kit.errors import Unavailable
from services.kit.inbox import Inbox
from services.kit.ops import AuditRecords, ParkedRecords
from services.kit.parking import Parking
from services.kit.run import Process
from services.kit.timer import every
from services.kit.waiting import persevere
from services.treasury import rules, streams, usecases
from services.treasury.api import Holds, Reconciliation, Recoveries, Runs, Treasury
from services.treasury.bank import Bank, objects
from services.treasury.bank.folder import FolderBank, Folders
from services.treasury.bank.live import LiveBank
from services.treasury.bank.objects import ObjectBank
from services.treasury.bank.signing import Ed25519Signer
from services.treasury.model import Payee, Paying
from services.treasury.rules.planning import Known
from services.treasury.store import leading
from services.treasury.usecases import Desk, Sealing, asking_back, banking, erasing
from services.treasury.usecases.importing import Importing
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.usecases.sending import Sender
from services.treasury.wire import banks, payees
from services.treasury.wire.banks import AccountAtBank, BanksError

_log = telemetry.log(__name__)
STAND_BY_S: Final = 1.0
RELEASE_EVERY_S: Final = 5.0
SEAL_EVERY_S: Final = 60.0


def _desk(process: Process) -> Desk:
    return Desk(process.clock, process.law, process.sealer)


def _accounts(process: Process) -> tuple[AccountAtBank, ...]:
    return banks.read(process.settings.banks) if process.settings.banks else ()


def _pay_desk(process: Process, channel: grpc.aio.Channel) -> PayDesk:
    """Who is paid, the registry says; from which account of ours, CRADLE_BANKS."""
    stub, deadline_s = RegistryServiceStub(channel), process.settings.grpc_deadline_s

    async def ask(wanted: Sequence[Payee]) -> Mapping[Payee, Known]:
        return await payees.ask(stub, wanted, deadline_s)

    paying: dict[str, Paying] = {fund: one.paying for one in _accounts(process) for fund in one.funds}
    return PayDesk(_desk(process), process.database, ask, paying)


async def api(process: Process) -> None:
    async with rpc.channel(process.settings.registry_target, tls.identity(process.settings)) as channel:
        await _serve(process, _pay_desk(process, channel))


async def _serve(process: Process, pay: PayDesk) -> None:
    importing = Importing(pay, process.settings.statement_bytes_max, process.settings.statement_upload_s)

    def register(server: grpc.aio.Server) -> None:
        service_pb2_grpc.add_TreasuryServiceServicer_to_server(Treasury(process.database, _desk(process)), server)
        hold_pb2_grpc.add_HoldServiceServicer_to_server(Holds(pay), server)
        run_pb2_grpc.add_RunServiceServicer_to_server(Runs(pay, importing), server)
        reconciliation_pb2_grpc.add_ReconciliationServiceServicer_to_server(Reconciliation(pay), server)
        recovery_pb2_grpc.add_RecoveryServiceServicer_to_server(Recoveries(pay), server)
        parked_pb2_grpc.add_ParkedServiceServicer_to_server(ParkedRecords(process.database), server)
        audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditRecords(process.database), server)

    services = [
        service_pb2.DESCRIPTOR.services_by_name["TreasuryService"],
        hold_pb2.DESCRIPTOR.services_by_name["HoldService"],
        run_pb2.DESCRIPTOR.services_by_name["RunService"],
        reconciliation_pb2.DESCRIPTOR.services_by_name["ReconciliationService"],
        recovery_pb2.DESCRIPTOR.services_by_name["RecoveryService"],
        parked_pb2.DESCRIPTOR.services_by_name["ParkedService"],
        audit_pb2.DESCRIPTOR.services_by_name["AuditService"],
    ]
    async with (
        audit.refusals(process.database, process.clock) as refused,
        rpc.serving(process.settings, services, register, refused),
    ):
        process.health.set("grpc", True)
        await process.stopping.wait()


async def worker(process: Process) -> None:
    desk, database = _desk(process), process.database
    for limit in usecases.unlimited(desk):
        _log.warning("no limit is set", parameter=limit, set_in="CRADLE_TREASURY_LAW_OVERRIDES")
    stream = streams.order_topic(desk, process.settings)
    parking = Parking(streams.CONSUMER, process.sealer)
    settings = process.settings.model_copy(update={"batch_records_max": process.settings.order_records_max})
    inboxes = [
        Inbox(stream, database, settings, parking, process.health, process.stopping, name=f"inbox {n}", member=n)
        for n in range(1, process.settings.inboxes_per_worker + 1)
    ]
    persons = Inbox(
        streams.person_topic(desk),
        database,
        process.settings,
        Parking(streams.PERSON_CONSUMER, process.sealer),
        process.health,
        process.stopping,
        name="persons",
    )
    sealing = Sealing(database, process.clock)

    async def timer(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        await every(seconds, process.stopping, work)

    await asyncio.gather(
        *[inbox.run() for inbox in inboxes],
        persons.run(),
        timer(RELEASE_EVERY_S, partial(usecases.release, desk, database)),
        timer(SEAL_EVERY_S, sealing.seal),
        timer(process.settings.timer_every_s, partial(asking_back.detect, desk, database)),
        timer(process.settings.timer_every_s, partial(asking_back.remind, desk, database)),
        timer(process.settings.timer_every_s, partial(erasing.look_again, desk, database)),
        timer(process.settings.timer_every_s, partial(usecases.watch, desk, database)),
    )


async def bank(process: Process) -> None:
    """One process talks to banks (a session's advisory lock); others stand by. Whoever begins doubts what was sent."""
    async with rpc.channel(process.settings.registry_target, tls.identity(process.settings)) as channel:
        sender = sender_of(process, _pay_desk(process, channel))
        while not process.stopping.is_set():
            await persevere(partial(_lead, process, sender), process.stopping)


async def _lead(process: Process, sender: Sender) -> None:
    async with process.database.own_connection() as connection:
        process.health.set("bank", True)
        while not await leading.lead(connection):
            if await _stops_within(process, STAND_BY_S):
                return
        await banking.start(sender)
        over = asyncio.Event()

        async def work() -> None:
            if process.stopping.is_set() or connection.is_closed():
                over.set()  # the banks are ours only as long as this session lives
                return
            await leading.still_lead(connection)
            await banking.round_of(sender)

        stopping = asyncio.ensure_future(_after(process.stopping, over))
        try:
            await every(process.settings.bank_every_s, over, work)
        finally:
            stopping.cancel()


async def _after(first: asyncio.Event, then: asyncio.Event) -> None:
    await first.wait()
    then.set()


async def _stops_within(process: Process, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(process.stopping.wait(), seconds)
    return process.stopping.is_set()


def sender_of(process: Process, pay: PayDesk) -> Sender:
    settings = process.settings
    if settings.bank_spool is None:
        raise Unavailable("CRADLE_BANK_SPOOL names no folder")
    settings.bank_spool.mkdir(parents=True, exist_ok=True)
    signer = _signer(settings.bank_signing_key) if settings.bank_signing_key else None
    reached: dict[tuple[Path, str, str], Bank] = {}
    ours: dict[str, Bank] = {}
    for one in _accounts(process):
        ours[one.code] = reached.setdefault((one.folders, one.url, one.bucket), bank_of(one))
    return Sender(pay, ours, settings.bank_spool, signer)


def _signer(key: Path) -> Ed25519Signer:
    try:
        return Ed25519Signer(key.read_bytes())
    except (TypeError, ValueError):
        raise BanksError("CRADLE_BANK_SIGNING_KEY is no Ed25519 private key (PEM)") from None


def bank_of(one: AccountAtBank) -> Bank:
    folders = Folders(one.folders, hash_required=one.hash_required)
    if one.bucket:
        store = objects.opened(one.bucket, banks.TIMEOUT_S)
        return ObjectBank(store, folders, answer_bytes_max=banks.ANSWER_BYTES_MAX)
    if not one.url:
        return FolderBank(folders)
    return LiveBank(one.url, folders, timeout_s=banks.TIMEOUT_S, answer_bytes_max=banks.ANSWER_BYTES_MAX)


def main() -> None:
    roles = {"api": api, "worker": worker, "bank": bank, "relay": run.relay}
    run.run("treasury", roles, rules.LAW, "treasury_law_overrides")
