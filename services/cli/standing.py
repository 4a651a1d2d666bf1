"""`cradle registry violations` and `standing`: what authorities state of employers, and how employers stand."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Final

import typer
from cradle.common.v1 import reason_pb2
from cradle.registry.v1 import standing_pb2
from cradle.registry.v1.standing_pb2_grpc import StandingServiceStub

from services.cli import views
from services.cli.failures import Exit, Failure
from services.cli.files import FileArgument, read_rows
from services.cli.mapping import fill
from services.cli.session import Session, as_data, document
from services.kit.dates import to_proto
from services.kit.money import yuan

CHUNK: Final = 1000


def violations(
    context: typer.Context,
    file: FileArgument,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say how many would change, and record nothing")] = False,
) -> None:
    """Record the violations of FILE, one a row: YAML, JSON or NDJSON (- is standard input).

    A row is stated whole, with all its dates, under your own number of the case; the same again changes nothing. A row
    that is wrong is told, and none is recorded.
    """
    session: Session = context.obj
    records: list[standing_pb2.ViolationRecord] = []
    problems: list[reason_pb2.Reason] = []
    for row in read_rows(file):
        record = standing_pb2.ViolationRecord()
        for problem in fill(record, row.content):
            problem.field = f"violations[{len(records)}].{problem.field}"
            problems.append(problem)
        records.append(record)
    if problems:
        raise Failure(Exit.USAGE, problems)
    settings, changed = session.settings, 0
    with session.channel(settings.registry_target) as channel:
        stub = StandingServiceStub(channel)
        for first in range(0, len(records), CHUNK):
            request = standing_pb2.BatchRecordViolationsRequest(
                violations=records[first : first + CHUNK], validate_only=dry_run
            )
            changed += stub.BatchRecordViolations(request, timeout=settings.grpc_deadline_s).changed
    if session.as_json:
        document({"violations": len(records), "changed": changed, "dry_run": dry_run})
    else:
        typer.echo(session.text("CLI_VIOLATIONS", violations=len(records), changed=changed))
    if dry_run:
        session.note("CLI_DRY_RUN")


def standing(
    context: typer.Context,
    employers: Annotated[list[str], typer.Argument(metavar="EMPLOYER...", help="credit codes or references")],
    purpose: Annotated[str, typer.Option(help="what it is for; written down; no name or number of anybody")],
    on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="how they stood on this day")],
    insured_for_days: Annotated[int, typer.Option(help="count staff insured for at least so many days")] = 0,
) -> None:
    """Show how employers stood on a day: staff insured, premium unpaid, violations. Ends with 3 if one is not known."""
    session: Session = context.obj
    request = standing_pb2.BatchGetEmployerStandingRequest(
        employers=[_query(one) for one in employers],
        on=to_proto(on.date()),
        insured_for_days=insured_for_days,
        purpose=purpose,
    )
    settings = session.settings
    with session.channel(settings.registry_target) as channel:
        response = StandingServiceStub(channel).BatchGetEmployerStanding(request, timeout=settings.grpc_deadline_s)
    if session.as_json:
        document(as_data(response))
    else:
        for asked, answer in zip(employers, response.answers, strict=True):
            _show(session, asked, answer)
    if not all(answer.employer for answer in response.answers):
        raise typer.Exit(Exit.NOT_FOUND)


def _query(given: str) -> standing_pb2.EmployerQuery:
    try:
        return standing_pb2.EmployerQuery(reference=str(uuid.UUID(given)))
    except ValueError:
        return standing_pb2.EmployerQuery(uscc=given)


def _show(session: Session, asked: str, answer: standing_pb2.EmployerStanding) -> None:
    if not answer.employer:
        session.note("CLI_EMPLOYER_UNKNOWN", employer=asked)
        return
    pairs = [
        ("EMPLOYER", answer.uscc),
        ("REFERENCE", answer.employer),
        ("COUNTY", answer.county),
        ("CLOSED_ON", views.day(answer.closed_on)),
        ("INSURED", str(answer.insured)),
        ("INSURED_SINCE", views.day(answer.insured_since)),
        ("UNPAID", yuan(answer.unpaid_fen)),
        ("UNPAID_SINCE", views.day(answer.unpaid_since)),
    ]
    session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in pairs]))
    if answer.violations:
        columns = ("AUTHORITY", "NUMBER", "KIND", "STATE", "OPENED", "DUE", "DECIDED", "CLOSED_ON")
        rows = (_violation(session, one) for one in answer.violations)
        session.show(views.table(session, [f"CLI_COL_{name}" for name in columns], rows), piped_width=160)


def _violation(session: Session, one: standing_pb2.Violation) -> tuple[str, ...]:
    return (
        one.authority,
        one.number,
        session.text(f"CLI_{standing_pb2.ViolationKind.Name(one.kind)}"),
        session.text(f"CLI_{standing_pb2.ViolationState.Name(one.state)}"),
        *map(views.day, (one.opened_on, one.due_on, one.upheld_on, one.closed_on)),
    )
