"""gRPC of what claims knows of employers, for whoever judges them. It sees every source's claims, and tells sums."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from cradle.claims.v1 import employer_pb2, employer_pb2_grpc

from services.claims.store import employers
from services.claims.wire import employer as wire
from services.kit.clock import Clock
from services.kit.db import Database

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class EmployerFacts(employer_pb2_grpc.EmployerFactsServiceServicer):
    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    async def BatchGetEmployerFacts(
        self, request: employer_pb2.BatchGetEmployerFactsRequest, context: Context
    ) -> employer_pb2.BatchGetEmployerFactsResponse:
        asked = wire.asked(request)
        response = wire.answers(asked.employers, await employers.facts_of(self.database, *asked))
        response.read_time.FromDatetime(self.clock.now())
        return response
