"""`cradle conformance`: every promise played on the running system; a broken one is told; a forged report is seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cradle.claims.v1 import claim_pb2, receipt_pb2
from cradle.common.v1 import reason_pb2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from typer.testing import CliRunner, Result

from deploy.local.authority import variables
from deploy.local.stack import Stack
from services.cli.conformance import report, scenarios
from services.cli.conformance.judging import judge
from services.cli.conformance.playing import Played, Told
from services.cli.conformance.scenarios import Expected, Step
from services.cli.intake import Position
from services.cli.main import app
from services.kit.identifiers import id_number_problems, is_male, uscc_problems
from services.kit.messages import CATALOGUE

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
PLAY = scenarios.play("0a1b2c3d", TODAY)
Cradle = Callable[..., Result]


# --- the table ---------------------------------------------------------------------------------------------------


def test_every_case_has_its_title_and_every_title_its_case() -> None:
    cases = [case["case"] for case in scenarios.cases()]

    assert len(cases) == len(set(cases)) >= 45
    assert [case for case in cases if f"CLI_CONFORMANCE_{case.upper()}" not in CATALOGUE] == []


def test_every_kind_of_what_can_go_wrong_by_itself_is_played() -> None:
    """The codes of the table of returned submissions in docs/intake.md."""
    told = {code.split()[0] for step in PLAY.steps for code in (*step.expected.codes, *step.expected.refused)}

    assert told >= {
        *("MESSAGE_EMPTY", "MESSAGE_UNREADABLE", "MESSAGE_TOO_LARGE", "FIELD_REQUIRED", "FIELD_TOO_LONG"),
        *("FIELD_MALFORMED", "FIELD_OUT_OF_RANGE", "AMOUNT_OUT_OF_RANGE", "CODE_UNKNOWN", "ID_NUMBER_LENGTH"),
        *("ID_NUMBER_CHECK_DIGIT", "ID_NUMBER_NOT_THE_MOTHER", "ID_NUMBER_NOT_HERE", "USCC_MALFORMED"),
        "USCC_CHECK_DIGIT",
        *("COUNTY_UNKNOWN", "DATE_INVALID", "DATE_IN_FUTURE", "DATE_TOO_EARLY", "EMPLOYER_UNKNOWN"),
        *("REVISION_UNKNOWN", "REVISION_GAP", "REVISION_STALE", "CONTENT_CONFLICT", "REQUEST_ID_REUSED"),
    }


def test_whoever_is_played_is_nobody() -> None:
    """Numbers that are valid, and of a region that does not exist."""
    for one in PLAY.insured:
        assert id_number_problems(one.id_number, "", TODAY) == []
        assert not is_male(one.id_number)
        assert one.id_number.startswith("99")
    for code in PLAY.employers:
        assert uscc_problems(code, "") == ()
        assert code.startswith("9199")


def test_two_runs_have_nobody_and_no_number_in_common() -> None:
    other = scenarios.play("0a1b2c3e", TODAY)

    assert not {one.id_number for one in PLAY.insured} & {one.id_number for one in other.insured}
    assert not {step.claim_number for step in PLAY.steps if step.claim_number.startswith("CF-")} & {
        step.claim_number for step in other.steps
    }


# --- judging -----------------------------------------------------------------------------------------------------

WOMAN = "990000199304150121"
STEP = Step("good", 1, b"", WOMAN, "CF-1", 1, "topic", "new", Expected("DETERMINED", "APPROVED"))
PLACE = Position("claims.intake.v1.sandbox", 1, 7)


def receipt(**fields: Any) -> receipt_pb2.ClaimReceipt:
    good: dict[str, Any] = {
        "receipt_id": "r-1",
        "source": "sandbox",
        "claim_number": "CF-1",
        "revision": 1,
        "status": receipt_pb2.RECEIPT_STATUS_DETERMINED,
        "outcome": claim_pb2.CLAIM_STATE_APPROVED,
        "content_hash": b"hash",
        "position": receipt_pb2.RecordPosition(topic=PLACE.topic, partition=PLACE.partition, offset=PLACE.offset),
    }
    return receipt_pb2.ClaimReceipt(**(good | fields))


def told(given: receipt_pb2.ClaimReceipt, **headers: bytes) -> Told:
    good = {
        "ce_id": given.receipt_id.encode(),
        "ce_type": b"cradle.claims.v1.ClaimReceipt",
        "ce_specversion": b"1.0",
        "causationid": b"claims.intake.v1.sandbox/1/7",
    }
    return Told(given, given.SerializeToString(), given.claim_number.encode(), good | headers)


def found(*came: Told, step: Step = STEP, refused: tuple[str, ...] | None = None) -> list[str]:
    return [one.code for one in judge(Played(step, PLACE, list(came), refused), "sandbox")]


def test_a_receipt_as_promised_is_good_also_when_it_comes_twice() -> None:
    assert found(told(receipt())) == []
    assert found(told(receipt()), told(receipt())) == []


@pytest.mark.parametrize(
    ("came", "code"),
    [
        ([], "CLI_CONFORMANCE_NO_RECEIPT"),
        ([told(receipt()), told(receipt(receipt_id="r-2"))], "CLI_CONFORMANCE_TWO_RECEIPTS"),
        ([told(receipt(status=receipt_pb2.RECEIPT_STATUS_PENDED))], "CLI_CONFORMANCE_STATUS"),
        ([told(receipt(outcome=claim_pb2.CLAIM_STATE_DENIED))], "CLI_CONFORMANCE_OUTCOME"),
        ([told(receipt(reasons=[reason_pb2.Reason(code="X", text_zh="x", text_en="x")]))], "CLI_CONFORMANCE_CODES"),
        ([told(receipt(source="hospitals"))], "CLI_CONFORMANCE_ECHO"),
        ([told(receipt(revision=2))], "CLI_CONFORMANCE_ECHO"),
        ([told(receipt(claim=f"claims/{WOMAN}"))], "CLI_CONFORMANCE_PERSONAL"),
        ([told(receipt(), ce_id=b"r-2")], "CLI_CONFORMANCE_HEADERS"),
        ([told(receipt(), causationid=b"")], "CLI_CONFORMANCE_HEADERS"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_each_broken_promise_is_told(came: list[Told], code: str) -> None:
    assert found(*came) == [code]


def test_a_reason_in_one_language_only_is_told() -> None:
    step = replace(STEP, expected=Expected("DETERMINED", "APPROVED", ("X",)))

    assert found(told(receipt(reasons=[reason_pb2.Reason(code="X", text_zh="x")])), step=step) == [
        "CLI_CONFORMANCE_TEXTS"
    ]


def test_a_refusal_is_compared_by_its_codes() -> None:
    step = replace(STEP, by="grpc", expected=Expected(refused=("A x", "B")))

    assert found(step=step, refused=("B", "A x")) == []
    assert found(step=step, refused=("B",)) == ["CLI_CONFORMANCE_REFUSAL"]
    assert found(step=step) == ["CLI_CONFORMANCE_REFUSAL"]


def test_a_dry_run_that_was_sent_is_told() -> None:
    step = replace(STEP, by="grpc", request="dry", expected=Expected())

    assert found(step=step) == ["CLI_CONFORMANCE_SENT"]


# --- the signature -----------------------------------------------------------------------------------------------


def pem(folder: Path, name: str, key: Any) -> tuple[Path, Path]:
    """The private and the public half."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(encoding, kind, serialization.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return pem(tmp_path, "key", ed25519.Ed25519PrivateKey.generate())


