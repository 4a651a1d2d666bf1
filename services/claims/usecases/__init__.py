"""What claims does: `taking_in` settles what its sources send, `settling` decides each of it."""

from services.claims.usecases.office import Office, OnFile, Prepared, Terms
from services.claims.usecases.settling import settle
from services.claims.usecases.taking_in import prepare, take_in

__all__ = ["Office", "OnFile", "Prepared", "Terms", "prepare", "settle", "take_in"]
