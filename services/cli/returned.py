"""What was handed in and not accepted, and the control totals of each day: `returned` of claims and of the registry."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

import typer
from cradle.claims.v1 import receipt_pb2, submission_pb2
from cradle.claims.v1.submission_pb2_grpc import SubmissionServiceStub
from cradle.registry.v1 import intake_pb2, office_pb2
from cradle.registry.v1.office_pb2_grpc import OfficeServiceStub
from rich.table import Table

from services.cli import views
from services.cli.paging import pages
from services.cli.session import Session, as_data, document
from services.kit.dates import to_proto
from services.kit.money import yuan

Status = Literal["RETURNED", "DUPLICATE", "TOTALS_DIFFER", "NOT_MAPPED"]
TotalsState = Literal["AGREE", "DIFFER", "MISSING"]
_Reason = Annotated[str, typer.Option(help="a code among its reasons, as in COUNTY_UNKNOWN")]
_Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="received on this day")]
_Limit = Annotated[int, typer.Option(min=1, help="how many at most")]
_PIPED_WIDTH = 160
_RIGHT = ("CLI_COL_SAID", "CLI_COL_TAKEN_IN")


def submissions(
    context: typer.Context,
    *,
    status: Annotated[Status | None, typer.Option(help="all of these if not given", case_sensitive=False)] = None,
    reason: _Reason = "",
    source: Annotated[str, typer.Option(help="the sender")] = "",
    county: Annotated[str, typer.Option(help="division code")] = "",
    on: _Day = None,
    limit: _Limit = 50,
) -> None:
    """Show what was handed in and not accepted, newest first: number, why, and where it lay. What was is in `list`."""
    session: Session = context.obj
    wanted = submission_pb2.ListSubmissionsRequest(source=source, county=county, reason=reason)
    if status:
        wanted.status = submission_pb2.SubmissionStatus.Value(f"SUBMISSION_STATUS_{status}")
    if on:
        wanted.receive_date.CopyFrom(to_proto(on.date()))
    with session.channel(session.settings.claims_target) as channel:
        call = SubmissionServiceStub(channel).ListSubmissions
        found = list(
            pages(lambda asked: call(asked, timeout=session.settings.grpc_deadline_s), "submissions", wanted, limit)
        )
    _present(session, "submissions", found, _submissions)


def totals(
    context: typer.Context,
    *,
    state: Annotated[TotalsState | None, typer.Option(help="all of these if not given", case_sensitive=False)] = None,
    source: Annotated[str, typer.Option(help="the sender")] = "",
    limit: _Limit = 50,
) -> None:
    """Show the control totals of each day, newest first: as they were said, and what came.

    A day that is over, and of which a source that told totals before told none, is MISSING.
    """
    session: Session = context.obj
    wanted = submission_pb2.ListControlTotalsRequest(source=source)
    if state:
        wanted.state = submission_pb2.ControlTotalsState.Value(f"CONTROL_TOTALS_STATE_{state}")
    with session.channel(session.settings.claims_target) as channel:
        call = SubmissionServiceStub(channel).ListControlTotals
        found = list(pages(lambda asked: call(asked, timeout=session.settings.grpc_deadline_s), "days", wanted, limit))
    _present(session, "days", found, _days)


def statements(
    context: typer.Context,
    *,
    reason: _Reason = "",
    office: Annotated[str, typer.Option(help="which office stated it")] = "",
    on: _Day = None,
    limit: _Limit = 50,
) -> None:
    """Show what offices stated and got back, newest first: the record's number, why, and where it lay."""
    session: Session = context.obj
    wanted = office_pb2.ListStatementsRequest(office=office, reason=reason)
    if on:
        wanted.receive_date.CopyFrom(to_proto(on.date()))
    with session.channel(session.settings.registry_target) as channel:
        call = OfficeServiceStub(channel).ListStatements
        found = list(
            pages(lambda asked: call(asked, timeout=session.settings.grpc_deadline_s), "statements", wanted, limit)
        )
    _present(session, "statements", found, _statements)


def _present(session: Session, name: str, found: list[Any], table: Any) -> None:
    if session.as_json:
        document({name: [as_data(one) for one in found]})
        return
    session.show(table(session, found), piped_width=_PIPED_WIDTH)
    session.note("CLI_COUNT_ROWS", count=len(found))


def _submissions(session: Session, found: Iterable[submission_pb2.Submission]) -> Table:
    rows = (
        (
            views.instant(one.receive_time),
            f"{one.source}/{one.claim_number}",
            str(one.revision or ""),
            session.text(f"CLI_{submission_pb2.SubmissionStatus.Name(one.status)}"),
            one.county,
            _place(one.position),
            views.reasons(session, one.reasons),
        )
        for one in found
    )
    columns = ("RECEIVED", "NUMBER", "REVISION", "STATUS", "COUNTY", "POSITION", "REASONS")
    return views.table(session, [f"CLI_COL_{name}" for name in columns], rows)


def _statements(session: Session, found: Iterable[office_pb2.ReturnedStatement]) -> Table:
    rows = (
        (
            views.instant(one.receive_time),
            one.office,
            one.record_number,
            _place(one.position) if one.HasField("position") else "",
            views.reasons(session, one.reasons),
        )
        for one in found
    )
    columns = ("RECEIVED", "OFFICE", "RECORD_NUMBER", "POSITION", "REASONS")
    return views.table(session, [f"CLI_COL_{name}" for name in columns], rows)


def _place(position: receipt_pb2.RecordPosition | intake_pb2.CoverageRecordPosition) -> str:
    return f"{position.topic}/{position.partition}/{position.offset}"


def _days(session: Session, found: Iterable[submission_pb2.ControlTotalsDay]) -> Table:
    rows = (
        (
            views.day(one.date),
            one.source,
            session.text(f"CLI_{submission_pb2.ControlTotalsState.Name(one.state)}"),
            _figures(session, one.said) if one.HasField("said") else "",
            _figures(session, one.taken) if one.HasField("taken") else "",
            views.instant(one.submit_time),
            views.instant(one.compare_time),
        )
        for one in found
    )
    columns = ("DAY", "SOURCE", "STATE", "SAID", "TAKEN_IN", "SUBMIT_TIME", "COMPARED_AT")
    return views.table(session, [f"CLI_COL_{name}" for name in columns], rows, _RIGHT)


def _figures(session: Session, totals: submission_pb2.ControlTotalsFigures) -> str:
    return session.text(
        "CLI_TOTALS",
        submitted=totals.submitted,
        replaced=totals.replaced,
        voided=totals.voided,
        claimed=yuan(totals.claimed_fen),
    )
