"""The environment, read once at start into one frozen value. The only reader of `os.environ`."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, FilePath, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_WRONG_USAGE = 2
_Settings = TypeVar("_Settings", bound=BaseSettings)


def _split(value: object) -> object:
    return tuple(filter(None, value.split(","))) if isinstance(value, str) else value


_Place = Annotated[Path | None, BeforeValidator(lambda value: value or None)]  # an empty text is none
Signature = Literal[
    "ES256", "ES384", "RS256", "RS384", "PS256", "PS384", "EdDSA"
]  # never one of a shared secret, or none
_File = Annotated[FilePath | None, BeforeValidator(lambda value: value or None)]
_Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]  # a,b,c


class Identified(BaseSettings):
    """What every process and every client needs to be known by others: its certificate, for gRPC and for Kafka."""

    model_config = SettingsConfigDict(env_prefix="CRADLE_", frozen=True, extra="ignore")

    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    kafka_security: Literal["PLAINTEXT", "SSL"] = "PLAINTEXT"  # refused in production
    tls_certificate: _File = None  # PEM; its one URI, spiffe://<domain>/<kind>/<name>, says who we are
    tls_key: _File = None
    tls_authorities: _File = None  # PEM; whose certificates we take
    token: SecretStr | None = None  # of a person who asks through this client


class Settings(Identified):
    """What a process needs to know of its surroundings. Secrets have no default; a missing one stops the start.

    `DATABASE_URL` names a server (`postgresql://user:password@host:port`); each service appends its own database.
    """

    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    environment: Literal["local", "production"] = "production"
    today: date | None = None  # freezes the clock's date; refused in production
    sealing_key: SecretStr  # 32 bytes, base64: what is kept of a sender's bytes is sealed with it
    blind_index_key: SecretStr  # 32 bytes, base64: the registry finds persons by it
    sources: _Names = ("hospitals", "counter", "sandbox")
    offices: _Names = ("tax", "insurance")  # whose records the registry takes in
    law_overrides: _Place = None  # a directory of the city's own law, laid over the one shipped
    treasury_law_overrides: _Place = None  # the same of the treasury's

    access: _File = None  # who may what: deploy/access.yaml; no server starts without one
    token_keys: str = ""  # the issuer's keys (JWKS), a file or an https URL; without them only systems are let in
    token_issuer: str = ""
    token_audience: str = ""
    token_algorithms: Annotated[tuple[Signature, ...], NoDecode, BeforeValidator(_split)] = ("ES256", "RS256", "PS256")
    token_keys_refresh_s: float = 60.0  # at most one look at the issuer's keys in this time
    token_keys_max_age_s: float = 3_600.0  # a key that the issuer has taken back ends after this at the latest

    grpc_listen: str = "127.0.0.1:0"
    metrics_listen: str = "127.0.0.1:0"  # /metrics, /livez, /readyz
    registry_target: str = "127.0.0.1:0"
    claims_target: str = "127.0.0.1:0"
    treasury_target: str = "127.0.0.1:0"
    certification_target: str = "127.0.0.1:0"

    certification_schemes: _Place = None  # a directory of the city's own versions of the scheme, beside those shipped
    public_listen: str = "127.0.0.1:0"  # the public page, behind a gateway that ends TLS
    public_lists_s: float = 3_600.0  # how long a status list is good for, and so a copy may not know of a revocation
    public_at_once_max: int = 32  # requests that are answered at the same time; one more is told to come back
    evidence: str = "evidence"  # where evidence is stored: a folder, file:///... or s3://bucket/prefix
    evidence_file_bytes_max: int = 20_000_000
    evidence_application_bytes_max: int = 200_000_000  # all of one application
    evidence_upload_s: float = 300.0  # how long one upload may take
    evidence_sweep_every_s: float = 600.0  # how often objects that show nothing are looked for
    certificate_url: str = ""  # where what is published of certificates is found
    certificate_keys: Annotated[tuple[FilePath, ...], NoDecode, BeforeValidator(_split)] = ()  # PEM; the first signs
    certificate_fonts: _Place = None  # where the font of the paper is looked for before where Debian puts it

    banks: _File = None  # our accounts at banks; without them nothing is paid
    bank_spool: _Place = None  # where files for banks are written before they leave; theirs alone
    bank_signing_key: _File = None  # PEM, Ed25519: files for banks are signed with it
    bank_every_s: float = 5.0  # how often banks are sent to and listened to
    statement_bytes_max: int = 256 << 20  # of a bank's file that a person brings
    statement_upload_s: float = 300.0  # how long its upload may take

    inboxes_per_worker: int = 6  # members of the group in one process, as a topic has parts: one computes, others wait
    batch_records_max: int = 1000  # as many as one look-up of the registry takes
    order_records_max: int = 4000  # of a batch of the treasury, which looks nothing up: what is locked is locked once
    poll_timeout_ms: int = 200
    rebalance_timeout_ms: int = 30_000
    session_timeout_ms: int = 10_000
    max_poll_interval_ms: int = 60_000
    grpc_deadline_s: float = 10.0
    shutdown_grace_s: float = 10.0
    parked_in_a_row_max: int = 10
    message_bytes_max: int = 65_536
    coverage_wait_days: int = 60  # calendar days a claim waits for her coverage before it is returned
    review_days: int = 14  # calendar days until a review task that claims opens is due
    unnamed_kept_days: int = 7  # how long a record is kept that names nobody we know of; as long as the intake is kept
    timer_every_s: float = 30.0  # how often the worker looks for what is due
    timer_claims_max: int = 500  # claims that are looked at in one transaction of the timer
    look_again_every_s: float = 2.0  # how often the worker looks for claims to be looked at again
    look_again_employers_max: int = 100  # employers whose claims are queued for that in one transaction

    append_timeout_s: float = 10.0  # how long a record that was handed in over gRPC may take to reach the broker
    requests_kept_days: int = 7  # how long an id of a call or stream is known; as long as the intake is kept
    stream_unanswered_max: int = 500  # submissions of one stream that wait for their answer
    receipt_wait_max_s: float = 30.0
    watch_tick_ms: int = 500
    watchers_max: int = 1000


class ClientSettings(Identified):
    """What a client needs to know: the addresses of the services and of the broker. Its token is its only secret."""

    tls_certificate: FilePath
    tls_key: FilePath
    tls_authorities: FilePath
    claims_target: str
    registry_target: str = "127.0.0.1:0"  # asked by offices and operators; a source has no business there
    treasury_target: str = "127.0.0.1:0"  # asked by the treasury's commands only
    certification_target: str = "127.0.0.1:0"  # asked by those of certification only
    sources: _Names = ("hospitals", "counter", "sandbox")
    offices: _Names = ("tax", "insurance")
    grpc_deadline_s: float = 10.0


class ReplaySettings(BaseSettings):
    """What deciding again needs to know: where the database is. It reads, so it holds no other secret."""

    model_config = SettingsConfigDict(env_prefix="CRADLE_", frozen=True, extra="ignore")

    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    law_overrides: _Place = None  # the city's own law, which a draft is laid over


class ConformanceSettings(BaseSettings):
    """What playing conformance may be told; a report is verified without anything else."""

    model_config = SettingsConfigDict(env_prefix="CRADLE_", frozen=True, extra="ignore")

    conformance_key: _File = None  # PEM, Ed25519: a report is signed with the private one, verified with the public
    today: date | None = None  # the system's, where that stands still


class Terminal(BaseSettings):
    """What a terminal says about its user; a command that asks no service needs nothing else."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    lang: str = Field(default="", validation_alias="LANG")


