"""The employer's side: what is asked, where one stands, drafts, submission, answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from cradle.certification.v1 import application_pb2 as pb
from cradle.certification.v1 import applying_pb2, scheme_pb2, service_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from services.cli.certification import answers, views
from services.cli.certification.asking import application, call, full, move, pages_of, stub_of
from services.cli.failures import Exit, Failure, coded
from services.cli.session import Session
from services.kit.ids import new_id

Kind = Literal["NEW", "EXTENSION", "RECERTIFICATION"]
State = Literal[
    "DRAFT", "SUBMITTED", "RETURNED", "SCREENING", "ASSESSMENT", "INFORMATION_REQUESTED", "VERIFICATION", "REVIEW",
    "PUBLIC_NOTICE", "AWARDED", "DECLINED", "DECISION_REVIEW", "WITHDRAWN", "LAPSED",
]  # fmt: skip
Dimension = Literal[
    "ATTITUDE", "CAREER", "MATERNITY_PROTECTION", "CARE_SUPPORT", "WORK_ARRANGEMENT", "OCCUPATIONAL_HEALTH"
]
Name = Annotated[str, typer.Argument(help="the application's id, or applications/ID")]
Request = Annotated[str, typer.Option(help="a uuid; sent again with the same one, it is done once")]
Limit = Annotated[int, typer.Option(min=1, help="how many at most")]
Words = Annotated[
    list[str] | None, typer.Option("--answer", help="criterion:quantity=figure[,figure]; a criterion alone drops it")
]
File = Annotated[
    Path | None, typer.Option("--from", help="YAML or JSON: criterion: {quantity: figure or [figures]}; - is stdin")
]
_Employer = Annotated[str, typer.Argument(help="the employer's unified social credit code (统一社会信用代码)")]
_Version = Annotated[int, typer.Option(help="of the scheme; 0 is the one that is submitted under today")]
_DEADLINE_S = 3600.0


def register(app: typer.Typer) -> None:
    for command in (scheme, criteria, check, apply, save, submit, withdraw, answer, show, watch, explain):
        app.command()(command)
    app.command("ask-review")(ask_review)
    app.command("list")(list_)


def scheme(context: typer.Context, *, version: _Version = 0) -> None:
    """Show a version of the scheme: dimensions, points, and every figure with how sure it is."""
    session: Session = context.obj
    views.scheme(session, call(session, "GetScheme", name=_scheme(version)))


def criteria(
    context: typer.Context,
    *,
    version: _Version = 0,
    dimension: Annotated[Dimension | None, typer.Option(help="all if not given", case_sensitive=False)] = None,
    limit: Limit = 1000,
) -> None:
    """Show what is asked: every gate and indicator, its points, its formula and what shows it."""
    session: Session = context.obj
    wanted = service_pb2.ListCriteriaRequest(parent=_scheme(version))
    if dimension:
        wanted.dimension = scheme_pb2.Dimension.Value(f"DIMENSION_{dimension}")
    views.criteria(session, list(pages_of(session, "ListCriteria", "criteria", wanted, limit)))


def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="what would be stated, as `save --from` takes it; - is stdin")],
    *,
    staff: Annotated[int, typer.Option(min=1)],
    women: Annotated[int, typer.Option(min=0)],
    sector: Annotated[str, typer.Option(help="a letter of GB/T 4754")],
    kind: Annotated[Kind, typer.Option(case_sensitive=False)] = "NEW",
    version: _Version = 0,
) -> None:
    """Where an employer would stand: every criterion, what shows it, and the score. Nothing is stored."""
    session: Session = context.obj
    found = call(
        session, "ValidateApplication",
        scheme=_scheme(version), kind=_kind(kind), answers=answers.from_file(file),
        employer=pb.EmployerFacts(staff=staff, women=women, sector=sector),
    )  # fmt: skip
    views.decision(session, found.decision)


def apply(
    context: typer.Context,
    employer: _Employer,
    *,
    kind: Annotated[Kind, typer.Option(case_sensitive=False)] = "NEW",
    request_id: Request = "",
) -> None:
    """Begin an application."""
    session: Session = context.obj
    asked = {"parent": f"employers/{employer}", "kind": _kind(kind), "request_id": request_id or str(new_id())}
    views.application(session, call(session, "CreateApplication", **asked))


def save(
    context: typer.Context,
    name: Name,
    *,
    staff: Annotated[int | None, typer.Option(min=0, help="headcount at the end of the period")] = None,
    women: Annotated[int | None, typer.Option(min=0)] = None,
    sector: Annotated[str | None, typer.Option(help="a letter of GB/T 4754")] = None,
    kind: Annotated[Kind | None, typer.Option(case_sensitive=False)] = None,
    consents: Annotated[
        bool | None, typer.Option("--consent/--no-consent", help="to look-ups across departments, and to the truth")
    ] = None,
    words: Words = None,
    file: File = None,
    request_id: Request = "",
) -> None:
    """Save some fields of a draft, or of one that was returned; the others stay as they are."""
    session: Session = context.obj
    found = application(session, name)
    given = pb.Application(name=found.name, etag=found.etag)
    paths = [
        f"facts.{one}" for one, value in (("staff", staff), ("women", women), ("sector", sector)) if value is not None
    ]
    given.facts.MergeFrom(pb.EmployerFacts(staff=staff or 0, women=women or 0, sector=sector or ""))
    if kind is not None:
        paths.append("kind")
        given.kind = _kind(kind)
    if consents is not None:
        paths.append("consents")
        given.consents = consents
    stated = _stated(words, file)
    if stated:
        paths.append("answers")
        given.answers.extend(stated)
    if not paths:
        raise Failure(Exit.USAGE, [coded("CLI_NOTHING_TO_SAVE")])
    asked = {"update_mask": FieldMask(paths=paths), "request_id": request_id or str(new_id())}
    views.application(session, call(session, "UpdateApplication", application=given, **asked))


def submit(
    context: typer.Context,
    name: Name,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would come of it, and store nothing")] = False,
    request_id: Request = "",
) -> None:
    """Hand it in. Everything that stands against that is told at once."""
    session: Session = context.obj
    found = application(session, name)
    made = call(
        session, "SubmitApplication",
        name=found.name, etag=found.etag, request_id=request_id or str(new_id()), validate_only=dry_run,
    )  # fmt: skip
    views.decision(session, made.foreseen) if dry_run else views.application(session, made.application)


def withdraw(context: typer.Context, name: Name, *, request_id: Request = "") -> None:
    """Withdraw it before it is decided."""
    _moved(context.obj, "WithdrawApplication", name, request_id)


def answer(
    context: typer.Context,
    name: Name,
    *,
    said: Annotated[str, typer.Option("--text", help="the answer, in words")],
    words: Words = None,
    file: File = None,
    request_id: Request = "",
) -> None:
    """Answer what was asked for; figures may change in the criteria that were asked about."""
    _moved(context.obj, "AnswerInformationRequest", name, request_id, answer=said, answers=_stated(words, file))


def ask_review(
    context: typer.Context, name: Name, *, ground: Annotated[str, typer.Option()], request_id: Request = ""
) -> None:
    """Ask for a review of a decision to decline: once, in time, by others."""
    _moved(context.obj, "RequestDecisionReview", name, request_id, ground=ground)


def show(context: typer.Context, name: Name) -> None:
    """Show it: how it stands, for whom it waits and until when, gates, the decision."""
    views.application(context.obj, application(context.obj, name))


def list_(
    context: typer.Context,
    *,
    employer: Annotated[str, typer.Option(help="its code; all in scope if not given")] = "-",
    state: Annotated[State | None, typer.Option(help="all if not given", case_sensitive=False)] = None,
    limit: Limit = 50,
) -> None:
    """Show applications, newest first."""
    session: Session = context.obj
    wanted = applying_pb2.ListApplicationsRequest(parent=f"employers/{employer}")
    if state:
        wanted.state = pb.ApplicationState.Value(f"APPLICATION_STATE_{state}")
    views.applications(session, list(pages_of(session, "ListApplications", "applications", wanted, limit)))


def watch(
    context: typer.Context,
    name: Name,
    *,
    limit: Annotated[int, typer.Option(min=1, help="end after so many changes")] = 1000,
) -> None:
    """Show it as it stands and each time it changes, until it is decided."""
    session: Session = context.obj
    request = applying_pb2.WatchApplicationRequest(name=full(name))
    with session.channel(session.settings.certification_target) as channel:
        for number, told in enumerate(stub_of(channel, "WatchApplication")(request, timeout=_DEADLINE_S), 1):
            views.line(session, told.application)
            if number == limit:
                return


def explain(context: typer.Context, name: Name) -> None:
    """Every step of the last decision in words, with the law each rests on."""
    session: Session = context.obj
    views.explanation(session, call(session, "ExplainApplication", name=full(name)))


def _moved(session: Session, method: str, name: str, request_id: str, **given: Any) -> None:
    views.application(session, move(session, method, name, request_id, **given))


def _stated(words: list[str] | None, file: Path | None) -> list[pb.Answer]:
    return [*(answers.from_file(file) if file else ()), *answers.from_words(words or ())]


def _kind(kind: Kind) -> pb.ApplicationKind.ValueType:
    return pb.ApplicationKind.Value(f"APPLICATION_KIND_{kind}")


def _scheme(version: int) -> str:
    return f"schemes/{version or '-'}"
