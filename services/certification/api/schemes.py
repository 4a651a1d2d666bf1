"""gRPC of the scheme: its versions, their criteria, and where an employer would stand."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from cradle.certification.v1 import scheme_pb2, service_pb2, service_pb2_grpc

from services.certification import rules
from services.certification.model import Scheme
from services.certification.usecases import Desk
from services.certification.wire import application as applied
from services.certification.wire import scheme as wire
from services.kit.errors import NotFound
from services.kit.messages import reason
from services.kit.paging import last_of, token_of

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_PAGE = 100
_PLACE = 2  # bytes of a place in the list


class Schemes(service_pb2_grpc.CertificationServiceServicer):
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def GetScheme(self, request: service_pb2.GetSchemeRequest, context: Context) -> scheme_pb2.Scheme:
        return wire.scheme(self._named(request.name, "name"))

    async def ListCriteria(
        self, request: service_pb2.ListCriteriaRequest, context: Context
    ) -> service_pb2.ListCriteriaResponse:
        scheme, limit = self._named(request.parent, "parent"), request.page_size or _PAGE
        found = [
            one
            for one in (wire.criterion(each, scheme) for each in scheme.indicators)
            if request.kind in {0, one.kind} and request.dimension in {0, one.dimension}
        ]
        token = last_of(request.page_token, request, _PLACE)
        first = int.from_bytes(token, "big") if token else 0
        after = first + limit
        return service_pb2.ListCriteriaResponse(
            criteria=found[first:after],
            next_page_token=token_of(after.to_bytes(_PLACE, "big"), request) if after < len(found) else "",
        )

    async def ValidateApplication(
        self, request: service_pb2.ValidateApplicationRequest, context: Context
    ) -> service_pb2.ValidateApplicationResponse:
        scheme = self._named(request.scheme, "scheme")
        employer = applied.employer(request.employer, scheme)
        sheet = applied.sheet("", request.answers, scheme)
        foreseen = rules.foreseen(sheet, employer, applied.kind(request.kind), scheme)
        return service_pb2.ValidateApplicationResponse(
            decision=applied.decision(foreseen, scheme), scheme_digest=scheme.digest
        )

    def _named(self, name: str, field: str) -> Scheme:
        version = name.removeprefix("schemes/")
        if version == "-":
            return self.desk.in_force()
        if int(version) not in self.desk.schemes:
            raise NotFound(reason("NOT_FOUND", field, name=name))
        return self.desk.schemes[int(version)]
