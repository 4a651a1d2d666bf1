"""A certification office on a database of its own: who acts, on which day, and what the other services know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

from deploy.local.stack import Stack
from services.certification.model import Answer, Employment, Filed, Kind, Stated, Visit
from services.certification.rules import shipped
from services.certification.usecases import Desk, applying, assessing, deciding
from services.certification.usecases.desk import Found
from services.certification.usecases.moving import Asked
from services.kit import auth, db
from services.kit.auth import Principal
from services.kit.calendar import CALENDAR
from services.kit.clock import Clock
from tests.builders import uscc
from tests.certification.sheets import best
from tests.kit.live import sealer_of

COUNTY = "610304"
USCC = uscc(7)
MONDAY = date(2026, 3, 2)
GATES = {
    "gate.open_violation.labour": {"open": 0},
    "gate.open_violation.discrimination": {"open": 0},
    "gate.open_violation.union_opinion": {"overdue": 0},
    "gate.arrears.insured": {"insured": 1000, "liable": 1000},
    "gate.arrears.premium": {"unpaid_fen": 0},
    "gate.leave_refused.maternity": {"granted": 3, "requests": 3, "forced_returns": 0},
    "gate.leave_refused.care": {"granted": 2, "requests": 2, "days_pay_cut": 0},
    "gate.nursing_room": {"rooms": 1},
}


@dataclass
class Known:
    """What the registry and claims know, as data: the port that `wire.registry` fills in a process."""

    employers: dict[str, Employment] = field(default_factory=dict)
    found: dict[str, dict[str, int]] = field(default_factory=lambda: {name: dict(one) for name, one in GATES.items()})
    asked: int = 0
    unpaid: date | None = None
    ended: int = 0

    async def employment(self, uscc: str, on: date) -> Employment | None:
        return self.employers.get(uscc)

    async def leaves(self, filed: Filed, on: date) -> int:
        return self.ended

    async def unpaid_since(self, employers: Sequence[UUID], on: date) -> Mapping[UUID, date | None]:
        self.asked += 1
        return dict.fromkeys(employers, self.unpaid)

    async def gates(self, filed: Sequence[Filed], on: date) -> Mapping[UUID, Sequence[Found]]:
        self.asked += 1
        return {
            one.id: [(answer(name, numbers), "service/registry") for name, numbers in self.found.items()]
            for one in filed
        }


def answer(name: str, numbers: Mapping[str, int]) -> Answer:
    return Answer(name, tuple(sorted((key, (Decimal(value),)) for key, value in numbers.items())))


def employment(code: str = USCC, **changes: Any) -> Employment:
    known = Employment(uuid4(), code, "宝鸡市测试有限公司", COUNTY, True, True, date(2020, 1, 1))
    return known._replace(**changes)


def principal(kind: str, name: str, **scope: Any) -> Principal:
    return Principal(kind, name, "test", "baoji", frozenset(), **scope)


EMPLOYER = principal("employer", f"uscc-{USCC.lower()}", employers=frozenset({USCC}))
CLERK, SECOND, THIRD, FOURTH = (principal("person", name) for name in ("clerk", "second", "third", "fourth"))


@dataclass
class Office:
    """Does what persons do, each in a transaction of its own, on the day that it is."""

    desk: Desk
    known: Known

    @property
    def today(self) -> date:
        return self.desk.clock.today()

    def on(self, day: date) -> None:
        self.desk = replace(self.desk, clock=Clock(day))

    async def does(self, who: Principal, move: Any, filed: Filed, *details: Any, **named: Any) -> Filed:
        with auth.acting(who):
            async with self.desk.database.transaction() as tx:
                asked = Asked(filed.id, str(filed.number), who.name)
                made = await move(self.desk, tx, asked, *details, **named)
        return made if isinstance(made, Filed) else cast("Filed", made[0])

    async def draft(self, code: str = USCC, kind: Kind = Kind.NEW, who: Principal = EMPLOYER) -> Filed:
        with auth.acting(who):
            async with self.desk.database.transaction() as tx:
                return await applying.create(self.desk, tx, code, kind)

    async def stated(self, filed: Filed, **changes: Any) -> Filed:
        whole = Stated(1000, 500, "C", True, best("").answers)._replace(**changes)
        return await self.does(EMPLOYER, applying.save, filed, lambda one: (one.kind, whole), whole.answers)

    async def submitted(self, draft: Filed | None = None) -> Filed:
        return await self.does(EMPLOYER, applying.submit, draft or await self.stated(await self.draft()))

    async def screened(self, draft: Filed | None = None) -> Filed:
        filed = await self.does(CLERK, assessing.accept, await self.submitted(draft))
        async with self.desk.database.transaction() as tx:
            found = (await self.known.gates([filed], self.today))[filed.id]
            return await assessing.screened(self.desk, tx, await assessing.look_up(self.desk, tx, filed, found))

    async def reviewed(self, *, first: Any = None, second: Any = None, draft: Filed | None = None) -> Filed:
        """Scored by two, visited, and waiting to be decided."""
        filed = await self.does(CLERK, assessing.score, await self.screened(draft), first or best("").answers)
        filed = await self.does(CLERK, assessing.finish, filed)
        filed = await self.does(CLERK, assessing.visit, filed, Visit(self.today, ("a", "b"), "一切属实"))
        return await self.does(SECOND, assessing.score, filed, second or best("").answers)

    async def proposed(self) -> Filed:
        return await self.does(THIRD, deciding.propose, await self.reviewed(), ())


@asynccontextmanager
async def office(stack: Stack, dsn: str, today: date = MONDAY) -> AsyncIterator[Office]:
    known = Known({USCC: employment()})
    async with db.connect(dsn) as database:
        desk = Desk(database, Clock(today), sealer_of(stack), CALENDAR, shipped(), known, allows_drafts=True)
        yield Office(desk, known)
