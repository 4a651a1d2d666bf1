"""Signing (JWS, RFC 7515), and opening what anybody may have written. Each kind has a `typ` and passes for no other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from joserfc import jws
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import ECKey, KeySet

from services.certification.credential.keys import ALGORITHM, Keys
from services.kit.messages import Reason, reason

CREDENTIAL: Final = "vc+jwt"
# What a text that anybody may have written makes of its reader, the library included.
UNREADABLE: Final = (JoseError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


def sign(payload: Mapping[str, Any], kind: str, keys: Keys) -> str:
    header = {"alg": ALGORITHM, "kid": keys.signing.kid, "typ": kind}
    return jws.serialize_compact(header, orjson.dumps(payload), keys.signing, algorithms=[ALGORITHM])


def opened(token: str, kind: str, keys: KeySet, bytes_max: int) -> Mapping[str, Any] | Reason:
    """What it says, if a published key signed it as this kind; otherwise why not. Never raises."""
    if not isinstance(token, str) or len(token) > bytes_max or not token.isascii():
        return reason("CREDENTIAL_UNREADABLE")
    try:
        signed = jws.deserialize_compact(token, lambda found: _key_of(found.headers(), keys), algorithms=[ALGORITHM])
        payload = orjson.loads(signed.payload)
    except InvalidKeyIdError:
        return reason("CREDENTIAL_KEY_UNKNOWN")
    except BadSignatureError:
        return reason("CREDENTIAL_SIGNATURE")
    except UNREADABLE:
        return reason("CREDENTIAL_UNREADABLE")
    if signed.headers().get("typ") != kind or not isinstance(payload, dict):
        return reason("CREDENTIAL_UNREADABLE")
    return payload


def instant(stated: object) -> datetime:
    """Raises ValueError for anything but an instant with its zone."""
    found = datetime.fromisoformat(stated) if isinstance(stated, str) else None
    if found is None or found.tzinfo is None:
        raise ValueError
    return found


def _key_of(header: Mapping[str, Any], keys: KeySet) -> ECKey:
    """The key that the header names; one without a name is not tried with every key."""
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise InvalidKeyIdError(str(kid))
    found = keys.get_by_kid(kid)
    if not isinstance(found, ECKey):
        raise InvalidKeyIdError(kid)
    return found
