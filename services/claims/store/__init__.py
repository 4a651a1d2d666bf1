"""SQL of claims: `claims` is read, `standing` is what persons have on file, `saving` writes; then `totals`."""

from services.claims.store.claims import (
    Number,
    Recorded,
    claim_by_id,
    claim_by_number,
    keep_law,
    law_by_digest,
    list_claims,
    load_claims,
    persons_of,
    recorded,
)
from services.claims.store.saving import (
    KEEPS,
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
from services.claims.store.totals import compare_again, differences, save_totals, taken_in

__all__ = [
    "KEEPS",
    "Change",
    "Ground",
    "Number",
    "OfPersons",
    "Recorded",
    "Settled",
    "Waiting",
    "changed_since",
    "claim_by_id",
    "claim_by_number",
    "compare_again",
    "differences",
    "keep_law",
    "law_by_digest",
    "list_claims",
    "load_claims",
    "load_standing",
    "lock_persons",
    "persons_of",
    "recorded",
    "save_changes",
    "save_submissions",
    "save_totals",
    "taken_in",
]
