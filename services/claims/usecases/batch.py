"""A batch of claims as it goes on: under which terms, what was read of it, and what is on file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from services.claims import rules
from services.claims.model import APPROVING, KEEPS, Claim, Coverage, Institution, Orders, Received, Standing
from services.claims.store import Change, Ground, Number, OfPersons
from services.claims.wire.registry import Visited
from services.kit.law import Law


@dataclass(frozen=True, slots=True)
class Terms:
    """What a decision is made under: the law, the civil date it is made on, and the instant it is written."""

    law: Law
    today: date
    now: datetime
    waits_until: date  # the last day on which coverage may come
    review_by: date  # when a question about what was decided is due: the law sets no term for it

    def ground(self, known_at: datetime) -> Ground:
        return Ground(self.law, rules.REVISION, known_at, self.now)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that was read and looked up; `coverage` answers each submission that could be read."""

    received: tuple[Received, ...]
    coverage: Mapping[str, Coverage]  # by position
    known_at: datetime
    institutions: Mapping[Visited, Institution] = field(default_factory=dict)


@dataclass(slots=True)
class OnFile:
    """What is on file about a batch's numbers and persons, and, as the batch goes on, what it adds."""

    claims: dict[Number, Claim]
    standing: OfPersons
    orders: dict[UUID, Orders] = field(default_factory=dict)
    erased: frozenset[UUID] = frozenset()
    denied: Collection[tuple[UUID, date]] = frozenset()  # events of which a reviewer has denied a claim

    def others(self, person: UUID | None, claim: Claim | None) -> Sequence[Standing]:
        """What the person's other claims hold and take."""
        known = self.standing.get(person) if person else None
        if not known:
            return ()
        return [one for claim_id, one in known.items() if claim is None or claim_id != claim.id]

    def is_denied(self, claim: Claim) -> bool:
        """Whether a reviewer has denied a claim for its event."""
        return (claim.person, claim.event_date) in self.denied

    def approves_denied(self, claim: Claim) -> bool:
        """Whether a claim as it would stand approves something of such an event: a person is asked first."""
        return claim.state in APPROVING and self.is_denied(claim)

    def take(self, change: Change) -> None:
        """Later records of the batch see what earlier ones decided.

        A decided correction states the whole claim anew; one that waits leaves what was approved as it is.
        """
        claim = change.claim
        before = self.claims.get((claim.source, claim.number))
        self.claims[claim.source, claim.number] = claim
        if change.orders:
            self.orders[claim.id] = rules.paying.with_orders(self.orders.get(claim.id, {}), change.orders)
        if claim.state in KEEPS:
            return
        if before is not None and before.person:
            # What waited may have left what it held with the person of a revision before.
            for person in self.standing if before.state in KEEPS else (before.person,):
                self.standing.get(person, {}).pop(claim.id, None)
        if claim.person and (change.holds or change.taken):
            self.standing.setdefault(claim.person, {})[claim.id] = Standing(claim.id, change.holds, change.taken)
