"""`cradle cases run`: worked cases decided by the shipped rules, and compared with what a lawyer expects of them.

It needs no service and no setting, so that a city can judge the rules before it runs anything.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.failures import Exit, Failure, coded
from services.cli.located import placed, read_located
from services.cli.session import Session, document
from services.cli.verdicts import Judge, Verdict, as_text, judge, judges
from services.kit.errors import Invalid
from services.kit.law.page import Page
from services.kit.messages import Language, Reason

app = typer.Typer(no_args_is_help=True, help="Run worked cases against the shipped rules.")


@app.callback()
def group() -> None:
    """Run worked cases against the shipped rules."""


@app.command()
def run(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="- is standard input")],
    *,
    explain: Annotated[bool, typer.Option("--explain", help="print the notice under each case")] = False,
) -> None:
    """Decide every case of the files and compare it with what it expects: one line a case (see docs/cases.md).

    Exit status 1: at least one failed or could not be decided. 2: a file cannot be read, and nothing was run.
    """
    session: Session = context.obj
    pages = [read_located(file) for file in files]
    by_service = judges()
    verdicts = [verdict for page in pages for verdict in _judged(page, by_service)]
    if session.as_json:
        document(_document(verdicts))
    else:
        for verdict in verdicts:
            for line in _lines(verdict, session):
                typer.echo(line)
            if explain and verdict.found:
                typer.echo("\n" + textwrap.indent(verdict.found.notice(session.language), "       ") + "\n")
        typer.echo(_summary(verdicts, session))
    if any(verdict.status != "ok" for verdict in verdicts):
        raise typer.Exit(Exit.RETURNED)


def _judged(page: Page, by_service: Mapping[str, Judge]) -> list[Verdict]:
    try:
        return judge(page, by_service)
    except Invalid as error:
        raise Failure(Exit.USAGE, [*placed(page, error.reasons), coded("CASES_NOTHING_RUN")]) from error


def _lines(verdict: Verdict, session: Session) -> Iterator[str]:
    place = f"{verdict.file}:{verdict.line}"
    yield "  ".join(filter(None, (f"{verdict.status:<5}", place, verdict.ref, verdict.name)))
    for one in verdict.differences:
        said = session.text("CASE_DIFFERS", name=one.name, expected=_shown(one.expected), got=_shown(one.got))
        yield f"       {said}"
    for line, problem in verdict.problems:
        at = " ".join(filter(None, (problem.code, f"{verdict.file}:{line}", problem.field)))
        yield f"       {at}: {problem.text(session.language)}"


def _shown(value: Any) -> str:
    return "[" + ", ".join(value) + "]" if isinstance(value, list) else "-" if value is None else str(value)


def _counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    return {
        "passed": sum(verdict.cases for verdict in verdicts if verdict.status == "ok"),
        "failed": sum(verdict.cases for verdict in verdicts if verdict.status != "ok"),
        "errors": sum(verdict.cases for verdict in verdicts if verdict.status == "ERROR"),
    }


def _summary(verdicts: Sequence[Verdict], session: Session) -> str:
    counts = _counts(verdicts)
    code = "CASES_COUNTED_WITH_ERRORS" if counts["errors"] else "CASES_COUNTED"
    return session.text(code, **counts)


def _document(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    return {**_counts(verdicts), "results": [_data(verdict) for verdict in verdicts]}


def _data(verdict: Verdict) -> dict[str, Any]:
    data: dict[str, Any] = {
        "file": verdict.file,
        "line": verdict.line,
        "ref": verdict.ref,
        "name": verdict.name,
        "cases": verdict.cases,
        "status": verdict.status,
        "differences": [{"name": one.name, "expected": one.expected, "got": one.got} for one in verdict.differences],
        "errors": [_problem(line, problem) for line, problem in verdict.problems],
    }
    if verdict.found is not None:
        data["result"] = {name: as_text(value) for name, value in verdict.found.figures.items()}
        data["law_digest"] = verdict.found.digest
    return data


def _problem(line: int, problem: Reason) -> dict[str, Any]:
    return {
        "code": problem.code,
        "line": line,
        "path": problem.field,
        "text_zh": problem.text(Language.ZH),
        "text_en": problem.text(Language.EN),
    }
