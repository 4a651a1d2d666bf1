"""The scheme as data: whole, true to its sums, read strictly, restored from what was stored."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from services.certification.model import Dimension, IndicatorKind, Kind, Size
from services.certification.rules import schemes, shipped
from services.kit.law import ParameterError
from tests.certification.sheets import LATEST, indicator

FOLDER = Path(__file__).parents[2] / "services" / "certification" / "schemes" / "1"


def test_version_1_has_its_61_indicators() -> None:
    count = Counter(one.kind for one in LATEST.indicators)

    assert dict(count) == {IndicatorKind.GATE: 8, IndicatorKind.SCORED: 48, IndicatorKind.BONUS: 5}
    assert {one: len(LATEST.of(IndicatorKind.SCORED, one)) for one in Dimension} == dict(
        zip(Dimension, (6, 8, 11, 8, 8, 7), strict=True)
    )
    assert [int(LATEST.dimensions[one].most) for one in Dimension] == [10, 15, 25, 20, 20, 10]


def test_thresholds_floor_clocks_and_validity_are_those_of_the_draft() -> None:
    figures = {name: one.value for name, one in LATEST.figures.items()}

    for kind in Kind:
        assert [figures[f"threshold.{kind.lower()}.{size.lower()}"] for size in Size] == [70, 60]
    assert (figures["floor.maternity_protection"], figures["bonus.cap"], figures["size.sme_below"]) == (15, 5, 300)
    assert [figures[f"validity.{kind.lower()}"] for kind in Kind] == [3, 2, 3]
    assert [figures[f"report.{name}"] for name in ("window", "suspended_after", "revoked_after")] == [60, 30, 90]
    assert (figures["lock_out"], figures["report.lock_out"], figures["step.public_notice"]) == (3, 0, 5)


def test_everything_that_a_city_has_yet_to_approve_is_a_placeholder() -> None:
    assert set(LATEST.figures) - set(LATEST.placeholders()) == {"reconsideration.asked_within"}
    assert {one.status for one in LATEST.indicators} == {"placeholder"}
    assert {one.law_status for one in LATEST.indicators} == {"confirmed", "secondary"}


def test_every_figure_cites_its_law_in_both_languages() -> None:
    assert all(one.citation and one.citation_en for one in LATEST.figures.values())
    assert "162号 10" in LATEST.figures["bonus.cap"].citation


def test_what_has_to_be_stated_is_told_by_indicator() -> None:
    assert indicator("attitude.staff_survey").quantities() == ("satisfied", "answers", "asked")
    assert indicator("career.women_in_management").quantities() == ("women_managers", "managers")
    assert all(one.quantities() for one in LATEST.indicators)


# --- stored and restored ----------------------------------------------------------------------------------------------


def test_a_version_is_restored_from_its_content() -> None:
    again = schemes.from_content(LATEST.content)

    assert (again, again.digest) == (LATEST, LATEST.digest)
    assert again.indicators == LATEST.indicators
    assert dict(again.figures) == dict(LATEST.figures)


def test_layout_and_remarks_do_not_change_the_digest(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    change(folder, "scheme", lambda text: "# another remark\n" + text)

    assert schemes.read(folder).digest == LATEST.digest


def test_any_other_change_does(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    change(
        folder, "scheme", lambda text: text.replace("threshold.new.sme: {value: 60", "threshold.new.sme: {value: 61")
    )

    assert schemes.read(folder).digest != LATEST.digest


def test_an_application_goes_by_the_version_in_force_on_its_day() -> None:
    first = replace(LATEST, version=1, in_force_from=date(2027, 1, 1))
    second = replace(LATEST, version=2, in_force_from=date(2028, 7, 1))
    held = {1: first, 2: second, 3: replace(LATEST, version=3)}

    assert schemes.version_on(held, date(2026, 12, 31)) is None
    assert schemes.version_on(held, date(2027, 1, 1)) is first
    assert schemes.version_on(held, date(2028, 6, 30)) is first
    assert schemes.version_on(held, date(2028, 7, 1)) is second
    assert schemes.version_on(shipped(), date(2099, 1, 1)) is None, "nobody has put version 1 into force"


# --- figures of one case ----------------------------------------------------------------------------------------------


def test_a_figure_given_for_one_case_is_that_of_the_case_alone() -> None:
    given = schemes.given(LATEST, {"threshold.new.sme": "65"})

    assert given.figures["threshold.new.sme"].count == 65
    assert LATEST.figures["threshold.new.sme"].count == 60
    assert given.figures["threshold.new.sme"].status == "confirmed"
    assert given.digest != LATEST.digest
    assert schemes.given(LATEST, {}) is LATEST


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        ({"threshold.new.smee": "65"}, "LAW_PARAMETER_UNKNOWN_NEAR"),
        ({"threshold.new.sme": "much"}, "LAW_NOT_DECIMAL"),
        ({"threshold.new.sme": "null"}, "LAW_NOT_DECIMAL"),
        ({"validity.new": "3.5"}, "LAW_NOT_WHOLE"),
        ({"validity.new": "101"}, "LAW_TOO_LARGE"),
        ({"transition.ends_on": "2028-13-01"}, "LAW_NOT_DATE"),
        ({"step.total": "61"}, "SCHEME_SUM"),
    ],
)
def test_a_figure_that_does_not_fit_is_refused(figures: dict[str, str], code: str) -> None:
    with pytest.raises(ParameterError) as refused:
        schemes.given(LATEST, figures)

    assert [problem.code for problem in refused.value.problems] == [code]


# --- strictly ---------------------------------------------------------------------------------------------------------


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "1"))


def change(folder: Path, name: str, how: Callable[[str], str]) -> None:
    path = folder / f"{name}.yaml"
    before = path.read_text("utf-8")
    after = how(before)
    assert after != before, "the test changes nothing"
    path.write_text(after, "utf-8")


def once(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("name", "how", "code", "path"),
    [
        ("attitude", once("  points: 2\n", "  points: 3\n"), "SCHEME_SUM", "indicators"),
        ("attitude", once("  points: 2\n", "  points: 3\n"), "SCHEME_TIERS", "indicators[0].tiers"),
        ("attitude", once("attitude.leader_named", "attitude.policy_published"), "SCHEME_ID_TWICE", "indicators[0].id"),
        ("attitude", once("attitude.leader_named", "career.leader_named"), "SCHEME_ID_ELSEWHERE", "indicators[1].id"),
        ("attitude", once("  points: 2\n", "  point: 2\n"), "LAW_KEY_UNKNOWN", "indicators[0].point"),
        ("attitude", once("  points: 2\n", ""), "LAW_KEY_MISSING", "indicators[0].points"),
        ("attitude", once("  points: 2\n", "  points: 2\n  points: 2\n"), "LAW_KEY_TWICE", "indicators[0].points"),
        ("attitude", once("  points: 2\n", "  points: two\n"), "LAW_NOT_DECIMAL", "indicators[0].points"),
        ("attitude", once("HB:attitude", "HC:attitude"), "LAW_NOT_ONE_OF", "indicators[0].law[1]"),
        ("attitude", once("POLICY_DOC", "POLICY"), "LAW_NOT_ONE_OF", "indicators[0].evidence.kinds[0]"),
        ("attitude", once("SME", "SMALL"), "LAW_NOT_ONE_OF", "indicators[0].applies.sizes[1]"),
        ("attitude", once("{is: published}", "{if: published}"), "LAW_KEY_UNKNOWN", "indicators[0].measure.if"),
        ("attitude", once("{is: published}", "{part: published}"), "SCHEME_MEASURE", "indicators[0].measure"),
        ("attitude", once("{is: true,", "{at_least: 1,"), "LAW_NOT_ONE_OF", "indicators[0].tiers[0].is"),
        ("attitude", once("status: placeholder", "status: maybe"), "LAW_NOT_ONE_OF", "indicators[0].status"),
        ("attitude", once("source: APPLICANT", "source: HEARSAY"), "LAW_NOT_ONE_OF", "indicators[0].source"),
        ("attitude", once("{at_least: 0.70, points: 1}", "{points: 1}"), "SCHEME_BOUND", "indicators[3].tiers[1]"),
        ("gates", once("GATE_ARREARS", "GATE_DEBTS"), "LAW_NOT_ONE_OF", "indicators[3].reason"),
        ("gates", once("fact: arrears", "fact: debts"), "LAW_NOT_ONE_OF", "indicators[3].fact"),
        ("scheme", once("max: 10}", "max: 11}"), "SCHEME_SUM", "dimensions"),
        ("scheme", once("  bonus.cap:", "  bonus.most:"), "SCHEME_FIGURES_MISSING", "figures"),
        ("scheme", once("step.total: {value: 60", "step.total: {value: 59"), "SCHEME_SUM", "figures.step.total"),
        ("scheme", once("unit: working-day", "unit: week"), "LAW_NOT_ONE_OF", "figures.report.checked_within.unit"),
        ("scheme", once("  FALSE_DATA:", "  FALSE_DATUM:"), "LAW_NOT_ONE_OF", "vetoes.FALSE_DATUM"),
        ("scheme", once("drafted_on: 2026-11-23", "drafted_on: 2026-11-31"), "LAW_NOT_DATE", "drafted_on"),
        ("scheme", once("version: 1", "versions: 1"), "LAW_KEY_UNKNOWN", "versions"),
        ("scheme", once('en: "unset; ', 'english: "unset; '), "LAW_KEY_UNKNOWN", "issuer.english"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_version_is_told_by_file_line_and_path(
    tmp_path: Path, name: str, how: Callable[[str], str], code: str, path: str
) -> None:
    folder = copied(tmp_path)
    change(folder, name, how)

    with pytest.raises(ParameterError) as refused:
        schemes.read(folder)

    found = [one for one in refused.value.problems if (one.code, one.field) == (code, path)]
    assert found, [one.place + " " + one.code for one in refused.value.problems]
    assert found[0].file.endswith(f"{name}.yaml")
    assert found[0].line > 0


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    change(folder, "attitude", once("source: APPLICANT", "source: HEARSAY"))
    change(folder, "career", once("  points: 2\n", "  points: 1\n"))

    with pytest.raises(ParameterError) as refused:
        schemes.read(folder)

    assert {Path(one.file).name for one in refused.value.problems} == {"attitude.yaml", "career.yaml"}


def test_a_file_too_few_and_one_too_many_are_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "bonus.yaml").rename(folder / "bonuses.yaml")

    with pytest.raises(ParameterError) as refused:
        schemes.read(folder)

    assert {(Path(one.file).name, one.code) for one in refused.value.problems} == {
        ("bonuses.yaml", "LAW_FILE_NAME"), ("bonus.yaml", "LAW_FILE_UNREADABLE"),
    }  # fmt: skip
