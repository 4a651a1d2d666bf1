"""Asking claims what it knows of an employer's women: sums over leaves and allowances, nothing of one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from cradle.claims.v1 import employer_pb2 as pb

from services.kit.dates import to_proto

if TYPE_CHECKING:
    from cradle.claims.v1.employer_pb2_grpc import EmployerFactsServiceAsyncStub

CLAIMS: Final = "service/claims"
_EMPLOYERS_MAX: Final = 100  # of one call, by its contract

Period = tuple[date, date]  # days, both in


class Women(NamedTuple):
    """Of the assessed period: maternity leaves that ended, and claims of women whom the employer has not insured."""

    leaves: int = 0
    uninsured: int = 0


async def ask(
    stub: EmployerFactsServiceAsyncStub, wanted: Sequence[tuple[UUID, Period]], deadline_s: float
) -> Mapping[tuple[UUID, Period], Women]:
    """One call for each period and hundred employers: most who are asked about together share theirs."""
    by_period: dict[Period, list[UUID]] = defaultdict(list)
    for employer, period in wanted:
        by_period[period].append(employer)
    found: dict[tuple[UUID, Period], Women] = {}
    for period, employers in by_period.items():
        for first in range(0, len(employers), _EMPLOYERS_MAX):
            some = employers[first : first + _EMPLOYERS_MAX]
            request = pb.BatchGetEmployerFactsRequest(
                employers=map(str, some), first_day=to_proto(period[0]), last_day=to_proto(period[1])
            )
            answers = (await stub.BatchGetEmployerFacts(request, timeout=deadline_s)).answers
            for employer, given in zip(some, answers, strict=True):
                found[employer, period] = Women(given.maternity_leaves_ended, given.uninsured)
    return found
