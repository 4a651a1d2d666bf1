"""`cradle doctor`: is everything there, and if not, what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, timedelta
from functools import partial
from typing import Final

import typer
from cradle.ops.v1 import parked_pb2
from cradle.ops.v1.parked_pb2_grpc import ParkedServiceStub
from cradle.registry.v1 import service_pb2
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.cli import broker, views
from services.cli.broker import Snapshot
from services.cli.failures import Exit, Failure, asking_broker, said
from services.cli.intake import INTAKE, RECEIPT
from services.cli.session import Session, document
from services.kit.clock import Clock

_EVENTS: Final = "claims.claim.v1"
_REGISTRY: Final = tuple(f"registry.{told}.v1" for told in ("coverage", "person", "employer"))
_OFFICE: Final = ("registry.coverage-intake.v1.", "registry.coverage-receipt.v1.")
_STANDSTILL_S: Final = 2.0
_SKEW_MAX: Final = timedelta(seconds=30)
_SERVICES: Final = (
    ("claims_target", "cradle.claims.v1.ClaimsService"),
    ("registry_target", "cradle.registry.v1.RegistryService"),
    ("treasury_target", "cradle.treasury.v1.TreasuryService"),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One question with its answer; `advice` says what to do where the answer is no."""

    name: str
    ok: bool
    detail: str
    advice: str


def doctor(context: typer.Context) -> None:
    """Check the broker, its topics, the services, the worker and the relay. Exit status 1: a check failed."""
    session: Session = context.obj
    found, parked = list(_service_checks(session)), _parked(session, "claims_target")
    checks = [*_broker_checks(session, parked), *found, *_parked_checks(session, "claims", parked)]
    for service in ("registry", "treasury"):
        checks += _parked_checks(session, service, _parked(session, f"{service}_target"))
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


def _broker_checks(session: Session, parked: int | None) -> Iterator[Check]:
    try:
        snapshot = _look(session)
    except Failure as failure:
        yield _check(session, "BROKER", said(failure.reasons[0], session.language), ok=False)
        return
    brokers = session.text(
        "CLI_DETAIL_BROKERS", address=session.settings.kafka_bootstrap_servers, count=snapshot.brokers
    )
    yield _check(session, "BROKER", brokers, ok=True)
    yield _topics(session, snapshot)
    yield _worker(session, snapshot)
    yield _relay(session, snapshot, parked or 0)


def _topics(session: Session, snapshot: Snapshot) -> Check:
    settings = session.settings
    wanted = {name + source for name in (INTAKE, RECEIPT) for source in settings.sources} | {_EVENTS, *_REGISTRY}
    wanted |= {name + office for name in _OFFICE for office in settings.offices}
    missing = sorted(wanted - {topic.name for topic in snapshot.topics})
    detail = ", ".join(missing) or session.text("CLI_DETAIL_TOPICS", count=len(wanted))
    return _check(session, "TOPICS", detail, ok=not missing)


def _worker(session: Session, snapshot: Snapshot) -> Check:
    """Somebody reads the intake. A lag alone is no failure: it may be a busy morning."""
    lag = sum(topic.lag or 0 for topic in snapshot.topics)
    detail = session.text("CLI_DETAIL_WORKER", members=snapshot.members, lag=lag)
    return _check(session, "WORKER", detail, ok=snapshot.members > 0)


def _relay(session: Session, snapshot: Snapshot, parked: int) -> Check:
    """Every submission gets one receipt, and none while it is parked. Where some are missing, it is looked again: what
    is only busy goes on, and what stands still has failed.
    """
    sources = session.settings.sources
    missing = _missing(snapshot, parked, sources)
    moving = missing == 0
    if missing:
        later = _look(session, after_s=_STANDSTILL_S)
        moved = later.ever(RECEIPT, sources) > snapshot.ever(RECEIPT, sources)
        moving = moved or _missing(later, parked, sources) == 0
    return _check(session, "RELAY", session.text("CLI_DETAIL_RELAY", missing=missing), ok=moving)


def _missing(snapshot: Snapshot, parked: int, sources: Collection[str]) -> int:
    return max(0, snapshot.ever(INTAKE, sources) - snapshot.ever(RECEIPT, sources) - parked)


def _look(session: Session, after_s: float = 0.0) -> Snapshot:
    bootstrap = session.settings.kafka_bootstrap_servers

    async def look() -> Snapshot:
        await asyncio.sleep(after_s)
        return await broker.look(session.broker)

    with asking_broker(bootstrap):
        return asyncio.run(look())


def _service_checks(session: Session) -> Iterator[Check]:
    for setting, service in _SERVICES:
        target: str = getattr(session.settings, setting)
        yield _asked(session, "SERVICE", target, partial(_health, session, target, service))
    registry = session.settings.registry_target
    yield _asked(session, "REGISTRY", registry, partial(_coverage, session))


def _asked(session: Session, code: str, target: str, question: Callable[[], tuple[bool, str]]) -> Check:
    try:
        ok, detail = question()
    except Failure as failure:
        return _check(session, code, said(failure.reasons[0], session.language), ok=False)
    return _check(session, code, f"{target} {detail}", ok=ok)


def _health(session: Session, target: str, service: str) -> tuple[bool, str]:
    request = health_pb2.HealthCheckRequest(service=service)
    with session.channel(target) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=session.settings.grpc_deadline_s)
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return status == "SERVING", f"{service} {status}"


def _coverage(session: Session) -> tuple[bool, str]:
    """The registry answers from its database, and its clock is ours."""
    with session.channel(session.settings.registry_target) as channel:
        answer = RegistryServiceStub(channel).BatchGetCoverage(
            service_pb2.BatchGetCoverageRequest(), timeout=session.settings.grpc_deadline_s
        )
    skew = abs(answer.known_at.ToDatetime(tzinfo=UTC) - Clock().now())
    return skew <= _SKEW_MAX, session.text("CLI_DETAIL_CLOCK", seconds=f"{skew.total_seconds():.1f}")


def _parked(session: Session, setting: str) -> int | None:
    """How many records of a service are parked; None if nobody can say."""
    try:
        with session.channel(getattr(session.settings, setting)) as channel:
            request = parked_pb2.ListParkedRequest(page_size=1)
            return ParkedServiceStub(channel).ListParked(request, timeout=session.settings.grpc_deadline_s).total
    except Failure:
        return None


def _parked_checks(session: Session, service: str, parked: int | None) -> Iterator[Check]:
    if parked is not None:
        detail = f"{service}: {session.text('CLI_DETAIL_PARKED', count=parked)}"
        yield _check(session, "PARKED", detail, ok=parked == 0)
