"""gRPC of appeals: filed, withdrawn, looked at. They are decided where their reviews are answered."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeAlias

import grpc
from cradle.claims.v1 import appeal_pb2, appeal_pb2_grpc
from google.type.date_pb2 import Date

from services.claims import store
from services.claims.api.named import claim_named
from services.claims.model.appeal import Appeal, ListedAppeal
from services.claims.store import appeals
from services.claims.usecases import Desk, appealing, erasing
from services.claims.usecases.asking import once
from services.claims.usecases.reading import shown
from services.claims.wire import appeal as wire
from services.claims.wire import paging
from services.kit import auth
from services.kit.dates import from_proto
from services.kit.db import Tx
from services.kit.errors import Invalid, unseen
from services.kit.messages import reason
from services.kit.naming import id_named

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_PAGE = 50


class Appeals(appeal_pb2_grpc.AppealServiceServicer):
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.database = desk.database

    async def FileAppeal(self, request: appeal_pb2.FileAppealRequest, context: Context) -> appeal_pb2.Appeal:
        claim, actor = await claim_named(self.database, request.claim, "claim"), auth.current().name

        async def file(tx: Tx) -> appeal_pb2.Appeal:
            await store.lock_persons(tx, erasing.named(claim))
            await erasing.may_note(tx, claim, request.note, "note")
            made = await appealing.file(
                self.desk.office,
                tx,
                actor,
                claim.id,
                tuple(request.lines),
                wire.APPELLANTS[request.appellant],
                wire.GROUNDS[request.ground],
                wire.LATE.get(request.late_because),
                _day(request.notify_date) if request.HasField("notify_date") else None,
                request.note,
            )
            return await _answer(tx, made)

        return await once(self.desk, request, file, appeal_pb2.Appeal)

    async def WithdrawAppeal(self, request: appeal_pb2.WithdrawAppealRequest, context: Context) -> appeal_pb2.Appeal:
        listed, actor = await self._found(request.name), auth.current().name

        async def withdraw(tx: Tx) -> appeal_pb2.Appeal:
            made = await appealing.withdraw(self.desk.office, tx, actor, listed.appeal, request.etag)
            return await _answer(tx, made)

        return await once(self.desk, request, withdraw, appeal_pb2.Appeal)

    async def GetAppeal(self, request: appeal_pb2.GetAppealRequest, context: Context) -> appeal_pb2.Appeal:
        listed = await self._found(request.name)
        await shown(self.database, "GetAppeal", [listed.appeal.claim_id])
        return wire.to_message(listed)

    async def ListAppeals(
        self, request: appeal_pb2.ListAppealsRequest, context: Context
    ) -> appeal_pb2.ListAppealsResponse:
        limit, before, asking = (
            request.page_size or _PAGE,
            paging.read_page_token(request.page_token, request),
            auth.current(),
        )
        of_claim = id_named(request.claim, "claims", "claim") if request.claim else None
        wanted = appeals.Wanted(
            wire.STATES.get(request.state), request.county, of_claim, asking.sources, asking.counties
        )
        found = await appeals.list_appeals(self.database, wanted, before, limit + 1)
        await shown(self.database, "ListAppeals", [one.appeal.claim_id for one in found[:limit]])
        return appeal_pb2.ListAppealsResponse(
            appeals=[wire.to_message(one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].appeal.id, request) if len(found) > limit else "",
        )

    async def _found(self, name: str) -> ListedAppeal:
        listed = await appeals.by_id(self.database, id_named(name, "appeals"))
        if listed is None or not auth.current().sees(source=listed.source, county=listed.county):
            raise unseen(reason("NOT_FOUND", "name", name=name), is_there=listed is not None)
        return listed


async def _answer(tx: Tx, appeal: Appeal) -> appeal_pb2.Appeal:
    listed = await appeals.by_id(tx, appeal.id)
    if listed is None:
        raise ValueError("an appeal is gone that was just written")
    return wire.to_message(listed)


def _day(given: Date) -> date:
    try:
        return from_proto(given)
    except ValueError:
        raise Invalid(reason("DATE_INVALID", "notify_date")) from None
