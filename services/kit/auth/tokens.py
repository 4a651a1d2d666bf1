"""A person's token (JWT): signed by a key of the issuer, for us, and not over.

The issuer's keys (JWKS) come from a file or a URL. A key id that is not known has them asked for again, at most once an
interval, however many tokens name one; and they are asked for again when they are old, so that a key taken back ends.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from services.kit import telemetry
from services.kit.clock import Clock
from services.kit.errors import Unauthenticated
from services.kit.messages import reason

_TOKEN_BYTES_MAX: Final = 8 * 1024
_KEYS_BYTES_MAX: Final = 256 * 1024
_FETCH_TIMEOUT_S: Final = 5.0
_LEEWAY_S: Final = 30
_REMEMBERED: Final = 2_000
_PUBLIC_KINDS: Final = ("RSA", "EC", "OKP")  # a shared secret (oct) among the keys would let its holders sign
# What a token that anybody may have written makes of a reader, its library included.
_UNREADABLE: Final = (
    JoseError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    ArithmeticError,
    OSError,
    RecursionError,
)
_log = telemetry.log(__name__)

Fetch = Callable[[], Awaitable[bytes]]


class KeysUnread(Exception):
    """The issuer's keys cannot be had or are none; a server that needs them does not start."""


@dataclass(slots=True)
class Tokens:
    issuer: str
    audience: str
    algorithms: Collection[str]
    fetch: Fetch
    refresh_s: float  # between two looks at the issuer's keys
    max_age_s: float  # after which they are looked at again
    clock: Clock = field(default_factory=Clock)
    keys: KeySet = field(default_factory=lambda: KeySet([]))
    looked_s: float = 0.0
    had_s: float = 0.0
    known: dict[str, tuple[Mapping[str, Any], datetime]] = field(default_factory=dict)
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> None:
        """Have the keys. Raises KeysUnread."""
        try:
            self._take(await self.fetch())
        except (OSError, ValueError, http.client.HTTPException, JoseError) as error:
            raise KeysUnread(f"the keys of {self.issuer} cannot be read: {type(error).__name__}") from error

    async def check(self, token: str) -> tuple[Mapping[str, Any], datetime]:
        """What the token says, and until when. Raises Unauthenticated; why is told to the log and not to the caller,
        but for a token of ours that is over, which its holder can renew.
        """
        if time.monotonic() - self.had_s > self.max_age_s:
            await self._look_again()
        known = self.known.get(token)
        if known is None:
            known = await self._checked(token)
            if len(self.known) >= _REMEMBERED:
                self.known.clear()
            self.known[token] = known
        if self.clock.now() > known[1]:
            self.known.pop(token, None)
            raise Unauthenticated(reason("AUTH_TOKEN_EXPIRED", "authorization"))
        return known

    async def _checked(self, token: str) -> tuple[Mapping[str, Any], datetime]:
        try:
            claims = await self._signed(token)
            self._rules().validate(dict(claims))
            until = datetime.fromtimestamp(claims["exp"], UTC)
        except ExpiredTokenError:
            raise Unauthenticated(reason("AUTH_TOKEN_EXPIRED", "authorization")) from None
        except _UNREADABLE as error:
            _log.warning("token refused", why=type(error).__name__)
            raise Unauthenticated(reason("AUTH_TOKEN_INVALID", "authorization")) from None
        return claims, until

    async def _signed(self, token: str) -> Mapping[str, Any]:
        if len(token) > _TOKEN_BYTES_MAX:
            raise ValueError
        try:
            return self._opened(token)
        except InvalidKeyIdError:
            await self._look_again()
        return self._opened(token)

    def _opened(self, token: str) -> Mapping[str, Any]:
        return jwt.decode(token, self._key_of, algorithms=list(self.algorithms)).claims

    def _key_of(self, signed: Any) -> Any:
        """The key that the token names. One without a name is not tried with every key."""
        kid = signed.headers().get("kid")
        if not isinstance(kid, str):
            raise ValueError  # noqa: TRY004  # a token's fault, not ours
        return self.keys.get_by_kid(kid)

    def _rules(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self.clock.now().timestamp()),
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def _look_again(self) -> None:
        """Once an interval. Where they cannot be had, those that we have stay: their owner is away, not untrue."""
        async with self.looking:
            if time.monotonic() - self.looked_s < self.refresh_s:
                return
            self.looked_s = time.monotonic()
            try:
                self._take(await self.fetch())
            except (OSError, ValueError, http.client.HTTPException, JoseError) as error:
                _log.error("keys not renewed", issuer=self.issuer, error=type(error).__name__)

    def _take(self, raw: bytes) -> None:
        self.keys = KeySet.import_key_set({"keys": _usable(raw)})
        self.known.clear()  # what a key that is gone has signed is checked anew
        self.looked_s = self.had_s = time.monotonic()


def _usable(raw: bytes) -> list[Any]:
    """The keys that may check a signature. Raises ValueError if this is no key set, or if one of them has no id."""
    match json.loads(raw):
        case {"keys": [*listed]}:
            usable = [key for key in listed if isinstance(key, dict) and key.get("kty") in _PUBLIC_KINDS]
        case _:
            raise ValueError
    usable = [key for key in usable if key.get("use", "sig") == "sig"]
    if not all(isinstance(key.get("kid"), str) for key in usable):
        raise ValueError
    return usable


def fetching(where: str, trusted: Path | None) -> Fetch:
    """How to have the keys: of a file, or of an https URL. Raises KeysUnread for anything else."""
    scheme = urlsplit(where).scheme
    if scheme not in ("", "https"):
        raise KeysUnread(f"keys are read from a file or by https, not by {scheme}")
    return partial(asyncio.to_thread, _from_url if scheme else _from_file, where, trusted)


def _from_file(where: str, _trusted: Path | None) -> bytes:
    with Path(where).open("rb") as file:
        return file.read(_KEYS_BYTES_MAX)


def _from_url(where: str, trusted: Path | None) -> bytes:
    """One request, and no redirection: whoever it would lead to is not the issuer."""
    url = urlsplit(where)
    context = ssl.create_default_context()
    if trusted is not None:
        context.load_verify_locations(trusted)  # an issuer inside the house has its certificate from our own authority
    connection = http.client.HTTPSConnection(url.netloc, timeout=_FETCH_TIMEOUT_S, context=context)
    with closing(connection):
        connection.request("GET", url.path + (f"?{url.query}" if url.query else ""))
        with connection.getresponse() as response:
            if response.status != http.HTTPStatus.OK:
                raise ValueError
            return response.read(_KEYS_BYTES_MAX)
