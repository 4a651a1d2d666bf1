"""What is no indicator in a version of the scheme: laws, dimensions, figures, terms, events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar

from services.certification.model import Cited, Dimension, DimensionOf, Event, Why, Words
from services.certification.rules.schemes import fields
from services.kit.law import Dated
from services.kit.law.page import Page, below
from services.kit.law.values import UNITS, Unfit, day_of, value_of, within_reason
from services.kit.messages import reason

CodeT = TypeVar("CodeT", bound=StrEnum)
KEYS: Final = (
    "id", "version", *fields.WORDS, "drafted_on", "in_force_from", "notice", "issuer", "laws", "dimensions", "figures",
    "terms", "evidence_kinds", "admission", "vetoes", "suspensions", "statements",
)  # fmt: skip
_FIGURE: Final = ("value", "unit", "status", "law", *fields.WORDS)
_OF_EVENT: Final = ("law", "status", *fields.WORDS)
_OF_EVENT_TOO: Final = ("reason", "law_status", "proof", "ends")
_DAYS: Final = frozenset({"transition.starts_on", "transition.ends_on"})
_SUM: Final = ("completeness", "screening", "assessment", "verification", "review", "public_notice", "decision")


def day(page: Page, path: str, given: Any) -> date:
    try:
        return day_of(given)
    except ValueError:
        page.wrong(path, reason("LAW_NOT_DATE", given=given))
        return date.min


def laws(page: Page, raw: Mapping[str, Any]) -> dict[str, Cited]:
    keys = (*fields.WORDS, "status")
    return {
        code: Cited(fields.words(page, path, one), fields.status(page, f"{path}.status", one.get("status")))
        for code, path, one in _inside(page, raw, "laws", keys, keys)
    }


def dimensions(page: Page, raw: Mapping[str, Any]) -> dict[Dimension, DimensionOf]:
    keys = (*fields.WORDS, "max")
    page.mapping("dimensions", raw.get("dimensions"), tuple(map(str, Dimension)), tuple(map(str, Dimension)))
    found = {
        Dimension(name): DimensionOf(
            fields.words(page, path, one),
            fields.number(page, f"{path}.max", one.get("max")),
            fields.code(page, f"{path}.floor_reason", one["floor_reason"], Why) if "floor_reason" in one else None,
        )
        for name, path, one in _inside(page, raw, "dimensions", (*keys, "floor_reason"), keys)
        if name in set(Dimension)
    }
    if (total := sum(one.most for one in found.values())) != _ALL_POINTS:
        page.wrong("dimensions", reason("SCHEME_SUM", got=total, due=_ALL_POINTS))
    return found


_ALL_POINTS: Final = 100


def figures(page: Page, raw: Mapping[str, Any], cited: Mapping[str, Cited], since: date) -> dict[str, Dated]:
    found: dict[str, Dated] = {}
    for name, path, one in _inside(page, raw, "figures", _FIGURE, _FIGURE):
        unit = page.one_of(f"{path}.unit", one.get("unit"), UNITS)
        law = fields.cited(page, f"{path}.law", one.get("law"), cited)
        status = fields.status(page, f"{path}.status", one.get("status"))
        fields.words(page, path, one)
        try:
            value = value_of(unit, one.get("value"), None) if unit else None
            within_reason(name, unit, value)
        except Unfit as error:
            page.wrong(f"{path}.value", error.reason)
            continue
        if name in FIGURES and not isinstance(value, date if name in _DAYS else Decimal):
            page.wrong(f"{path}.value", reason("LAW_NOT_DATE" if name in _DAYS else "LAW_NOT_DECIMAL", given=value))
            continue
        found[name] = Dated(name, value, since, _citation(cited, law, 0), _citation(cited, law, 1), status)
    given = raw.get("figures") or {}
    if missing := [name for name in FIGURES if name not in given]:
        page.wrong("figures", reason("SCHEME_FIGURES_MISSING", names=", ".join(missing)))
    elif set(FIGURES) <= set(found) and (
        (total := sum(found[f"step.{one}"].count for one in _SUM)) != found["step.total"].count
    ):
        page.wrong("figures.step.total", reason("SCHEME_SUM", got=total, due=found["step.total"].count))
    return found


def _citation(cited: Mapping[str, Cited], law: tuple[str, ...], language: int) -> str:
    found = [(cited[code].words[language], article) for code, _, article in (one.partition(":") for one in law)
             if code in cited]  # fmt: skip
    return "; ".join(f"{title} {article}".strip() for title, article in found)


def terms(page: Page, raw: Mapping[str, Any]) -> dict[str, Words]:
    keys = (*fields.WORDS, "status")
    return {name: fields.words(page, path, one) for name, path, one in _inside(page, raw, "terms", keys, keys)}


def evidence_kinds(page: Page, raw: Mapping[str, Any]) -> dict[str, Words]:
    keys = fields.WORDS
    return {name: fields.words(page, path, one) for name, path, one in _inside(page, raw, "evidence_kinds", keys, keys)}


def events(
    page: Page, raw: Mapping[str, Any], name: str, codes: type[CodeT], cited: Mapping[str, Cited]
) -> dict[CodeT, Event]:
    """Vetoes and suspensions are named by their codes, conditions of admission by their reasons."""
    found: dict[CodeT, Event] = {}
    for key, path, one in _inside(page, raw, name, (*_OF_EVENT, *_OF_EVENT_TOO), _OF_EVENT):
        place = f"{path}.reason" if "reason" in one else path
        code = fields.code(page, place, one.get("reason", key), codes)
        law = fields.cited(page, f"{path}.law", one.get("law"), cited)
        found[code] = Event(
            fields.words(page, path, one), law, fields.status(page, f"{path}.status", one.get("status"))
        )
    if missing := [code for code in codes if code not in found]:
        page.wrong(name, reason("SCHEME_FIGURES_MISSING", names=", ".join(missing)))
    return found


def statements(page: Page, raw: Mapping[str, Any]) -> dict[str, dict[str, Words]]:
    groups = page.mapping("statements", raw.get("statements"))
    return {
        group: {
            name: fields.words(page, path, one)
            for name, path, one in _inside(page, groups, group, fields.WORDS, fields.WORDS, at="statements")
        }
        for group in groups
    }


def _inside(
    page: Page, raw: Mapping[str, Any], name: str, known: tuple[str, ...], needed: tuple[str, ...], *, at: str = ""
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Key, path and mapping of everything under a name."""
    root = below(at, name)
    for key, one in page.mapping(root, raw.get(name)).items():
        path = below(root, key)
        yield key, path, page.mapping(path, one, known, needed)


# What rules and clocks read; a version that lacks one cannot be read.
FIGURES: Final = (
    "size.sme_below",
    *[f"threshold.{kind}.{size}" for kind in ("new", "extension", "recertification") for size in ("large", "sme")],
    "floor.maternity_protection",
    "bonus.cap",
    "manual_review.share_above",
    "assessors.gap_above",
    "period.months",
    "period.months_min",
    "small_numbers.below",
    "small_numbers.lookback",
    "small_numbers.exclusions_max",
    "validity.new",
    "validity.extension",
    "validity.recertification",
    "validity.window",
    "validity.while_deciding",
    "report.window",
    "report.reminded_after",
    "report.suspended_after",
    "report.revoked_after",
    "report.lock_out",
    "lock_out",
    *[f"step.{step}" for step in (*_SUM, "correction", "information", "total")],
    "review.asked_within",
    "review.decided_within",
    "review.extended_by",
    "transition.starts_on",
    "transition.ends_on",
    "transition.months_min",
)
