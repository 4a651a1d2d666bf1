"""`cradle treasury refused-accounts` as a clerk has it, against the whole system."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.stack import Stack
from tests.cli.test_treasury_runs import Desk, data, desk
from tests.kit.live import eventually, send
from tests.treasury.counter import case, order
from tests.treasury.test_run_service import Person, a_payee, database, fresh, give, order_of, refused_accounts

__all__ = ["desk"]
pytestmark = pytest.mark.integration
COUNTY = "610327"  # nobody else pays there


def test_what_waits_for_another_account_is_shown_with_the_banks_reason(stack: Stack, desk: Desk) -> None:
    async def waits(case_id: str, payee: str) -> None:
        """As if a bank had refused the first version of the account."""
        await send(stack, "treasury.order.v1", [(case_id.encode(), order(case_id, 4_200, county=COUNTY, payee=payee))])
        await eventually(lambda: order_of(stack, case_id))
        connection = await asyncpg.connect(database(stack, "treasury"))
        try:
            await connection.execute(
                "INSERT INTO refused_account VALUES ('PERSON', $1, 1, $2, $3, '{AC04}', $4)",
                payee, b"another", uuid4(), datetime.now(UTC),
            )  # fmt: skip
        finally:
            await connection.close()

    give(Person(stack, "li", "treasury-clerk"), COUNTY)
    payee, stranger = asyncio.run(a_payee(stack)), fresh()
    asyncio.run(waits(case(), payee))
    asyncio.run(waits(case(), stranger))

    shown = desk("li", "refused-accounts", "--county", COUNTY)
    found = data(desk("wang", "refused-accounts", "--output", "json"))["refused_accounts"]
    elsewhere = data(desk("wang", "refused-accounts", "--county", "610303", "--output", "json"))["refused_accounts"]

    mine = {one["payee"]["reference"]: one for one in found if one["payee"]["reference"] in {payee, stranger}}
    assert shown.exit_code == 0
    assert "closed" in shown.stdout
    assert {one["reasons"][0]["text_en"] for one in mine.values()} == {"the account is closed"}
    assert {one["account_now"] for one in mine.values()} == {"ACCOUNT_NOW_CHANGED", "ACCOUNT_NOW_NONE"}
    assert [(one["amount_fen"], one["county"]) for one in mine.values()] == [("4200", COUNTY)] * 2
    assert elsewhere == []
    assert refused_accounts(Person(stack, "zhao", "county-treasury", ("610303",))) == []
    assert set(mine) <= set(refused_accounts(Person(stack, "qian", "county-treasury", (COUNTY,))))
