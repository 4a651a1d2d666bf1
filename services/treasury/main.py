"""The parts of the treasury, named and put together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import grpc
from cradle.ops.v1 import parked_pb2, parked_pb2_grpc
from cradle.treasury.v1 import service_pb2, service_pb2_grpc

from services.kit import rpc, run
from services.kit.inbox import Inbox
from services.kit.ops import ParkedRecords
from services.kit.parking import Parking
from services.kit.run import Process
from services.kit.timer import every
from services.treasury import rules, streams, usecases
from services.treasury.api import Treasury
from services.treasury.usecases import Desk, Sealing

RELEASE_EVERY_S: Final = 5.0
SEAL_EVERY_S: Final = 60.0


def _desk(process: Process) -> Desk:
    return Desk(process.clock, process.law, process.sealer)


async def api(process: Process) -> None:
    def register(server: grpc.aio.Server) -> None:
        service_pb2_grpc.add_TreasuryServiceServicer_to_server(Treasury(process.database, _desk(process)), server)
        parked_pb2_grpc.add_ParkedServiceServicer_to_server(ParkedRecords(process.database), server)

    services = [
        service_pb2.DESCRIPTOR.services_by_name["TreasuryService"],
        parked_pb2.DESCRIPTOR.services_by_name["ParkedService"],
    ]
    async with rpc.serving(process.settings, services, register):
        process.health.set("grpc", True)
        await process.stopping.wait()


async def worker(process: Process) -> None:
    desk, database = _desk(process), process.database
    stream = streams.order_topic(desk, process.settings)
    parking = Parking(streams.CONSUMER, process.sealer)
    settings = process.settings.model_copy(update={"batch_records_max": process.settings.order_records_max})
    inboxes = [
        Inbox(stream, database, settings, parking, process.health, process.stopping, name=f"inbox {n + 1}")
        for n in range(process.settings.inboxes_per_worker)
    ]
    sealing = Sealing(database, process.clock)

    async def timer(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        await every(seconds, process.stopping, work)

    await asyncio.gather(
        *[inbox.run() for inbox in inboxes],
        timer(RELEASE_EVERY_S, partial(usecases.release, desk, database)),
        timer(SEAL_EVERY_S, sealing.seal),
        timer(process.settings.timer_every_s, partial(usecases.watch, database)),
    )


def main() -> None:
    run.run("treasury", {"api": api, "worker": worker, "relay": run.relay}, rules.LAW, "treasury_law_overrides")
