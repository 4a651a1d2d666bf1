"""The code on the paper: the public page's address with a short token that says we printed it, and for which number.

The token holds the number alone, so the same paper's code goes on leading to the truth when the term is extended.
"""

from __future__ import annotations

from typing import Final

from services.certification.credential.keys import Issuer, Keys
from services.certification.credential.signed import opened, sign
from services.kit.messages import Reason, reason

_KIND: Final = "paper+jwt"
_TOKEN_BYTES_MAX: Final = 1024


def address(number: str, url: str, keys: Keys) -> str:
    """What the code holds."""
    return f"{url}/certificates?code={sign({'aud': url, 'sub': number}, _KIND, keys)}"


def number_in(code: str, issuer: Issuer) -> str | Reason:
    """The number that the token was printed for; otherwise why it is none of ours. Never raises."""
    payload = opened(code, _KIND, issuer.keys, _TOKEN_BYTES_MAX)
    if isinstance(payload, Reason):
        return payload
    if payload.get("aud") != issuer.url:
        return reason("CREDENTIAL_AUDIENCE")
    number = payload.get("sub")
    return number if isinstance(number, str) else reason("CREDENTIAL_UNREADABLE")
