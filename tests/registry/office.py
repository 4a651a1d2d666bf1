"""What the tests of the registry share: an office on a database of its own, and what offices state."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from cradle.registry.v1 import event_pb2

from deploy.local.stack import Stack
from services.kit import db
from services.kit.clock import Clock
from services.kit.seal import Keyed
from services.registry import usecases
from services.registry.model import (
    BEGINNING,
    GOES_ON,
    Category,
    Contract,
    Contributions,
    Coverage,
    Employer,
    Late,
    Level,
    Months,
    Person,
    Provider,
    Question,
    StatedSpan,
)
from services.registry.usecases import Office
from tests.builders import TODAY, spans
from tests.kit.live import rows, sealer_of

PAID = spans("2024-01..2026-03")
NAME = "欧阳测试"


@asynccontextmanager
async def office(stack: Stack, dsn: str, connections_max: int = 8) -> AsyncIterator[Office]:
    key = base64.b64decode(stack.environment["CRADLE_BLIND_INDEX_KEY"])
    async with db.connect(dsn, connections_max=connections_max) as database:
        yield Office(database, Clock(TODAY), sealer_of(stack), Keyed.of(key))


def employer(code: str, *, bases: dict[int, int] | None = None, **wages: int) -> Employer:
    stated = {int(year[1:]): fen for year, fen in (wages or {"y2025": 600_000}).items()}
    return Employer(code, "宝鸡测试厂", "610304", stated, bases or {})


def covered(
    first: date = BEGINNING,
    last: date = GOES_ON,
    category: Category = Category.EMPLOYEE,
    by: str = "",
    *,
    is_student: bool = False,
) -> StatedSpan:
    return StatedSpan(first, last, category, by, is_student, place="employer_uscc")


def person(
    number: str,
    code: str = "",
    paid: Months = PAID,
    *,
    coverage: Sequence[StatedSpan] | None = None,
    late: Late = (),
    reported_to: int | None = None,
    name: str = NAME,
) -> Person:
    """Somebody insured through an employer from the beginning, unless spans say otherwise."""
    spans_ = (covered(by=code),) if coverage is None else tuple(coverage)
    last = max((end for _, end in paid), default=0) if reported_to is None else reported_to
    return Person(number, name, spans_, Contributions(paid, late, last))


def provider(code: str, *contracts: tuple[date, date, Level], account: str = "") -> Provider:
    return Provider(code, "宝鸡测试医院", "610304", account, tuple(Contract(*one) for one in contracts))


async def asked(
    given: Office,
    number: str = "",
    code: str = "",
    known_at: datetime | None = None,
    *,
    on: date | None = None,
    reference: UUID | None = None,
    husband: str | UUID = "",
) -> Coverage:
    him = {"husband": husband} if isinstance(husband, UUID) else {"husband_id_number": husband}
    question = Question(number, code, on, reference, **him)
    (found,) = await usecases.get_coverage(given, [question], known_at or datetime.now(UTC))
    return found


async def told_of(dsn: str, reference: UUID | None, topic: str = "registry.coverage.v1") -> list[Any]:
    """The events that wait in the outbox for one person or employer, in order."""
    envelope: Any = {
        "registry.coverage.v1": event_pb2.CoverageEvent,
        "registry.person.v1": event_pb2.PersonEvent,
        "registry.employer.v1": event_pb2.EmployerEvent,
    }[topic]
    sql = "SELECT payload FROM outbox WHERE aggregateid = $1 AND topic = $2 ORDER BY id"
    return [envelope.FromString(row["payload"]) for row in await rows(dsn, sql, str(reference), topic)]
