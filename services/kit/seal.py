"""Sealing of bytes that may hold personal data (AES-256-GCM), and the keyed index they are found by."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

_NONCE_BYTES = 12
_KEY_BYTES = 32
_FORMAT = b"\x01"


@dataclass(frozen=True, slots=True)
class Keyed:
    """HMAC-SHA-256 with one key, by which what must not be readable is known again, or found (a blind index).

    The key is set up once: OpenSSL takes longer for that than for a claim's bytes.
    """

    begun: HMAC

    @classmethod
    def of(cls, key: bytes) -> Keyed:
        return cls(HMAC(key, SHA256()))

    def digest(self, plain: bytes) -> bytes:
        mac = self.begun.copy()
        mac.update(plain)
        return mac.finalize()


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens. `context` is bound to the bytes: a sealed value copied to another place does not open."""

    cipher: AESGCM
    keyed: Keyed

    @classmethod
    def from_base64(cls, key: str) -> Sealer:
        return cls.of(base64.b64decode(key, validate=True))

    @classmethod
    def of(cls, raw: bytes) -> Sealer:
        return cls(AESGCM(raw), Keyed.of(Keyed.of(raw).digest(b"cradle digest")))

    def digest(self, plain: bytes) -> bytes:
        """A keyed digest, to know the same bytes again; without the key nobody can try guesses against it."""
        return self.keyed.digest(plain)

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
