"""The command as a user has it, against the whole system."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.cli.main import app
from tests.cli import builders

pytestmark = pytest.mark.integration

Cradle = Callable[..., Result]


@pytest.fixture(scope="module")
def cradle(stack: Stack) -> Cradle:
    def run(*arguments: object, **env: str) -> Result:
        return CliRunner(env={**stack.environment, "LANG": "C", **env}).invoke(app, list(map(str, arguments)))

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def imported(cradle: Cradle, folder: Path) -> Result:
    rows = [
        {"person": builders.person(1)},
        {"person": builders.person(2, name="")},
        {"employer": builders.employer()},
        {"person": builders.person(3, employer_uscc="91610331MA6X000009")},
        {"person": builders.person(4)},
        {"person": builders.person(5, category="EMPLOYEE")},
    ]
    file = builders.write_lines(folder / "registry.ndjson", rows)
    return cradle("registry", "import", file, "--errors", folder / "errors.ndjson", "--output", "json")


@pytest.fixture(scope="module")
def submitted(cradle: Cradle, folder: Path, imported: Result) -> Result:
    claims = [
        {"submit": {"claim": builders.claim("CLI-1", 1)}},
        builders.claim("CLI-2", 4, county="999999"),
        builders.claim("CLI-3", 4, employer_uscc="1", claimed_fen=-1),
        builders.claim("CLI-4", 99),
        {"replace": {"claim": builders.claim("CLI-5", 4), "revision": 3}},
    ]
    file = builders.write_lines(folder / "claims.ndjson", claims)
    return cradle("claims", "submit", file, "--source", "counter", "--output", "json")


def data(result: Result) -> Any:
    return json.loads(result.stdout)


def test_an_import_takes_the_good_rows_and_tells_the_others(imported: Result, folder: Path) -> None:
    errors = [json.loads(line) for line in (folder / "errors.ndjson").read_text("utf-8").splitlines()]

    assert imported.exit_code == 1
    assert (data(imported)["employers"], data(imported)["persons"], data(imported)["rejected_rows"]) == (1, 2, 3)
    assert [(error["row"], error["field"]) for error in errors] == [(2, "name"), (4, "employer_uscc"), (6, "category")]
    assert not any(builders.id_number(serial) in str(errors) for serial in range(6))


def test_every_claim_gets_its_own_receipt(submitted: Result) -> None:
    receipts = {one["claim_number"]: one["receipt"] for one in data(submitted)["results"]}

    assert submitted.exit_code == 1  # some were returned
    assert {number: receipt["status"] for number, receipt in receipts.items()} == {
        "CLI-1": "RECEIPT_STATUS_DETERMINED",
        "CLI-2": "RECEIPT_STATUS_RETURNED",
        "CLI-3": "RECEIPT_STATUS_RETURNED",
        "CLI-4": "RECEIPT_STATUS_PENDED",
        "CLI-5": "RECEIPT_STATUS_RETURNED",
    }
    assert receipts["CLI-1"]["allowance_fen"] == "2613333"
    assert all(one["receipt"]["position"] == one["position"] for one in data(submitted)["results"])


def test_the_same_again_is_a_duplicate_and_done(cradle: Cradle, submitted: Result, folder: Path) -> None:
    file = builders.write_lines(folder / "again.ndjson", [builders.claim("CLI-1", 1)])

    result = cradle("claims", "submit", file, "--source", "counter", "--language", "zh-CN")

    assert result.exit_code == 0
    assert "重复" in result.stdout


def test_a_claim_is_shown_with_its_determination(cradle: Cradle, submitted: Result) -> None:
    result = cradle("claims", "show", "counter/CLI-1")

    assert result.exit_code == 0
    assert "26,133.33" in result.stdout
    name = data(cradle("claims", "show", "counter/CLI-1", "--output", "json"))["name"]
    assert cradle("claims", "show", name).stdout == result.stdout


def test_a_determination_is_explained_in_both_languages(cradle: Cradle, submitted: Result) -> None:
    english = cradle("claims", "explain", "counter/CLI-1", "--language", "en")
    chinese = cradle("claims", "explain", "counter/CLI-1", LANG="zh_CN.UTF-8")

    assert (english.exit_code, chinese.exit_code) == (0, 0)
    assert "Decision on maternity insurance benefits" in english.stdout
    assert "26,133.33" in english.stdout
    assert "生育津贴" in chinese.stdout
    assert "26,133.33" in chinese.stdout


def test_a_list_is_the_same_page_by_page(cradle: Cradle, submitted: Result) -> None:
    asked = ("claims", "list", "--county", builders.COUNTY, "--source", "counter", "--output", "json")

    whole = data(cradle(*asked))["claims"]
    paged = data(cradle(*asked, "--page-size", 1))["claims"]

    assert ours(whole) == ["CLI-1", "CLI-4"]
    assert paged == whole
    assert data(cradle(*asked, "--limit", 1))["claims"] == whole[:1]
    assert ours(data(cradle(*asked, "--state", "PENDED"))["claims"]) == ["CLI-4"]


def ours(claims: list[dict[str, Any]]) -> list[str]:
    """The numbers sent here; others may have sent claims of the same county before."""
    return sorted(claim["claim_number"] for claim in claims if claim["claim_number"].startswith("CLI-"))


@pytest.mark.parametrize(
    "command",
    [
        ("claims", "show", "counter/none"),
        ("claims", "explain", "counter/none"),
        ("parked", "show", "987654"),
        ("parked", "replay", "987654", "--dry-run"),
    ],
)
def test_what_is_not_there_is_exit_code_3(cradle: Cradle, command: tuple[str, ...]) -> None:
    result = cradle(*command, "--language", "zh-CN")

    assert result.exit_code == 3
    assert "NOT_FOUND" in result.stderr
    assert "没有找到" in result.stderr
    assert result.stdout == ""


def test_a_name_of_the_wrong_form_is_wrong_usage(cradle: Cradle) -> None:
    assert cradle("claims", "show", "none").exit_code == 2


@pytest.mark.parametrize(
    ("command", "variable"),
    [
        (("claims", "list"), "CRADLE_CLAIMS_TARGET"),
        (("parked", "list"), "CRADLE_CLAIMS_TARGET"),
        (("topics",), "KAFKA_BOOTSTRAP_SERVERS"),
    ],
)
def test_a_service_that_is_away_is_exit_code_4(cradle: Cradle, command: tuple[str, ...], variable: str) -> None:
    result = cradle(*command, **{variable: "127.0.0.1:1"})

    assert result.exit_code == 4
    assert "127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.output


def test_sending_without_waiting_is_done_when_the_broker_has_it(
    cradle: Cradle, submitted: Result, folder: Path
) -> None:
    file = builders.write_lines(folder / "hasty.ndjson", [builders.claim("CLI-1", 1)])

    assert cradle("claims", "submit", file, "--source", "counter", "--no-wait").exit_code == 0
    assert cradle("claims", "submit", file, "--source", "counter", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1").exit_code == 4


def test_topics_tell_what_lies_in_them(cradle: Cradle, submitted: Result) -> None:
    topics = {topic["topic"]: topic for topic in data(cradle("topics", "--output", "json"))["topics"]}

    assert topics["claims.receipt.v1.counter"]["records"] >= 5
    assert topics["claims.receipt.v1.counter"]["lag"] is None
    assert len(topics["claims.intake.v1.counter"]["partitions"]) == 6


def test_the_parked_records_are_listed(cradle: Cradle, submitted: Result) -> None:
    assert data(cradle("parked", "list", "--output", "json")).keys() == {"records", "total"}


def test_the_doctor_finds_a_healthy_system_and_what_is_wrong_with_another(cradle: Cradle, submitted: Result) -> None:
    healthy = cradle("doctor", "--output", "json")
    assert [check for check in data(healthy)["checks"] if not check["ok"]] == []
    assert healthy.exit_code == 0

    ill = cradle("doctor", "--output", "json", CRADLE_REGISTRY_TARGET="127.0.0.1:1", CRADLE_SOURCES="counter,elsewhere")
    assert ill.exit_code == 1
    assert [check["name"] for check in data(ill)["checks"] if not check["ok"]] == ["topics", "service", "registry"]
