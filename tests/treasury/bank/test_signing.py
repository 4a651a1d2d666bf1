"""Who wrote a payment file."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.kit.errors import Invalid
from services.treasury.bank.placing import Content, content_of
from services.treasury.bank.signing import Ed25519Signer, sign, verify
from tests.treasury.bank.builders import payment, written


def pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_signature_holds_for_this_file_and_key_and_no_other(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    file = written(tmp_path, [payment()])
    content = content_of(file.path)

    beside = sign(file.path, content, Ed25519Signer(pem(key)))

    said = beside.read_bytes()
    verify(file.path.name, content, said, key.public_key())
    for name, other, signer in [
        ("other.xml", content, key),
        (file.path.name, Content(b"\x00" * 32, content.size), key),
        (file.path.name, Content(content.sha256, content.size + 1), key),
        (file.path.name, content, Ed25519PrivateKey.generate()),
    ]:
        with pytest.raises(Invalid, match="BANK_SIGNATURE"):
            verify(name, other, said, signer.public_key())


def test_a_rebuilt_file_is_signed_with_the_same_bytes(tmp_path: Path) -> None:
    signer = Ed25519Signer(pem(Ed25519PrivateKey.generate()))
    file = written(tmp_path, [payment()])

    first = sign(file.path, content_of(file.path), signer).read_bytes()

    assert sign(file.path, content_of(file.path), signer).read_bytes() == first


@pytest.mark.parametrize(
    "said", [b"", b"{}", b"[]", b'{"signature": "not base 64"}', b'{"signature": ""}', b"\xff" * 9000]
)
def test_what_is_no_signature_is_told(said: bytes) -> None:
    with pytest.raises(Invalid, match="BANK_SIGNATURE"):
        verify("run.xml", Content(b"\x00" * 32, 1), said, Ed25519PrivateKey.generate().public_key())


def test_another_kind_of_key_does_not_sign() -> None:
    with pytest.raises(TypeError, match="Ed25519"):
        Ed25519Signer(pem(generate_private_key(SECP256R1())))
