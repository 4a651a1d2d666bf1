"""From the rows of a file to messages by protobuf's JSON mapping. What does not fit is told by its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from cradle.claims.v1 import intake_pb2
from cradle.common.v1 import reason_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from services.cli.failures import coded

_NUMBERS: Final = {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
}
_MESSAGES: Final = {field.name for field in intake_pb2.ClaimIntake.DESCRIPTOR.fields}
_TIMESTAMP: Final = "google.protobuf.Timestamp"
_DATE: Final = "google.type.Date"


def to_intake(content: object) -> tuple[intake_pb2.ClaimIntake, list[reason_pb2.Reason]]:
    """`submit: {claim: ...}`, `replace: {claim: ..., revision: n}`, `void: {...}`, `control_totals: {...}`, or a bare
    claim, which is submitted.
    """
    intake = intake_pb2.ClaimIntake()
    if isinstance(content, Mapping) and not content.keys() & _MESSAGES:
        intake.submit.claim.SetInParent()
        return intake, fill(intake.submit.claim, content)
    return intake, fill(intake, content)


def fill(message: Message, content: object) -> list[reason_pb2.Reason]:
    """Fill a message, and answer everything that does not fit, coded and located. No value is repeated.

    Protobuf itself stops at the first problem and does not always say where, so a refused content is walked again.
    """
    if isinstance(content, dict) and _taken(content, message):
        return []
    descriptor = cast("Descriptor", message.DESCRIPTOR)
    return list(_problems(descriptor, content, "")) or [coded("CLI_NOT_THE_MESSAGE")]


def _taken(content: dict[str, Any], message: Message) -> bool:
    try:
        json_format.ParseDict(content, message)
    except (json_format.ParseError, TypeError, AttributeError):
        return False
    return True


def _problems(descriptor: Descriptor, content: object, path: str) -> Iterator[reason_pb2.Reason]:
    if not isinstance(content, Mapping):
        yield coded("CLI_WANTED_DATE" if descriptor.full_name == _DATE else "CLI_WANTED_OBJECT", path)
        return
    fields = {name: field for field in descriptor.fields for name in (field.name, field.json_name)}
    for name, value in content.items():
        here = f"{path}.{name}" if path else str(name)
        if name not in fields:
            yield coded("CLI_FIELD_UNKNOWN", here, known=", ".join(field.name for field in descriptor.fields))
        elif value is not None:
            yield from _field_problems(fields[name], value, here)


def _field_problems(field: FieldDescriptor, value: object, path: str) -> Iterator[reason_pb2.Reason]:
    inside = field.message_type
    if inside is not None and inside.GetOptions().map_entry:
        if not isinstance(value, Mapping):
            yield coded("CLI_WANTED_OBJECT", path)
            return
        for key, item in value.items():
            if not _fits(field, {key: item}):
                yield _wanted(inside.fields_by_name["value"], f"{path}[{key}]")
    elif field.is_repeated:
        if not isinstance(value, list):
            yield coded("CLI_WANTED_LIST", path)
            return
        for place, item in enumerate(value):
            yield from _one_problem(field, item, [item], f"{path}[{place}]")
    else:
        yield from _one_problem(field, value, value, path)


def _one_problem(field: FieldDescriptor, value: object, whole: object, path: str) -> Iterator[reason_pb2.Reason]:
    if field.message_type is not None and field.message_type.full_name != _TIMESTAMP:
        yield from _problems(field.message_type, value, path)
    elif not _fits(field, whole):
        yield _wanted(field, path)


def _fits(field: FieldDescriptor, value: object) -> bool:
    """Whether protobuf itself takes the value for this field alone."""
    owner = field.containing_type
    if owner is None:
        raise ValueError(f"{field.full_name} is an extension")
    return _taken({field.name: value}, message_factory.GetMessageClass(owner)())


def _wanted(field: FieldDescriptor, path: str) -> reason_pb2.Reason:
    """What the field wants instead."""
    if field.enum_type is not None:
        names = ", ".join(value.name for value in field.enum_type.values if value.number)
        return coded("CLI_WANTED_CODE", path, known=names)
    if field.message_type is not None:
        return coded("CLI_WANTED_TIME", path)
    if field.cpp_type in _NUMBERS:
        return coded("CLI_WANTED_NUMBER", path)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return coded("CLI_WANTED_BOOLEAN", path)
    return coded("CLI_WANTED_TEXT", path)
