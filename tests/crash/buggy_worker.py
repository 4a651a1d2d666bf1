"""A worker with a bug about one day: `python -m tests.crash.buggy_worker worker`."""

from __future__ import annotations

from datetime import date

from services.claims import rules
from services.claims.main import main
from services.claims.model import Determination, Facts
from services.kit.law import Law

DAY = date(2023, 12, 31)  # no claim of a load is about it

_decide = rules.decide


def decide(facts: Facts, law: Law) -> Determination:
    if facts.event.date == DAY:
        raise ZeroDivisionError(f"a bug that tells of {facts}")
    return _decide(facts, law)


if __name__ == "__main__":
    rules.decide = decide
    main()
