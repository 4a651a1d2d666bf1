"""What certifying needs around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from services.certification.model import Answer, Employment, Filed, Scheme
from services.certification.rules import schemes
from services.certification.rules.applications import Under
from services.certification.usecases.issuing import Issuing
from services.kit.asking import Asking
from services.kit.calendar import Calendar
from services.kit.clock import Clock
from services.kit.db import Database
from services.kit.errors import Refused
from services.kit.messages import reason
from services.kit.seal import Sealer

# What a service of ours found for a gate, and which one.
Found = tuple[Answer, str]


class Register(Protocol):
    """What the other services know: the registry of employers, claims of leave. Raises what their calls raise."""

    async def employment(self, uscc: str, on: date) -> Employment | None:
        """None for an employer that the registry does not know."""

    async def gates(self, filed: Sequence[Filed], on: date) -> Mapping[UUID, Sequence[Found]]:
        """What they know of the gates of these applications; a gate that none of them knows is not among it."""

    async def leaves(self, filed: Filed, on: date) -> int:
        """Maternity leaves that claims knows to have ended in the assessed period."""

    async def unpaid_since(self, employers: Sequence[UUID], on: date) -> Mapping[UUID, date | None]:
        """The first day on which any of what each owes today was in arrears."""


@dataclass(frozen=True, slots=True)
class Desk:
    """`schemes` are the versions by number; `allows_drafts`: one without a start is gone by, never in production.
    `issuing` None: nothing can be signed here.
    """

    database: Database
    clock: Clock
    sealer: Sealer
    calendar: Calendar
    schemes: Mapping[int, Scheme]
    register: Register
    allows_drafts: bool = False
    issuing: Issuing | None = None

    @property
    def asking(self) -> Asking:
        return Asking(self.database, self.clock, self.sealer)

    def current(self) -> Scheme | None:
        """The version that is submitted under today."""
        found = schemes.version_on(self.schemes, self.clock.today())
        return self.schemes[max(self.schemes)] if found is None and self.allows_drafts else found

    def in_force(self) -> Scheme:
        """Raises Refused while none is."""
        if (found := self.current()) is None:
            raise Refused(reason("SCHEME_NOT_IN_FORCE"))
        return found

    def scheme_of(self, filed: Filed) -> Scheme:
        """The version that it pins, or goes by as long as it pins none."""
        return self.schemes[filed.scheme] if filed.scheme else self.in_force()

    def under(self, filed: Filed) -> Under:
        return Under(self.scheme_of(filed), self.calendar)
