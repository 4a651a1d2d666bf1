"""A certificate on the running system: read, reported on and sanctioned over gRPC; the registry's word reaches it."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
from cradle.certification.v1 import certificate_pb2, certificates_pb2, event_pb2
from cradle.certification.v1.certificates_pb2_grpc import CertificateServiceStub
from cradle.registry.v1 import standing_pb2
from cradle.registry.v1.standing_pb2_grpc import StandingServiceStub
from google.protobuf.json_format import MessageToDict

from deploy.local.stack import Stack
from services.certification.model import Certificate
from services.certification.usecases.issuing import issuing_of
from services.kit import db, rpc
from services.kit.dates import to_proto
from services.kit.tls import Identity
from tests.builders import TODAY, uscc
from tests.certification.holder import Holder, desk_on
from tests.certification.test_service import clerk, employer, known_employer
from tests.claims.harness import told
from tests.kit.live import eventually, read_until

pytestmark = pytest.mark.integration
_pb = certificates_pb2
AWARDED = TODAY.replace(year=TODAY.year - 1) - timedelta(10)
DUE = AWARDED.replace(year=AWARDED.year + 1)


@asynccontextmanager
async def asking(stack: Stack, who: Identity) -> Any:
    async with rpc.channel(stack.environment["CRADLE_CERTIFICATION_TARGET"], who) as channel:
        yield CertificateServiceStub(channel)


def request(method: str, on: Any, **details: Any) -> Any:
    name = on.certificate.name
    return getattr(_pb, f"{method}Request")(name=name, etag=on.etag, request_id=str(uuid.uuid4()), **details)


async def refused(call: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return told(error.value)


async def certified(stack: Stack, code: str) -> Certificate:
    async with rpc.channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        asked = standing_pb2.BatchGetEmployerStandingRequest(
            employers=[standing_pb2.EmployerQuery(uscc=code)], on=to_proto(TODAY), purpose="test"
        )
        answer = await StandingServiceStub(channel).BatchGetEmployerStanding(asked, timeout=10)
    reference = UUID(answer.answers[0].employer)
    async with db.connect(f"{stack.environment['DATABASE_URL']}/cradle_certification") as database:
        key = stack.authority.certificate_key()
        issuing = issuing_of("https://localhost", [key])
        return await Holder(desk_on(stack, database, AWARDED, issuing), reference, code).awarded()


def status_request(names: list[str], day: Any = TODAY) -> _pb.BatchGetCertificateStatusRequest:
    return _pb.BatchGetCertificateStatusRequest(employers=names, as_of=to_proto(day))


def test_a_certificate_is_read_and_reported_on_by_its_holder_and_by_services(stack: Stack) -> None:
    async def way() -> None:
        code = await known_employer(stack)
        reference = str((await certified(stack, code)).employer)
        async with (
            asking(stack, employer(stack, code)) as hr,
            asking(stack, employer(stack, uscc())) as stranger,
            asking(stack, clerk(stack, "li")) as city,
            asking(stack, stack.authority.identity("service/claims")) as claims,
        ):
            listed = await hr.ListCertificates(_pb.ListCertificatesRequest(parent="employers/-"), timeout=10)
            (one,) = listed.certificates
            name = one.certificate.name
            assert one.employer == f"employers/{code}"
            assert await refused(stranger.GetCertificate(_pb.GetCertificateRequest(name=name), timeout=10)) == (
                grpc.StatusCode.NOT_FOUND, [("NOT_FOUND", "name")],
            )  # fmt: skip

            none = _pb.CertificateStatus()
            found = await claims.BatchGetCertificateStatus(status_request([code, reference, uscc()]), timeout=10)
            assert [each.certificate for each in found.statuses] == [name, name, ""]
            before = status_request([code], AWARDED - timedelta(1))
            assert list((await claims.BatchGetCertificateStatus(before, timeout=10)).statuses) == [none]
            for wrong, why in (
                (status_request([code], TODAY + timedelta(1)), ("DATE_IN_FUTURE", "as_of")),
                (status_request(["x"]), ("FIELD_MALFORMED", "employers[0]")),
            ):
                assert (await refused(claims.BatchGetCertificateStatus(wrong, timeout=10)))[1] == [why]

            credential = await hr.GetCredential(_pb.GetCredentialRequest(name=name), timeout=10)
            assert credential.code.startswith("https://localhost/certificates?code=")
            paper = await hr.GetCertificatePaper(_pb.GetCertificatePaperRequest(name=name), timeout=20)
            assert paper.pdf.startswith(b"%PDF")

            report = _pb.YearlyReport(due_date=to_proto(DUE), as_at=to_proto(TODAY), staff=200, women=100)
            filing = request("FileYearlyReport", one, report=report)
            filed = await hr.FileYearlyReport(filing, timeout=10)
            assert await hr.FileYearlyReport(filing, timeout=10) == filed
            assert filed.reports[0].state == _pb.REPORT_STATE_FILED
            stale = request("FileYearlyReport", one, report=report)
            assert (await refused(hr.FileYearlyReport(stale, timeout=10)))[1] == [("CERTIFICATE_CHANGED", "etag")]
            checking = request("CheckYearlyReport", filed, due_date=to_proto(DUE), in_order=True)
            checked = await city.CheckYearlyReport(checking, timeout=10)
            assert checked.reports[0].state == _pb.REPORT_STATE_IN_ORDER

    asyncio.run(way())


def test_a_violation_suspends_its_end_reinstates_two_persons_revoke_and_each_is_told_once(stack: Stack) -> None:
    async def way() -> None:
        code = await known_employer(stack)
        name = f"certificates/{(await certified(stack, code)).number}"
        async with asking(stack, clerk(stack, "li")) as city, asking(stack, clerk(stack, "zhao")) as chief:

            async def standing(state: str) -> Any:
                found = await city.GetCertificate(_pb.GetCertificateRequest(name=name), timeout=10)
                wanted = certificate_pb2.CertificateState.Value(f"CERTIFICATE_STATE_{state}")
                return found if found.certificate.state == wanted else None

            await violation(stack, code)
            await eventually(lambda: standing("SUSPENDED"))
            await violation(stack, code, closed_on=to_proto(TODAY))
            one = await eventually(lambda: standing("ACTIVE"))
            reasons = ["NEW", "SUSPENSION_VIOLATION_OPENED", "REINSTATED"]
            assert [change.reason for change in one.certificate.history] == reasons
            details = {"veto": _pb.VETO_KIND_FALSE_DATA, "date": to_proto(TODAY), "document": "听证笔录1号"}
            one = await city.RevokeCertificate(request("RevokeCertificate", one, **details), timeout=10)
            assert [MessageToDict(each)["veto"] for each in one.proposed] == ["VETO_KIND_FALSE_DATA"]
            again = request("RevokeCertificate", one, **details)
            assert (await refused(city.RevokeCertificate(again, timeout=10)))[1] == [
                ("REVOCATION_SECOND_PERSON", "name")
            ]
            await chief.RevokeCertificate(request("RevokeCertificate", one, **details), timeout=10)
            assert await standing("REVOKED")

        def mine(records: list[Any]) -> list[Any]:
            events = [event_pb2.CertificateEvent.FromString(each.value) for each in records]
            return [event for event in events if event.certificate == name]

        records = await read_until(stack, ["certification.certificate.v1"], lambda found: len(mine(found)) >= 4)
        assert [event.changed.reason for event in mine(records)] == [*reasons, "VETO_FALSE_DATA"]
        versions = [event.version for event in mine(records)]
        assert versions == sorted(set(versions))

    asyncio.run(way())


async def violation(stack: Stack, code: str, **dates: Any) -> None:
    """What the labour bureau tells the registry."""
    record = standing_pb2.ViolationRecord(
        number=f"L-{code[-6:]}",
        employer_uscc=code,
        kind=standing_pb2.VIOLATION_KIND_LABOUR_PROTECTION,
        opened_on=to_proto(TODAY - timedelta(5)),
        **dates,
    )
    async with rpc.channel(
        stack.environment["CRADLE_REGISTRY_TARGET"], stack.authority.identity("office/labour")
    ) as channel:
        request = standing_pb2.BatchRecordViolationsRequest(violations=[record])
        await StandingServiceStub(channel).BatchRecordViolations(request, timeout=10)
