"""Protobuf messages of facts as the plain data that a file of facts holds, for the one reader of both."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.type.date_pb2 import Date


def plain(message: Message) -> dict[str, Any]:
    """Names as in the message, dates in ISO form, codes without their enum's name. What is not set is left out."""
    return {field.name: _field(field, value) for field, value in message.ListFields()}


def _field(field: FieldDescriptor, value: Any) -> object:
    inside = field.message_type
    if inside is not None and inside.GetOptions().map_entry:
        of_value = inside.fields_by_name["value"]
        return {str(key): _one(of_value, item) for key, item in value.items()}
    return [_one(field, item) for item in value] if field.is_repeated else _one(field, value)


def _one(field: FieldDescriptor, value: Any) -> object:
    if field.enum_type is not None:
        return _code(field.enum_type, value)
    if isinstance(value, Date):
        return f"{value.year:04d}-{value.month:02d}-{value.day:02d}"
    if field.message_type is None:
        return value
    inside = plain(value)
    return inside.get("spans", []) if field.message_type.name == "MonthSpans" else inside


def _code(enum: EnumDescriptor, number: int) -> str | None:
    """EMPLOYEE of CATEGORY_EMPLOYEE; an enum's zero says that nothing was stated."""
    if not number:
        return None
    prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper()
    return str(enum.values_by_number[number].name).removeprefix(f"{prefix}_")
