"""`cradle registry import`: what an insurance office knows, in bulk. The good rows go on, the others are told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import grpc
import typer
from cradle.common.v1 import reason_pb2
from cradle.registry.v1 import service_pb2
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub

from services.cli.failures import Exit, coded, from_rpc, said
from services.cli.files import FileArgument, Row, read_rows
from services.cli.mapping import fill
from services.cli.session import Session, as_data, document

app = typer.Typer(no_args_is_help=True, help="What the insurance offices know.")

Kind = Literal["employers", "persons"]
Record = service_pb2.EmployerRecord | service_pb2.PersonRecord
T = TypeVar("T")
_CHUNK: Final = 500
_PLACE: Final = re.compile(r"(?:employers|persons)(?:\[(?P<index>\d+)\])?\.?")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record the registry did not take: its place among its kind, and why."""

    kind: Kind
    index: int
    reason: reason_pb2.Reason


@dataclass(slots=True)
class Imported:
    employers: int = 0
    persons: int = 0
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(slots=True)
class _Read:
    """The rows of the file that could be read, by kind, with their row numbers; and why the others could not."""

    records: dict[Kind, list[Any]] = field(default_factory=lambda: {"employers": [], "persons": []})
    numbers: dict[Kind, list[int]] = field(default_factory=lambda: {"employers": [], "persons": []})
    unread: list[tuple[int, reason_pb2.Reason]] = field(default_factory=list)


@app.command("import")
def import_(
    context: typer.Context,
    file: FileArgument,
    errors: Annotated[Path, typer.Option(dir_okay=False, help="where rows that were not taken are told")] = Path(
        "errors.ndjson"
    ),
) -> None:
    """Record the rows of FILE (YAML, JSON or NDJSON; - is standard input): `employer: {...}` or `person: {...}`.

    Employers go first. A record of a known employer or person replaces the earlier one, so an import that was
    interrupted can simply be run again. Exit status 1: some rows were not taken; they are in the errors file.
    """
    session: Session = context.obj
    rows = read_rows(file)
    read = _read(rows)
    settings = session.settings
    with (
        session.channel(settings.registry_target) as channel,
        session.progress("CLI_PROGRESS_ROWS", len(rows) - len(read.unread)) as progress,
    ):
        done = import_records(
            RegistryServiceStub(channel),
            read.records["employers"],
            read.records["persons"],
            lambda count: progress.advance(progress.task_ids[0], count),
            timeout_s=settings.grpc_deadline_s,
        )
    problems = [*read.unread, *((read.numbers[one.kind][one.index], one.reason) for one in done.rejected)]
    _tell(session, done, sorted(problems, key=lambda problem: problem[0]), errors)


def import_records(
    stub: RegistryServiceStub,
    employers: Iterable[service_pb2.EmployerRecord],
    persons: Iterable[service_pb2.PersonRecord],
    on_progress: Callable[[int], object],
    *,
    timeout_s: float = 30.0,
) -> Imported:
    """Record employers, then persons, in chunks. `on_progress` is told how many more are done.

    A record that is not valid is put aside and the others go on. Raises grpc.RpcError for anything else.
    """
    done = Imported()

    def record(kind: Kind, records: Iterable[Any]) -> None:
        for start, chunk in _chunks(records):
            indexed = list(enumerate(chunk, start))
            rejected = [Rejected(kind, index, why) for index, why in _record(stub, kind, indexed, timeout_s)]
            done.rejected += rejected
            taken = len(chunk) - len(rejected)
            if kind == "employers":
                done.employers += taken
            else:
                done.persons += taken
            on_progress(len(chunk))

    record("employers", employers)
    record("persons", persons)
    return done


def _chunks(records: Iterable[T]) -> Iterator[tuple[int, list[T]]]:
    left, start = iter(records), 0
    while chunk := list(islice(left, _CHUNK)):
        yield start, chunk
        start += len(chunk)


def _record(
    stub: RegistryServiceStub, kind: Kind, indexed: Sequence[tuple[int, Any]], timeout_s: float
) -> Iterator[tuple[int, reason_pb2.Reason]]:
    """Record a chunk and answer what was refused. The service takes all or none, and does not always say which
    record is at fault: those it names are put aside, and where it names none the chunk is halved until it is found.
    """
    if not indexed:
        return
    request = service_pb2.BatchRecordCoverageRequest(**{kind: [record for _, record in indexed]})
    try:
        stub.BatchRecordCoverage(request, timeout=timeout_s)
    except grpc.RpcError as error:
        failure = from_rpc(error, "")
        if failure.exit_code is not Exit.USAGE:
            raise
        named = _named(failure.reasons, len(indexed))
        if len(indexed) == 1:
            named = {0: failure.reasons[0]}
        for place, why in named.items():
            yield indexed[place][0], _without_place(why)
        if named:
            yield from _record(stub, kind, [one for at, one in enumerate(indexed) if at not in named], timeout_s)
        else:
            middle = len(indexed) // 2
            yield from _record(stub, kind, indexed[:middle], timeout_s)
            yield from _record(stub, kind, indexed[middle:], timeout_s)


def _named(reasons: Sequence[reason_pb2.Reason], count: int) -> dict[int, reason_pb2.Reason]:
    """Places inside the chunk that the answer names, as in `persons[3].employer_uscc`."""
    found: dict[int, reason_pb2.Reason] = {}
    for why in reasons:
        place = _PLACE.match(why.field)
        if place and place["index"] is not None and int(place["index"]) < count:
            found.setdefault(int(place["index"]), why)
    return found


def _without_place(why: reason_pb2.Reason) -> reason_pb2.Reason:
    bare = reason_pb2.Reason()
    bare.CopyFrom(why)
    bare.field = _PLACE.sub("", why.field, count=1)
    return bare


def _read(rows: Sequence[Row]) -> _Read:
    read = _Read()
    for row in rows:
        kind, record, problems = _to_record(row.content)
        if problems:
            read.unread += [(row.number, problem) for problem in problems]
        else:
            read.records[kind].append(record)
            read.numbers[kind].append(row.number)
    return read


def _to_record(content: object) -> tuple[Kind, Record, list[reason_pb2.Reason]]:
    match content:
        case {"employer": Mapping() as inside, **others} if not others:
            employer = service_pb2.EmployerRecord()
            return "employers", employer, fill(employer, inside)
        case {"person": Mapping() as inside, **others} if not others:
            person = service_pb2.PersonRecord()
            return "persons", person, fill(person, inside)
        case _:
            return "persons", service_pb2.PersonRecord(), [coded("CLI_ROW_UNKNOWN")]


def _tell(session: Session, done: Imported, problems: Sequence[tuple[int, reason_pb2.Reason]], errors: Path) -> None:
    rows = len({number for number, _ in problems})
    if problems:
        lines = [
            {"row": number, "code": why.code, "field": why.field, "text": said(why, session.language)}
            for number, why in problems
        ]
        errors.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    if session.as_json:
        told = [{"row": number, **as_data(why)} for number, why in problems]
        document({"employers": done.employers, "persons": done.persons, "rejected_rows": rows, "errors": told})
    else:
        typer.echo(session.text("CLI_IMPORTED", employers=done.employers, persons=done.persons))
    if problems:
        session.note("CLI_ROWS_REJECTED", rows=rows, file=errors)
        raise typer.Exit(Exit.RETURNED)
