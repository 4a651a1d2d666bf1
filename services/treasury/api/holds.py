"""gRPC of the HOLD."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import grpc
from cradle.treasury.v1 import hold_pb2, hold_pb2_grpc

from services.kit import auth
from services.kit.db import Database, Tx
from services.treasury.model.holding import Cause, Lacking, OnHold
from services.treasury.store import holding as store
from services.treasury.usecases import holding
from services.treasury.usecases.asking import asked, once
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.wire.holding import shown

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_NOTHING: Final = Lacking((), 0)


class Holds(hold_pb2_grpc.HoldServiceServicer):
    def __init__(self, pay: PayDesk) -> None:
        self.pay = pay

    async def GetHold(self, request: hold_pb2.GetHoldRequest, context: Context) -> hold_pb2.Hold:
        return await self._whole(self.pay.database, await store.latest(self.pay.database))

    async def BeginHold(self, request: hold_pb2.BeginHoldRequest, context: Context) -> hold_pb2.Hold:
        actor = auth.current().name

        async def begin(tx: Tx) -> hold_pb2.Hold:
            return await self._whole(tx, await holding.begin(self.pay, tx, Cause.PERSON, actor))

        made, _ = await once(self.pay, asked(self.pay, actor, request), begin, hold_pb2.Hold)
        return made

    async def LiftHold(self, request: hold_pb2.LiftHoldRequest, context: Context) -> hold_pb2.Hold:
        actor = auth.current().name

        async def lift(tx: Tx) -> hold_pb2.Hold:
            return shown(await holding.lift(self.pay, tx, request.document, actor), _NOTHING)

        made, _ = await once(self.pay, asked(self.pay, actor, request), lift, hold_pb2.Hold)
        return made

    async def _whole(self, source: Database | Tx, hold: OnHold | None) -> hold_pb2.Hold:
        if hold is None or hold.lifted_at is not None:
            return shown(hold, _NOTHING)
        return shown(hold, await holding.lacking(self.pay, source, hold))
