"""Staff statistics in bulk: a CSV file with a quantity a row, from a template of what the scheme asks for.

Each row is checked by itself. A row states one quantity: what the file does not name stays as it was saved.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from cradle.certification.v1 import application_pb2 as pb
from cradle.certification.v1 import scheme_pb2, service_pb2
from cradle.common.v1 import reason_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from services.cli.certification.asking import application, call, stub_of
from services.cli.failures import Exit, Failure, coded, said
from services.cli.files import FileArgument, write_errors
from services.cli.paging import pages
from services.cli.session import Session, as_data, document
from services.kit.ids import new_id
from services.kit.messages import Language

_COLUMNS: Final = ("criterion", "quantity", "figures")
_FIGURE: Final = re.compile(r"[0-9]{1,12}([.][0-9]{1,6})?")
_BETWEEN: Final = re.compile(r"[;；\s]+")
_FIGURES_MAX: Final = 36
_CRITERIA_MAX: Final = 1000
_GATE: Final = scheme_pb2.CRITERION_KIND_GATE

Criteria = Mapping[str, scheme_pb2.Criterion]
Problem = tuple[int, reason_pb2.Reason]


class Stated(NamedTuple):
    """One quantity as the file states it."""

    row: int
    criterion: str
    quantity: str
    figures: tuple[str, ...]


def register(app: typer.Typer) -> None:
    app.command("import")(import_)
    app.command()(template)


def template(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[APPLICATION]", help="what it states already is filled in")] = "",
    *,
    to: Annotated[Path | None, typer.Option(dir_okay=False, help="a file that Excel opens as it is")] = None,
) -> None:
    """Write the CSV that `import` takes: each quantity of each criterion, with what it is for."""
    session: Session = context.obj
    filed = application(session, name) if name else pb.Application()
    known = {(one.criterion, two.name): ";".join(two.figures) for one in filed.answers for two in one.quantities}
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow((*_COLUMNS, "title", "formula"))
    for one in _criteria(session, filed.scheme).values():
        title = one.title.zh if session.language is Language.ZH else one.title.en
        for quantity in one.quantities if one.kind != _GATE else ():
            rows.writerow((one.id, quantity, known.get((one.id, quantity), ""), title, one.formula))
    if to is None:
        typer.echo(written.getvalue(), nl=False)
    else:
        to.write_text(written.getvalue(), "utf-8-sig", newline="")


def import_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="the application's id, or applications/ID")],
    file: FileArgument,
    errors: Annotated[Path, typer.Option(dir_okay=False, help="where rows that were not taken are told")] = Path(
        "errors.ndjson"
    ),
    *,
    partial: Annotated[bool, typer.Option("--partial", help="save what is right, though other rows are not")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would become of it, and save nothing")] = False,
    request_id: Annotated[str, typer.Option(help="a uuid; sent again with the same one, it is done once")] = "",
) -> None:
    """Save the quantities of FILE (CSV; UTF-8 or GBK) in a draft, or in one that was returned.

    The columns criterion, quantity and figures are read, in any order; several figures are parted by semicolons, and a
    row without any is left out. If a row is wrong nothing is saved, unless --partial. Exit status 1: some rows were not
    taken; they are in the errors file.
    """
    session: Session = context.obj
    filed = application(session, name)
    stated, problems = read(_rows(file), _criteria(session, filed.scheme))
    saved = stated if partial or not problems else []
    if saved and not dry_run:
        given = pb.Application(name=filed.name, etag=filed.etag, answers=merged(filed.answers, saved))
        mask = FieldMask(paths=["answers"])
        call(
            session, "UpdateApplication",
            application=given, update_mask=mask, request_id=request_id or str(new_id()),
        )  # fmt: skip
    _tell(session, saved, problems, errors, dry_run=dry_run)


def read(rows: Sequence[tuple[int, Mapping[str, str]]], criteria: Criteria) -> tuple[list[Stated], list[Problem]]:
    """The quantities that are right, and why the others are not; no value is repeated."""
    stated: dict[tuple[str, str], Stated] = {}
    problems: list[Problem] = []
    for number, row in rows:
        one = Stated(number, row["criterion"], row["quantity"], tuple(filter(None, _BETWEEN.split(row["figures"]))))
        if not one.figures:
            continue
        wrong = list(_problems(one, criteria))
        if (before := stated.get((one.criterion, one.quantity))) and not wrong:
            wrong = [coded("CLI_STATISTIC_TWICE", "quantity", row=before.row)]
        problems += [(number, why) for why in wrong]
        if not wrong:
            stated[one.criterion, one.quantity] = one
    return list(stated.values()), problems


def merged(before: Sequence[pb.Answer], stated: Sequence[Stated]) -> list[pb.Answer]:
    """The answers of the criteria that are named: what was saved of them, and over it what is stated."""
    known = {one.criterion: {two.name: tuple(two.figures) for two in one.quantities} for one in before}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for one in stated:
        found.setdefault(one.criterion, dict(known.get(one.criterion, {})))[one.quantity] = one.figures
    return [
        pb.Answer(
            criterion=criterion, quantities=[pb.Quantity(name=two, figures=figures) for two, figures in of.items()]
        )
        for criterion, of in found.items()
    ]


def _problems(one: Stated, criteria: Criteria) -> Iterator[reason_pb2.Reason]:
    known = criteria.get(one.criterion)
    if known is None:
        yield coded("CRITERION_UNKNOWN", "criterion")
    elif known.kind == _GATE:
        yield coded("CLI_STATISTIC_OF_GATE", "criterion")
    elif one.quantity not in known.quantities:
        yield coded("QUANTITY_UNKNOWN", "quantity", known=", ".join(known.quantities))
    if len(one.figures) > _FIGURES_MAX:
        yield coded("TOO_MANY_ITEMS", "figures", limit=_FIGURES_MAX)
    elif not all(map(_FIGURE.fullmatch, one.figures)):
        yield coded("CLI_STATISTIC_FIGURES", "figures")


def _rows(file: Path) -> list[tuple[int, Mapping[str, str]]]:
    """With the line each ends on. Raises Failure for a file that is none, or names not the columns."""
    name = "stdin" if str(file) == "-" else file.name
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        reader = csv.DictReader(io.StringIO(_text(raw), newline=""), strict=True, restval="")
        if not set(_COLUMNS) <= {str(one).strip().lower() for one in reader.fieldnames or ()}:
            raise Failure(Exit.USAGE, [coded("CLI_STATISTICS_COLUMNS", name, wanted=", ".join(_COLUMNS))])
        reader.fieldnames = [str(one).strip().lower() for one in reader.fieldnames or ()]
        return [(reader.line_num, _cells(row)) for row in reader]
    except OSError as error:
        raise Failure(Exit.USAGE, [coded("CLI_FILE_UNREADABLE", name, problem=error.strerror)]) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise Failure(Exit.USAGE, [coded("CLI_FILE_UNREADABLE", name, problem=type(error).__name__)]) from error


def _text(raw: bytes) -> str:
    """UTF-8 if it can be read so, else as Excel writes it in Chinese."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030")


