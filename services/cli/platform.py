"""`cradle claims platform`: files of the national platform's messages, looked at or sent to a source's intake."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from cradle.claims.v1 import intake_pb2
from cradle.options.v1 import options_pb2
from google.protobuf.message import Message

from services.claims.model.platform import PlatformUndo
from services.claims.usecases.platform import Outcome, Register, Status
from services.claims.usecases.platform.matching import Leaving
from services.claims.wire.platform import Adapter, Finding, FindingKind, crosswalk
from services.claims.wire.platform.mapping import map_record
from services.claims.wire.platform.records import records
from services.cli import intake, views
from services.cli.failures import Exit, Failure, asking_broker, coded
from services.cli.files import write_errors
from services.cli.session import Session, as_data, document
from services.kit.clock import Clock
from services.kit.messages import Language

app = typer.Typer(no_args_is_help=True, help="Messages of the national platform: 2304, 2305, 3201.")

FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE...", dir_okay=False, help="JSON or NDJSON")]
_CHUNK: Final = 500
_COLUMNS: Final = ("PLACE", "FINDING", "FINDING_CODE", "FINDING_FIELD", "DETAIL")
_REDACTED: Final = "***"
_NATIONAL: Final = "no sender"  # the crosswalk names none of it, so only national codes are used


@dataclass(frozen=True, slots=True)
class Told:
    """A message by its file and line, and what became of it."""

    file: str
    line: int
    outcome: Outcome

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@app.command("map")
def map_(
    context: typer.Context,
    files: FilesArgument,
    source: Annotated[str, typer.Option(help="whose local codes to use; national codes only if not given")] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="also what the crosswalk ignores by its list")] = False,
) -> None:
    """Show what the messages of FILES would become, and every finding. Nothing is sent; no setting is needed.

    Personal fields of the claims are left out. Exit status 1: at least one message was not mapped.
    """
    session: Session = context.obj
    if source and source not in (senders := crosswalk.SHIPPED[-1].senders):
        raise Failure(Exit.USAGE, [coded("CLI_PLATFORM_SENDER", "--source", source=source, known=", ".join(senders))])
    told = _each_by_itself(list(_all_of(files, source)))
    if session.as_json:
        counts = Counter(str(one.outcome.status) for one in told)
        document({"messages": [_message(one, every=every) for one in told], "counts": dict(counts)})
    else:
        rows = [_row(session, one, found) for one in told for found in _findings(one, every=every)]
        if rows:
            session.show(views.table(session, [f"CLI_COL_{name}" for name in _COLUMNS], rows), piped_width=160)
        for one in told:
            for left in one.outcome.leaving:
                typer.echo(f"{one.place} {json.dumps(_redacted(left.intake), ensure_ascii=False)}")
    _count(session, Counter(one.outcome.status for one in told))


@app.command("import")
def import_(
    context: typer.Context,
    files: FilesArgument,
    source: Annotated[str, typer.Option(help="the sender, whose intake they go to")],
    errors: Annotated[Path, typer.Option(dir_okay=False, help="where messages that were not mapped are told")] = Path(
        "errors.ndjson"
    ),
) -> None:
    """Map the messages of FILES and send what they become to the intake of a source.

    An import that was interrupted can simply be run again: the same settlement is the same claim number, and is taken
    in once. Exit status 1: some messages were not mapped; they are in the errors file.
    """
    session: Session = context.obj
    settings = session.settings
    if source not in settings.sources:
        known = ", ".join(settings.sources)
        raise Failure(Exit.USAGE, [coded("CLI_SOURCE_UNKNOWN", "--source", source=source, known=known)])
    counts: Counter[Status] = Counter()
    wrong: list[Told] = []  # the others are not kept: a year's file is large
    sizes = [_size(path) for path in files]
    with asking_broker(settings.kafka_bootstrap_servers), session.progress("CLI_PROGRESS_BYTES", sum(sizes)) as bar:
        leaving = _leaving(_all_of(files, source, lambda size: bar.advance(bar.task_ids[0], size)), counts, wrong)
        sent = asyncio.run(_send(session.broker, source, leaving))
    _write_errors(session, wrong, errors)
    if session.as_json:
        document({"sent": dict(sent), "counts": {str(status): times for status, times in counts.items()}})
    else:
        typer.echo(
            session.text("CLI_PLATFORM_SENT", **{name: sent[name] for name in ("submit", "void", "control_totals")})
        )
    if sent:
        session.note("CLI_PLATFORM_NEXT", source=source)
    if wrong:
        session.note("CLI_PLATFORM_ERRORS", messages=len(wrong), file=errors)
    _count(session, counts)


def _all_of(files: Sequence[Path], source: str, on_read: Callable[[int], object] = int) -> Iterator[Told]:
    """Every message of the files in order, each after those before it; then the undos that found no settlement."""
    adapter, today = Adapter(source or _NATIONAL), Clock().today()
    register = Register(_digest)
    early: list[Told] = []
    for path in files:
        raw = _bytes(path)
        for record in records(raw):
            told = Told(path.name, record.line, register.take(map_record(adapter, record, today)))
            if told.outcome.status is Status.WAITING:
                early.append(told)
            else:
                yield told
        on_read(len(raw))
    for told in early:
        yield Told(told.file, told.line, register.last_word(told.outcome))


def _digest(plain: bytes) -> bytes:
    return sha256(plain).digest()


def _each_by_itself(told: Sequence[Told]) -> list[Told]:
    """Each with what it became itself: the void of an undo that was early leaves with its settlement."""
    early = {left.undo: left for one in told for left in one.outcome.leaving if left.undo}
    return [replace(one, outcome=_by_itself(one.outcome, early)) for one in told]


def _by_itself(outcome: Outcome, early: Mapping[PlatformUndo, Leaving]) -> Outcome:
    void = outcome.mapped.void
    if void is None or outcome.leaving or outcome.status is not Status.MAPPED:
        return replace(outcome, leaving=tuple([left for left in outcome.leaving if not left.undo]))
    left = early[Register(_digest).undo_of(outcome.mapped, void)]
    return replace(outcome, leaving=(left,), claim_number=left.intake.void.claim_number)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise Failure(Exit.USAGE, [coded("CLI_FILE_UNREADABLE", path.name, problem=problem)]) from error


def _size(path: Path) -> int:
    return len(_bytes(path)) if not path.is_file() else path.stat().st_size


def _leaving(told: Iterable[Told], counts: Counter[Status], wrong: list[Told]) -> Iterator[Leaving]:
    for one in told:
        counts[one.outcome.status] += 1
        if one.outcome.status is Status.NOT_MAPPED:
            wrong.append(one)
        yield from one.outcome.leaving


async def _send(client: Mapping[str, Any], source: str, leaving: Iterator[Leaving]) -> Counter[str]:
    """Send in order, some hundred at a time; returns when the broker has them all."""
    sent: Counter[str] = Counter()
    async with intake.sending(client, source) as send:
        while chunk := list(islice(leaving, _CHUNK)):
            await send([(one.key, one.intake.SerializeToString()) for one in chunk])
            sent.update(str(one.intake.WhichOneof("event")) for one in chunk)
    return sent


def _findings(told: Told, *, every: bool) -> list[Finding]:
    return [one for one in told.outcome.mapped.findings if every or one.kind is not FindingKind.IGNORED]


def _row(session: Session, told: Told, found: Finding) -> tuple[str, ...]:
    kind = session.text(f"PLATFORM_KIND_{found.kind}")
    why = found.reason
    return (told.place, kind, why.code, why.field, why.text(session.language))


def _message(told: Told, *, every: bool) -> dict[str, Any]:
    mapped = told.outcome.mapped
    return {
        "file": told.file,
        "line": told.line,
        "status": str(told.outcome.status),
        "infno": mapped.infno,
        "msgid": mapped.msgid,
        "claim_number": told.outcome.claim_number,
        "crosswalk": mapped.version,
        "findings": [_finding(found) for found in _findings(told, every=every)],
        "intake": [_redacted(left.intake) for left in told.outcome.leaving],
    }


def _finding(found: Finding) -> dict[str, str]:
    why = found.reason
    return {
        "kind": str(found.kind),
        "code": why.code,
        "field": why.field,
        "text_zh": why.text(Language.ZH),
        "text_en": why.text(Language.EN),
    }


def _redacted(record: intake_pb2.ClaimIntake) -> dict[str, Any]:
    """The record as data, without what its contract marks as personal."""
    bare = intake_pb2.ClaimIntake()
    bare.CopyFrom(record)
    _redact(bare)
    return as_data(bare)


def _redact(message: Message) -> None:
    for field, value in message.ListFields():
        if field.GetOptions().Extensions[options_pb2.personal]:
            setattr(message, field.name, _REDACTED)
        elif field.message_type is not None:
            for inside in value if field.is_repeated else [value]:
                _redact(inside)


def _write_errors(session: Session, wrong: Sequence[Told], errors: Path) -> None:
    lines = chain.from_iterable(
        [
            {"file": told.file, "line": told.line, "msgid": told.outcome.mapped.msgid}
            | {"kind": str(found.kind), "code": found.reason.code, "field": found.reason.field}
            | {"text": found.reason.text(session.language)}
            for found in _findings(told, every=False)
        ]
        for told in wrong
    )
    write_errors(errors, lines)


def _count(session: Session, counts: Counter[Status]) -> None:
    """The last word, and the exit status it calls for."""
    session.note(
        "CLI_PLATFORM_COUNTS",
        messages=counts.total(),
        mapped=counts[Status.MAPPED],
        not_mapped=counts[Status.NOT_MAPPED],
        repeated=counts[Status.REPEATED],
    )
    if counts[Status.NOT_MAPPED]:
        raise typer.Exit(Exit.RETURNED)
