"""gRPC servers and channels. One fused interceptor does what every call needs.

In order: the method's permission, the deadline, the request's shape, the call, its errors as `google.rpc.Status`
with a coded reason in both languages, metrics and one line of log.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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

from services.kit import telemetry
from services.kit.errors import Conflict, Invalid, NotFound, is_away, is_conflict, places
from services.kit.messages import Language, Reason, reason
from services.kit.settings import Settings

DOMAIN = "cradle"
_MESSAGE_BYTES_MAX = 16 * 1024 * 1024
_OPTIONS = [
    ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", _MESSAGE_BYTES_MAX),
]
_log = telemetry.log(__name__)

Behaviour = Callable[[Any, Any], Awaitable[Any]]
Answers = Callable[[Any, Any], AsyncGenerator[Any, None]]
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


@dataclass(slots=True)
class Interceptor(_Base):
    permissions: dict[str, str]
    validator: Validator = field(default_factory=Validator)
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = field(default_factory=dict)

    async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        method = details.method
        if method not in self.handlers:
            handler = await continuation(details)
            if handler is None or method not in self.permissions:
                return handler  # unknown methods answer UNIMPLEMENTED; health and reflection are grpc's own
            coders = handler.request_deserializer, handler.response_serializer
            match handler.request_streaming, handler.response_streaming:
                case False, False:
                    made = grpc.unary_unary_rpc_method_handler(self._fused(method, handler.unary_unary), *coders)
                case False, True:
                    made = grpc.unary_stream_rpc_method_handler(self._many(method, handler.unary_stream), *coders)
                case True, True:
                    made = grpc.stream_stream_rpc_method_handler(self._many(method, handler.stream_stream), *coders)
                case _:
                    return None  # no method streams requests only; it would be UNIMPLEMENTED rather than unguarded
            self.handlers[method] = made
        return self.handlers[method]

    def _many(self, path: str, behaviour: Answers) -> Answers:
        """The same for a method that streams its answers. What is streamed to us the servicer looks at, one by one."""
        service, method = path[1:].split("/")

        async def call(request: Any, context: Any) -> AsyncGenerator[Any, None]:
            telemetry.GRPC_STARTED.labels(service, method).inc()
            code = "CANCELLED"
            try:
                if isinstance(request, Proto) and (reasons := shape_problems(self.validator, request)):
                    raise Invalid(*reasons)
                async with aclosing(behaviour(request, context)) as answers:
                    async for answer in answers:
                        yield answer
            except Exception as error:  # noqa: BLE001  # every failure becomes a status here
                status = to_status(error)
                code = code_pb2.Code.Name(status.code)
                if status.code == code_pb2.INTERNAL:
                    _log.error("call failed", method=path, error=type(error).__name__, places=places(error))
            else:
                code = "OK"
                return
            finally:
                telemetry.GRPC_HANDLED.labels(service, method, code).inc()
                _log.info("call", method=path, code=code)
            await context.abort_with_status(rpc_status.to_status(status))

        return call

    def _fused(self, path: str, behaviour: Behaviour) -> Behaviour:
        service, method = path[1:].split("/")
        started = telemetry.GRPC_STARTED.labels(service, method)
        seconds = telemetry.GRPC_SECONDS.labels(service, method)

        async def call(request: Proto, context: Any) -> Any:
            started.inc()
            begun = time.perf_counter()
            code = "CANCELLED"  # unless it comes to an answer
            try:
                if reasons := shape_problems(self.validator, request):
                    raise Invalid(*reasons)
                response = await behaviour(request, context)
            except Exception as error:  # noqa: BLE001  # every failure becomes a status here
                status = to_status(error)
                code = code_pb2.Code.Name(status.code)
                if status.code == code_pb2.INTERNAL:
                    _log.error("call failed", method=path, error=type(error).__name__, places=places(error))
            else:
                code = "OK"
                return response
            finally:
                elapsed = time.perf_counter() - begun
                seconds.observe(elapsed)
                telemetry.GRPC_HANDLED.labels(service, method, code).inc()
                _log.info("call", method=path, code=code, ms=round(elapsed * 1000, 1))
            return await context.abort_with_status(rpc_status.to_status(status))

        return call


_SHAPE_CODES = {
    "required": "FIELD_REQUIRED",
    "string.min_len": "FIELD_REQUIRED",
    "string.max_len": "FIELD_TOO_LONG",
    "string.len": "FIELD_MALFORMED",
    "string.pattern": "FIELD_MALFORMED",
    "string.uuid": "FIELD_MALFORMED",
    "string.uuid_empty": "FIELD_REQUIRED",
    "bytes.len": "FIELD_MALFORMED",
    "enum.defined_only": "CODE_UNKNOWN",
    "enum.in": "CODE_UNKNOWN",
    "enum.not_in": "FIELD_REQUIRED",
    "repeated.max_items": "TOO_MANY_ITEMS",
}


def shape_problems(validator: Validator, message: Proto) -> list[Reason]:
    """What the annotations of the message's fields say against it: one coded reason for each field."""
    problems: dict[str, Reason] = {}
    for violation in validator.collect_violations(message):
        place = violation.proto.field
        path = ".".join(_element(element) for element in place.elements) if place else ""
        code = _SHAPE_CODES.get(violation.proto.rule_id, "FIELD_OUT_OF_RANGE")
        problems.setdefault(path, reason(code, path))
    return list(problems.values())


