"""SQL of claims: `claims` is read, `standing` is what persons have on file, `saving` writes; `orders`,
`again`, `totals`.

`wages`, `reviews`, `redetermining`, `appeals` and `employers` are taken by their names.
"""

from services.claims.store.again import (
    Heard,
    Known,
    Look,
    as_they_stand,
    due,
    hear,
    look_of,
    looks_of,
    of_claims,
    of_persons,
    queue,
    take_up,
    to_look_at,
)
from services.claims.store.claims import (
    Number,
    Recorded,
    Wanted,
    claim_by_id,
    claim_by_number,
    keep_law,
    law_by_digest,
    list_claims,
    load_claims,
    persons_of,
    recorded,
    versions,
)
from services.claims.store.handed_in import HandedIn, Lease, Place, forget, give_up, intend, placed
from services.claims.store.orders import load_orders, lock_claims, save_payment, save_told
from services.claims.store.overdue import WAITS_FOR, count_overdue
from services.claims.store.saving import (
    Change,
    Ground,
    Settled,
    Waiting,
    save_changes,
    save_submissions,
)
from services.claims.store.standing import (
    OfPersons,
    changed_since,
    load_standing,
    lock_persons,
)
from services.claims.store.submissions import list_submissions
from services.claims.store.totals import compare_again, differences, list_totals, save_totals, taken_in
from services.claims.store.totals import missing as missing_totals

__all__ = [
    "WAITS_FOR",
    "Change",
    "Ground",
    "HandedIn",
    "Heard",
    "Known",
    "Lease",
    "Look",
    "Number",
    "OfPersons",
    "Place",
    "Recorded",
    "Settled",
    "Waiting",
    "Wanted",
    "as_they_stand",
    "changed_since",
    "claim_by_id",
    "claim_by_number",
    "compare_again",
    "count_overdue",
    "differences",
    "due",
    "forget",
    "give_up",
    "hear",
    "intend",
    "keep_law",
    "law_by_digest",
    "list_claims",
    "list_submissions",
    "list_totals",
    "load_claims",
    "load_orders",
    "load_standing",
    "lock_claims",
    "lock_persons",
    "look_of",
    "looks_of",
    "missing_totals",
    "of_claims",
    "of_persons",
    "persons_of",
    "placed",
    "queue",
    "recorded",
    "save_changes",
    "save_payment",
    "save_submissions",
    "save_told",
    "save_totals",
    "take_up",
    "taken_in",
    "to_look_at",
    "versions",
]
