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
from services.cli.paging import pages
from services.cli.session import Session, as_data, document
from services.cli.treasury_runs import given_day
from services.kit.clock import Clock
from services.kit.dates import from_proto, to_proto
from services.kit.ids import new_id

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
_Limit = Annotated[int, typer.Option(min=1, help="how many at most")]
_Request = Annotated[str, typer.Option(help="a uuid; sent again with the same one, it is done once")]


@breaks.command("list")
def list_(
    context: typer.Context,
    *,
    kind: Annotated[Kind | None, typer.Option(help="all if not given")] = None,
    account: Annotated[str, typer.Option(help="of ours, as the bank calls it; all if not given")] = "",
    ended: Annotated[bool, typer.Option("--ended", help="ended ones instead of open ones")] = False,
    limit: _Limit = 1000,
) -> None:
    """Show breaks, oldest first."""
    session: Session = context.obj
    wanted = pb.ListBreaksRequest(account=account, ended=ended)
    if kind:
        wanted.kind = pb.BreakKind.Value(f"BREAK_KIND_{kind}")
    found = list(pages(lambda request: _call(session, "ListBreaks", request), "breaks", wanted, limit))
    treasury_views.present(session, shown.breaks(session, found), "breaks")


@breaks.command()
def show(context: typer.Context, name: _Name) -> None:
    """Show a break with its history."""
    session: Session = context.obj
    shown.one(session, _get(session, name))


@breaks.command()
def explain(
    context: typer.Context, name: _Name, *, why: Annotated[Why, typer.Option()], note: _Note, request_id: _Request = ""
) -> None:
    """Say what explains a break. Money that left under a payment's id is never explained away."""
    _propose(
        context.obj, name, pb.BREAK_WAY_EXPLAINED, note, request_id, reason=pb.BreakReason.Value(f"BREAK_REASON_{why}")
    )


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
    request_id: _Request = "",
) -> None:
    """Say that a movement is a payment's debit, or its return; with others it is so in sum."""
    full = payment if payment.startswith("payments/") else f"payments/{payment}"
    _propose(context.obj, name, pb.BREAK_WAY_MATCHED, note, request_id, payment=full, others=_all(others))


@breaks.command()
def cancel(
    context: typer.Context,
    name: _Name,
    *,
    others: Annotated[list[str], typer.Option("--with", help="a break that corrects it; again for more")],
    note: _Note,
    request_id: _Request = "",
) -> None:
    """Say that movements cancel each other out: the bank's error and its correction."""
    _propose(context.obj, name, pb.BREAK_WAY_CANCELLED_OUT, note, request_id, others=_all(others))


@breaks.command("not-paid")
def not_paid(context: typer.Context, name: _Name, *, note: _Note, request_id: _Request = "") -> None:
    """Say by the bank's word that an accepted payment, which no statement has, was not made and will not be."""
    _propose(context.obj, name, pb.BREAK_WAY_NOT_PAID, note, request_id)


@breaks.command()
def approve(context: typer.Context, name: _Name, *, request_id: _Request = "") -> None:
    """Agree, as the second person, to how a break is proposed to end."""
    session: Session = context.obj
    found = _get(session, name)
    request = pb.ApproveBreakRequest(name=found.name, etag=found.etag, request_id=request_id or str(new_id()))
    shown.one(session, _call(session, "ApproveBreak", request))


@breaks.command()
def refuse(context: typer.Context, name: _Name, *, note: _Note, request_id: _Request = "") -> None:
    """Refuse what was proposed, or take it back; the break stays open."""
    session: Session = context.obj
    found = _get(session, name)
    request = pb.RefuseBreakRequest(name=found.name, etag=found.etag, note=note, request_id=request_id or str(new_id()))
    shown.one(session, _call(session, "RefuseBreak", request))


@breaks.command("await")
def await_(
    context: typer.Context,
    name: _Name,
    *,
    what: Annotated[Awaits, typer.Option("--for")],
    note: _Note,
    request_id: _Request = "",
) -> None:
    """Note what an open break waits for."""
    session: Session = context.obj
    found = _get(session, name)
    request = pb.AwaitBreakRequest(
        name=found.name,
        etag=found.etag,
        awaits=pb.BreakAwaits.Value(f"BREAK_AWAITS_{what}"),
        note=note,
        request_id=request_id or str(new_id()),
    )
    shown.one(session, _call(session, "AwaitBreak", request))


@breaks.command()
def retry(context: typer.Context, name: _Name, *, request_id: _Request = "") -> None:
    """Have a bank's message worked again that a fault of the system stopped, once that is mended."""
    session: Session = context.obj
    found = _get(session, name)
    request = pb.RetryBreakRequest(name=found.name, etag=found.etag, request_id=request_id or str(new_id()))
    shown.one(session, _call(session, "RetryBreak", request))


def reconcile(
    context: typer.Context,
    *,
    account: Annotated[str, typer.Option(help="of ours, as the bank calls it; all if not given")] = "",
    first: Annotated[str, typer.Option("--from", help="the first day; six days before the last if not given")] = "",
    last: Annotated[str, typer.Option("--to", help="the last day; today if not given")] = "",
    limit: _Limit = 1000,
) -> None:
    """Show what statements say against the ledger, by day and account, and the breaks that are open.

    Exit status 1: a day that its statement covers differs, or a break is open.
    """
    session: Session = context.obj
    until = from_proto(given_day(last, "--to")) if last else Clock().today()
    since = from_proto(given_day(first, "--from")) if first else until - _BACK
    request = pb.ListReconciledDaysRequest(account=account, first=to_proto(since), last=to_proto(until))
    days = list(_call(session, "ListReconciledDays", request).days)
    wanted = pb.ListBreaksRequest(account=account)
    found = list(pages(lambda asked: _call(session, "ListBreaks", asked), "breaks", wanted, limit))
    if session.as_json:
        document({"days": [as_data(one) for one in days], "breaks": [as_data(one) for one in found]})
    else:
        treasury_views.present(session, shown.days(session, days), "days")
        if found and not session.as_csv:
            treasury_views.present(session, shown.breaks(session, found), "breaks")
    if found or any(one.difference_fen for one in days if one.is_covered):
        raise typer.Exit(Exit.RETURNED)


# --- asking ----------------------------------------------------------------------------------------------------------


def _propose(session: Session, name: str, way: pb.BreakWay.ValueType, note: str, request_id: str, **more: Any) -> None:
    found = _get(session, name)
    request = pb.ExplainBreakRequest(
        name=found.name, etag=found.etag, way=way, note=note, request_id=request_id or str(new_id()), **more
    )
    made = _call(session, "ExplainBreak", request)
    shown.one(session, made)
    if made.is_open:
        session.note("CLI_SECOND_PERSON_AWAITED")


def _get(session: Session, name: str) -> pb.Break:
    found: pb.Break = _call(session, "GetBreak", pb.GetBreakRequest(name=_full(name)))
    return found


def _full(name: str) -> str:
    return name if name.startswith("breaks/") else f"breaks/{name}"


def _all(names: list[str] | None) -> list[str]:
    return [_full(one) for one in names or []]


def _call(session: Session, method: str, request: Any) -> Any:
    settings = session.settings
    with session.channel(settings.treasury_target) as channel:
        return getattr(ReconciliationServiceStub(channel), method)(request, timeout=settings.grpc_deadline_s)
