"""A HOLD as it is shown."""

from __future__ import annotations

from typing import Final

from cradle.treasury.v1 import hold_pb2

from services.kit.dates import to_proto
from services.treasury.model.holding import Lacking, OnHold

_DAYS_MAX: Final = 100


def shown(hold: OnHold | None, lacking: Lacking) -> hold_pb2.Hold:
    if hold is None:
        return hold_pb2.Hold(state=hold_pb2.HOLD_STATE_NONE)
    is_lifted = hold.lifted_at is not None
    made = hold_pb2.Hold(
        state=hold_pb2.HOLD_STATE_LIFTED if is_lifted else hold_pb2.HOLD_STATE_HELD,
        cause=hold_pb2.HoldCause.Value(f"HOLD_CAUSE_{hold.cause}"),
        begun_by=hold.begun_by,
        since=to_proto(hold.since_on),
        sent_to=to_proto(hold.sent_to),
        proposed_by=hold.proposed_by or "",
        document=hold.document,
        lifted_by=hold.lifted_by or "",
        is_seen=hold.mark is not None,
        lacking=[hold_pb2.HoldDay(account=account, day=to_proto(day)) for account, day in lacking.days[:_DAYS_MAX]],
        open_items=lacking.items,
    )
    made.begun_time.FromDatetime(hold.begun_at)
    if hold.lifted_at is not None:
        made.lifted_time.FromDatetime(hold.lifted_at)
    return made
