"""gRPC of the treasury: budgets, orders, and what the ledger says. Who is bound to counties sees those only."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from cradle.treasury.v1 import money_pb2, service_pb2, service_pb2_grpc

from services.kit import auth, paging
from services.kit.db import Database
from services.kit.errors import Forbidden, NotFound, unseen
from services.kit.messages import reason
from services.kit.naming import number_named
from services.treasury import store, usecases
from services.treasury.model import Pot
from services.treasury.store import Scope
from services.treasury.usecases import Desk, verifying
from services.treasury.wire import answers
from services.treasury.wire import verifying as wire

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_PAGE = 50


class Treasury(service_pb2_grpc.TreasuryServiceServicer):
    def __init__(self, database: Database, desk: Desk) -> None:
        self.database = database
        self.desk = desk

    async def AppropriateBudget(
        self, request: service_pb2.AppropriateBudgetRequest, context: Context
    ) -> service_pb2.Budget:
        asking = auth.current()
        if not asking.sees(source="", county=request.key.county):
            raise Forbidden(reason("AUTH_COUNTY_NOT_YOURS", "key.county"))
        given = answers.appropriation(request, asking.name, self.desk.clock.today())
        if request.validate_only:
            return answers.budget(await usecases.foresee(self.database, given))
        return service_pb2.Budget.FromString(await usecases.appropriate(self.desk, self.database, given))

    async def ListBudgets(
        self, request: service_pb2.ListBudgetsRequest, context: Context
    ) -> service_pb2.ListBudgetsResponse:
        pot = Pot(answers.fund(request.fund), request.county, "", request.fiscal_year)
        found = await store.list_budgets(self.database, pot, counties())
        return service_pb2.ListBudgetsResponse(budgets=[answers.budget(one) for one in found])

    async def GetOrder(self, request: service_pb2.GetOrderRequest, context: Context) -> service_pb2.Order:
        order = await store.order_by_id(self.database, number_named(request.name, "orders"))
        if order is None or not auth.current().sees(source="", county=order.county):
            raise unseen(reason("NOT_FOUND", "name", name=request.name), is_there=order is not None)
        return answers.order(order)

    async def ListOrders(
        self, request: service_pb2.ListOrdersRequest, context: Context
    ) -> service_pb2.ListOrdersResponse:
        limit, before = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        found = await store.list_orders(self.database, answers.wanted(request), counties(), before, limit + 1)
        return service_pb2.ListOrdersResponse(
            orders=[answers.order(one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].id, request) if len(found) > limit else "",
        )

    async def ListRefusals(
        self, request: service_pb2.ListRefusalsRequest, context: Context
    ) -> service_pb2.ListRefusalsResponse:
        limit, before = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        found = await store.list_refusals(self.database, counties(), before, limit + 1)
        return service_pb2.ListRefusalsResponse(
            refusals=[answers.refusal(one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].id, request) if len(found) > limit else "",
        )

    async def GetTrialBalance(
        self, request: service_pb2.GetTrialBalanceRequest, context: Context
    ) -> service_pb2.TrialBalance:
        booked = answers.day(request.booked_to, "booked_to") if request.HasField("booked_to") else None
        effective = answers.day(request.effective_to, "effective_to") if request.HasField("effective_to") else None
        found = await store.balances(self.database, _scope(request.fund, request.county), booked, effective)
        return answers.trial_balance(found)

    async def GetStatement(self, request: service_pb2.GetStatementRequest, context: Context) -> service_pb2.Statement:
        first, last = answers.month(request.month)
        found = await store.movements(self.database, _scope(request.fund, request.county), first, last)
        return service_pb2.Statement(accounts=[answers.movement(one) for one in found])

    async def ListTransfers(
        self, request: service_pb2.ListTransfersRequest, context: Context
    ) -> service_pb2.ListTransfersResponse:
        limit, after = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        month = answers.month(request.month)
        account = await store.account_of(self.database, request.account, counties())
        if account is None:
            raise NotFound(reason("NOT_FOUND", "account", name=request.account))
        found = await store.transfers(self.database, account, month, after, limit + 1)
        return service_pb2.ListTransfersResponse(
            transfers=[answers.transfer(one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].number, request) if len(found) > limit else "",
        )

    async def VerifyLedger(
        self, request: service_pb2.VerifyLedgerRequest, context: Context
    ) -> service_pb2.VerifyLedgerResponse:
        place = wire.place(request) or verifying.BEGIN
        found = await verifying.verify(self.database, place, request.page_size or verifying.PARTS)
        return wire.verified(found, request)


def counties() -> list[str] | None:
    """Those whom who asks is bound to; None is everywhere."""
    bound = auth.current().counties
    return None if bound is None else sorted(bound)


def _scope(fund: money_pb2.Fund.ValueType, county: str) -> Scope:
    return Scope(answers.fund(fund), county, counties())
