"""What claims does.

- `taking_in` settles what its sources send.
- `queueing` asks a person about what waits for one.
- `reviewing` moves a review, `answering` decides one.
"""

from services.claims.usecases.reviewing import Desk
from services.claims.usecases.taking_in import Office, OnFile, Prepared, Terms, facts_of, prepare, settle, take_in

__all__ = ["Desk", "Office", "OnFile", "Prepared", "Terms", "facts_of", "prepare", "settle", "take_in"]
