"""`cradle treasury runs | statement`: payment runs by two persons, and what the bank says."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from cradle.treasury.v1 import money_pb2, run_pb2
from cradle.treasury.v1.run_pb2_grpc import RunServiceStub
from google.type.date_pb2 import Date

from services.cli import run_views as shown
from services.cli import treasury_views
from services.cli.failures import Exit, Failure, coded
from services.cli.paging import pages
from services.cli.session import Session
from services.kit.ids import new_id

runs = typer.Typer(no_args_is_help=True, help="Payment runs: plan, approve by a second person, send, settle, close.")
statement = typer.Typer(no_args_is_help=True, help="What the bank says, and what of it fits nothing.")

Fund = Literal["EMPLOYEE_INSURANCE", "RESIDENT_INSURANCE", "UNEMPLOYMENT", "FISCAL"]
Programme = Literal["MATERNITY", "NURSERY"]
State = Literal["PLANNING", "PLANNED", "APPROVED", "SENT", "SETTLED", "CLOSED", "CANCELLED"]

_WAIT_S: Final = 600.0
_LOOK_EVERY_S: Final = 0.5
_Name = Annotated[str, typer.Argument(help="the run's id, or runs/ID")]
_Limit = Annotated[int, typer.Option(min=1, help="how many at most")]
_Request = Annotated[str, typer.Option(help="a uuid; sent again with the same one, it is done once")]


@runs.command()
def plan(
    context: typer.Context,
    *,
    fund: Annotated[Fund | None, typer.Option(help="all if not given")] = None,
    county: Annotated[str, typer.Option(help="division code; all if not given")] = "",
    programme: Annotated[Programme | None, typer.Option(help="all if not given")] = None,
    payable_to: Annotated[str, typer.Option(help="orders payable until this day; today if not given")] = "",
    execute_on: Annotated[str, typer.Option(help="the day on which the bank is to pay; today if not given")] = "",
    payment_max_fen: Annotated[int, typer.Option(min=0, help="a payment above it is left out; 0: no limit")] = 0,
    total_max_fen: Annotated[int, typer.Option(min=0, help="the run ends before it is reached; 0: no limit")] = 0,
    request_id: _Request = "",
) -> None:
    """Plan what is reserved and payable; nothing is paid before another person has approved it."""
    session: Session = context.obj
    scope = run_pb2.RunScope(
        fund=money_pb2.Fund.Value(f"FUND_{fund}") if fund else money_pb2.FUND_UNSPECIFIED,
        county=county,
        programme=money_pb2.Programme.Value(f"PROGRAMME_{programme}") if programme else money_pb2.PROGRAMME_UNSPECIFIED,
        payable_to=given_day(payable_to, "--payable-to") if payable_to else None,
        payment_max_fen=payment_max_fen,
        total_max_fen=total_max_fen,
    )
    day = given_day(execute_on, "--execute-on") if execute_on else None
    request = run_pb2.PlanRunRequest(scope=scope, execute_on=day, request_id=request_id or str(new_id()))
    made = _call(session, "PlanRun", request)
    shown.run(session, _until(session, made.name, lambda run: run.state != run_pb2.RUN_STATE_PLANNING))


@runs.command()
def approve(
    context: typer.Context,
    name: _Name,
    *,
    plan_hash: Annotated[str, typer.Option(help="of the plan you have looked at, as `status` tells it")],
    request_id: _Request = "",
) -> None:
    """Approve a plan as the second person. Lines whose account or order has changed since are dropped."""
    session: Session = context.obj
    run = _get(session, name)
    request = run_pb2.ApproveRunRequest(
        name=run.name, etag=run.etag, plan_hash=plan_hash, request_id=request_id or str(new_id())
    )
    made = _call(session, "ApproveRun", request)
    shown.run(session, _until(session, made.name, lambda run: run.is_ready or run.state != run_pb2.RUN_STATE_APPROVED))


@runs.command()
def send(context: typer.Context, name: _Name, *, request_id: _Request = "") -> None:
    """Queue an approved run for the bank."""
    _move(context.obj, "SendRun", run_pb2.SendRunRequest, name, request_id)


@runs.command()
def cancel(context: typer.Context, name: _Name, *, request_id: _Request = "") -> None:
    """Take a run back before it is sent; its orders are free to be planned again."""
    _move(context.obj, "CancelRun", run_pb2.CancelRunRequest, name, request_id)


@runs.command()
def close(context: typer.Context, name: _Name, *, request_id: _Request = "") -> None:
    """Close a run whose payments have all ended."""
    _move(context.obj, "CloseRun", run_pb2.CloseRunRequest, name, request_id)


@runs.command()
def status(
    context: typer.Context,
    name: _Name,
    *,
    payments: Annotated[bool, typer.Option("--payments", help="its payments instead")] = False,
    exceptions: Annotated[bool, typer.Option("--exceptions", help="what was left out instead, and why")] = False,
    limit: _Limit = 1000,
) -> None:
    """Show a run: by fund, county and state, its files, and the hash that a second person approves."""
    session: Session = context.obj
    full = _full(name)
    if payments:
        found = list(_pages(session, "ListPayments", "payments", run_pb2.ListPaymentsRequest(run=full), limit))
        treasury_views.present(session, shown.payments(session, found), "payments")
    elif exceptions:
        left = list(_pages(session, "ListExceptions", "exceptions", run_pb2.ListExceptionsRequest(run=full), limit))
        treasury_views.present(session, shown.exceptions(session, left), "exceptions")
    else:
        shown.run(session, _get(session, name))


@runs.command("list")
def runs_list(
    context: typer.Context, *, state: Annotated[State | None, typer.Option()] = None, limit: _Limit = 50
) -> None:
    """Show runs, newest first."""
    session: Session = context.obj
    wanted = run_pb2.ListRunsRequest()
    if state:
        wanted.state = run_pb2.RunState.Value(f"RUN_STATE_{state}")
    found = list(_pages(session, "ListRuns", "runs", wanted, limit))
    treasury_views.present(session, shown.runs(session, found), "runs")


@runs.command()
def resolve(
    context: typer.Context,
    payment: Annotated[str, typer.Argument(help="the payment's id, or payments/ID")],
    *,
    document: Annotated[str, typer.Option(help="the bank's word that it was not paid and will not be")],
    request_id: _Request = "",
) -> None:
    """Say by the bank's word that an unknown payment was not made; it is REJECTED when a second person says so too."""
    session: Session = context.obj
    full = payment if payment.startswith("payments/") else f"payments/{payment}"
    request = run_pb2.ResolveUnknownRequest(name=full, document=document, request_id=request_id or str(new_id()))
    made = _call(session, "ResolveUnknown", request)
    treasury_views.present(session, shown.payments(session, [made]), "payments")
    if made.state == run_pb2.PAYMENT_STATE_UNKNOWN:
        session.note("CLI_SECOND_PERSON_AWAITED")


