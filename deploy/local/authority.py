"""The certificate authority of a stack, the certificates it gave, and the key that signs tokens: for development only.

All of it is made at the stack's first start and lies in its folder, readable by its owner only.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.local import layout
from deploy.local.errors import StackError
from services.kit.tls import Identity

TRUST_DOMAIN: Final = "cradle"
ISSUER: Final = "urn:cradle:local"
AUDIENCE: Final = "cradle"
TENANT: Final = "baoji"
OPERATOR: Final = "tool/operator"  # whose connection carries people's tokens
BROKER: Final = "broker/kafka"
_CERTIFICATES_LAST: Final = timedelta(days=365)
_TOKEN_LASTS: Final = timedelta(days=7)
_RENEWED_AFTER: Final = timedelta(days=300)
_SKEW: Final = timedelta(minutes=5)
_SERVING: Final = ("service", "broker")
_SYSTEM: Final = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*")
_KEY_ID: Final = "local"


@dataclass(frozen=True, slots=True)
class Authority:
    """Gives certificates to systems, named `kind/name`, and tokens to people."""

    folder: Path

    @property
    def authorities(self) -> Path:
        return self.folder / "authority.pem"

    def identity(self, system: str, *, token: str = "") -> Identity:
        """The certificate of a system, made when it is first asked for."""
        if not _SYSTEM.fullmatch(system):
            raise StackError(f"{system} names no system; kind and name belong there, as in source/hospitals")
        kind, name = system.split("/")
        certificate, key = self.folder / f"{kind}-{name}.pem", self.folder / f"{kind}-{name}.key"
        if not certificate.exists():
            own = ec.generate_private_key(ec.SECP256R1())
            layout.write_private_text(key, _private(own))
            layout.write_private_text(certificate, _pem(self._signed(own, kind, name)))
        return Identity(certificate, key, self.authorities, token)

    def token(self, subject: str, claims: Mapping[str, Any], *, lasts: timedelta = _TOKEN_LASTS) -> str:
        """A person's token; what `claims` says of issuer, audience or tenant stands instead of our own."""
        now = datetime.now(UTC)
        said = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "cradle_tenant": TENANT,
            "iat": int(now.timestamp()),
            "exp": int((now + lasts).timestamp()),
            **claims,
        }
        return jwt.encode({"alg": "ES256", "kid": _KEY_ID}, said, self.signing_key())

    def operator(self) -> Identity:
        """Somebody who may everything, as the operators' tool carries him."""
        return self.identity(OPERATOR, token=self.token("operator", {"cradle_role": "operator"}))

    def signing_key(self) -> ECKey:
        return ECKey.import_key((self.folder / "tokens.key").read_text(), {"kid": _KEY_ID})

    def certificate_key(self) -> Path:
        """The key that certificates are signed with, made when it is first asked for."""
        path = self.folder / "certificates.key"
        if not path.exists():
            layout.write_private_text(path, _private(ec.generate_private_key(ec.SECP256R1())))
        return path

    @property
    def token_keys(self) -> Path:
        return self.folder / "tokens.json"

    def settings(self, access: Path) -> dict[str, str]:
        """What a server of the stack is told, so that it knows who asks."""
        return {
            "CRADLE_ACCESS": str(access),
            "CRADLE_TOKEN_KEYS": str(self.token_keys),
            "CRADLE_TOKEN_ISSUER": ISSUER,
            "CRADLE_TOKEN_AUDIENCE": AUDIENCE,
        }

    def _signed(self, own: ec.EllipticCurvePrivateKey, kind: str, name: str) -> x509.Certificate:
        """Only what serves is named by its address, too: no client can stand in for a server."""
        serves = kind in _SERVING
        uri = x509.UniformResourceIdentifier(f"spiffe://{TRUST_DOMAIN}/{kind}/{name}")
        addresses: Sequence[x509.GeneralName] = (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1")))
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if serves else [])]
        ours = x509.load_pem_x509_certificate(self.authorities.read_bytes())
        builder = _builder(_name(name, kind), ours.subject, own)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        named = x509.SubjectAlternativeName([uri, *(addresses if serves else ())])
        return builder.add_extension(named, critical=False).sign(self._own_key(), hashes.SHA256())

    def _own_key(self) -> ec.EllipticCurvePrivateKey:
        found = serialization.load_pem_private_key((self.folder / "authority.key").read_bytes(), password=None)
        assert isinstance(found, ec.EllipticCurvePrivateKey)  # noqa: S101  # `keep` wrote it
        return found


def keep(folder: Path) -> Authority:
    """The authority of a folder, made if it is not there, and made anew with all it gave before it ends."""
    authority = Authority(folder)
    if not _lasts(authority):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = ec.generate_private_key(ec.SECP256R1())
        layout.write_private_text(folder / "authority.key", _private(own))
        layout.write_private_text(authority.authorities, _pem(_self_signed(own)))
        signing = ECKey.generate_key("P-256", {"kid": _KEY_ID, "use": "sig", "alg": "ES256"})
        layout.write_private_text(folder / "tokens.key", signing.as_pem(private=True).decode())
        layout.write_private_text(authority.token_keys, json.dumps({"keys": [signing.as_dict(private=False)]}))
    return authority


def _lasts(authority: Authority) -> bool:
    if not authority.token_keys.exists():  # the last file written
        return False
    since = x509.load_pem_x509_certificate(authority.authorities.read_bytes()).not_valid_before_utc
    return datetime.now(UTC) - since < _RENEWED_AFTER


def variables(identity: Identity) -> dict[str, str]:
    """An identity as its owner's environment."""
    return {
        "CRADLE_TLS_CERTIFICATE": str(identity.certificate),
        "CRADLE_TLS_KEY": str(identity.key),
        "CRADLE_TLS_AUTHORITIES": str(identity.authorities),
    }


def _self_signed(own: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("local authority", "authority")
    builder = _builder(name, name, own).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return builder.add_extension(usage, critical=True).sign(own, hashes.SHA256())


def _builder(subject: x509.Name, issuer: x509.Name, own: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, own.public_key(), x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _CERTIFICATES_LAST)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
    )


def _name(name: str, kind: str) -> x509.Name:
    """As the broker tells its clients apart: `User:CN=hospitals,OU=source`."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, kind),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _private(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
