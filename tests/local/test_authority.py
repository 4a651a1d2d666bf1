"""The stack's own authority: what it gives, who may read it, and that it is there again at the next start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from deploy.local import authority
from deploy.local.authority import keep
from deploy.local.errors import StackError


def certificate(folder: Path, system: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(keep(folder).identity(system).certificate.read_bytes())


def test_everything_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    keep(tmp_path / "tls").operator()

    files = list((tmp_path / "tls").iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert len(files) == 6
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700


def test_it_is_the_same_at_the_next_start(tmp_path: Path) -> None:
    keep(tmp_path).operator()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    keep(tmp_path).operator()

    assert len(before) == 6
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_it_is_made_anew_before_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = certificate(tmp_path, "source/hospitals").serial_number
    assert certificate(tmp_path, "source/hospitals").serial_number == before

    monkeypatch.setattr(authority, "_RENEWED_AFTER", timedelta(0))

    assert certificate(tmp_path, "source/hospitals").serial_number != before


def test_a_certificate_names_its_system_and_ends_within_a_year(tmp_path: Path) -> None:
    found = certificate(tmp_path, "source/hospitals")

    named = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert named.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://cradle/source/hospitals"]
    assert found.subject.rfc4514_string() == "CN=hospitals,OU=source"
    assert found.not_valid_after_utc - datetime.now(UTC) <= timedelta(days=365)


SERVES = {"service/claims": True, "broker/kafka": True, "source/a": False, "tool/b": False}


@pytest.mark.parametrize(("system", "serves"), SERVES.items())
def test_only_what_serves_can_stand_at_an_address(tmp_path: Path, system: str, *, serves: bool) -> None:
    found = certificate(tmp_path, system)

    uses = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    named = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert (ExtendedKeyUsageOID.SERVER_AUTH in uses) is serves
    assert bool(named.get_values_for_type(x509.DNSName)) is serves


@pytest.mark.parametrize("system", ["hospitals", "source/", "source/a/b", "../x", "source/A", "source/../../x"])
def test_what_names_no_system_gets_no_certificate(tmp_path: Path, system: str) -> None:
    with pytest.raises(StackError, match="names no system"):
        keep(tmp_path).identity(system)