@statement.command("import")
def import_statement(
    context: typer.Context, file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
) -> None:
    """Take in an answer, advice or statement of the bank. The same file again changes nothing."""
    session: Session = context.obj
    content = file.read_bytes()
    request = run_pb2.ImportStatementRequest(
        file_name=file.name, sha256=hashlib.sha256(content).digest(), content=content
    )
    shown.imported(session, _call(session, "ImportStatement", request))


@statement.command()
def unmatched(context: typer.Context, *, limit: _Limit = 1000) -> None:
    """Show what the bank said that fits no payment, oldest first."""
    session: Session = context.obj
    found = list(_pages(session, "ListUnmatched", "items", run_pb2.ListUnmatchedRequest(), limit))
    treasury_views.present(session, shown.unmatched(session, found), "unmatched")


# --- asking ----------------------------------------------------------------------------------------------------------


def _move(session: Session, method: str, kind: Callable[..., Any], name: str, request_id: str) -> None:
    run = _get(session, name)
    shown.run(
        session, _call(session, method, kind(name=run.name, etag=run.etag, request_id=request_id or str(new_id())))
    )


def _get(session: Session, name: str) -> run_pb2.Run:
    found: run_pb2.Run = _call(session, "GetRun", run_pb2.GetRunRequest(name=_full(name)))
    return found


def _full(name: str) -> str:
    return name if name.startswith("runs/") else f"runs/{name}"


def _until(session: Session, name: str, is_done: Callable[[run_pb2.Run], bool]) -> run_pb2.Run:
    """A large run goes on in the background: look until it is done, for so long as a person waits."""
    until = time.monotonic() + _WAIT_S
    run = _get(session, name)
    while not is_done(run) and time.monotonic() < until:
        time.sleep(_LOOK_EVERY_S)
        run = _get(session, name)
    return run


def _call(session: Session, method: str, request: Any) -> Any:
    settings = session.settings
    with session.channel(settings.treasury_target) as channel:
        return getattr(RunServiceStub(channel), method)(request, timeout=settings.grpc_deadline_s)


def _pages(session: Session, method: str, name: str, wanted: Any, limit: int) -> Any:
    return pages(lambda request: _call(session, method, request), name, wanted, limit)


def given_day(text: str, option: str) -> Date:
    try:
        year, month, day = (int(part) for part in text.split("-"))
    except ValueError:
        raise Failure(Exit.USAGE, [coded("FACT_NOT_DATE", option)]) from None
    return Date(year=year, month=month, day=day)
