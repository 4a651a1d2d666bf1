"""`cradle parked`: records that hit a bug, and putting them back on their way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import typer
from cradle.ops.v1 import parked_pb2
from cradle.ops.v1.parked_pb2_grpc import ParkedServiceStub
from rich.table import Table

from services.cli import views
from services.cli.session import Session, as_data, document

app = typer.Typer(no_args_is_help=True, help="Records that hit a bug, and putting them back on their way.")

_PAGE = 500
_COLUMNS = ("ID", "STATE", "TOPIC", "PARTITION", "OFFSET", "ATTEMPTS", "PARKED_AT", "ERROR")
_Id = Annotated[int, typer.Argument(min=1, help="the record's number in `cradle parked list`")]
_Service = Annotated[Literal["claims", "registry", "treasury", "certification"], typer.Option(help="whose records")]


@app.command("list")
def list_(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 50,
    service: _Service = "claims",
) -> None:
    """Show what is parked, oldest first."""
    session: Session = context.obj
    found: list[parked_pb2.ParkedRecord] = []
    wanted = parked_pb2.ListParkedRequest()
    with session.channel(_target(session, service)) as channel:
        stub = ParkedServiceStub(channel)
        while len(found) < limit:
            wanted.page_size = min(limit - len(found), _PAGE)
            page = stub.ListParked(wanted, timeout=session.settings.grpc_deadline_s)
            found += page.records
            wanted.page_token = page.next_page_token
            if not page.next_page_token:
                break
    if session.as_json:
        document({"records": [as_data(record) for record in found], "total": page.total})
        return
    session.show(_table(session, found))
    session.note("CLI_COUNT_PARKED", count=len(found), total=page.total)


@app.command()
def show(context: typer.Context, number: _Id, *, service: _Service = "claims") -> None:
    """Show one parked record: where it lay, and what it raised."""
    session: Session = context.obj
    request = parked_pb2.GetParkedRequest(id=number)
    with session.channel(_target(session, service)) as channel:
        record = ParkedServiceStub(channel).GetParked(request, timeout=session.settings.grpc_deadline_s)
    if session.as_json:
        document(as_data(record))
        return
    pairs = zip(_COLUMNS, _row(session, record), strict=True)
    more = [("CLI_COL_KEY", record.key_hex), ("CLI_COL_SIZE", str(record.size_bytes))]
    session.show(views.facts(session, [*((f"CLI_COL_{name}", value) for name, value in pairs), *more]))
    if record.traceback:
        typer.echo(f"\n{record.traceback}")


@app.command()
def replay(
    context: typer.Context,
    number: _Id,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only tell what would be taken again")] = False,
    service: _Service = "claims",
) -> None:
    """Ask the worker to take the record's key up again, oldest first."""
    session: Session = context.obj
    request = parked_pb2.ReplayParkedRequest(id=number, validate_only=dry_run)
    with session.channel(_target(session, service)) as channel:
        answer = ParkedServiceStub(channel).ReplayParked(request, timeout=session.settings.grpc_deadline_s)
    if session.as_json:
        document(as_data(answer))
        return
    session.show(_table(session, answer.records))
    session.note("CLI_REPLAY_WOULD" if dry_run else "CLI_REPLAY_REQUESTED", count=len(answer.records))


def _target(session: Session, service: str) -> str:
    found: str = getattr(session.settings, f"{service}_target")
    return found


def _table(session: Session, found: Sequence[parked_pb2.ParkedRecord]) -> Table:
    rows: Iterable[tuple[str, ...]] = (_row(session, record) for record in found)
    return views.table(session, [f"CLI_COL_{name}" for name in _COLUMNS], rows)


def _row(session: Session, record: parked_pb2.ParkedRecord) -> tuple[str, ...]:
    return (
        str(record.id),
        session.text(f"CLI_{parked_pb2.ParkedState.Name(record.state)}") if record.state else "",
        record.topic,
        str(record.partition),
        str(record.offset),
        str(record.attempts),
        views.instant(record.parked_at),
        record.error,
    )