def _element(element: Any) -> str:
    """One step of a field's path, with its place where the field repeats."""
    subscript = element.subscript
    return f"{element.field_name}[{subscript.value}]" if subscript is not None else str(element.field_name)


def to_status(error: Exception) -> status_pb2.Status:
    """The answer to a failed call. A bug tells its place to the log, and nothing to the caller."""
    match error:
        case NotFound():
            return _status(code_pb2.NOT_FOUND, error.reasons)
        case Invalid():
            return _status(code_pb2.INVALID_ARGUMENT, error.reasons)
        case _ if is_away(error):
            return _status(code_pb2.UNAVAILABLE, [reason("SERVICE_UNAVAILABLE")])
        case Conflict() | _ if is_conflict(error):
            return _status(code_pb2.ABORTED, [reason("CONFLICT_RETRY")])
        case _:
            return _status(code_pb2.INTERNAL, [reason("INTERNAL_ERROR")])


def _status(code: int, reasons: Sequence[Reason]) -> status_pb2.Status:
    first = reasons[0]
    details: list[Proto] = [error_details_pb2.ErrorInfo(reason=first.code, domain=DOMAIN, metadata=dict(first.values))]
    if located := [r for r in reasons if r.field]:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=r.field,
                        reason=r.code,
                        description=r.text(Language.EN),
                        localized_message=error_details_pb2.LocalizedMessage(
                            locale=Language.ZH.value, message=r.text(Language.ZH)
                        ),
                    )
                    for r in located
                ]
            )
        )
    details += [error_details_pb2.LocalizedMessage(locale=lang.value, message=first.text(lang)) for lang in Language]
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code, message=first.text(Language.EN), details=packed)


@asynccontextmanager
async def serving(
    settings: Settings, services: Sequence[ServiceDescriptor], register: Callable[[grpc.aio.Server], None]
) -> AsyncIterator[grpc.aio.Server]:
    """Serve the given services with health and, outside production, reflection."""
    server = grpc.aio.server(
        interceptors=[Interceptor(permissions(services))],
        options=[*_OPTIONS, ("grpc.so_reuseport", 0)],
    )
    register(server)
    names = [service.full_name for service in services]
    checks = health.aio.HealthServicer()  # type: ignore[attr-defined]  # untyped
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    if settings.environment != "production":
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    server.add_insecure_port(settings.grpc_listen)
    await server.start()
    for name in ["", *names]:
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        yield server
    finally:
        await checks.enter_graceful_shutdown()
        await server.stop(settings.shutdown_grace_s)


def channel(target: str) -> grpc.aio.Channel:
    """A channel to another service. Retrying is the caller's decision: only UNAVAILABLE is for retrying."""
    return grpc.aio.insecure_channel(target, options=[*_OPTIONS, ("grpc.enable_retries", 0)])
