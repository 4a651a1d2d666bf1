"""gRPC of claims: handing them in, and questions about them and their determinations."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

import grpc
from cradle.claims.v1 import claim_pb2, service_pb2, service_pb2_grpc, submitting_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.claims import rules, store
from services.claims.api.named import claim_named, source_seen
from services.claims.model import Claim, ClaimKind
from services.claims.store import appeals
from services.claims.usecases import erasing, streaming, submitting
from services.claims.usecases.overdue import terms_over
from services.claims.usecases.reading import shown
from services.claims.usecases.streaming import Requests
from services.claims.usecases.submitting import CALL, Entry, FrontDesk
from services.claims.wire import facts as reading
from services.claims.wire import notice, out, paging, plain
from services.claims.wire.appeal import to_message, told
from services.kit import auth, given
from services.kit.dates import to_proto
from services.kit.db import Database
from services.kit.errors import Forbidden, Invalid, NotFound
from services.kit.law import Law, NotInForce, Unset
from services.kit.messages import Language, reason
from services.kit.reasons import reason_message
from services.kit.watching import Watching

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_PAGE = 50
_TO_ANSWER_S = 0.5


class Claims(service_pb2_grpc.ClaimsServiceServicer):
    def __init__(self, database: Database, law: Law, desk: FrontDesk, watching: Watching[Claim]) -> None:
        self.database = database
        self.law = law
        self.desk = desk
        self.watching = watching

    async def SubmitClaim(
        self, request: submitting_pb2.SubmitClaimRequest, context: Context
    ) -> submitting_pb2.SubmitClaimResponse:
        source, entry = self._source(request.parent), Entry(CALL, request.intake, request.member_key)
        if request.validate_only:
            if problems := submitting.refusals(self.desk, source, entry, only_read=True):
                raise Invalid(*problems)
            return submitting_pb2.SubmitClaimResponse()
        request_id, wait_s = UUID(request.request_id), request.receipt_wait.seconds + request.receipt_wait.nanos / 1e9
        if not wait_s:
            return self._submitted(source, await submitting.submit(self.desk, source, request_id, entry))
        async with self.desk.receipts.following():
            taken = await submitting.submit(self.desk, source, request_id, entry)
            answer = self._submitted(source, taken)
            # The answer must be out before the caller's deadline, or it would not know that it was taken.
            left_s = min(wait_s, (context.time_remaining() or wait_s) - _TO_ANSWER_S)
            if receipt := await submitting.receipt(self.desk, source, taken, left_s):
                answer.receipt.CopyFrom(receipt)
            return answer

    async def StreamClaims(
        self, request_iterator: Requests, context: Context
    ) -> AsyncGenerator[submitting_pb2.StreamClaimsResponse, None]:
        first = await streaming.opening(request_iterator)
        source = self._source(first.parent, "open.parent")
        opened = submitting_pb2.ClaimStreamOpened(unanswered_max=self.desk.settings.stream_unanswered_max)
        yield submitting_pb2.StreamClaimsResponse(opened=opened)
        async with aclosing(streaming.converse(self.desk, source, first, request_iterator)) as answers:
            async for answer in answers:
                yield submitting_pb2.StreamClaimsResponse(answer=answer)

    async def WatchClaim(
        self, request: submitting_pb2.WatchClaimRequest, context: Context
    ) -> AsyncGenerator[submitting_pb2.WatchClaimResponse, None]:
        claim = await claim_named(self.database, request.name, "name")
        await self._shown("WatchClaim", claim)
        async with aclosing(self.watching.changes(claim.id, request.after_version)) as changes:
            async for changed in changes:
                if not auth.current().sees(source=changed.source, county=changed.county):
                    return  # corrected into another county, it is no longer this one's to see
                yield submitting_pb2.WatchClaimResponse(version=changed.version, claim=await self._whole(changed))

    async def GetClaim(self, request: service_pb2.GetClaimRequest, context: Context) -> claim_pb2.Claim:
        claim = await claim_named(self.database, request.name, "name")
        await self._shown("GetClaim", claim)
        return await self._whole(claim)

    async def _shown(self, method: str, *claims: Claim) -> None:
        await shown(self.database, method, [claim.id for claim in claims])

    async def _whole(self, claim: Claim) -> claim_pb2.Claim:
        """The claim with the determination of its latest revision, if it has one, and what was ordered for it."""
        answer = out.claim_to_proto(claim)
        orders = await store.load_orders(self.database, [claim.id])
        answer.orders.extend(out.orders_to_proto(orders.get(claim.id, {})))
        answer.appeals.extend(to_message(one) for one in await appeals.of_claim(self.database, claim.id))
        codes, until = await store.waits_of(self.database, claim.id)
        answer.waits_for.extend([reason_message(reason(code)) for code in codes])
        if until is not None:
            answer.waits_until.CopyFrom(to_proto(until))
        if at := await store.erasing.erased_at(self.database, erasing.named(claim)):
            answer.person_erase_time.FromDatetime(at)
        recorded = await store.recorded(self.database, claim.id, claim.revision)
        if recorded is not None:
            answer.determination.CopyFrom(
                out.determination_to_proto(
                    recorded.determination(), recorded.decision_date, recorded.law_digest, claim, recorded.revision
                )
            )
        return answer

    async def ListClaims(
        self, request: service_pb2.ListClaimsRequest, context: Context
    ) -> service_pb2.ListClaimsResponse:
        limit, asking = request.page_size or _PAGE, auth.current()
        source_seen(request.source, self.desk.settings.sources)
        claims = await store.list_claims(
            self.database,
            _wanted(request, terms_over(self.law, self.desk.clock.today()) if request.overdue else None),
            before=paging.read_page_token(request.page_token, request),
            limit=limit + 1,
            sources=asking.sources,
            counties=asking.counties,
        )
        await self._shown("ListClaims", *claims[:limit])
        more = len(claims) > limit
        return service_pb2.ListClaimsResponse(
            claims=[out.claim_to_proto(claim) for claim in claims[:limit]],
            next_page_token=paging.page_token(claims[limit - 1].id, request) if more else "",
        )

    async def ExplainDetermination(
        self, request: service_pb2.ExplainDeterminationRequest, context: Context
    ) -> service_pb2.ExplainDeterminationResponse:
        claim = await claim_named(self.database, request.name, "name")
        recorded = await store.recorded(self.database, claim.id, request.revision or claim.revision)
        if recorded is None:
            raise NotFound(reason("NOT_DETERMINED", "name"))
        await self._shown("ExplainDetermination", claim)
        language = _language(request.language)
        law = await store.law_by_digest(self.database, recorded.law_digest)
        determination = recorded.determination()
        known = await appeals.of_claim(self.database, claim.id)
        appealed = [one for one in known if one.appeal.revision == recorded.revision]
        shown = out.claim_to_proto(claim)
        shown.appeals.extend(to_message(one) for one in appealed)
        return service_pb2.ExplainDeterminationResponse(
            claim=shown,
            text=notice.notice(
                notice.Subject(claim.number, claim.source, recorded.revision, notice.since(claim, recorded.revision)),
                determination,
                recorded.facts_again(),
                law,
                recorded.rules_revision,
                language,
                [told(one.appeal) for one in appealed],
            ),
            steps=[notice.trace_step(step, law, language) for step in determination.steps()],
        )

    async def Decide(self, request: service_pb2.DecideRequest, context: Context) -> service_pb2.DecideResponse:
        facts = reading.read(plain.plain(request.facts), "facts")
        try:
            determination = rules.decide(facts, self.law)
        except rules.FactMissing as error:
            raise Invalid(given.missing(error.path, "facts")) from error
        except Unset as error:
            raise Invalid(reason("DECIDE_PARAMETER_UNSET", name=error.name)) from error
        except NotInForce as error:
            raise Invalid(reason("DECIDE_PARAMETER_NOT_IN_FORCE", name=error.name)) from error
        language = _language(request.language)
        return service_pb2.DecideResponse(
            determination=out.determination_to_proto(determination, facts.decision_date, self.law.digest),
            text=notice.notice(None, determination, facts, self.law, rules.REVISION, language),
            steps=[notice.trace_step(step, self.law, language) for step in determination.steps()],
        )

    @staticmethod
    def _submitted(source: str, taken: submitting.Taken) -> submitting_pb2.SubmitClaimResponse:
        place = submitting.position(source, taken.place) if taken.place else None
        return submitting_pb2.SubmitClaimResponse(position=place, repeated_request=taken.repeated)

    def _source(self, parent: str, field: str = "parent") -> str:
        """The source a caller names, which must be the caller's own; whether another one exists is not told."""
        source, asking = parent.removeprefix("sources/"), auth.current()
        if asking.sources is not None and source not in asking.sources:
            raise Forbidden(reason("AUTH_SOURCE_NOT_YOURS", field))
        if source not in self.desk.settings.sources:
            raise Invalid(reason("SOURCE_UNKNOWN", field, known=", ".join(self.desk.settings.sources)))
        return source


def _language(wanted: service_pb2.Language.ValueType) -> Language:
    return Language.EN if wanted == service_pb2.LANGUAGE_EN else Language.ZH


def _wanted(request: service_pb2.ListClaimsRequest, overdue: Mapping[ClaimKind, datetime] | None) -> store.Wanted:
    return store.Wanted(
        request.source,
        request.county,
        out.state_from_proto(request.state) if request.state else None,
        out.payment_from_proto(request.payment) if request.payment else None,
        UUID(request.person) if request.person else None,
        _instant(request.updated_from, "updated_from") if request.HasField("updated_from") else None,
        _instant(request.updated_before, "updated_before") if request.HasField("updated_before") else None,
        overdue,
    )


def _instant(given: Timestamp, field: str) -> datetime:
    try:
        return given.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid(reason("DATE_INVALID", field)) from None
