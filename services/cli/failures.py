"""How a command ends when it does not succeed: an exit code that means something, and reasons, not a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final

import grpc
from aiokafka.errors import KafkaError, KafkaTimeoutError
from cradle.common.v1 import reason_pb2
from google.protobuf.any_pb2 import Any as AnyProto
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.kit.messages import Language, reason
from services.kit.reasons import reason_message


class Exit(IntEnum):
    DONE = 0
    RETURNED = 1
    USAGE = 2
    NOT_FOUND = 3
    UNAVAILABLE = 4
    INTERNAL = 5


_EXIT_OF: Final = {
    grpc.StatusCode.NOT_FOUND: Exit.NOT_FOUND,
    grpc.StatusCode.INVALID_ARGUMENT: Exit.USAGE,
    grpc.StatusCode.FAILED_PRECONDITION: Exit.USAGE,
    grpc.StatusCode.OUT_OF_RANGE: Exit.USAGE,
    grpc.StatusCode.PERMISSION_DENIED: Exit.USAGE,
    grpc.StatusCode.UNAUTHENTICATED: Exit.USAGE,
    grpc.StatusCode.UNAVAILABLE: Exit.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Exit.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exit.UNAVAILABLE,
    grpc.StatusCode.ABORTED: Exit.UNAVAILABLE,
}


class Failure(Exception):
    """Ends the command; `reasons` are shown to the user in the chosen language."""

    def __init__(self, exit_code: Exit, reasons: Sequence[reason_pb2.Reason]) -> None:
        super().__init__(", ".join(given.code for given in reasons))
        self.exit_code = exit_code
        self.reasons = reasons


def coded(code: str, field: str = "", /, **values: object) -> reason_pb2.Reason:
    """A reason of our own, with its text in both languages."""
    return reason_message(reason(code, field, **values))


def said(given: reason_pb2.Reason, language: Language) -> str:
    return given.text_zh if language is Language.ZH else given.text_en


@contextmanager
def asking_broker(bootstrap: str) -> Iterator[None]:
    """Turns an error of the broker into a Failure."""
    try:
        yield
    except KafkaError as error:
        away = error.retriable or isinstance(error, KafkaTimeoutError)
        told = coded("CLI_BROKER_AWAY", address=bootstrap, error=type(error).__name__)
        raise Failure(Exit.UNAVAILABLE if away else Exit.INTERNAL, [told]) from error


@contextmanager
def asking_service(target: str) -> Iterator[None]:
    """Turns a gRPC error into a Failure."""
    try:
        yield
    except grpc.RpcError as error:
        raise from_rpc(error, target) from error


def from_rpc(error: Any, target: str) -> Failure:
    """What a service answered, or that it did not."""
    exit_code = _EXIT_OF.get(error.code(), Exit.INTERNAL)
    status = rpc_status.from_call(error)
    if status is None:
        return Failure(exit_code, [coded("CLI_NO_ANSWER", target=target, status=error.code().name)])
    return Failure(exit_code, reasons_of(status.details) or [coded("INTERNAL_ERROR")])


def reasons_of(details: Sequence[AnyProto]) -> list[reason_pb2.Reason]:
    """One for each field at fault, the first with the words the service chose; or the one it gave."""
    first, texts, violations = reason_pb2.Reason(), {}, []
    for detail in details:
        info, words, wrong = (
            error_details_pb2.ErrorInfo(),
            error_details_pb2.LocalizedMessage(),
            error_details_pb2.BadRequest(),
        )
        if detail.Unpack(info):
            first.code = info.reason
        elif detail.Unpack(words):
            texts[words.locale] = words.message
        elif detail.Unpack(wrong):
            violations = list(wrong.field_violations)
    first.text_zh, first.text_en = texts.get(Language.ZH, ""), texts.get(Language.EN, "")
    if not violations:
        return [first] if first.code else []
    first.field = violations[0].field
    return [first, *(_located(violation) for violation in violations[1:])]


def _located(violation: error_details_pb2.BadRequest.FieldViolation) -> reason_pb2.Reason:
    return reason_pb2.Reason(
        code=violation.reason,
        field=violation.field,
        text_zh=violation.localized_message.message,
        text_en=violation.description,
    )
