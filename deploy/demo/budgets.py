"""The money of the synthetic city: budgets that reach, so that an order waits only where it is made to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from cradle.treasury.v1 import money_pb2
from cradle.treasury.v1.service_pb2 import AppropriateBudgetRequest, BudgetKey
from cradle.treasury.v1.service_pb2_grpc import TreasuryServiceStub

from deploy.demo import city
from services.kit import rpc, tls
from services.kit.ids import stable_id

POOLING_AREA: Final = "610300"
_FUNDS: Final = (money_pb2.FUND_EMPLOYEE_INSURANCE, money_pb2.FUND_RESIDENT_INSURANCE)
_WIDER: Final = ("610300", "610399")  # claims that name the whole city, and 高新区 by its local code
_CALL_TIMEOUT_S: Final = 30.0


def appropriate(
    environment: Mapping[str, str], today: date, amount_fen: int = 0, nth: int = 0, *, tight_fen: int = 0
) -> None:
    """Open the year's budgets of every county and fund that claims are paid from. Twice is once, for the same `nth`.

    Each gets so much, or what the city has; with `tight_fen` the employees' fund of one county gets that instead.
    """
    figures = city.load()
    with rpc.blocking_channel(environment["CRADLE_TREASURY_TARGET"], tls.of_environment(environment)) as channel:
        treasury = TreasuryServiceStub(channel)
        for request in _requests([*figures.counties, *_WIDER], today, amount_fen or figures.budget_fen, nth):
            if tight_fen and _is_tight(request.key):
                request.amount_fen = tight_fen
            treasury.AppropriateBudget(request, timeout=_CALL_TIMEOUT_S)


def _is_tight(key: BudgetKey) -> bool:
    return key.county == city.load().paying.tight_county and key.fund == money_pb2.FUND_EMPLOYEE_INSURANCE


def _requests(counties: Iterable[str], today: date, amount_fen: int, nth: int) -> Iterable[AppropriateBudgetRequest]:
    for county in counties:
        for fund in _FUNDS:
            key = BudgetKey(
                fund=fund,
                pooling_area=POOLING_AREA,
                county=county,
                programme=money_pb2.PROGRAMME_MATERNITY,
                fiscal_year=today.year,
            )
            yield AppropriateBudgetRequest(
                key=key,
                amount_fen=amount_fen,
                document="synthetic",
                request_id=str(stable_id(b"demo", key.SerializeToString(deterministic=True), str(nth).encode())),
            )
