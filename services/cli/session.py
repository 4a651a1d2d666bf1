"""What every command shares: the settings, the language, and how things are shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import grpc
import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.failures import Exit, Failure, asking_service, said
from services.cli.tables import Sheet
from services.kit import rpc, tls
from services.kit.messages import Language, text
from services.kit.settings import ClientSettings, Terminal, load_client

_PIPED_WIDTH = 100


@dataclass(frozen=True)
class Session:
    """`settings` are read when a command first needs them, so that `--help` needs none."""

    chosen_language: Language | None
    output: Literal["table", "json", "csv"]

    @property
    def as_json(self) -> bool:
        return self.output == "json"

    @property
    def as_csv(self) -> bool:
        return self.output == "csv"

    @cached_property
    def settings(self) -> ClientSettings:
        return load_client()

    @property
    def broker(self) -> dict[str, Any]:
        """What a client of Kafka is made with."""
        return tls.broker(self.settings)

    @cached_property
    def language(self) -> Language:
        return self.chosen_language or language_of(Terminal().lang)

    def text(self, code: str, /, **values: object) -> str:
        return text(code, self.language, **values)

    def whispered(self, code: str) -> str:
        """What may stand in no command line: asked for without an echo, or a line of standard input."""
        if not sys.stdin.isatty():
            return sys.stdin.readline().strip()
        return str(typer.prompt(self.text(code), hide_input=True, err=True)).strip()

    def show(self, *parts: RenderableType, piped_width: int = _PIPED_WIDTH) -> None:
        """What is not on a screen is searched by line, so a table is as wide as its words need."""
        piped = max(piped_width, *(part.least for part in parts if isinstance(part, Sheet)), 0)
        console = Console(width=None if sys.stdout.isatty() else piped, markup=False, highlight=False, emoji=False)
        for part in parts:
            console.print(part)

    def note(self, code: str, /, **values: object) -> None:
        """A word to the person, beside the result."""
        typer.echo(self.text(code, **values), err=True)

    @contextmanager
    def progress(self, code: str, total: int | None) -> Iterator[Progress]:
        """A bar on standard error, where a person watches and there is something to watch. None: nobody knows yet."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            progress.add_task(self.text(code), total=total)
            yield progress

    @contextmanager
    def channel(self, target: str) -> Iterator[grpc.Channel]:
        """A channel to a service; its errors become Failures."""
        with rpc.blocking_channel(target, tls.identity(self.settings)) as channel, asking_service(target):
            yield channel


def language_of(lang: str) -> Language:
    return Language.ZH if lang.lower().startswith("zh") else Language.EN


def as_data(message: Message) -> dict[str, Any]:
    """The protobuf JSON mapping with the fields' own names, every field there whether or not it is set."""
    data: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return data


def document(data: object) -> None:
    """The one JSON document a command writes."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def tell_failure(failure: Failure, session: Session) -> None:
    """The reasons, each with its code and field: on standard error, or as the JSON document."""
    if session.as_json:
        reasons = [as_data(given) for given in failure.reasons]
        document({"error": {"exit_code": int(failure.exit_code), "reasons": reasons}})
        return
    for line in _lines(failure, session.language):
        typer.echo(line, err=True)
    if failure.exit_code is Exit.UNAVAILABLE:
        session.note("CLI_AWAY")


def _lines(failure: Failure, language: Language) -> Sequence[str]:
    return [
        " ".join(filter(None, (given.code, given.field))) + f": {said(given, language)}" for given in failure.reasons
    ]
