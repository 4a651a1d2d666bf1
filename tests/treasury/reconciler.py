"""What tests of reconciliation share: moves on breaks, statements day by day, and what always holds of a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.kit.errors import Refused
from services.treasury.bank.amounts import decimal
from services.treasury.model.breaks import Awaited, Break, Proposal, Way
from services.treasury.store import breaks, days
from services.treasury.usecases import approving, explaining, reconciling, running
from tests.treasury.bank.answers import details, entry
from tests.treasury.cashier import CLERK, OURS, SECOND, Cashier, moved, statement

MONDAY, TUESDAY, WEDNESDAY = "2026-11-23", "2026-11-24", "2026-11-25"
FIRST, LAST = date(2026, 11, 1), date(2026, 12, 31)


@dataclass
class Reconciler:
    here: Cashier
    marks: list[int] = field(default_factory=list)

    async def says(self, day: str, *entries: str, **changed: Any) -> None:
        """A statement of this day, and what follows from it."""
        told = statement(*[on(one, day) for one in entries], day=day, **changed)
        self.marks.append(1)
        await self.here.hear(told.replace("BANK-1", f"BANK-{day}-{len(self.marks)}"))
        await self.reconcile()

    async def reconcile(self) -> int:
        return await reconciling.reconcile(self.here.pay)

    async def open(self) -> list[Break]:
        return await breaks.list_breaks(self.here.database, breaks.Wanted(True, "", "", None), None, 1000)

    async def kinds(self) -> list[str]:
        return [str(one.kind) for one in await self.open()]

    async def one(self, kind: str = "") -> Break:
        (found,) = [one for one in await self.open() if not kind or one.kind == kind]
        return found

    async def again(self, one: Break) -> Break:
        (found,) = await breaks.by_ids(self.here.database, [one.id])
        return found

    async def explain(self, one: Break, way: Way, *, actor: str = CLERK, etag: str = "", **more: Any) -> Break:
        proposal = Proposal(way, more.get("why", ""), "工银函〔2026〕7号", more.get("others", ()), more.get("payment"))
        async with self.here.database.transaction() as tx:
            marked = etag or str(one.number)
            return await explaining.explain(self.here.pay, tx, one.id, marked, proposal=proposal, actor=actor)

    async def approve(self, one: Break, *, actor: str = SECOND) -> Break:
        async with self.here.database.transaction() as tx:
            return await explaining.approve(self.here.pay, tx, one.id, str(one.number), actor=actor)

    async def refuse(self, one: Break, *, actor: str = SECOND) -> Break:
        async with self.here.database.transaction() as tx:
            return await explaining.refuse(self.here.pay, tx, one.id, str(one.number), note="另查", actor=actor)

    async def awaits(self, one: Break, awaited: Awaited) -> Break:
        async with self.here.database.transaction() as tx:
            return await explaining.note_awaited(
                self.here.pay, tx, one.id, str(one.number), awaited=awaited, note="已联系银行", actor=CLERK
            )

    async def ends(self, one: Break, way: Way, **more: Any) -> Break:
        """By two persons."""
        return await self.approve(await self.explain(one, way, **more))

    async def refused(self, one: Break, way: Way, **more: Any) -> str:
        try:
            await self.explain(one, way, **more)
        except Refused as refused:
            return refused.reasons[0].code
        return ""

    async def plannable(self) -> int:
        """How many orders a run would pay now; nothing is left behind of it."""
        run = await self.here.plan()
        async with self.here.database.transaction() as tx:
            await approving.cancel(tx, run.id, str(run.number))
        await running.advance(self.here.pay, run.id)
        return run.planned_count

    async def holds(self) -> None:
        """statement = ledger + explained + open, each day, where what both have is not still to come."""
        for day in await days.reconciled_days(self.here.database, "", FIRST, LAST):
            assert day.difference_fen == 0, day
        await against_the_rows(self.here.database)


async def against_the_rows(database: Any) -> None:
    """The same over all days together, by other statements: settled = statement + explained and open breaks."""
    (row,) = await database.fetch(
        """SELECT (SELECT COALESCE(sum(amount_fen) FILTER (WHERE state IN ('SETTLED', 'RECONCILED')), 0) FROM payment)
                      AS settled,
                  (SELECT COALESCE(sum(CASE WHEN is_credit THEN -amount_fen ELSE amount_fen END), 0)
                   FROM statement_entry WHERE is_statement) AS on_statements,
                  (SELECT COALESCE(sum(effect_fen + counter_fen), 0) FROM unmatched WHERE way IS DISTINCT FROM 'HEALED')
                      AS breaks"""
    )
    assert row["settled"] == row["on_statements"] + row["breaks"]


def on(told: str, day: str) -> str:
    return told.replace("2026-11-27T00:00:00+08:00", f"{day}T00:00:00+08:00").replace(
        "<BookgDt><Dt>2026-11-26</Dt>", f"<BookgDt><Dt>{day}</Dt>"
    )


def debit(payment: asyncpg.Record | Mapping[str, Any], number: str = "1", **changed: Any) -> str:
    return moved(payment, number=number, **changed)


def credit(amount_fen: int, mark: str, end_to_end_id: str = "", direction: str = "CRDT") -> str:
    """Money in, or out, without a payment's id; or a credit with it, and no reason."""
    inside = details(end_to_end_id, decimal(amount_fen), direction) if end_to_end_id else ""
    return entry(decimal(amount_fen), direction, inside).replace("REF-1", mark)


def charge(amount_fen: int, mark: str) -> str:
    return credit(amount_fen, mark, direction="DBIT")


def ids(*some: Break) -> tuple[int, ...]:
    return tuple(one.id for one in some)


def payment_id(row: asyncpg.Record) -> UUID:
    found: UUID = row["id"]
    return found


def pages(parts: Sequence[str], day: str, *, opening_fen: int, closing_fen: int) -> list[str]:
    """A statement in messages of a page each."""
    found = []
    for number, part in enumerate(parts, 1):
        is_last = number == len(parts)
        told = statement(on(part, day) if part else "", day=day)
        paging = f"<StmtPgntn><PgNb>{number}</PgNb><LastPgInd>{str(is_last).lower()}</LastPgInd></StmtPgntn>"
        told = told.replace("<Id>S-1</Id>", f"<Id>S-{day}</Id>{paging}").replace("BANK-1", f"PAGE-{day}-{number}")
        head, _, rest = told.partition("<Bal>")
        after = rest.rpartition("</Bal>")[2]
        balances = _balance("OPBD", opening_fen, day) if number == 1 else ""
        balances += _balance("CLBD", closing_fen, day) if is_last else ""
        found.append(head + balances + after)
    return found


def _balance(kind: str, amount_fen: int, day: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='CNY'>{decimal(amount_fen)}</Amt>"
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


ACCOUNT = OURS.account
