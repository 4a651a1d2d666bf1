"""The parts of the registry, named and put together."""

from __future__ import annotations

import asyncio
import base64

import grpc
from cradle.ops.v1 import audit_pb2, audit_pb2_grpc, parked_pb2, parked_pb2_grpc
from cradle.registry.v1 import (
    office_pb2,
    office_pb2_grpc,
    record_pb2,
    record_pb2_grpc,
    service_pb2,
    service_pb2_grpc,
    standing_pb2,
    standing_pb2_grpc,
)

from services.kit import audit, rpc, run
from services.kit.inbox import Inbox
from services.kit.ops import AuditRecords, ParkedRecords
from services.kit.parking import Parking
from services.kit.run import Process
from services.kit.seal import Keyed
from services.registry import streams
from services.registry.api import Offices, Records, Registry, Standings
from services.registry.usecases import Office


def _office(process: Process) -> Office:
    key = base64.b64decode(process.settings.blind_index_key.get_secret_value(), validate=True)
    return Office(process.database, process.clock, process.sealer, Keyed.of(key))


async def api(process: Process) -> None:
    office = _office(process)

    def register(server: grpc.aio.Server) -> None:
        service_pb2_grpc.add_RegistryServiceServicer_to_server(Registry(office), server)
        office_pb2_grpc.add_OfficeServiceServicer_to_server(
            Offices(office, process.settings.offices, process.settings.message_bytes_max), server
        )
        record_pb2_grpc.add_RecordServiceServicer_to_server(Records(office), server)
        standing_pb2_grpc.add_StandingServiceServicer_to_server(Standings(office), server)
        parked_pb2_grpc.add_ParkedServiceServicer_to_server(ParkedRecords(process.database), server)
        audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditRecords(process.database), server)

    services = [
        service_pb2.DESCRIPTOR.services_by_name["RegistryService"],
        office_pb2.DESCRIPTOR.services_by_name["OfficeService"],
        record_pb2.DESCRIPTOR.services_by_name["RecordService"],
        standing_pb2.DESCRIPTOR.services_by_name["StandingService"],
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
    parking = Parking(streams.CONSUMER, process.sealer)
    stream = streams.coverage_intake(_office(process), process.settings)
    inboxes = [
        Inbox(
            stream,
            process.database,
            process.settings,
            parking,
            process.health,
            process.stopping,
            name=f"inbox {n}",
            member=n,
        )
        for n in range(1, process.settings.inboxes_per_worker + 1)
    ]
    await asyncio.gather(*[inbox.run() for inbox in inboxes])


def main() -> None:
    run.run("registry", {"api": api, "worker": worker, "relay": run.relay})
