"""What claims does: `taking_in` settles what its sources send, `hearing` decides again when coverage changes."""

from services.claims.usecases.comparing import watch
from services.claims.usecases.hearing import Hearing, expire, hear, prepare_hearing
from services.claims.usecases.office import Office, OnFile, Prepared, Terms
from services.claims.usecases.settling import settle
from services.claims.usecases.taking_in import prepare, take_in

__all__ = [
    "Hearing",
    "Office",
    "OnFile",
    "Prepared",
    "Terms",
    "expire",
    "hear",
    "prepare",
    "prepare_hearing",
    "settle",
    "take_in",
    "watch",
]
