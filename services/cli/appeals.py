"""`cradle claims appeal`: file an appeal, withdraw it, see the queue. It is decided by `cradle reviews`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer
from cradle.claims.v1 import appeal_pb2
from cradle.claims.v1.appeal_pb2_grpc import AppealServiceStub
from google.type.date_pb2 import Date

from services.cli import treasury_views, views
from services.cli.failures import Exit, Failure, coded
from services.cli.paging import pages
from services.cli.session import Session, as_data, document
from services.cli.treasury_views import Report
from services.kit.ids import new_id

app = typer.Typer(no_args_is_help=True, help="Appeals against what was determined.")

State = Literal["FILED", "UPHELD", "REDETERMINED", "WITHDRAWN", "LAPSED"]
By = Literal["PERSON", "EMPLOYER", "PROVIDER"]
Ground = Literal["FACTS_WRONG", "COVERAGE_WRONG", "LAW_READ_WRONG", "AMOUNT_WRONG"]
Late = Literal["FORCE_MAJEURE", "OTHER_CAUSE"]
_Claim = Annotated[str, typer.Argument(help="claims/ID, sources/SOURCE/claims/NUMBER, or SOURCE/NUMBER")]
_Name = Annotated[str, typer.Argument(help="the appeal's id, or appeals/ID")]
_Request = Annotated[str, typer.Option(help="a uuid; sent again with the same one, it is done once")]


@app.command()
def file(
    context: typer.Context,
    claim: _Claim,
    *,
    by: Annotated[By, typer.Option(help="who appeals", case_sensitive=False)],
    ground: Annotated[Ground, typer.Option(help="what is held to be wrong", case_sensitive=False)],
    line: Annotated[list[str] | None, typer.Option(help="as ALLOWANCE/1; may be repeated; all if not given")] = None,
    notified: Annotated[str, typer.Option(help="day of the notice; that of the determination if not given")] = "",
    late_because: Annotated[Late | None, typer.Option(help="of one that comes late", case_sensitive=False)] = None,
    note: Annotated[str, typer.Option(help="in the appellant's words; kept sealed")] = "",
    request_id: _Request = "",
) -> None:
    """File an appeal for whom a determination concerns. What is undisputed goes on being paid."""
    session: Session = context.obj
    request = appeal_pb2.FileAppealRequest(
        claim=_full_claim(claim),
        appellant=appeal_pb2.Appellant.Value(f"APPELLANT_{by}"),
        ground=appeal_pb2.AppealGround.Value(f"APPEAL_GROUND_{ground}"),
        lines=line or (),
        notify_date=_day(notified) if notified else None,
        note=note,
        request_id=request_id or str(new_id()),
    )
    if late_because:
        request.late_because = appeal_pb2.LateBecause.Value(f"LATE_BECAUSE_{late_because}")
    _present(session, _call(session, "FileAppeal", request))


@app.command()
def withdraw(context: typer.Context, name: _Name, *, request_id: _Request = "") -> None:
    """Withdraw an appeal before it is decided."""
    session: Session = context.obj
    found = _get(session, name)
    request = appeal_pb2.WithdrawAppealRequest(name=found.name, etag=found.etag, request_id=request_id or str(new_id()))
    _present(session, _call(session, "WithdrawAppeal", request))


@app.command()
def show(context: typer.Context, name: _Name) -> None:
    """Show one appeal."""
    session: Session = context.obj
    _present(session, _get(session, name))


@app.command("list")
def list_(
    context: typer.Context,
    *,
    state: Annotated[State | None, typer.Option(help="all if not given", case_sensitive=False)] = None,
    county: Annotated[str, typer.Option(help="division code; all if not given")] = "",
    limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 50,
) -> None:
    """Show appeals, newest first."""
    session: Session = context.obj
    wanted = appeal_pb2.ListAppealsRequest(county=county)
    if state:
        wanted.state = appeal_pb2.AppealState.Value(f"APPEAL_STATE_{state}")
    found = list(pages(lambda request: _call(session, "ListAppeals", request), "appeals", wanted, limit))
    treasury_views.present(session, _listed(session, found), "appeals")


# --- asking and showing ----------------------------------------------------------------------------------------------


def _present(session: Session, one: appeal_pb2.Appeal) -> None:
    if session.as_json:
        document(as_data(one))
        return
    late = appeal_pb2.LateBecause.Name(one.late_because)
    pairs = [
        ("APPEAL", one.name),
        ("NUMBER", f"{one.source}/{one.claim_number}"),
        ("REVISION", str(one.revision)),
        ("STATE", _state(session, one)),
        ("DISPUTED_LINES", ", ".join(one.lines)),
        ("APPELLANT", session.text(f"CLI_{appeal_pb2.Appellant.Name(one.appellant)}")),
        ("APPEAL_GROUND", session.text(f"CLI_{appeal_pb2.AppealGround.Name(one.ground)}")),
        ("NOTIFIED", views.day(one.notify_date)),
        ("FILED", views.day(one.file_date) + (f" ({session.text(f'CLI_{late}')})" if one.late_because else "")),
        ("DUE", views.day(one.due_date)),
        ("FILED_BY", one.filed_by),
        ("DECIDED_BY", one.decided_by),
    ]
    session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in pairs]))
    if one.state == appeal_pb2.APPEAL_STATE_FILED:
        session.note("CLI_APPEAL_REVIEW", review=one.review.removeprefix("reviews/"))


def _listed(session: Session, found: Sequence[appeal_pb2.Appeal]) -> Report:
    rows: list[tuple[str | int, ...]] = [
        (
            one.name,
            f"{one.source}/{one.claim_number}",
            one.county,
            _state(session, one),
            ", ".join(one.lines),
            views.day(one.file_date),
            views.day(one.due_date),
        )
        for one in found
    ]
    columns = ("APPEAL", "NUMBER", "COUNTY", "STATE", "DISPUTED_LINES", "FILED", "DUE")
    return Report(columns, rows, [as_data(one) for one in found])


def _state(session: Session, one: appeal_pb2.Appeal) -> str:
    return session.text(f"CLI_{appeal_pb2.AppealState.Name(one.state)}")


def _get(session: Session, name: str) -> appeal_pb2.Appeal:
    full = name if name.startswith("appeals/") else f"appeals/{name}"
    found: appeal_pb2.Appeal = _call(session, "GetAppeal", appeal_pb2.GetAppealRequest(name=full))
    return found


def _full_claim(name: str) -> str:
    match name.split("/"):
        case [source, number] if source != "claims":
            return f"sources/{source}/claims/{number}"
        case _:
            return name


def _call(session: Session, method: str, request: Any) -> Any:
    settings = session.settings
    with session.channel(settings.claims_target) as channel:
        return getattr(AppealServiceStub(channel), method)(request, timeout=settings.grpc_deadline_s)


def _day(text: str) -> Date:
    try:
        year, month, day = (int(part) for part in text.split("-"))
    except ValueError:
        raise Failure(Exit.USAGE, [coded("FACT_NOT_DATE", "--notified")]) from None
    return Date(year=year, month=month, day=day)
