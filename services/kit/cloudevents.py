"""The headers of an event: CloudEvents 1.0, Kafka protocol binding, binary mode."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

Header = tuple[str, bytes]


def headers(row: Mapping[str, Any], source: str) -> list[Header]:
    """Of a row of the outbox."""
    return [
        *_of_type(row["type"], source),
        ("ce_id", str(row["event_id"]).encode()),
        ("ce_subject", row["aggregateid"].encode()),
        ("ce_time", _time(row["occurred_at"])),
        ("ce_sequence", b"%d" % row["version"]),
        ("causationid", row["causationid"].encode()),
    ]


@lru_cache(maxsize=1024)
def _of_type(kind: str, source: str) -> tuple[Header, ...]:
    """What stands in every event of a type."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_type", kind.encode()),
        ("ce_source", source.encode()),
        ("content-type", b"application/protobuf"),
    )


@lru_cache(maxsize=64)
def _time(instant: datetime) -> bytes:
    """All events of a transaction have one instant."""
    return instant.isoformat().encode()
