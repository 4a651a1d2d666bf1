"""gRPC servers and channels. One fused interceptor does what every call needs.

In order: who asks, the method's permission, the request's shape, the call, its errors as `google.rpc.Status` with a
coded reason in both languages, metrics and one line of log.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import grpc
from cradle.options.v1 import options_pb2
from google.protobuf import any_pb2
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message as Proto
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status
from protovalidate import Validator

from services.kit import bearer, telemetry, tls
from services.kit.audit import Noting, nowhere
from services.kit.auth import Gate, Principal, gate_of, principal
from services.kit.bearer import Bearer
from services.kit.clock import Clock
from services.kit.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OutOfScope,
    Refused,
    Stale,
    Unauthenticated,
    is_away,
    is_conflict,
    places,
)
from services.kit.messages import Language, Reason, more_reasons, reason
from services.kit.settings import Settings
from services.kit.shape import shape_problems
from services.kit.tls import Identity

DOMAIN = "cradle"
OUT_OF_SCOPE = "OUT_OF_SCOPE"
_MESSAGE_BYTES_MAX = 16 * 1024 * 1024
_OPTIONS = [
    ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", _MESSAGE_BYTES_MAX),
]
_CLIENT_OPTIONS = [*_OPTIONS, ("grpc.enable_retries", 0)]
_log = telemetry.log(__name__)

Behaviour = Callable[[Any, Any], Awaitable[Any]]
Answers = Callable[[Any, Any], AsyncIterator[Any]]
if TYPE_CHECKING:
    _Base = grpc.aio.ServerInterceptor[Any, Any]  # generic in the stubs only
else:
    _Base = grpc.aio.ServerInterceptor


class Unguarded(Exception):
    """A method names no permission; the server does not start."""


def permissions(services: Iterable[ServiceDescriptor]) -> dict[str, str]:
    """The permission of every method, by its full path. Raises Unguarded for one that names none."""
    found = {}
    for service in services:
        for method in service.methods:
            permission = method.GetOptions().Extensions[options_pb2.permission]
            if not permission:
                raise Unguarded(f"{service.full_name}/{method.name} names no permission")
            found[f"/{service.full_name}/{method.name}"] = permission
    return found


# Who has a certificate of ours may ask what there is to ask; health is asked by whoever restarts us.
_OPEN = frozenset(f"/{health.SERVICE_NAME}/{method}" for method in ("Check", "List", "Watch"))
_ANYBODY = ""


@dataclass(slots=True)
class Interceptor(_Base):
    """A method that is neither open nor in `permissions` is refused to everybody."""

    permissions: dict[str, str]
    gate: Gate
    refused: Noting = nowhere
    clock: Clock = field(default_factory=Clock)
    validator: Validator = field(default_factory=Validator)
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = field(default_factory=dict)

    async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        method = details.method
        if method not in self.handlers:
            handler = await continuation(details)
            if handler is None or method in _OPEN:
                return handler  # an unknown method answers UNIMPLEMENTED
            self.handlers[method] = self._fused(_Method(method), handler)
        return self.handlers[method]

    def _fused(self, method: _Method, handler: Any) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler of the same arity with everything around it. A method that streams its answers is an async
        generator. Messages that are streamed to us are not looked at here: each has its own answer, so its servicer
        asks `shape_problems`.
        """
        check = _unchecked if handler.request_streaming else self._check_shape
        coders = handler.request_deserializer, handler.response_serializer
        match handler.request_streaming, handler.response_streaming:
            case False, False:
                return grpc.unary_unary_rpc_method_handler(self._one(method, handler.unary_unary, check), *coders)
            case True, False:
                return grpc.stream_unary_rpc_method_handler(self._one(method, handler.stream_unary, check), *coders)
            case False, True:
                return grpc.unary_stream_rpc_method_handler(self._many(method, handler.unary_stream, check), *coders)
            case _:
                return grpc.stream_stream_rpc_method_handler(self._many(method, handler.stream_stream, check), *coders)

    def _one(self, method: _Method, behaviour: Behaviour, check: Callable[[Any], None]) -> Behaviour:
        async def call(request: Any, context: Any) -> Any:
            begun = method.begin()
            found, code = None, "CANCELLED"  # unless it comes to an answer
            try:
                found = await self._admit(method, context)
                check(request)
                response = await behaviour(request, context)
            except Exception as error:  # noqa: BLE001  # every failure becomes a status here
                status = method.failed(error)
                code = code_pb2.Code.Name(status.code)
                self._note(method, error, found, context)
            else:
                code = "OK"
                return response
            finally:
                method.end(begun, code, found)
            return await context.abort_with_status(rpc_status.to_status(status))

        return call

    def _many(self, method: _Method, behaviour: Answers, check: Callable[[Any], None]) -> Answers:
        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            begun = method.begin()
            found, code = None, "CANCELLED"
            try:
                found = await self._admit(method, context)
                check(request)
                async for response in behaviour(request, context):
                    self._still(found)
                    yield response
            except Exception as error:  # noqa: BLE001
                status = method.failed(error)
                code = code_pb2.Code.Name(status.code)
                self._note(method, error, found, context)
            else:
                code = "OK"
                return
            finally:
                method.end(begun, code, found)
            await context.abort_with_status(rpc_status.to_status(status))

        return call

    async def _admit(self, method: _Method, context: Any) -> Principal:
        """Who asks and may, told before the request is looked at. Raises Unauthenticated or Forbidden."""
        uris, found = _uris(context), None
        tokens = [str(value) for key, value in context.invocation_metadata() or () if key == "authorization"]
        try:
            found = await self.gate.admit(uris, tokens)
            permission = self.permissions.get(method.path)
            if permission is None or (permission != _ANYBODY and not found.may(permission)):
                raise Forbidden(reason("AUTH_PERMISSION_MISSING", permission=permission or method.path))
        except (Unauthenticated, Forbidden) as error:
            why = error.reasons[0].code
            who = found.name if found else None
            _log.warning(
                "call refused", method=method.path, why=why, principal=who, certificate=uris, peer=context.peer()
            )
            self.refused(who or _of_certificate(uris), method.name, why)
            raise
        principal.enter(found)
        return found

    def _note(self, method: _Method, error: Exception, found: Principal | None, context: Any) -> None:
        """What was refused to somebody who was let in: another's things, or a stream whose token is over."""
        if found is None or not isinstance(error, (Unauthenticated, Forbidden, OutOfScope)):
            return
        code = OUT_OF_SCOPE if isinstance(error, OutOfScope) else error.reasons[0].code
        _log.warning("call refused", method=method.path, why=code, principal=found.name, peer=context.peer())
        self.refused(found.name, method.name, code)

    def _still(self, found: Principal) -> None:
        """A stream may outlive the token it began with; it ends before its next answer."""
        if found.until is not None and self.clock.now() > found.until:
            raise Unauthenticated(reason("AUTH_TOKEN_EXPIRED", "authorization"))

    def _check_shape(self, request: Proto) -> None:
        if reasons := shape_problems(self.validator, request):
            raise Invalid(*reasons)


