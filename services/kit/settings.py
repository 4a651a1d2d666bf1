"""The environment, read once at start into one frozen value. The only reader of `os.environ`."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_WRONG_USAGE = 2
_Settings = TypeVar("_Settings", bound=BaseSettings)


def _split(value: object) -> object:
    return tuple(filter(None, value.split(","))) if isinstance(value, str) else value


_Folder = Annotated[Path | None, BeforeValidator(lambda value: value or None)]  # an empty text is none
_Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]  # a,b,c


class Settings(BaseSettings):
    """What a process needs to know of its surroundings. Secrets have no default; a missing one stops the start.

    `DATABASE_URL` names a server (`postgresql://user:password@host:port`); each service appends its own database.
    """

    model_config = SettingsConfigDict(env_prefix="CRADLE_", frozen=True, extra="ignore")

    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    environment: Literal["local", "production"] = "production"
    today: date | None = None  # freezes the clock's date; refused in production
    sealing_key: SecretStr  # 32 bytes, base64: what is kept of a sender's bytes is sealed with it
    blind_index_key: SecretStr  # 32 bytes, base64: the registry finds persons by it
    sources: _Names = ("hospitals", "counter")
    offices: _Names = ("tax", "insurance")  # whose records the registry takes in
    law_overrides: _Folder = None  # a directory of the city's own law, laid over the one shipped

    grpc_listen: str = "127.0.0.1:0"
    metrics_listen: str = "127.0.0.1:0"  # /metrics, /livez, /readyz
    registry_target: str = "127.0.0.1:0"
    claims_target: str = "127.0.0.1:0"

    inboxes_per_worker: int = 2  # members of the group in one process: one computes while the other waits to write
    batch_records_max: int = 1000  # as many as one look-up of the registry takes
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
    timer_every_s: float = 30.0  # how often the worker looks for what is due
    timer_claims_max: int = 500  # claims that are looked at in one transaction of the timer


class ClientSettings(BaseSettings):
    """What a client needs to know: the addresses of the services and of the broker. It holds no secret."""

    model_config = SettingsConfigDict(env_prefix="CRADLE_", frozen=True, extra="ignore")

    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    claims_target: str
    registry_target: str
    reviewer: str = ""  # who moves reviews, where callers are not authenticated
    sources: _Names = ("hospitals", "counter")
    offices: _Names = ("tax", "insurance")
    grpc_deadline_s: float = 10.0


class ReplaySettings(BaseSettings):
    """What deciding again needs to know: where the database is. It reads, so it holds no other secret."""

    model_config = SettingsConfigDict(env_prefix="CRADLE_", frozen=True, extra="ignore")

    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    law_overrides: _Folder = None  # the city's own law, which a draft is laid over


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
