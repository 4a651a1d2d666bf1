"""Taking in the platform's messages: `matching` finds an undo its settlement, `taking_in` does so for a stream."""

from services.claims.usecases.platform.matching import Outcome, Register, Status
from services.claims.usecases.platform.taking_in import Gateway, Prepared, prepare, take_in

__all__ = ["Gateway", "Outcome", "Prepared", "Register", "Status", "prepare", "take_in"]
