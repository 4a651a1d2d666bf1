"""gRPC of reconciliation: breaks, how they end, and days. Who is bound to counties sees breaks of their payments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from cradle.treasury.v1 import reconciliation_pb2 as pb
from cradle.treasury.v1 import reconciliation_pb2_grpc

from services.kit import auth, paging
from services.kit.db import Tx
from services.kit.errors import NotFound
from services.kit.messages import reason
from services.kit.naming import number_named
from services.treasury.api.treasury import counties
from services.treasury.model.breaks import Break
from services.treasury.store import breaks, days
from services.treasury.store.breaks import Wanted
from services.treasury.usecases import explaining
from services.treasury.usecases.asking import asked, once
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.wire import breaks as wire

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Move: TypeAlias = Callable[[Tx, dict[str, Any]], Awaitable[Break]]  # with who acts, within which counties
_PAGE = 50


class Reconciliation(reconciliation_pb2_grpc.ReconciliationServiceServicer):
    def __init__(self, pay: PayDesk) -> None:
        self.pay = pay
        self.database = pay.database

    async def ListBreaks(self, request: pb.ListBreaksRequest, context: Context) -> pb.ListBreaksResponse:
        limit, after = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        wanted = Wanted(not request.ended, wire.KINDS.get(request.kind, ""), request.account, counties())
        found = await breaks.list_breaks(self.database, wanted, after, limit + 1)
        return pb.ListBreaksResponse(
            breaks=[wire.told(one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].id, request) if len(found) > limit else "",
        )

    async def GetBreak(self, request: pb.GetBreakRequest, context: Context) -> pb.Break:
        number = number_named(request.name, "breaks")
        found = await breaks.by_ids(self.database, [number], counties())
        if not found:
            raise NotFound(reason("NOT_FOUND", "name", name=request.name))
        return wire.told(found[0], await breaks.steps(self.database, number))

    async def ExplainBreak(self, request: pb.ExplainBreakRequest, context: Context) -> pb.Break:
        number, proposal = number_named(request.name, "breaks"), wire.proposal(request)
        return await self._moved(
            request,
            lambda tx, who: explaining.explain(self.pay, tx, number, request.etag, proposal=proposal, **who),
        )

    async def ApproveBreak(self, request: pb.ApproveBreakRequest, context: Context) -> pb.Break:
        number = number_named(request.name, "breaks")
        return await self._moved(request, lambda tx, who: explaining.approve(self.pay, tx, number, request.etag, **who))

    async def RefuseBreak(self, request: pb.RefuseBreakRequest, context: Context) -> pb.Break:
        number = number_named(request.name, "breaks")
        return await self._moved(
            request, lambda tx, who: explaining.refuse(self.pay, tx, number, request.etag, note=request.note, **who)
        )

    async def AwaitBreak(self, request: pb.AwaitBreakRequest, context: Context) -> pb.Break:
        number, awaited = number_named(request.name, "breaks"), wire.awaited(request)
        return await self._moved(
            request,
            lambda tx, who: explaining.note_awaited(
                self.pay, tx, number, request.etag, awaited=awaited, note=request.note, **who
            ),
        )

    async def RetryBreak(self, request: pb.RetryBreakRequest, context: Context) -> pb.Break:
        number = number_named(request.name, "breaks")
        return await self._moved(request, lambda tx, who: explaining.retry(self.pay, tx, number, request.etag, **who))

    async def ListReconciledDays(
        self, request: pb.ListReconciledDaysRequest, context: Context
    ) -> pb.ListReconciledDaysResponse:
        first, last = wire.days_asked(request)
        found = await days.reconciled_days(self.database, request.account, first, last)
        return pb.ListReconciledDaysResponse(days=[wire.reconciled_day(one) for one in found])

    async def _moved(self, request: Any, move: Move) -> pb.Break:
        actor = auth.current().name

        async def act(tx: Tx) -> pb.Break:
            return wire.told(await move(tx, {"actor": actor, "counties": counties()}))

        made, _ = await once(self.pay, asked(self.pay, actor, request), act, pb.Break)
        return made
