"""gRPC of claims: questions about claims and their determinations."""

from __future__ import annotations

from typing import Any, TypeAlias
from uuid import UUID

import grpc
from cradle.claims.v1 import claim_pb2, service_pb2, service_pb2_grpc

from services.claims import rules, store
from services.claims.model import Claim
from services.claims.wire import facts as reading
from services.claims.wire import notice, out, plain
from services.kit import auth
from services.kit.db import Database
from services.kit.errors import Invalid, NotFound
from services.kit.law import Law, NotInForce, Unset
from services.kit.messages import Language, reason

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_PAGE = 50


class Claims(service_pb2_grpc.ClaimsServiceServicer):
    def __init__(self, database: Database, law: Law) -> None:
        self.database = database
        self.law = law

    async def GetClaim(self, request: service_pb2.GetClaimRequest, context: Context) -> claim_pb2.Claim:
        claim = await self._find(request.name)
        answer = out.claim_to_proto(claim)
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
        claims = await store.list_claims(
            self.database,
            before=_page_token(request.page_token),
            limit=limit + 1,
            source=request.source,
            county=request.county,
            state=out.state_from_proto(request.state) if request.state else None,
            sources=asking.sources,
            counties=asking.counties,
        )
        more = len(claims) > limit
        return service_pb2.ListClaimsResponse(
            claims=[out.claim_to_proto(claim) for claim in claims[:limit]],
            next_page_token=str(claims[limit - 1].id) if more else "",
        )

    async def ExplainDetermination(
        self, request: service_pb2.ExplainDeterminationRequest, context: Context
    ) -> service_pb2.ExplainDeterminationResponse:
        claim = await self._find(request.name)
        recorded = await store.recorded(self.database, claim.id, request.revision or claim.revision)
        if recorded is None:
            raise NotFound(reason("NOT_DETERMINED", "name"))
        language = _language(request.language)
        law = await store.law_by_digest(self.database, recorded.law_digest)
        determination = recorded.determination()
        return service_pb2.ExplainDeterminationResponse(
            claim=out.claim_to_proto(claim),
            text=notice.notice(
                notice.Subject(claim.number, claim.source, recorded.revision),
                determination,
                recorded.facts_again(),
                law,
                recorded.rules_revision,
                language,
            ),
            steps=[notice.trace_step(step, law, language) for step in determination.steps()],
        )

    async def Decide(self, request: service_pb2.DecideRequest, context: Context) -> service_pb2.DecideResponse:
        facts = reading.read(plain.plain(request.facts), "facts")
        try:
            determination = rules.decide(facts, self.law)
        except rules.FactMissing as error:
            raise Invalid(reading.missing(error.path, "facts")) from error
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

    async def _find(self, name: str) -> Claim:
        """A claim by its id, or by its sender's number, if it is in the scope of who asks."""
        match name.split("/"):
            case ["claims", text]:
                try:
                    claim = await store.claim_by_id(self.database, UUID(text))
                except ValueError:
                    raise Invalid(reason("NAME_MALFORMED", "name")) from None
            case ["sources", source, "claims", number]:
                claim = await store.claim_by_number(self.database, source, number)
            case _:
                raise Invalid(reason("NAME_MALFORMED", "name"))
        if claim is None or not auth.current().sees(source=claim.source, county=claim.county):
            raise NotFound(reason("NOT_FOUND", "name", name=name))  # the same words, so that nobody learns of it
        return claim


def _language(wanted: service_pb2.Language.ValueType) -> Language:
    return Language.EN if wanted == service_pb2.LANGUAGE_EN else Language.ZH


def _page_token(token: str) -> UUID | None:
    try:
        return UUID(token) if token else None
    except ValueError:
        raise Invalid(reason("PAGE_TOKEN_INVALID", "page_token")) from None
