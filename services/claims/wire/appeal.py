"""Appeals to protobuf, and what is stated from it."""

from __future__ import annotations

from typing import Final

from cradle.claims.v1 import appeal_pb2, claim_pb2, event_pb2

from services.claims.model import Claim
from services.claims.model.appeal import Appeal, AppealGround, AppealState, Appellant, LateBecause, ListedAppeal
from services.kit.dates import to_proto
from services.kit.messages import Reason, reason

_STATE: Final = {one: appeal_pb2.AppealState.Value(f"APPEAL_STATE_{one}") for one in AppealState}
_APPELLANT: Final = {one: appeal_pb2.Appellant.Value(f"APPELLANT_{one}") for one in Appellant}
_GROUND: Final = {one: appeal_pb2.AppealGround.Value(f"APPEAL_GROUND_{one}") for one in AppealGround}
_LATE: Final = {one: appeal_pb2.LateBecause.Value(f"LATE_BECAUSE_{one}") for one in LateBecause}

STATES: Final = {value: one for one, value in _STATE.items()}
APPELLANTS: Final = {value: one for one, value in _APPELLANT.items()}
GROUNDS: Final = {value: one for one, value in _GROUND.items()}
LATE: Final = {value: one for one, value in _LATE.items()}


def to_message(listed: ListedAppeal) -> appeal_pb2.Appeal:
    appeal = listed.appeal
    message = appeal_pb2.Appeal(
        name=f"appeals/{appeal.id}",
        etag=str(appeal.number),
        claim=f"claims/{appeal.claim_id}",
        source=listed.source,
        claim_number=listed.number,
        county=listed.county,
        state=_STATE[appeal.state],
        revision=appeal.revision,
        lines=appeal.lines,
        appellant=_APPELLANT[appeal.appellant],
        ground=_GROUND[appeal.ground],
        late_because=_LATE[appeal.late_because] if appeal.late_because else appeal_pb2.LATE_BECAUSE_UNSPECIFIED,
        notify_date=to_proto(appeal.notified_on),
        file_date=to_proto(appeal.filed_on),
        due_date=to_proto(listed.due_on) if listed.due_on else None,
        filed_by=appeal.filed_by,
        review=f"reviews/{appeal.review_id}",
        decided_by=appeal.decided_by,
    )
    if appeal.decided_at:
        message.decide_time.FromDatetime(appeal.decided_at)
    return message


def event(claim: Claim, appeal: Appeal) -> event_pb2.ClaimEvent:
    """That it was filed, or how it ended; what was determined is told by another event."""
    kind = claim_pb2.ClaimKind.Value(f"CLAIM_KIND_{claim.kind}")
    message = event_pb2.ClaimEvent(
        claim_id=str(claim.id),
        version=claim.version,
        source=claim.source,
        county=claim.county,
        event_date=to_proto(claim.event_date),
    )
    if claim.payment:
        message.payment = claim_pb2.PaymentState.Value(f"PAYMENT_STATE_{claim.payment}")
    if appeal.state is AppealState.FILED:
        message.appealed.CopyFrom(
            event_pb2.ClaimAppealed(
                revision=appeal.revision, kind=kind, appeal=f"appeals/{appeal.id}", lines=appeal.lines
            )
        )
    else:
        message.appeal_ended.CopyFrom(
            event_pb2.ClaimAppealEnded(
                revision=appeal.revision, kind=kind, appeal=f"appeals/{appeal.id}", outcome=_STATE[appeal.state]
            )
        )
    return message


def told(appeal: Appeal) -> Reason:
    """How it stands, for the notice."""
    code = {
        AppealState.FILED: "NOTICE_APPEAL_FILED",
        AppealState.UPHELD: "NOTICE_APPEAL_UPHELD",
        AppealState.REDETERMINED: "NOTICE_APPEAL_REDETERMINED",
        AppealState.WITHDRAWN: "NOTICE_APPEAL_WITHDRAWN",
        AppealState.LAPSED: "NOTICE_APPEAL_LAPSED",
    }[appeal.state]
    return reason(code, filed=appeal.filed_on)
