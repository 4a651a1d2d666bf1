"""Identifiers: uuid7 for what is new, a digest where the same thing must get the same id."""

from __future__ import annotations

import hashlib
from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """A uuid7: unique, and in order of time, so that an index grows at its end."""
    return UUID(int=uuid_utils.uuid7().int)


def stable_id(*parts: bytes) -> UUID:
    """The same parts give the same uuid (version 8, from SHA-256)."""
    digest = hashlib.sha256(b"\x00".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()
    return UUID(int=int.from_bytes(digest[:16], "big") & ~(0xF << 76) & ~(0x3 << 62) | (0x8 << 76) | (0x2 << 62))
