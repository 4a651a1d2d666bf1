"""The gRPC service every consuming service has: what is parked, and putting it back on its way."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from cradle.ops.v1 import parked_pb2, parked_pb2_grpc

from services.kit import parking
from services.kit.db import Database
from services.kit.errors import NotFound
from services.kit.messages import reason
from services.kit.parking import Parked

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_PAGE = 50


class ParkedRecords(parked_pb2_grpc.ParkedServiceServicer):
    def __init__(self, database: Database) -> None:
        self.database = database

    async def ListParked(
        self, request: parked_pb2.ListParkedRequest, context: Context
    ) -> parked_pb2.ListParkedResponse:
        limit = request.page_size or _PAGE
        records = await parking.listed(self.database, after=int(request.page_token or 0), limit=limit + 1)
        return parked_pb2.ListParkedResponse(
            records=[_to_proto(record) for record in records[:limit]],
            next_page_token=str(records[limit - 1].id) if len(records) > limit else "",
            total=await parking.count(self.database),
        )

    async def GetParked(self, request: parked_pb2.GetParkedRequest, context: Context) -> parked_pb2.ParkedRecord:
        found = [record for record in await parking.of_key(self.database, request.id) if record.id == request.id]
        if not found:
            raise NotFound(reason("NOT_FOUND", "id", name=request.id))
        return _to_proto(found[0])

    async def ReplayParked(
        self, request: parked_pb2.ReplayParkedRequest, context: Context
    ) -> parked_pb2.ReplayParkedResponse:
        records = await parking.of_key(self.database, request.id)
        if not records:
            raise NotFound(reason("NOT_FOUND", "id", name=request.id))
        if not request.validate_only:
            async with self.database.transaction() as tx:
                await parking.request(tx, [record.id for record in records])
        return parked_pb2.ReplayParkedResponse(records=[_to_proto(record) for record in records])


def _to_proto(record: Parked) -> parked_pb2.ParkedRecord:
    message = parked_pb2.ParkedRecord(
        id=record.id,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key_hex=record.key.hex() if record.key else "",
        state=parked_pb2.ParkedState.Value(f"PARKED_STATE_{record.state}"),
        error=record.error,
        traceback=record.traceback,
        attempts=record.attempts,
        size_bytes=record.size_bytes,
    )
    message.parked_at.FromDatetime(record.parked_at)
    return message
