"""Certificates on the real PostgreSQL, made without the whole way of an application, and what is asked of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from deploy.local.stack import Stack
from services.certification.model import Application, Certificate, Fact, Filed, Kind, State
from services.certification.rules import shipped
from services.certification.rules.happened import life_of
from services.certification.store import applications, certificates
from services.certification.usecases import Desk, awarding, following, looking, sweeping
from services.certification.usecases.holding import Asked
from services.certification.usecases.issuing import Issuing
from services.kit import auth
from services.kit.auth import Principal
from services.kit.calendar import CALENDAR
from services.kit.clock import Clock
from services.kit.db import Database
from tests.certification.office import COUNTY, USCC, office
from tests.certification.paper import FONTS, KEYS, URL
from tests.kit.live import sealer_of

AWARDED = date(2026, 6, 1)


@dataclass
class Holder:
    """An employer, its certificates, and the office that keeps them."""

    desk: Desk
    employer: UUID
    uscc: str = USCC

    @property
    def today(self) -> date:
        return self.desk.clock.today()

    def on(self, day: date) -> None:
        self.desk = replace(self.desk, clock=Clock(day))

    async def awarded(self) -> Certificate:
        """A certificate of an application that was awarded today."""
        desk = self.desk
        async with desk.database.transaction() as tx:
            number = f"BJ-FFE-{self.today.year}-{await certificates.next_serial(tx):06d}"
            application = Application(State.AWARDED, assessors=("a", "b"))
            scheme = desk.schemes[1]
            filed = Filed(
                uuid4(), 1, self.employer, self.uscc, "宝鸡市测试有限公司", COUNTY, Kind.NEW, "x", application,
                scheme=1, scheme_digest=scheme.digest, certificate=number,
            )  # fmt: skip
            await applications.keep_scheme(tx, scheme, desk.clock.now())
            await applications.create(tx, filed, applications.Event("AWARD", "x", self.today, {}), desk.clock.now())
            await awarding.award(desk, tx, filed)
        return await self.held()

    async def held(self) -> Certificate:
        found = await certificates.latest_of(self.desk.database, self.employer)
        assert found
        return found

    async def books(self, *facts: Fact) -> Certificate:
        async with self.desk.database.transaction() as tx:
            await following.follow(self.desk, tx, facts)
        return await self.held()

    async def books_before(self, facts: Sequence[Fact]) -> None:
        """Of an employer that holds nothing yet."""
        async with self.desk.database.transaction() as tx:
            await following.follow(self.desk, tx, facts)

    async def does(self, who: Principal, move: Any, *details: Any, etag: int = 0, **named: Any) -> Certificate:
        one = await self.held()
        with auth.acting(who):
            async with self.desk.database.transaction() as tx:
                made = await move(
                    self.desk, tx, Asked(one.number, str(etag or one.version), who.name), *details, **named
                )
        assert isinstance(made, Certificate)
        return made

    async def swept(self, day: date) -> int:
        self.on(day)
        return await sweeping.sweep(self.desk)

    async def status(self, as_of: date, *, code: bool = True) -> tuple[str, date] | None:
        """By reference and by code, which are the same; asked on a day when it is no future."""
        desk = replace(self.desk, clock=Clock(max(as_of, self.today)))
        names = (str(self.employer), self.uscc if code else str(self.employer))
        by_reference, by_code = [await looking.status(desk, [name], as_of) for name in names]
        assert [tuple(one) for one in by_reference] == [tuple(one) for one in by_code]
        return (by_reference[0][2], by_reference[0][3]) if by_reference else None

    async def life(self) -> Any:
        one = await self.held()
        known = (await certificates.facts(self.desk.database, [self.employer])).get(self.employer, ())
        return life_of(one.awarded_on, [fact for fact in known if fact.number in {"", one.number}])

    async def events(self) -> Sequence[Any]:
        rows = await self.desk.database.fetch(
            "SELECT version, payload FROM outbox WHERE key = $1 ORDER BY aggregateid, version",
            str(self.employer).encode(),
        )
        return [(row["version"], row["payload"]) for row in rows]


@asynccontextmanager
async def holder(stack: Stack, dsn: str, today: date = AWARDED) -> AsyncIterator[Holder]:
    async with office(stack, dsn, today) as at:
        desk = replace(at.desk, issuing=Issuing(URL, KEYS, FONTS))
        yield Holder(desk, at.known.employers[USCC].id)


def desk_on(stack: Stack, database: Database, today: date, issuing: Issuing | None) -> Desk:
    """Of a database of a system that runs."""
    register: Any = None  # nothing is asked of it
    return Desk(
        database, Clock(today), sealer_of(stack), CALENDAR, shipped(), register, allows_drafts=True, issuing=issuing
    )
