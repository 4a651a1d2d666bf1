"""The authority's side: tasks, completeness, gates, sheets, visits, decisions."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import typer
from cradle.certification.v1 import application_pb2 as pb
from cradle.certification.v1 import assessing_pb2, scheme_pb2

from services.cli.certification import answers, views
from services.cli.certification.applying import Dimension, File, Limit, Name, Request, State, Words, _stated
from services.cli.certification.asking import application, move, pages_of
from services.cli.failures import Exit, Failure, coded
from services.cli.session import Session
from services.cli.treasury_runs import given_day

_Accepted = Annotated[
    list[str] | None, typer.Option("--accept", help="a dimension most of which does not apply, and that is right")
]


def register(app: typer.Typer) -> None:
    for command in (tasks, accept, gate, ask, score, finish, visit, propose, object_, settle, decline, award):
        app.command(command.__name__.rstrip("_"))(command)
    app.command("return")(send_back)
    app.command("decide-review")(decide_review)


def tasks(
    context: typer.Context,
    *,
    state: Annotated[
        State | None, typer.Option(help="every one that waits for the authority if not given", case_sensitive=False)
    ] = None,
    county: Annotated[str, typer.Option(help="six digits; all in scope if not given")] = "",
    limit: Limit = 50,
) -> None:
    """Show what waits for the authority: by due date, then risk, then age."""
    session: Session = context.obj
    wanted = assessing_pb2.ListTasksRequest(county=county)
    if state:
        wanted.state = pb.ApplicationState.Value(f"APPLICATION_STATE_{state}")
    views.tasks(session, list(pages_of(session, "ListTasks", "tasks", wanted, limit)))


def accept(context: typer.Context, name: Name, *, request_id: Request = "") -> None:
    """The file is complete; its gates are looked up from now on."""
    _moved(context.obj, "AcceptApplication", name, request_id)


def send_back(
    context: typer.Context,
    name: Name,
    missing: Annotated[list[str], typer.Argument(help="criterion=what is missing; =what, of the file as a whole")],
    *,
    request_id: Request = "",
) -> None:
    """Return it to the applicant with all that is missing, told once."""
    pairs = [one.partition("=") for one in missing]
    if wrong := [word for word, (_, equals, said) in zip(missing, pairs, strict=True) if not (equals and said)]:
        raise Failure(Exit.USAGE, [coded("CLI_MISSING_MALFORMED", word) for word in wrong])
    items = [assessing_pb2.MissingItem(criterion=criterion, said=said) for criterion, _, said in pairs]
    _moved(context.obj, "ReturnApplication", name, request_id, missing=items)


def gate(
    context: typer.Context,
    name: Name,
    found: Annotated[list[str], typer.Argument(help="gate:quantity=figure, each quantity of one gate")],
    *,
    document: Annotated[str, typer.Option(help="what shows it")],
    request_id: Request = "",
) -> None:
    """Record what was found out about a gate that no service of ours knows."""
    read = answers.from_words(found)
    if len(read) != 1:
        raise Failure(Exit.USAGE, [coded("CLI_ONE_GATE")])
    _moved(context.obj, "RecordGate", name, request_id, found=read[0], document=document)


def ask(
    context: typer.Context,
    name: Name,
    *,
    question: Annotated[str, typer.Option()],
    criterion: Annotated[list[str] | None, typer.Option(help="what it is about; may be repeated")] = None,
    request_id: Request = "",
) -> None:
    """Ask the applicant for further information, once; the authority's clock stands still meanwhile."""
    _moved(context.obj, "RequestInformation", name, request_id, question=question, criteria=criterion or ())


def score(
    context: typer.Context,
    name: Name,
    *,
    as_stated: Annotated[bool, typer.Option("--as-stated", help="begin with what the applicant stated")] = False,
    words: Words = None,
    file: File = None,
    request_id: Request = "",
) -> None:
    """Hand in a score sheet: what was verified, criterion by criterion. What is not named was not shown."""
    session: Session = context.obj
    begun = {one.criterion: one for one in application(session, name).answers} if as_stated else {}
    sheet = begun | {one.criterion: one for one in _stated(words, file)}
    verified = [one for one in sheet.values() if one.quantities]
    _moved(session, "HandInSheet", name, request_id, answers=verified)


def finish(context: typer.Context, name: Name, *, request_id: Request = "") -> None:
    """Scored on paper; it is visited next."""
    _moved(context.obj, "FinishAssessment", name, request_id)


def visit(
    context: typer.Context,
    name: Name,
    *,
    on: Annotated[str, typer.Option(help="the day, as 2026-11-23")],
    visitor: Annotated[list[str], typer.Option(help="who went, by reference; two at least")],
    findings: Annotated[str, typer.Option()],
    request_id: Request = "",
) -> None:
    """Record the visit."""
    given = {"visit_date": given_day(on, "--on"), "visitors": visitor, "findings": findings}
    _moved(context.obj, "RecordVisit", name, request_id, **given)


def propose(context: typer.Context, name: Name, *, accepted: _Accepted = None, request_id: Request = "") -> None:
    """Publish the intent to award it."""
    _moved(context.obj, "ProposeAward", name, request_id, accepted=_dimensions(accepted))


def object_(
    context: typer.Context,
    name: Name,
    *,
    lead: Annotated[str, typer.Option(help="a lead that can be checked; kept sealed")],
    request_id: Request = "",
) -> None:
    """Take in an objection while the notice runs."""
    _moved(context.obj, "FileObjection", name, request_id, lead=lead)


def settle(
    context: typer.Context,
    name: Name,
    *,
    objection: Annotated[str, typer.Option(help="objections/ID")],
    uphold: Annotated[bool, typer.Option("--uphold/--reject", help="whether it is right")],
    reason: Annotated[str, typer.Option()],
    request_id: Request = "",
) -> None:
    """Settle an objection, as another person than who took it in."""
    given = {"objection": objection, "upheld": uphold, "reason": reason}
    _moved(context.obj, "SettleObjection", name, request_id, **given)


def decline(context: typer.Context, name: Name, *, accepted: _Accepted = None, request_id: Request = "") -> None:
    """Decline it, with every reason."""
    _moved(context.obj, "DeclineApplication", name, request_id, accepted=_dimensions(accepted))


def award(context: typer.Context, name: Name, *, request_id: Request = "") -> None:
    """Award it after the notice has ended, as another person than who proposed it."""
    _moved(context.obj, "AwardApplication", name, request_id)


def decide_review(
    context: typer.Context,
    name: Name,
    *,
    uphold: Annotated[bool, typer.Option("--uphold/--overturn", help="whether the decision stands")],
    reason: Annotated[str, typer.Option()],
    request_id: Request = "",
) -> None:
    """Decide the review of a decision, by the sheets of a panel of others."""
    _moved(context.obj, "DecideReview", name, request_id, uphold=uphold, reason=reason)


def _dimensions(given: list[str] | None) -> list[scheme_pb2.Dimension.ValueType]:
    accepted, known = [one.upper() for one in given or ()], get_args(Dimension)
    if strange := [one for one in accepted if one not in known]:
        raise Failure(Exit.USAGE, [coded("CODE_UNKNOWN", f"--accept {one}") for one in strange])
    return [scheme_pb2.Dimension.Value(f"DIMENSION_{one}") for one in accepted]


def _moved(session: Session, method: str, name: str, request_id: str, **given: Any) -> None:
    views.application(session, move(session, method, name, request_id, **given))
