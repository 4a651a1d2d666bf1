"""gRPC of payment runs. A move is one transaction; what it begins goes on here for a moment, then in the background."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from cradle.treasury.v1 import refused_account_pb2, run_pb2, run_pb2_grpc

from services.kit import auth, paging
from services.kit.db import Tx
from services.kit.errors import Invalid, NotFound
from services.kit.ids import new_id
from services.kit.messages import reason
from services.kit.naming import id_named, number_named
from services.treasury.api import statements
from services.treasury.api.treasury import counties
from services.treasury.model import Run
from services.treasury.model.listing import ListedPayment
from services.treasury.store import files, heard, payments, refused_accounts, runs
from services.treasury.store.payments import Shown
from services.treasury.usecases import approving, foreseeing, holding, refusing, resolving, running, sending
from services.treasury.usecases.asking import asked, once
from services.treasury.usecases.importing import Importing
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.wire import refused_accounts as refused_wire
from services.treasury.wire import runs as wire

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Move: TypeAlias = Callable[[Tx], Awaitable[Run]]
_PAGE = 50


class Runs(run_pb2_grpc.RunServiceServicer):
    def __init__(self, pay: PayDesk, importing: Importing) -> None:
        self.pay = pay
        self.database = pay.database
        self.importing = importing

    # --- looking -----------------------------------------------------------------------------------------------------

    async def GetRun(self, request: run_pb2.GetRunRequest, context: Context) -> run_pb2.Run:
        return await self._whole(id_named(request.name, "runs"))

    async def ListRuns(self, request: run_pb2.ListRunsRequest, context: Context) -> run_pb2.ListRunsResponse:
        limit, before = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        state = wire.RUN_STATES.get(request.state, "")
        found = await runs.list_runs(self.database, state, before, limit + 1)
        return run_pb2.ListRunsResponse(
            runs=[wire.run(one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].ordinal, request) if len(found) > limit else "",
        )

    async def ListPayments(
        self, request: run_pb2.ListPaymentsRequest, context: Context
    ) -> run_pb2.ListPaymentsResponse:
        limit, after = request.page_size or _PAGE, paging.read_page_token(request.page_token, request) or 0
        found = await payments.list_payments(self.database, _shown(request), after, limit + 1)
        last = found[limit - 1].payment.number if request.run and len(found) > limit else after + limit
        return run_pb2.ListPaymentsResponse(
            payments=[wire.payment(one) for one in found[:limit]],
            next_page_token=paging.page_token(last, request) if len(found) > limit else "",
        )

    async def ListExceptions(
        self, request: run_pb2.ListExceptionsRequest, context: Context
    ) -> run_pb2.ListExceptionsResponse:
        limit, after = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        run_id = id_named(request.run, "runs", "run")
        found = await runs.list_exceptions(self.database, run_id, counties(), after, limit + 1)
        return run_pb2.ListExceptionsResponse(
            exceptions=[wire.exception(one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].id, request) if len(found) > limit else "",
        )

    async def ListUnmatched(
        self, request: run_pb2.ListUnmatchedRequest, context: Context
    ) -> run_pb2.ListUnmatchedResponse:
        limit, after = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        found = await heard.list_unmatched(self.database, counties(), after, limit + 1)
        return run_pb2.ListUnmatchedResponse(
            items=[wire.unmatched(one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].id, request) if len(found) > limit else "",
        )

    async def ListRefusedAccounts(
        self, request: refused_account_pb2.ListRefusedAccountsRequest, context: Context
    ) -> refused_account_pb2.ListRefusedAccountsResponse:
        limit, after = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        found = await refused_accounts.waiting(self.database, request.county, counties(), after, limit + 1)
        shown = found[:limit]
        now = await refusing.now(self.pay, shown)
        return refused_account_pb2.ListRefusedAccountsResponse(
            orders=[refused_wire.order(one, now[one.id]) for one in shown],
            next_page_token=paging.page_token(shown[-1].id, request) if len(found) > limit else "",
        )

    # --- moving ------------------------------------------------------------------------------------------------------

    async def PlanRun(self, request: run_pb2.PlanRunRequest, context: Context) -> run_pb2.Run:
        clock = self.pay.desk.clock
        run = wire.new_run(request, new_id(), auth.current().name, clock.today(), clock.now())
        if request.validate_only:
            return wire.foreseen_run(*await foreseeing.foresee(self.pay, run, counties()))

        async def begin(tx: Tx) -> Run:
            await holding.refuse(tx)
            await runs.new_run(tx, run)
            return run

        return await self._moved(request, begin)

    async def ApproveRun(self, request: run_pb2.ApproveRunRequest, context: Context) -> run_pb2.Run:
        run_id, plan_hash = id_named(request.name, "runs"), bytes.fromhex(request.plan_hash)

        async def approve(tx: Tx) -> Run:
            return await approving.approve(
                self.pay, tx, run_id, request.etag, plan_hash=plan_hash, actor=auth.current().name
            )

        return await self._moved(request, approve)

    async def CancelRun(self, request: run_pb2.CancelRunRequest, context: Context) -> run_pb2.Run:
        run_id = id_named(request.name, "runs")
        return await self._moved(request, lambda tx: approving.cancel(tx, run_id, request.etag))

    async def SendRun(self, request: run_pb2.SendRunRequest, context: Context) -> run_pb2.Run:
        run_id, actor = id_named(request.name, "runs"), auth.current().name
        if await runs.run_by_id(self.pay.database, run_id):
            await running.advance(self.pay, run_id, running.CHUNKS_AT_ONCE)  # whose accounts have changed since
        return await self._moved(request, lambda tx: sending.queue(self.pay, tx, run_id, request.etag, actor))

    async def CloseRun(self, request: run_pb2.CloseRunRequest, context: Context) -> run_pb2.Run:
        run_id, actor = id_named(request.name, "runs"), auth.current().name
        return await self._moved(request, lambda tx: running.close(self.pay, tx, run_id, request.etag, actor))

    async def UploadStatement(
        self, request_iterator: AsyncIterator[run_pb2.UploadStatementRequest], context: Context
    ) -> run_pb2.ImportStatementResponse:
        return await statements.uploaded(self.importing, request_iterator)

    async def ImportStatement(
        self, request: run_pb2.ImportStatementRequest, context: Context
    ) -> run_pb2.ImportStatementResponse:
        return await statements.imported(self.importing, request)

    async def ResolveUnknown(self, request: run_pb2.ResolveUnknownRequest, context: Context) -> run_pb2.Payment:
        payment_id, actor = id_named(request.name, "payments"), auth.current().name

        async def resolve(tx: Tx) -> run_pb2.Payment:
            found, proposer = await resolving.resolve(
                self.pay, tx, payment_id, request.document, actor, counties=counties()
            )
            return wire.payment(ListedPayment(found, self.pay.desk.clock.now(), proposer))

        made, _ = await once(self.pay, asked(self.pay, actor, request), resolve, run_pb2.Payment)
        return made

    async def _moved(self, request: Any, move: Move) -> run_pb2.Run:
        """Done once; then as far as a person may wait for it."""

        async def act(tx: Tx) -> run_pb2.Run:
            return wire.run(await move(tx))

        made, is_new = await once(self.pay, asked(self.pay, auth.current().name, request), act, run_pb2.Run)
        if not is_new:
            return made
        run_id = id_named(made.name, "runs")
        await running.advance(self.pay, run_id, running.CHUNKS_AT_ONCE)
        return await self._whole(run_id)

    async def _whole(self, run_id: UUID) -> run_pb2.Run:
        run = await runs.run_by_id(self.database, run_id)
        if run is None:
            raise NotFound(reason("NOT_FOUND", "name", name=f"runs/{run_id}"))
        sums = await runs.sums(self.database, run_id, counties())
        return wire.whole_run(run, sums, await files.of_run(self.database, run_id))


def _shown(request: run_pb2.ListPaymentsRequest) -> Shown:
    if bool(request.run) == bool(request.order):
        raise Invalid(reason("RUN_OR_ORDER", "run"))
    run_id = id_named(request.run, "runs", "run") if request.run else None
    order_id = number_named(request.order, "orders", "order") if request.order else None
    return Shown(run_id, order_id, wire.PAYMENT_STATES.get(request.state, ""), counties())
