"""`cradle claims decide`: the calculator. Facts in, determination out, under the shipped law; nothing is stored.

It needs no service and no setting. What is missing is told with its line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from services.claims import rules
from services.claims.model import Determination, Facts, Line, StepView
from services.claims.wire import facts as wire
from services.claims.wire import notice
from services.cli.failures import Exit, Failure
from services.cli.located import placed, read_located
from services.cli.session import Session, document
from services.cli.verdicts import texts
from services.cli.verdicts.claims import figures, under
from services.kit import given
from services.kit import law as laws
from services.kit.errors import Invalid
from services.kit.law import Law, NotInForce, Unset
from services.kit.messages import reason
from services.kit.reasons import reason_message

_KEYS: Final = ("facts", "parameters")

LawOption = Annotated[
    Path | None, typer.Option("--law", metavar="DIR", help="a city's own parameters, laid over the shipped ones")
]


def decide(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--file", "-f", metavar="FILE", help="YAML or JSON; - is standard input")],
    law: LawOption = None,
) -> None:
    """Decide the facts of FILE (see docs/cases.md) and print the notice. Nothing is stored, and no service is asked.

    FILE has facts, or `facts` and `parameters`, which hold for this calculation. A refusal is an answer: exit status 0.
    """
    session: Session = context.obj
    base, page = shipped(law), read_located(file)
    try:
        content, parameters, at = _parts(page.content)
        effective = under(base, parameters, "parameters")
        facts = wire.read(content, at)
        determination = decided(facts, effective, at)
    except Invalid as error:
        raise Failure(Exit.USAGE, placed(page, error.reasons)) from error
    if session.as_json:
        document(_document(determination, effective))
        return
    typer.echo(notice.notice(None, determination, facts, effective, rules.REVISION, session.language))


def shipped(folder: Path | None) -> Law:
    """The shipped law, with the city's own values over it. Raises Failure."""
    if folder is None:
        return rules.LAW
    try:
        return laws.read_law(folder, base=rules.LAW)
    except laws.ParameterError as error:
        raise Failure(Exit.USAGE, [reason_message(given, given.place) for given in error.problems]) from error


def decided(facts: Facts, law: Law, at: str) -> Determination:
    """The determination. Raises Invalid where a fact is missing, or a parameter outside every line."""
    try:
        return rules.decide(facts, law)
    except rules.FactMissing as error:
        raise Invalid(given.missing(error.path, at)) from None
    except Unset as error:
        raise Invalid(reason("DECIDE_PARAMETER_UNSET", "parameters", name=error.name)) from None
    except NotInForce as error:
        raise Invalid(reason("DECIDE_PARAMETER_NOT_IN_FORCE", "parameters", name=error.name)) from None


def _parts(content: object) -> tuple[object, dict[str, str], str]:
    """Facts, parameters, and the path of the facts. Raises Invalid."""
    if not isinstance(content, Mapping) or "facts" not in content:
        return content, {}, ""
    if wrong := [name for name in content if name not in _KEYS]:
        raise Invalid(*[reason("CASE_KEY_UNKNOWN", given.path_text([name]), known=", ".join(_KEYS)) for name in wrong])
    return content["facts"], texts(content.get("parameters"), "parameters"), "facts"


def _document(determination: Determination, law: Law) -> dict[str, Any]:
    views = [StepView.of(step) for step in determination.steps()]
    result = {
        **figures(determination),
        "lines": [_line(line) for line in determination.lines],
        "steps": [view._asdict() for view in views],
    }
    found: dict[str, Any] = {
        "determination": json.loads(orjson.dumps(result)),
        "law_digest": law.digest,
        "rules_revision": rules.REVISION,
        "placeholders": sorted({view.parameter for view in views if view.status == "placeholder"}),
    }
    return found


def _line(line: Line) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "number": line.number,
        "outcome": line.outcome,
        "reasons": line.reasons,
        "amount_fen": line.amount_fen,
        "payee": line.payee,
    }
