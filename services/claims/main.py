"""The parts of claims, named and put together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc
from cradle.claims.v1 import (
    appeal_pb2,
    appeal_pb2_grpc,
    employer_pb2,
    employer_pb2_grpc,
    redetermination_pb2,
    redetermination_pb2_grpc,
    review_pb2,
    review_pb2_grpc,
    service_pb2,
    service_pb2_grpc,
    submission_pb2,
    submission_pb2_grpc,
)
from cradle.ops.v1 import audit_pb2, audit_pb2_grpc, parked_pb2, parked_pb2_grpc
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub

from services.claims import rules, store, streams, usecases
from services.claims.api import Appeals, Claims, EmployerFacts, Redeterminations, Reviews, Submissions
from services.claims.usecases import Desk, Office, submitting
from services.claims.usecases.platform import Gateway
from services.claims.usecases.submitting import FrontDesk
from services.claims.usecases.watching import watching
from services.claims.wire import out
from services.kit import audit, rpc, run, tls
from services.kit.appending import Appender
from services.kit.inbox import Inbox
from services.kit.ops import AuditRecords, ParkedRecords
from services.kit.parking import Parking
from services.kit.run import Process
from services.kit.stream import Stream
from services.kit.tail import Tail
from services.kit.timer import every
from services.kit.waiting import persevere


async def api(process: Process) -> None:
    await persevere(partial(store.keep_law, process.database, process.law), process.stopping)  # reviews decide by it
    async with rpc.channel(process.settings.registry_target, tls.identity(process.settings)) as channel:
        await _serve(process, Desk(_office(process, channel), process.database))


async def _serve(process: Process, reviewers: Desk) -> None:
    settings, stopping = process.settings, process.stopping
    receipts = Tail(settings, tuple(out.RECEIPT + source for source in settings.sources))
    appender, watched = Appender("claims", settings), watching(process.database, settings)
    desk = FrontDesk(settings, process.clock, process.law, process.sealer, process.database, appender, receipts)

    def register(server: grpc.aio.Server) -> None:
        service_pb2_grpc.add_ClaimsServiceServicer_to_server(
            Claims(process.database, process.law, desk, watched), server
        )
        review_pb2_grpc.add_ReviewServiceServicer_to_server(Reviews(reviewers), server)
        appeal_pb2_grpc.add_AppealServiceServicer_to_server(Appeals(reviewers), server)
        redetermination_pb2_grpc.add_RedeterminationServiceServicer_to_server(Redeterminations(reviewers), server)
        employer_pb2_grpc.add_EmployerFactsServiceServicer_to_server(
            EmployerFacts(process.database, process.clock), server
        )
        submission_pb2_grpc.add_SubmissionServiceServicer_to_server(
            Submissions(process.database, process.clock, settings.sources), server
        )
        parked_pb2_grpc.add_ParkedServiceServicer_to_server(ParkedRecords(process.database), server)
        audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditRecords(process.database), server)

    services = [
        service_pb2.DESCRIPTOR.services_by_name["ClaimsService"],
        review_pb2.DESCRIPTOR.services_by_name["ReviewService"],
        appeal_pb2.DESCRIPTOR.services_by_name["AppealService"],
        redetermination_pb2.DESCRIPTOR.services_by_name["RedeterminationService"],
        employer_pb2.DESCRIPTOR.services_by_name["EmployerFactsService"],
        submission_pb2.DESCRIPTOR.services_by_name["SubmissionService"],
        parked_pb2.DESCRIPTOR.services_by_name["ParkedService"],
        audit_pb2.DESCRIPTOR.services_by_name["AuditService"],
    ]
    # Questions are answered while the broker is away; only handing in waits for it.
    async with asyncio.TaskGroup() as beside:
        for part in (appender.run, receipts.run, watched.run, partial(submitting.forget, desk)):
            beside.create_task(part(stopping))
        async with (
            audit.refusals(process.database, process.clock) as refused,
            rpc.serving(settings, services, register, refused),
        ):
            process.health.set("grpc", True)
            await stopping.wait()


async def worker(process: Process) -> None:
    await persevere(partial(store.keep_law, process.database, process.law), process.stopping)
    async with rpc.channel(process.settings.registry_target, tls.identity(process.settings)) as channel:
        office = _office(process, channel)
        intake, coverage = streams.intake(office), streams.coverage(office, process.database)
        count = process.settings.inboxes_per_worker
        await asyncio.gather(
            *[_inbox(process, intake, f"inbox {n}", n).run() for n in range(1, count + 1)],
            _inbox(process, coverage, "coverage").run(),
            _inbox(process, streams.employers(), "employers").run(),
            _inbox(process, streams.persons(office), "persons").run(),
            _inbox(process, streams.payments(office), "payments").run(),
            _soon(process, partial(usecases.queue_by_wages, office, process.database)),
            _soon(process, partial(usecases.look_again, office, process.database)),
            _soon(process, partial(usecases.redetermining.go_on, office, process.database)),
            _every(process, partial(usecases.expire, office, process.database)),
            _every(process, partial(usecases.watch, process.database, process.clock, process.settings.sources)),
            _every(process, partial(usecases.overdue.watch, process.database, process.law, process.clock)),
            _every(process, partial(usecases.erasing.forget_unnamed, office, process.database)),
            _every(process, partial(usecases.queueing.watch, process.database, process.law, process.clock)),
        )


def _office(process: Process, channel: grpc.aio.Channel) -> Office:
    return Office(process.settings, process.clock, process.law, process.sealer, RegistryServiceStub(channel))


def _inbox(process: Process, stream: Stream[Any], name: str, member: int = 1) -> Inbox[Any]:
    parking = Parking(stream.consumer, process.sealer)
    database, settings, health = process.database, process.settings, process.health
    return Inbox(stream, database, settings, parking, health, process.stopping, name=name, member=member)


async def _every(process: Process, work: Callable[[], Awaitable[object]]) -> None:
    await every(process.settings.timer_every_s, process.stopping, work)


async def _soon(process: Process, work: Callable[[], Awaitable[object]]) -> None:
    await every(process.settings.look_again_every_s, process.stopping, work)


async def platform(process: Process) -> None:
    """The adapter of the national platform: its messages in, records of the intake and reports out."""
    stream = streams.platform_messages(Gateway(process.clock, process.sealer), process.settings.sources)
    await _inbox(process, stream, "platform").run()


def main() -> None:
    roles = {"api": api, "worker": worker, "relay": run.relay, "platform": platform}
    run.run("claims", roles, rules.LAW)
