"""`cradle registry`: what the offices know, in bulk, and the erasure of a person."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from cradle.common.v1 import reason_pb2
from cradle.registry.v1 import intake_pb2, office_pb2
from cradle.registry.v1.office_pb2_grpc import OfficeServiceStub

from services.cli import registry_show, returned, standing
from services.cli.failures import Exit, Failure, coded, said
from services.cli.files import FileArgument, Row, read_rows, write_errors
from services.cli.mapping import fill
from services.cli.offices import ORDER, Imported, Numbered, import_records, take_in
from services.cli.session import Session, as_data, document
from services.cli.tax_file import TaxFile, is_tax_file

__all__ = ["app", "import_records"]

app = typer.Typer(no_args_is_help=True, help="What the offices know of people, employers and institutions.")
app.command()(standing.violations)
app.command()(standing.standing)
app.command("returned")(returned.statements)
app.add_typer(registry_show.app, name="show")
Problem = tuple[int, reason_pb2.Reason]
_SHOWN: Final = {"employer": "employers", "person": "persons", "provider": "providers", "household": "households"}


@app.command("import")
def import_(
    context: typer.Context,
    file: FileArgument,
    errors: Annotated[Path, typer.Option(dir_okay=False, help="where rows that were not taken are told")] = Path(
        "errors.ndjson"
    ),
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would become of it, and record nothing")] = False,
) -> None:
    """Record the rows of FILE, each by itself: what was taken stays, so FILE may be mended and sent again.

    YAML, JSON or NDJSON (- is standard input) has one of these a row: `employer`, `provider`, `person`, `coverage`,
    `contributions`, `household`, `arrears`; those that others hang on go first. A tax office's monthly file (H|, D| and
    T| lines; UTF-8 or GBK) is known by its first line. Exit status 1: some rows were not taken; they are in the errors
    file.
    """
    session: Session = context.obj
    if is_tax_file(file):
        tax = TaxFile(file)
        tax.look()
        done = _hand_over(session, tax.statements(), tax.rows, dry_run=dry_run)
        problems = tax.problems
    else:
        records, problems = _read(read_rows(file))
        done = _hand_over(session, records, len(records), dry_run=dry_run)
    problems = [*problems, *((one.row, one.reason) for one in done.rejected)]
    _tell(session, done, sorted(problems, key=lambda problem: problem[0]), errors, dry_run=dry_run)


def _hand_over(session: Session, records: Any, total: int, *, dry_run: bool) -> Imported:
    settings = session.settings
    with (
        session.channel(settings.registry_target) as channel,
        session.progress("CLI_PROGRESS_ROWS", total) as progress,
    ):
        return take_in(
            OfficeServiceStub(channel),
            records,
            lambda count: progress.advance(progress.task_ids[0], count),
            timeout_s=settings.grpc_deadline_s,
            dry_run=dry_run,
        )


def _read(rows: Sequence[Row]) -> tuple[list[Numbered], list[Problem]]:
    """The rows that could be read, those first that others hang on; and why the others could not."""
    records: list[Numbered] = []
    problems: list[Problem] = []
    for row in rows:
        record, found = _to_record(row)
        problems += [(row.number, problem) for problem in found]
        records += [] if found else [(row.number, record)]
    return sorted(records, key=lambda one: ORDER.index(str(one[1].WhichOneof("record")))), problems


def _to_record(row: Row) -> tuple[intake_pb2.CoverageIntake, list[reason_pb2.Reason]]:
    record = intake_pb2.CoverageIntake(record_number=f"row-{row.number}")
    match row.content:
        case Mapping() as content if len(content) == 1 and next(iter(content)) in ORDER:
            ((kind, inside),) = content.items()
            inner = getattr(record, kind)
            inner.SetInParent()
            return record, fill(inner, inside)
        case _:
            return record, [coded("CLI_ROW_UNKNOWN")]


def _tell(session: Session, done: Imported, problems: Sequence[Problem], errors: Path, *, dry_run: bool) -> None:
    rows = len({number for number, _ in problems})
    write_errors(
        errors,
        [
            {"row": number, "code": why.code, "field": why.field, "text": said(why, session.language)}
            for number, why in problems
        ],
    )
    counts = {_SHOWN.get(kind, kind): done.taken[kind] for kind in ORDER}
    if session.as_json:
        told = [{"row": number, **as_data(why)} for number, why in problems]
        document(
            {
                **counts,
                "recorded": done.recorded,
                "unchanged": done.unchanged,
                "rejected_rows": rows,
                "dry_run": dry_run,
                "errors": told,
            }
        )
    else:
        typer.echo(session.text("CLI_IMPORTED", **counts))
        typer.echo(session.text("CLI_IMPORTED_NEW", recorded=done.recorded, unchanged=done.unchanged))
    if dry_run:
        session.note("CLI_DRY_RUN")
    if problems:
        session.note("CLI_ROWS_REJECTED", rows=rows, file=errors)
        raise typer.Exit(Exit.RETURNED)


@app.command()
def erase(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="the request or case it rests on; no name or number of anybody")],
    person: Annotated[str, typer.Argument(metavar="[PERSON]", help="her reference")] = "",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask whether it is meant")] = False,
) -> None:
    """Erase a person: her key is destroyed, and nothing of her can be read any more. It cannot be undone.

    Her reference stays, with what was decided and paid. Without PERSON her ID number is asked for, or read from
    standard input, so that it stands in no command line.
    """
    session: Session = context.obj
    number = "" if person else session.whispered("CLI_ERASE_WHOM")
    if person and not _is_reference(person):
        raise Failure(Exit.USAGE, [coded("FIELD_MALFORMED", "PERSON", form="UUID")])
    request = office_pb2.ErasePersonRequest(person_id_number=number, person=person, reason=reason, validate_only=True)
    settings = session.settings
    with session.channel(settings.registry_target) as channel:
        stub = OfficeServiceStub(channel)
        found = stub.ErasePerson(request, timeout=settings.grpc_deadline_s)
        if not found.erased_before and not yes:
            typer.confirm(session.text("CLI_ERASE_SURE", person=found.person), abort=True, err=True)
        request.validate_only = False
        erased = stub.ErasePerson(request, timeout=settings.grpc_deadline_s)
    if session.as_json:
        document(as_data(erased))
    else:
        code = "CLI_ERASED_BEFORE" if erased.erased_before else "CLI_ERASED"
        typer.echo(session.text(code, person=erased.person, at=erased.erase_time.ToJsonString()))


def _is_reference(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False
