"""Reviews to protobuf, and what a reviewer states from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import orjson
from cradle.claims.v1 import claim_pb2, review_pb2

from services.claims.model import ClaimKind, DenyReason, Determination
from services.claims.model.review import (
    DisagreeReason,
    Entry,
    ErrorReason,
    PendReason,
    Proposal,
    ReturnReason,
    Review,
    ReviewOutcome,
    ReviewState,
    Supplement,
)
from services.claims.wire import out
from services.kit.dates import to_proto
from services.kit.messages import reason
from services.kit.reasons import reason_message

_STATE: Final = {one: review_pb2.ReviewState.Value(f"REVIEW_STATE_{one}") for one in ReviewState}
_OUTCOME: Final = {one: review_pb2.ReviewOutcome.Value(f"REVIEW_OUTCOME_{one}") for one in ReviewOutcome}
_PEND: Final = {one: review_pb2.PendReason.Value(f"PEND_REASON_{one}") for one in PendReason}
_DENY: Final = {one: review_pb2.DenyReason.Value(f"DENY_REASON_{one}") for one in DenyReason}
_RETURN: Final = {one: review_pb2.ReturnReason.Value(f"RETURN_REASON_{one}") for one in ReturnReason}
_DISAGREE: Final = {one: review_pb2.DisagreeReason.Value(f"DISAGREE_REASON_{one}") for one in DisagreeReason}
_ERROR: Final = {one: review_pb2.ErrorReason.Value(f"ERROR_REASON_{one}") for one in ErrorReason}
_KIND: Final = {one: claim_pb2.ClaimKind.Value(f"CLAIM_KIND_{one}") for one in ClaimKind}

PEND_REASONS: Final = {value: one for one, value in _PEND.items()}
DENY_REASONS: Final = {value: one for one, value in _DENY.items()}
RETURN_REASONS: Final = {value: one for one, value in _RETURN.items()}
DISAGREE_REASONS: Final = {value: one for one, value in _DISAGREE.items()}
ERROR_REASONS: Final = {value: one for one, value in _ERROR.items()}
STATES: Final = {value: one for one, value in _STATE.items()}
KINDS: Final = {value: one for one, value in _KIND.items()}


def review_to_proto(review: Review, source: str, claim_number: str, county: str) -> review_pb2.Review:
    message = review_pb2.Review(
        name=f"reviews/{review.id}",
        etag=str(review.number),
        claim=f"claims/{review.claim_id}",
        source=source,
        claim_number=claim_number,
        kind=_KIND[review.kind],
        state=_STATE[review.state],
        reason=reason_message(reason(review.reason)),
        county=county,
        risk=review.risk,
        assignee=review.assignee,
    )
    if review.outcome:
        message.outcome = _OUTCOME[review.outcome]
    if review.pend_reason:
        message.pend_reason = _PEND[review.pend_reason]
    if review.due_on:
        message.due_date.CopyFrom(to_proto(review.due_on))
    if review.proposal:
        message.proposal.CopyFrom(_proposal_to_proto(review))
    message.open_time.FromDatetime(review.opened_at)
    message.update_time.FromDatetime(review.updated_at)
    return message


def proposal_of(review: Review) -> Proposal:
    return Proposal.from_data(orjson.loads(review.proposal))


def _proposal_to_proto(review: Review) -> review_pb2.Proposal:
    proposal = proposal_of(review)
    determination = Determination.from_data(orjson.loads(proposal.result))
    return review_pb2.Proposal(
        proposer=review.proposer,
        determination=out.determination_to_proto(determination, proposal.decided_on, proposal.law_digest),
        supplement=review_pb2.Supplement(**proposal.supplement.as_data()),
        deny_reason=_DENY[proposal.denied] if proposal.denied else review_pb2.DENY_REASON_UNSPECIFIED,
    )


def supplement(given: review_pb2.Supplement) -> Supplement:
    return Supplement(**{field.name: value for field, value in given.ListFields()})


def entries_to_proto(history: Iterable[tuple[Entry, str]]) -> Iterable[review_pb2.ReviewEntry]:
    """The history, each entry with its note as it was opened."""
    for entry, note in history:
        message = review_pb2.ReviewEntry(
            number=entry.number, actor=entry.actor, move=entry.move, reason=entry.reason, note=note
        )
        message.time.FromDatetime(entry.at)
        yield message
