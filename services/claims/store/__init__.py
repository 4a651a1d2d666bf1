"""SQL of claims: `claims` is what is taken in and asked for."""

from services.claims.store.claims import (
    Deliveries,
    Number,
    Recorded,
    Settled,
    claim_by_id,
    claim_by_number,
    keep_law,
    law_by_digest,
    list_claims,
    load_claims,
    load_deliveries,
    lock_persons,
    recorded,
    save,
    save_settled,
)

__all__ = [
    "Deliveries",
    "Number",
    "Recorded",
    "Settled",
    "claim_by_id",
    "claim_by_number",
    "keep_law",
    "law_by_digest",
    "list_claims",
    "load_claims",
    "load_deliveries",
    "lock_persons",
    "recorded",
    "save",
    "save_settled",
]
