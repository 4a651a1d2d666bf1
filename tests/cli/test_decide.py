"""`cradle claims decide` and `cradle calc`: the calculators, without any service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.claims import rules
from services.cli.main import app

NOTHING_SET = dict.fromkeys(
    ["KAFKA_BOOTSTRAP_SERVERS", "CRADLE_CLAIMS_TARGET", "CRADLE_REGISTRY_TARGET", "CRADLE_SOURCES", "LANG"]
)
FACTS = """
decision_date: 2026-03-20
event: {type: DELIVERY, date: 2026-03-10, delivery_mode: VAGINAL, birth_order: 1}
insured: {category: EMPLOYEE, own_monthly_wage_fen: 600000, paid_months: ["2024-01..2026-03"]}
employer: {average_monthly_wage_fen: {2025: 600000}}
"""


def cradle(*arguments: str, given: str = "") -> Result:
    return CliRunner(env=NOTHING_SET).invoke(app, arguments, input=given)


def decide(facts: str, *options: str) -> Result:
    return cradle("claims", "decide", "-f", "-", *options, given=facts)


def data(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def wrapped(parameters: str) -> str:
    return f"parameters: {parameters}\nfacts:\n" + FACTS.strip("\n").replace("\n", "\n  ").join(("  ", "\n"))


# --- decide -------------------------------------------------------------------------------------------------------


def test_the_notice_is_printed_in_either_language() -> None:
    english, chinese = decide(FACTS, "--language", "en"), decide(FACTS, "--language", "zh-CN")

    assert (english.exit_code, chinese.exit_code) == (0, 0)
    assert "19,600.00" in english.stdout
    assert "19,600.00" in chinese.stdout
    assert "生育津贴" in chinese.stdout


def test_the_figures_are_given_as_data() -> None:
    found = data(decide(FACTS, "--output", "json"))

    determination = found["determination"]
    assert (determination["outcome"], determination["leave_days"], determination["allowance_fen"]) == (
        "APPROVED",
        158,
        1_960_000,
    )
    assert determination["leave_end"] == "2026-08-14"
    assert [line["kind"] for line in determination["lines"]] == ["ALLOWANCE"]
    assert any(step["parameter"] == "leave.maternity.base_days" for step in determination["steps"])
    assert found["law_digest"] == rules.LAW.digest
    assert found["rules_revision"] == rules.REVISION
    assert "allowance.min_continuous_months" in found["placeholders"]


def test_a_file_is_read_like_standard_input(tmp_path: Path) -> None:
    (tmp_path / "facts.yaml").write_text(FACTS, "utf-8")

    assert cradle("claims", "decide", "--file", str(tmp_path / "facts.yaml")).stdout == decide(FACTS).stdout


def test_json_is_read_too() -> None:
    facts = {
        "decision_date": "2026-03-20",
        "event": {"type": "MISCARRIAGE", "date": "2026-03-10", "gestation_days": 112},
        "insured": {"category": "EMPLOYEE", "paid_months": ["2024-01..2026-03"]},
        "employer": {"average_monthly_wage_fen": {"2025": 600000}},
    }

    found = data(decide(json.dumps(facts, indent="\t"), "--output", "json"))

    assert found["determination"]["allowance_fen"] == 840_000
    assert found["determination"]["employer_leave_fen"] is None


def test_parameters_hold_for_one_calculation() -> None:
    given = wrapped("{allowance.fund_days.local60: true}")

    found = data(decide(given, "--output", "json"))

    assert found["determination"]["allowance_fen"] == 3_160_000
    assert found["law_digest"] != rules.LAW.digest
    assert "allowance.fund_days.local60" not in found["placeholders"]


def test_a_citys_own_law_is_laid_over_the_shipped_one(tmp_path: Path) -> None:
    folder = tmp_path / "allowance"
    folder.mkdir()
    (folder / "min_continuous_months.yaml").write_text(
        """metadata:
  status: confirmed
  reference:
    2022-05-25: [{title: 市政府文件, title_en: a document of the city}]
values:
  2022-05-25: {value: 60}