def _uris(context: Any) -> list[str]:
    return [uri.decode("utf-8", "replace") for uri in context.auth_context().get("peer_uri", ())]


def _of_certificate(uris: Sequence[str]) -> str:
    """Whoever is not known by name is told by what his certificate says, which our authority signed."""
    return ",".join(uris) or "-"


def _unchecked(_: Any) -> None:
    """An iterator has no shape."""


class _Method:
    """What is counted and logged of one method's calls."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._names = service, self.name = path[1:].split("/")
        self._started = telemetry.GRPC_STARTED.labels(service, self.name)
        self._seconds = telemetry.GRPC_SECONDS.labels(service, self.name)

    def begin(self) -> float:
        self._started.inc()
        return time.perf_counter()

    def end(self, begun: float, code: str, found: Principal | None) -> None:
        elapsed = time.perf_counter() - begun
        self._seconds.observe(elapsed)
        telemetry.GRPC_HANDLED.labels(*self._names, code).inc()
        who = found.name if found else None
        _log.info("call", method=self.path, code=code, ms=round(elapsed * 1000, 1), principal=who)

    def failed(self, error: Exception) -> status_pb2.Status:
        status = to_status(error)
        if status.code == code_pb2.INTERNAL:
            _log.error("call failed", method=self.path, error=type(error).__name__, places=places(error))
        return status


# Details travel in a trailer, in base64, of which clients take 8 KB; above that some refuse at random.
_VIOLATIONS_BYTES: Final = 4_500

_CODES: dict[type[Invalid], int] = {
    NotFound: code_pb2.NOT_FOUND,
    OutOfScope: code_pb2.NOT_FOUND,
    Refused: code_pb2.FAILED_PRECONDITION,
    Stale: code_pb2.ABORTED,
    Unauthenticated: code_pb2.UNAUTHENTICATED,
    Forbidden: code_pb2.PERMISSION_DENIED,
}


def to_status(error: Exception) -> status_pb2.Status:
    """The answer to a failed call. A bug tells its place to the log, and nothing to the caller."""
    match error:
        case Invalid():
            return _status(_CODES.get(type(error), code_pb2.INVALID_ARGUMENT), error.reasons)
        case _ if is_away(error):
            return _status(code_pb2.UNAVAILABLE, [reason("SERVICE_UNAVAILABLE")])
        case Conflict() | _ if is_conflict(error):
            return _status(code_pb2.ABORTED, [reason("CONFLICT_RETRY")])
        case _:
            return _status(code_pb2.INTERNAL, [reason("INTERNAL_ERROR")])


def _violations(reasons: Sequence[Reason]) -> list[error_details_pb2.BadRequest.FieldViolation]:
    """Those that have a place, as many as a client takes: with more, the answer arrives as another error."""
    told: list[error_details_pb2.BadRequest.FieldViolation] = []
    left, located = _VIOLATIONS_BYTES, [one for one in reasons if one.field or one.code == "MORE_REASONS"]
    for place, one in enumerate(located):
        violation = _violation(one)
        left -= violation.ByteSize()
        if left < 0:
            return [*told, _violation(more_reasons(len(located) - place))]
        told.append(violation)
    return told


def _violation(given: Reason) -> error_details_pb2.BadRequest.FieldViolation:
    return error_details_pb2.BadRequest.FieldViolation(
        field=given.field,
        reason=given.code,
        description=given.text(Language.EN),
        localized_message=error_details_pb2.LocalizedMessage(locale=Language.ZH.value, message=given.text(Language.ZH)),
    )


def _status(code: int, reasons: Sequence[Reason]) -> status_pb2.Status:
    first = reasons[0]
    details: list[Proto] = [error_details_pb2.ErrorInfo(reason=first.code, domain=DOMAIN, metadata=dict(first.values))]
    if any(one.field for one in reasons):
        details.append(error_details_pb2.BadRequest(field_violations=_violations(reasons)))
    details += [error_details_pb2.LocalizedMessage(locale=lang.value, message=first.text(lang)) for lang in Language]
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code, message=first.text(Language.EN), details=packed)


@asynccontextmanager
async def serving(
    settings: Settings,
    services: Sequence[ServiceDescriptor],
    register: Callable[[grpc.aio.Server], None],
    refused: Noting = nowhere,
) -> AsyncIterator[grpc.aio.Server]:
    """Serve the given services over TLS with health and, outside production, reflection. `refused` is told of every
    call that was refused for who made it.
    """
    guarded = permissions(services)
    if settings.environment != "production":
        guarded |= {f"/{reflection.SERVICE_NAME}/ServerReflectionInfo": _ANYBODY}
    credentials = tls.identity(settings).server_credentials()
    server = grpc.aio.server(
        interceptors=[Interceptor(guarded, await gate_of(settings), refused)],
        options=[*_OPTIONS, ("grpc.so_reuseport", 0)],
    )
    register(server)
    names = [service.full_name for service in services]
    checks = health.aio.HealthServicer()  # type: ignore[attr-defined]  # untyped
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    if settings.environment != "production":
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    server.add_secure_port(settings.grpc_listen, credentials)
    await server.start()
    for name in ["", *names]:
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        yield server
    finally:
        await checks.enter_graceful_shutdown()
        await server.stop(settings.shutdown_grace_s)


def channel(target: str, identity: Identity) -> grpc.aio.Channel:
    """A channel to another service. Retrying is the caller's decision: only UNAVAILABLE is for retrying."""
    token = bearer.of_channel(identity.token) if identity.token else None
    return grpc.aio.secure_channel(target, identity.channel_credentials(), options=_CLIENT_OPTIONS, interceptors=token)


def blocking_channel(target: str, identity: Identity) -> grpc.Channel:
    """The same for a program that asks one thing after the other."""
    made = grpc.secure_channel(target, identity.channel_credentials(), options=_CLIENT_OPTIONS)
    return grpc.intercept_channel(made, Bearer(identity.token)) if identity.token else made
