"""gRPC of redeterminations: a plan, its claims, and the moves of two persons. The worker does the work."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from cradle.claims.v1 import redetermination_pb2, redetermination_pb2_grpc

from services.claims.model.redetermination import FIRST, Redetermination
from services.claims.store import redetermining as store
from services.claims.usecases import Desk, redetermining
from services.claims.usecases.asking import once
from services.claims.usecases.reading import shown
from services.claims.wire import paging
from services.claims.wire import redetermination as wire
from services.kit import auth
from services.kit.db import Database, Tx
from services.kit.errors import NotFound
from services.kit.messages import reason
from services.kit.naming import id_named

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_pb = redetermination_pb2
_PAGE = 50


class Redeterminations(redetermination_pb2_grpc.RedeterminationServiceServicer):
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    # --- looking -----------------------------------------------------------------------------------------------------

    async def GetRedetermination(self, request: _pb.GetRedeterminationRequest, context: Context) -> _pb.Redetermination:
        found = await store.by_id(self.desk.database, id_named(request.name, "redeterminations"))
        if found is None:
            raise NotFound(reason("NOT_FOUND", "name", name=request.name))
        return await _answer(self.desk.database, found)

    async def ListRedeterminations(
        self, request: _pb.ListRedeterminationsRequest, context: Context
    ) -> _pb.ListRedeterminationsResponse:
        limit, before = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        found = await store.newest(self.desk.database, before, limit + 1)
        return _pb.ListRedeterminationsResponse(
            redeterminations=[await _answer(self.desk.database, one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].id, request) if len(found) > limit else "",
        )

    async def ListRedeterminedClaims(
        self, request: _pb.ListRedeterminedClaimsRequest, context: Context
    ) -> _pb.ListRedeterminedClaimsResponse:
        limit, after = request.page_size or _PAGE, wire.read_place_token(request.page_token, request) or FIRST
        parent, finding = id_named(request.parent, "redeterminations", "parent"), wire.FINDINGS.get(request.finding)
        found = await store.list_items(self.desk.database, parent, request.county, finding, after, limit + 1)
        claims = [one.item.place.claim for one in found[:limit]]
        await shown(self.desk.database, "ListRedeterminedClaims", claims)
        return _pb.ListRedeterminedClaimsResponse(
            claims=[wire.shown_to_proto(one) for one in found[:limit]],
            next_page_token=wire.place_token(found[limit - 1].item.place, request) if len(found) > limit else "",
        )

    # --- moving ------------------------------------------------------------------------------------------------------

    async def PlanRedetermination(
        self, request: _pb.PlanRedeterminationRequest, context: Context
    ) -> _pb.Redetermination:
        async def plan(tx: Tx) -> _pb.Redetermination:
            return await _answer(tx, await redetermining.begin(self.desk.office, tx, auth.current().name))

        return await once(self.desk, request, plan, _pb.Redetermination)

    async def ApproveRedetermination(
        self, request: _pb.ApproveRedeterminationRequest, context: Context
    ) -> _pb.Redetermination:
        async def approve(tx: Tx) -> _pb.Redetermination:
            one = await redetermining.in_hand(tx, id_named(request.name, "redeterminations"), request.etag)
            plan_hash, actor = bytes.fromhex(request.plan_hash), auth.current().name
            return await _answer(tx, await redetermining.approve(self.desk.office, tx, one, plan_hash, actor))

        return await once(self.desk, request, approve, _pb.Redetermination)

    async def CancelRedetermination(
        self, request: _pb.CancelRedeterminationRequest, context: Context
    ) -> _pb.Redetermination:
        async def cancel(tx: Tx) -> _pb.Redetermination:
            one = await redetermining.in_hand(tx, id_named(request.name, "redeterminations"), request.etag)
            return await _answer(tx, await redetermining.cancel(self.desk.office, tx, one, auth.current().name))

        return await once(self.desk, request, cancel, _pb.Redetermination)


async def _answer(database: Database | Tx, one: Redetermination) -> _pb.Redetermination:
    return wire.to_proto(one, await store.progress(database, one.id), await store.sums(database, one.id))
