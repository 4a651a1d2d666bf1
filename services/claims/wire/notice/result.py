"""The first part: the outcome, each line with its sum, what it is worth knowing about them, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from services.claims.model import Benefit, Determination, Facts, Line, LineKind, Payee, State, StepView
from services.claims.wire.notice import words
from services.claims.wire.notice.employer import owed_fen
from services.claims.wire.notice.found import line_name
from services.claims.wire.notice.layout import table, wrapped
from services.claims.wire.notice.steps import resting_on
from services.claims.wire.notice.sure import legend, mark_of, strongest
from services.kit.messages import Language, text
from services.kit.money import yuan

_COLUMNS: Final = ("BENEFIT", "OUTCOME", "AMOUNT", "PAYEE")
_UNSET: Final = {"PARAMETER_UNSET": "NOTICE_WAITS_FOR", "PARAMETER_NOT_IN_FORCE": "NOTICE_NOT_HELD"}


def part(
    determination: Determination, facts: Facts, place: Mapping[str, str], language: Language, *, stored: bool
) -> list[str]:
    """`place` has the letter or numeral of each part of the page, by its code."""
    said = text(f"NOTICE_{'RESULT' if stored else 'WOULD'}_{determination.outcome}", language)
    lines = wrapped(said, "  ")
    if names := _placeholders(determination, language):
        warning = text("NOTICE_ON_PLACEHOLDERS", language, names=names, place=place["NOTICE_PART_SURE"])
        lines += ["", *wrapped(warning, "  ! ", "    ")]
    lines += ["", *_table(determination, facts, language)] if determination.lines else []
    sentences = list(_sentences(determination, facts, place, language))
    lines += [""] if sentences else []
    return lines + [line for sentence in sentences for line in wrapped(sentence, "  - ", "    ")]


def _table(determination: Determination, facts: Facts, language: Language) -> list[str]:
    lines = determination.lines
    marks = [mark_of(resting_on(line, determination)) for line in lines]
    head = [text(f"NOTICE_COLUMN_{name}", language) for name in _COLUMNS]
    head[2] += "  "
    body = [
        (
            line_name(line, facts, lines, language),
            text(f"NOTICE_OUTCOME_{line.outcome}", language),
            f"{_amount(line, language)} {mark}",
            text(f"NOTICE_PAYEE_{line.payee}", language) if line.payee and line.amount_fen else "",
        )
        for line, mark in zip(lines, marks, strict=True)
    ]
    with_sum = len(lines) > 1 and any(line.amount_fen for line in lines)
    made = table(head, body, list(_sums(lines, strongest(marks), language)) if with_sum else ())
    return [*made, *legend(marks, language)]


def _sums(lines: tuple[Line, ...], mark: str, language: Language) -> Iterator[tuple[str, str, str, str]]:
    by_payee: dict[Payee, int] = {}
    for line in lines:
        if line.payee and line.amount_fen:
            by_payee[line.payee] = by_payee.get(line.payee, 0) + line.amount_fen
    code = "NOTICE_SUM_SO_FAR" if any(line.outcome is State.PENDED for line in lines) else "NOTICE_SUM"
    yield text(code, language), "", f"{yuan(sum(by_payee.values()))} {mark}", ""
    if len(by_payee) > 1:
        for payee, fen in by_payee.items():
            to = text("NOTICE_SUM_TO", language, payee=text(f"NOTICE_PAYEE_{payee}", language))
            yield to, "", f"{yuan(fen)} {mark}", ""


def _amount(line: Line, language: Language) -> str:
    return text("NOTICE_AMOUNT_OPEN", language) if line.outcome is State.PENDED else yuan(line.amount_fen)


def _placeholders(determination: Determination, language: Language) -> str:
    """What the authority has not set and a line rests on, in words, each once."""
    views = [view for line in determination.lines for view in resting_on(line, determination)]
    names = [words.parameter(view.parameter, language) for view in views if view.status == "placeholder"]
    return words.listed(dict.fromkeys(names), language)


def _sentences(
    determination: Determination, facts: Facts, place: Mapping[str, str], language: Language
) -> Iterator[str]:
    figures = determination.figures
    yield from _reasons(determination, facts, language)
    if determination.lines and Benefit.ALLOWANCE in facts.benefits and not _has_allowance(determination):
        category = text(f"CATEGORY_{facts.insured.category}", language)
        yield text("NOTICE_NO_ALLOWANCE", language, category=category[:1].upper() + category[1:])
    if figures.leave_days and figures.leave_end:
        yield text(
            "NOTICE_LEAVE" if figures.payee else "NOTICE_LEAVE_UNPAID",
            language,
            days=words.days(figures.leave_days, language),
            start=words.day(facts.event.date, language),
            end=words.day(figures.leave_end, language),
            fund_days=words.days(figures.fund_days, language),
        )
    if figures.father_leave_days:
        yield text("NOTICE_LEAVE_FATHER", language, days=words.days(figures.father_leave_days, language))
    if owed := owed_fen(figures):
        yield text("NOTICE_SEE_EMPLOYER", language, amount=yuan(owed), place=place["NOTICE_PART_EMPLOYER"])


def _has_allowance(determination: Determination) -> bool:
    return any(line.kind is LineKind.ALLOWANCE for line in determination.lines)


def _reasons(determination: Determination, facts: Facts, language: Language) -> Iterator[str]:
    """Why, and what to do next; by line where it is not so of all lines."""
    views = [StepView.of(step) for step in determination.steps()]
    for code in determination.reasons:
        said = text(code, language)
        named = [line for line in determination.lines if code in line.reasons]
        if named and len(named) < len(determination.lines):
            names = [line_name(line, facts, determination.lines, language) for line in named]
            said = words.of(words.listed(names, language), said, language)
        yield said + _detail(code, views, language)


def _detail(code: str, views: list[StepView], language: Language) -> str:
    gap = "" if language is Language.ZH else " "
    if code == "FACT_OUT_OF_RANGE":
        fields = next(view.values["fields"] for view in views if view.rule == "OUT_OF_RANGE")
        return gap + text("NOTICE_FIELDS", language, fields=words.value("fields", fields, language))
    if code == "PARAMETER_UNSET":
        return "".join(gap + said for said in _waited_for(views, language))
    return ""


def _waited_for(views: list[StepView], language: Language) -> Iterator[str]:
    """What the authority has yet to set, and what is older than the law that is held: nobody will set that any more."""
    for rule, sentence in _UNSET.items():
        names = dict.fromkeys(words.parameter(view.values["name"], language) for view in views if view.rule == rule)
        if names:
            yield text(sentence, language, names=words.listed(names, language))
