"""The law as text: the one canonical form that is hashed, stored with every determination, and restored from there.

Stored law was checked when it was read from its files, and must be restored for ever. So nothing is judged here: what
the files may say can become stricter without locking out what was decided before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from services.kit.law.model import Citation, Dated, Parameter
from services.kit.law.values import Status, Value, text_of


def canonical(data: object) -> str:
    """The one way data becomes JSON where bytes are compared."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()


def content_of(parameters: Mapping[str, Parameter]) -> str:
    return canonical({name: as_data(parameter) for name, parameter in parameters.items()})


def parameters_in(content: str) -> dict[str, Parameter]:
    return {name: _parameter(name, raw) for name, raw in orjson.loads(content).items()}


def as_data(parameter: Parameter) -> dict[str, Any]:
    """The parameter as its file has it; what decides nothing (notes, when it was last looked up) is left out."""
    metadata: dict[str, Any] = {
        "unit": parameter.unit,
        "key_date": parameter.key_date,
        "status": _statuses(parameter),
        "mandatory": "true" if parameter.mandatory else "false",
        "reference": {dated.since.isoformat(): [_cited(one) for one in dated.citations] for dated in parameter.values},
    }
    if parameter.codes is not None:
        metadata["codes"] = parameter.codes
    return {
        "description": parameter.description,
        "metadata": metadata,
        "values": {dated.since.isoformat(): {"value": value_data(dated.value)} for dated in parameter.values},
    }


def _statuses(parameter: Parameter) -> Status | dict[str, Status]:
    """One word where every value is as sure as the others."""
    by_date = {dated.since.isoformat(): dated.status for dated in parameter.values}
    return by_date if len(set(by_date.values())) > 1 else parameter.status


def _cited(citation: Citation) -> dict[str, str]:
    return {name: text for name, text in citation._asdict().items() if text or name != "href"}


def value_data(value: Value) -> str | tuple[str, ...] | None:
    return value if value is None or isinstance(value, tuple) else text_of(value)


def _parameter(name: str, raw: Mapping[str, Any]) -> Parameter:
    metadata = raw["metadata"]
    unit, status, reference = metadata["unit"], metadata["status"], metadata["reference"]
    values = []
    for since, given in raw["values"].items():
        first, *further = (Citation(**cited) for cited in reference[since])
        sure = status[since] if isinstance(status, dict) else status
        value = _value(unit, given["value"])
        values.append(
            Dated(name, value, date.fromisoformat(since), first.title, first.title_en, sure, first.href, tuple(further))
        )
    return Parameter(
        name,
        raw["description"],
        unit,
        metadata["key_date"],
        metadata["mandatory"] == "true",
        tuple(dated.since for dated in values),
        tuple(values),
        tuple(metadata["codes"]) if "codes" in metadata else None,
    )


def _value(unit: str, stored: Any) -> Value:
    if stored is None:
        return None
    match unit:
        case "boolean":
            return bool(stored == "true")
        case "date":
            return date.fromisoformat(stored)
        case "code":
            return str(stored)
        case "codes":
            return tuple(stored)
        case _:
            return Decimal(stored)
