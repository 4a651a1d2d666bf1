"""How reviews look to a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cradle.claims.v1 import claim_pb2, review_pb2
from rich.console import RenderableType
from rich.table import Table

from services.cli import views
from services.cli.redetermination_views import both
from services.cli.session import Session
from services.kit.money import yuan

_QUEUE = ("REVIEW", "NUMBER", "WHY", "DUE", "RISK", "STATE", "ASSIGNEE")
_HISTORY = ("MOVE_NUMBER", "AT", "ACTOR", "MOVE", "WHY", "NOTE")
_STEPS = ("GROUND", "RESULT", "ARTICLE")


def queue(session: Session, found: Sequence[review_pb2.Review]) -> Table:
    rows = (
        (
            one.name.removeprefix("reviews/"),
            f"{one.source}/{one.claim_number}",
            one.reason.code,
            views.day(one.due_date),
            str(one.risk),
            state(session, one),
            one.assignee,
        )
        for one in found
    )
    return views.table(session, [f"CLI_COL_{name}" for name in _QUEUE], rows)


def state(session: Session, one: review_pb2.Review) -> str:
    """Closed tells how, pended for what."""
    if one.outcome:
        return session.text(f"CLI_{review_pb2.ReviewOutcome.Name(one.outcome)}")
    said = session.text(f"CLI_{review_pb2.ReviewState.Name(one.state)}")
    if one.pend_reason:
        said += f" ({session.text(review_pb2.PendReason.Name(one.pend_reason).removeprefix('PEND_REASON_'))})"
    return said


def review(session: Session, one: review_pb2.Review) -> list[RenderableType]:
    pairs = [
        ("CLI_COL_REVIEW", one.name),
        ("CLI_COL_NUMBER", f"{one.source}/{one.claim_number}"),
        ("CLI_COL_KIND", session.text(f"CLI_{claim_pb2.ClaimKind.Name(one.kind)}") if one.kind else ""),
        ("CLI_COL_WHY", views.reasons(session, [one.reason])),
        ("CLI_COL_STATE", state(session, one)),
        ("CLI_COL_DUE", views.day(one.due_date)),
        ("CLI_COL_RISK", str(one.risk)),
        ("CLI_COL_COUNTY", one.county),
        ("CLI_COL_ASSIGNEE", one.assignee),
        ("CLI_COL_PROPOSER", one.proposal.proposer),
        ("CLI_COL_FOUND", _found(session, one.proposal)),
        ("CLI_COL_DIFFERS", both(session, one.redetermined) if one.HasField("redetermined") else ""),
        ("CLI_COL_OPENED", views.instant(one.open_time)),
        ("CLI_COL_UPDATED", views.instant(one.update_time)),
        ("CLI_COL_ERASED", _erased(one.claim_on_file)),
    ]
    shown: list[RenderableType] = [views.facts(session, pairs)]
    if one.HasField("proposal"):
        shown.append(_came_to(session, one.proposal.determination))
    return shown


def _erased(found: claim_pb2.Claim) -> str:
    return views.instant(found.person_erase_time) if found.HasField("person_erase_time") else ""


def _found(session: Session, proposal: review_pb2.Proposal) -> str:
    """What the first person found, so that the second knows what to agree to."""
    said = [f"{field.name}: {str(value).lower()}" for field, value in proposal.supplement.ListFields()]
    if proposal.deny_reason:
        said.append(session.text(review_pb2.DenyReason.Name(proposal.deny_reason).removeprefix("DENY_REASON_")))
    return "\n".join(said)


def whole(session: Session, one: review_pb2.Review) -> list[RenderableType]:
    """A review with the claim, the steps of its determination, and the history."""
    shown = review(session, one)
    if one.HasField("claim_on_file"):
        shown.append(views.claim(session, one.claim_on_file))
    if one.steps:
        steps = ((step.text, step.result, step.article) for step in one.steps)
        shown.append(views.table(session, [f"CLI_COL_{name}" for name in _STEPS], steps))
    shown.append(views.table(session, [f"CLI_COL_{name}" for name in _HISTORY], _history(session, one)))
    return shown


def answer(session: Session, answered: review_pb2.AnswerReviewResponse) -> list[RenderableType]:
    shown = review(session, answered.review)
    if answered.HasField("determination") and not answered.review.HasField("proposal"):
        shown.append(_came_to(session, answered.determination))
    return shown


def _came_to(session: Session, found: claim_pb2.Determination) -> Table:
    pairs = [
        ("CLI_COL_OUTCOME", views.state(session, found.outcome)),
        ("CLI_COL_ALLOWANCE", yuan(found.allowance_fen) if found.payee else ""),
        ("CLI_COL_MEDICAL", yuan(found.medical_fen) if found.medical_fen else ""),
        ("CLI_COL_REASONS", views.reasons(session, found.reasons)),
    ]
    return views.facts(session, pairs)


def _history(session: Session, one: review_pb2.Review) -> Iterable[tuple[str, ...]]:
    for entry in one.history:
        move = session.text(f"CLI_MOVE_{entry.move}")
        yield str(entry.number), views.instant(entry.time), entry.actor, move, entry.reason, entry.note
