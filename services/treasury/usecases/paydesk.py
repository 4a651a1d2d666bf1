"""What runs need around them: the treasury's desk, who knows payees' accounts, and our own accounts at banks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

import orjson

from services.kit.db import Database
from services.treasury.bank import accounts
from services.treasury.model import Account, Payee, Paying
from services.treasury.rules.planning import Known
from services.treasury.usecases.desk import Desk

PAYEES_MAX: Final = 500  # of one question to the registry

Payees: TypeAlias = Callable[[Sequence[Payee]], Awaitable[Mapping[Payee, Known]]]


@dataclass(frozen=True, slots=True)
class PayDesk:
    desk: Desk
    database: Database
    payees: Payees  # at most PAYEES_MAX at once; may raise what is waited out
    paying: Mapping[str, Paying]  # our accounts, by fund

    async def known(self, wanted: Collection[Payee]) -> dict[Payee, Known]:
        """Accounts that can be paid to, and why not of the others. Asked outside of any transaction."""
        found: dict[Payee, Known] = {}
        left = iter(sorted(set(wanted)))
        while some := list(islice(left, PAYEES_MAX)):
            for payee, account in (await self.payees(some)).items():
                found[payee] = _checked(account)
        return found

    def digest(self, account: Account) -> bytes:
        """Keyed, so that nobody can try numbers against it."""
        return self.desk.sealer.digest(_plain(account))

    def seal(self, account: Account, payment: str) -> bytes:
        return self.desk.sealer.seal(_plain(account), _context(payment))

    def open(self, sealed: bytes, payment: str, version: int) -> Account:
        holder, number, bank_code = orjson.loads(self.desk.sealer.open(sealed, _context(payment)))
        return Account(holder, number, bank_code, version)


def _checked(known: Known) -> Known:
    if not isinstance(known, Account):
        return known
    return tuple(one.code for one in accounts.problems(known.holder, known.number, known.bank_code)) or known


def _plain(account: Account) -> bytes:
    return orjson.dumps((account.holder, account.number, account.bank_code))


def _context(payment: str) -> bytes:
    return f"payment/{payment}/account".encode()
