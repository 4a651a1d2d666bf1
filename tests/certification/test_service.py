"""An employer's system and clerks on the running system, over gRPC with certificates and tokens."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from cradle.certification.v1 import application_pb2 as pb
from cradle.certification.v1 import applying_pb2, assessing_pb2, service_pb2
from cradle.certification.v1.applying_pb2_grpc import ApplicationServiceStub
from cradle.certification.v1.assessing_pb2_grpc import AssessmentServiceStub
from cradle.certification.v1.service_pb2_grpc import CertificationServiceStub
from google.protobuf.field_mask_pb2 import FieldMask

from deploy.local import authority
from deploy.local.stack import Stack
from services.certification.wire import filed as wire
from services.kit import rpc
from services.kit.dates import to_proto
from services.kit.tls import Identity
from tests.builders import TODAY, employer_record, id_number, person_record, uscc
from tests.certification.office import GATES
from tests.certification.sheets import SME, best
from tests.claims.harness import record, told

pytestmark = pytest.mark.integration

STATED = [wire.answer_to_proto(one) for one in best("", SME).answers]
FACTS = pb.EmployerFacts(staff=SME.staff, women=SME.women, sector=SME.sector)
BY_HAND = ("gate.arrears.insured", "gate.leave_refused.maternity", "gate.leave_refused.care", "gate.nursing_room")


@dataclass
class Caller:
    """One who asks, and the three services as that one reaches them."""

    applications: Any
    assessments: Any
    schemes: Any

    async def moves(self, method: str, on: pb.Application, **details: Any) -> pb.Application:
        stub = self.assessments if hasattr(self.assessments, method) else self.applications
        call, message = getattr(stub, method), REQUESTS[method]
        made = await call(message(name=on.name, etag=on.etag, request_id=str(uuid.uuid4()), **details), timeout=10)
        found: pb.Application = getattr(made, "application", made)
        return found


REQUESTS: dict[str, Any] = {
    method.name: getattr(module, method.input_type.name)
    for module, name in ((applying_pb2, "ApplicationService"), (assessing_pb2, "AssessmentService"))
    for method in module.DESCRIPTOR.services_by_name[name].methods
}


@asynccontextmanager
async def calling(stack: Stack, who: Identity) -> AsyncIterator[Caller]:
    async with rpc.channel(stack.environment["CRADLE_CERTIFICATION_TARGET"], who) as channel:
        yield Caller(ApplicationServiceStub(channel), AssessmentServiceStub(channel), CertificationServiceStub(channel))


def employer(stack: Stack, code: str) -> Identity:
    return stack.authority.identity(f"employer/uscc-{code.lower()}")


def clerk(stack: Stack, name: str, role: str = "certification-reviewer", county: str = "") -> Identity:
    claims = {"cradle_role": role, **({"cradle_counties": [county]} if county else {})}
    return stack.authority.identity(authority.OPERATOR, token=stack.authority.token(name, claims))


async def known_employer(stack: Stack) -> str:
    """Registered in Baoji, with a woman insured through it for years."""
    code = uscc()
    await record(stack, [employer_record(code)], [person_record(id_number(), code)])
    return code


async def draft(caller: Caller, code: str) -> pb.Application:
    request = applying_pb2.CreateApplicationRequest(
        parent=f"employers/{code}", kind=pb.APPLICATION_KIND_NEW, request_id=str(uuid.uuid4())
    )
    made: pb.Application = await caller.applications.CreateApplication(request, timeout=10)
    again = await caller.applications.CreateApplication(request, timeout=10)
    assert again == made
    return made


async def save(caller: Caller, on: pb.Application, *paths: str, **fields: Any) -> pb.Application:
    given = pb.Application(name=on.name, etag=on.etag, **fields)
    request = applying_pb2.UpdateApplicationRequest(
        application=given, update_mask=FieldMask(paths=paths), request_id=str(uuid.uuid4())
    )
    made: pb.Application = await caller.applications.UpdateApplication(request, timeout=10)
    return made


async def settled(caller: Caller, name: str, state: pb.ApplicationState.ValueType) -> pb.Application:
    """As it stands when it has come to a state, by watching it."""
    request = applying_pb2.WatchApplicationRequest(name=name, after_etag="0")
    async for told_of in caller.applications.WatchApplication(request, timeout=20):
        if told_of.application.state == state:
            found: pb.Application = told_of.application
            return found
    raise AssertionError(name)


def test_from_a_draft_to_the_public_notice_over_grpc(stack: Stack) -> None:
    async def way() -> None:
        code = await known_employer(stack)
        async with (
            calling(stack, employer(stack, code)) as hr,
            calling(stack, clerk(stack, "wang", "certification-assessor", "610304")) as county,
            calling(stack, clerk(stack, "li")) as city,
            calling(stack, clerk(stack, "zhao")) as chief,
        ):
            filed = await draft(hr, code)
            filed = await save(hr, filed, "facts.staff", "facts.women", facts=FACTS)
            filed = await save(hr, filed, "facts.sector", "answers", facts=FACTS, answers=STATED)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await hr.moves("SubmitApplication", filed)
            assert told(refused.value) == (grpc.StatusCode.FAILED_PRECONDITION, [("CONSENT_MISSING", "")])
            filed = await save(hr, filed, "consents", consents=True)
            request = applying_pb2.SubmitApplicationRequest(
                name=filed.name, etag=filed.etag, request_id=str(uuid.uuid4()), validate_only=True
            )
            foreseen = (await hr.applications.SubmitApplication(request, timeout=10)).foreseen
            assert foreseen.outcome == pb.DECISION_OUTCOME_AWARDED
            filed = await hr.moves("SubmitApplication", filed)
            assert filed.scheme == "schemes/1"
            assert filed.waiting.waiting_for == pb.WAITING_FOR_AUTHORITY
            tasks = await county.assessments.ListTasks(assessing_pb2.ListTasksRequest(page_size=1000), timeout=10)
            assert filed.name in [one.application.name for one in tasks.tasks]

            filed = await county.moves("AcceptApplication", filed)
            filed = await looked_up(hr, filed.name, len(GATES) - len(BY_HAND))
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await county.moves("RecordGate", filed, found=gate("gate.arrears.premium"), document="x")
            assert told(refused.value)[1] == [("GATE_IS_LOOKED_UP", "found.criterion")]
            for name in BY_HAND:
                filed = await county.moves("RecordGate", filed, found=gate(name), document="letter 1")
            assert filed.state == pb.APPLICATION_STATE_ASSESSMENT

            filed = await county.moves("HandInSheet", filed, answers=STATED)
            filed = await county.moves("FinishAssessment", filed)
            visit = {"visit_date": to_proto(TODAY), "visitors": ["person/wang", "person/sun"], "findings": "as stated"}
            filed = await county.moves("RecordVisit", filed, **visit)
            filed = await city.moves("HandInSheet", filed, answers=STATED)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await city.moves("ProposeAward", filed)
            assert told(refused.value)[1] == [("DECIDER_IS_ASSESSOR", "name")]
            filed = await chief.moves("ProposeAward", filed)
            assert filed.waiting.waiting_for == pb.WAITING_FOR_NOTICE
            said = await hr.applications.ExplainApplication(
                applying_pb2.ExplainApplicationRequest(name=filed.name), timeout=10
            )
            assert "gate.nursing_room" in said.text_zh

    asyncio.run(way())


def gate(name: str) -> pb.Answer:
    quantities = [pb.Quantity(name=key, figures=[str(value)]) for key, value in GATES[name].items()]
    return pb.Answer(criterion=name, quantities=quantities)


async def looked_up(caller: Caller, name: str, count: int) -> pb.Application:
    request = applying_pb2.WatchApplicationRequest(name=name, after_etag="0")
    async for told_of in caller.applications.WatchApplication(request, timeout=20):
        if len(told_of.application.gates) >= count:
            found: pb.Application = told_of.application
            return found
    raise AssertionError(name)


def test_another_employer_is_nobodys_business(stack: Stack) -> None:
    async def way() -> None:
        code = await known_employer(stack)
        async with calling(stack, employer(stack, code)) as hr, calling(stack, employer(stack, uscc())) as other:
            filed = await draft(hr, code)
            calls = [
                other.applications.GetApplication(applying_pb2.GetApplicationRequest(name=filed.name), timeout=10),
                other.moves("WithdrawApplication", filed),
                draft(other, code),
            ]
            expected = [
                (grpc.StatusCode.NOT_FOUND, [("NOT_FOUND", "name")]),
                (grpc.StatusCode.NOT_FOUND, [("NOT_FOUND", "name")]),
                (grpc.StatusCode.PERMISSION_DENIED, [("AUTH_EMPLOYER_NOT_YOURS", "parent")]),
            ]
            for call, answer in zip(calls, expected, strict=True):
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await call
                assert told(refused.value) == answer
            listed = await other.applications.ListApplications(
                applying_pb2.ListApplicationsRequest(parent=f"employers/{code}"), timeout=10
            )
            assert not listed.applications

    asyncio.run(way())


def test_the_scheme_is_read_page_by_page(stack: Stack) -> None:
    async def way() -> None:
        async with calling(stack, employer(stack, uscc())) as hr:
            scheme = await hr.schemes.GetScheme(service_pb2.GetSchemeRequest(name="schemes/-"), timeout=10)
            request, found = service_pb2.ListCriteriaRequest(parent=scheme.name, page_size=25), []
            while True:
                page = await hr.schemes.ListCriteria(request, timeout=10)
                found += [one.id for one in page.criteria]
                if not page.next_page_token:
                    break
                request.page_token = page.next_page_token
            assert len(found) == len(set(found)) == 61

    asyncio.run(way())
