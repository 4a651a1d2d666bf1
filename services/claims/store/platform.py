"""What is kept of the platform's messages. Everything is a set: many loaded, many saved, never a statement per row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from services.claims.model.platform import PlatformMessage, PlatformSettlement, PlatformUndo
from services.kit.db import Tx
from services.kit.member_key import member_key
from services.kit.seal import Sealer

_LOCK = 0x9304  # advisory locks of this number and a source


class Changes(Protocol):
    """What a batch adds to what is kept."""

    new_settlements: dict[str, PlatformSettlement]
    new_messages: list[PlatformMessage]
    matched: list[PlatformUndo]


async def lock_sources(tx: Tx, sources: Sequence[str]) -> None:
    """One batch a source at a time: else an undo and its settlement, taken at once, would each miss the other."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock($1, hashtext(source)) FROM unnest($2::text[]) AS s (source)", _LOCK, list(sources)
    )


async def load_settlements(
    tx: Tx, source: str, sealer: Sealer, named: Sequence[PlatformSettlement]
) -> list[PlatformSettlement]:
    """Those that are named by the platform's number, or by the hospital's own."""
    rows = await tx.fetch(
        """SELECT DISTINCT s.number, s.hospital, s.hospital_number, s.person, s.sealed_key
           FROM platform_settlement AS s
           JOIN unnest($2::text[], $3::text[], $4::bytea[]) AS n (number, hospital, hospital_number)
             ON s.number = n.number OR (s.hospital = n.hospital AND s.hospital_number = n.hospital_number
                                        AND n.hospital_number <> '')
           WHERE s.source = $1""",
        source,
        *_names(named),
    )
    return [
        PlatformSettlement(
            row["number"],
            row["hospital"],
            row["hospital_number"],
            row["person"],
            _key(row, source, sealer),
        )
        for row in rows
    ]


async def load_claimed(tx: Tx, source: str, numbers: Collection[str]) -> list[str]:
    """Which of these numbers are claims on file, however they came: a settlement may have been imported from a file."""
    rows = await tx.fetch(
        "SELECT number FROM claim WHERE source = $1 AND number = ANY($2::text[])", source, list(numbers)
    )
    return [row["number"] for row in rows]


async def load_waiting(tx: Tx, source: str, named: Sequence[PlatformSettlement]) -> list[PlatformUndo]:
    """The undos that wait for one of these, in the order they came."""
    rows = await tx.fetch(
        """SELECT DISTINCT u.id, u.number, u.hospital, u.hospital_number, u.person, u.void
           FROM platform_undo AS u
           JOIN unnest($2::text[], $3::text[], $4::bytea[]) AS n (number, hospital, hospital_number)
             ON (u.number <> '' AND u.number = n.number)
             OR (u.number = '' AND u.hospital = n.hospital AND u.hospital_number = n.hospital_number)
           WHERE u.source = $1 AND u.matched_at IS NULL ORDER BY u.id""",
        source,
        *_names(named),
    )
    return [_undo(row) for row in rows]


async def count_waiting(tx: Tx, sources: Sequence[str]) -> dict[str, int]:
    rows = await tx.fetch(
        """SELECT s.source, count(u.id) AS undos FROM unnest($1::text[]) AS s (source)
           LEFT JOIN platform_undo AS u ON u.source = s.source AND u.matched_at IS NULL GROUP BY s.source""",
        list(sources),
    )
    return {row["source"]: row["undos"] for row in rows}


async def load_messages(tx: Tx, source: str, named: Sequence[PlatformMessage]) -> set[PlatformMessage]:
    """Those that came before under one of these ids, whatever their content."""
    rows = await tx.fetch(
        """SELECT m.hospital, m.msgid, m.content_hash FROM platform_message AS m
           JOIN (SELECT DISTINCT * FROM unnest($2::text[], $3::text[]) AS n (hospital, msgid)) AS n
             USING (hospital, msgid)
           WHERE m.source = $1""",
        source,
        [one.hospital for one in named],
        [one.msgid for one in named],
    )
    return {PlatformMessage(row["hospital"], row["msgid"], row["content_hash"]) for row in rows}


async def save(tx: Tx, source: str, sealer: Sealer, changes: Changes, waiting: Sequence[PlatformUndo]) -> None:
    """Keep what a batch adds. A settlement that comes again is kept as it came last."""
    settlements = list(changes.new_settlements.values())
    await tx.execute(
        """INSERT INTO platform_settlement (source, number, hospital, hospital_number, person, sealed_key)
           SELECT $1, mine.* FROM unnest($2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[]) AS mine
           ON CONFLICT (source, number) DO UPDATE
           SET hospital = excluded.hospital, hospital_number = excluded.hospital_number,
               person = excluded.person, sealed_key = excluded.sealed_key""",
        source,
        *_names(settlements),
        [one.person for one in settlements],
        [sealer.seal(one.key, _context(source, one.number)) for one in settlements],
    )
    await tx.copy(
        "platform_message",
        ("source", "hospital", "msgid", "content_hash"),
        [(source, one.hospital, one.msgid, one.content_hash) for one in changes.new_messages],
    )
    await tx.copy(
        "platform_undo",
        ("source", "number", "hospital", "hospital_number", "person", "void"),
        [(source, one.number, one.hospital, one.hospital_number, one.person, one.void) for one in waiting],
    )
    await tx.execute(
        "UPDATE platform_undo SET matched_at = now() WHERE id = ANY($1::bigint[])",
        [one.id for one in changes.matched if one.id],
    )


def _key(row: Mapping[str, Any], source: str, sealer: Sealer) -> bytes:
    """One that was taken away with its person need not be the same: her claim is on file, and was settled before."""
    if row["sealed_key"] is None:
        return member_key(row["number"])
    return sealer.open(row["sealed_key"], _context(source, row["number"]))


def _names(named: Sequence[PlatformSettlement]) -> tuple[list[str], list[str], list[bytes]]:
    return (
        [one.number for one in named],
        [one.hospital for one in named],
        [one.hospital_number for one in named],
    )


def _undo(row: Mapping[str, Any]) -> PlatformUndo:
    return PlatformUndo(row["number"], row["hospital"], row["hospital_number"], row["person"], row["void"], row["id"])


def _context(source: str, number: str) -> bytes:
    return f"platform/{source}/{number}".encode()
