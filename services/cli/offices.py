"""Handing the registry what offices state, in chunks; each record has its receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from cradle.common.v1 import reason_pb2
from cradle.registry.v1 import intake_pb2, service_pb2

if TYPE_CHECKING:
    from cradle.registry.v1.office_pb2_grpc import OfficeServiceStub

CHUNK: Final = 500
# Who others hang on goes first, and a month is paid before it is taken back.
ORDER: Final = ("employer", "provider", "person", "coverage", "contributions", "household", "arrears")
_RETURNED: Final = intake_pb2.COVERAGE_RECEIPT_STATUS_RETURNED
_UNCHANGED: Final = intake_pb2.COVERAGE_RECEIPT_STATUS_UNCHANGED

Numbered = tuple[int, intake_pb2.CoverageIntake]  # the row it came from


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record the registry did not take: its row, its kind, and why."""

    row: int
    kind: str
    reason: reason_pb2.Reason


@dataclass(slots=True)
class Imported:
    """How many records of each kind were taken, how many of them said something new, and which were not taken."""

    taken: Counter[str] = field(default_factory=Counter)
    recorded: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)


def import_records(
    stub: OfficeServiceStub,
    employers: Iterable[service_pb2.EmployerRecord],
    persons: Iterable[service_pb2.PersonRecord],
    on_progress: Callable[[int], object],
    *,
    providers: Iterable[service_pb2.ProviderRecord] = (),
    timeout_s: float = 30.0,
) -> Imported:
    """Record employers, institutions, persons. `on_progress` is told how many more are done. Raises grpc.RpcError."""
    records = [intake_pb2.CoverageIntake(employer=employer) for employer in employers]
    records += [intake_pb2.CoverageIntake(provider=provider) for provider in providers]
    records += [intake_pb2.CoverageIntake(person=person) for person in persons]
    return take_in(stub, enumerate(records, 1), on_progress, timeout_s=timeout_s)


def take_in(
    stub: OfficeServiceStub,
    records: Iterable[Numbered],
    on_progress: Callable[[int], object],
    *,
    timeout_s: float = 30.0,
    dry_run: bool = False,
) -> Imported:
    """Hand over the records in their order. One that is not taken is put aside and the others go on."""
    done = Imported()
    for chunk in _chunks(records):
        request = intake_pb2.BatchTakeInCoverageRequest(records=[one for _, one in chunk], validate_only=dry_run)
        answer = stub.BatchTakeInCoverage(request, timeout=timeout_s)
        for (row, record), receipt in zip(chunk, answer.receipts, strict=True):
            _count(done, row, str(record.WhichOneof("record") or ""), receipt)
        on_progress(len(chunk))
    return done


def _chunks(records: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    left = iter(records)
    while chunk := list(islice(left, CHUNK)):
        yield chunk


def _count(done: Imported, row: int, kind: str, receipt: intake_pb2.CoverageReceipt) -> None:
    if receipt.status == _RETURNED:
        done.rejected += [Rejected(row, kind, _inside(why, kind)) for why in receipt.reasons]
        return
    done.taken[kind] += 1
    if receipt.status == _UNCHANGED:
        done.unchanged += 1
    else:
        done.recorded += 1


def _inside(why: reason_pb2.Reason, kind: str) -> reason_pb2.Reason:
    """The reason with its place inside the record, as the row shows it."""
    placed = reason_pb2.Reason()
    placed.CopyFrom(why)
    placed.field = why.field.removeprefix(f"{kind}.")
    return placed
