"""Accounts that a bank has refused. Paid to again as it is, the money would only come back again: so nothing is paid to
such an account, whichever order of its payee it is for, until the registry has another version of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from services.treasury.model import REISSUED, Payment

# ISO 20022's reasons that are about the payee's account: its number (AC01, AC03), closed (AC04, AC07), blocked (AC06),
# of a kind that takes no such payment (AC14), in another name (BE01), of somebody who has died (MD07), or its bank's
# code (RC01, RC04). AC02 and AC05 are about our own account.
ABOUT_ACCOUNT: Final = frozenset({"AC01", "AC03", "AC04", "AC06", "AC07", "AC14", "BE01", "MD07", "RC01", "RC04"})
# Said of a file as a whole, the same codes are about the account that it was to be paid from.
WHOLE_FILE: Final = "FILE_REJECTED"
REFUSED: Final = "ACCOUNT_REFUSED_BY_BANK"


class Now(StrEnum):
    """What the registry has by now of a payee whose account was refused."""

    SAME = "SAME"
    CHANGED = "CHANGED"
    NONE = "NONE"  # that can be paid to


def about_account(why: str) -> tuple[str, ...]:
    """Those of a payment's reasons that are about its payee's account."""
    codes = why.split(",")
    return () if WHOLE_FILE in codes else tuple(code for code in codes if code in ABOUT_ACCOUNT)


def is_refused(payment: Payment) -> bool:
    """Whether it failed because of its payee's account, which is not known of one that was lost and taken over."""
    return payment.state in REISSUED and payment.payee_version > 0 and bool(about_account(payment.reason))


def refused(changes: Iterable[tuple[Payment, Payment]]) -> tuple[list[Payment], list[Payment]]:
    """The payments that have failed so by what was heard; and those that had, and are paid after all."""
    first: dict[object, Payment] = {}
    last: dict[object, Payment] = {}
    for before, after in changes:
        first.setdefault(before.id, before)
        last[after.id] = after
    failed = [one for one in last.values() if is_refused(one)]
    return failed, [one for one in last.values() if is_refused(first[one.id]) and not is_refused(one)]
