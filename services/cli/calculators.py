"""`cradle calc`: figures that no claim is needed for, from the shipped law. No service is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import typer

from services.claims import rules
from services.claims.rules import calculators
from services.cli import views
from services.cli.deciding import LawOption, shipped
from services.cli.failures import Exit, Failure, coded
from services.cli.session import Session, document
from services.kit.law import Dated, Law, NotInForce
from services.kit.messages import Language
from services.kit.money import yuan

app = typer.Typer(no_args_is_help=True, help="Reckon parental leave and the child-care allowance.")
_MARK = {"placeholder": "NOTICE_IS_PLACEHOLDER", "secondary": "NOTICE_IS_SECONDARY"}


@app.command("parental-leave")
def parental_leave(
    context: typer.Context,
    birth: Annotated[list[str], typer.Option(metavar="DATE", help="a child's day of birth; again for each child")],
    on: Annotated[str, typer.Option(metavar="DATE", help="a day of the child's year that is asked for")],
    law: LawOption = None,
) -> None:
    """Days of parental leave of one parent in each child's own year, until the third birthday."""
    session: Session = context.obj
    births, day, effective = [_day(one, "--birth") for one in birth], _day(on, "--on"), shipped(law)
    try:
        found = calculators.parental_leave(births, day, effective)
        used = _used(effective, "leave.parental.", max([day, *births]))
    except NotInForce as error:
        raise _not_in_force(error) from error
    total = sum(one.days for one in found)
    if session.as_json:
        children = [
            {name: str(value) if isinstance(value, date) else value for name, value in one._asdict().items()}
            for one in found
        ]
        document({"on": str(day), "children": children, "days": total, **_sources(used, effective)})
        return
    columns = ("CLI_COL_CHILD_BIRTH", "CLI_COL_CHILD_YEAR", "CLI_COL_FIRST_DAY", "CLI_COL_LAST_DAY", "CLI_COL_DAYS")
    rows = [(str(one.birth), str(one.year), str(one.first), str(one.last), str(one.days)) for one in found]
    session.show(views.table(session, columns, rows))
    typer.echo(session.text("CALC_PARENTAL_TOTAL", days=total))
    _cite(session, used)


@app.command("child-care-allowance")
def child_care_allowance(
    context: typer.Context,
    birth: Annotated[str, typer.Option(metavar="DATE", help="the child's day of birth")],
    law: LawOption = None,
) -> None:
    """The national child-care allowance (育儿补贴) of one child, year by year."""
    session: Session = context.obj
    day, effective = _day(birth, "--birth"), shipped(law)
    try:
        found = calculators.child_care_allowance(day, effective)
        used = _used(effective, "child_care_allowance.", day)
    except NotInForce as error:
        raise _not_in_force(error) from error
    if session.as_json:
        years = [{"year": year, "amount_fen": fen} for year, fen in found.by_year]
        figures = {"birth": str(day), "months": found.months, "amount_fen": found.amount_fen, "years": years}
        document({**figures, **_sources(used, effective)})
        return
    rows = [(str(year), yuan(fen)) for year, fen in found.by_year]
    session.show(views.table(session, ("CLI_COL_YEAR", "CLI_COL_AMOUNT"), rows))
    typer.echo(session.text("CALC_CHILD_CARE_TOTAL", months=found.months, amount=yuan(found.amount_fen)))
    _cite(session, used)


def _day(text: str, option: str) -> date:
    try:
        if len(text) != len("2026-03-10"):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise Failure(Exit.USAGE, [coded("FACT_NOT_DATE", option)]) from None


def _used(law: Law, prefix: str, day: date) -> list[Dated]:
    """The parameters the figures rest on, as they stand on that day."""
    return [law[name].at(day) for name in sorted(law.parameters) if name.startswith(prefix)]


def _sources(used: Sequence[Dated], law: Law) -> dict[str, Any]:
    return {
        "parameters": [
            {
                "name": one.name,
                "value": one.stamp[1],
                "since": str(one.since),
                "status": one.status,
                "citation_zh": one.citation,
                "citation_en": one.citation_en,
            }
            for one in used
        ],
        "placeholders": [one.name for one in used if one.status == "placeholder"],
        "law_digest": law.digest,
        "rules_revision": rules.REVISION,
    }


def _cite(session: Session, used: Sequence[Dated]) -> None:
    """Each source once, with how sure it is."""
    zh = session.language is Language.ZH
    cited = {(one.citation if zh else one.citation_en, one.status) for one in used}
    for citation, status in sorted(cited):
        mark = f" {session.text(_MARK[status])}" if status in _MARK else ""
        typer.echo(session.text("CALC_BY", citation=citation) + mark)


def _not_in_force(error: NotInForce) -> Failure:
    return Failure(Exit.USAGE, [coded("DECIDE_PARAMETER_NOT_IN_FORCE", name=error.name)])
