"""The parts of the registry, named and put together."""

from __future__ import annotations

import base64

import grpc
from cradle.registry.v1 import service_pb2, service_pb2_grpc

from services.kit import rpc, run
from services.kit.run import Process
from services.registry.api import Registry
from services.registry.usecases import Office


async def api(process: Process) -> None:
    key = base64.b64decode(process.settings.blind_index_key.get_secret_value(), validate=True)
    office = Office(process.database, process.clock, process.sealer, key)

    def register(server: grpc.aio.Server) -> None:
        service_pb2_grpc.add_RegistryServiceServicer_to_server(Registry(office), server)

    async with rpc.serving(process.settings, [service_pb2.DESCRIPTOR.services_by_name["RegistryService"]], register):
        process.health.set("grpc", True)
        await process.stopping.wait()


def main() -> None:
    run.run("registry", {"api": api, "relay": run.relay})
