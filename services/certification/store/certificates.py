"""Certificates: locked by employer, read with what happened to them, written with how they stand. Always for many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from services.certification.model import (
    Certificate,
    CertificateState,
    Fact,
    Filed,
    Happening,
    Kind,
    Reminder,
    Span,
    Told,
)
from services.kit.db import Database, Tx

_SPAN: Final = ("on_day", "state", "why", "valid_to", "kind", "locked_until")
_OWN: Final = (
    "number", "serial", "employer", "uscc", "employer_name", "county", "application_id", "scheme", "scheme_digest",
    "awarded_on", "version", "told_to",
)  # fmt: skip
_SELECT: Final = f"SELECT {', '.join((*_OWN, *_SPAN))}, credential, code FROM certificate"


class Wanted(NamedTuple):
    """What a list is of. None bounds nothing."""

    uscc: str = ""
    state: str = ""
    usccs: frozenset[str] | None = None
    counties: frozenset[str] | None = None


class Written(NamedTuple):
    """A certificate as it is to be written: spans from `first` on, where they differ; `told` where that is told."""

    certificate: Certificate
    first: date | None
    spans: Sequence[Span]
    reminders: Sequence[Reminder]
    told: Told | None
    next_look_on: date | None


# --- locking and reading ----------------------------------------------------------------------------------------------


async def lock_employers(tx: Tx, employers: Collection[UUID]) -> None:
    """Whoever writes what happened to an employer, or awards it a certificate, waits for the other."""
    await tx.fetch(
        "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest($1::text[]) AS key",
        sorted(f"certificate/{one}" for one in employers),
    )


async def of_employers(tx: Tx, employers: Collection[UUID]) -> list[Certificate]:
    """Oldest first, locked; the employers are locked before."""
    rows = await tx.fetch(f"{_SELECT} WHERE employer = ANY($1::uuid[]) ORDER BY serial FOR UPDATE", list(employers))
    return [certificate_of(row) for row in rows]


async def by_number(source: Database | Tx, number: str) -> Certificate | None:
    rows = await source.fetch(f"{_SELECT} WHERE number = $1", number)
    return certificate_of(rows[0]) if rows else None


async def latest_of(source: Database | Tx, employer: UUID) -> Certificate | None:
    rows = await source.fetch(f"{_SELECT} WHERE employer = $1 ORDER BY serial DESC LIMIT 1", employer)
    return certificate_of(rows[0]) if rows else None


async def holders(database: Database, after: int, limit: int) -> list[tuple[int, UUID]]:
    """Serial and employer of certificates that live, by serial."""
    rows = await database.fetch(
        """SELECT serial, employer FROM certificate WHERE serial > $1 AND state IN ('ACTIVE', 'SUSPENDED')
           ORDER BY serial LIMIT $2""",
        after,
        limit,
    )
    return [(row["serial"], row["employer"]) for row in rows]


async def listed(database: Database, wanted: Wanted, before: int | None, limit: int) -> list[Certificate]:
    """Newest first."""
    rows = await database.fetch(
        f"""{_SELECT} WHERE ($1 = '' OR uscc = $1) AND ($2 = '' OR state = $2)
            AND ($3::text[] IS NULL OR uscc = ANY($3))
            AND ($4::text[] IS NULL OR county = ANY($4)) AND ($5::bigint IS NULL OR serial < $5)
            ORDER BY serial DESC LIMIT $6""",
        wanted.uscc,
        wanted.state,
        None if wanted.usccs is None else sorted(wanted.usccs),
        None if wanted.counties is None else sorted(wanted.counties),
        before,
        limit,
    )
    return [certificate_of(row) for row in rows]


async def facts(source: Database | Tx, employers: Collection[UUID]) -> Mapping[UUID, list[Fact]]:
    rows = await source.fetch(
        f"SELECT {', '.join(Fact._fields)} FROM certificate_fact WHERE employer = ANY($1::uuid[])", list(employers)
    )
    found: dict[UUID, list[Fact]] = defaultdict(list)
    for row in rows:
        fact = Fact(*row)
        found[fact.employer].append(fact._replace(happening=Happening(fact.happening)))
    return found


async def spans(source: Database | Tx, employers: Collection[UUID]) -> Mapping[str, list[Span]]:
    """By number of certificate, in order."""
    rows = await source.fetch(
        f"""SELECT number, {", ".join(_SPAN)} FROM certificate_span WHERE employer = ANY($1::uuid[])
            ORDER BY on_day""",
        list(employers),
    )
    found: dict[str, list[Span]] = defaultdict(list)
    for row in rows:
        found[row["number"]].append(span_of(row))
    return found


async def history(source: Database | Tx, number: str, as_of: date) -> list[Span]:
    rows = await source.fetch(
        f"SELECT {', '.join(_SPAN)} FROM certificate_span WHERE number = $1 AND on_day <= $2 ORDER BY on_day",
        number,
        as_of,
    )
    return [span_of(row) for row in rows]


# --- writing ----------------------------------------------------------------------------------------------------------


async def next_serial(tx: Tx) -> int:
    rows = await tx.fetch("SELECT nextval(pg_get_serial_sequence('certificate', 'serial')) AS serial")
    return int(rows[0]["serial"])


async def create(tx: Tx, filed: Filed, awarded_on: date, first: Span) -> None:
    """With nothing told of it yet: it is booked next."""
    await tx.execute(
        """INSERT INTO certificate (number, serial, employer, uscc, employer_name, county, application_id, scheme,
                                    scheme_digest, awarded_on, version, told_to, on_day, state, why, valid_to, kind)
           OVERRIDING SYSTEM VALUE
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $13, $14, $15, $16)""",
        filed.certificate,
        int(filed.certificate.rsplit("-", 1)[1]),
        filed.employer,
        filed.uscc,
        filed.employer_name,
        filed.county,
        filed.id,
        filed.scheme,
        filed.scheme_digest,
        awarded_on,
        date.min,
        *first[:5],
    )


async def add_facts(tx: Tx, given: Sequence[Fact], now: datetime) -> set[tuple[UUID, str]]:
    """Those that were not known yet, by employer and source."""
    columns = ", ".join(Fact._fields)
    rows = await tx.fetch(
        f"""INSERT INTO certificate_fact ({columns}, at)
            SELECT *, $14::timestamptz FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[],
                $6::date[], $7::text[], $8::date[], $9::date[], $10::boolean[], $11::text[], $12::text[], $13::text[])
            ON CONFLICT DO NOTHING RETURNING employer, source""",
        *[list(column) for column in zip(*given, strict=True)],
        now,
    )
    return {(row["employer"], row["source"]) for row in rows}


async def write(tx: Tx, given: Sequence[Written], now: datetime) -> None:
    """How these stand, in a handful of statements however many they are."""
    changed = [one for one in given if one.first is not None]
    await tx.execute(
        """DELETE FROM certificate_span AS s USING unnest($1::text[], $2::date[]) AS c (number, first)
           WHERE s.number = c.number AND s.on_day >= c.first""",
        [one.certificate.number for one in changed],
        [one.first for one in changed],
    )
    await tx.copy(
        "certificate_span",
        ("employer", "uscc", "serial", "number", *_SPAN),
        [
            (one.certificate.employer, one.certificate.uscc, one.certificate.serial, one.certificate.number, *span)
            for one in changed
            for span in one.spans
        ],
    )
    numbers = [one.certificate.number for one in given]
    await tx.execute("DELETE FROM certificate_reminder WHERE number = ANY($1) AND told_on IS NULL", numbers)
    reminders = [(one.certificate.number, *reminder) for one in given for reminder in one.reminders]
    await tx.execute(
        """INSERT INTO certificate_reminder (number, on_day, what, due_on)
           SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::date[]) ON CONFLICT DO NOTHING""",
        *(list(column) for column in zip(*reminders, strict=True)) if reminders else ([], [], [], []),
    )
    await tx.execute(
        """UPDATE certificate AS c SET version = n.version, told_to = n.told_to, on_day = n.on_day, state = n.state,
               why = n.why, valid_to = n.valid_to, kind = n.kind, locked_until = n.locked_until,
               credential = n.credential, code = n.code, next_look_on = n.look
           FROM unnest($1::text[], $2::bigint[], $3::date[], $4::date[], $5::text[], $6::text[], $7::date[],
                $8::text[], $9::date[], $10::text[], $11::text[], $12::date[])
                AS n (number, version, told_to, on_day, state, why, valid_to, kind, locked_until, credential, code,
                      look)
           WHERE c.number = n.number""",
        numbers,
        [one.certificate.version for one in given],
        [one.certificate.told_to for one in given],
        *(list(column) for column in zip(*(one.certificate.now for one in given), strict=True)),
        [one.certificate.credential for one in given],
        [one.certificate.code for one in given],
        [one.next_look_on for one in given],
    )
    await tx.copy(
        "certificate_change",
        ("number", "version", "first_day", *_SPAN, "cause", "at"),
        [(one.number, one.version, one.first, *one.now, one.cause, now) for one in (w.told for w in given) if one],
    )


async def sign(tx: Tx, number: str, credential: str, code: str) -> None:
    """What was awarded before there was a key."""
    await tx.execute(
        "UPDATE certificate SET credential = $2, code = $3 WHERE number = $1 AND credential = ''",
        number,
        credential,
        code,
    )


def certificate_of(row: Mapping[str, Any]) -> Certificate:
    own = {name: row[name] for name in (*_OWN, "credential", "code")}
    return Certificate(**own, now=span_of(row))


def span_of(row: Mapping[str, Any]) -> Span:
    return Span(
        row["on_day"],
        CertificateState(row["state"]),
        row["why"],
        row["valid_to"],
        Kind(row["kind"]),
        row["locked_until"],
    )
