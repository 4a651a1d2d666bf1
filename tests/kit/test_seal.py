"""What is sealed opens with its key in its place, and nowhere else."""

from __future__ import annotations

import base64
import hmac
import os

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from services.kit.seal import Keyed, Sealer

KEY = base64.b64encode(bytes(range(32))).decode()
SEALER = Sealer.from_base64(KEY)


@given(st.binary(max_size=2_000), st.binary(max_size=50))
def test_what_was_sealed_opens_to_what_it_was(plain: bytes, context: bytes) -> None:
    assert SEALER.open(SEALER.seal(plain, context), context) == plain


def test_sealed_bytes_do_not_show_what_is_in_them_and_differ_each_time() -> None:
    plain = b"610302199403124029"

    one, two = SEALER.seal(plain, b"x"), SEALER.seal(plain, b"x")

    assert plain not in one
    assert one != two


def test_another_context_does_not_open() -> None:
    sealed = SEALER.seal(b"secret", b"topic/0/1")

    with pytest.raises(InvalidTag):
        SEALER.open(sealed, b"topic/0/2")


def test_another_key_does_not_open() -> None:
    other = Sealer.from_base64(base64.b64encode(os.urandom(32)).decode())

    with pytest.raises(InvalidTag):
        other.open(SEALER.seal(b"secret", b"x"), b"x")


@pytest.mark.parametrize("place", [1, 5, 13, 20, -1])
def test_a_changed_byte_does_not_open(place: int) -> None:
    sealed = bytearray(SEALER.seal(b"secret and more", b"x"))
    sealed[place] ^= 1

    with pytest.raises(InvalidTag):
        SEALER.open(bytes(sealed), b"x")


@pytest.mark.parametrize("key", ["", "not base64!", base64.b64encode(b"short").decode()])
def test_a_key_that_is_none_stops_the_start(key: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # base64's or the cipher's
        Sealer.from_base64(key)


def test_a_keyed_digest_is_that_of_rfc_2104_whatever_was_digested_before() -> None:
    number, other = b"610302199403124029", b"610302199403124028"
    keyed = Keyed.of(b"key")

    assert keyed.digest(other) == hmac.digest(b"key", other, "sha256")
    assert keyed.digest(number) == hmac.digest(b"key", number, "sha256")
    assert keyed.digest(number) != Keyed.of(b"other").digest(number)


def test_what_a_key_digested_before_is_known_again() -> None:
    """Digests lie in databases: their key is made from the sealing key as it always was."""
    raw = bytes(range(32))
    key = hmac.digest(raw, b"cradle digest", "sha256")

    assert Sealer.of(raw).digest(b"claim") == hmac.digest(key, b"claim", "sha256")


def test_a_key_of_an_owners_own_opens_what_it_sealed_and_only_in_her_place() -> None:
    hers, wrapped = SEALER.new_key(b"her")
    sealed = hers.seal(b"secret", b"her")

    assert SEALER.unwrap(wrapped, b"her").open(sealed, b"her") == b"secret"
    assert SEALER.opened(sealed, b"her") is None
    with pytest.raises(InvalidTag):
        SEALER.unwrap(wrapped, b"his")


def test_every_owner_has_another_key() -> None:
    (one, _), (two, _) = SEALER.new_key(b"her"), SEALER.new_key(b"her")

    assert two.opened(one.seal(b"secret", b"her"), b"her") is None
