"""What the registry has by now of payees whose account a bank has refused."""

from __future__ import annotations

from collections.abc import Sequence

from services.treasury.model import Account
from services.treasury.model.listing import WaitingOrder
from services.treasury.rules.refusing import Now
from services.treasury.usecases.paydesk import PayDesk


async def now(pay: PayDesk, orders: Sequence[WaitingOrder]) -> dict[int, Now]:
    """By order. A change of an account is told to nobody, so it is asked for; the reading is audited there."""
    known = await pay.known({one.payee for one in orders})

    def stands(one: WaitingOrder) -> Now:
        account = known.get(one.payee)
        if not isinstance(account, Account):
            return Now.NONE
        is_same = (account.version, pay.digest(account)) == (one.version, one.account_hash)
        return Now.SAME if is_same else Now.CHANGED

    return {one.id: stands(one) for one in orders}
