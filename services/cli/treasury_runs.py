"""`cradle treasury runs | statement`: payment runs by two persons, and what the bank says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Literal

import typer
from cradle.treasury.v1 import money_pb2, run_pb2
from cradle.treasury.v1.run_pb2_grpc import RunServiceStub
from google.type.date_pb2 import Date
from rich.progress import Progress

from services.cli import run_views as shown
from services.cli import treasury_views
from services.cli.failures import Exit, Failure, coded
from services.cli.session import Session
from services.cli.treasury_desk import Desk, DryRun, Limit, RequestId, full, once
from services.cli.watching import watch

runs = typer.Typer(no_args_is_help=True, help="Payment runs: plan, approve by a second person, send, settle, close.")
statement = typer.Typer(no_args_is_help=True, help="What the bank says, and what of it fits nothing.")

Fund = Literal["EMPLOYEE_INSURANCE", "RESIDENT_INSURANCE", "UNEMPLOYMENT", "FISCAL"]
Programme = Literal["MATERNITY", "NURSERY"]
State = Literal["PLANNING", "PLANNED", "APPROVED", "SENT", "SETTLED", "CLOSED", "CANCELLED"]

_PIECE_BYTES: Final = 256 * 1024
_UPLOAD_S: Final = 600.0  # with what the service makes of it
_FORESEEING_S: Final = 300.0  # a plan of all, in one call
_Name = Annotated[str, typer.Argument(help="the run's id, or runs/ID")]
_DESK: Final = Desk(run_pb2.DESCRIPTOR.services_by_name["RunService"], RunServiceStub, "Run", "runs")


@runs.command()
def plan(
    context: typer.Context,
    *,
    fund: Annotated[Fund | None, typer.Option(help="all if not given", case_sensitive=False)] = None,
    county: Annotated[str, typer.Option(help="division code; all if not given")] = "",
    programme: Annotated[Programme | None, typer.Option(help="all if not given", case_sensitive=False)] = None,
    payable_to: Annotated[str, typer.Option(help="orders payable until this day; today if not given")] = "",
    execute_on: Annotated[str, typer.Option(help="the day on which the bank is to pay; today if not given")] = "",
    payment_max_fen: Annotated[int, typer.Option(min=0, help="a payment above it is left out; 0: no limit")] = 0,
    total_max_fen: Annotated[int, typer.Option(min=0, help="the run ends before it is reached; 0: no limit")] = 0,
    request_id: RequestId = "",
    dry_run: DryRun = False,
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
    request = run_pb2.PlanRunRequest(scope=scope, execute_on=day, **once(request_id, dry_run=dry_run))
    if dry_run:
        shown.foreseen(session, _DESK.call(session, "PlanRun", request, _FORESEEING_S))
        return
    name = _DESK.call(session, "PlanRun", request).name
    _watch(session, name, "CLI_PROGRESS_PLANNING", lambda run: run.state != run_pb2.RUN_STATE_PLANNING, shown.planned)


@runs.command()
def approve(
    context: typer.Context,
    name: _Name,
    *,
    plan_hash: Annotated[str, typer.Option(help="of the plan you have looked at, as `status` tells it")],
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Approve a plan as the second person. Lines whose account or order has changed since are dropped."""
    session: Session = context.obj
    made = _DESK.move(session, "ApproveRun", name, once(request_id, dry_run=dry_run), plan_hash=plan_hash)
    if dry_run:
        shown.run(session, made)
        return

    def is_done(run: run_pb2.Run) -> bool:
        return run.is_ready or run.state != run_pb2.RUN_STATE_APPROVED

    _watch(session, made.name, "CLI_PROGRESS_COMMITTING", is_done, shown.committed)


@runs.command()
def send(context: typer.Context, name: _Name, *, request_id: RequestId = "", dry_run: DryRun = False) -> None:
    """Queue an approved run for the bank."""
    shown.run(context.obj, _DESK.move(context.obj, "SendRun", name, once(request_id, dry_run=dry_run)))


@runs.command()
def cancel(context: typer.Context, name: _Name, *, request_id: RequestId = "", dry_run: DryRun = False) -> None:
    """Take a run back before it is sent; its orders are free to be planned again."""
    shown.run(context.obj, _DESK.move(context.obj, "CancelRun", name, once(request_id, dry_run=dry_run)))


@runs.command()
def close(context: typer.Context, name: _Name, *, request_id: RequestId = "", dry_run: DryRun = False) -> None:
    """Close a run whose payments have all ended."""
    shown.run(context.obj, _DESK.move(context.obj, "CloseRun", name, once(request_id, dry_run=dry_run)))


