"""`cradle treasury breaks | reconcile`: what banks say against the ledger, by day, and every difference worked."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

import typer
from cradle.treasury.v1 import reconciliation_pb2 as pb
from cradle.treasury.v1.reconciliation_pb2_grpc import ReconciliationServiceStub

from services.cli import break_views as shown
from services.cli import treasury_views
from services.cli.failures import Exit
from services.cli.session import Session, as_data, document
from services.cli.treasury_desk import Desk, DryRun, Limit, RequestId, full, once
from services.cli.treasury_runs import given_day
from services.kit.calendar import CALENDAR
from services.kit.clock import Clock
from services.kit.dates import from_proto, to_proto

breaks = typer.Typer(no_args_is_help=True, help="Where banks' word and the ledger differ, and how each break ends.")

Kind = Literal[
    "FILE",
    "ANSWER",
    "AMOUNT",
    "DATE",
    "ACCOUNT",
    "DUPLICATE",
    "UNKNOWN_CREDIT",
    "UNKNOWN_DEBIT",
    "MISSING",
    "BALANCE",
]
Why = Literal[
    "BANK_CHARGE",
    "INTEREST",
    "NOT_OURS",
    "RETURNED_TO_SENDER",
    "BANK_CORRECTED",
    "BANK_CONFIRMED",
    "SENT_AGAIN",
    "VALUE_DATE",
]
Awaits = Literal["BANK_CORRECTION", "RETURN_TO_SENDER"]

_BACK: Final = timedelta(days=6)
_Name = Annotated[str, typer.Argument(help="the break's number, or breaks/NUMBER")]
_Note = Annotated[str, typer.Option(help="by which document, or why; nothing personal")]
_DESK: Final = Desk(
    pb.DESCRIPTOR.services_by_name["ReconciliationService"], ReconciliationServiceStub, "Break", "breaks"
)


@breaks.command("list")
def list_(
    context: typer.Context,
    *,
    kind: Annotated[Kind | None, typer.Option(help="all if not given", case_sensitive=False)] = None,
    account: Annotated[str, typer.Option(help="of ours, as the bank calls it; all if not given")] = "",
    ended: Annotated[bool, typer.Option("--ended", help="ended ones instead of open ones")] = False,
    limit: Limit = 1000,
) -> None:
    """Show breaks, oldest first."""
    session: Session = context.obj
    wanted = pb.ListBreaksRequest(account=account, ended=ended)
    if kind:
        wanted.kind = pb.BreakKind.Value(f"BREAK_KIND_{kind}")
    found = _DESK.pages(session, "ListBreaks", "breaks", wanted, limit)
    treasury_views.present(session, shown.breaks(session, found), "breaks")


@breaks.command()
def show(context: typer.Context, name: _Name) -> None:
    """Show a break with its history."""
    session: Session = context.obj
    shown.one(session, _DESK.get(session, name))


@breaks.command()
def explain(
    context: typer.Context,
    name: _Name,
    *,
    why: Annotated[Why, typer.Option(case_sensitive=False)],
    note: _Note,
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Say what explains a break. Money that left under a payment's id is never explained away."""
    reason = pb.BreakReason.Value(f"BREAK_REASON_{why}")
    _propose(context.obj, name, once(request_id, dry_run=dry_run), way=pb.BREAK_WAY_EXPLAINED, note=note, reason=reason)


