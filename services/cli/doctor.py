"""`cradle doctor`: is everything there, and if not, what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, timedelta
from functools import partial
from typing import Final, NamedTuple

import typer
from cradle.ops.v1 import parked_pb2
from cradle.ops.v1.parked_pb2_grpc import ParkedServiceStub
from cradle.registry.v1 import service_pb2
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.cli import broker, views
from services.cli.broker import Group, Snapshot
from services.cli.failures import Exit, Failure, asking_broker, said
from services.cli.intake import INTAKE, RECEIPT
from services.cli.session import Session, document
from services.kit.clock import Clock

_EVENTS: Final = "claims.claim.v1"
_REGISTRY: Final = tuple(f"registry.{told}.v1" for told in ("coverage", "person", "employer"))
_OFFICE: Final = ("registry.coverage-intake.v1.", "registry.coverage-receipt.v1.")
_STANDSTILL_S: Final = 2.0
_SKEW_MAX: Final = timedelta(seconds=30)
_OLDEST_S: Final = 60  # as the alert has it: what waits for longer is not only a busy moment
SERVICES: Final = {
    "claims": "ClaimsService",
    "registry": "RegistryService",
    "treasury": "TreasuryService",
    "certification": "CertificationService",
}
Backlogs = Mapping[str, parked_pb2.Backlog]


@dataclass(frozen=True, slots=True)
class Check:
    """One question with its answer; `advice` says what to do where the answer is no."""

    name: str
    ok: bool
    detail: str
    advice: str


class Seen(NamedTuple):
    """What was seen of claims at one moment; of its backlog nothing, if nobody could say."""

    broker: Snapshot
    claims: parked_pb2.Backlog | None


def doctor(context: typer.Context) -> None:
    """Check the broker, its topics, and of each service its api, workers and relay. Exit status 1: a check failed."""
    session: Session = context.obj
    found = list(_service_checks(session))
    backlogs = {service: told for service in SERVICES if (told := _backlog(session, service)) is not None}
    checks = [*_broker_checks(session, backlogs), *found]
    for service, backlog in backlogs.items():
        checks += _waiting_checks(session, service, backlog)
    if session.as_json:
        document({"ok": all(check.ok for check in checks), "checks": [asdict(check) for check in checks]})
    else:
        columns = [f"CLI_COL_{name}" for name in ("CHECK", "RESULT", "DETAIL", "ADVICE")]
        rows = (
            (check.name, session.text("CLI_OK" if check.ok else "CLI_FAILED"), check.detail, check.advice)
            for check in checks
        )
        session.show(views.table(session, columns, rows))
    if not all(check.ok for check in checks):
        raise typer.Exit(Exit.RETURNED)


def _check(session: Session, code: str, detail: str, *, ok: bool) -> Check:
    return Check(session.text(f"CLI_CHECK_{code}"), ok, detail, "" if ok else session.text(f"CLI_ADVICE_{code}"))


def _broker_checks(session: Session, backlogs: Backlogs) -> Iterator[Check]:
    try:
        snapshot = _look(session, {name for told in backlogs.values() for name in told.consumers})
    except Failure as failure:
        yield _check(session, "BROKER", said(failure.reasons[0], session.language), ok=False)
        return
    brokers = session.text(
        "CLI_DETAIL_BROKERS", address=session.settings.kafka_bootstrap_servers, count=snapshot.brokers
    )
    yield _check(session, "BROKER", brokers, ok=True)
    yield _topics(session, snapshot)
    yield from (_worker(session, name, group) for name, group in sorted(snapshot.groups.items()))
    yield _relay(session, Seen(snapshot, backlogs.get("claims")))


def _topics(session: Session, snapshot: Snapshot) -> Check:
    settings = session.settings
    wanted = {name + source for name in (INTAKE, RECEIPT) for source in settings.sources} | {_EVENTS, *_REGISTRY}
    wanted |= {name + office for name in _OFFICE for office in settings.offices}
    missing = sorted(wanted - {topic.name for topic in snapshot.topics})
    detail = ", ".join(missing) or session.text("CLI_DETAIL_TOPICS", count=len(wanted))
    return _check(session, "TOPICS", detail, ok=not missing)


def _worker(session: Session, name: str, group: Group) -> Check:
    """Somebody reads. A lag alone is no failure: it may be a busy morning."""
    detail = session.text("CLI_DETAIL_WORKER", members=group.members, lag=group.lag)
    return _check(session, "WORKER", f"{name}: {detail}", ok=group.members > 0)


def _relay(session: Session, seen: Seen) -> Check:
    """Every submission gets a receipt, and none while it is parked; and events leave. Where some are missing or wait,
    it is looked again: what is only busy goes on, and what stands still has failed.
    """
    sources = session.settings.sources
    missing, unsent = _missing(seen, sources), seen.claims.unsent_events if seen.claims else 0
    stands = False
    if missing or unsent:
        later = Seen(_look(session, after_s=_STANDSTILL_S), _backlog(session, "claims"))
        stands = _stands_still(seen, later, sources)
    return _check(session, "RELAY", session.text("CLI_DETAIL_RELAY", missing=missing, unsent=unsent), ok=not stands)


def _missing(seen: Seen, sources: Collection[str]) -> int:
    """So many at least: what is paid or decided again has further receipts, which cannot be told from the first."""
    parked = seen.claims.parked if seen.claims else 0
    return max(0, seen.broker.ever(INTAKE, sources) - seen.broker.ever(RECEIPT, sources) - parked)


def _stands_still(seen: Seen, later: Seen, sources: Collection[str]) -> bool:
    """No receipt came, and one is missing still, or the event that had waited longest waits still."""
    if later.broker.ever(RECEIPT, sources) > seen.broker.ever(RECEIPT, sources):
        return False
    if _missing(later, sources):
        return True
    if seen.claims is None or later.claims is None:
        return False  # that nobody answers is told by itself
    return seen.claims.unsent_events > 0 and later.claims.oldest_unsent_s > seen.claims.oldest_unsent_s


def _look(session: Session, groups: Collection[str] = (), after_s: float = 0.0) -> Snapshot:
    bootstrap = session.settings.kafka_bootstrap_servers

    async def look() -> Snapshot:
        await asyncio.sleep(after_s)
        return await broker.look(session.broker, groups)

    with asking_broker(bootstrap):
        return asyncio.run(look())


def _service_checks(session: Session) -> Iterator[Check]:
    for service in SERVICES:
        target = _target(session, service)
        yield _asked(session, "SERVICE", target, partial(_health, session, target, service))
    registry = session.settings.registry_target
    yield _asked(session, "REGISTRY", registry, partial(_coverage, session))


def _target(session: Session, service: str) -> str:
    target: str = getattr(session.settings, f"{service}_target")
    return target


def _asked(session: Session, code: str, target: str, question: Callable[[], tuple[bool, str]]) -> Check:
    try:
        ok, detail = question()
    except Failure as failure:
        return _check(session, code, said(failure.reasons[0], session.language), ok=False)
    return _check(session, code, f"{target} {detail}", ok=ok)


def _health(session: Session, target: str, service: str) -> tuple[bool, str]:
    name = f"cradle.{service}.v1.{SERVICES[service]}"
    with session.channel(target) as channel:
        request = health_pb2.HealthCheckRequest(service=name)
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=session.settings.grpc_deadline_s)
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return status == "SERVING", f"{name} {status}"


def _coverage(session: Session) -> tuple[bool, str]:
    """The registry answers from its database, and its clock is ours."""
    with session.channel(session.settings.registry_target) as channel:
        answer = RegistryServiceStub(channel).BatchGetCoverage(
            service_pb2.BatchGetCoverageRequest(), timeout=session.settings.grpc_deadline_s
        )
    skew = abs(answer.known_at.ToDatetime(tzinfo=UTC) - Clock().now())
    return skew <= _SKEW_MAX, session.text("CLI_DETAIL_CLOCK", seconds=f"{skew.total_seconds():.1f}")


def _backlog(session: Session, service: str) -> parked_pb2.Backlog | None:
    """What a service has still to do; None if nobody can say."""
    try:
        with session.channel(_target(session, service)) as channel:
            stub = ParkedServiceStub(channel)
            return stub.GetBacklog(parked_pb2.GetBacklogRequest(), timeout=session.settings.grpc_deadline_s)
    except Failure:
        return None


def _waiting_checks(session: Session, service: str, told: parked_pb2.Backlog) -> Iterator[Check]:
    unsent = session.text("CLI_DETAIL_OUTBOX", count=told.unsent_events, seconds=told.oldest_unsent_s)
    yield _check(session, "OUTBOX", f"{service}: {unsent}", ok=told.oldest_unsent_s <= _OLDEST_S)
    parked = session.text("CLI_DETAIL_PARKED", count=told.parked)
    yield _check(session, "PARKED", f"{service}: {parked}", ok=told.parked == 0)
