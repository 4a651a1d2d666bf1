"""gRPC of the employer's side. Each change is one transaction, once a request."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc
import orjson
from cradle.certification.v1 import application_pb2, applying_pb2, applying_pb2_grpc

from services.certification.model import Decision, Filed
from services.certification.store import applications, file
from services.certification.store.applications import Wanted
from services.certification.usecases import Desk, applying, reading
from services.certification.usecases.moving import Asked, asked
from services.certification.wire import application as applied
from services.certification.wire import filed as wire
from services.certification.wire.notice import notice
from services.kit import auth
from services.kit.db import Tx
from services.kit.errors import NotFound
from services.kit.messages import Language, reason
from services.kit.paging import page_token, read_page_token
from services.kit.watching import Watching

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Act: TypeAlias = Callable[[Tx, Asked], Awaitable[Filed]]
_pb = applying_pb2
_PAGE = 50


class Applications(applying_pb2_grpc.ApplicationServiceServicer):
    def __init__(self, desk: Desk, watching: Watching[Filed]) -> None:
        self.desk = desk
        self.watching = watching

    # --- changing ----------------------------------------------------------------------------------------------------

    async def CreateApplication(
        self, request: _pb.CreateApplicationRequest, context: Context
    ) -> application_pb2.Application:
        uscc, kind = request.parent.removeprefix("employers/"), applied.kind(request.kind)

        async def act(tx: Tx) -> application_pb2.Application:
            return await self._answer(tx, await applying.create(self.desk, tx, uscc, kind))

        return await self.desk.asking.once(request, act, application_pb2.Application)

    async def UpdateApplication(
        self, request: _pb.UpdateApplicationRequest, context: Context
    ) -> application_pb2.Application:
        given, paths = request.application, wire.mask(request.update_mask)
        who = asked(given)

        async def act(tx: Tx) -> application_pb2.Application:
            scheme = self.desk.in_force()
            answers = wire.answers(given.answers, scheme) if "answers" in paths else ()
            saved = await applying.save(self.desk, tx, who, lambda filed: wire.saved(filed, given, paths), answers)
            return await self._answer(tx, saved)

        return await self.desk.asking.once(request, act, application_pb2.Application)

    async def SubmitApplication(
        self, request: _pb.SubmitApplicationRequest, context: Context
    ) -> _pb.SubmitApplicationResponse:
        async def act(tx: Tx) -> _pb.SubmitApplicationResponse:
            filed, found = await applying.submit(self.desk, tx, asked(request))
            return _submitted(await self._answer(tx, filed), found)

        return await self.desk.asking.once(request, act, _pb.SubmitApplicationResponse)

    async def WithdrawApplication(
        self, request: _pb.WithdrawApplicationRequest, context: Context
    ) -> application_pb2.Application:
        return await self._moved(request, lambda tx, who: applying.withdraw(self.desk, tx, who))

    async def AnswerInformationRequest(
        self, request: _pb.AnswerInformationRequestRequest, context: Context
    ) -> application_pb2.Application:
        async def act(tx: Tx, who: Asked) -> Filed:
            filed = await reading.found(self.desk, request.name)
            answers = wire.answers(request.answers, self.desk.scheme_of(filed))
            return await applying.answer(self.desk, tx, who, request.answer, answers)

        return await self._moved(request, act)

    async def RequestDecisionReview(
        self, request: _pb.RequestDecisionReviewRequest, context: Context
    ) -> application_pb2.Application:
        return await self._moved(request, lambda tx, who: applying.ask_review(self.desk, tx, who, request.ground))

    # --- looking -----------------------------------------------------------------------------------------------------

    async def GetApplication(self, request: _pb.GetApplicationRequest, context: Context) -> application_pb2.Application:
        return await self._answer(self.desk.database, await reading.found(self.desk, request.name))

    async def ListApplications(
        self, request: _pb.ListApplicationsRequest, context: Context
    ) -> _pb.ListApplicationsResponse:
        limit, who = request.page_size or _PAGE, auth.current()
        uscc = request.parent.removeprefix("employers/")
        wanted = Wanted("" if uscc == "-" else uscc, wire.state(request.state), who.employers, who.counties)
        before = read_page_token(request.page_token, request)
        found = await applications.list_applications(self.desk.database, wanted, before, limit + 1)
        today = reading.today(self.desk)
        return _pb.ListApplicationsResponse(
            applications=[wire.brief(one, today) for one in found[:limit]],
            next_page_token=page_token(found[limit - 1].ordinal, request) if len(found) > limit else "",
        )

    async def WatchApplication(
        self, request: _pb.WatchApplicationRequest, context: Context
    ) -> AsyncGenerator[_pb.WatchApplicationResponse, None]:
        filed = await reading.found(self.desk, request.name)
        after = int(request.after_etag) if request.after_etag else filed.number - 1
        async with aclosing(self.watching.changes(filed.id, after)) as changes:
            async for changed in changes:
                yield _pb.WatchApplicationResponse(application=await self._answer(self.desk.database, changed))

    async def ExplainApplication(
        self, request: _pb.ExplainApplicationRequest, context: Context
    ) -> _pb.ExplainApplicationResponse:
        filed = await reading.found(self.desk, request.name)
        made = await file.last_decision(self.desk.database, filed.id)
        if made is None:
            raise NotFound(reason("APPLICATION_NOT_DECIDED", "name"))
        scheme = await reading.scheme_of_decision(self.desk, made.scheme_digest)
        decision = Decision.from_data(orjson.loads(made.decision))
        return _pb.ExplainApplicationResponse(
            application=await self._answer(self.desk.database, filed),
            text_zh=notice(decision, None, scheme, Language.ZH),
            text_en=notice(decision, None, scheme, Language.EN),
        )

    async def _answer(self, source: Any, filed: Filed) -> application_pb2.Application:
        return wire.whole(await reading.whole(self.desk, source, filed), reading.today(self.desk))

    async def _moved(self, request: Any, act: Act) -> application_pb2.Application:
        who = asked(request)

        async def moved(tx: Tx) -> application_pb2.Application:
            return await self._answer(tx, await act(tx, who))

        return await self.desk.asking.once(request, moved, application_pb2.Application)


def _submitted(message: application_pb2.Application, found: applying.Submission) -> _pb.SubmitApplicationResponse:
    return _pb.SubmitApplicationResponse(application=message, foreseen=applied.decision(found.foreseen, found.scheme))
