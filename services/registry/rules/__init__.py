"""What follows from what the offices state, as pure functions: `days`, `paying`, `families`, `naming`, `standing`."""

from services.registry.rules.days import Days, first_difference, first_unfit, instant_after
from services.registry.rules.families import is_older_than_mother, with_husband
from services.registry.rules.naming import is_holder
from services.registry.rules.paying import is_late, months_of, not_on_file, spans_of, with_payments
from services.registry.rules.standing import first_disorder, state_of, unpaid_on, violation_on

__all__ = [
    "Days",
    "first_difference",
    "first_disorder",
    "first_unfit",
    "instant_after",
    "is_holder",
    "is_late",
    "is_older_than_mother",
    "months_of",
    "not_on_file",
    "spans_of",
    "state_of",
    "unpaid_on",
    "violation_on",
    "with_husband",
    "with_payments",
]
