"""gRPC of the authority's side. Each move is one transaction, once a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import grpc
from cradle.certification.v1 import application_pb2, assessing_pb2, assessing_pb2_grpc

from services.certification.model import Filed, Objected, Place, Visit
from services.certification.store import applications
from services.certification.store.applications import Wanted
from services.certification.usecases import Desk, assessing, deciding, reading
from services.certification.usecases.assessing import Elsewhere, Shown
from services.certification.usecases.desk import Found
from services.certification.usecases.moving import Asked, asked
from services.certification.wire import filed as wire
from services.certification.wire.paging import read_task_token, task_token
from services.kit import auth
from services.kit.dates import from_proto
from services.kit.db import Tx
from services.kit.errors import Invalid
from services.kit.messages import reason
from services.kit.naming import id_named

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Act: TypeAlias = Callable[[Tx, Asked], Awaitable[Filed]]
_pb = assessing_pb2
_PAGE = 50


class Assessments(assessing_pb2_grpc.AssessmentServiceServicer):
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def ListTasks(self, request: _pb.ListTasksRequest, context: Context) -> _pb.ListTasksResponse:
        limit, after = request.page_size or _PAGE, read_task_token(request.page_token, request)
        wanted = Wanted(state=wire.state(request.state), counties=auth.current().counties)
        found = await applications.tasks(self.desk.database, wanted, request.county, after, limit + 1)
        today = reading.today(self.desk)
        return _pb.ListTasksResponse(
            tasks=[
                _pb.Task(
                    application=wire.brief(one, today),
                    risk=one.risk,
                    overdue=one.application.due_on is not None and one.application.due_on < today.day,
                )
                for one in found[:limit]
            ],
            next_page_token=task_token(Place.of(found[limit - 1]), request) if len(found) > limit else "",
        )

    async def AcceptApplication(
        self, request: _pb.AcceptApplicationRequest, context: Context
    ) -> application_pb2.Application:
        return await self._moved(request, lambda tx, who: assessing.accept(self.desk, tx, who))

    async def ReturnApplication(
        self, request: _pb.ReturnApplicationRequest, context: Context
    ) -> application_pb2.Application:
        missing = [(one.criterion, one.said) for one in request.missing]
        return await self._moved(request, lambda tx, who: assessing.send_back(self.desk, tx, who, missing))

    async def RecordGate(self, request: _pb.RecordGateRequest, context: Context) -> application_pb2.Application:
        filed = await reading.found(self.desk, request.name)
        leaves = await self.desk.register.leaves(filed, self.desk.clock.today())
        known = Elsewhere(await self._known(request.name), leaves)

        async def act(tx: Tx, who: Asked) -> Filed:
            (found,) = wire.answers([request.found], await self._scheme(request.name))
            return await assessing.record_gate(self.desk, tx, who, Shown(found, request.document), known)

        return await self._moved(request, act)

    async def RequestInformation(
        self, request: _pb.RequestInformationRequest, context: Context
    ) -> application_pb2.Application:
        return await self._moved(
            request, lambda tx, who: assessing.ask(self.desk, tx, who, request.question, request.criteria)
        )

    async def HandInSheet(self, request: _pb.HandInSheetRequest, context: Context) -> application_pb2.Application:
        async def act(tx: Tx, who: Asked) -> Filed:
            answers = wire.answers(request.answers, await self._scheme(request.name))
            return await assessing.score(self.desk, tx, who, answers)

        return await self._moved(request, act)

    async def FinishAssessment(
        self, request: _pb.FinishAssessmentRequest, context: Context
    ) -> application_pb2.Application:
        return await self._moved(request, lambda tx, who: assessing.finish(self.desk, tx, who))

    async def RecordVisit(self, request: _pb.RecordVisitRequest, context: Context) -> application_pb2.Application:
        try:
            visit = Visit(from_proto(request.visit_date), tuple(request.visitors), request.findings)
        except ValueError:
            raise Invalid(reason("DATE_INVALID", "visit_date")) from None
        return await self._moved(request, lambda tx, who: assessing.visit(self.desk, tx, who, visit))

    async def ProposeAward(self, request: _pb.ProposeAwardRequest, context: Context) -> application_pb2.Application:
        accepted, known = wire.dimensions(request.accepted), await self._known(request.name)
        return await self._moved(request, lambda tx, who: deciding.propose(self.desk, tx, who, accepted, known))

    async def FileObjection(self, request: _pb.FileObjectionRequest, context: Context) -> application_pb2.Application:
        return await self._moved(request, lambda tx, who: deciding.object_to(self.desk, tx, who, request.lead))

    async def SettleObjection(
        self, request: _pb.SettleObjectionRequest, context: Context
    ) -> application_pb2.Application:
        settled = Objected(
            id_named(request.objection, "objections", "objection"),
            self.desk.clock.today(),
            "",
            request.upheld,
            request.reason,
        )
        return await self._moved(request, lambda tx, who: deciding.settle(self.desk, tx, who, settled))

    async def DeclineApplication(
        self, request: _pb.DeclineApplicationRequest, context: Context
    ) -> application_pb2.Application:
        accepted, known = wire.dimensions(request.accepted), await self._known(request.name)
        return await self._moved(request, lambda tx, who: deciding.decline(self.desk, tx, who, accepted, known))

    async def AwardApplication(
        self, request: _pb.AwardApplicationRequest, context: Context
    ) -> application_pb2.Application:
        known = await self._known(request.name)
        return await self._moved(request, lambda tx, who: deciding.award(self.desk, tx, who, known))

    async def DecideReview(self, request: _pb.DecideReviewRequest, context: Context) -> application_pb2.Application:
        known = await self._known(request.name)
        return await self._moved(
            request,
            lambda tx, who: deciding.decide_review(
                self.desk, tx, who, known, uphold=request.uphold, why=request.reason
            ),
        )

    async def _known(self, name: str) -> Sequence[Found]:
        """What services of ours say of its gates now; asked before anything is locked."""
        filed = await reading.found(self.desk, name)
        return (await self.desk.register.gates([filed], self.desk.clock.today())).get(filed.id, ())

    async def _scheme(self, name: str) -> Any:
        return self.desk.scheme_of(await reading.found(self.desk, name))

    async def _moved(self, request: Any, act: Act) -> application_pb2.Application:
        who = asked(request)

        async def moved(tx: Tx) -> application_pb2.Application:
            whole = await reading.whole(self.desk, tx, await act(tx, who))
            return wire.whole(whole, reading.today(self.desk))

        return await self.desk.asking.once(request, moved, application_pb2.Application)
