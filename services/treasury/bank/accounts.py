"""What can be told of a payee's account without asking its bank.

| what | is checked | cannot be checked |
|---|---|---|
| name | not empty, at most 140 characters that a message can carry | whether it is the account's owner: the bank does |
| card | 16 to 19 digits that begin with 62 (UnionPay, ISO/IEC 7812): Luhn | whether it was ever issued, or is closed |
| account | 5 to 34 digits, letters and hyphens | the rest: banks number accounts by rules of their own |
| bank code (行号) | 12 digits, the last by ISO 7064 MOD 11,10 | whether there is such a bank |

The payment system's standard says of the last digit only 模10、11双模算法, which is GB/T 17710, which is ISO 7064 MOD
11,10; the codes of the head offices of the national banks all pass it (they are in the tests).

Cards of older series (95588, 955...) look like accounts and are treated as such. A wrong digit in an account that is no
card comes back from the bank as AC01, or not at all if the number and the name fit somebody else.
"""

from __future__ import annotations

import re
from typing import Final

from stdnum import luhn
from stdnum.iso7064 import mod_11_10

from services.kit.messages import Reason, reason
from services.treasury.bank.wording import plain

NAME_MAX: Final = 140  # Max140Text
ACCOUNT_MIN: Final = 5
ACCOUNT_MAX: Final = 34  # Max34Text
_CARD: Final = re.compile(r"62[0-9]{14,17}")
_ACCOUNT: Final = re.compile(r"[0-9A-Za-z-]*")
_BANK_CODE: Final = re.compile(r"[0-9]{12}")


def problems(name: str, account: str, bank_code: str, path: str = "payee") -> tuple[Reason, ...]:
    """Everything wrong with a payee's details; empty if nothing is. No reason repeats a value."""
    return (
        *name_problems(name, f"{path}.name"),
        *account_problems(account, f"{path}.account"),
        *bank_code_problems(bank_code, f"{path}.bank_code"),
    )


def name_problems(name: str, path: str) -> tuple[Reason, ...]:
    if not plain(name):
        return (reason("BANK_NAME_EMPTY", path),)
    if len(plain(name)) > NAME_MAX:
        return (reason("BANK_NAME_TOO_LONG", path, limit=NAME_MAX),)
    return ()


def account_problems(account: str, path: str) -> tuple[Reason, ...]:
    if not account:
        return (reason("BANK_ACCOUNT_EMPTY", path),)
    if not _ACCOUNT.fullmatch(account):
        return (reason("BANK_ACCOUNT_CHARACTERS", path),)
    if not ACCOUNT_MIN <= len(account) <= ACCOUNT_MAX:
        return (reason("BANK_ACCOUNT_LENGTH", path, least=ACCOUNT_MIN, most=ACCOUNT_MAX),)
    if is_card(account) and not luhn.is_valid(account):
        return (reason("BANK_CARD_CHECK_DIGIT", path),)
    return ()


def bank_code_problems(bank_code: str, path: str) -> tuple[Reason, ...]:
    if not _BANK_CODE.fullmatch(bank_code):
        return (reason("BANK_CODE_LENGTH", path),)
    return () if mod_11_10.is_valid(bank_code) else (reason("BANK_CODE_CHECK_DIGIT", path),)


def is_card(account: str) -> bool:
    return _CARD.fullmatch(account) is not None


def masked(account: str) -> str:
    """For a screen: the last four, and never more than half of it."""
    shown = min(4, len(account) // 2)
    return "*" * (len(account) - shown) + account[len(account) - shown :]
