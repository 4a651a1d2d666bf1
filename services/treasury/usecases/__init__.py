"""What the treasury does: load, decide, save, say so.

- `taking_in`: records of the order topic.
- `releasing`: held orders, in order, when there is money.
- `appropriating`: money for budgets.
- `erasing`: accounts and names of persons whom the registry has erased, once they are needed no more.
- `watching`: sealing the ledger, and the figures for operators.
"""

from services.treasury.usecases.appropriating import appropriate, foresee
from services.treasury.usecases.desk import Desk
from services.treasury.usecases.releasing import release
from services.treasury.usecases.taking_in import take_in
from services.treasury.usecases.watching import Sealing, unlimited, watch

__all__ = ["Desk", "Sealing", "appropriate", "foresee", "release", "take_in", "unlimited", "watch"]
