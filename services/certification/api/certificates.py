"""gRPC of certificates. Each change is one transaction, once a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from cradle.certification.v1 import certificates_pb2, certificates_pb2_grpc

from services.certification.model import Certificate, Proposed
from services.certification.store import certificates
from services.certification.store.certificates import Wanted
from services.certification.usecases import Desk, holders, holding, looking, publishing
from services.certification.usecases.holding import Asked, asked
from services.certification.wire import on_file as wire
from services.kit import auth
from services.kit.db import Database, Tx
from services.kit.paging import page_token, read_page_token

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Act: TypeAlias = Callable[[Tx, Asked], Awaitable[Certificate]]
_pb = certificates_pb2
_PAGE = 50


class Certificates(certificates_pb2_grpc.CertificateServiceServicer):
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    # --- looking -----------------------------------------------------------------------------------------------------

    async def BatchGetCertificateStatus(
        self, request: _pb.BatchGetCertificateStatusRequest, context: Context
    ) -> _pb.BatchGetCertificateStatusResponse:
        rows = await looking.status(self.desk, request.employers, wire.day(request.as_of, "as_of"))
        return wire.statuses(len(request.employers), rows)

    async def GetCertificate(self, request: _pb.GetCertificateRequest, context: Context) -> _pb.CertificateOnFile:
        one = await holding.found(self.desk.database, holding.number_of(request.name))
        as_of = wire.day(request.as_of, "as_of") if request.HasField("as_of") else None
        return wire.on_file(*await holding.whole(self.desk, self.desk.database, one, as_of))

    async def ListCertificates(
        self, request: _pb.ListCertificatesRequest, context: Context
    ) -> _pb.ListCertificatesResponse:
        limit, who = request.page_size or _PAGE, auth.current()
        uscc = request.parent.removeprefix("employers/")
        wanted = Wanted("" if uscc == "-" else uscc, wire.state(request.state), who.employers, who.counties)
        before = read_page_token(request.page_token, request)
        found = await certificates.listed(self.desk.database, wanted, before, limit + 1)
        today = self.desk.clock.today()
        return _pb.ListCertificatesResponse(
            certificates=[wire.brief(one, today) for one in found[:limit]],
            next_page_token=page_token(found[limit - 1].serial, request) if len(found) > limit else "",
        )

    async def GetCertificatePaper(
        self, request: _pb.GetCertificatePaperRequest, context: Context
    ) -> _pb.CertificatePaper:
        one = await holding.found(self.desk.database, holding.number_of(request.name))
        return _pb.CertificatePaper(pdf=await publishing.paper(self.desk, one))

    async def GetCredential(self, request: _pb.GetCredentialRequest, context: Context) -> _pb.Credential:
        one = await holding.found(self.desk.database, holding.number_of(request.name))
        signed = await publishing.signed(self.desk, one)
        return _pb.Credential(credential=signed.credential, code=signed.code)

    # --- changing ----------------------------------------------------------------------------------------------------

    async def FileYearlyReport(self, request: _pb.FileYearlyReportRequest, context: Context) -> _pb.CertificateOnFile:
        given = wire.report(request.report)
        return await self._done(request, lambda tx, who: holders.report(self.desk, tx, who, given))

    async def SurrenderCertificate(
        self, request: _pb.SurrenderCertificateRequest, context: Context
    ) -> _pb.CertificateOnFile:
        return await self._done(request, lambda tx, who: holders.surrender(self.desk, tx, who))

    async def CheckYearlyReport(self, request: _pb.CheckYearlyReportRequest, context: Context) -> _pb.CertificateOnFile:
        due_on = wire.day(request.due_date, "due_date")
        return await self._done(
            request,
            lambda tx, who: holders.check(
                self.desk, tx, who, due_on, in_order=request.in_order, said=request.said
            ),
        )  # fmt: skip

    async def SuspendCertificate(
        self, request: _pb.SuspendCertificateRequest, context: Context
    ) -> _pb.CertificateOnFile:
        why = wire.suspension(request.suspension)
        return await self._done(request, lambda tx, who: holders.suspend(self.desk, tx, who, why, request.document))

    async def ReinstateCertificate(
        self, request: _pb.ReinstateCertificateRequest, context: Context
    ) -> _pb.CertificateOnFile:
        why = wire.suspension(request.suspension)
        return await self._done(request, lambda tx, who: holders.reinstate(self.desk, tx, who, why, request.document))

    async def RevokeCertificate(self, request: _pb.RevokeCertificateRequest, context: Context) -> _pb.CertificateOnFile:
        on = wire.day(request.date, "date")
        wanted = Proposed(wire.veto(request.veto), on, request.document, auth.current().name)
        return await self._done(request, lambda tx, who: holders.revoke(self.desk, tx, who, wanted))

    async def _done(self, request: Any, act: Act) -> _pb.CertificateOnFile:
        who = asked(request)

        async def done(tx: Tx) -> _pb.CertificateOnFile:
            return await self._answer(tx, await act(tx, who))

        return await self.desk.asking.once(request, done, _pb.CertificateOnFile)

    async def _answer(self, source: Database | Tx, one: Certificate) -> _pb.CertificateOnFile:
        return wire.on_file(*await holding.whole(self.desk, source, one))
