"""From a connection and its metadata to whoever asks. A token that is given decides, and is never passed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from services.kit.auth import access
from services.kit.auth.access import Access
from services.kit.auth.principal import Principal
from services.kit.auth.tokens import Tokens, fetching
from services.kit.errors import Forbidden, Unauthenticated
from services.kit.messages import Reason, reason
from services.kit.settings import Settings

_BEARER: Final = "bearer "
_KEPT: Final = 2_000
T = TypeVar("T")


class NotConfigured(Exception):
    """A server is to be started that could not tell who asks."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Answers are kept, for the file does not change while a process lives: a lookup costs a twentieth of an answer."""

    access: Access
    tokens: Tokens | None  # None: there are no people here, only systems
    systems: dict[str, tuple[str, Principal | None]] = field(default_factory=dict)  # by URI: kind, and who
    persons: dict[str, Principal | None] = field(default_factory=dict)  # by token, which is checked all the same

    async def admit(self, uris: Sequence[str], authorization: Sequence[str]) -> Principal:
        """Who asks, by the certificate's names and the tokens given. Raises Unauthenticated or Forbidden."""
        known = self.systems.get(uris[0]) if len(uris) == 1 else None
        kind, system = known or self._learn(uris)
        found = await self._person(kind, authorization) if authorization else system
        if found is None:
            raise Forbidden(reason("AUTH_NO_ROLE"))
        return found

    def _learn(self, uris: Sequence[str]) -> tuple[str, Principal | None]:
        named = self.access.named(uris)
        if named is None:
            raise Unauthenticated(reason("AUTH_CERTIFICATE_UNKNOWN"))
        _keep(self.systems, uris[0], learnt := (named[0], self.access.system(*named)))
        return learnt

    async def _person(self, carrier: str, authorization: Sequence[str]) -> Principal | None:
        scheme, token = authorization[0][: len(_BEARER)], authorization[0][len(_BEARER) :]
        if len(authorization) != 1 or scheme.lower() != _BEARER or self.tokens is None:
            raise Unauthenticated(_invalid())
        if carrier not in self.access.token_carriers:
            raise Forbidden(reason("AUTH_CARRIER", "authorization"))
        claims, until = await self.tokens.check(token)
        if token not in self.persons:
            _keep(self.persons, token, self.access.person(claims, until))
        return self.persons[token]


def _keep(kept: dict[str, T], name: str, value: T) -> None:
    if len(kept) >= _KEPT:
        kept.clear()
    kept[name] = value


def _invalid() -> Reason:
    return reason("AUTH_TOKEN_INVALID", "authorization")


async def gate_of(settings: Settings) -> Gate:
    """The gate that the settings describe, with its keys in hand. Raises NotConfigured, AccessError or KeysUnread."""
    if settings.access is None:
        raise NotConfigured("CRADLE_ACCESS is not set: nobody could be let in")
    if not settings.token_keys:
        return Gate(access.read(settings.access), None)
    tokens = Tokens(
        settings.token_issuer,
        settings.token_audience,
        settings.token_algorithms,
        fetching(settings.token_keys, settings.tls_authorities),
        settings.token_keys_refresh_s,
        settings.token_keys_max_age_s,
    )
    await tokens.start()
    return Gate(access.read(settings.access), tokens)
