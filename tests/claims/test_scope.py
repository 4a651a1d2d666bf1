"""Who sees which claims: a source its own, a county's reviewer the county's; what is outside is not even there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from cradle.claims.v1 import service_pb2, service_pb2_grpc

from deploy.local import authority
from deploy.local.stack import Stack
from services.kit import rpc
from services.kit.tls import Identity
from tests.builders import MOTHER, claim, claim_number, submit
from tests.claims.harness import exchange, insured

pytestmark = pytest.mark.integration
TIMEOUT_S = 10


@dataclass(frozen=True)
class Filed:
    """A claim on file, and what it is called."""

    name: str
    source: str
    county: str
    number: str

    @property
    def names(self) -> tuple[str, str]:
        return self.name, f"sources/{self.source}/claims/{self.number}"


@pytest.fixture(scope="module")
def filed(stack: Stack) -> tuple[Filed, ...]:
    """One claim of each of two sources in each of two counties."""
    return tuple(file(stack, source, county) for source in ("hospitals", "counter") for county in ("610304", "610331"))


def file(stack: Stack, source: str, county: str) -> Filed:
    woman, number = insured(stack), claim_number()
    sent = submit(claim(number=number, person=woman.number, employer=woman.employer, county=county))
    answered = exchange(stack, sent, source=source)[0]
    assert answered.status == "DETERMINED"
    return Filed(answered.receipt.claim, source, county, number)


@pytest.fixture(params=["hospitals", "counter", "610304", "610331", "610304+610331", "610302", "city", "operator"])
def asking(request: pytest.FixtureRequest, stack: Stack) -> tuple[str, Identity]:
    who = str(request.param)
    if who in ("hospitals", "counter"):
        return who, stack.authority.identity(f"source/{who}")
    role = {"city": "city-reviewer", "operator": "operator"}.get(who, "county-reviewer")
    claims = {"cradle_role": role, **({"cradle_counties": who.split("+")} if role == "county-reviewer" else {})}
    return who, stack.authority.identity(authority.OPERATOR, token=stack.authority.token("clerk", claims))


def may_see(who: str, one: Filed) -> bool:
    return who in ("city", "operator") or one.source == who or one.county in who.split("+")


@pytest.fixture
def stub(stack: Stack, asking: tuple[str, Identity]) -> Iterator[Any]:
    with rpc.blocking_channel(stack.environment["CRADLE_CLAIMS_TARGET"], asking[1]) as channel:
        yield service_pb2_grpc.ClaimsServiceStub(channel)


def code_of(call: Any, request: Any) -> tuple[str, str]:
    try:
        call(request, timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        told: Any = error
        return told.code().name, told.details()
    return "OK", ""


def test_one_claim_is_answered_inside_the_scope_and_not_found_outside(
    filed: tuple[Filed, ...], asking: tuple[str, Identity], stub: Any
) -> None:
    for one in filed:
        for name in one.names:
            expected = "OK" if may_see(asking[0], one) else "NOT_FOUND"
            assert code_of(stub.GetClaim, service_pb2.GetClaimRequest(name=name))[0] == expected
            explain = service_pb2.ExplainDeterminationRequest(name=name)
            assert code_of(stub.ExplainDetermination, explain)[0] == expected


def test_what_is_outside_the_scope_is_told_as_what_is_not_there(
    filed: tuple[Filed, ...], asking: tuple[str, Identity], stub: Any
) -> None:
    absent = code_of(stub.GetClaim, service_pb2.GetClaimRequest(name="sources/hospitals/claims/NONE"))
    hidden = [one for one in filed if not may_see(asking[0], one)]

    for one in hidden:
        told = code_of(stub.GetClaim, service_pb2.GetClaimRequest(name=one.names[1]))
        assert told == (absent[0], absent[1].replace("sources/hospitals/claims/NONE", one.names[1]))


def test_a_name_that_holds_an_id_number_is_not_repeated(stub: Any) -> None:
    for name in (f"sources/hospitals/claims/{MOTHER}", f"sources/{MOTHER}/claims/C-1", f"claims/{MOTHER}"):
        code, text = code_of(stub.GetClaim, service_pb2.GetClaimRequest(name=name))
        assert (code, MOTHER in text) == ("INVALID_ARGUMENT", False)
    assert (
        "holds a national ID number"
        in code_of(stub.GetClaim, service_pb2.GetClaimRequest(name=f"sources/hospitals/claims/{MOTHER}"))[1]
    )


def listed(stub: Any, **filters: Any) -> set[str]:
    found: set[str] = set()
    request = service_pb2.ListClaimsRequest(page_size=1000, **filters)
    while True:
        page = stub.ListClaims(request, timeout=TIMEOUT_S)
        found |= {one.name for one in page.claims}
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def test_a_list_holds_what_is_inside_the_scope(
    filed: tuple[Filed, ...], asking: tuple[str, Identity], stub: Any
) -> None:
    ours = {one.name for one in filed}

    assert listed(stub) & ours == {one.name for one in filed if may_see(asking[0], one)}


def test_a_filter_narrows_the_scope_and_never_widens_it(
    filed: tuple[Filed, ...], asking: tuple[str, Identity], stub: Any
) -> None:
    for one in filed:
        if asking[0] in {other.source for other in filed} - {one.source}:
            assert code_of(stub.ListClaims, service_pb2.ListClaimsRequest(source=one.source))[0] == "NOT_FOUND"
        else:
            expected = {other.name for other in filed if other.source == one.source and may_see(asking[0], other)}
            assert listed(stub, source=one.source) & {other.name for other in filed} == expected
        expected = {other.name for other in filed if other.county == one.county and may_see(asking[0], other)}
        assert listed(stub, county=one.county) & {other.name for other in filed} == expected
