"""`cradle registry` against the whole system: a monthly file, every kind of row, and an erasure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cradle.registry.v1 import service_pb2, service_pb2_grpc
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.cli.main import app
from services.kit import rpc
from tests.builders import id_number, month, uscc
from tests.cli import builders
from tests.cli.tax_lines import row, write

pytestmark = pytest.mark.integration
Cradle = Callable[..., Result]


@pytest.fixture(scope="module")
def cradle(stack: Stack) -> Cradle:
    def run(*arguments: object, typed: str | None = None) -> Result:
        env = {**stack.environment, "LANG": "C"}
        return CliRunner(env=env).invoke(app, list(map(str, arguments)), input=typed)

    return run


def ask(stack: Stack, number: str) -> service_pb2.CoverageAnswer:
    with rpc.blocking_channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        request = service_pb2.BatchGetCoverageRequest(
            queries=[service_pb2.CoverageQuery(person_id_number=number)], purpose="a test"
        )
        stub = service_pb2_grpc.RegistryServiceStub(channel)
        answer: service_pb2.CoverageAnswer = stub.BatchGetCoverage(request, timeout=10).answers[0]
        return answer


def data(result: Result) -> Any:
    return json.loads(result.stdout)


def told(path: Path) -> list[tuple[int, str, str]]:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [(line["row"], line["code"], line["field"]) for line in lines]


def test_a_monthly_file_is_taken_row_by_row_and_twice_is_once(cradle: Cradle, stack: Stack, tmp_path: Path) -> None:
    good, late, other = id_number(), id_number(), id_number()
    rows = [
        row(1, good),
        row(2, late, month="202512", kind="20"),
        row(3, other),
        row(4, other, uscc=uscc()),
        row(5, other, month="202601", base="-6000.00", kind="90"),
        row(6, f"{good[:17]}?"),
    ]
    file, errors = write(tmp_path / "march.txt", rows, encoding="gbk"), tmp_path / "errors.ndjson"
    command = ("registry", "import", file, "--errors", errors, "--output", "json")

    tried, first, again = cradle(*command, "--dry-run"), cradle(*command), cradle(*command)

    assert [one.exit_code for one in (tried, first, again)] == [1, 1, 1]
    assert told(errors) == [
        (5, "EMPLOYER_UNKNOWN", "employer_uscc"),
        (6, "CONTRIBUTION_NOT_ON_FILE", "taken_back[0].month"),
        (7, "ID_NUMBER_CHECK_DIGIT", "person_id_number"),
    ]
    shown = [
        (data(one)["recorded"], data(one)["unchanged"], data(one)["rejected_rows"]) for one in (tried, first, again)
    ]
    assert shown == [(3, 0, 3), (3, 0, 3), (0, 3, 3)]
    assert (data(tried)["dry_run"], data(first)["contributions"]) == (True, 3)
    answer = ask(stack, good)
    assert [(one.first_month, one.last_month) for one in answer.paid_months] == [(month("2026-03"), month("2026-03"))]
    assert answer.reported_to_month == month("2026-03")
    assert [one.month for one in ask(stack, late).back_paid] == [month("2025-12")]


def test_a_clean_file_is_done_and_says_so_in_both_languages(cradle: Cradle, tmp_path: Path) -> None:
    file = write(tmp_path / "march.txt", [row(1, id_number())])

    english, chinese = cradle("registry", "import", file), cradle("registry", "import", file, "--language", "zh-CN")

    assert (english.exit_code, chinese.exit_code) == (0, 0)
    assert "1 said something new" in english.stdout
    assert "1 条与已登记的相同" in chinese.stdout


def test_every_kind_of_row_is_taken_in_whichever_order(cradle: Cradle, stack: Stack, tmp_path: Path) -> None:
    number, code, hospital = id_number(), uscc(), f"H{uscc()[8:17]}"
    rows = [
        {"household": {"mother_id_number": number, "children": [child(hospital)]}},
        {"contributions": {"person_id_number": number, "paid": [{"month": 24314, "paid_on": day(2026, 4, 8)}]}},
        {"coverage": {"person_id_number": number, "coverage": [span(code)]}},
        {"provider": provider(hospital)},
        {"employer": {**builders.employer(), "uscc": code}},
        {"employer": {}, "person": {}},
        {"nobody": {}},
    ]
    file, errors = builders.write_lines(tmp_path / "rows.ndjson", rows), tmp_path / "errors.ndjson"

    result = cradle("registry", "import", file, "--errors", errors, "--output", "json")

    assert told(errors) == [(6, "CLI_ROW_UNKNOWN", ""), (7, "CLI_ROW_UNKNOWN", "")]
    counts = {
        name: data(result)[name] for name in ("employers", "providers", "coverage", "contributions", "households")
    }
    assert counts == dict.fromkeys(counts, 1)
    answer = ask(stack, number)
    assert (answer.category, answer.insured_by != "") == (service_pb2.CATEGORY_EMPLOYEE, True)

    # and read back, one by one
    why = ("--purpose", "a test")
    for what, named, words in (
        ("employer", code, ("太白某机械有限公司", builders.COUNTY, "8,000.00")),
        ("provider", hospital, ("二级医院", "610304")),
        ("household", answer.person, ("2026-03", answer.person)),
        ("person", answer.person, ("职工", code, "2026-03", "密封")),
    ):
        shown = cradle("registry", "show", what, named, *why, "--language", "zh-CN")
        assert shown.exit_code == 0
        assert not [word for word in words if word not in shown.stdout]
        assert cradle("registry", "show", what, str(uuid4()), *why).exit_code == 3
    by_number = cradle(
        "registry", "show", "person", *why, "--on", "2023-12-31", "--output", "json", typed=f"{number}\n"
    )
    assert (data(by_number)["person"], data(by_number)["coverage"]) == (answer.person, [])
    early = cradle("registry", "show", "person", answer.person, *why, "--known-on", "2020-01-01", "--output", "json")
    assert (data(early)["coverage"], data(early)["paid_months"]) == ([], [])
    assert number not in by_number.output
    assert cradle("registry", "show", "person", answer.person).exit_code == 2


def day(year: int, month_: int, day_: int) -> dict[str, int]:
    return {"year": year, "month": month_, "day": day_}


def child(hospital: str) -> dict[str, Any]:
    certificate = f"W{uscc()[8:]}"
    born = {"certificate_number": certificate, "birth_date": day(2026, 3, 10), "birth_order": 1}
    return {**born, "provider_code": hospital}


def span(code: str) -> dict[str, Any]:
    return {"category": "CATEGORY_EMPLOYEE", "employer_uscc": code, "first_day": day(2024, 1, 1)}


def provider(code: str) -> dict[str, Any]:
    contract = {"level": "PROVIDER_LEVEL_SECONDARY", "first_day": day(2020, 1, 1)}
    return {"code": code, "name": "宝鸡测试医院", "county": "610304", "contracts": [contract]}


def test_an_erasure_asks_first_and_is_done_once(cradle: Cradle, stack: Stack, tmp_path: Path) -> None:
    number = id_number()
    cradle("registry", "import", write(tmp_path / "march.txt", [row(1, number)]))
    reference = ask(stack, number).person

    refused = cradle("registry", "erase", "--reason", "a test", typed=f"{number}\nn\n")
    by_number = cradle("registry", "erase", "--reason", "a test", "--yes", "--output", "json", typed=f"{number}\n")
    again = cradle("registry", "erase", reference, "--reason", "a test")

    assert (refused.exit_code, by_number.exit_code, again.exit_code) == (1, 0, 0)
    assert data(by_number)["person"] == reference
    assert not data(by_number)["erased_before"]
    assert "had been erased before" in again.stdout
    assert not any(number in one.output for one in (refused, by_number, again))


@pytest.mark.parametrize("reference", ["nobody", "01930000-0000-7000-8000-000000000000"])
def test_whom_nobody_knows_is_not_erased(cradle: Cradle, reference: str) -> None:
    result = cradle("registry", "erase", reference, "--reason", "a test", "--yes")

    assert result.exit_code == (2 if reference == "nobody" else 3)
    assert "Traceback" not in result.output


def test_how_an_employer_stands_is_recorded_and_shown(cradle: Cradle, tmp_path: Path) -> None:
    code, number = uscc(), id_number()
    imported = [
        {"arrears": {"employer_uscc": code, "arrears": [arrear(2026, 4, 30)]}},
        {"person": {**builders.person(1), "person_id_number": number, "employer_uscc": code}},
        {"employer": {**builders.employer(), "uscc": code}},
    ]
    case = {"number": f"L-{code}", "employer_uscc": code, "kind": "VIOLATION_KIND_DISCRIMINATION"}
    talked = {**case, "opened_on": day(2026, 5, 1), "talked_on": day(2026, 5, 8), "due_on": day(2026, 5, 20)}
    file = builders.write_lines(tmp_path / "violations.ndjson", [talked])
    wrong = builders.write_lines(tmp_path / "wrong.ndjson", [talked, {**talked, "kind": "RUDENESS"}])
    late = builders.write_lines(tmp_path / "late.ndjson", [{**talked, "due_on": day(2026, 5, 7)}])
    shown = ("registry", "standing", code, "--on", "2026-06-01", "--purpose", "a test")

    taken = cradle("registry", "import", builders.write_lines(tmp_path / "rows.ndjson", imported), "--output", "json")
    refused = [cradle("registry", "violations", one) for one in (wrong, late)]
    done = [cradle("registry", "violations", file, *more) for more in (("--dry-run",), (), ())]
    answer, chinese = cradle(*shown, "--output", "json"), cradle(*shown, "--language", "zh-CN")
    unknown = cradle("registry", "standing", uscc(), "--on", "2026-06-01", "--purpose", "a test")

    assert (taken.exit_code, data(taken)["arrears"]) == (0, 1)
    assert [one.exit_code for one in refused] == [2, 2]
    assert "violations[1].kind" in refused[0].output
    assert "DATES_OUT_OF_ORDER" in refused[1].output
    assert [one.stdout.split(";")[1].split()[0] for one in done] == ["1", "1", "0"]
    (found,) = data(answer)["answers"]
    assert (found["insured"], found["unpaid_fen"], found["unpaid_since"]["day"]) == ("1", "70000", 1)
    assert [(one["number"], one["state"]) for one in found["violations"]] == [(f"L-{code}", "VIOLATION_STATE_TALKED")]
    assert (chinese.exit_code, unknown.exit_code) == (0, 3)
    assert "就业性别歧视" in chinese.stdout
    assert "700.00" in chinese.stdout


def arrear(*due: int) -> dict[str, Any]:
    return {"month": 24314, "due_on": day(*due), "amount_fen": 70_000}