""",
        "utf-8",
    )

    found = data(decide(FACTS, "--law", str(tmp_path), "--output", "json"))

    assert found["determination"]["reasons"] == ["CONTRIB_SHORT"]
    assert found["law_digest"] != rules.LAW.digest


def test_a_refusal_is_an_answer() -> None:
    result = decide(FACTS.replace("2024-01..", "2026-01.."), "--language", "en")

    assert result.exit_code == 0
    assert "not paid" in result.stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (FACTS.replace(", birth_order: 1", ""), "FACT_MISSING stdin:3 event.birth_order"),
        (FACTS.replace("600000,", "6000.5,"), "FACT_NOT_MONEY stdin:4 insured.own_monthly_wage_fen"),
        (FACTS + "notes: x\n", "FACT_UNKNOWN stdin:6 notes"),
        (wrapped("{allowance.x: 1}"), "LAW_PARAMETER_UNKNOWN_NEAR stdin:1 parameters.allowance.x"),
        (wrapped("{allowance.divisor: abc}"), "LAW_NOT_DECIMAL stdin:1 parameters.allowance.divisor"),
        (wrapped("{allowance.divisor: 0}"), "LAW_DIVISOR_BELOW_ONE stdin:1 parameters.allowance.divisor"),
        (wrapped("{medical.spouse.pct: 50}"), "LAW_SHARE_ABOVE_ONE stdin:1 parameters.medical.spouse.pct"),
        (wrapped("{}") + "expect: {}\n", "CASE_KEY_UNKNOWN stdin:7 expect"),
        ("- 1\n", "FACT_NOT_MAPPING stdin:1"),
        ("a: [\n", "LAW_FILE_UNREADABLE stdin:2"),
        ("", "CLI_FILE_EMPTY stdin"),
    ],
)
def test_what_cannot_be_decided_is_told_with_its_line(given: str, told: str) -> None:
    result = decide(given)

    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""


def test_a_law_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = decide(FACTS, "--law", str(tmp_path / "none"))

    assert result.exit_code == 2
    assert "LAW_" in result.stderr


@pytest.mark.parametrize("father", ["", "father: {leave_requested: true}\n"])
def test_a_day_before_the_law_waits_or_is_refused_and_never_breaks(father: str) -> None:
    early = FACTS.replace("2026-", "2021-").replace("2024-01", "2019-01").replace("2025:", "2020:") + father

    result = decide(early, "--language", "en")

    assert result.exit_code in {0, 2}
    assert "Traceback" not in result.output


# --- calc ---------------------------------------------------------------------------------------------------------

# months = (birth year + 3 - 2025) x 12 + birth month for births of 2022 to 2024; 300 yuan a month, 3 600 a year
CHILD_CARE = [
    ("2021-12-31", 0, 0, []),
    ("2022-01-01", 1, 30_000, [30_000]),
    ("2022-12-31", 12, 360_000, [360_000]),
    ("2023-01-01", 13, 390_000, [360_000, 30_000]),
    ("2023-06-15", 18, 540_000, [360_000, 180_000]),
    ("2023-12-10", 24, 720_000, [360_000, 360_000]),
    ("2024-02-29", 26, 780_000, [360_000, 360_000, 60_000]),
    ("2024-06-30", 30, 900_000, [360_000, 360_000, 180_000]),
    ("2024-12-31", 36, 1_080_000, [360_000, 360_000, 360_000]),
    ("2025-01-01", 36, 1_080_000, [360_000, 360_000, 360_000]),
    ("2025-02-14", 36, 1_080_000, [360_000, 360_000, 360_000]),
]


@pytest.mark.parametrize(("birth", "months", "fen", "years"), CHILD_CARE, ids=[row[0] for row in CHILD_CARE])
def test_the_child_care_allowance(birth: str, months: int, fen: int, years: list[int]) -> None:
    found = data(cradle("calc", "child-care-allowance", "--birth", birth, "--output", "json"))

    assert (found["months"], found["amount_fen"]) == (months, fen)
    assert [one["amount_fen"] for one in found["years"]] == years
    first = max(2025, int(birth[:4]))
    assert [one["year"] for one in found["years"]] == list(range(first, first + len(years)))


# The year is the child's, from birthday to birthday; ten days a year until the third birthday.
PARENTAL = [
    (["2024-05-01"], "2024-04-30", 0),
    (["2024-05-01"], "2024-05-01", 10),
    (["2024-05-01"], "2026-03-10", 10),
    (["2024-05-01"], "2027-04-30", 10),
    (["2024-05-01"], "2027-05-01", 0),
    (["2024-05-01", "2025-12-31"], "2026-03-10", 20),
    (["2024-05-01", "2024-05-01"], "2026-03-10", 20),
    (["2024-02-29"], "2027-02-27", 10),
    (["2024-02-29"], "2027-02-28", 0),
]


@pytest.mark.parametrize(("births", "on", "days"), PARENTAL)
def test_parental_leave(births: list[str], on: str, days: int) -> None:
    options = [part for birth in births for part in ("--birth", birth)]

    assert data(cradle("calc", "parental-leave", *options, "--on", on, "--output", "json"))["days"] == days


def test_the_childs_own_year_is_told() -> None:
    found = data(cradle("calc", "parental-leave", "--birth", "2024-05-01", "--on", "2026-03-10", "--output", "json"))

    assert found["children"] == [
        {"birth": "2024-05-01", "year": 2, "first": "2025-05-01", "last": "2026-04-30", "days": 10}
    ]
    assert all(one["citation_zh"] and one["citation_en"] for one in found["parameters"])


def test_a_calculation_names_its_source_and_how_sure_it_is() -> None:
    english = cradle("calc", "parental-leave", "--birth", "2024-05-01", "--on", "2026-03-10", "--language", "en")
    chinese = cradle("calc", "child-care-allowance", "--birth", "2023-06-15", "--language", "zh-CN")

    assert "10 days of parental leave" in english.stdout
    assert "secondary source" in english.stdout
    assert "5,400.00" in chinese.stdout
    assert "依据：" in chinese.stdout


@pytest.mark.parametrize("day", ["2026-02-30", "20260310", "soon", ""])
def test_a_day_that_is_none_is_told(day: str) -> None:
    result = cradle("calc", "child-care-allowance", "--birth", day)

    assert result.exit_code == 2
    assert "FACT_NOT_DATE --birth" in result.stderr


def test_a_day_before_the_law_is_told() -> None:
    result = cradle("calc", "parental-leave", "--birth", "1999-05-01", "--on", "2000-05-01")

    assert result.exit_code == 2
    assert "DECIDE_PARAMETER_NOT_IN_FORCE" in result.stderr