def signed(folder: Path, private: Path, *, outcome: int = claim_pb2.CLAIM_STATE_APPROVED) -> Path:
    played = Played(STEP, PLACE, [told(receipt(outcome=outcome))])
    judged = [(played, judge(played, "sandbox"))]
    file = folder / "report.json"
    report.write(report.made("run", "sandbox", TODAY, (NOW, NOW), judged), file, private)
    return file


def verify(file: Path, key: Path) -> Result:
    return CliRunner(env={"LANG": "C"}).invoke(app, ["conformance", "verify", str(file), "--key", str(key)])


def test_a_report_is_verified_by_the_public_key_alone(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    answer = verify(signed(tmp_path, keys[0]), keys[1])

    assert answer.exit_code == 0
    assert "1 cases, 1 submissions, 0 not as promised" in answer.output


def test_a_good_signature_under_broken_promises_is_exit_status_1(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    answer = verify(signed(tmp_path, keys[0], outcome=claim_pb2.CLAIM_STATE_DENIED), keys[1])

    assert answer.exit_code == 1
    assert "The signature is good" in answer.output


def test_a_report_with_one_other_byte_is_no_report(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    file = signed(tmp_path, keys[0])
    file.write_bytes(file.read_bytes().replace(b'"ok":true', b'"ok":trua'.replace(b"trua", b"true "), 1))

    answer = verify(file, keys[1])

    assert answer.exit_code == 1
    assert "CLI_CONFORMANCE_FORGED" in answer.output


def test_another_key_no_signature_and_a_signature_of_none_are_refused(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    file = signed(tmp_path, keys[0])
    _, other = pem(tmp_path, "other", ed25519.Ed25519PrivateKey.generate())
    beside = report.signature_of(file)
    whole = beside.read_text()

    assert "CLI_CONFORMANCE_FORGED" in verify(file, other).output
    for forged in ("", "..", "eyJhbGciOiJub25lIn0..", whole[:-6], f"{whole.split('.')[0]}.e30.{whole.split('.')[2]}"):
        beside.write_text(forged)
        assert "CLI_CONFORMANCE_FORGED" in verify(file, keys[1]).output
    beside.unlink()
    assert "CLI_CONFORMANCE_FORGED" in verify(file, keys[1]).output


def test_a_key_of_another_kind_is_told(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    file = signed(tmp_path, keys[0])
    _, curve = pem(tmp_path, "curve", ec.generate_private_key(ec.SECP256R1()))
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("no key")

    for key in (curve, nothing):
        answer = verify(file, key)
        assert (answer.exit_code, "CLI_CONFORMANCE_KEY" in answer.output) == (2, True)


# --- on the running system ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cradle(stack: Stack) -> Cradle:
    def run(*arguments: object, **env: str) -> Result:
        return CliRunner(env={**stack.environment, "LANG": "C", **env}).invoke(app, list(map(str, arguments)))

    return run


@pytest.fixture(scope="module")
def insurer(stack: Stack) -> Cradle:
    """The command with a source's own certificate: no token, and no way to the registry."""
    own = stack.authority.identity("source/sandbox")
    environment = {**stack.environment, **variables(own), "CRADLE_REGISTRY_TARGET": "127.0.0.1:1", "LANG": "C"}
    environment.pop("CRADLE_TOKEN")

    def run(*arguments: object, **env: str) -> Result:
        return CliRunner(env={**dict.fromkeys(["CRADLE_TOKEN"]), **environment, **env}).invoke(
            app, list(map(str, arguments))
        )

    return run


@pytest.fixture(scope="module")
def plays(cradle: Cradle) -> list[str]:
    """What an operator hands to an insurer."""
    answer = cradle("conformance", "prepare", "--count", 2)
    assert answer.exit_code == 0, answer.output
    return [line for line in answer.stdout.splitlines() if line]


@pytest.mark.integration
def test_the_system_keeps_its_contract_and_the_report_says_so(
    insurer: Cradle, plays: list[str], tmp_path: Path
) -> None:
    """Played by the insurer alone, by the topic, by calls and by a stream; and once."""
    private, public = pem(tmp_path, "key", ed25519.Ed25519PrivateKey.generate())
    file = tmp_path / "report.json"
    play = ("conformance", "run", plays[0], "--report", file, "--output", "json")

    answer = insurer(*play, CRADLE_CONFORMANCE_KEY=str(private))

    made = json.loads(answer.stdout)
    assert [(one["case"], one["step"], one["problems"]) for one in made["results"] if not one["ok"]] == []
    assert answer.exit_code == 0
    assert (made["cases"], made["failed"], made["source"]) == (len(scenarios.cases()), 0, "sandbox")
    assert {one["by"] for one in made["results"]} == {"topic", "grpc", "stream"}
    assert json.loads(file.read_bytes()) == made
    assert insurer("conformance", "verify", file, "--key", public).exit_code == 0
    again = insurer(*play, CRADLE_CONFORMANCE_KEY=str(private))
    assert (again.exit_code, "CLI_CONFORMANCE_PLAYED" in again.output) == (2, True)


@pytest.mark.integration
def test_an_insurer_prepares_nothing_and_plays_a_word_only(insurer: Cradle, stack: Stack) -> None:
    prepared = insurer("conformance", "prepare", CRADLE_REGISTRY_TARGET=stack.environment["CRADLE_REGISTRY_TARGET"])
    none = insurer("conformance", "run", "x")

    assert (prepared.exit_code, "AUTH_PERMISSION_MISSING" in prepared.output) == (2, True)
    assert (none.exit_code, "CLI_CONFORMANCE_NO_PLAY" in none.output) == (2, True)


@pytest.mark.integration
def test_a_word_that_nobody_prepared_is_told_and_not_reported_on(
    insurer: Cradle, tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    file = tmp_path / "report.json"
    answer = insurer("conformance", "run", "0a1b2c3d", "--report", file, "--key", keys[0])

    assert (answer.exit_code, "CLI_CONFORMANCE_NOT_PREPARED" in answer.output) == (2, True)
    assert not file.exists()


@pytest.mark.integration
def test_another_s_source_is_refused_before_anything_is_sent(insurer: Cradle) -> None:
    answer = insurer("conformance", "run", "0a1b2c3d", "--source", "hospitals")

    assert (answer.exit_code, "AUTH_SOURCE_NOT_YOURS" in answer.output) == (2, True)


@pytest.mark.integration
def test_a_person_reads_a_table(insurer: Cradle, plays: list[str]) -> None:
    answer = insurer("conformance", "run", plays[1], "--language", "zh-CN")

    assert answer.exit_code == 0, answer.output
    assert "原样重发" in answer.stdout


@pytest.mark.integration
def test_without_a_key_no_report_is_begun(insurer: Cradle, tmp_path: Path) -> None:
    answer = insurer("conformance", "run", "0a1b2c3d", "--report", tmp_path / "report.json")

    assert answer.exit_code == 2
    assert "CLI_CONFORMANCE_KEY_MISSING" in answer.output
    assert list(tmp_path.iterdir()) == []
