"""Identifiers: uuid7 for what is new, a digest where the same thing must get the same id."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import uuid_utils
from asyncpg.pgproto.pgproto import UUID as _UUID  # asyncpg's own uuid.UUID, in C: several a claim are made and shown

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MS: Final = 86_400_000


def new_id() -> UUID:
    """A uuid7: unique, and in order of time, so that an index grows at its end."""
    return _of(uuid_utils.uuid7().bytes)


def new_id_about(subject: bytes, order: int) -> UUID:
    """A uuid7 that ends in the subject's 8 bytes (of which the first two bits are the variant); within a millisecond
    they are in the order given.
    """
    head = uuid_utils.uuid7().bytes[:6] + (0x7000 | order % 0x1000).to_bytes(2)
    return _of(head + subject)


def read_id(text: str) -> UUID:
    """Raises ValueError for what is no uuid."""
    return _of(text)


def stable_id_at(at: datetime, order: int, *parts: bytes) -> UUID:
    """The same parts at the same instant give the same uuid7; within a millisecond they are in the order given."""
    since = at - _EPOCH
    since_ms = since.days * _DAY_MS + since.seconds * 1000 + since.microseconds // 1000
    digest = _digest(parts)
    head = since_ms.to_bytes(6) + (0x7000 | order % 0x1000).to_bytes(2)
    return _of(head + bytes([digest[8] & 0x3F | 0x80]) + digest[9:16])


def stable_id(*parts: bytes) -> UUID:
    """The same parts give the same uuid (version 8, from SHA-256)."""
    digest = _digest(parts)
    version, variant = bytes([digest[6] & 0x0F | 0x80]), bytes([digest[8] & 0x3F | 0x80])
    return _of(digest[:6] + version + digest[7:8] + variant + digest[9:16])


def _digest(parts: Sequence[bytes]) -> bytes:
    return hashlib.sha256(b"\x00".join([len(part).to_bytes(8, "big") + part for part in parts])).digest()


def _of(value: bytes | str) -> UUID:
    made: UUID = _UUID(value)
    return made
