"""gRPC of what was handed in and not accepted, and of the control totals of each day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeAlias

import grpc
from cradle.claims.v1 import submission_pb2, submission_pb2_grpc

from services.claims import store
from services.claims.api.named import source_seen
from services.claims.store.submissions import WantedSubmissions
from services.claims.store.totals import WantedTotals
from services.claims.usecases.reading import shown
from services.claims.wire import submission as wire
from services.kit import auth
from services.kit.clock import Clock
from services.kit.db import Database
from services.kit.filters import code_of, span_of

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_PAGE = 50


class Submissions(submission_pb2_grpc.SubmissionServiceServicer):
    def __init__(self, database: Database, clock: Clock, sources: Sequence[str]) -> None:
        self.database = database
        self.clock = clock
        self.sources = sources

    async def ListSubmissions(
        self, request: submission_pb2.ListSubmissionsRequest, context: Context
    ) -> submission_pb2.ListSubmissionsResponse:
        limit, asking = request.page_size or _PAGE, auth.current()
        wanted = WantedSubmissions(
            source_seen(request.source, self.sources),
            request.county,
            wire.STATUSES.get(request.status, ""),
            code_of(request.reason, "reason"),
            span_of(request.receive_date, "receive_date") if request.HasField("receive_date") else None,
            asking.sources,
            asking.counties,
        )
        before = wire.read_page_token(request.page_token, request)
        found = await store.list_submissions(self.database, wanted, before=before, limit=limit + 1)
        await shown(self.database, "ListSubmissions", [one.claim_id for one in found[:limit] if one.claim_id])
        return submission_pb2.ListSubmissionsResponse(
            submissions=[wire.to_message(one) for one in found[:limit]],
            next_page_token=wire.page_token(found[limit - 1].place, request) if len(found) > limit else "",
        )

    async def ListControlTotals(
        self, request: submission_pb2.ListControlTotalsRequest, context: Context
    ) -> submission_pb2.ListControlTotalsResponse:
        limit, yesterday = request.page_size or _PAGE, self.clock.today() - timedelta(days=1)
        source = source_seen(request.source, self.sources)
        wanted = WantedTotals(yesterday, source, wire.STATES.get(request.state, ""), auth.current().sources)
        before = wire.read_day_token(request.page_token, request)
        found = await store.list_totals(self.database, wanted, before=before, limit=limit + 1)
        return submission_pb2.ListControlTotalsResponse(
            days=[wire.day_to_message(one) for one in found[:limit]],
            next_page_token=wire.day_token(found[limit - 1].place, request) if len(found) > limit else "",
        )
