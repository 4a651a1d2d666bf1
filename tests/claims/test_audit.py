"""Who read which claims: one row a call, and nothing of anybody in it; what was refused over gRPC is on file too."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import grpc
import pytest
from cradle.claims.v1 import (
    appeal_pb2,
    appeal_pb2_grpc,
    intake_pb2,
    redetermination_pb2,
    redetermination_pb2_grpc,
    review_pb2,
    review_pb2_grpc,
    service_pb2,
    service_pb2_grpc,
    submission_pb2,
    submission_pb2_grpc,
    submitting_pb2,
)
from cradle.ops.v1 import audit_pb2, audit_pb2_grpc
from cradle.options.v1 import options_pb2
from typer.testing import CliRunner

from deploy.local import authority
from deploy.local.stack import Stack
from services.cli.main import app
from services.kit import rpc
from services.kit.tls import Identity
from tests.builders import claim, claim_number, submit
from tests.claims.harness import asking, claims_dsn, exchange, insured
from tests.kit.live import rows, sealer_of, unique

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
# They tell nothing of one claim.
SUMS = {"GetRedetermination", "ListRedeterminations", "BatchGetEmployerFacts", "ListControlTotals"}


class Filed(NamedTuple):
    """A claim with an appeal, and the review of it."""

    name: str
    person: str
    appeal: str
    review: str


@pytest.fixture(scope="module")
def filed(stack: Stack) -> Filed:
    who, number = insured(stack), claim_number()
    (answered,) = exchange(stack, submit(claim(number=number, person=who.number, employer=who.employer)))
    with rpc.blocking_channel(stack.environment["CRADLE_CLAIMS_TARGET"], stack.operator) as channel:
        request = appeal_pb2.FileAppealRequest(
            claim=answered.receipt.claim,
            appellant=appeal_pb2.APPELLANT_PERSON,
            ground=appeal_pb2.APPEAL_GROUND_FACTS_WRONG,
            request_id=str(uuid4()),
        )
        appeal = appeal_pb2_grpc.AppealServiceStub(channel).FileAppeal(request, timeout=20)
        on_file = service_pb2_grpc.ClaimsServiceStub(channel).GetClaim(
            service_pb2.GetClaimRequest(name=answered.receipt.claim), timeout=20
        )
    return Filed(answered.receipt.claim, on_file.person, appeal.name, appeal.review)


def claims(channel: Any) -> Any:
    return service_pb2_grpc.ClaimsServiceStub(channel)


def reviews(channel: Any) -> Any:
    return review_pb2_grpc.ReviewServiceStub(channel)


def appeals(channel: Any) -> Any:
    return appeal_pb2_grpc.AppealServiceStub(channel)


def watched(channel: Any, one: Filed) -> list[Any]:
    """Two looks at a stream that goes on: it is one read."""
    call = claims(channel).WatchClaim(submitting_pb2.WatchClaimRequest(name=one.name), timeout=20)
    told = [next(call)]
    call.cancel()
    return told


Ask = Callable[[Any, Filed], Any]
READS: Mapping[str, Ask] = {
    "GetClaim": lambda at, one: claims(at).GetClaim(service_pb2.GetClaimRequest(name=one.name), timeout=20),
    "ListClaims": lambda at, one: claims(at).ListClaims(service_pb2.ListClaimsRequest(person=one.person), timeout=20),
    "ExplainDetermination": lambda at, one: claims(at).ExplainDetermination(
        service_pb2.ExplainDeterminationRequest(name=one.name), timeout=20
    ),
    "WatchClaim": watched,
    "GetReview": lambda at, one: reviews(at).GetReview(review_pb2.GetReviewRequest(name=one.review), timeout=20),
    "ListReviews": lambda at, one: reviews(at).ListReviews(review_pb2.ListReviewsRequest(claim=one.name), timeout=20),
    "GetAppeal": lambda at, one: appeals(at).GetAppeal(appeal_pb2.GetAppealRequest(name=one.appeal), timeout=20),
    "ListAppeals": lambda at, one: appeals(at).ListAppeals(appeal_pb2.ListAppealsRequest(claim=one.name), timeout=20),
    "ListSubmissions": lambda at, _: submission_pb2_grpc.SubmissionServiceStub(at).ListSubmissions(
        submission_pb2.ListSubmissionsRequest(receive_date={"year": 2020, "month": 1, "day": 1}), timeout=20
    ),
    "ListRedeterminedClaims": lambda at, _: redetermination_pb2_grpc.RedeterminationServiceStub(
        at
    ).ListRedeterminedClaims(
        redetermination_pb2.ListRedeterminedClaimsRequest(parent=f"redeterminations/{uuid4()}"), timeout=20
    ),
}


def clerk(stack: Stack, role: str) -> Identity:
    token = stack.authority.token(unique("clerk"), {"cradle_role": role})
    return stack.authority.identity(authority.OPERATOR, token=token)


def audited(stack: Stack, principal: str) -> list[Any]:
    sql = "SELECT method, purpose, subjects, records FROM audit WHERE principal = $1 ORDER BY id"
    return asyncio.run(rows(claims_dsn(stack), sql, principal))


# --- reads -----------------------------------------------------------------------------------------------------------


def test_every_method_that_reads_is_audited_or_tells_sums_only() -> None:
    """A method that is new stands here or in READS, or this fails."""
    modules = sorted((ROOT / "protos" / "gen" / "cradle" / "claims" / "v1").glob("*_pb2.py"))
    files = [importlib.import_module(f"cradle.claims.v1.{path.stem}").DESCRIPTOR for path in modules]
    services = [service for file in files for service in file.services_by_name.values()]
    reading = {
        method.name
        for service in services
        for method in service.methods
        if str(method.GetOptions().Extensions[options_pb2.permission]).endswith(".read")
    }

    assert reading == {*READS, *SUMS}


@pytest.mark.parametrize("method", READS)
def test_a_read_is_one_row_of_who_what_and_whose(stack: Stack, filed: Filed, method: str) -> None:
    name = unique("auditee")
    token = stack.authority.token(name, {"cradle_role": "city-reviewer"})
    who = stack.authority.identity(authority.OPERATOR, token=token)

    with rpc.blocking_channel(stack.environment["CRADLE_CLAIMS_TARGET"], who) as channel:
        READS[method](channel, filed)

    nobodys = method in {"ListRedeterminedClaims", "ListSubmissions"}  # of a plan and a source that are not there
    claim_id, person = UUID(filed.name.removeprefix("claims/")), UUID(filed.person)
    assert [tuple(row) for row in audited(stack, f"person/{name}")] == [
        (method, "city-reviewer", [] if nobodys else [person], [] if nobodys else [claim_id])
    ]


def test_what_is_not_shown_is_no_read(stack: Stack, filed: Filed) -> None:
    name = unique("auditee")
    said = {"cradle_role": "county-reviewer", "cradle_counties": ["610331"]}
    who = stack.authority.identity(authority.OPERATOR, token=stack.authority.token(name, said))

    with rpc.blocking_channel(stack.environment["CRADLE_CLAIMS_TARGET"], who) as channel:
        for method in ("GetClaim", "WatchClaim", "ExplainDetermination", "GetReview", "GetAppeal"):
            with pytest.raises(grpc.RpcError) as refused:
                READS[method](channel, filed)
            assert refused.value.code() is grpc.StatusCode.NOT_FOUND

    assert audited(stack, f"person/{name}") == []


def test_an_auditor_sees_who_read_what_page_by_page(stack: Stack, filed: Filed) -> None:
    name, claim_id = unique("auditee"), filed.name.removeprefix("claims/")
    who = stack.authority.identity(
        authority.OPERATOR, token=stack.authority.token(name, {"cradle_role": "city-reviewer"})
    )
    with rpc.blocking_channel(stack.environment["CRADLE_CLAIMS_TARGET"], who) as channel:
        for method in ("GetClaim", "GetClaim", "ExplainDetermination"):
            READS[method](channel, filed)
        with pytest.raises(grpc.RpcError) as refused:
            audit_pb2_grpc.AuditServiceStub(channel).ListReads(audit_pb2.ListReadsRequest(), timeout=20)
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED

    with rpc.blocking_channel(stack.environment["CRADLE_CLAIMS_TARGET"], clerk(stack, "auditor")) as channel:
        stub = audit_pb2_grpc.AuditServiceStub(channel)
        request = audit_pb2.ListReadsRequest(principal=f"person/{name}", record=claim_id, page_size=2)
        first = stub.ListReads(request, timeout=20)
        request.page_token = first.next_page_token
        second = stub.ListReads(request, timeout=20)
        stub.ListRefusedCalls(audit_pb2.ListRefusedCallsRequest(), timeout=20)
    assert [one.method for one in (*first.reads, *second.reads)] == ["ExplainDetermination", "GetClaim", "GetClaim"]
    assert second.next_page_token == ""

    def shown(*arguments: str) -> str:
        environment = {**stack.environment, "LANG": "C"}
        answer = CliRunner(env=environment).invoke(app, ["audit", *arguments])
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    told = json.loads(shown("reads", "--person", filed.person, "--principal", f"person/{name}", "--output", "json"))
    assert [one["records"] for one in told["reads"]] == [[claim_id]] * 3
    assert "GetClaim" in shown("reads", "--claim", filed.name, "--since", "2026-01-01")
    for service in ("claims", "registry", "treasury", "certification"):
        assert "who" in shown("refusals", "--service", service)


# --- refused over gRPC -----------------------------------------------------------------------------------------------


def bad(number: str, *, county: str = "999999") -> intake_pb2.ClaimSubmission:
    return claim(number=number, county=county)


def on_file(stack: Stack, number: str) -> list[Any]:
    sql = """SELECT source, status, reasons, position, sealed, sent, submit_date FROM submission
             WHERE claim_number = $1 ORDER BY id"""
    return asyncio.run(rows(claims_dsn(stack), sql, number))


async def submitted(stack: Stack, given: intake_pb2.ClaimIntake, *, dry: bool = False) -> str:
    """The id of a request that was refused."""
    request_id = str(uuid4())
    request = submitting_pb2.SubmitClaimRequest(
        parent="sources/hospitals", intake=given, request_id=request_id, validate_only=dry
    )
    async with asking(stack, "source/hospitals") as stub:
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.SubmitClaim(request, timeout=20)
    return request_id


def test_a_claim_refused_over_grpc_leaves_what_a_returned_one_leaves(stack: Stack) -> None:
    number = claim_number()
    given = intake_pb2.ClaimIntake.FromString(submit(bad(number)))

    request_id = asyncio.run(submitted(stack, given))
    asyncio.run(submitted(stack, given, dry=True))

    (row,) = on_file(stack, number)
    assert (row["source"], row["status"], row["reasons"]) == ("hospitals", "RETURNED", ["COUNTY_UNKNOWN"])
    assert row["position"] == f"grpc/{request_id}/-1/0"
    assert (row["sent"], row["submit_date"]) == (None, None)  # its sender's control totals do not count it
    kept = sealer_of(stack).open(row["sealed"], row["position"].encode())
    assert intake_pb2.ClaimIntake.FromString(kept) == given


def test_of_a_stream_each_that_is_refused_leaves_its_row(stack: Stack) -> None:
    numbers, stream = [claim_number() for _ in range(3)], str(uuid4())
    requests = [
        submitting_pb2.StreamClaimsRequest(
            open=submitting_pb2.OpenClaimStream(parent="sources/hospitals", stream_id=stream)
        )
    ]
    for place, number in enumerate(numbers, start=1):
        one = submitting_pb2.NumberedSubmission(
            number=place, intake=intake_pb2.ClaimIntake.FromString(submit(bad(number)))
        )
        requests.append(submitting_pb2.StreamClaimsRequest(submission=one))

    async def converse() -> int:
        async with asking(stack, "source/hospitals") as stub:
            return len([answer async for answer in stub.StreamClaims(iter(requests), timeout=30)])

    assert asyncio.run(converse()) == 4
    assert [[row["position"] for row in on_file(stack, number)] for number in numbers] == [
        [f"grpc/{stream}/-1/{place}"] for place in (1, 2, 3)
    ]


def test_of_what_is_too_large_only_the_digest_is_kept(stack: Stack) -> None:
    given = intake_pb2.ClaimIntake.FromString(submit(claim(number=claim_number(), remark="长" * 30_000)))

    request_id = asyncio.run(submitted(stack, given))

    sql = "SELECT reasons, sealed, content_hash FROM submission WHERE position = $1"
    (row,) = asyncio.run(rows(claims_dsn(stack), sql, f"grpc/{request_id}/-1/0"))
    assert row["reasons"] == ["MESSAGE_TOO_LARGE"]
    assert sealer_of(stack).open(row["sealed"], f"grpc/{request_id}/-1/0".encode()) == b""
    assert row["content_hash"] == sealer_of(stack).digest(given.SerializeToString(deterministic=True))
