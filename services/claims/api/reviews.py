"""gRPC of reviews: the queue, one review, and every move a person makes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import grpc
from cradle.claims.v1 import claim_pb2, review_pb2, review_pb2_grpc, service_pb2
from google.protobuf.message import Message

from services.claims import store
from services.claims.model.review import LAW_CHANGED, Entry, note_context
from services.claims.store import reviews
from services.claims.store.appeals import of_claim
from services.claims.store.redetermining import last_of_claim
from services.claims.usecases import Desk, answering, erasing, queueing, reviewing
from services.claims.usecases.reading import shown
from services.claims.usecases.reviewing import Case
from services.claims.wire import notice, out
from services.claims.wire import review as wire
from services.claims.wire.appeal import to_message
from services.claims.wire.redetermination import item_to_proto
from services.kit import auth
from services.kit.dates import from_proto
from services.kit.errors import Conflict, Invalid
from services.kit.filters import code_of
from services.kit.messages import Language, reason
from services.kit.naming import id_named

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
AnswerT = TypeVar("AnswerT", bound=Message)
_PAGE = 50
_RISKS = range(101)
_LOOKS = 3


class Reviews(review_pb2_grpc.ReviewServiceServicer):
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    # --- looking -----------------------------------------------------------------------------------------------------

    async def ListReviews(
        self, request: review_pb2.ListReviewsRequest, context: Context
    ) -> review_pb2.ListReviewsResponse:
        limit = request.page_size or _PAGE
        found = await reviews.list_reviews(self.desk.database, _wanted(request), _place(request.page_token), limit + 1)
        await shown(self.desk.database, "ListReviews", [one.review.claim_id for one in found[:limit]])
        token = _token(reviews.place(found[limit - 1].review)) if len(found) > limit else ""
        answers = [wire.review_to_proto(one.review, one.source, one.number, one.county) for one in found[:limit]]
        return review_pb2.ListReviewsResponse(reviews=answers, next_page_token=token)

    async def GetReview(self, request: review_pb2.GetReviewRequest, context: Context) -> review_pb2.Review:
        listed = await reviewing.found(self.desk.database, id_named(request.name, "reviews"))
        await shown(self.desk.database, "GetReview", [listed.review.claim_id])
        answer = wire.review_to_proto(listed.review, listed.source, listed.number, listed.county)
        await self._add_determination(answer, listed.review.claim_id, request.language)
        if listed.review.reason == LAW_CHANGED and (
            item := await last_of_claim(self.desk.database, listed.review.claim_id)
        ):
            answer.redetermined.CopyFrom(item_to_proto(item))
        history = await reviews.history(self.desk.database, listed.review.id)
        answer.history.extend(wire.entries_to_proto((entry, self._note(listed.review.id, entry)) for entry in history))
        return answer

    async def _add_determination(
        self, answer: review_pb2.Review, claim_id: UUID, wanted: service_pb2.Language.ValueType
    ) -> None:
        claim = await store.claim_by_id(self.desk.database, claim_id)
        if claim is None:
            return
        answer.claim_on_file.CopyFrom(out.claim_to_proto(claim))
        orders = await store.load_orders(self.desk.database, [claim.id])
        answer.claim_on_file.orders.extend(out.orders_to_proto(orders.get(claim.id, {})))
        answer.claim_on_file.appeals.extend(to_message(one) for one in await of_claim(self.desk.database, claim.id))
        if at := await store.erasing.erased_at(self.desk.database, erasing.named(claim)):
            answer.claim_on_file.person_erase_time.FromDatetime(at)
        recorded = await store.recorded(self.desk.database, claim.id, claim.revision)
        if recorded is None:
            answer.facts_json = await reviews.waiting_facts(self.desk.database, claim_id)
            return
        law = await store.law_by_digest(self.desk.database, recorded.law_digest)
        language = Language.EN if wanted == service_pb2.LANGUAGE_EN else Language.ZH
        determination = recorded.determination()
        answer.claim_on_file.determination.CopyFrom(
            out.determination_to_proto(
                determination, recorded.decision_date, recorded.law_digest, claim, recorded.revision
            )
        )
        answer.facts_json = recorded.facts
        answer.steps.extend(notice.trace_step(step, law, language) for step in determination.steps())

    def _note(self, review_id: UUID, entry: Entry) -> str:
        if entry.note_sealed is None:
            return ""
        context = note_context(review_id, entry.number)
        return self.desk.office.sealer.open(entry.note_sealed, context).decode()

    # --- moving ------------------------------------------------------------------------------------------------------

    async def TakeReview(self, request: review_pb2.TakeReviewRequest, context: Context) -> review_pb2.Review:
        return await self._once(request, context, reviewing.take, review_pb2.Review)

    async def LeaveReview(self, request: review_pb2.LeaveReviewRequest, context: Context) -> review_pb2.Review:
        return await self._once(request, context, reviewing.leave, review_pb2.Review)

    async def PendClaim(self, request: review_pb2.PendClaimRequest, context: Context) -> review_pb2.Review:
        act = partial(reviewing.pend, why=wire.PEND_REASONS[request.reason])
        return await self._once(request, context, act, review_pb2.Review)

    async def ReleasePend(self, request: review_pb2.ReleasePendRequest, context: Context) -> review_pb2.Review:
        return await self._once(request, context, reviewing.release, review_pb2.Review)

    async def ReturnClaim(self, request: review_pb2.ReturnClaimRequest, context: Context) -> review_pb2.Review:
        act = partial(reviewing.give_back, why=[wire.RETURN_REASONS[one] for one in request.reasons])
        return await self._once(request, context, act, review_pb2.Review)

    async def WithdrawClaim(self, request: review_pb2.WithdrawClaimRequest, context: Context) -> review_pb2.Review:
        return await self._once(request, context, reviewing.withdraw, review_pb2.Review)

    async def AnswerReview(
        self, request: review_pb2.AnswerReviewRequest, context: Context
    ) -> review_pb2.AnswerReviewResponse:
        asked = reviewing.asked(self.desk.office, auth.current().name, request)
        for _ in range(_LOOKS - 1):
            with suppress(Conflict):  # a change of her coverage was heard of since it was looked up: look again
                return await self._answered(asked, request)
        return await self._answered(asked, request)

    async def _answered(
        self, asked: reviewing.Asked, request: review_pb2.AnswerReviewRequest
    ) -> review_pb2.AnswerReviewResponse:
        act = await answering.answer(self.desk, asked, request)
        return await reviewing.once(self.desk, asked, act, review_pb2.AnswerReviewResponse)

    async def SampleReviews(
        self, request: review_pb2.SampleReviewsRequest, context: Context
    ) -> review_pb2.SampleReviewsResponse:
        drawn = await queueing.sample(
            self.desk.database,
            self.desk.office.clock.now(),
            seed=request.seed,
            share_ppm=request.share_ppm,
            since=_day(request),
            county=request.county,
            open_them=not request.validate_only,
        )
        return review_pb2.SampleReviewsResponse(**drawn._asdict())

    async def _once(
        self, request: Any, context: Context, act: Callable[[Case], Awaitable[AnswerT]], kind: type[AnswerT]
    ) -> AnswerT:
        asked = reviewing.asked(self.desk.office, auth.current().name, request)
        return await reviewing.once(self.desk, asked, act, kind)


def _day(request: review_pb2.SampleReviewsRequest) -> date:
    try:
        return from_proto(request.since)
    except ValueError:
        raise Invalid(reason("DATE_INVALID", "since")) from None


def _wanted(request: review_pb2.ListReviewsRequest) -> reviews.Wanted:
    return reviews.Wanted(
        request.county,
        wire.KINDS[request.kind] if request.kind != claim_pb2.CLAIM_KIND_UNSPECIFIED else None,
        code_of(request.reason, "reason"),
        wire.STATES[request.state] if request.state else None,
        {"": None, "-": ""}.get(request.assignee, request.assignee),
        id_named(request.claim, "claims", "claim") if request.claim else None,
        auth.current().sources,
        auth.current().counties,
    )


def _token(place: reviews.Place) -> str:
    return f"{place.due_on}_{place.risk}_{place.id}"


def _place(token: str) -> reviews.Place | None:
    if not token:
        return None
    try:
        due, risk, last = token.split("_")
        if int(risk) not in _RISKS:
            raise ValueError("no risk of a review")
        return reviews.Place(date.fromisoformat(due), int(risk), UUID(last))
    except ValueError:
        raise Invalid(reason("PAGE_TOKEN_INVALID", "page_token")) from None
