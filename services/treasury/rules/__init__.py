"""What becomes of orders and budgets: pure functions of what is on file and what came in.

- `stating`: what a record of the order topic does to an order.
- `settling`: what is reserved, released and held, within the budgets, oldest first.
- `budgets`: appropriations.
- `booking`: the transfers of all that, and their sums by account and day.
- `planning`, `paying`, `hearing`, `proving`: payment runs, how money moves with payments, and what the bank says.
- `recovering`, `netting`: what was paid too much is asked back, and kept from payments.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.kit import law
from services.treasury.rules.booking import Day, booked, sums
from services.treasury.rules.budgets import appropriated
from services.treasury.rules.settling import Case, Settled, Settlement, settle
from services.treasury.rules.stating import Batch, Known, taken_in

LAW: Final = law.load(Path(__file__).parent.parent / "parameters")

__all__ = [
    "LAW",
    "Batch",
    "Case",
    "Day",
    "Known",
    "Settled",
    "Settlement",
    "appropriated",
    "booked",
    "settle",
    "sums",
    "taken_in",
]
