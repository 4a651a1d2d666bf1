"""The parts of certification, named and put together."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple

import grpc
from cradle.certification.v1 import (
    applying_pb2,
    applying_pb2_grpc,
    assessing_pb2,
    assessing_pb2_grpc,
    certificates_pb2,
    certificates_pb2_grpc,
    evidence_pb2,
    evidence_pb2_grpc,
    service_pb2,
    service_pb2_grpc,
)
from cradle.claims.v1.employer_pb2_grpc import EmployerFactsServiceStub
from cradle.ops.v1 import audit_pb2, audit_pb2_grpc, parked_pb2, parked_pb2_grpc
from cradle.registry.v1.standing_pb2_grpc import StandingServiceStub

from services.certification import objects, rules, streams
from services.certification.api import Applications, Assessments, Certificates, EvidenceFiles, Public, Schemes
from services.certification.api.public import serving
from services.certification.model.evidence import Limits
from services.certification.rules import schemes
from services.certification.usecases import Desk, arrears, evidencing, screening, sweeping, timing, verifying
from services.certification.usecases.evidencing import Room
from services.certification.usecases.issuing import Issuing, issuing_of, needed
from services.certification.usecases.watching import watching
from services.certification.wire.registry import Registers
from services.kit import audit, rpc, run, tls
from services.kit.calendar import CALENDAR
from services.kit.errors import Invalid
from services.kit.inbox import Inbox
from services.kit.law import ParameterError
from services.kit.ops import AuditRecords, ParkedRecords
from services.kit.parking import Parking
from services.kit.run import Process
from services.kit.timer import every

_ARREARS_EVERY_S: Final = 6 * 3600.0  # a day's arrears are known well within the day


class Others(NamedTuple):
    """Channels to the services that are asked."""

    registry: grpc.aio.Channel
    claims: grpc.aio.Channel


@asynccontextmanager
async def _others(process: Process) -> AsyncIterator[Others]:
    settings, identity = process.settings, tls.identity(process.settings)
    async with (
        rpc.channel(settings.registry_target, identity) as registry,
        rpc.channel(settings.claims_target, identity) as claims,
    ):
        yield Others(registry, claims)


def _desk(process: Process, others: Others) -> Desk:
    settings = process.settings
    versions = _versions(process)
    stubs = StandingServiceStub(others.registry), EmployerFactsServiceStub(others.claims)
    register = Registers(*stubs, versions, settings.grpc_deadline_s)
    return Desk(
        process.database,
        process.clock,
        process.sealer,
        CALENDAR,
        versions,
        register,
        allows_drafts=settings.environment != "production",
        issuing=_issuing(process),
    )


def _room(process: Process, desk: Desk) -> Room:
    given = process.settings
    limits = Limits(given.evidence_file_bytes_max, given.evidence_application_bytes_max, given.evidence_upload_s)
    return Room(desk, objects.opened(given.evidence), limits)


def _issuing(process: Process) -> Issuing | None:
    """Who signs, or the end with what is wrong; in production somebody has to."""
    settings = process.settings
    try:
        found = issuing_of(settings.certificate_url, settings.certificate_keys, settings.certificate_fonts)
    except Invalid as error:
        sys.exit(f"CRADLE_CERTIFICATE_KEYS: {error}")
    if settings.environment == "production" and found is None:
        sys.exit("CRADLE_CERTIFICATE_URL and CRADLE_CERTIFICATE_KEYS are missing: nobody could sign a certificate")
    return found


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
    async with _others(process) as others:
        await _serve(process, _desk(process, others))


async def _serve(process: Process, desk: Desk) -> None:
    watched, room = watching(process.database, process.settings), _room(process, desk)

    def register(server: grpc.aio.Server) -> None:
        service_pb2_grpc.add_CertificationServiceServicer_to_server(Schemes(desk), server)
        applying_pb2_grpc.add_ApplicationServiceServicer_to_server(Applications(desk, watched), server)
        assessing_pb2_grpc.add_AssessmentServiceServicer_to_server(Assessments(desk), server)
        evidence_pb2_grpc.add_EvidenceServiceServicer_to_server(EvidenceFiles(room), server)
        certificates_pb2_grpc.add_CertificateServiceServicer_to_server(Certificates(desk), server)
        parked_pb2_grpc.add_ParkedServiceServicer_to_server(ParkedRecords(process.database), server)
        audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditRecords(process.database), server)

    services = [
        service_pb2.DESCRIPTOR.services_by_name["CertificationService"],
        applying_pb2.DESCRIPTOR.services_by_name["ApplicationService"],
        assessing_pb2.DESCRIPTOR.services_by_name["AssessmentService"],
        evidence_pb2.DESCRIPTOR.services_by_name["EvidenceService"],
        certificates_pb2.DESCRIPTOR.services_by_name["CertificateService"],
        parked_pb2.DESCRIPTOR.services_by_name["ParkedService"],
        audit_pb2.DESCRIPTOR.services_by_name["AuditService"],
    ]
    async with asyncio.TaskGroup() as beside:
        beside.create_task(watched.run(process.stopping))
        async with (
            audit.refusals(process.database, process.clock) as refused,
            rpc.serving(process.settings, services, register, refused),
        ):
            process.health.set("grpc", True)
            await process.stopping.wait()


async def worker(process: Process) -> None:
    async with _others(process) as others:
        desk = _desk(process, others)

        async def timer(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
            await every(seconds, process.stopping, work)

        stream, parking = streams.employer_topic(desk), Parking(streams.CONSUMER, process.sealer)
        inbox = Inbox(stream, process.database, process.settings, parking, process.health, process.stopping)
        process.health.set("timers", True)
        await asyncio.gather(
            inbox.run(),
            timer(process.settings.timer_every_s, partial(sweeping.sweep, desk)),
            timer(process.settings.timer_every_s, partial(sweeping.watch, desk)),
            timer(_ARREARS_EVERY_S, partial(arrears.ask_again, desk)),
            timer(process.settings.look_again_every_s, partial(screening.screen, desk)),
            timer(process.settings.timer_every_s, partial(timing.expire, desk)),
            timer(process.settings.timer_every_s, partial(timing.date, desk)),
            timer(process.settings.evidence_sweep_every_s, partial(evidencing.sweep, _room(process, desk))),
            timer(process.settings.timer_every_s, partial(timing.watch, desk)),
        )


async def page(process: Process) -> None:
    """The public page: for anybody, so it is a process of its own, and only reads."""
    settings = process.settings
    async with _others(process) as others:
        desk = _desk(process, others)
        issuing, lasts = needed(desk.issuing), timedelta(seconds=settings.public_lists_s)
        asked = verifying.Desk(verifying.Published(desk, lasts), issuing.keys, issuing.url, process.clock)
        async with serving(Public(asked, settings.public_at_once_max), settings.public_listen):
            process.health.set("http", True)
            await process.stopping.wait()


def main() -> None:
    run.run("certification", {"api": api, "worker": worker, "relay": run.relay, "page": page})
