"""`cradle reviews`: the queue of what waits for a person, and every move about it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

import typer
from cradle.claims.v1 import claim_pb2, review_pb2, service_pb2
from cradle.claims.v1.review_pb2_grpc import ReviewServiceStub
from google.type.date_pb2 import Date
from rich.table import Table

from services.claims.model.review import ReturnReason
from services.cli import review_views as shown
from services.cli.failures import Exit, Failure, coded
from services.cli.paging import pages
from services.cli.session import Session, as_data, document
from services.kit.messages import Language

app = typer.Typer(no_args_is_help=True, help="What waits for a person, and what persons do with it.")

Kind = Literal["ALLOWANCE", "PROVIDER_SETTLEMENT", "REIMBURSEMENT"]
State = Literal["OPEN", "PENDED", "PROPOSED", "CLOSED"]
Pend = Literal["AWAITING_DOCUMENTS", "AWAITING_EXTERNAL", "INVESTIGATION"]
Deny = Literal["NOT_PROVEN", "EMPLOYMENT_NOT_REAL", "PAPERS_FALSE"]
Disagree = Literal["FACTS_DOUBTED", "LAW_READ_OTHERWISE", "DOCUMENTS_MISSING"]
Error = Literal["FACTS_WRONG", "COVERAGE_WRONG", "LAW_WRONG"]

_LANGUAGE = {Language.ZH: service_pb2.LANGUAGE_ZH_CN, Language.EN: service_pb2.LANGUAGE_EN}
_Name = Annotated[str, typer.Argument(help="the review's id, or reviews/ID")]
_Note = Annotated[str, typer.Option(help="in your own words; kept sealed")]
_RequestId = Annotated[str, typer.Option(help="sent again with the same id, it is done once")]
_Flag = bool | None


@app.command("list")
def list_(
    context: typer.Context,
    *,
    county: Annotated[str, typer.Option(help="division code")] = "",
    kind: Annotated[Kind | None, typer.Option(case_sensitive=False)] = None,
    reason: Annotated[str, typer.Option(help="a code, as in EMPLOYER_MISMATCH")] = "",
    state: Annotated[
        State | None, typer.Option(help="all that are not closed if not given", case_sensitive=False)
    ] = None,
    assignee: Annotated[str, typer.Option(help="who has taken it; - is nobody")] = "",
    claim: Annotated[str, typer.Option(help="claims/ID: what is asked about one claim")] = "",
    limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 50,
) -> None:
    """Show the queue: by due date, then risk, then age."""
    session: Session = context.obj
    wanted = review_pb2.ListReviewsRequest(county=county, reason=reason, assignee=assignee, claim=claim)
    if kind:
        wanted.kind = claim_pb2.ClaimKind.Value(f"CLAIM_KIND_{kind}")
    if state:
        wanted.state = review_pb2.ReviewState.Value(f"REVIEW_STATE_{state}")
    found = list(pages(partial(_call, session, "ListReviews"), "reviews", wanted, limit))
    if session.as_json:
        document({"reviews": [as_data(review) for review in found]})
        return
    session.show(shown.queue(session, found))
    session.note("CLI_COUNT_REVIEWS", count=len(found))


@app.command()
def show(context: typer.Context, name: _Name) -> None:
    """Show one review: the claim, the steps of its last determination, and who did what."""
    session: Session = context.obj
    _present(session, _get(session, name), shown.whole)


@app.command()
def take(context: typer.Context, name: _Name) -> None:
    """Assign a review to yourself."""
    session: Session = context.obj
    _moved(session, "TakeReview", review_pb2.TakeReviewRequest(move=_move(session, name)))


@app.command()
def leave(context: typer.Context, name: _Name, note: _Note = "") -> None:
    """Put a review back into the queue."""
    session: Session = context.obj
    _moved(session, "LeaveReview", review_pb2.LeaveReviewRequest(move=_move(session, name, note)))


@app.command()
def pend(
    context: typer.Context,
    name: _Name,
    reason: Annotated[Pend, typer.Option(help="what it waits for", case_sensitive=False)],
    note: _Note = "",
) -> None:
    """Let a review wait for something. Papers that are awaited are asked of the sender."""
    session: Session = context.obj
    why = review_pb2.PendReason.Value(f"PEND_REASON_{reason}")
    _moved(session, "PendClaim", review_pb2.PendClaimRequest(move=_move(session, name, note), reason=why))


@app.command()
def release(context: typer.Context, name: _Name, note: _Note = "") -> None:
    """What a pended review waited for is there."""
    session: Session = context.obj
    _moved(session, "ReleasePend", review_pb2.ReleasePendRequest(move=_move(session, name, note)))


@app.command("return")
def return_(
    context: typer.Context,
    name: _Name,
    reason: Annotated[list[ReturnReason], typer.Option(help="why; may be given several times")],
    note: _Note = "",
) -> None:
    """Send a claim back to its sender, who corrects it under the same number."""
    session: Session = context.obj
    why = [review_pb2.ReturnReason.Value(f"RETURN_REASON_{one}") for one in reason]
    _moved(session, "ReturnClaim", review_pb2.ReturnClaimRequest(move=_move(session, name, note), reasons=why))


@app.command()
def withdraw(context: typer.Context, name: _Name, note: _Note = "") -> None:
    """Withdraw a claim for its claimant, before it was determined."""
    session: Session = context.obj
    _moved(session, "WithdrawClaim", review_pb2.WithdrawClaimRequest(move=_move(session, name, note)))


@app.command()
def answer(
    context: typer.Context,
    name: _Name,
    *,
    third_child: Annotated[_Flag, typer.Option(help="whether the days of a third child apply")] = None,
    same_event: Annotated[_Flag, typer.Option("--same-event/--another-event", help="of the delivery near it")] = None,
    employer_confirmed: Annotated[
        bool, typer.Option("--employer-confirmed", help="the employer named is hers")
    ] = False,
    gestation_days: Annotated[int | None, typer.Option(help="from the hospital's certificate")] = None,
    birth_order: Annotated[int | None, typer.Option()] = None,
    infants: Annotated[int | None, typer.Option()] = None,
    dystocia: Annotated[_Flag, typer.Option()] = None,
    prepregnancy_check: Annotated[_Flag, typer.Option()] = None,
    registered: Annotated[_Flag, typer.Option()] = None,
    deny: Annotated[Deny | None, typer.Option(help="deny, for this reason", case_sensitive=False)] = None,
    stand: Annotated[bool, typer.Option("--stand", help="what was determined stands")] = False,
    error: Annotated[Error | None, typer.Option(help="of a sampled claim: what is wrong", case_sensitive=False)] = None,
    agree: Annotated[bool, typer.Option("--agree", help="as the second person")] = False,
    disagree: Annotated[
        Disagree | None, typer.Option(help="as the second person, for this reason", case_sensitive=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only compute what it would come to")] = False,
    note: _Note = "",
    request_id: _RequestId = "",
) -> None:
    """Answer a review. Without another answer the law decides, from the facts with what you found laid over.

    Above the amount or the risk of the law's `review` parameters it is proposed, and a second person decides.
    """
    session: Session = context.obj
    found: dict[str, Any] = {
        "third_child": third_child,
        "same_event": same_event,
        "employer_confirmed": employer_confirmed or None,
        "gestation_days": gestation_days,
        "birth_order": birth_order,
        "infants": infants,
        "dystocia": dystocia,
        "prepregnancy_check": prepregnancy_check,
        "registered": registered,
    }
    supplement = {key: value for key, value in found.items() if value is not None}
    answers: dict[str, Any] = {
        "deny": review_pb2.DenyReason.Value(f"DENY_REASON_{deny}") if deny else None,
        "stand": review_pb2.Stand() if stand else None,
        "error_found": review_pb2.ErrorReason.Value(f"ERROR_REASON_{error}") if error else None,
        "agree": review_pb2.Agree() if agree else None,
        "disagree": review_pb2.DisagreeReason.Value(f"DISAGREE_REASON_{disagree}") if disagree else None,
        "decide": review_pb2.Supplement(**supplement) if supplement else None,
    }
    given = {key: value for key, value in answers.items() if value is not None}
    if len(given) > 1:
        raise Failure(Exit.USAGE, [coded("CLI_ONE_ANSWER", given=", ".join(sorted(given)))])
    request = review_pb2.AnswerReviewRequest(
        move=_move(session, name, note, request_id),
        validate_only=dry_run,
        **(given or {"decide": review_pb2.Supplement()}),
    )
    answered = _call(session, "AnswerReview", request)
    _present(session, answered, shown.answer)
    if answered.second_person_needed and answered.review.state == review_pb2.REVIEW_STATE_PROPOSED:
        session.note("CLI_SECOND_PERSON")


@app.command()
def sample(
    context: typer.Context,
    *,
    seed: Annotated[int, typer.Option(help="the same seed draws the same claims")],
    share: Annotated[float, typer.Option(min=0.000001, max=1.0, help="of approved claims, as in 0.02")],
    since: Annotated[str, typer.Option(help="determined on this day or later, as in 2026-11-01")],
    county: Annotated[str, typer.Option(help="division code")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only count")] = False,
) -> None:
    """Draw approved claims for a second look."""
    session: Session = context.obj
    request = review_pb2.SampleReviewsRequest(
        seed=seed, share_ppm=_ppm(share), since=_date(since), county=county, validate_only=dry_run
    )
    drawn = _call(session, "SampleReviews", request)
    if session.as_json:
        document(as_data(drawn))
        return
    session.note("CLI_SAMPLE_DRAWN", drawn=drawn.drawn, population=drawn.population, opened=drawn.opened)


# --- asking ----------------------------------------------------------------------------------------------------------


def _call(session: Session, method: str, request: Any) -> Any:
    settings = session.settings
    with session.channel(settings.claims_target) as channel:
        stub = ReviewServiceStub(channel)
        return getattr(stub, method)(request, timeout=settings.grpc_deadline_s)


def _get(session: Session, name: str) -> review_pb2.Review:
    full = name if name.startswith("reviews/") else f"reviews/{name}"
    request = review_pb2.GetReviewRequest(name=full, language=_LANGUAGE[session.language])
    found: review_pb2.Review = _call(session, "GetReview", request)
    return found


def _move(session: Session, name: str, note: str = "", request_id: str = "") -> review_pb2.Move:
    """A move on the review as it stands now."""
    review = _get(session, name)
    return review_pb2.Move(name=review.name, etag=review.etag, note=note, request_id=request_id)


def _moved(session: Session, method: str, request: Any) -> None:
    _present(session, _call(session, method, request), shown.review)


def _present(session: Session, answered: Any, view: Any) -> None:
    if session.as_json:
        document(as_data(answered))
        return
    tables: Sequence[Table] = view(session, answered)
    session.show(*tables)


def _ppm(share: float) -> int:
    return max(1, int(share * 1_000_000 + 0.5))


def _date(text: str) -> Date:
    try:
        year, month, day = (int(part) for part in text.split("-"))
        return Date(year=year, month=month, day=day)
    except ValueError:
        raise Failure(Exit.USAGE, [coded("FACT_NOT_DATE", "--since")]) from None
