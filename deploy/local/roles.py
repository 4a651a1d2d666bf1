"""The roles a stack runs: what each is started as, and how it is asked whether it is ready."""

from __future__ import annotations

import http.client
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Role:
    """One process of the system. It is told its addresses by CRADLE_GRPC_LISTEN and CRADLE_METRICS_LISTEN.

    A role of a service has that service's database created and migrated before it starts.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    service: str = ""
    answers_readyz: bool = True


def service_role(service: str, role: str) -> Role:
    return Role(f"{service}-{role}", (sys.executable, "-m", f"services.{service}", role), service=service)


DEFAULT_ROLES = (
    service_role("registry", "api"),
    service_role("registry", "worker"),
    service_role("registry", "relay"),
    service_role("claims", "api"),
    service_role("claims", "worker"),
    service_role("claims", "relay"),
    service_role("claims", "platform"),
    service_role("treasury", "api"),
    service_role("treasury", "worker"),
    service_role("treasury", "bank"),
    service_role("treasury", "relay"),
    service_role("certification", "api"),
    service_role("certification", "worker"),
    service_role("certification", "relay"),
)


# Who runs the system has all of these; what tests start in numbers does without.
ALL_ROLES = (*DEFAULT_ROLES, service_role("certification", "page"))


def is_ready(address: str, timeout_s: float = 1.0) -> bool:
    """Whether the role's own /readyz says so."""
    connection = http.client.HTTPConnection(address, timeout=timeout_s)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def is_listening(address: str, timeout_s: float = 1.0) -> bool:
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=timeout_s):
            return True
    except OSError:
        return False
