"""TLS with a certificate on both sides, for gRPC and for Kafka."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from services.kit.settings import Identified

_PARTS: Final = ("CERTIFICATE", "KEY", "AUTHORITIES")
_UNSET: Final = "CRADLE_TLS_CERTIFICATE, CRADLE_TLS_KEY and CRADLE_TLS_AUTHORITIES must name files"


class NoIdentity(Exception):
    """Nothing is asked or answered without a certificate."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are to others, and whom we trust. `token` is a person's, where a person asks through us."""

    certificate: Path
    key: Path
    authorities: Path
    token: str = ""

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Those of the connection; the token goes with each call (`services.kit.bearer`)."""
        return grpc.ssl_channel_credentials(
            self.authorities.read_bytes(), self.key.read_bytes(), self.certificate.read_bytes()
        )

    def server_credentials(self) -> grpc.ServerCredentials:
        """Every connection needs a certificate. The files are looked at again at each handshake, so new ones need no
        restart; a pair that is half written does not fit and leaves the one before.
        """
        reload: Any = _Reload(self)  # the stubs do not know that it may answer None
        return grpc.dynamic_ssl_server_credentials(reload(), reload, require_client_authentication=True)

    def ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authorities))
        context.load_cert_chain(self.certificate, self.key)
        return context

    def files(self) -> tuple[Path, Path, Path]:
        return self.certificate, self.key, self.authorities


class _Reload:
    """What gRPC asks at each handshake: new certificates, or None for those it has."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._seen: tuple[bytes, ...] = ()

    def __call__(self) -> grpc.ServerCertificateConfiguration | None:
        certificate, key, authorities = found = tuple(path.read_bytes() for path in self._identity.files())
        if found == self._seen:
            return None
        try:
            self._identity.ssl_context()
        except ssl.SSLError:
            if self._seen:
                return None
            raise
        self._seen = found
        return grpc.ssl_server_certificate_configuration([(key, certificate)], authorities)


def identity(settings: Identified) -> Identity:
    """The identity that the settings give. Raises NoIdentity."""
    if settings.tls_certificate is None or settings.tls_key is None or settings.tls_authorities is None:
        raise NoIdentity(_UNSET)
    token = settings.token.get_secret_value() if settings.token else ""
    return Identity(settings.tls_certificate, settings.tls_key, settings.tls_authorities, token)


def of_environment(environment: Mapping[str, str]) -> Identity:
    """The identity in the variables of a stack, for its demo and tests."""
    certificate, key, authorities = (Path(environment[f"CRADLE_TLS_{name}"]) for name in _PARTS)
    return Identity(certificate, key, authorities, environment.get("CRADLE_TOKEN", ""))


def broker(settings: Identified) -> dict[str, Any]:
    """What every client of aiokafka is made with: where the broker is, and how it is spoken to."""
    where = {"bootstrap_servers": settings.kafka_bootstrap_servers}
    if settings.kafka_security == "PLAINTEXT":
        return where
    return {**where, "security_protocol": "SSL", "ssl_context": identity(settings).ssl_context()}
