"""The key of an intake record: the claims of one person, whoever sends them, keep their order in one partition."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Final

PUBLISHED_KEY: Final = b"cradle.claims.intake.v1/member_key"
_BYTES: Final = 16


def member_key(member_number: str) -> bytes:
    """The first 16 bytes of HMAC-SHA256 of the person's number under `PUBLISHED_KEY`.

    The constant is published, so that every sender computes the same key for the same person; it is no secret and
    protects nothing by itself. The result is still not an ID number: it cannot be read back, has no birth date or
    sex in it, and may stand where a number may not (a parked record, a tool that prints keys). Whoever holds a number
    can compute its key and compare, so the key stays a personal identifier and the topic stays under its short
    retention.

    Full-width digits, a lower-case x and stray blanks are folded first, as the intake folds them.
    """
    folded = unicodedata.normalize("NFKC", member_number).strip().upper()
    return hmac.new(PUBLISHED_KEY, folded.encode(), hashlib.sha256).digest()[:_BYTES]
