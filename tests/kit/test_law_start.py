"""What stops a start: a wrong override or access file; in production placeholders, and callers nobody knows."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from deploy.local.authority import keep, variables
from services.claims.rules import LAW
from tests.kit.law_files import write

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1",
    "CRADLE_SEALING_KEY": "",
    "CRADLE_BLIND_INDEX_KEY": "",
}
UNKNOWN_CALLERS = [
    "production must know who asks (SECURITY.md); not set:",
    "  CRADLE_TLS_CERTIFICATE: who this process is to others",
    "  CRADLE_TLS_KEY",
    "  CRADLE_TLS_AUTHORITIES: whose certificates are taken",
    "  CRADLE_ACCESS: who may what",
    "  CRADLE_TOKEN_KEYS: the keys (JWKS) of those who sign people's tokens",
    "  CRADLE_TOKEN_ISSUER",
    "  CRADLE_TOKEN_AUDIENCE",
    "  CRADLE_KAFKA_SECURITY: SSL, so that the broker tells its clients apart",
]
SET = """metadata:
  status: confirmed
  reference: {{{since}: [{{title: 市规定, title_en: City rule}}]}}
values: {{{since}: {{value: {value}}}}}
"""


def start(
    service: str, role: str, environment: str, overrides: Path | str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    env = {**ENVIRONMENT, "CRADLE_ENVIRONMENT": environment, "CRADLE_LAW_OVERRIDES": str(overrides), **more}
    command = [sys.executable, "-m", f"services.{service}", role]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_production_is_refused_with_every_placeholder_and_all_that_tells_callers_apart() -> None:
    done = start("claims", "worker", "production")

    waiting = [f"  {one.name}: from {one.since}" for one in LAW.unset()]
    assert done.returncode == 1
    assert len(waiting) > 10
    assert done.stderr.splitlines() == [
        "production must not rest on placeholders; the authority has yet to set:",
        *waiting,
        *UNKNOWN_CALLERS,
    ]


def test_what_the_city_has_set_is_no_longer_told(tmp_path: Path) -> None:
    write(tmp_path, SET.format(since="2022-05-25", value="30.4"), "allowance/divisor.yaml")
    write(tmp_path, SET.format(since="2030-01-01", value="18"), "allowance/min_continuous_months.yaml")

    told = start("claims", "api", "production", tmp_path).stderr.splitlines()

    assert not any("allowance.divisor" in line for line in told)
    assert "  allowance.min_continuous_months: from 2022-05-25, before 2030-01-01" in told
    assert len(told) == len(LAW.unset()) - 1 + 1 + len(UNKNOWN_CALLERS)


def test_a_service_without_law_has_no_placeholders() -> None:
    assert start("registry", "api", "production").stderr.splitlines() == UNKNOWN_CALLERS


def test_production_tells_only_what_is_missing(tmp_path: Path) -> None:
    """Everything given but one: only that one is told."""
    given = keep(tmp_path)
    own = variables(given.identity("service/registry")) | given.settings(ROOT / "deploy" / "access.yaml")

    told = start(
        "registry", "api", "production", **{**own, "CRADLE_KAFKA_SECURITY": "SSL", "CRADLE_TOKEN_ISSUER": ""}
    ).stderr

    assert told.splitlines() == [UNKNOWN_CALLERS[0], "  CRADLE_TOKEN_ISSUER"]


def test_production_hands_nothing_to_a_bank_unsigned(tmp_path: Path) -> None:
    """Only who hands files over needs the key, and only where a bank is named."""
    banks = tmp_path / "banks.yaml"
    banks.write_text("accounts: []\n")
    told = {
        (role, named): start("treasury", role, "production", CRADLE_BANKS=named).stderr.splitlines()[-2:]
        for role, named in (("bank", str(banks)), ("bank", ""), ("api", str(banks)))
    }

    unsigned = [
        "production must sign what it hands to banks (docs/bank.md); not set:",
        "  CRADLE_BANK_SIGNING_KEY: an Ed25519 private key (PEM)",
    ]
    assert [key for key, lines in told.items() if lines == unsigned] == [("bank", str(banks))]
    assert told["api", str(banks)] == told["bank", ""] == UNKNOWN_CALLERS[-2:]


def test_a_key_that_cannot_sign_ends_the_bank_role_in_words(tmp_path: Path) -> None:
    key = tmp_path / "bank.pem"
    key.write_text("no key\n")
    own = variables(keep(tmp_path / "tls").identity("service/treasury"))
    given = {"CRADLE_BANK_SPOOL": str(tmp_path), "CRADLE_SEALING_KEY": b64encode(bytes(32)).decode()}

    done = start("treasury", "bank", "local", CRADLE_BANK_SIGNING_KEY=str(key), **own, **given)

    assert done.returncode == 1
    assert "CRADLE_BANK_SIGNING_KEY is no Ed25519 private key (PEM)" in done.stderr


def test_a_wrong_access_file_stops_the_start_with_every_problem(tmp_path: Path) -> None:
    access = tmp_path / "access.yaml"
    access.write_text("trust_domain: cradle\ntenant: baoji\nroles:\n  clerk: {sees: all, permissions: ['*']}\n")

    done = start("registry", "api", "local", CRADLE_ACCESS=str(access))

    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "CRADLE_ACCESS cannot be used:"
    assert (
        f"{access}:4 roles.clerk.sees: 'all' is none of: everything, own-source, own-employer, own-counties"
        in done.stderr
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("role", ["worker", "api"])
def test_a_wrong_override_stops_the_start_with_every_problem(tmp_path: Path, role: str) -> None:
    write(tmp_path, SET.format(since="2022-05-25", value="3e1"), "allowance/divisor.yaml")
    write(tmp_path, "x: 1\n", "allowance/divisors.yaml")

    done = start("claims", role, "local", tmp_path)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    first, second, third = done.stderr.splitlines()
    assert first == "CRADLE_LAW_OVERRIDES is no law:"
    assert second.startswith(f"{tmp_path}/allowance/divisor.yaml:4 values.2022-05-25.value: '3e1' is no plain decimal")
    assert third.startswith(f"{tmp_path}/allowance/divisors.yaml:1: There is no parameter allowance.divisors; perhaps:")
