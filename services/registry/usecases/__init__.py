"""What the registry does: `looking_up` answers who is covered; `recording` and `taking_in` keep what the offices state,
by `amending` what is known of persons; `erasing` makes a person unreadable; `payees` keeps where they
are paid; `standing` is how employers stand.
"""

from services.registry.usecases.erasing import Erased, erase, find
from services.registry.usecases.looking_up import get_coverage, get_institutions
from services.registry.usecases.office import Asker, Office
from services.registry.usecases.payees import get_payees, record_payees
from services.registry.usecases.recording import record
from services.registry.usecases.standing import Standing, get_standing, record_violations
from services.registry.usecases.taking_in import dry_run, take_in

__all__ = [
    "Asker",
    "Erased",
    "Office",
    "Standing",
    "dry_run",
    "erase",
    "find",
    "get_coverage",
    "get_institutions",
    "get_payees",
    "get_standing",
    "record",
    "record_payees",
    "record_violations",
    "take_in",
]
