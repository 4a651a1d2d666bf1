"""`cradle treasury hold`: after a restore nothing leaves until the bank is matched and two persons lift it."""

from __future__ import annotations

from typing import Annotated, Final

import typer
from cradle.treasury.v1 import hold_pb2
from cradle.treasury.v1.hold_pb2_grpc import HoldServiceStub

from services.cli import treasury_views, views
from services.cli.failures import Exit
from services.cli.session import Session, as_data, document
from services.cli.treasury_desk import Desk, DryRun, RequestId, once
from services.cli.treasury_views import Report

hold = typer.Typer(no_args_is_help=True, help="Nothing leaves after a restore, until two persons lift it.")

_DESK: Final = Desk(hold_pb2.DESCRIPTOR.services_by_name["HoldService"], HoldServiceStub)


@hold.command()
def status(context: typer.Context) -> None:
    """Show whether there is a HOLD, why, and what it waits for. Ends with 1 while there is one."""
    session: Session = context.obj
    found = _DESK.call(session, "GetHold", hold_pb2.GetHoldRequest())
    _show(session, found)
    if found.state == hold_pb2.HOLD_STATE_HELD:
        raise typer.Exit(Exit.RETURNED)


@hold.command()
def begin(context: typer.Context, *, request_id: RequestId = "", dry_run: DryRun = False) -> None:
    """Let nothing leave from here on: before the bank role of a restored treasury is started."""
    session: Session = context.obj
    request = hold_pb2.BeginHoldRequest(**once(request_id, dry_run=dry_run))
    _show(session, _DESK.call(session, "BeginHold", request))
    if dry_run:
        session.note("CLI_NOTHING_CHANGED")


@hold.command()
def lift(
    context: typer.Context,
    *,
    record: Annotated[str, typer.Option("--document", help="the record of the restore")],
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Propose to lift the HOLD; it is lifted when a second person says so too, by the same document."""
    session: Session = context.obj
    request = hold_pb2.LiftHoldRequest(document=record, **once(request_id, dry_run=dry_run))
    found = _DESK.call(session, "LiftHold", request)
    _show(session, found)
    if dry_run:
        session.note("CLI_NOTHING_CHANGED")
    elif found.state == hold_pb2.HOLD_STATE_HELD:
        session.note("CLI_SECOND_PERSON_AWAITED")


def _show(session: Session, found: hold_pb2.Hold) -> None:
    if session.as_json:
        document(as_data(found))
        return
    state = hold_pb2.HoldState.Name(found.state).removeprefix("HOLD_STATE_")
    if found.state == hold_pb2.HOLD_STATE_NONE:
        session.show(views.facts(session, [("CLI_COL_STATE", state)]))
        return
    pairs = [
        ("STATE", state),
        ("REASONS", hold_pb2.HoldCause.Name(found.cause).removeprefix("HOLD_CAUSE_")),
        ("BEGUN_BY", found.begun_by),
        ("BEGUN", views.instant(found.begun_time)),
        ("SINCE", views.day(found.since)),
        ("SENT_TO", views.day(found.sent_to)),
        ("PROPOSED_BY", found.proposed_by),
        ("LIFTED_BY", found.lifted_by),
        ("UNMATCHED", str(found.open_items)),
    ]
    if not session.as_csv:
        session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in pairs]))
    rows = [(one.account, views.day(one.day)) for one in found.lacking]
    if rows:
        report = Report(("ACCOUNT", "STATEMENT_LACKING"), rows, [as_data(one) for one in found.lacking])
        treasury_views.present(session, report, "lacking")
