"""What comes back on our accounts: a payee repays what is asked back, or a bank returns what was recovered already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.treasury.model import PAID, Entry, Payee, Payment, PaymentState
from services.treasury.model.recoveries import Recovery, Repayment, Share

BANK = "bank"


@dataclass(slots=True)
class Backs:
    """What is asked back of the orders in hand, locked, and what has been repaid of it since."""

    recoveries: Mapping[UUID, Recovery]
    repayments: list[Repayment] = field(default_factory=list)
    returned: Counter[tuple[int, Payee, int]] = field(default_factory=Counter)  # heard in the same transaction

    def take(self, entry: Entry, recovery_id: UUID, actor: str = BANK) -> str:
        """Only a statement proves it, and an advice of the same money is no second one. Answers why it is not taken."""
        if not entry.is_statement:
            return ""
        if entry.amount_fen > self.left_fen(recovery_id):
            return "REPAYMENT_TOO_MUCH"
        self.repayments.append(Repayment(entry.id, recovery_id, entry.amount_fen, entry.value_on, actor))
        return ""

    def left_fen(self, recovery_id: UUID) -> int:
        taken = sum(one.amount_fen for one in self.repayments if one.recovery_id == recovery_id)
        one = self.recoveries[recovery_id]
        return one.outstanding_fen - one.live_fen - taken  # what payments on their way keep is spoken for

    def bars(self, before: Payment, after: Payment, shares: Sequence[Share]) -> bool:
        """A payment comes back of which a part was recovered: the whole would be had twice, so a person looks."""
        if after.state != PaymentState.RETURNED or before.state not in PAID:
            return False
        own = (before.order_id, before.payee, before.budget_id)
        mine = {one.id: one for one in self.recoveries.values() if (one.order_id, one.payee, one.budget_id) == own}
        recovered = sum(one.recovered_fen + one.live_fen for one in mine.values())
        recovered += sum(one.amount_fen for one in self.repayments if one.recovery_id in mine)
        paid = sum(one.paid_fen for one in shares if (one.order_id, one.payee, one.budget_id) == own)
        if recovered and paid - self.returned[own] - before.amount_fen < recovered:
            return True
        self.returned[own] += before.amount_fen
        return False
