"""`cradle audit`: who read what of persons, and which calls were refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

import typer
from cradle.ops.v1 import audit_pb2
from cradle.ops.v1.audit_pb2_grpc import AuditServiceStub

from services.cli import views
from services.cli.paging import pages
from services.cli.session import Session, as_data, document

app = typer.Typer(no_args_is_help=True, help="Who read what of persons, and which calls were refused.")

_READS = ("AT", "PRINCIPAL", "METHOD", "PURPOSE", "PERSONS", "CLAIMS")
_REFUSALS = ("AT", "UNTIL", "PRINCIPAL", "METHOD", "CODE", "CALLS")
_Service = Annotated[Literal["claims", "registry", "treasury", "certification"], typer.Option(help="asked of whom")]
_Limit = Annotated[int, typer.Option(min=1, help="how many at most")]
_Principal = Annotated[str, typer.Option(help="of this one only, as in person/<sub> or source/hospitals")]
_Method = Annotated[str, typer.Option(help="of this one only, as in GetClaim")]
_Instant = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="in UTC")]


@app.command()
def reads(
    context: typer.Context,
    *,
    service: _Service = "claims",
    principal: _Principal = "",
    method: _Method = "",
    person: Annotated[str, typer.Option(help="who read of her: her reference")] = "",
    claim: Annotated[str, typer.Option(help="who read this claim: its id")] = "",
    since: _Instant = None,
    until: _Instant = None,
    limit: _Limit = 50,
) -> None:
    """Show calls that were answered with something of persons, newest first."""
    session: Session = context.obj
    request = audit_pb2.ListReadsRequest(
        principal=principal, method=method, subject=person, record=claim.removeprefix("claims/")
    )
    _span(request, since, until)
    found = _paged(session, service, lambda stub: stub.ListReads, request, "reads", limit)
    if session.as_json:
        document({"reads": [as_data(one) for one in found]})
        return
    rows = [
        (
            views.instant(one.time),
            one.principal,
            one.method,
            one.purpose,
            _named(one.subjects),
            _named(one.records),
        )
        for one in found
    ]
    session.show(views.table(session, [f"CLI_AUDIT_{name}" for name in _READS], rows), piped_width=160)


@app.command()
def refusals(
    context: typer.Context,
    *,
    service: _Service = "claims",
    principal: _Principal = "",
    method: _Method = "",
    since: _Instant = None,
    until: _Instant = None,
    limit: _Limit = 50,
) -> None:
    """Show calls that were refused for who made them, newest first; many of a kind within a minute are one row."""
    session: Session = context.obj
    request = audit_pb2.ListRefusedCallsRequest(principal=principal, method=method)
    _span(request, since, until)
    found = _paged(session, service, lambda stub: stub.ListRefusedCalls, request, "calls", limit)
    if session.as_json:
        document({"calls": [as_data(one) for one in found]})
        return
    rows = [
        (
            views.instant(one.first_time),
            views.instant(one.last_time),
            one.principal,
            one.method,
            one.code,
            str(one.calls),
        )
        for one in found
    ]
    session.show(views.table(session, [f"CLI_AUDIT_{name}" for name in _REFUSALS], rows, right={"CLI_AUDIT_CALLS"}))


def _span(request: Any, since: datetime | None, until: datetime | None) -> None:
    for name, given in (("from", since), ("before", until)):
        if given is not None:
            getattr(request, name).FromDatetime(given.replace(tzinfo=UTC))


def _paged(  # noqa: PLR0917  # one question
    session: Session,
    service: str,
    method: Callable[[Any], Callable[..., Any]],
    request: Any,
    field: str,
    limit: int,
) -> list[Any]:
    with session.channel(getattr(session.settings, f"{service}_target")) as channel:
        asking = partial(method(AuditServiceStub(channel)), timeout=session.settings.grpc_deadline_s)
        return list(pages(asking, field, request, limit))


def _named(references: Any) -> str:
    """One by itself, else how many."""
    return str(references[0]) if len(references) == 1 else str(len(references) or "")
