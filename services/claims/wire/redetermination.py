"""Redeterminations to protobuf."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from cradle.claims.v1 import claim_pb2, redetermination_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.claims.model import State
from services.claims.model.redetermination import (
    Finding,
    Item,
    LineDiffers,
    Place,
    Progress,
    Redetermination,
    RedeterminationState,
    Result,
    Shown,
    Sum,
)
from services.kit.paging import last_of, token_of

_pb = redetermination_pb2
_STATE: Final = {one: _pb.RedeterminationState.Value(f"REDETERMINATION_STATE_{one}") for one in RedeterminationState}
_FINDING: Final = {one: _pb.RedeterminationFinding.Value(f"REDETERMINATION_FINDING_{one}") for one in Finding}
_RESULT: Final = {one: _pb.RedeterminationResult.Value(f"REDETERMINATION_RESULT_{one}") for one in Result}
_OUTCOME: Final = {str(one): claim_pb2.ClaimState.Value(f"CLAIM_STATE_{one}") for one in State}
_PLACE_BYTES: Final = 32

FINDINGS: Final = {value: one for one, value in _FINDING.items()}


def place_token(last: Place, request: _pb.ListRedeterminedClaimsRequest) -> str:
    return token_of(last.person.bytes + last.claim.bytes, request)


def read_place_token(token: str, request: _pb.ListRedeterminedClaimsRequest) -> Place | None:
    last = last_of(token, request, _PLACE_BYTES)
    return None if last is None else Place(UUID(bytes=last[:16]), UUID(bytes=last[16:]))


def to_proto(one: Redetermination, progress: Progress, sums: Iterable[Sum] = ()) -> _pb.Redetermination:
    done = progress.done
    message = _pb.Redetermination(
        name=f"redeterminations/{one.id}",
        state=_STATE[one.state],
        etag=str(one.number),
        law_digest=one.law_digest,
        plan_hash=one.plan_hash.hex() if one.planned_at else "",
        planned_by=one.planned_by,
        approved_by=one.approved_by,
        cancelled_by=one.cancelled_by,
        planned=progress.planned,
        decided=done.get(Result.DECIDED, 0),
        asked=done.get(Result.ASKED, 0),
        settled=done.get(Result.SETTLED, 0),
        failed=done.get(Result.FAILED, 0),
        sums=[_sum(found) for found in sums],
    )
    message.begin_time.FromDatetime(one.begun_at)
    for field, at in ((message.plan_time, one.planned_at), (message.approve_time, one.approved_at)):
        _stamp(field, at)
    _stamp(message.end_time, one.ended_at)
    return message


def _stamp(field: Timestamp, at: datetime | None) -> None:
    if at is not None:
        field.FromDatetime(at)


def _sum(found: Sum) -> _pb.RedeterminationSum:
    return _pb.RedeterminationSum(
        county=found.county,
        finding=_FINDING[found.finding],
        claims=found.claims,
        up_fen=found.up_fen,
        down_fen=found.down_fen,
    )


def shown_to_proto(shown: Shown) -> _pb.RedeterminedClaim:
    message = item_to_proto(shown.item)
    message.source, message.claim_number = shown.source, shown.number
    if shown.result:
        message.result = _RESULT[shown.result]
    return message


def item_to_proto(item: Item) -> _pb.RedeterminedClaim:
    found = item.difference
    return _pb.RedeterminedClaim(
        claim=f"claims/{item.place.claim}",
        county=item.county,
        finding=_FINDING[found.finding],
        before_outcome=_OUTCOME[found.before],
        after_outcome=_OUTCOME[found.after],
        before_fen=found.before_fen,
        after_fen=found.after_fen,
        lines=[_line(line) for line in found.lines],
    )


def _line(line: LineDiffers) -> _pb.RedeterminedLine:
    return _pb.RedeterminedLine(
        line=line.line,
        before_outcome=_OUTCOME[line.before] if line.before else claim_pb2.CLAIM_STATE_UNSPECIFIED,
        before_fen=line.before_fen,
        after_outcome=_OUTCOME[line.after] if line.after else claim_pb2.CLAIM_STATE_UNSPECIFIED,
        after_fen=line.after_fen,
    )
