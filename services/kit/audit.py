"""Who read what of persons, one row a call; and which calls were refused, added up so that no flood fills the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.kit import timer
from services.kit.clock import Clock
from services.kit.db import Database

EVERY_S: Final = 60.0
KINDS_MAX: Final = 50  # rows a minute of one process; whatever else is refused in it is one row more
OTHERS: Final = "others"
_TEXT_MAX: Final = 200

Noting = Callable[[str, str, str], None]  # principal, method, code


def nowhere(principal: str, method: str, code: str) -> None:
    """Without a database a refusal is a line of the log."""


@dataclass(frozen=True, slots=True)
class Read:
    """A call that was answered with something of persons. `records`: the claims it was on."""

    at: datetime
    method: str
    principal: str
    purpose: str
    subjects: Collection[UUID] = ()
    records: Collection[UUID] = ()


async def keep(database: Database, read: Read) -> None:
    """Before it is answered, so that nothing is read that is not on file here."""
    await database.fetch(
        "INSERT INTO audit (at, method, principal, purpose, subjects, records) VALUES ($1, $2, $3, $4, $5, $6)",
        read.at,
        read.method,
        read.principal,
        read.purpose,
        list(read.subjects),
        list(read.records),
    )


# --- refused ---------------------------------------------------------------------------------------------------------


class Kind(NamedTuple):
    principal: str
    method: str
    code: str


class Count(NamedTuple):
    first_at: datetime
    last_at: datetime
    calls: int = 1


_APPEND: Final = """INSERT INTO refused_call (principal, method, code, first_at, last_at, calls)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bigint[])"""


@dataclass(slots=True)
class Refusals:
    """What was refused since it was last written down. A caller costs one entry however often it asks."""

    database: Database
    clock: Clock
    counts: dict[Kind, Count] = field(default_factory=dict)
    some: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, principal: str, method: str, code: str) -> None:
        now = self.clock.now()
        self._add(Kind(_plain(principal), method, code), Count(now, now))

    def _add(self, kind: Kind, more: Count) -> None:
        if kind not in self.counts and len(self.counts) >= KINDS_MAX:
            kind = Kind(OTHERS, OTHERS, OTHERS)
        known = self.counts.get(kind, more._replace(calls=0))
        first, last = min(known.first_at, more.first_at), max(known.last_at, more.last_at)
        self.counts[kind] = Count(first, last, known.calls + more.calls)
        self.some.set()

    async def write(self) -> None:
        """Append what there is; what could not be written stays, and is written with the next."""
        if not self.counts:
            return
        taken, self.counts, is_written = self.counts, {}, False
        self.some.clear()
        try:
            await self.database.fetch(_APPEND, *zip(*[(*kind, *count) for kind, count in taken.items()], strict=True))
            is_written = True
        finally:
            if not is_written:
                for kind, count in taken.items():
                    self._add(kind, count)

    async def _write_soon(self) -> None:
        await self.some.wait()
        await self.write()


def _plain(text: str) -> str:
    return text.replace("\x00", "")[:_TEXT_MAX]


@asynccontextmanager
async def refusals(database: Database, clock: Clock) -> AsyncIterator[Noting]:
    """Where refused calls are noted: the first after a quiet minute is written at once, what follows once a minute."""
    kept, stopping = Refusals(database, clock), asyncio.Event()
    writing = asyncio.create_task(timer.every(EVERY_S, stopping, kept._write_soon))
    try:
        yield kept.note
    finally:
        stopping.set()
        kept.some.set()
        await writing  # to its end: broken off, what it writes may be there, and would be written again
        await timer.tried(kept.write)


# --- looking ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty filters do not filter."""

    principal: str = ""
    method: str = ""
    since: datetime | None = None
    until: datetime | None = None
    subject: UUID | None = None
    record: UUID | None = None


class Kept(NamedTuple):
    id: int
    read: Read


class RefusedCalls(NamedTuple):
    id: int
    kind: Kind
    happened: Count


async def reads(database: Database, wanted: Wanted, before: int | None, limit: int) -> Sequence[Kept]:
    """Newest first."""
    rows = await database.fetch(
        """SELECT id, at, method, principal, purpose, subjects, records FROM audit
           WHERE ($1::bigint IS NULL OR id < $1) AND ($2 = '' OR principal = $2) AND ($3 = '' OR method = $3)
             AND ($4::timestamptz IS NULL OR at >= $4) AND ($5::timestamptz IS NULL OR at < $5)
             AND ($6::uuid IS NULL OR $6 = ANY(subjects)) AND ($7::uuid IS NULL OR $7 = ANY(records))
           ORDER BY id DESC LIMIT $8""",
        before,
        wanted.principal,
        wanted.method,
        wanted.since,
        wanted.until,
        wanted.subject,
        wanted.record,
        limit,
    )
    return [
        Kept(r["id"], Read(r["at"], r["method"], r["principal"], r["purpose"], r["subjects"], r["records"]))
        for r in rows
    ]


async def refused_calls(database: Database, wanted: Wanted, before: int | None, limit: int) -> Sequence[RefusedCalls]:
    """Newest first."""
    rows = await database.fetch(
        """SELECT id, principal, method, code, first_at, last_at, calls FROM refused_call
           WHERE ($1::bigint IS NULL OR id < $1) AND ($2 = '' OR principal = $2) AND ($3 = '' OR method = $3)
             AND ($4::timestamptz IS NULL OR last_at >= $4) AND ($5::timestamptz IS NULL OR first_at < $5)
           ORDER BY id DESC LIMIT $6""",
        before,
        wanted.principal,
        wanted.method,
        wanted.since,
        wanted.until,
        limit,
    )
    return [
        RefusedCalls(
            r["id"], Kind(r["principal"], r["method"], r["code"]), Count(r["first_at"], r["last_at"], r["calls"])
        )
        for r in rows
    ]
