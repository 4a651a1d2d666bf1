"""gRPC of the registry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc
from cradle.registry.v1 import service_pb2, service_pb2_grpc

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.registry import usecases, wire
from services.registry.usecases import Office

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class Registry(service_pb2_grpc.RegistryServiceServicer):
    def __init__(self, office: Office) -> None:
        self.office = office

    async def BatchGetCoverage(
        self, request: service_pb2.BatchGetCoverageRequest, context: Context
    ) -> service_pb2.BatchGetCoverageResponse:
        known_at = self._instant(request)
        found = await usecases.get_coverage(self.office, wire.questions(request), known_at)
        response = service_pb2.BatchGetCoverageResponse(answers=[wire.answer(coverage) for coverage in found])
        response.known_at.FromDatetime(known_at)
        return response

    def _instant(self, request: service_pb2.BatchGetCoverageRequest) -> datetime:
        if not request.HasField("known_at"):
            return self.office.clock.now()
        try:
            return request.known_at.ToDatetime(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise Invalid(reason("DATE_INVALID", "known_at")) from None

    async def BatchRecordCoverage(
        self, request: service_pb2.BatchRecordCoverageRequest, context: Context
    ) -> service_pb2.BatchRecordCoverageResponse:
        if problems := wire.problems(request, self.office.clock.today()):
            raise Invalid(*problems)
        employers = [wire.employer(record) for record in request.employers]
        persons = [wire.person(record) for record in request.persons]
        await usecases.record(self.office, employers, persons)
        return service_pb2.BatchRecordCoverageResponse(employers=len(employers), persons=len(persons))
