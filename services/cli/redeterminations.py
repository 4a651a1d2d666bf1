"""`cradle claims redetermine`: a plan of what a changed law changes, approved by a second person, then carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer
from cradle.claims.v1 import redetermination_pb2
from cradle.claims.v1.redetermination_pb2_grpc import RedeterminationServiceStub

from services.cli import redetermination_views as shown
from services.cli import treasury_views
from services.cli.failures import Exit, Failure, coded
from services.cli.paging import pages
from services.cli.session import Session
from services.cli.watching import watch
from services.kit.ids import new_id

app = typer.Typer(
    invoke_without_command=True, help="Decide again because the law changed: plan, approve by a second person."
)

Finding = Literal["UP", "WAITED", "DOWN"]

_pb = redetermination_pb2
_Name = Annotated[str, typer.Argument(help="the id, or redeterminations/ID; the newest if not given")]
_Request = Annotated[str, typer.Option(help="a uuid; sent again with the same one, it is done once")]


@app.callback()
def redetermine(
    context: typer.Context,
    *,
    law_changed: Annotated[bool, typer.Option("--law-changed", help="plan; nothing is changed by it")] = False,
    request_id: _Request = "",
) -> None:
    """Find the claims that the law in force decides otherwise than they were decided. Nothing is changed by a plan."""
    if context.invoked_subcommand is not None:
        return
    session: Session = context.obj
    if not law_changed:
        raise Failure(Exit.USAGE, [coded("CLI_REDETERMINE_HOW", "--law-changed")])
    request = _pb.PlanRedeterminationRequest(request_id=request_id or str(new_id()))
    made = _call(session, "PlanRedetermination", request)
    _watch(session, made.name, lambda one: one.state != _pb.REDETERMINATION_STATE_PLANNING)


@app.command()
def approve(
    context: typer.Context,
    name: _Name = "",
    *,
    plan_hash: Annotated[str, typer.Option(help="of the plan you have looked at, as `status` tells it")],
    wait: Annotated[bool, typer.Option(help="wait until it is carried out")] = True,
    request_id: _Request = "",
) -> None:
    """Approve a plan as the second person: upwards is decided, downwards is asked of a person."""
    session: Session = context.obj
    one = _get(session, name)
    request = _pb.ApproveRedeterminationRequest(
        name=one.name, etag=one.etag, plan_hash=plan_hash, request_id=request_id or str(new_id())
    )
    made = _call(session, "ApproveRedetermination", request)
    _watch(session, made.name, lambda one: not wait or one.state != _pb.REDETERMINATION_STATE_APPROVED)


@app.command()
def cancel(context: typer.Context, name: _Name = "", *, request_id: _Request = "") -> None:
    """End a plan, or stop carrying it out; what was done stays done."""
    session: Session = context.obj
    one = _get(session, name)
    request = _pb.CancelRedeterminationRequest(name=one.name, etag=one.etag, request_id=request_id or str(new_id()))
    shown.whole(session, _call(session, "CancelRedetermination", request))


@app.command()
def status(
    context: typer.Context,
    name: _Name = "",
    *,
    claims: Annotated[bool, typer.Option("--claims", help="claim by claim instead")] = False,
    county: Annotated[str, typer.Option(help="division code; all if not given")] = "",
    finding: Annotated[Finding | None, typer.Option(help="all if not given", case_sensitive=False)] = None,
    limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 1000,
) -> None:
    """Show what a plan found by county, the hash a second person approves, and how far it is carried out."""
    session: Session = context.obj
    one = _get(session, name)
    if not claims:
        shown.whole(session, one)
        return
    wanted = _pb.ListRedeterminedClaimsRequest(parent=one.name, county=county)
    if finding:
        wanted.finding = _pb.RedeterminationFinding.Value(f"REDETERMINATION_FINDING_{finding}")
    found = list(pages(lambda request: _call(session, "ListRedeterminedClaims", request), "claims", wanted, limit))
    treasury_views.present(session, shown.claims(session, found), "claims")


@app.command("list")
def list_(context: typer.Context, *, limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 50) -> None:
    """Show redeterminations, newest first."""
    session: Session = context.obj
    treasury_views.present(session, shown.listed(session, _newest(session, limit)), "redeterminations")


# --- asking ----------------------------------------------------------------------------------------------------------


def _get(session: Session, name: str) -> _pb.Redetermination:
    if not name:
        newest = _newest(session, 1)
        if not newest:
            raise Failure(Exit.NOT_FOUND, [coded("NOT_FOUND", "name", name="redeterminations")])
        return newest[0]
    full = name if name.startswith("redeterminations/") else f"redeterminations/{name}"
    found: _pb.Redetermination = _call(session, "GetRedetermination", _pb.GetRedeterminationRequest(name=full))
    return found


def _newest(session: Session, limit: int) -> list[_pb.Redetermination]:
    wanted = _pb.ListRedeterminationsRequest()
    return list(
        pages(lambda request: _call(session, "ListRedeterminations", request), "redeterminations", wanted, limit)
    )


def _watch(session: Session, name: str, is_done: Callable[[_pb.Redetermination], bool]) -> None:
    """The worker goes on by itself."""

    def progress(one: _pb.Redetermination) -> tuple[int, int]:
        return shown.done(one), max(1, one.planned)

    one = watch(session, "CLI_PROGRESS_REDETERMINING", lambda: _get(session, name), is_done, progress)
    shown.whole(session, one)


def _call(session: Session, method: str, request: Any) -> Any:
    settings = session.settings
    with session.channel(settings.claims_target) as channel:
        return getattr(RedeterminationServiceStub(channel), method)(request, timeout=settings.grpc_deadline_s)
