"""`cradle cases run`: what passes, what fails, what cannot be judged, and the repository's own cases."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from services.claims.model import Category, DeliveryMode, EventType, Level, OutOfCity, Programme, Surgery
from services.cli.main import app

TESTS = Path(__file__).parents[1]
OURS = sorted((TESTS / "claims" / "cases").glob("*.yaml"))
OF_CERTIFICATION = sorted((TESTS / "certification" / "cases").glob("*.yaml"))
NOTHING_SET = dict.fromkeys(
    ["KAFKA_BOOTSTRAP_SERVERS", "CRADLE_CLAIMS_TARGET", "CRADLE_REGISTRY_TARGET", "CRADLE_SOURCES", "LANG"]
)

PARAMETERS = (
    "{allowance.fund_days.local60: false, allowance.min_continuous_months: 12, payee.direct_person_from: 2025-09-01}"
)
BIRTH = "{type: DELIVERY, date: 2026-03-10, delivery_mode: VAGINAL, birth_order: 1}"
INSURED = '{category: EMPLOYEE, own_monthly_wage_fen: 600000, paid_months: ["2024-01..2026-03"]}'
EMPLOYER = "{average_monthly_wage_fen: {2025: 600000}}"
GOOD = "{outcome: APPROVED, leave_days: 158, leave_end: 2026-08-14, allowance_fen: 1960000, reasons: []}"


def case(**changed: str) -> str:
    """One case as a lawyer writes it; a part given as an empty text is left out."""
    parts = {
        "name": "A birth",
        "ref": "X1",
        "parameters": PARAMETERS,
        "decision_date": "2026-03-20",
        "event": BIRTH,
        "insured": INSURED,
        "employer": EMPLOYER,
        "expect": GOOD,
        **changed,
    }
    lines = ["service: claims", "cases:", f"- name: {parts['name']}", f"  ref: {parts['ref']}"]
    if parts["parameters"]:
        lines.append(f"  parameters: {parts['parameters']}")
    lines.append("  facts:")
    known = ("decision_date", "event", "insured", "employer", "stays", "father", "prior")
    lines += [f"    {name}: {parts[name]}" for name in known if parts.get(name)]
    lines += [f"  expect: {parts['expect']}"] if parts["expect"] else []
    lines += [f"  {name}: {text}" for name, text in changed.items() if name == "expected"]
    return "\n".join(lines) + "\n"


def run(folder: Path, *texts: str, options: tuple[str, ...] = ("--language", "en")) -> Result:
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"cases{number}.yaml")
        files[-1].write_text(text, "utf-8")
    return CliRunner(env=NOTHING_SET).invoke(app, ["cases", "run", *map(str, files), *options])


def judged(folder: Path, *texts: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(folder, *texts, options=("--output", "json")).stdout)
    return found


def problem(folder: Path, **changed: str) -> tuple[str, int, str]:
    """The one problem of a case: its code, its line, its path."""
    (one,) = judged(folder, case(**changed))["results"]
    assert one["status"] == "ERROR"
    (found,) = one["errors"]
    assert found["text_zh"]
    assert found["text_en"]
    return found["code"], found["line"], found["path"]


# --- the repository's own cases -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*OURS, *OF_CERTIFICATION], ids=lambda path: path.stem)
def test_our_own_cases_pass(path: Path) -> None:
    result = CliRunner(env=NOTHING_SET).invoke(app, ["cases", "run", str(path), "--language", "en"])

    assert [line for line in result.stdout.splitlines() if not line.startswith("ok")] == [
        f"{result.stdout.count(chr(10)) - 1} passed, 0 failed"
    ]
    assert result.exit_code == 0


def test_our_own_cases_reach_every_code() -> None:
    text = "".join(path.read_text("utf-8") for path in OURS)
    codes: Counter[str] = Counter()
    for kind in (Category, EventType, DeliveryMode, Level, OutOfCity, Programme):
        codes.update({code: text.count(code) for code in kind})

    assert [code for code, count in codes.items() if not count] == []
    assert all(f"surgery: {code}" in text for code in Surgery)
    assert text.count("- name: ") >= 250


def test_every_worked_case_of_ours_says_what_it_rests_on() -> None:
    for path in [*OURS, *OF_CERTIFICATION]:
        for one in yaml.load(path.read_text("utf-8"), yaml.BaseLoader)["cases"]:  # noqa: S506  # text only
            assert one["name"]
            assert one["law"]
            assert one["expect"]


# --- passing and failing --------------------------------------------------------------------------------------


def test_a_case_that_is_so_passes_in_one_line(tmp_path: Path) -> None:
    result = run(tmp_path, case())

    assert result.stdout.splitlines() == [f"ok     {tmp_path}/cases0.yaml:3  X1  A birth", "1 passed, 0 failed"]
    assert result.exit_code == 0


def test_what_is_not_so_is_shown_expected_and_got(tmp_path: Path) -> None:
    wrong = "{outcome: DENIED, allowance_fen: 1960001, leave_end: 2026-08-13, reasons: [CONTRIB_SHORT], fund_days: 98}"

    result = run(tmp_path, case(), case(expect=wrong))

    assert result.exit_code == 1
    assert result.stdout.splitlines()[1:] == [
        f"FAIL   {tmp_path}/cases1.yaml:3  X1  A birth",
        "       outcome: expected DENIED, got APPROVED",
        "       reasons: expected [CONTRIB_SHORT], got []",
        "       leave_end: expected 2026-08-13, got 2026-08-14",
        "       allowance_fen: expected 1960001, got 1960000",
        "1 passed, 1 failed",
    ]


def test_what_is_not_named_is_not_compared(tmp_path: Path) -> None:
    assert run(tmp_path, case(expect="{payee: PERSON}")).exit_code == 0


def test_nothing_can_be_expected(tmp_path: Path) -> None:
    short = INSURED.replace("2024-01", "2026-01")

    assert run(tmp_path, case(insured=short, expect="{payee: null, outcome: DENIED}")).exit_code == 0
    assert run(tmp_path, case(expect="{payee: null}")).exit_code == 1


def test_reasons_are_sets(tmp_path: Path) -> None:
    medical = (
        "[{hospital: H, level: TERTIARY, admission_date: 2026-03-09, discharge_date: 2026-03-12, policy_range_fen: 5}]"
    )
    both = "{outcome: DENIED, reasons: [DOUBLE_BENEFIT, CONTRIB_SHORT]}"
    prior = "[{kind: RESIDENT_SETTLED, event_date: 2026-03-10}]"
    short = INSURED.replace("2024-01", "2026-01")

    for expected in (both, both.replace("DOUBLE_BENEFIT, CONTRIB_SHORT", "CONTRIB_SHORT, DOUBLE_BENEFIT")):
        assert run(tmp_path, case(stays=medical, prior=prior, insured=short, expect=expected)).exit_code == 0


def test_chinese_says_the_same_and_keeps_the_count(tmp_path: Path) -> None:
    result = run(tmp_path, case(), case(expect="{leave_days: 1}"), options=("--language", "zh-CN"))

    assert "leave_days：预期 1，实得 158" in result.stdout
    assert "1 passed, 1 failed" in result.stdout


def test_json_has_every_result_in_full(tmp_path: Path) -> None:
    found = judged(tmp_path, case(), case(expect="{leave_days: 1}"))

    assert (found["passed"], found["failed"], found["errors"]) == (1, 1, 0)
    first, second = found["results"]
    assert (first["status"], first["line"], first["ref"], first["name"]) == ("ok", 3, "X1", "A birth")
    assert first["result"]["allowance_fen"] == 1_960_000
    assert first["result"]["leave_end"] == "2026-08-14"
    assert len(first["law_digest"]) == 64
    assert second["differences"] == [{"name": "leave_days", "expected": 1, "got": 158}]


def test_the_notice_stands_under_a_case_on_request(tmp_path: Path) -> None:
    plain = run(tmp_path, case())
    explained = run(tmp_path, case(), options=("--language", "en", "--explain"))

    assert "19,600.00" in explained.stdout
    assert len(explained.stdout.splitlines()) > len(plain.stdout.splitlines()) + 20
    assert explained.stdout.splitlines()[-1] == "1 passed, 0 failed"


# --- what cannot be judged ------------------------------------------------------------------------------------


def test_a_parameter_that_is_needed_and_not_given_is_named(tmp_path: Path) -> None:
    given = PARAMETERS.replace("allowance.min_continuous_months: 12,", "")

    result = run(tmp_path, case(parameters=given))

    assert problem(tmp_path, parameters=given) == ("CASE_PARAMETER_UNSET", 5, "parameters")
    assert "allowance.min_continuous_months" in result.stdout
    assert "0 passed, 1 failed, 1 of them" in result.stdout
    assert result.exit_code == 1


def test_a_parameter_that_nothing_reads_need_not_be_given(tmp_path: Path) -> None:
    uninsured = "{category: UNINSURED_EMPLOYEE, own_monthly_wage_fen: 600000}"
    given = "{allowance.fund_days.local60: false}"

    result = run(tmp_path, case(parameters=given, insured=uninsured, expect="{outcome: DENIED}"))

    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"parameters": "{allowance.divsor: 30}"}, ("LAW_PARAMETER_UNKNOWN_NEAR", 5, "parameters.allowance.divsor")),
        (
            {"parameters": "{allowance.min_continuous_months: twelve}"},
            ("LAW_NOT_WHOLE", 5, "parameters.allowance.min_continuous_months"),
        ),
        ({"parameters": "[1]"}, ("FACT_NOT_MAPPING", 5, "parameters")),
        ({"event": BIRTH.replace(", birth_order: 1", "")}, ("FACT_MISSING", 8, "facts.event.birth_order")),
        ({"event": BIRTH.replace(", delivery_mode: VAGINAL", "")}, ("FACT_MISSING", 8, "facts.event.delivery_mode")),
        ({"event": BIRTH.replace("2026-03-10", "2026-02-30")}, ("FACT_NOT_DATE", 8, "facts.event.date")),
        (
            {"event": BIRTH.replace("infants", "x").replace("{", "{infant: 1, ")},
            ("FACT_UNKNOWN", 8, "facts.event.infant"),
        ),
        ({"event": "{type: FAMILY_PLANNING_SURGERY, date: 2026-03-10}"}, ("FACT_MISSING", 8, "facts.event.surgery")),
        ({"decision_date": ""}, ("FACT_MISSING", 6, "facts.decision_date")),
        (
            {"insured": "{category: EMPLOYEE, own_monthly_wage_fen: 6000.5, paid_months: []}"},
            ("FACT_NOT_MONEY", 9, "facts.insured.own_monthly_wage_fen"),
        ),
        (
            {"insured": "{category: EMPLOYEE, own_monthly_wage_fen: 600000}"},
            ("FACT_MISSING", 9, "facts.insured.paid_months"),
        ),
        (
            {
                "insured": '{category: EMPLOYEE, paid_months: ["2024-01..2026-03"]}',
                "expect": "{employer_leave_fen: 1200000}",
            },
            ("FACT_MISSING", 9, "facts.insured.own_monthly_wage_fen"),
        ),
        ({"expect": "{leave_day: 158}"}, ("FACT_UNKNOWN", 11, "expect.leave_day")),
        ({"expect": "{holds: []}"}, ("FACT_UNKNOWN", 11, "expect.holds")),
        ({"expect": "{outcome: APROVED}"}, ("FACT_NOT_CODE", 11, "expect.outcome")),
        ({"expect": "{allowance_fen: 19600.00}"}, ("FACT_NOT_MONEY", 11, "expect.allowance_fen")),
        ({"expect": "{}"}, ("CASE_KEY_MISSING", 11, "expect")),
        ({"expect": ""}, ("CASE_KEY_MISSING", 3, "expect")),
        ({"expected": "{}"}, ("CASE_KEY_UNKNOWN", 12, "expected")),
    ],
)
def test_what_cannot_be_judged_is_told_by_code_line_and_path(
    tmp_path: Path, changed: dict[str, str], expected: tuple[str, int, str]
) -> None:
    assert problem(tmp_path, **changed) == expected


def test_the_employers_wage_of_the_year_before_is_answered_as_in_life(tmp_path: Path) -> None:
    expected = "{outcome: PENDED, reasons: [WAGE_REQUIRED]}"

    assert run(tmp_path, case(employer="", expect=expected)).exit_code == 0


def test_a_case_that_is_no_mapping_is_told(tmp_path: Path) -> None:
    (one,) = judged(tmp_path, "service: claims\ncases:\n- just words\n")["results"]

    assert [(found["code"], found["line"]) for found in one["errors"]] == [("FACT_NOT_MAPPING", 3)]


def test_no_value_of_a_case_is_repeated(tmp_path: Path) -> None:
    number = "61033119930415012X"

    result = run(tmp_path, case(insured=f"{{category: {number}, own_monthly_wage_fen: {number}, {number}: 1}}"))

    assert result.exit_code == 1
    assert number not in result.output


# --- files ----------------------------------------------------------------------------------------------------


def test_a_service_that_is_not_built_yet_fails_and_says_so(tmp_path: Path) -> None:
    text = "service: nursery\ncases:\n- name: one\n- name: two\n"

    result = run(tmp_path, case(), text)

    assert result.exit_code == 1
    assert "CASES_SERVICE_NOT_BUILT" in result.stdout
    assert "The rules of nursery are not built yet" in result.stdout
    assert "1 passed, 2 failed, 2 of them" in result.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("service: housing\ncases: [{}]\n", "CASES_SERVICE_UNKNOWN {0}:1 service"),
        ("cases: [{}]\n", "CASES_SERVICE_UNKNOWN {0}:1 service"),
        ("service: claims\n", "CASES_NONE {0}:1 cases"),
        ("service: claims\ncases: []\n", "CASES_NONE {0}:2 cases"),
        ("service: claims\ncases: [{}]\nmore: 1\n", "CASE_KEY_UNKNOWN {0}:3 more"),
        ("- 1\n", "CASES_SERVICE_UNKNOWN {0}:1 service"),
        ("", "CLI_FILE_EMPTY {0}"),
        ("service: claims\ncases:\n- name: a\n  name: b\n", "LAW_KEY_TWICE {0}:4 cases[0].name"),
        ("service: claims\ncases: [\n", "LAW_FILE_UNREADABLE {0}:3"),
        ("service: claims\ncases: &a [*a]\n", "LAW_FILE_UNREADABLE {0}:2"),
        ("[" * 3000, "LAW_FILE_UNREADABLE {0}:1"),
    ],
)
def test_a_file_that_cannot_be_run_is_told_and_nothing_is_run(tmp_path: Path, text: str, told: str) -> None:
    result = run(tmp_path, case(), text)

    assert result.exit_code == 2
    assert told.format(tmp_path / "cases1.yaml") in result.stderr
    assert result.stdout == ""


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = CliRunner(env=NOTHING_SET).invoke(app, ["cases", "run", str(tmp_path / "none.yaml")])

    assert result.exit_code == 2
    assert "LAW_FILE_UNREADABLE" in result.stderr
    assert "none.yaml" in result.stderr


def test_json_is_a_file_of_cases_too(tmp_path: Path) -> None:
    content = yaml.load(case(), yaml.BaseLoader)  # noqa: S506  # text only
    (tmp_path / "cases.json").write_text(json.dumps(content, indent="\t"), "utf-8")

    result = CliRunner(env=NOTHING_SET).invoke(app, ["cases", "run", str(tmp_path / "cases.json")])

    assert result.exit_code == 0, result.output


def test_cases_may_come_from_standard_input() -> None:
    result = CliRunner(env=NOTHING_SET).invoke(app, ["cases", "run", "-"], input=case())

    assert "stdin:3" in result.stdout
    assert result.exit_code == 0
