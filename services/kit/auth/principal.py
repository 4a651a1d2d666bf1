"""Who asks. The interceptor says it once a call; whoever answers reads it here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """A system or a person with a role. `sources`, `counties` and `employers` (by code) bound what is seen; None bounds
    nothing.
    """

    kind: str  # source, service, office, employer, tool, person
    own_name: str
    role: str
    tenant: str
    permissions: frozenset[str]
    sources: frozenset[str] | None = None
    counties: frozenset[str] | None = None
    employers: frozenset[str] | None = None
    until: datetime | None = None  # when the token ends; a certificate ends with its connection

    @property
    def name(self) -> str:
        """As audited and logged, the same for nobody else: `service/claims`."""
        return f"{self.kind}/{self.own_name}"

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def sees(self, *, source: str, county: str) -> bool:
        """Whether something of this source and county is in scope. What has none ("") is seen by the unbounded only."""
        return (self.sources is None or source in self.sources) and (self.counties is None or county in self.counties)

    def sees_employer(self, uscc: str, county: str) -> bool:
        """Whether what is about this employer is in scope."""
        return self.acts_for(uscc) and (self.counties is None or county in self.counties)

    def acts_for(self, uscc: str) -> bool:
        return self.employers is None or uscc in self.employers


_CURRENT: ContextVar[Principal] = ContextVar("principal")


def current() -> Principal:
    """Who asks in this call. Raises LookupError outside one: nothing is answered to nobody."""
    return _CURRENT.get()


def enter(principal: Principal) -> None:
    """For the rest of this task, which is one call, it is this one who asks."""
    _CURRENT.set(principal)


@contextmanager
def acting(principal: Principal) -> Iterator[None]:
    """As if this one had called, for code that is driven without a call."""
    token = _CURRENT.set(principal)
    try:
        yield
    finally:
        _CURRENT.reset(token)