def _cells(row: Mapping[str, Any]) -> Mapping[str, str]:
    return {name: str(row[name] or "").strip() for name in _COLUMNS}


def _criteria(session: Session, scheme: str) -> Criteria:
    wanted = service_pb2.ListCriteriaRequest(parent=scheme or "schemes/-")
    with session.channel(session.settings.certification_target) as channel:
        ask = stub_of(channel, "ListCriteria")
        found = pages(
            lambda asked: ask(asked, timeout=session.settings.grpc_deadline_s), "criteria", wanted, _CRITERIA_MAX
        )
        return {one.id: one for one in found}


def _tell(
    session: Session, saved: Sequence[Stated], problems: Sequence[Problem], errors: Path, *, dry_run: bool
) -> None:
    rejected = len({number for number, _ in problems})
    lines = [
        {"row": row, "code": why.code, "field": why.field, "text": said(why, session.language)} for row, why in problems
    ]
    write_errors(errors, lines)
    counts = {"saved_rows": len(saved), "criteria": len({one.criterion for one in saved})}
    if session.as_json:
        told = [{"row": row, **as_data(why)} for row, why in problems]
        document({**counts, "rejected_rows": rejected, "dry_run": dry_run, "errors": told})
    else:
        typer.echo(session.text("CLI_STATISTICS_SAVED", rows=counts["saved_rows"], criteria=counts["criteria"]))
    if dry_run:
        session.note("CLI_DRY_RUN")
    if problems:
        session.note("CLI_ROWS_REJECTED", rows=rejected, file=errors)
        raise typer.Exit(Exit.RETURNED)
