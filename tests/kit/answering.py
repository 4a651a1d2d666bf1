"""A server of any services, with the real interceptor over real TLS: every method answers, whatever it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from deploy.local import layout
from deploy.local.authority import Authority, variables
from deploy.local.ports import Ports
from services.kit import rpc
from services.kit.audit import Noting, nowhere
from services.kit.settings import Settings
from services.kit.tls import Identity

ROOT = Path(__file__).parents[2]
ACCESS = ROOT / "deploy" / "access.yaml"
Behaviours = Mapping[str, Callable[..., Any]]


@contextmanager
def free_address() -> Iterator[str]:
    ports = Ports(layout.home() / "ports")
    try:
        yield f"127.0.0.1:{ports.claim()}"
    finally:
        ports.release()


def settings(authority: Authority, address: str, access: Path = ACCESS, **overrides: str) -> Settings:
    """What a service is told that needs neither broker nor database."""
    own = authority.identity("service/registry")
    given = {"CRADLE_ENVIRONMENT": "local", **variables(own), **authority.settings(access), **overrides}
    values: dict[str, Any] = {name.removeprefix("CRADLE_").lower(): value for name, value in given.items()}
    nowhere: dict[str, Any] = dict.fromkeys(
        ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "sealing_key", "blind_index_key"), ""
    )
    return Settings(**nowhere, **values, grpc_listen=address, shutdown_grace_s=0)


@asynccontextmanager
async def answering(
    given: Settings,
    services: Sequence[ServiceDescriptor],
    behaviours: Behaviours | None = None,
    refused: Noting = nowhere,
) -> AsyncIterator[None]:
    """Serve these; a method without a behaviour of its own answers nothing in particular."""

    def register(server: grpc.aio.Server) -> None:
        for service in services:
            handlers = {method.name: _handler(method, behaviours or {}) for method in service.methods}
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))

    async with rpc.serving(given, services, register, refused):
        yield


def _handler(method: MethodDescriptor, behaviours: Behaviours) -> grpc.RpcMethodHandler[Any, Any]:
    answer = GetMessageClass(method.output_type)

    async def one(request: Any, context: Any) -> Any:
        return answer()

    async def many(request: Any, context: Any) -> AsyncIterator[Any]:
        yield answer()

    behaviour = behaviours.get(method.name, many if method.server_streaming else one)
    arity = ("stream" if method.client_streaming else "unary", "stream" if method.server_streaming else "unary")
    make = getattr(grpc, f"{'_'.join(arity)}_rpc_method_handler")
    handler: grpc.RpcMethodHandler[Any, Any] = make(
        behaviour, GetMessageClass(method.input_type).FromString, answer.SerializeToString
    )
    return handler


async def ask(
    address: str,
    identity: Identity,
    method: MethodDescriptor,
    *requests: Any,
    metadata: Sequence[tuple[str, str]] = (),
    ends: bool = True,
) -> list[Any]:
    """Every answer of one call, with a channel of its own. Raises AioRpcError.

    A stream without a request, or one that does not end, stays open until the server ends it. Where a server ends a
    call while its client is sending, grpc's client now and then says INTERNAL of itself instead of what it was told.
    """
    asked = requests[0] if requests else GetMessageClass(method.input_type)()
    options: dict[str, Any] = {"timeout": 10, "metadata": tuple(metadata)}
    async with rpc.channel(address, identity) as channel:
        call = stub(channel, method)(_sending(requests, ends=ends) if method.client_streaming else asked, **options)
        return [answer async for answer in call] if method.server_streaming else [await call]


async def _sending(requests: Sequence[Any], *, ends: bool) -> AsyncIterator[Any]:
    for request in requests:
        yield request
    if not requests or not ends:
        await asyncio.Event().wait()  # until the call ends


def stub(channel: grpc.aio.Channel, method: MethodDescriptor) -> Any:
    arity = ("stream" if method.client_streaming else "unary", "stream" if method.server_streaming else "unary")
    return getattr(channel, "_".join(arity))(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=GetMessageClass(method.input_type).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )


async def outcome(address: str, identity: Identity, method: MethodDescriptor, **options: Any) -> grpc.StatusCode:
    try:
        await ask(address, identity, method, **options)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK
