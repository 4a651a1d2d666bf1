"""Every method of every service for every kind of caller: what deploy/access.yaml says is what a running server does.

A new method is taken up by itself; it fails here until a role has its permission.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from cradle.options.v1 import options_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.local import authority
from deploy.local.authority import Authority, keep
from services.kit.tls import Identity
from tests.kit.answering import ACCESS, ROOT, answering, free_address, outcome, settings
from tests.kit.forging import confused, unsigned

POLICY: Mapping[str, Any] = yaml.safe_load(ACCESS.read_text("utf-8"))
REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAVAILABLE}


@cache
def services() -> tuple[ServiceDescriptor, ...]:
    """Every service of the protos, found in the generated code."""
    gen = ROOT / "protos" / "gen"
    modules = [".".join(path.relative_to(gen).with_suffix("").parts) for path in sorted(gen.glob("cradle/**/*_pb2.py"))]
    found = [importlib.import_module(name).DESCRIPTOR.services_by_name.values() for name in modules]
    return tuple(service for of_file in found for service in of_file)


def methods() -> list[MethodDescriptor]:
    return [method for service in services() for method in service.methods]


def permission(method: MethodDescriptor) -> str:
    return str(method.GetOptions().Extensions[options_pb2.permission])


# --- the file -------------------------------------------------------------------------------------------------------


def test_every_permission_of_a_method_is_in_a_role_and_no_other_is() -> None:
    held = {one for role in POLICY["roles"].values() for one in role["permissions"]}

    wanted = {permission(method) for method in methods()}
    assert wanted - held == set(), "in no role of deploy/access.yaml"
    assert held - wanted == set(), "of no method"


def test_the_operator_may_everything_but_read_accounts() -> None:
    of_methods = {permission(method) for method in methods()}

    assert set(POLICY["roles"]["operator"]["permissions"]) == of_methods - {"registry.payee.read"}


def test_every_role_is_granted() -> None:
    assert {grant["role"] for grant in POLICY["grants"]} == set(POLICY["roles"])


def test_accounts_are_read_by_the_treasury_and_by_nobody_else() -> None:
    may = {name for name, role in POLICY["roles"].items() if "registry.payee.read" in role["permissions"]}

    assert may == {"treasury-service"}
    assert [grant for grant in POLICY["grants"] if grant["role"] == "treasury-service"] == [
        {"system": "service/treasury", "role": "treasury-service"}
    ]


# --- the matrix -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caller:
    """Whoever asks; `role` is None for one that is somebody without any, `refused` says how a stranger is met."""

    name: str
    identity: Identity
    role: str | None = None
    refused: grpc.StatusCode | None = None

    def expected(self, method: MethodDescriptor) -> grpc.StatusCode | None:
        """None: let in, whatever the method then says."""
        if self.refused:
            return self.refused
        allowed = self.role and permission(method) in POLICY["roles"][self.role]["permissions"]
        return None if allowed else grpc.StatusCode.PERMISSION_DENIED


def granted(ours: Authority) -> list[Caller]:
    """One caller for each grant of the file."""
    found = []
    for number, grant in enumerate(POLICY["grants"]):
        if "system" in grant:
            identity = ours.identity(grant["system"].replace("*", "hospitals"))
        else:
            claims = {**grant["person"], **({grant["counties_claim"]: ["610304"]} if "counties_claim" in grant else {})}
            identity = ours.identity(authority.OPERATOR, token=ours.token(f"p{number}", claims))
        found.append(Caller(str(grant.get("system") or grant["person"]), identity, grant["role"]))
    return found


def strangers(ours: Authority, theirs: Authority) -> list[Caller]:
    """Everybody who is to be nobody. Each forgery says that it is the operator."""
    tool, operator = ours.identity(authority.OPERATOR), {"cradle_role": "operator"}
    unauthenticated, denied = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED
    claims = jwt.decode(ours.token("mallory", operator), ours.signing_key()).claims
    public = ours.signing_key().as_pem(private=False)
    tokens = {
        "a forged token": theirs.token("mallory", operator),
        "an expired token": ours.token("mallory", operator, lasts=timedelta(minutes=-1)),
        "a token for somebody else": ours.token("mallory", {**operator, "aud": "elsewhere"}),
        "a token of another issuer": ours.token("mallory", {**operator, "iss": "urn:elsewhere"}),
        "a token that nobody signed": unsigned(claims),
        "a token signed with the public key as a secret": confused(claims, public),
        "no token at all": "x",
    }
    found = [Caller(name, replace(tool, token=token), refused=unauthenticated) for name, token in tokens.items()]
    carried = replace(ours.identity("source/hospitals"), token=ours.token("anna", operator))
    foreign = theirs.identity(authority.OPERATOR, token=ours.token("anna", operator))
    known: dict[str, dict[str, Any]] = {
        "a person without a role": {"cradle_role": "director"},
        "a person of another tenant": {**operator, "cradle_tenant": "xian"},
        "a county's reviewer without a county": {"cradle_role": "county-reviewer"},
        "a county's reviewer of what is no county": {"cradle_role": "county-reviewer", "cradle_counties": ["*"]},
    }
    return [
        *found,
        *(Caller(name, replace(tool, token=ours.token("li", said))) for name, said in known.items()),
        Caller("the operators' tool without a person", tool),
        Caller("a person over an insurer's connection", carried, refused=denied),
        Caller("a system of a kind that has no role", ours.identity("intruder/hospitals")),
        Caller("a service without a role", ours.identity("service/registry")),
        Caller(
            "a certificate of another authority",
            replace(foreign, authorities=ours.authorities),
            refused=grpc.StatusCode.UNAVAILABLE,
        ),
    ]


@pytest.mark.integration
def test_every_method_meets_every_caller_as_the_file_says(tmp_path: Path) -> None:
    ours, theirs = keep(tmp_path / "ours"), keep(tmp_path / "theirs")
    callers = [*granted(ours), *strangers(ours, theirs)]

    async def met() -> dict[tuple[str, str], grpc.StatusCode]:
        found = {}
        with free_address() as address:
            async with answering(settings(ours, address), services()):
                for caller in callers:
                    for method in methods():
                        found[caller.name, method.full_name] = await outcome(address, caller.identity, method)
        return found

    matrix = asyncio.run(met())

    wrong = {
        (caller.name, method.full_name): code.name
        for caller in callers
        for method in methods()
        if not fits(code := matrix[caller.name, method.full_name], caller.expected(method))
    }
    assert len(matrix) == len(callers) * len(methods()) >= 20 * 9
    assert wrong == {}


def fits(code: grpc.StatusCode, expected: grpc.StatusCode | None) -> bool:
    return code not in REFUSED if expected is None else code is expected


@pytest.mark.integration
def test_a_caller_without_a_certificate_is_not_even_connected(tmp_path: Path) -> None:
    ours = keep(tmp_path)

    async def asked() -> grpc.StatusCode:
        with free_address() as address:
            async with answering(settings(ours, address), services()):
                credentials = grpc.ssl_channel_credentials(ours.authorities.read_bytes())
                async with grpc.aio.secure_channel(address, credentials) as channel:
                    with pytest.raises(grpc.aio.AioRpcError) as refused:
                        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        return refused.value.code()

    assert asyncio.run(asked()) is grpc.StatusCode.UNAVAILABLE


def test_a_key_of_the_other_authority_is_no_key_of_ours(tmp_path: Path) -> None:
    """The forgeries of the matrix are forgeries: their keys have the same id, and are others."""
    ours, theirs = keep(tmp_path / "ours").signing_key(), keep(tmp_path / "theirs").signing_key()

    assert isinstance(ours, ECKey)
    assert ours.kid == theirs.kid
    assert ours.as_dict(private=False)["x"] != theirs.as_dict(private=False)["x"]
