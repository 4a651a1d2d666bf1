"""From the table of cases to records: whom each case is about, what is sent, and what is promised for it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

import yaml
from cradle.claims.v1 import intake_pb2
from google.protobuf import json_format
from stdnum.cn import ric, uscc

_TABLE: Final = Path(__file__).with_name("scenarios.yaml")
_AREA: Final = "99"  # no region's code begins so: a number made here is nobody's
_HUGE: Final = 70_000
_TIMES: Final = {"@now": time(1, tzinfo=UTC), "@later": time(1, 0, 1, tzinfo=UTC)}
_NUMBERED: Final = {"submit", "replace", "void"}
_STEP: Final = {"send", "with", "number", "revision", "reason", "bytes", "keyless", "by", "request", "expect"}
_EXPECT: Final = {"status", "outcome", "codes", "refused"}


@dataclass(frozen=True, slots=True)
class Expected:
    """What is promised: a receipt, a refusal, or (of a dry run) neither."""

    status: str = ""
    outcome: str = ""
    codes: tuple[str, ...] = ()  # CODE, or CODE and field
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    case: str
    number: int  # within its case, from 1
    value: bytes
    key_of: str | None  # the ID number whose member key the record bears; None: it bears none
    claim_number: str
    revision: int
    by: Literal["topic", "grpc", "stream"]
    request: Literal["new", "same", "dry"]
    expected: Expected


@dataclass(frozen=True, slots=True)
class Person:
    """A woman of a case, and the employer that insures her."""

    id_number: str
    employer: str


@dataclass(frozen=True, slots=True)
class Play:
    """Everything of one run."""

    run: str
    provider: str
    employers: tuple[str, ...]
    insured: tuple[Person, ...]
    steps: tuple[Step, ...]


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(_TABLE.read_text("utf-8"))["cases"]
    return found


def play(run: str, today: date) -> Play:
    """The table as records of one run; another run has other persons and claim numbers."""
    table = yaml.safe_load(_TABLE.read_text("utf-8"))
    draw = Random(run)  # noqa: S311  # made-up numbers, no secrets
    employers = tuple(_uscc(draw) for _ in range(2))
    provider = f"H{_AREA}{draw.randrange(10**9):09d}"
    insured, steps = [], []
    for case in table["cases"]:
        mother = Person(_id_number(draw, woman=True), employers[0])
        names = {
            "mother": mother.id_number,
            "father": _id_number(draw, woman=False),
            "stranger": _id_number(draw, woman=True),
            "employer": employers[0],
            "other_employer": employers[1],
            "unknown_employer": _uscc(draw),
            "provider": provider,
            "long": "长" * 2001,
        }
        insured.append(mother)
        steps += list(_steps(case, table["base"], run, _Values(names, today, table["stay"])))
    return Play(run, provider, employers, tuple(insured), tuple(steps))


@dataclass(frozen=True, slots=True)
class _Values:
    names: Mapping[str, str]
    today: date
    stay: Mapping[str, Any]

    def of(self, given: Any) -> Any:
        """What a value of the table stands for."""
        match given:
            case dict():
                return {key: self.of(value) for key, value in given.items()}
            case list():
                return [self.of(value) for value in given]
            case "@now" | "@later":
                return datetime.combine(self.today, _TIMES[given]).isoformat()
            case str() if given.startswith("@"):
                day = self.today + timedelta(days=int(given[1:]))
                return {"year": day.year, "month": day.month, "day": day.day}
            case str() if "$" in given:
                name = given.strip().removeprefix("$")
                return given.replace(f"${name}", self.names[name])
            case _:
                return given


def _steps(case: Mapping[str, Any], base: Mapping[str, Any], run: str, values: _Values) -> Iterator[Step]:
    for place, step in enumerate(case["steps"], 1):
        expected = step["expect"]
        if unknown := (set(step) - _STEP) | (set(expected) - _EXPECT):
            raise ValueError(f"{case['case']}: {sorted(unknown)}")
        number = step.get("number", 1)
        claim_number = values.of(number) if isinstance(number, str) else f"CF-{run}-{case['case']}-{number}"[:64]
        revision = step.get("revision", 1)
        prefix = {"submit": "submit.claim.", "replace": "replace.claim."}.get(step["send"], "")
        numbered = step["send"] in _NUMBERED
        yield Step(
            case["case"],
            place,
            _value(step, base, claim_number, values),
            None if step.get("keyless") else values.names["mother"],
            claim_number if numbered else "",
            revision if numbered else 0,
            step.get("by", "topic"),
            step.get("request", "new"),
            Expected(
                expected.get("status", ""),
                expected.get("outcome", ""),
                tuple(_located(code, prefix) for code in expected.get("codes", ())),
                tuple(expected.get("refused", ())),
            ),
        )


def _located(code: str, prefix: str) -> str:
    """A field is written without the path of the claim, unless it is one of the message around it."""
    name, _, field = code.partition(" ")
    if not field or field.startswith(("submit.", "replace.", "void.", "control_totals.")):
        return code
    return f"{name} {prefix}{field}"


def _value(step: Mapping[str, Any], base: Mapping[str, Any], claim_number: str, values: _Values) -> bytes:
    match step["send"]:
        case "empty" | "huge" | "bytes":
            return {"empty": b"", "huge": b"\x0a" * _HUGE}.get(step["send"]) or bytes.fromhex(step.get("bytes", ""))
        case "void":
            given = {"claim_number": claim_number, "revision": step["revision"], "reason": step["reason"]}
            return _encoded({"void": {**given, "submit_time": values.of(base["submit_time"])}})
        case "totals":
            totals = {**step["with"], "submit_time": "@now"}
            return _encoded({"control_totals": values.of(totals)})
        case "submit":
            return _encoded({"submit": {"claim": _claim(step, base, claim_number, values)}})
        case "replace":
            claim = _claim(step, base, claim_number, values)
            return _encoded({"replace": {"claim": claim, "revision": step["revision"]}})
        case other:
            raise ValueError(f"send: {other}")


def _claim(step: Mapping[str, Any], base: Mapping[str, Any], claim_number: str, values: _Values) -> dict[str, Any]:
    claim: dict[str, Any] = {"claim_number": claim_number, **copy.deepcopy(dict(base))}
    for path, value in step.get("with", {}).items():
        *above, last = path.split(".")
        inside: Any = claim
        for name in above:
            inside = inside[int(name) if name.isdigit() else name]
        if value is None:
            del inside[last]
        else:
            is_stays = isinstance(value, list) and set(value) == {"$stay"}
            inside[last] = [copy.deepcopy(dict(values.stay)) for _ in value] if is_stays else value
    made: dict[str, Any] = values.of(claim)
    return made


def _encoded(content: dict[str, Any]) -> bytes:
    return json_format.ParseDict(content, intake_pb2.ClaimIntake()).SerializeToString()


def _id_number(draw: Random, *, woman: bool) -> str:
    born = date(1985, 1, 1) + timedelta(days=draw.randrange(5_000))
    body = f"{_AREA}{draw.randrange(10_000):04d}{born:%Y%m%d}{draw.randrange(50, 499) * 2 + (not woman):03d}"
    return body + str(ric.calc_check_digit(body + "0"))


def _uscc(draw: Random) -> str:
    body = f"91{_AREA}{draw.randrange(10**13):013d}"
    return body + str(uscc.calc_check_digit(body))


def instant() -> datetime:
    return datetime.now(UTC)
