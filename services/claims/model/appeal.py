"""An appeal (申诉): it stands beside the state of its claim, and its review is where it is decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.messages import Reason, reason


class AppealState(StrEnum):
    FILED = "FILED"  # 受理
    UPHELD = "UPHELD"  # 维持
    REDETERMINED = "REDETERMINED"  # 重新核定
    WITHDRAWN = "WITHDRAWN"  # 撤回
    LAPSED = "LAPSED"  # 终止


class Appellant(StrEnum):
    PERSON = "PERSON"
    EMPLOYER = "EMPLOYER"
    PROVIDER = "PROVIDER"


class AppealGround(StrEnum):
    FACTS_WRONG = "FACTS_WRONG"  # 事实不清
    COVERAGE_WRONG = "COVERAGE_WRONG"  # 参保缴费记录有误
    LAW_READ_WRONG = "LAW_READ_WRONG"  # 适用规定有误
    AMOUNT_WRONG = "AMOUNT_WRONG"  # 计算有误


class LateBecause(StrEnum):
    FORCE_MAJEURE = "FORCE_MAJEURE"  # 不可抗力
    OTHER_CAUSE = "OTHER_CAUSE"  # 其他正当理由


class AppealMove(StrEnum):
    UPHOLD = "UPHOLD"  # what was determined stands
    REDETERMINE = "REDETERMINE"  # a new determination states the whole
    WITHDRAW = "WITHDRAW"  # by whoever filed it
    LAPSE = "LAPSE"  # its sender took the claim back


# From a state, by a move, to another. What has ended does not begin again: a new determination may be appealed anew.
APPEAL_MOVES: Final[Mapping[AppealState, Mapping[AppealMove, AppealState]]] = {
    AppealState.FILED: {
        AppealMove.UPHOLD: AppealState.UPHELD,
        AppealMove.REDETERMINE: AppealState.REDETERMINED,
        AppealMove.WITHDRAW: AppealState.WITHDRAWN,
        AppealMove.LAPSE: AppealState.LAPSED,
    },
    AppealState.UPHELD: {},
    AppealState.REDETERMINED: {},
    AppealState.WITHDRAWN: {},
    AppealState.LAPSED: {},
}


def refusal_of_move(state: AppealState, move: AppealMove) -> Reason | None:
    """Why this move is not allowed from this state; None if it is."""
    if move in APPEAL_MOVES[state]:
        return None
    return reason("APPEAL_ENDED", "name", state=state)


class Appeal(NamedTuple):
    """`number` counts its moves and is the etag. `determined_version`: of the determination it is against."""

    id: UUID
    claim_id: UUID
    determined_version: int
    revision: int
    review_id: UUID
    lines: tuple[str, ...]  # as ALLOWANCE/1; none: all of it
    appellant: Appellant
    ground: AppealGround
    late_because: LateBecause | None
    notified_on: date
    filed_on: date
    filed_by: str
    filed_at: datetime
    state: AppealState = AppealState.FILED
    number: int = 1
    decided_by: str = ""
    second_by: str = ""
    decided_at: datetime | None = None


class ListedAppeal(NamedTuple):
    """An appeal with what is told of its claim, and by when it is to be decided."""

    appeal: Appeal
    source: str
    number: str
    county: str
    due_on: date | None
