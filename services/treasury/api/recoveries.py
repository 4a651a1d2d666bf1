"""gRPC of what is asked back, and of orders that wait for a person. Each move is one transaction, once a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from cradle.treasury.v1 import recovery_pb2, recovery_pb2_grpc

from services.kit import auth, paging
from services.kit.db import Tx
from services.kit.errors import unseen
from services.kit.messages import reason
from services.kit.naming import id_named, number_named
from services.treasury.api.treasury import counties
from services.treasury.model.recoveries import Recovery
from services.treasury.store import recoveries
from services.treasury.usecases import asking_back, deciding
from services.treasury.usecases.asking import asked, once
from services.treasury.usecases.asking_back import Asked
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.wire import recoveries as wire

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Move: TypeAlias = Callable[[Tx, Asked], Awaitable[Recovery]]
_PAGE = 50


class Recoveries(recovery_pb2_grpc.RecoveryServiceServicer):
    def __init__(self, pay: PayDesk) -> None:
        self.pay = pay
        self.desk = pay.desk
        self.database = pay.database

    async def GetRecovery(self, request: recovery_pb2.GetRecoveryRequest, context: Context) -> recovery_pb2.Recovery:
        found = await recoveries.by_id(self.database, id_named(request.name, "recoveries"))
        if found is None or not auth.current().sees(source="", county=found.county):
            raise unseen(reason("NOT_FOUND", "name", name=request.name), is_there=found is not None)
        parts = await recoveries.instalments(self.database, found)
        return wire.whole(found, parts, await recoveries.history(self.database, found.id))

    async def ListRecoveries(
        self, request: recovery_pb2.ListRecoveriesRequest, context: Context
    ) -> recovery_pb2.ListRecoveriesResponse:
        limit, before = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        wanted = wire.STATES.get(request.state, ""), request.payee
        found = await recoveries.list_recoveries(self.database, wanted, counties(), before, limit + 1)
        return recovery_pb2.ListRecoveriesResponse(
            recoveries=[wire.recovery(one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].ordinal, request) if len(found) > limit else "",
        )

    async def NotifyRecovery(
        self, request: recovery_pb2.NotifyRecoveryRequest, context: Context
    ) -> recovery_pb2.Recovery:
        return await self._moved(
            request, lambda tx, who: asking_back.notify(self.desk, tx, who, request.article, request.reason)
        )

    async def DisputeRecovery(
        self, request: recovery_pb2.DisputeRecoveryRequest, context: Context
    ) -> recovery_pb2.Recovery:
        said = {"ground": request.ground, "document": request.document}
        return await self._moved(
            request, lambda tx, who: asking_back.dispute(self.desk, tx, who, request.amount_fen, **said)
        )

    async def ResolveDispute(
        self, request: recovery_pb2.ResolveDisputeRequest, context: Context
    ) -> recovery_pb2.Recovery:
        return await self._moved(
            request, lambda tx, who: asking_back.resolve(self.desk, tx, who, uphold=request.uphold)
        )

    async def SetInstalments(
        self, request: recovery_pb2.SetInstalmentsRequest, context: Context
    ) -> recovery_pb2.Recovery:
        parts = wire.instalments(request.instalments)
        return await self._moved(request, lambda tx, who: asking_back.instalments(self.desk, tx, who, parts))

    async def WriteOffRecovery(
        self, request: recovery_pb2.WriteOffRecoveryRequest, context: Context
    ) -> recovery_pb2.Recovery:
        said = {"why": request.reason, "document": request.document}

        async def act(tx: Tx) -> recovery_pb2.Recovery:
            found, proposer = await asking_back.write_off(self.desk, tx, self._who(request), request.amount_fen, **said)
            return wire.recovery(found, proposer)

        made, _ = await once(self.pay, asked(self.pay, auth.current().name, request), act, recovery_pb2.Recovery)
        return made

    async def RecordRepayment(
        self, request: recovery_pb2.RecordRepaymentRequest, context: Context
    ) -> recovery_pb2.Recovery:
        item = number_named(request.item, "unmatched", "item")
        return await self._moved(request, lambda tx, who: asking_back.repaid(self.desk, tx, who, item))

    async def DecideOrder(
        self, request: recovery_pb2.DecideOrderRequest, context: Context
    ) -> recovery_pb2.DecideOrderResponse:
        number, actor = number_named(request.name, "orders"), auth.current().name

        async def act(tx: Tx) -> recovery_pb2.DecideOrderResponse:
            found = await deciding.decide(
                self.desk, tx, number, request.revision,
                is_release=request.release, why=request.reason, actor=actor, counties=counties(),
            )  # fmt: skip
            return wire.decided(found)

        made, _ = await once(self.pay, asked(self.pay, actor, request), act, recovery_pb2.DecideOrderResponse)
        return made

    async def _moved(self, request: Any, move: Move) -> recovery_pb2.Recovery:
        who = self._who(request)

        async def act(tx: Tx) -> recovery_pb2.Recovery:
            return wire.recovery(await move(tx, who))

        made, _ = await once(self.pay, asked(self.pay, who.actor, request), act, recovery_pb2.Recovery)
        return made

    @staticmethod
    def _who(request: Any) -> Asked:
        return Asked(id_named(request.name, "recoveries"), request.etag, auth.current().name, counties())
