"""From a claim that is reversed to the fen that comes back: claims' own orders, the treasury's own events."""

from __future__ import annotations

from pathlib import Path

import pytest
from cradle.treasury.v1 import payment_pb2

from deploy.local.stack import Stack
from tests.builders import claim, submit, void
from tests.claims.desk import Desk
from tests.claims.harness import insured
from tests.claims.treasury import tell
from tests.kit.live import rows
from tests.treasury.cashier import Cashier, act, moved, statement
from tests.treasury.debts import figures, offsettable, recovery

pytestmark = pytest.mark.integration
OWED = 1_960_000  # GC22
ORDERS = "SELECT payload FROM outbox WHERE topic = 'treasury.order.v1' ORDER BY id OFFSET $1"
EVENTS = "SELECT payload FROM outbox WHERE topic = 'treasury.payment.v1' ORDER BY id OFFSET $1"


class Between:
    """The two topics between claims and the treasury, each record once and in order."""

    def __init__(self, desk: Desk, here: Cashier) -> None:
        self.desk, self.here = desk, here
        self.ordered = self.told = 0

    async def carry(self) -> None:
        orders = await rows(self.desk.dsn, ORDERS, self.ordered)
        await self.here.counter.take_in(*[row["payload"] for row in orders])
        events = await self.here.database.fetch(EVENTS, self.told)
        read = [payment_pb2.PaymentEvent.FromString(row["payload"]) for row in events]
        ours = {row["id"] for row in await rows(self.desk.dsn, "SELECT id::text AS id FROM claim")}
        await tell(self.desk, *[one for one in read if one.case_id in ours])
        self.ordered, self.told = self.ordered + len(orders), self.told + len(events)

    async def claim(self) -> tuple[str, str]:
        await self.carry()
        (row,) = await rows(self.desk.dsn, "SELECT state, payment FROM claim WHERE number = 'A'")
        return row["state"], row["payment"]


def test_a_reversed_claim_is_a_lower_whole_and_is_kept_from_the_payees_next_payment(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    claims, who = Desk.open(stack), insured(stack)

    async def story(here: Cashier) -> None:
        between = Between(claims, here)
        await claims.take(submit(claim(number="A", person=who.number, employer=who.employer)))
        assert await between.claim() == ("APPROVED", "PAYABLE")
        (ordered,) = await here.database.fetch("SELECT case_id::text AS case_id, payee FROM payment_order")
        debt = ordered["case_id"]
        await here.sent()
        assert await between.claim() == ("APPROVED", "IN_PAYMENT")
        await here.hear(statement(moved(await here.payment(debt))))
        assert await between.claim() == ("APPROVED", "PAID")

        await claims.take(void("A"))

        assert await between.claim() == ("REVERSED", "OVERPAID")
        assert figures(await recovery(here, debt)) == ("DETECTED", OWED, 0, 0, 0, 0)
        await offsettable(here, debt)
        (other,) = await here.owe(OWED + 1, payee=ordered["payee"])
        await here.sent()
        payment = await here.payment(other)
        assert payment["amount_fen"] - payment["offset_fen"] == 1
        await here.hear(statement(moved(payment), day="2026-11-24"))

        assert figures(await recovery(here, debt)) == ("RECOVERED", 0, 0, OWED, 0, 0)
        assert await between.claim() == ("REVERSED", "")
        (row,) = await rows(claims.dsn, "SELECT recovered_fen, outstanding_fen FROM recovered")
        assert tuple(row) == (OWED, 0)

    act(stack, dsn, tmp_path, story)
