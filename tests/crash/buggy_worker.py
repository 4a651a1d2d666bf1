"""A worker with a bug about one day: `python -m tests.crash.buggy_worker worker`."""

from __future__ import annotations

from datetime import date

from services.claims.main import main
from services.claims.model import Received
from services.claims.store import Settled
from services.claims.usecases import OnFile, Prepared, Terms, taking_in
from services.claims.usecases import settle as _settle

DAY = date(2023, 12, 31)  # no claim of a load is about it


def settle(received: Received, batch: Prepared, on_file: OnFile, terms: Terms) -> Settled:
    if received.submission and received.submission.event.date == DAY:
        raise ZeroDivisionError(f"a bug that tells of {received.submission}")
    return _settle(received, batch, on_file, terms)


if __name__ == "__main__":
    taking_in.settle = settle  # type: ignore[attr-defined]  # where it is called from, which is never compiled
    main()
