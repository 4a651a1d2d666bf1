"""What claims does.

- `taking_in` settles what its sources send, `settling` decides each of it.
- `hearing` decides again when coverage changes; `looking_again` by and by, where much may be touched at once.
- `ordering` orders what is owed from the treasury; `paying` hears what became of it.
- `redetermining` decides all claims again when the law changed, by a plan that a second person approved.
- `erasing` takes away what can be opened of a person whom the registry has erased.
- `appealing` takes in appeals, which their reviews decide.
- `overdue` tells of what waits past the law's days, and for no reviewer.
- `queueing` asks a person about what waits for one; `reviewing` moves a review, `answering` decides one.
"""

from services.claims.usecases import appealing, erasing, overdue, redetermining
from services.claims.usecases.batch import OnFile, Prepared, Terms
from services.claims.usecases.comparing import watch
from services.claims.usecases.hearing import Hearing, expire, hear, prepare_hearing
from services.claims.usecases.looking_again import hear_wages, look_again, queue_by_wages
from services.claims.usecases.office import Office
from services.claims.usecases.reviewing import Desk
from services.claims.usecases.settling import settle
from services.claims.usecases.taking_in import prepare, take_in

__all__ = [
    "Desk",
    "Hearing",
    "Office",
    "OnFile",
    "Prepared",
    "Terms",
    "appealing",
    "erasing",
    "expire",
    "hear",
    "hear_wages",
    "look_again",
    "overdue",
    "prepare",
    "prepare_hearing",
    "queue_by_wages",
    "redetermining",
    "settle",
    "take_in",
    "watch",
]
