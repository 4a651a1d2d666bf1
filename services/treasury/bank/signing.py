"""Detached signatures of payment files: who wrote these bytes, told beside them in `<name>.sig`.

The signature covers four lines (what it is, the file's name, its size, its SHA-256), so that neither the file nor a
message's memory has to be read whole, and a file cannot be passed off under another name. Ed25519 is deterministic: a
file that is rebuilt is signed with the same bytes.

A bank that asks for SM2 (GB/T 32918) gets another `Signer`, with `algorithm` "SM2-SM3": `cryptography` does not sign
with SM2 here, and a bank's own device usually does. Nothing else changes.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Final, Protocol

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.treasury.bank.placing import Content, Hashing, place

SUFFIX: Final = ".sig"
SIGNATURE_BYTES_MAX: Final = 4096
_PURPOSE: Final = "cradle payment file 1"


class Signer(Protocol):
    @property
    def algorithm(self) -> str: ...

    @property
    def key_id(self) -> str:
        """By which a bank finds the public key; no secret."""

    def sign(self, statement: bytes) -> bytes: ...


class Ed25519Signer:
    """From PEM (PKCS 8), as settings hold it. Raises TypeError for another kind of key, ValueError for none."""

    algorithm = "Ed25519"

    def __init__(self, pem: bytes, password: bytes | None = None) -> None:
        key = load_pem_private_key(pem, password)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("the key that signs payment files is not an Ed25519 private key")
        self._key = key
        self.key_id = key_id(key.public_key())

    def sign(self, statement: bytes) -> bytes:
        return self._key.sign(statement)


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 characters of the public key's SHA-256."""
    hashing = Hashing(None)
    hashing.write(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    return hashing.content().sha256.hex()[:16]


def sign(path: Path, content: Content, signer: Signer) -> Path:
    """Write the signature of a placed file beside it."""
    beside = path.with_name(path.name + SUFFIX)
    written = orjson.dumps(
        {
            "algorithm": signer.algorithm,
            "file": path.name,
            "key": signer.key_id,
            "sha256": content.sha256.hex(),
            "signature": base64.b64encode(signer.sign(_statement(path.name, content))).decode(),
            "size": content.size,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
    place(beside, lambda file: file.write(written))
    return beside


def verify(name: str, content: Content, signature: bytes, key: Ed25519PublicKey) -> None:
    """Raises Invalid unless the signature is this key's, over a file of this name and content."""
    try:
        said = orjson.loads(signature[:SIGNATURE_BYTES_MAX])
        key.verify(base64.b64decode(said["signature"], validate=True), _statement(name, content))
    except (orjson.JSONDecodeError, KeyError, TypeError, binascii.Error, InvalidSignature):
        raise Invalid(reason("BANK_SIGNATURE", name)) from None


def _statement(name: str, content: Content) -> bytes:
    return "\n".join((_PURPOSE, name, str(content.size), content.sha256.hex(), "")).encode()