def load() -> Settings:
    """Read the environment, or stop the process with the whole list of what is missing or wrong."""
    try:
        settings = Settings()  # type: ignore[call-arg]  # the values come from the environment
    except ValidationError as error:
        sys.exit("settings are missing or wrong:\n" + _problems(error))
    if settings.environment == "production" and settings.today is not None:
        sys.exit("CRADLE_TODAY freezes the date and is refused in production")
    return settings


def load_client() -> ClientSettings:
    """Read the environment of a client, or end with what is missing and where to get it (exit status 2)."""
    return _of_a_command(ClientSettings)


def load_replay() -> ReplaySettings:
    """Read the environment of a replay, or end as a client does."""
    return _of_a_command(ReplaySettings)


def load_conformance() -> ConformanceSettings:
    """Read what the environment says of conformance, or end as a client does."""
    return _of_a_command(ConformanceSettings)


def _of_a_command(kind: type[_Settings]) -> _Settings:
    try:
        return kind()
    except ValidationError as error:
        hint = 'start the system and take its addresses:\n  make up\n  eval "$(.venv/bin/python -m deploy.local env)"'
        sys.stderr.write(f"settings are missing or wrong:\n{_problems(error)}\n{hint}\n")
        sys.exit(_WRONG_USAGE)


def _problems(error: ValidationError) -> str:
    """One line for each, by the name of its variable."""
    named = [(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors()]
    return "\n".join(f"  {name if name.isupper() else f'CRADLE_{name.upper()}'}: {said}" for name, said in named)
