"""Sealing of bytes that may hold personal data (AES-256-GCM), and the keyed index they are found by."""

from __future__ import annotations

import base64
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_BYTES = 32
_FORMAT = b"\x01"


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens. `context` is bound to the bytes: a sealed value copied to another place does not open."""

    cipher: AESGCM
    digest_key: bytes

    @classmethod
    def from_base64(cls, key: str) -> Sealer:
        return cls.of(base64.b64decode(key, validate=True))

    @classmethod
    def of(cls, raw: bytes) -> Sealer:
        return cls(AESGCM(raw), hmac.digest(raw, b"cradle digest", "sha256"))

    def digest(self, plain: bytes) -> bytes:
        """A keyed digest, to know the same bytes again; without the key nobody can try guesses against it."""
        return hmac.digest(self.digest_key, plain, "sha256")

    def seal(self, plain: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self.cipher.encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Raises cryptography.exceptions.InvalidTag if the bytes, the key or the context are not the ones."""
        return self.cipher.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], context)

    def opened(self, sealed: bytes, context: bytes) -> bytes | None:
        """What was sealed, or None if it was sealed with another key or for another place."""
        try:
            return self.open(sealed, context)
        except InvalidTag:
            return None

    def new_key(self, context: bytes) -> tuple[Sealer, bytes]:
        """A key of its own for one owner, and that key sealed. Destroying the sealed key destroys all it sealed."""
        raw = os.urandom(_KEY_BYTES)
        return Sealer.of(raw), self.seal(raw, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> Sealer:
        return Sealer.of(self.open(wrapped, context))


def blind_index(key: bytes, value: str) -> bytes:
    """The keyed digest by which a personal value is found without being readable."""
    return hmac.digest(key, value.encode(), "sha256")