@runs.command()
def status(
    context: typer.Context,
    name: _Name,
    *,
    payments: Annotated[bool, typer.Option("--payments", help="its payments instead")] = False,
    exceptions: Annotated[bool, typer.Option("--exceptions", help="what was left out instead, and why")] = False,
    limit: Limit = 1000,
) -> None:
    """Show a run: by fund, county and state, its files, and the hash that a second person approves."""
    session: Session = context.obj
    run = _DESK.named(name)
    if payments:
        found = _DESK.pages(session, "ListPayments", "payments", run_pb2.ListPaymentsRequest(run=run), limit)
        treasury_views.present(session, shown.payments(session, found), "payments")
    elif exceptions:
        left = _DESK.pages(session, "ListExceptions", "exceptions", run_pb2.ListExceptionsRequest(run=run), limit)
        treasury_views.present(session, shown.exceptions(session, left), "exceptions")
    else:
        shown.run(session, _DESK.get(session, name))


@runs.command("list")
def runs_list(
    context: typer.Context,
    *,
    state: Annotated[State | None, typer.Option(case_sensitive=False)] = None,
    limit: Limit = 50,
) -> None:
    """Show runs, newest first."""
    session: Session = context.obj
    wanted = run_pb2.ListRunsRequest()
    if state:
        wanted.state = run_pb2.RunState.Value(f"RUN_STATE_{state}")
    found = _DESK.pages(session, "ListRuns", "runs", wanted, limit)
    treasury_views.present(session, shown.runs(session, found), "runs")


@runs.command()
def resolve(
    context: typer.Context,
    payment: Annotated[str, typer.Argument(help="the payment's id, or payments/ID")],
    *,
    document: Annotated[str, typer.Option(help="the bank's word that it was not paid and will not be")],
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Say by the bank's word that an unknown payment was not made; it is REJECTED when a second person says so too."""
    session: Session = context.obj
    given = once(request_id, dry_run=dry_run)
    request = run_pb2.ResolveUnknownRequest(name=full("payments", payment), document=document, **given)
    made = _DESK.call(session, "ResolveUnknown", request)
    treasury_views.present(session, shown.payments(session, [made]), "payments")
    if dry_run:
        session.note("CLI_NOTHING_CHANGED")
    elif made.state == run_pb2.PAYMENT_STATE_UNKNOWN:
        session.note("CLI_SECOND_PERSON_AWAITED")


@statement.command("import")
def import_statement(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    *,
    dry_run: DryRun = False,
) -> None:
    """Take in an answer, advice or statement of the bank, of any size. The same file again changes nothing."""
    session: Session = context.obj
    size_bytes = file.stat().st_size
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").digest()
        opened.seek(0)
        announced = run_pb2.StatementFile(
            file_name=file.name, sha256=sha256, size_bytes=size_bytes, validate_only=dry_run
        )
        with (
            session.progress("CLI_PROGRESS_BYTES", size_bytes) as progress,
            session.channel(session.settings.treasury_target) as channel,
        ):
            made = RunServiceStub(channel).UploadStatement(_parts(announced, opened, progress), timeout=_UPLOAD_S)
    shown.imported(session, made)
    if dry_run:
        session.note("CLI_NOTHING_CHANGED")


@statement.command()
def unmatched(context: typer.Context, *, limit: Limit = 1000) -> None:
    """Show what the bank said that fits no payment, oldest first."""
    session: Session = context.obj
    found = _DESK.pages(session, "ListUnmatched", "items", run_pb2.ListUnmatchedRequest(), limit)
    treasury_views.present(session, shown.unmatched(session, found), "unmatched")


def _parts(
    announced: run_pb2.StatementFile, opened: BinaryIO, progress: Progress
) -> Iterator[run_pb2.UploadStatementRequest]:
    yield run_pb2.UploadStatementRequest(file=announced)
    while piece := opened.read(_PIECE_BYTES):
        yield run_pb2.UploadStatementRequest(chunk=piece)
        progress.update(progress.task_ids[0], advance=len(piece))


# --- asking ----------------------------------------------------------------------------------------------------------


def _watch(
    session: Session,
    name: str,
    code: str,
    is_done: Callable[[run_pb2.Run], bool],
    progress: Callable[[run_pb2.Run], tuple[int, int | None]],
) -> None:
    """A large run goes on in the background."""
    shown.run(session, watch(session, code, lambda: _DESK.get(session, name), is_done, progress))


def given_day(text: str, option: str) -> Date:
    try:
        year, month, day = (int(part) for part in text.split("-"))
    except ValueError:
        raise Failure(Exit.USAGE, [coded("FACT_NOT_DATE", option)]) from None
    return Date(year=year, month=month, day=day)
