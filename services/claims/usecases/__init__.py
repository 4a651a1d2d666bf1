"""What claims does: `taking_in` settles what its sources send."""

from services.claims.usecases.taking_in import Office, OnFile, Prepared, Terms, facts_of, prepare, settle, take_in

__all__ = ["Office", "OnFile", "Prepared", "Terms", "facts_of", "prepare", "settle", "take_in"]
