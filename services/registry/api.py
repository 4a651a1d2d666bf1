"""gRPC of the registry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc
from cradle.registry.v1 import service_pb2, service_pb2_grpc

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.registry import usecases
from services.registry.usecases import Asker, Office
from services.registry.wire import asking, records

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
PURPOSE_CHARACTERS_MAX = 200


class Registry(service_pb2_grpc.RegistryServiceServicer):
    def __init__(self, office: Office) -> None:
        self.office = office

    async def BatchGetCoverage(
        self, request: service_pb2.BatchGetCoverageRequest, context: Context
    ) -> service_pb2.BatchGetCoverageResponse:
        known_at = self._instant(request)
        persons, providers = asking.questions(request), asking.institutions(request)
        found = await usecases.get_coverage(self.office, persons, known_at, asker(context))
        response = asking.answers(found, await usecases.get_institutions(self.office, providers, known_at))
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
        if problems := records.problems(request, self.office.clock.today()):
            raise Invalid(*problems)
        employers = [records.employer(record) for record in request.employers]
        persons = [records.person(record) for record in request.persons]
        providers = [records.provider(record) for record in request.providers]
        await usecases.record(self.office, employers, persons, providers)
        return service_pb2.BatchRecordCoverageResponse(
            employers=len(employers), persons=len(persons), providers=len(providers)
        )


def asker(context: Context) -> Asker:
    """Who calls, and what for: the purpose is in the call's metadata. Who it is, authentication will say here."""
    metadata = dict(context.invocation_metadata() or ())
    return Asker(principal="", purpose=str(metadata.get("cradle-purpose", ""))[:PURPOSE_CHARACTERS_MAX])
