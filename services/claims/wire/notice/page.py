"""The page: its head, its parts in order, its foot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from services.claims.model import Claim, Determination, Facts, State, Step, StepView
from services.claims.wire.notice import employer, found, result, steps, sure, words
from services.claims.wire.notice.layout import WIDTH, rows, wrapped
from services.kit.law import Law
from services.kit.messages import Language, Reason, reason, text

_OPEN: Final = {State.PENDED, State.ERROR}
_OF_LEAVE: Final = ("LEAVE_", "FUND_", "GESTATION_", "THIRD_CHILD_", "FATHER")
_DIGEST_SHOWN: Final = 16
_ENDED: Final = {State.VOIDED: "NOTICE_SINCE_VOIDED", State.REVERSED: "NOTICE_SINCE_REVERSED"}


class Subject(NamedTuple):
    """The claim that was decided, as its sender knows it."""

    number: str
    source: str
    revision: int
    since: Reason | None = None


class Group(NamedTuple):
    """Steps that belong together, by their numbers on the page."""

    title: str
    steps: tuple[tuple[int, Step], ...]


def since(claim: Claim, revision: int) -> Reason | None:
    """What has become of the claim since, where this revision's determination no longer says how it stands."""
    if code := _ENDED.get(claim.state):
        return reason(code)
    return reason("NOTICE_SINCE_REVISED", revision=claim.revision) if revision < claim.revision else None


def notice(  # noqa: PLR0917  # all of it is on the notice
    subject: Subject | None,
    determination: Determination,
    facts: Facts,
    law: Law,
    rules_revision: str,
    language: Language,
    appealed: Sequence[Reason] = (),
) -> str:
    """The notice as it would be handed over. Without a subject nothing is stored; it says that it decides nothing."""
    groups = _groups(determination, facts, language)
    owed = _employers(determination, sum(len(group.steps) for group in groups))
    every = [numbered for group in groups for numbered in group.steps] + owed
    parts = {
        "NOTICE_PART_RESULT": [],
        "NOTICE_PART_FACTS" if subject else "NOTICE_PART_FACTS_STATED": rows(found.rows(facts, language)),
        "NOTICE_PART_STEPS": _steps(groups, law, language),
        "NOTICE_PART_EMPLOYER": employer.part(determination, facts, owed, law, language),
        "NOTICE_PART_SURE": sure.part(every, law, language),
        "NOTICE_PART_REMEDY": [
            *_remedy(subject, determination, language),
            *[line for one in appealed for line in wrapped(one.text(language), "  ")],
        ],
    }
    shown = {code: lines for code, lines in parts.items() if lines or code == "NOTICE_PART_RESULT"}
    place = dict(zip(shown, text("NOTICE_PLACES", language), strict=False))
    shown["NOTICE_PART_RESULT"] = result.part(determination, facts, place, language, stored=subject is not None)
    page = _head(subject, determination, facts, language)
    for code, lines in shown.items():
        stop = "、" if language is Language.ZH else ". "
        page += ["", f"{place[code]}{stop}{text(code, language)}", *lines]
    return "\n".join([*page, "", *_foot(subject, law, rules_revision, language)])


def _head(subject: Subject | None, determination: Determination, facts: Facts, language: Language) -> list[str]:
    is_open = determination.outcome in _OPEN
    day = words.day(facts.decision_date, language)
    if subject is None:
        title = text("NOTICE_TITLE_CALCULATION", language)
        return [
            *_titled(title),
            *wrapped(text("NOTICE_IS_CALCULATION", language)),
            *rows([(text("NOTICE_DATED", language), day)], ""),
        ]
    number = text("NOTICE_NUMBER_IS", language, number=subject.number, revision=subject.revision)
    return [
        *_titled(text("NOTICE_TITLE_OPEN" if is_open else "NOTICE_TITLE", language)),
        *rows(
            [
                (text("NOTICE_NUMBER", language), number),
                (text("NOTICE_DATED" if is_open else "NOTICE_DECIDED", language), day),
            ],
            "",
        ),
        *(["", *wrapped(subject.since.text(language), "! ", "  ")] if subject.since else []),
    ]


def _titled(title: str) -> list[str]:
    return [title, "=" * WIDTH]


def _groups(determination: Determination, facts: Facts, language: Language) -> list[Group]:
    """The steps of the whole claim, then those of each line. The employer's stand in a part of their own."""
    shared = [step for step in determination.trace if StepView.of(step).rule not in steps.OF_EMPLOYER]
    of_leave = all(StepView.of(step).rule.startswith(_OF_LEAVE) for step in shared)
    title = text("NOTICE_GROUP_LEAVE" if of_leave else "NOTICE_GROUP_CLAIM", language)
    named = [(title, shared)]
    named += [
        (found.line_name(line, facts, determination.lines, language), list(steps.of_line(line, determination)))
        for line in determination.lines
    ]
    groups, count = [], 0
    for title, given in named:
        if given:
            groups.append(Group(title, tuple(enumerate(given, count + 1))))
            count += len(given)
    return groups


def _employers(determination: Determination, before: int) -> list[tuple[int, Step]]:
    owed = [step for step in determination.trace if StepView.of(step).rule in steps.OF_EMPLOYER]
    return list(enumerate(owed, before + 1))


def _steps(groups: list[Group], law: Law, language: Language) -> list[str]:
    lines: list[str] = []
    for group in groups:
        lines += wrapped(f"〔{group.title}〕" if language is Language.ZH else f"[{group.title}]", "  ")
        lines += steps.numbered(group.steps, law, language)
    return lines


def _remedy(subject: Subject | None, determination: Determination, language: Language) -> list[str]:
    if subject is None:
        codes = ["NOTICE_REMEDY_CALCULATION", "NOTICE_HOTLINE"]
    elif determination.outcome in _OPEN:
        codes = ["NOTICE_REMEDY_OPEN", "NOTICE_HOTLINE"]
    else:
        codes = ["NOTICE_CHECK", "NOTICE_REMEDY", "NOTICE_HOTLINE"]
    return [line for code in codes for line in wrapped(text(code, language), "  ")]


def _foot(subject: Subject | None, law: Law, rules: str, language: Language) -> Iterator[str]:
    yield "-" * WIDTH
    digest = law.digest[:_DIGEST_SHOWN]
    if subject is None:
        yield from wrapped(text("NOTICE_LAW", language, rules=rules, digest=digest))
        return
    yield from wrapped(text("NOTICE_NAMES_NOBODY", language))
    yield from wrapped(text("NOTICE_LAW_SOURCE", language, source=subject.source, rules=rules, digest=digest))
    yield ""
    yield text("NOTICE_SEAL", language)
