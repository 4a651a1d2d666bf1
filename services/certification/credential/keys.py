"""The issuer's keys: ECDSA on P-256. One signs; the public part of every key that ever signed stays published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from services.kit.errors import Invalid
from services.kit.messages import reason

ALGORITHM: Final = "ES256"
_CURVE: Final = "P-256"
_KID_LENGTH: Final = 16  # characters of the thumbprint: it stands in the code on the paper, which must stay coarse


@dataclass(frozen=True, slots=True)
class Keys:
    """To rotate: the new key signs, and the one before joins `earlier`. What it signed goes on verifying."""

    signing: ECKey
    earlier: tuple[ECKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whom a verifier trusts: an address, and the keys that were published there."""

    url: str  # without a slash at its end
    keys: KeySet


def read_keys(signing: bytes, earlier: Sequence[bytes] = ()) -> Keys:
    """Of PEM; the earlier ones may be public. Raises Invalid."""
    key = _read(signing)
    if not key.is_private:
        raise Invalid(reason("SIGNING_KEY_NOT_PRIVATE", "signing"))
    return Keys(key, tuple(_public(_read(pem)) for pem in earlier))


def published(keys: Keys) -> dict[str, Any]:
    """The key set (JWKS) for `<issuer>/.well-known/jwks.json`: public parts only, the one that signs first."""
    return {"keys": [_public(key).as_dict(private=False) for key in (keys.signing, *keys.earlier)]}


def trusted(url: str, keys: Keys) -> Issuer:
    """The issuer as a verifier sees it."""
    return Issuer(url, KeySet([_public(key) for key in (keys.signing, *keys.earlier)]))


def _read(pem: bytes) -> ECKey:
    try:
        key = ECKey.import_key(pem)
    except (JoseError, ValueError, TypeError):
        raise Invalid(reason("SIGNING_KEY_UNUSABLE")) from None
    if key.curve_name != _CURVE:
        raise Invalid(reason("SIGNING_KEY_UNUSABLE"))
    return _named(key, private=key.is_private)


def _public(key: ECKey) -> ECKey:
    return _named(key, private=False)


def _named(key: ECKey, *, private: bool) -> ECKey:
    name = key.thumbprint()[:_KID_LENGTH]
    bare = {
        name: value for name, value in key.as_dict(private=private).items() if name in ("kty", "crv", "x", "y", "d")
    }
    return ECKey.import_key({**bare, "kid": name, "use": "sig", "alg": ALGORITHM})
