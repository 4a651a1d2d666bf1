"""The command as a user has it, against the whole system."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.cli.doctor import SERVICES
from services.cli.main import app
from services.kit.settings import ClientSettings
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


def test_all_four_messages_are_sent_and_each_is_told_what_became_of_it(
    cradle: Cradle, imported: Result, folder: Path
) -> None:
    """A void has the key of its claim, so that it comes after it though both are sent at once."""
    at = "2026-11-21T09:30:00+08:00"
    rows = [
        builders.claim(
            "CLI-V", 1, event={**builders.claim("", 1)["event"], "date": {"year": 2025, "month": 3, "day": 1}}
        ),
        {"void": {"claim_number": "CLI-V", "revision": 1, "reason": "VOID_REASON_ENTERED_TWICE", "submit_time": at}},
        {"void": {"claim_number": "CLI-W", "revision": 1, "reason": "VOID_REASON_ENTERED_TWICE", "submit_time": at}},
        {"control_totals": {"date": {"year": 2026, "month": 11, "day": 2}, "submit_time": at}},
    ]
    file = builders.write_lines(folder / "four.ndjson", rows)

    foreseen = cradle("claims", "submit", file, "--source", "sandbox", "--dry-run", "--output", "json")
    sent = cradle("claims", "submit", file, "--source", "sandbox", "--output", "json")
    shown = cradle("claims", "submit", file, "--source", "sandbox", "--language", "zh-CN")

    assert foreseen.exit_code == 0, foreseen.output
    assert [(one["message"], one["claim_number"], one["reasons"]) for one in data(foreseen)["results"]] == [
        ("submit", "CLI-V", []), ("void", "CLI-V", []), ("void", "CLI-W", []), ("control_totals", "", []),
    ]  # fmt: skip
    assert sent.exit_code == 1
    assert [one["receipt"]["status"].removeprefix("RECEIPT_STATUS_") for one in data(sent)["results"]] == [
        "DETERMINED", "VOIDED", "RETURNED", "TOTALS_AGREE",
    ]  # fmt: skip
    assert "对账 2026-11-02" in shown.stdout
    assert "对账相符" in shown.stdout
    assert "VOID_ALREADY" in shown.stdout


def test_a_dry_run_tells_each_row_what_it_would_be_returned_for_and_sends_nothing(cradle: Cradle, folder: Path) -> None:
    today = {"control_totals": {"date": {"year": 2026, "month": 11, "day": 23}, "submit_time": "2026-11-23T00:00:00Z"}}
    rows = [builders.claim("CLI-D", 4), builders.claim("CLI-D", 4, county="999999"), today, {"void": {"revision": 1}}]
    file = builders.write_lines(folder / "dry.ndjson", rows)

    result = cradle("claims", "submit", file, "--source", "sandbox", "--dry-run", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")

    assert result.exit_code == 1
    for told in ("dry.ndjson:2", "COUNTY_UNKNOWN submit.claim.county", "TOTALS_DAY_NOT_OVER", "dry.ndjson:4"):
        assert told in result.stdout
    assert cradle("claims", "show", "sandbox/CLI-D").exit_code == 3


def test_what_was_not_accepted_is_listed_with_its_reasons_in_either_language(cradle: Cradle, submitted: Result) -> None:
    asked = ("claims", "returned", "--source", "counter", "--status", "RETURNED", "--limit", 1000)

    found = {one["claim_number"]: one for one in data(cradle(*asked, "--output", "json"))["submissions"]}
    chinese, english = cradle(*asked, "--language", "zh-CN").stdout, cradle(*asked, "--reason", "COUNTY_UNKNOWN").stdout

    assert found.keys() >= {"CLI-2", "CLI-3", "CLI-5"}
    assert (found["CLI-2"]["reasons"][0]["code"], found["CLI-2"]["county"]) == ("COUNTY_UNKNOWN", "")
    assert found["CLI-3"]["county"] == builders.COUNTY
    assert "行政区划代码不是宝鸡市的县区代码" in chinese.replace("\n", "").replace(" ", "")
    assert "counter/CLI-2" in english
    assert "counter/CLI-3" not in english
    assert cradle(*asked, "--on", "2020-01-01", "--output", "json").stdout.split() == ["{", '"submissions":', "[]", "}"]


def test_what_offices_got_back_is_listed(cradle: Cradle, imported: Result, folder: Path) -> None:
    bad = builders.write_lines(
        folder / "bad.ndjson", [{"person": builders.person(3, employer_uscc="91610331MA6X000009")}]
    )
    errors = folder / "told.ndjson"
    assert cradle("registry", "import", bad, "--errors", errors).exit_code == 1
    code = json.loads(errors.read_text("utf-8"))["code"]

    asked = ("registry", "returned", "--reason", code)
    found = data(cradle(*asked, "--output", "json"))["statements"]

    assert (found[0]["record_number"], found[0]["reasons"][0]["field"]) == ("row-1", "person.employer_uscc")
    assert "row-1" in cradle(*asked).stdout
    refused = cradle("registry", "returned", "--office", "nobody")
    assert (refused.exit_code, "there are: tax, insurance" in refused.stderr) == (3, True)

    good = builders.write_lines(folder / "good.ndjson", [{"person": builders.person(1)}])
    assert cradle("registry", "import", good, "--errors", errors).exit_code == 0
    assert not errors.exists()  # it would say that something is still wrong


def test_the_totals_of_each_day_are_shown(cradle: Cradle, folder: Path) -> None:
    row = {"control_totals": {"date": {"year": 2026, "month": 11, "day": 4}, "submitted": 3, "claimed_fen": 12345,
                              "submit_time": "2026-11-05T00:00:00Z"}}  # fmt: skip
    file = builders.write_lines(folder / "totals.ndjson", [row])
    assert cradle("claims", "submit", file, "--source", "sandbox").exit_code == 1

    table = cradle("claims", "totals", "--source", "sandbox", "--state", "DIFFER")
    days = data(cradle("claims", "totals", "--source", "sandbox", "--limit", 1000, "--output", "json"))["days"]

    assert "2026-11-04" in table.stdout
    assert "123.45" in table.stdout
    states = {(one["date"]["month"], one["date"]["day"]): one["state"] for one in days}
    assert states[11, 4] == "CONTROL_TOTALS_STATE_DIFFER"
    assert states[11, 22] == "CONTROL_TOTALS_STATE_MISSING"
    assert (11, 23) not in states


def test_a_claim_is_watched_from_how_it_stands_on(cradle: Cradle, submitted: Result) -> None:
    line = cradle("claims", "watch", "counter/CLI-4", "--limit", 1)
    version = data(cradle("claims", "watch", "counter/CLI-4", "--limit", 1, "--output", "json"))["version"]

    assert (line.exit_code, version) == (0, "1")
    assert "waiting" in line.stdout or "pended" in line.stdout.lower()
    assert cradle("claims", "watch", "counter/none").exit_code == 3


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


def test_the_doctor_looks_at_every_service_that_a_client_is_told_of() -> None:
    assert {f"{service}_target" for service in SERVICES} == {
        name for name in ClientSettings.model_fields if name.endswith("_target")
    }


def test_the_doctor_finds_a_healthy_system_and_what_is_wrong_with_another(cradle: Cradle, submitted: Result) -> None:
    """Of what others have parked in the same system it says so, and nothing else of them."""
    healthy = cradle("doctor", "--output", "json")
    checks = data(healthy)["checks"]
    parked = {service: cradle("parked", "list", "--service", service, "--output", "json") for service in SERVICES}
    waiting = [service for service, listed in parked.items() if data(listed)["total"]]

    assert [(one["name"], one["detail"].split(":")[0]) for one in checks if not one["ok"]] == [
        ("parked", service) for service in SERVICES if service in waiting
    ]
    assert healthy.exit_code == (1 if waiting else 0)
    for name in ("outbox", "parked"):
        assert [one["detail"].split(":")[0] for one in checks if one["name"] == name] == list(SERVICES)
    readers = {one["detail"].split(":")[0] for one in checks if one["name"] == "worker"}
    assert readers >= {"claims", "claims.coverage", "registry", "treasury", "certification.employer"}

    ill = cradle("doctor", "--output", "json", CRADLE_REGISTRY_TARGET="127.0.0.1:1", CRADLE_SOURCES="counter,elsewhere")
    assert ill.exit_code == 1
    assert [check["name"] for check in data(ill)["checks"] if not check["ok"]] == [
        "topics",
        "service",
        "registry",
        *["parked"] * len({*waiting} - {"registry"}),
    ]
