"""`cradle law`: the law as data, read, compared and checked. It asks no service and needs no environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from services.claims import rules
from services.cli import views
from services.cli.failures import Exit, Failure
from services.cli.session import Session, document
from services.kit import law as laws
from services.kit.dates import SHANGHAI
from services.kit.law import Citation, Dated, Difference, Law, Parameter, ParameterError, Problem, Status, Value
from services.kit.messages import Language
from services.kit.money import yuan
from services.kit.reasons import reason_message

app = typer.Typer(no_args_is_help=True, help="Read, compare and check the law as data.")

_Folder = Annotated[
    Path | None, typer.Option("--law", metavar="DIR", help="a whole law, or overrides laid over the one shipped")
]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="of a parameter, as in leave.maternity.base_days")]
_PIPED_WIDTH: Final = 200  # what is not on a screen is searched by line, so a parameter stands on one
_LISTED: Final = ("PARAMETER", "VALUE", "UNIT", "SINCE", "SURE", "CITATION")
_ASPECTS: Final = {
    "value": "CLI_COL_VALUE",
    "status": "CLI_COL_SURE",
    "citation": "CLI_COL_CITATION",
    "description": "CLI_COL_DESCRIPTION",
    "unit": "CLI_COL_UNIT",
    "key_date": "CLI_COL_KEY_DATE",
    "mandatory": "CLI_COL_MANDATORY",
    "codes": "CLI_COL_CODES",
}


@app.command("list")
def list_(
    context: typer.Context,
    *,
    prefix: Annotated[str, typer.Option(metavar="TEXT", help="those whose name begins so")] = "",
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="in force on this day; today's if not given"),
    ] = None,
    status: Annotated[Status | None, typer.Option(help="how sure the value is")] = None,
    unset: Annotated[bool, typer.Option("--unset", help="those that have no value on the day")] = False,
    law: _Folder = None,
) -> None:
    """Show every parameter with the value in force on a day. Amounts are shown in yuan."""
    session: Session = context.obj
    day = on.date() if on else datetime.now(SHANGHAI).date()
    shown = [
        (parameter, dated)
        for name, parameter in sorted(_law(law).parameters.items())
        if name.startswith(prefix)
        for dated in [_in_force(parameter, day)]
        if status is None or (dated is not None and dated.status == status)
        if not unset or dated is None or not dated.is_set
    ]
    counts = _counts((parameter, dated.status if dated else None) for parameter, dated in shown)
    if session.as_json:
        document({"on": day.isoformat(), **counts, "parameters": [_row_data(*row) for row in shown]})
        return
    session.show(_one_line_each(session, [_row(session, *row) for row in shown]), piped_width=_PIPED_WIDTH)
    session.note("CLI_LAW_COUNTED", **counts)


@app.command()
def show(context: typer.Context, name: _Name, law: _Folder = None) -> None:
    """Show one parameter: what it is, and every value with its citations."""
    session: Session = context.obj
    effective = _law(law)
    parameter = effective.parameters.get(name)
    if parameter is None:
        raise Failure(Exit.NOT_FOUND, [reason_message(laws.unknown_parameter(name, effective.parameters))])
    if session.as_json:
        document({"name": name, **laws.as_data(parameter), **_remarks(parameter)})
        return
    session.show(views.facts(session, _facts(parameter)), _values(session, parameter))


@app.command()
def diff(
    context: typer.Context,
    folders: Annotated[
        list[Path], typer.Argument(metavar="[BASE] DRAFT", help="whole laws, or overrides of the one shipped")
    ],
) -> None:
    """Show what DRAFT says otherwise than BASE, or than the law as shipped, by parameter and date."""
    session: Session = context.obj
    *before, after = folders
    if len(before) > 1:
        raise typer.BadParameter("[BASE] DRAFT", ctx=context)
    base, draft = _law(before[0] if before else None), _law(after)
    found = laws.differences(base, draft)
    if session.as_json:
        document({"base": base.digest, "draft": draft.digest, "differences": [_difference_data(one) for one in found]})
    elif found:
        columns = ("PARAMETER", "SINCE", "DIFFERENCE", "BEFORE", "AFTER")
        session.show(_table(session, columns, [_difference(session, one) for one in found]), piped_width=_PIPED_WIDTH)
    else:
        typer.echo(session.text("CLI_LAW_SAME"))


@app.command()
def check(context: typer.Context, folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> None:
    """Check a whole law, or overrides of the one shipped. Exit status 1: something is wrong, and all of it is told."""
    session: Session = context.obj
    try:
        law = laws.read_law(folder, rules.LAW)
    except ParameterError as error:
        _tell(session, error.problems)
        raise typer.Exit(Exit.RETURNED) from error
    counts = _counts((parameter, parameter.status) for parameter in law.parameters.values())
    if session.as_json:
        document({"digest": law.digest, **counts, "problems": []})
    else:
        typer.echo(session.text("CLI_LAW_CHECKED", digest=law.digest, **counts))


def _law(folder: Path | None) -> Law:
    try:
        return laws.effective(rules.LAW, folder)
    except ParameterError as error:
        raise Failure(Exit.USAGE, [reason_message(problem, problem.place) for problem in error.problems]) from error


def _in_force(parameter: Parameter, day: date) -> Dated | None:
    return parameter.at(day) if parameter.dates[0] <= day else None


def _counts(found: Iterable[tuple[Parameter, Status | None]]) -> dict[str, int]:
    """How many there are, and how many of them rest on placeholders."""
    counted = Counter((status == "placeholder", parameter.mandatory) for parameter, status in found)
    return {
        "count": counted.total(),
        "placeholders": counted[True, True] + counted[True, False],
        "mandatory": counted[True, True],
    }


def _tell(session: Session, problems: Sequence[Problem]) -> None:
    if session.as_json:
        document({"problems": [_problem_data(problem) for problem in problems]})
        return
    for problem in problems:
        typer.echo(problem.told(session.language))
    typer.echo(session.text("CLI_LAW_PROBLEMS", count=len(problems)))


# --- as tables ------------------------------------------------------------------------------------------------------


def _table(session: Session, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    return views.table(session, [f"CLI_COL_{name}" for name in columns], rows)


def _one_line_each(session: Session, rows: Sequence[Sequence[str]]) -> Table:
    """A citation takes what is left of the line and is cut where that is too short; `show` has all of it."""
    made = views.table(session, [f"CLI_COL_{name}" for name in _LISTED], rows)
    made.expand = True
    cited = made.columns[-1]
    cited.ratio, cited.no_wrap, cited.overflow = 1, True, "ellipsis"
    return made


def _row(session: Session, parameter: Parameter, dated: Dated | None) -> tuple[str, ...]:
    unit = _unit(session, parameter.unit)
    if dated is None:
        return parameter.name, session.text("CLI_LAW_NOT_IN_FORCE"), unit, parameter.dates[0].isoformat(), "", ""
    cited = _title(session, dated.citations[0])
    since = dated.since.isoformat()
    return parameter.name, _amount(session, parameter.unit, dated.value), unit, since, _sure(session, dated), cited


def _amount(session: Session, unit: str, value: Value) -> str:
    if value is None:
        return session.text("CLI_LAW_UNSET")
    return _text(unit, laws.text_of(value))


def _text(unit: str, text: str) -> str:
    """The text of a value as a person reads it: fen as yuan."""
    return yuan(int(text)) if unit == laws.FEN and text else text


def _unit(session: Session, unit: str) -> str:
    return session.text("CLI_LAW_YUAN") if unit == laws.FEN else unit


def _sure(session: Session, dated: Dated) -> str:
    return session.text(f"CLI_LAW_{dated.status.upper()}")


def _title(session: Session, citation: Citation) -> str:
    return citation.title if session.language is Language.ZH else citation.title_en


def _facts(parameter: Parameter) -> list[tuple[str, str]]:
    remarks = _remarks(parameter)
    return [
        ("CLI_COL_PARAMETER", parameter.name),
        ("CLI_COL_DESCRIPTION", parameter.description),
        ("CLI_COL_UNIT", parameter.unit),
        ("CLI_COL_KEY_DATE", parameter.key_date),
        ("CLI_COL_MANDATORY", "true" if parameter.mandatory else "false"),
        ("CLI_COL_CODES", ", ".join(parameter.codes or ())),
        ("CLI_COL_NOTES", remarks["notes"]),
        ("CLI_COL_LAST_VALID", remarks["last_value_still_valid_on"]),
    ]


def _values(session: Session, parameter: Parameter) -> Table:
    rows = [
        (
            dated.since.isoformat(),
            _amount(session, parameter.unit, dated.value),
            _unit(session, parameter.unit),
            _sure(session, dated),
            "\n".join(f"{_title(session, one)} {one.href}".strip() for one in dated.citations),
        )
        for dated in parameter.values
    ]
    return _table(session, ("SINCE", "VALUE", "UNIT", "SURE", "CITATION"), rows)


def _difference(session: Session, one: Difference) -> tuple[str, ...]:
    aspect = session.text(_ASPECTS[one.aspect])
    change = session.text(f"CLI_LAW_{one.change.upper()}", aspect=aspect)
    before, after = one.before, one.after
    if one.aspect == "value":
        before, after = _text(one.unit, before), _text(one.unit, after)
        before = session.text("CLI_LAW_UNSET") if not before and one.change != "added" else before
        after = session.text("CLI_LAW_UNSET") if not after and one.change != "removed" else after
    return one.name, one.since.isoformat() if one.since else "", change, before, after


# --- as JSON --------------------------------------------------------------------------------------------------------


def _row_data(parameter: Parameter, dated: Dated | None) -> dict[str, Any]:
    """Values as the files have them: amounts in fen, every number a text, null where unset."""
    shared = {"name": parameter.name, "unit": parameter.unit, "key_date": parameter.key_date}
    shared["mandatory"] = "true" if parameter.mandatory else "false"
    if dated is None:
        return {**shared, "in_force": False}
    return {
        **shared,
        "in_force": True,
        "value": laws.value_data(dated.value),
        "since": dated.since.isoformat(),
        "status": dated.status,
        "citation_zh": dated.citation,
        "citation_en": dated.citation_en,
    }


def _remarks(parameter: Parameter) -> dict[str, str]:
    valid_on = parameter.last_value_still_valid_on
    return {"notes": parameter.notes, "last_value_still_valid_on": valid_on.isoformat() if valid_on else ""}


def _difference_data(one: Difference) -> dict[str, Any]:
    return {**one._asdict(), "since": one.since.isoformat() if one.since else None}


def _problem_data(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "file": problem.file,
        "line": problem.line,
        "path": problem.field,
        "text_zh": problem.text(Language.ZH),
        "text_en": problem.text(Language.EN),
    }
