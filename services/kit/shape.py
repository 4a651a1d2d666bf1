"""What the annotations of a message have against it: coded, located, with the bounds or the form that was not met."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from buf.validate import validate_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message as Proto
from protovalidate import Validator

from services.kit.messages import REASONS_MAX, Reason, few, more_reasons, reason

_CODES: Final = {
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
    "map.max_pairs": "TOO_MANY_ITEMS",
    "repeated.unique": "ITEM_TWICE",
}
_LARGE: Final = 1_024  # bytes; a smaller message has room for a few hundred elements
# Signs, for they are read in every language.
_BOUNDS: Final = {
    "gte": "≥",
    "gt": ">",
    "min_len": "≥",
    "min_items": "≥",
    "min_pairs": "≥",
    "lte": "≤",
    "lt": "<",
    "max_len": "≤",
    "max_items": "≤",
    "max_pairs": "≤",
    "not_in": "≠",
    "in": "∈",
}


def shape_problems(validator: Validator, message: Proto) -> list[Reason]:
    """One reason for each field. Where lists are longer than they may be, that alone: every element costs the validator
    its rules, and every fault in one of them far more.
    """
    if message.ByteSize() > _LARGE and (long := list(_too_long(message))):
        return few(long)
    violations: dict[str, Any] = {}
    for violation in validator.collect_violations(message):
        place = violation.proto.field
        path = ".".join(_element(element) for element in place.elements) if place else ""
        violations.setdefault(path, violation)
    told = [_reason(message, violation, path) for path, violation in islice(violations.items(), REASONS_MAX)]
    return told if len(told) == len(violations) else [*told, more_reasons(len(violations) - len(told))]


def _too_long(message: Any, path: str = "") -> Iterator[Reason]:
    """The lists of a message, and of those in it, that have more elements than their annotation allows."""
    for field, value in message.ListFields():
        place = f"{path}{field.name}"
        if not field.is_repeated:
            if field.message_type is not None:
                yield from _too_long(value, f"{place}.")
            continue
        rules = field.GetOptions().Extensions[validate_pb2.field]
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        limit = rules.map.max_pairs if is_map else rules.repeated.max_items
        if limit and len(value) > limit:
            yield reason("TOO_MANY_ITEMS", place, limit=limit)
        elif field.message_type is not None and not is_map:
            for number, one in enumerate(value):
                yield from _too_long(one, f"{place}[{number}].")


def with_content(shape: Sequence[Reason], content: Sequence[Reason]) -> list[Reason]:
    """Both in one answer, so that nobody corrects a message twice; of a field whose shape is wrong only that."""
    if not shape:
        return few(content)
    if len(shape) > REASONS_MAX:
        return list(shape)
    told = {problem.field for problem in shape}
    return few([*shape, *(problem for problem in content if not lies_in(problem.field, told))])


def lies_in(path: str, fields: Collection[str]) -> bool:
    """Whether a field is one of those, or lies in one."""
    while path:
        if path in fields:
            return True
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return False


def _element(element: Any) -> str:
    """One step of a field's path, with its place where the field repeats."""
    subscript = element.subscript
    return f"{element.field_name}[{subscript.value}]" if subscript is not None else str(element.field_name)


def _reason(message: Proto, violation: Any, path: str) -> Reason:
    match code := _CODES.get(violation.proto.rule_id, "FIELD_OUT_OF_RANGE"):
        case "FIELD_TOO_LONG" | "TOO_MANY_ITEMS":
            return reason(code, path, limit=violation.rule_value)
        case "FIELD_MALFORMED" if violation.field_value in {"", b""}:  # a form that nothing does not have
            return reason("FIELD_REQUIRED", path)
        case "FIELD_MALFORMED":
            return reason(code, path, form=_form(violation))
        case "FIELD_OUT_OF_RANGE":
            return reason(code, path, bounds=_bounds(_rules(message, violation)))
        case "FIELD_REQUIRED" if isinstance(stated := violation.field_value, str) and stated:  # too short, that is
            return reason("FIELD_MALFORMED", path, form=f"string[{_bounds(_rules(message, violation))}]")
        case _:
            return reason(code, path)


def _form(violation: Any) -> str:
    match violation.proto.rule_id.split("."):
        case [kind, "len"]:
            return f"{kind}[{violation.rule_value}]"
        case [_, "uuid"]:
            return "UUID"
        case _:
            return str(violation.rule_value)


def _rules(message: Proto, violation: Any) -> Proto:
    """The annotations of the field: of a range the violation holds one end only."""
    holder: Any = message.DESCRIPTOR
    for element in violation.proto.field.elements:
        field = holder.fields_by_number[element.field_number]
        holder = field.message_type
        if holder is not None and holder.GetOptions().map_entry:
            holder = holder.fields_by_name["value"].message_type
    rules: Proto = field.GetOptions().Extensions[validate_pb2.field]
    for element in violation.proto.rule.elements[:-1]:
        rules = getattr(rules, element.field_name)
    return rules


def _bounds(rules: Proto) -> str:
    """As in `≥ 1, ≤ 8`."""
    stated = {field.name: value for field, value in rules.ListFields()}
    return ", ".join(f"{sign} {_figure(stated[name])}" for name, sign in _BOUNDS.items() if name in stated)


def _figure(value: Any) -> str:
    if isinstance(value, Duration):
        return value.ToJsonString()
    return str(value) if isinstance(value, int) else " | ".join(str(one) for one in value)
