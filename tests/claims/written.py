"""A history of determinations written straight into the tables, as intake would have left it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.claims import rules
from services.claims.model import Facts
from services.kit.law import Law, canonical
from tests.claims.stored import Row

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


class Written(NamedTuple):
    """A row of `determination`, with what its claim says."""

    claim: UUID
    law: str
    rules: str
    facts: str
    result: str
    outcome: str
    decided: date
    county: str = "610302"
    version: int = 1
    person: UUID | None = None


def claim_id(number: int) -> UUID:
    return UUID(int=(0x0190 << 112) | number)


def decided(  # every part of a row
    number: int, facts: Facts, law: Law, *, county: str = "610302", version: int = 1, person: int | None = None
) -> Written:
    """A determination by today's rules."""
    result = rules.decide(facts, law)
    return Written(
        claim_id(number), law.digest, rules.REVISION, canonical(facts.as_data()), canonical(result.as_data()),
        result.outcome, facts.decision_date, county, version, claim_id(person) if person is not None else None,
    )  # fmt: skip


def of_old(first: int, rows: Sequence[Row], *, county: str = "610304") -> Iterator[Written]:
    """Determinations as revision 2026.1 stored them."""
    for number, row in enumerate(rows, first):
        day = date.fromisoformat(orjson.loads(row.facts)["decision_date"])
        outcome = orjson.loads(row.result)["outcome"]
        yield Written(claim_id(number), row.law, row.rules, row.facts, row.result, outcome, day, county)


_CLAIM: Final = (
    "id", "source", "number", "version", "state", "county", "event_date", "person", "content_hashes", "received_at",
    "updated_at",
)  # fmt: skip
_DECIDED: Final = (
    "claim_id", "version", "revision", "outcome", "decision_date", "known_at", "law_digest", "rules_revision", "facts",
    "result", "decided_at",
)  # fmt: skip


def write(dsn: str, rows: Iterable[Written], laws: Iterable[tuple[str, str]] = ()) -> None:
    asyncio.run(_write(dsn, rows, laws))


async def _write(dsn: str, rows: Iterable[Written], laws: Iterable[tuple[str, str]]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.executemany("INSERT INTO law VALUES ($1, $2) ON CONFLICT DO NOTHING", list(laws))
        left = iter(rows)
        while chunk := list(itertools.islice(left, 20_000)):
            firsts = [one for one in chunk if one.version == 1]
            await connection.copy_records_to_table("claim", columns=_CLAIM, records=map(_claim, firsts))
            await connection.copy_records_to_table(
                "determination", columns=_DECIDED, records=map(_determination, chunk)
            )
        await connection.execute("VACUUM ANALYZE determination")
    finally:
        await connection.close()


def _claim(one: Written) -> tuple[object, ...]:
    number, day = str(one.claim.int % 2**64), one.decided
    return one.claim, "hospitals", number, 1, one.outcome, one.county, day, one.person, [], NOW, NOW


def _determination(one: Written) -> tuple[object, ...]:
    return (
        one.claim, one.version, one.version, one.outcome, one.decided, NOW, one.law, one.rules, one.facts, one.result,
        NOW,
    )  # fmt: skip
