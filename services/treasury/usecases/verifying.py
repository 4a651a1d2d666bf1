"""Computing the ledger again, part by part: its sealed blocks, then the sums of its accounts, then the figures.

A part is bounded, so that a ledger of any length is verified in calls of the same length. Each part is exact as of when
it was looked at; blocks never change, and a sum changes in one transaction with its transfers.
"""

from __future__ import annotations

from typing import Final

from services.kit.db import Database
from services.treasury import store
from services.treasury.model.ledger import Place, Verified

PARTS: Final = 10  # blocks or accounts of a call that names no number
_EVER: Final = 2**63 - 1
BEGIN: Final = Place(is_sums=False, after=0)


async def verify(database: Database, place: Place, most: int) -> Verified:
    all_blocks, all_accounts = await store.block_count(database), await store.account_count(database, _EVER)
    total = all_blocks + all_accounts
    blocks = transfers = wrong = 0
    if not place.is_sums:
        blocks, transfers, wrong, last = await store.verify(database, place.after, most)
        if blocks == most:
            done = min(last, all_blocks)
            return Verified(blocks, transfers, wrong, 0, 0, done, total, Place(is_sums=False, after=last))
        place = Place(is_sums=True, after=0)
    difference_fen, last_account = await store.unsummed(database, place.after, most)
    if last_account is not None:
        done = all_blocks + await store.account_count(database, last_account)
        then = Place(is_sums=True, after=last_account)
        return Verified(blocks, transfers, wrong, 0, difference_fen, done, total, then)
    difference_fen += await store.imbalance(database)
    unsealed = await store.unsealed(database)
    return Verified(blocks, transfers, wrong, unsealed, difference_fen, total, total, None)
