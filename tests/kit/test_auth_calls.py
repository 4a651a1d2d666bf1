"""Calls of all four arities through the interceptor over TLS: who asks, what is refused and how, what is left open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest
from cradle.claims.v1 import service_pb2
from cradle.options.v1 import options_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, wrappers_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from deploy.local import authority
from deploy.local.authority import Authority, keep
from services.kit import auth, rpc
from services.kit.auth import KeysUnread
from services.kit.auth.gate import NotConfigured
from services.kit.errors import Invalid
from services.kit.messages import CATALOGUE, reason
from services.kit.tls import Identity, NoIdentity
from tests.kit.answering import answering, ask, free_address, outcome, settings, stub

pytestmark = pytest.mark.integration
T = TypeVar("T")
ARITIES = {"One": (False, False), "Take": (True, False), "Tell": (False, True), "Talk": (True, True)}
ACCESS = """trust_domain: cradle
tenant: baoji
tenant_claim: cradle_tenant
token_carriers: [tool]
roles:
  friend: {description: may, sees: everything, permissions: [toy.use]}
  other: {description: may not, sees: everything, permissions: [toy.other]}
grants:
- {system: source/friend, role: friend}
- {system: source/*, role: other}
- {person: {cradle_role: friend}, role: friend}
"""


def toy() -> ServiceDescriptor:
    """A service with a method of every arity, each of which needs `toy.use`."""
    text = ".google.protobuf.StringValue"
    file = descriptor_pb2.FileDescriptorProto(name="toy/auth.proto", package="toy.v1", syntax="proto3")
    file.dependency.append("google/protobuf/wrappers.proto")
    service = file.service.add(name="ToyService")
    for name, (takes, tells) in ARITIES.items():
        method = service.method.add(
            name=name, input_type=text, output_type=text, client_streaming=takes, server_streaming=tells
        )
        method.options.Extensions[options_pb2.permission] = "toy.use"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    found: ServiceDescriptor = pool.FindServiceByName("toy.v1.ToyService")
    return found


TOY = toy()
METHODS: dict[str, MethodDescriptor] = {method.name: method for method in TOY.methods}
Text = GetMessageClass(METHODS["One"].input_type)


async def one(request: Any, context: Any) -> Any:
    await asyncio.sleep(0)
    return _answer(request)


async def take(requests: AsyncIterator[Any], context: Any) -> Any:
    answers = [_answer(request).value async for request in requests]
    return Text(value=",".join(answers))


async def tell(request: Any, context: Any) -> AsyncIterator[Any]:
    for _ in range(2):
        await asyncio.sleep(0)
        yield _answer(request)


async def talk(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
    async for request in requests:
        yield _answer(request)


def _answer(request: Any) -> Any:
    """Who asked what; `bad` and `bug` fail."""
    if request.value == "bad":
        raise Invalid(reason("FIELD_REQUIRED", "value"))
    if request.value == "bug":
        raise ZeroDivisionError("610302199403124029")
    return Text(value=f"{auth.current().name} {request.value}")


BEHAVIOURS = {"One": one, "Take": take, "Tell": tell, "Talk": talk}


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    (tmp_path / "access.yaml").write_text(ACCESS)
    return keep(tmp_path / "tls")


def through(
    ours: Authority,
    asking: Callable[[str], Coroutine[Any, Any, T]],
    service: ServiceDescriptor = TOY,
    overrides: Mapping[str, str] | None = None,
) -> T:
    """Run this against a server of the toy, at its address."""

    async def run() -> T:
        with free_address() as address:
            given = settings(ours, address, ours.folder.parent / "access.yaml", **overrides or {})
            async with answering(given, [service], BEHAVIOURS):
                return await asking(address)

    return asyncio.run(run())


def refusal(ours: Authority, identity: Identity, name: str, *words: str) -> grpc.aio.AioRpcError:
    async def asked(address: str) -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask(address, identity, METHODS[name], *[Text(value=word) for word in words], ends=False)
        return refused.value

    return through(ours, asked)


def info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    found = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it asks of a call what the error has too
    assert status is not None
    assert status.details[0].Unpack(found)
    return found


@pytest.mark.parametrize(
    ("name", "words", "answers"),
    [
        ("One", ["a"], ["source/friend a"]),
        ("Take", ["a", "b"], ["source/friend a,source/friend b"]),
        ("Tell", ["a"], ["source/friend a", "source/friend a"]),
        ("Talk", ["a", "b"], ["source/friend a", "source/friend b"]),
    ],
)
def test_a_method_of_every_arity_knows_who_asks(
    ours: Authority, name: str, words: list[str], answers: list[str]
) -> None:
    friend = ours.identity("source/friend")

    found = through(ours, lambda address: ask(address, friend, METHODS[name], *[Text(value=word) for word in words]))

    assert [answer.value for answer in found] == answers


@pytest.mark.parametrize("name", ARITIES)
def test_a_method_of_every_arity_refuses_who_may_not(ours: Authority, name: str) -> None:
    refused = refusal(ours, ours.identity("source/stranger"), name)

    assert refused.code() is grpc.StatusCode.PERMISSION_DENIED
    assert info(refused).reason == "AUTH_PERMISSION_MISSING"
    assert dict(info(refused).metadata) == {"permission": "toy.use"}


@pytest.mark.parametrize("name", ARITIES)
def test_a_method_of_every_arity_refuses_a_token_it_cannot_trust(ours: Authority, name: str) -> None:
    refused = refusal(ours, ours.identity(authority.OPERATOR, token="x.y.z"), name)

    assert refused.code() is grpc.StatusCode.UNAUTHENTICATED
    assert info(refused).reason == "AUTH_TOKEN_INVALID"


@pytest.mark.parametrize("name", ARITIES)
@pytest.mark.parametrize(
    ("word", "code", "told"),
    [("bad", "INVALID_ARGUMENT", "FIELD_REQUIRED"), ("bug", "INTERNAL", "INTERNAL_ERROR")],
)
def test_a_failure_of_every_arity_is_a_status_with_its_reason(
    ours: Authority, name: str, word: str, code: str, told: str
) -> None:
    refused = refusal(ours, ours.identity("source/friend"), name, word)

    assert refused.code().name == code
    assert info(refused).reason == told
    assert "610302199403124029" not in str(refused)


def test_a_refusal_speaks_both_languages_and_tells_nothing_of_the_token(ours: Authority) -> None:
    token = ours.token("anna", {"cradle_role": "friend", "aud": "elsewhere"})

    refused = refusal(ours, ours.identity(authority.OPERATOR, token=token), "One", "a")

    status = rpc_status.from_call(refused)  # type: ignore[arg-type]
    assert status is not None
    told = str(status)
    for text in CATALOGUE["AUTH_TOKEN_INVALID"].values():
        assert text in [detail.message for detail in localized(status.details)]
    assert not any(word in told for word in ("anna", "elsewhere", "audience", "aud", token))


def localized(details: Any) -> list[error_details_pb2.LocalizedMessage]:
    found = []
    for detail in details:
        message = error_details_pb2.LocalizedMessage()
        if detail.Unpack(message):
            found.append(message)
    return found


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ([("authorization", "Basic YTpi")], "UNAUTHENTICATED"),
        ([("authorization", "Bearer ")], "UNAUTHENTICATED"),
        ([("authorization", "")], "UNAUTHENTICATED"),
        ([("authorization", "Bearer {good}"), ("authorization", "Bearer {good}")], "UNAUTHENTICATED"),
        ([("authorization", "Bearer {good} ")], "UNAUTHENTICATED"),
        ([("authorization", "bearer {good}")], "OK"),
        ([("authorization", "Bearer {good}")], "OK"),
        ([("x-authorization", "Bearer {good}")], "PERMISSION_DENIED"),
    ],
)
def test_a_token_is_given_once_as_a_bearers(ours: Authority, metadata: list[tuple[str, str]], code: str) -> None:
    good = ours.token("anna", {"cradle_role": "friend"})
    given = [(key, value.replace("{good}", good)) for key, value in metadata]
    tool = ours.identity(authority.OPERATOR)

    assert through(ours, lambda at: outcome(at, tool, METHODS["One"], metadata=given)).name == code


def test_a_token_that_cannot_be_trusted_is_not_passed_over_for_a_good_certificate(ours: Authority) -> None:
    friend = ours.identity("source/friend")

    async def asked(address: str) -> tuple[grpc.StatusCode, grpc.StatusCode]:
        good = await outcome(address, friend, METHODS["One"])
        return good, await outcome(address, replace(friend, token="x"), METHODS["One"])

    assert through(ours, asked) == (grpc.StatusCode.OK, grpc.StatusCode.PERMISSION_DENIED)


def test_calls_at_once_each_know_their_own_caller(ours: Authority) -> None:
    tool = ours.identity(authority.OPERATOR)
    people = [replace(tool, token=ours.token(f"p{n}", {"cradle_role": "friend"})) for n in range(10)]

    async def asked(address: str) -> list[Any]:
        calls = [ask(address, who, METHODS["Talk"], *[Text(value=str(n))] * 5) for n, who in enumerate(people)]
        return list(await asyncio.gather(*calls))

    found = through(ours, asked)

    assert [[answer.value for answer in answers] for answers in found] == [[f"person/p{n} {n}"] * 5 for n in range(10)]


def test_a_stream_ends_with_the_token_it_began_with(ours: Authority) -> None:
    token = ours.token("anna", {"cradle_role": "friend"}, lasts=timedelta(seconds=2))
    anna = ours.identity(authority.OPERATOR, token=token)

    async def asked(address: str) -> tuple[int, grpc.aio.AioRpcError]:
        async with rpc.channel(address, anna) as channel:
            answers = 0

            async def asking() -> AsyncIterator[Any]:
                while True:
                    yield Text(value="a")
                    await asyncio.sleep(0.05)

            try:
                async for _ in stub(channel, METHODS["Talk"])(asking(), timeout=10):
                    answers += 1
            except grpc.aio.AioRpcError as error:
                return answers, error
        raise AssertionError("the stream went on")

    answers, refused = through(ours, asked)

    assert answers >= 1
    assert refused.code() is grpc.StatusCode.UNAUTHENTICATED
    assert info(refused).reason == "AUTH_TOKEN_EXPIRED"


# --- the shape of requests ------------------------------------------------------------------------------------------


def test_who_may_not_ask_learns_nothing_about_the_request(ours: Authority) -> None:
    claims = service_pb2.DESCRIPTOR.services_by_name["ClaimsService"]
    method = claims.methods_by_name["GetClaim"]

    code = through(ours, lambda at: outcome(at, ours.identity("source/friend"), method), claims)

    assert code is grpc.StatusCode.PERMISSION_DENIED  # an empty name is INVALID_ARGUMENT to who may


# --- health and reflection ------------------------------------------------------------------------------------------


def test_health_is_open_to_every_certificate_of_ours(ours: Authority) -> None:
    async def asked(address: str) -> int:
        async with rpc.channel(address, ours.identity("probe/kubelet")) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            answer = await check(health_pb2.HealthCheckRequest(service="toy.v1.ToyService"), timeout=10)
        return int(answer.status)

    assert through(ours, asked) == health_pb2.HealthCheckResponse.SERVING


async def reflected(address: str, identity: Identity) -> str:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async with rpc.channel(address, identity) as channel:
        call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]), timeout=10)
        try:
            answers = [answer async for answer in call]
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
    return ",".join(service.name for service in answers[0].list_services_response.service)


def test_reflection_is_for_those_who_are_somebody(ours: Authority) -> None:
    assert "toy.v1.ToyService" in through(ours, lambda at: reflected(at, ours.identity("source/stranger")))
    assert through(ours, lambda at: reflected(at, ours.identity("probe/kubelet"))) == "PERMISSION_DENIED"


def test_production_has_no_reflection(ours: Authority) -> None:
    asked = through(
        ours, lambda at: reflected(at, ours.identity("source/friend")), overrides={"CRADLE_ENVIRONMENT": "production"}
    )

    assert asked == "UNIMPLEMENTED"


# --- starting, and certificates that change -------------------------------------------------------------------------


async def _nothing(_: str) -> None:
    pass


@pytest.mark.parametrize(
    ("unset", "error"),
    [
        ({"CRADLE_ACCESS": ""}, NotConfigured),
        ({"CRADLE_TLS_KEY": ""}, NoIdentity),
        ({"CRADLE_TOKEN_KEYS": "none.json"}, KeysUnread),
    ],
    ids=str,
)
def test_a_server_that_could_not_tell_who_asks_does_not_start(
    ours: Authority, unset: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        through(ours, _nothing, overrides=unset)


def test_without_keys_there_are_no_people(ours: Authority) -> None:
    anna = ours.identity(authority.OPERATOR, token=ours.token("anna", {"cradle_role": "friend"}))
    friend = ours.identity("source/friend")

    async def asked(address: str) -> list[str]:
        return [(await outcome(address, who, METHODS["One"])).name for who in (anna, friend)]

    assert through(ours, asked, overrides={"CRADLE_TOKEN_KEYS": ""}) == ["UNAUTHENTICATED", "OK"]


def test_new_certificates_are_taken_up_without_a_restart(ours: Authority, tmp_path: Path) -> None:
    """Whoever trusts the new authority only is let in as soon as the files have changed, and the old one no longer."""
    new = keep(tmp_path / "new")
    old_friend, new_friend = ours.identity("source/friend"), new.identity("source/friend")
    kept = tmp_path / "kept.pem"
    kept.write_bytes(ours.authorities.read_bytes())
    old_friend = replace(old_friend, authorities=kept)

    async def asked(address: str) -> list[str]:
        before = [(await outcome(address, who, METHODS["One"])).name for who in (old_friend, new_friend)]
        fresh, served = new.identity("service/registry"), ours.identity("service/registry")
        served.certificate.write_bytes(fresh.certificate.read_bytes())
        half = (await outcome(address, old_friend, METHODS["One"])).name
        served.key.write_bytes(fresh.key.read_bytes())
        served.authorities.write_bytes(fresh.authorities.read_bytes())
        after = [(await outcome(address, who, METHODS["One"])).name for who in (old_friend, new_friend)]
        return [*before, half, *after]

    assert through(ours, asked) == ["OK", "UNAVAILABLE", "OK", "UNAVAILABLE", "OK"]