@breaks.command()
def match(
    context: typer.Context,
    name: _Name,
    *,
    payment: Annotated[str, typer.Option(help="the payment's id, or payments/ID")],
    note: _Note,
    others: Annotated[
        list[str] | None, typer.Option("--with", help="a break that is part of it; again for more")
    ] = None,
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Say that a movement is a payment's debit, or its return; with others it is so in sum."""
    said = {"way": pb.BREAK_WAY_MATCHED, "payment": full("payments", payment), "others": _all(others), "note": note}
    _propose(context.obj, name, once(request_id, dry_run=dry_run), **said)


@breaks.command()
def cancel(
    context: typer.Context,
    name: _Name,
    *,
    others: Annotated[list[str], typer.Option("--with", help="a break that corrects it; again for more")],
    note: _Note,
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Say that movements cancel each other out: the bank's error and its correction."""
    said = {"way": pb.BREAK_WAY_CANCELLED_OUT, "others": _all(others), "note": note}
    _propose(context.obj, name, once(request_id, dry_run=dry_run), **said)


@breaks.command("not-paid")
def not_paid(
    context: typer.Context, name: _Name, *, note: _Note, request_id: RequestId = "", dry_run: DryRun = False
) -> None:
    """Say by the bank's word that an accepted payment, or an advised return, which no statement has, was not made."""
    _propose(context.obj, name, once(request_id, dry_run=dry_run), way=pb.BREAK_WAY_NOT_PAID, note=note)


@breaks.command()
def approve(context: typer.Context, name: _Name, *, request_id: RequestId = "", dry_run: DryRun = False) -> None:
    """Agree, as the second person, to how a break is proposed to end."""
    shown.one(context.obj, _DESK.move(context.obj, "ApproveBreak", name, once(request_id, dry_run=dry_run)))


@breaks.command()
def refuse(
    context: typer.Context, name: _Name, *, note: _Note, request_id: RequestId = "", dry_run: DryRun = False
) -> None:
    """Refuse what was proposed, or take it back; the break stays open."""
    shown.one(context.obj, _DESK.move(context.obj, "RefuseBreak", name, once(request_id, dry_run=dry_run), note=note))


@breaks.command("await")
def await_(
    context: typer.Context,
    name: _Name,
    *,
    what: Annotated[Awaits, typer.Option("--for", case_sensitive=False)],
    note: _Note,
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Note what an open break waits for."""
    said = {"awaits": pb.BreakAwaits.Value(f"BREAK_AWAITS_{what}"), "note": note}
    shown.one(context.obj, _DESK.move(context.obj, "AwaitBreak", name, once(request_id, dry_run=dry_run), **said))


@breaks.command()
def retry(context: typer.Context, name: _Name, *, request_id: RequestId = "", dry_run: DryRun = False) -> None:
    """Have a bank's message worked again that a fault of the system stopped, once that is mended."""
    shown.one(context.obj, _DESK.move(context.obj, "RetryBreak", name, once(request_id, dry_run=dry_run)))


def reconcile(
    context: typer.Context,
    *,
    account: Annotated[str, typer.Option(help="of ours, as the bank calls it; all if not given")] = "",
    first: Annotated[str, typer.Option("--from", help="the first day; six days before the last if not given")] = "",
    last: Annotated[str, typer.Option("--to", help="the last day; today if not given")] = "",
    limit: Limit = 1000,
) -> None:
    """Show what statements say against the ledger, by day and account, and the breaks that are open.

    Exit status 1: a day that its statement covers differs, its statement is late, or a break is open.
    """
    session: Session = context.obj
    until = from_proto(given_day(last, "--to")) if last else Clock().today()
    since = from_proto(given_day(first, "--from")) if first else until - _BACK
    request = pb.ListReconciledDaysRequest(account=account, first=to_proto(since), last=to_proto(until))
    days = list(_DESK.call(session, "ListReconciledDays", request).days)
    wanted = pb.ListBreaksRequest(account=account)
    found = _DESK.pages(session, "ListBreaks", "breaks", wanted, limit)
    if session.as_json:
        document({"days": [as_data(one) for one in days], "breaks": [as_data(one) for one in found]})
    else:
        treasury_views.present(session, shown.days(session, days), "days")
        if found and not session.as_csv:
            treasury_views.present(session, shown.breaks(session, found), "breaks")
    if found or any(one.difference_fen for one in days if one.is_covered or _is_late(one)):
        raise typer.Exit(Exit.RETURNED)


def _is_late(one: pb.ReconciledDay) -> bool:
    """A working day has gone by since, on which its statement comes."""
    return CALENDAR.gone_by(from_proto(one.day), Clock().today()) > 0


# --- asking ----------------------------------------------------------------------------------------------------------


def _propose(session: Session, name: str, given: dict[str, Any], **more: Any) -> None:
    made = _DESK.move(session, "ExplainBreak", name, given, **more)
    shown.one(session, made)
    if made.is_open and not given["validate_only"]:
        session.note("CLI_SECOND_PERSON_AWAITED")


def _all(names: list[str] | None) -> list[str]:
    return [_DESK.named(one) for one in names or []]
