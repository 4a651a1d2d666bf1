"""One image, many roles: `python -m services.<service> <role>`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from services.kit import auth, db, money, telemetry
from services.kit.clock import Clock
from services.kit.db import Database
from services.kit.errors import places
from services.kit.law import Law, ParameterError, effective, of
from services.kit.migrations import migrate
from services.kit.relay import Relay
from services.kit.seal import Sealer
from services.kit.settings import Settings, load
from services.kit.telemetry import Health

_log = telemetry.log(__name__)


@dataclass(frozen=True, slots=True)
class Process:
    """What a role is given: its surroundings, the law in force, and the word that it is time to stop."""

    service: str
    settings: Settings
    clock: Clock
    database: Database
    sealer: Sealer
    law: Law
    health: Health = field(default_factory=Health)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


Role = Callable[[Process], Awaitable[None]]


async def relay(process: Process) -> None:
    """The role every service with an outbox has."""
    await Relay(process.service, process.database, process.settings, process.health, process.stopping).run()


def run(service: str, roles: Mapping[str, Role], shipped: Law | None = None, overrides: str = "law_overrides") -> None:
    """Parse the command line and run one role until SIGTERM or SIGINT. Exits 0 on a stop, 1 on a failure.

    A service that decides hands over the law it was shipped with; the city's own values, in the folder that the setting
    `overrides` names, are laid over it. Each law has a folder of its own: a name that it does not know is a mistake.
    """
    parser = argparse.ArgumentParser(prog=f"python -m services.{service}")
    parser.add_argument("role", choices=[*roles, "migrate"])
    role = parser.parse_args().role
    telemetry.configure_logs(service, role)
    settings = load()
    if role == "migrate":
        migrate(db.service_dsn(settings.database_url.get_secret_value(), service), service)
        return
    law = _effective(shipped, settings, overrides)
    if settings.environment == "production" and (
        problems := [*_unset(law), *_unprotected(settings), *_unsigned(settings, role)]
    ):
        sys.exit("\n".join(problems))
    _read_access(settings)
    _calm_collector()
    asyncio.run(_run(service, roles[role], settings, law))


def _effective(shipped: Law | None, settings: Settings, overrides: str) -> Law:
    """The law as laid over, an empty one for a service without any, or the end with everything wrong with it."""
    if shipped is None:
        return of({})
    try:
        return effective(shipped, getattr(settings, overrides))
    except ParameterError as error:
        sys.exit(f"CRADLE_{overrides.upper()} is no law:\n{error}")


def _unset(law: Law) -> list[str]:
    """Why production must not decide by this law: what the authority has yet to set, and since when it would count."""
    waiting = law.unset()
    if not waiting:
        return []
    lines = [f"  {one.name}: from {one.since}" + (f", before {one.until}" if one.until else "") for one in waiting]
    return ["production must not rest on placeholders; the authority has yet to set:", *lines]


_PROTECTION = {
    "tls_certificate": "CRADLE_TLS_CERTIFICATE: who this process is to others",
    "tls_key": "CRADLE_TLS_KEY",
    "tls_authorities": "CRADLE_TLS_AUTHORITIES: whose certificates are taken",
    "access": "CRADLE_ACCESS: who may what",
    "token_keys": "CRADLE_TOKEN_KEYS: the keys (JWKS) of those who sign people's tokens",
    "token_issuer": "CRADLE_TOKEN_ISSUER",
    "token_audience": "CRADLE_TOKEN_AUDIENCE",
}


def _unprotected(settings: Settings) -> list[str]:
    """Why production must not start with these settings: what tells callers apart, and is not there."""
    missing = [f"  {said}" for name, said in _PROTECTION.items() if not getattr(settings, name)]
    if settings.kafka_security != "SSL":
        missing.append("  CRADLE_KAFKA_SECURITY: SSL, so that the broker tells its clients apart")
    return ["production must know who asks (SECURITY.md); not set:", *missing] if missing else []


def _unsigned(settings: Settings, role: str) -> list[str]:
    """Why production must not hand files to a bank: whoever can write where they lie could write one."""
    if role != "bank" or not settings.banks or settings.bank_signing_key:
        return []
    return [
        "production must sign what it hands to banks (docs/bank.md); not set:",
        "  CRADLE_BANK_SIGNING_KEY: an Ed25519 private key (PEM)",
    ]


def _read_access(settings: Settings) -> None:
    """End with everything that is wrong with the access file, before anything is started by it."""
    try:
        if settings.access is not None:
            auth.read(settings.access)
    except auth.AccessError as error:
        sys.exit(f"CRADLE_ACCESS cannot be used:\n{error}")


def _calm_collector() -> None:
    """Collect cycles seldom: a batch makes some 100 000 objects that die with it, and the default scans them again
    and again (a fifth of the worker's time). What is loaded by now stays for good.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000_000, 20, 20)


def _safe_words(error: Exception) -> str:
    """The message of an error of our own, which we know to hold positions and counts only."""
    return str(error) if type(error).__module__.startswith("services.") else ""


async def _run(service: str, role: Role, settings: Settings, law: Law) -> None:
    dsn = db.service_dsn(settings.database_url.get_secret_value(), service)
    async with db.connect(dsn) as database:
        sealer = Sealer.from_base64(settings.sealing_key.get_secret_value())
        process = Process(service, settings, Clock(settings.today), database, sealer, law)
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, process.stopping.set)
        stop_telemetry = telemetry.serve(settings.metrics_listen, process.health)
        compiled = not money.__file__.endswith(".py")  # one of those that tools/compiled.py names
        telemetry.BUILD.info({"compiled": str(compiled).lower()})
        try:
            _log.info("started", compiled=compiled)
            await role(process)
            _log.info("stopped")
        except Exception as error:  # noqa: BLE001  # a traceback's last line may hold a personal value, so not that
            _log.critical("died", error=type(error).__name__, places=places(error), said=_safe_words(error))
            sys.exit(1)
        finally:
            stop_telemetry()
