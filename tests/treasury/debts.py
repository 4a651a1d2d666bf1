"""What tests of recoveries share: money paid beyond what is owed, and persons who ask it back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import asyncpg

from services.kit.clock import Clock
from services.treasury.bank import reference
from services.treasury.model.recoveries import Recovery
from services.treasury.store import recoveries
from services.treasury.usecases import Desk, asking_back
from services.treasury.usecases.asking_back import Asked
from tests.treasury.cashier import CLERK, Cashier, moved, statement
from tests.treasury.counter import TODAY, order

ARTICLE = "社会保险基金行政监督办法"
ANSWERED_BY = date(2026, 12, 7)  # ten working days after TODAY, which does not count
AFTER = ANSWERED_BY + timedelta(1)


def desk(here: Cashier, day: date) -> Desk:
    """The treasury on another day."""
    return Desk(Clock(day), here.counter.desk.law, here.counter.desk.sealer)


async def paid(here: Cashier, *amounts: int, **changed: Any) -> list[str]:
    """Orders that are paid; their cases."""
    cases = await here.owe(*amounts, **changed)
    await here.sent()
    await here.hear(statement(*[moved(await here.payment(one)) for one in cases], day="2026-11-23"))
    return cases


async def overpaid(here: Cashier, fen: int, owed: int = 0, **changed: Any) -> str:
    """A case of which so much is paid, and less is owed by now."""
    (case_id,) = await paid(here, fen, **changed)
    await lower(here, case_id, owed, 2, **changed)
    return case_id


async def lower(here: Cashier, case_id: str, owed: int, revision: int, **changed: Any) -> None:
    await here.counter.take_in(order(case_id, owed, revision, **changed))


async def recovery(here: Cashier, case_id: str) -> Recovery:
    (row,) = await here.database.fetch(
        "SELECT r.id FROM recovery AS r JOIN payment_order AS o ON o.id = r.order_id WHERE o.case_id::text = $1",
        case_id,
    )
    found = await recoveries.by_id(here.database, row["id"])
    assert found is not None
    return found


async def asked(here: Cashier, case_id: str, by: str = CLERK) -> Asked:
    found = await recovery(here, case_id)
    return Asked(found.id, str(found.number), by)


async def notify(here: Cashier, case_id: str) -> Recovery:
    who = await asked(here, case_id)
    async with here.database.transaction() as tx:
        return await asking_back.notify(here.counter.desk, tx, who, ARTICLE, "REDETERMINED")


async def offsettable(here: Cashier, case_id: str) -> Recovery:
    """Told long ago, and not answered."""
    await notify(here, case_id)
    await here.database.fetch(
        "UPDATE recovery SET due_on = $2 WHERE id = $1", (await recovery(here, case_id)).id, TODAY - timedelta(1)
    )
    assert await asking_back.remind(here.counter.desk, here.database) == 1
    return await recovery(here, case_id)


def repayment(found: Recovery, fen: int, number: str = "1") -> str:
    """A credit that names the recovery."""
    named: Any = {"end_to_end_id": reference.encode(found.id), "amount_fen": fen}
    return moved(named, number=number).replace("DBIT", "CRDT")


def figures(found: Recovery) -> tuple[str, int, int, int, int, int]:
    """State, outstanding, on its way, offset, repaid, written off."""
    return (
        str(found.state), found.outstanding_fen, found.live_fen, found.offset_fen, found.repaid_fen,
        found.written_off_fen,
    )  # fmt: skip


async def budget(here: Cashier) -> asyncpg.Record:
    (row,) = await here.database.fetch("SELECT * FROM budget ORDER BY id LIMIT 1")
    return row
