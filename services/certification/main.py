"""The parts of certification, named and put together."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial

import grpc
from cradle.certification.v1 import (
    applying_pb2,
    applying_pb2_grpc,
    assessing_pb2,
    assessing_pb2_grpc,
    evidence_pb2,
    evidence_pb2_grpc,
    service_pb2,
    service_pb2_grpc,
)
from cradle.ops.v1 import parked_pb2, parked_pb2_grpc
from cradle.registry.v1.standing_pb2_grpc import StandingServiceStub

from services.certification import objects, rules
from services.certification.api import Applications, Assessments, EvidenceFiles, Schemes
from services.certification.model.evidence import Limits
from services.certification.rules import schemes
from services.certification.usecases import Desk, evidencing, screening, timing
from services.certification.usecases.evidencing import Room
from services.certification.usecases.watching import watching
from services.certification.wire.registry import Registers
from services.kit import rpc, run, tls
from services.kit.calendar import CALENDAR
from services.kit.law import ParameterError
from services.kit.ops import ParkedRecords
from services.kit.run import Process
from services.kit.timer import every


def _desk(process: Process, channel: grpc.aio.Channel) -> Desk:
    settings = process.settings
    register = Registers(StandingServiceStub(channel), settings.grpc_deadline_s)
    return Desk(
        process.database,
        process.clock,
        process.sealer,
        CALENDAR,
        _versions(process),
        register,
        allows_drafts=settings.environment != "production",
    )


def _room(process: Process, desk: Desk) -> Room:
    given = process.settings
    limits = Limits(given.evidence_file_bytes_max, given.evidence_application_bytes_max, given.evidence_upload_s)
    return Room(desk, objects.opened(given.evidence), limits)


def _versions(process: Process) -> rules.Versions:
    """The versions of the scheme, or the end with everything wrong with them; in production with every figure set."""
    try:
        found = rules.versions(process.settings.certification_schemes)
    except ParameterError as error:
        sys.exit(f"CRADLE_CERTIFICATION_SCHEMES holds no scheme:\n{error}")
    current = schemes.version_on(found, process.clock.today())
    if process.settings.environment == "production" and current is not None and (waiting := current.placeholders()):
        sys.exit("\n  ".join(["production must not rest on placeholders; the authority has yet to set:", *waiting]))
    return found


async def api(process: Process) -> None:
    async with rpc.channel(process.settings.registry_target, tls.identity(process.settings)) as channel:
        await _serve(process, _desk(process, channel))


async def _serve(process: Process, desk: Desk) -> None:
    watched, room = watching(process.database, process.settings), _room(process, desk)

    def register(server: grpc.aio.Server) -> None:
        service_pb2_grpc.add_CertificationServiceServicer_to_server(Schemes(desk), server)
        applying_pb2_grpc.add_ApplicationServiceServicer_to_server(Applications(desk, watched), server)
        assessing_pb2_grpc.add_AssessmentServiceServicer_to_server(Assessments(desk), server)
        evidence_pb2_grpc.add_EvidenceServiceServicer_to_server(EvidenceFiles(room), server)
        parked_pb2_grpc.add_ParkedServiceServicer_to_server(ParkedRecords(process.database), server)

    services = [
        service_pb2.DESCRIPTOR.services_by_name["CertificationService"],
        applying_pb2.DESCRIPTOR.services_by_name["ApplicationService"],
        assessing_pb2.DESCRIPTOR.services_by_name["AssessmentService"],
        evidence_pb2.DESCRIPTOR.services_by_name["EvidenceService"],
        parked_pb2.DESCRIPTOR.services_by_name["ParkedService"],
    ]
    async with asyncio.TaskGroup() as beside:
        beside.create_task(watched.run(process.stopping))
        async with rpc.serving(process.settings, services, register):
            process.health.set("grpc", True)
            await process.stopping.wait()


async def worker(process: Process) -> None:
    async with rpc.channel(process.settings.registry_target, tls.identity(process.settings)) as channel:
        desk = _desk(process, channel)

        async def timer(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
            await every(seconds, process.stopping, work)

        process.health.set("timers", True)
        await asyncio.gather(
            timer(process.settings.look_again_every_s, partial(screening.screen, desk)),
            timer(process.settings.timer_every_s, partial(timing.expire, desk)),
            timer(process.settings.timer_every_s, partial(timing.date, desk)),
            timer(process.settings.evidence_sweep_every_s, partial(evidencing.sweep, _room(process, desk))),
        )


def main() -> None:
    run.run("certification", {"api": api, "worker": worker, "relay": run.relay})
