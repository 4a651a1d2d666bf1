"""The gRPC services every service has: what is parked and putting it back on its way; what was read, and refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from cradle.ops.v1 import audit_pb2, audit_pb2_grpc, parked_pb2, parked_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit import audit, paging, parking
from services.kit.audit import Kept, RefusedCalls, Wanted
from services.kit.db import Database
from services.kit.errors import Invalid, NotFound
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

    async def GetBacklog(self, request: parked_pb2.GetBacklogRequest, context: Context) -> parked_pb2.Backlog:
        (unsent,) = await self.database.fetch(_UNSENT)
        return parked_pb2.Backlog(
            consumers=[row["consumer"] for row in await self.database.fetch(_CONSUMERS)],
            unsent_events=unsent["events"],
            oldest_unsent_s=unsent["oldest_s"],
            parked=await parking.count(self.database),
        )


_CONSUMERS = "SELECT DISTINCT consumer FROM consumed ORDER BY consumer"
# The first by id is as old as any, but for what was given its id in a transaction that took longer.
_UNSENT = """SELECT count(*) AS events, COALESCE(GREATEST(0, EXTRACT(epoch FROM clock_timestamp() - (
    SELECT occurred_at FROM outbox ORDER BY id LIMIT 1))), 0)::bigint AS oldest_s FROM outbox"""


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


class AuditRecords(audit_pb2_grpc.AuditServiceServicer):
    """What was read of persons, and what was refused."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def ListReads(self, request: audit_pb2.ListReadsRequest, context: Context) -> audit_pb2.ListReadsResponse:
        limit, before = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        wanted = replace(_wanted(request), subject=_id(request.subject), record=_id(request.record))
        found = await audit.reads(self.database, wanted, before, limit + 1)
        return audit_pb2.ListReadsResponse(
            reads=[_read(one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].id, request) if len(found) > limit else "",
        )

    async def ListRefusedCalls(
        self, request: audit_pb2.ListRefusedCallsRequest, context: Context
    ) -> audit_pb2.ListRefusedCallsResponse:
        limit, before = request.page_size or _PAGE, paging.read_page_token(request.page_token, request)
        found = await audit.refused_calls(self.database, _wanted(request), before, limit + 1)
        return audit_pb2.ListRefusedCallsResponse(
            calls=[_refused(one) for one in found[:limit]],
            next_page_token=paging.page_token(found[limit - 1].id, request) if len(found) > limit else "",
        )


def _wanted(request: audit_pb2.ListReadsRequest | audit_pb2.ListRefusedCallsRequest) -> Wanted:
    since, until = _instant(request, "from"), _instant(request, "before")
    return Wanted(request.principal, request.method, since, until)


def _instant(request: Any, name: str) -> datetime | None:
    if not request.HasField(name):
        return None
    try:
        given: Timestamp = getattr(request, name)
        return given.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid(reason("DATE_INVALID", name)) from None


def _id(text: str) -> UUID | None:
    return UUID(text) if text else None


def _read(one: Kept) -> audit_pb2.AuditedRead:
    read = one.read
    message = audit_pb2.AuditedRead(
        id=one.id,
        principal=read.principal,
        method=read.method,
        purpose=read.purpose,
        subjects=[str(subject) for subject in read.subjects],
        records=[str(record) for record in read.records],
    )
    message.time.FromDatetime(read.at)
    return message


def _refused(one: RefusedCalls) -> audit_pb2.RefusedCalls:
    message = audit_pb2.RefusedCalls(id=one.id, **one.kind._asdict(), calls=one.happened.calls)
    message.first_time.FromDatetime(one.happened.first_at)
    message.last_time.FromDatetime(one.happened.last_at)
    return message
