"""The samples of docs/insurers.md, run as they stand against the real system, as a source and nobody else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest

from deploy.local.stack import Stack
from tests.builders import claim_number
from tests.claims.harness import insured

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"
TIMEOUT_S = 90


def environment(stack: Stack, source: str = "sandbox") -> dict[str, str]:
    """Of a sample: it has the certificate of its source, and nothing of an operator's."""
    own = stack.authority.identity(f"source/{source}")
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "KAFKA_BOOTSTRAP_SERVERS": stack.environment["KAFKA_BOOTSTRAP_SERVERS"],
        "CRADLE_KAFKA_SECURITY": stack.environment["CRADLE_KAFKA_SECURITY"],
        "CRADLE_CLAIMS_TARGET": stack.environment["CRADLE_CLAIMS_TARGET"],
        "CRADLE_SOURCE": source,
        "CRADLE_TLS_CERTIFICATE": str(own.certificate),
        "CRADLE_TLS_KEY": str(own.key),
        "CRADLE_TLS_AUTHORITIES": str(own.authorities),
    }


def run(stack: Stack, command: Sequence[str]) -> dict[str, Any]:
    """What a sample prints for a good claim."""
    who, number = insured(stack), claim_number()
    arguments = [*command, number, who.number, who.employer, "2026-03-10"]
    done = subprocess.run(arguments, env=environment(stack), capture_output=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr.decode()
    printed: dict[str, Any] = json.loads(done.stdout)
    assert printed["receipt"]["claim_number"] == number
    return printed


@pytest.mark.integration
@pytest.mark.parametrize("script", ["send_claim.py", "submit_claim.py"])
def test_the_python_samples_send_a_claim_and_get_its_receipt(stack: Stack, script: str) -> None:
    printed = run(stack, [sys.executable, str(SAMPLES / "python" / script)])

    assert printed["receipt"]["status"] == "RECEIPT_STATUS_DETERMINED"
    assert printed["receipt"]["outcome"] == "CLAIM_STATE_APPROVED"


@pytest.mark.integration
def test_the_python_sample_of_a_call_prints_what_is_wrong_by_code_and_field(stack: Stack) -> None:
    who = insured(stack)
    command = [sys.executable, str(SAMPLES / "python" / "submit_claim.py")]
    arguments = [*command, claim_number(), who.number, f"{who.employer[:-1]}?", "2199-03-10"]

    done = subprocess.run(arguments, env=environment(stack), capture_output=True, timeout=TIMEOUT_S, check=False)

    assert (done.returncode, done.stderr) == (1, b"")
    printed = json.loads(done.stdout)
    assert printed["refused"] == "INVALID_ARGUMENT"
    assert {(one["code"], one["field"]) for one in printed["reasons"]} >= {
        ("USCC_MALFORMED", "intake.submit.claim.employer_uscc"),
        ("DATE_IN_FUTURE", "intake.submit.claim.event.date"),
    }
    assert all(one["text_en"] and one["text_zh"] for one in printed["reasons"])


@pytest.mark.samples
def test_the_node_sample_sends_a_claim_and_gets_its_receipt(stack: Stack) -> None:
    node = shutil.which("node")
    assert node, "make samples needs Node.js 20 or newer"

    printed = run(stack, [node, str(SAMPLES / "node" / "send-claim.mjs")])

    assert printed["receipt"]["status"] == "RECEIPT_STATUS_DETERMINED"
    assert printed["receipt"]["outcome"] == "CLAIM_STATE_APPROVED"


def test_the_published_policy_retries_what_is_unavailable_and_nothing_else() -> None:
    config = json.loads((SAMPLES / "service-config.json").read_text("utf-8"))

    policies = [one["retryPolicy"] for one in config["methodConfig"] if "retryPolicy" in one]
    assert [policy["retryableStatusCodes"] for policy in policies] == [["UNAVAILABLE"]]
    retried = [one["name"] for one in config["methodConfig"] if "retryPolicy" in one]
    services = ("CertificationService", "ApplicationService", "CertificateService")
    certification = [{"service": f"cradle.certification.v1.{name}"} for name in services]
    assert retried == [[{"service": "cradle.claims.v1.ClaimsService"}, *certification]]


def test_grpc_takes_the_published_policy() -> None:
    """A config that gRPC cannot read fails the channel's first call with its own words."""
    config = (SAMPLES / "service-config.json").read_text("utf-8")
    with grpc.insecure_channel("127.0.0.1:1", [("grpc.service_config", config)]) as channel:
        call = channel.unary_unary("/cradle.claims.v1.ClaimsService/GetClaim", lambda _: b"", lambda _: b"")
        with pytest.raises(grpc.RpcError) as error:
            call(b"", timeout=0.5)

    assert "service config" not in str(error.value).lower()
