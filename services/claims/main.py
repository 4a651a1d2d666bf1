"""The parts of claims, named and put together."""

from __future__ import annotations

import asyncio
from functools import partial

import grpc
from cradle.claims.v1 import service_pb2, service_pb2_grpc
from cradle.ops.v1 import parked_pb2, parked_pb2_grpc
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub

from services.claims import rules, store, streams
from services.claims.api import Claims
from services.claims.usecases import Office
from services.kit import rpc, run, tls
from services.kit.inbox import Inbox
from services.kit.ops import ParkedRecords
from services.kit.parking import Parking
from services.kit.run import Process
from services.kit.waiting import persevere


async def api(process: Process) -> None:
    def register(server: grpc.aio.Server) -> None:
        service_pb2_grpc.add_ClaimsServiceServicer_to_server(Claims(process.database, process.law), server)
        parked_pb2_grpc.add_ParkedServiceServicer_to_server(ParkedRecords(process.database), server)

    services = [
        service_pb2.DESCRIPTOR.services_by_name["ClaimsService"],
        parked_pb2.DESCRIPTOR.services_by_name["ParkedService"],
    ]
    async with rpc.serving(process.settings, services, register):
        process.health.set("grpc", True)
        await process.stopping.wait()


async def worker(process: Process) -> None:
    await persevere(partial(store.keep_law, process.database, process.law), process.stopping)
    async with rpc.channel(process.settings.registry_target, tls.identity(process.settings)) as channel:
        office = Office(process.settings, process.clock, process.law, process.sealer, RegistryServiceStub(channel))
        parking = Parking(streams.CONSUMER, process.sealer)
        stream = streams.intake(office)
        inboxes = [
            Inbox(
                stream,
                process.database,
                process.settings,
                parking,
                process.health,
                process.stopping,
                name=f"inbox {n + 1}",
            )
            for n in range(process.settings.inboxes_per_worker)
        ]
        await asyncio.gather(*[inbox.run() for inbox in inboxes])


def main() -> None:
    run.run("claims", {"api": api, "worker": worker, "relay": run.relay}, rules.LAW)
