"""Random lives of a claim: what stands ordered is always what the standing determination owes, and revisions rise."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from services.claims.model import KEEPS, Category, Determination, Facts, Heard, Order, Progress, State
from services.claims.rules import paying
from services.claims.store import Settled
from tests.builders import for_surgery, law_with, medical, replacement, stay_sent, submit, visit_sent, void
from tests.claims.test_settling import CAPPED, KNOWN, Desk

NOBODY = KNOWN._replace(person=None, category=None, is_known=False)


class Step(NamedTuple):
    """One thing that comes: a correction, a void, or the treasury's word on what is on order."""

    move: str
    stays: tuple[int, ...] = ()
    visits: int = 0
    category: Category | None = Category.EMPLOYEE
    county: str = "610304"
    reimbursed: bool = False


steps = st.builds(
    Step,
    st.sampled_from(["correct", "correct", "correct", "send", "settle", "void"]),
    st.lists(st.sampled_from([0, 300_000, 520_000]), min_size=1, max_size=2).map(tuple),
    st.sampled_from([0, 90_000]),
    st.sampled_from([Category.EMPLOYEE, Category.RESIDENT, Category.SPOUSE_OF_EMPLOYEE, None]),
    st.sampled_from(["610304", "610302"]),
    st.booleans(),
)


class Life:
    """A claim as claims keeps it, beside what a treasury holds of it that reads nothing but orders."""

    def __init__(self) -> None:
        self.desk, self.revision, self.version = Desk(law=CAPPED), 0, 0
        self.treasury: dict[str, Order] = {}
        self.standing: tuple[Facts, Determination] | None = None

    def live(self, step: Step) -> None:
        if step.move in {"send", "settle"}:
            self.hear(Progress.SENT if step.move == "send" else Progress.SETTLED)
            return
        settled = self.desk.take(self.record(step))
        if settled.change is None:
            return
        assert settled.change.orders is not None
        for order in settled.change.orders:
            known = self.treasury.get(order.line)
            assert known is None or known.revision < order.revision
            assert known is not None or order.owed_fen > 0
            self.treasury[order.line] = order
        is_owed = [order.owed_fen > 0 for order in settled.change.orders]
        assert is_owed == sorted(is_owed)  # what is gone goes first
        self.keep(settled)

    def record(self, step: Step) -> bytes:
        if step.move == "void":
            return void("A", max(self.revision, 1))
        self.desk.coverage = NOBODY if step.category is None else KNOWN._replace(category=step.category)
        stays = [stay_sent(fen) for fen in step.stays]
        visits = [visit_sent(step.visits)] if step.visits else []
        kind = "REIMBURSEMENT" if step.reimbursed else "PROVIDER_SETTLEMENT"
        sent = medical(kind, number="A", stays=stays, visits=visits)
        sent.county = step.county
        return replacement(sent, self.revision + 1) if self.revision else submit(sent)

    def keep(self, settled: Settled) -> None:
        change = settled.change
        assert change is not None
        self.revision = change.claim.revision
        if change.claim.state in KEEPS:
            return
        decided = change.facts is not None and change.determination is not None
        self.standing = (change.facts, change.determination) if decided else None  # type: ignore[assignment]

    def hear(self, progress: Progress) -> None:
        """All that is owed is sent, or paid."""
        claim = self.desk.on_file.claims.get(("hospitals", "A"))
        if claim is None:
            return
        self.version += 1
        orders = dict(self.desk.on_file.orders.get(claim.id, {}))
        for line, known in orders.items():
            if known.order.owed_fen:
                told = Heard(claim.id, line, self.version, progress, "p", known.order.owed_fen)
                orders[line] = paying.with_heard(known, told)
        self.desk.on_file.orders[claim.id] = orders
        self.desk.on_file.claims["hospitals", "A"] = claim._replace(
            version=claim.version + 1, payment=paying.payment_of(orders)
        )

    def check(self) -> None:
        claim = self.desk.on_file.claims.get(("hospitals", "A"))
        if claim is None:
            assert self.treasury == {}
            return
        owed = {}
        if self.standing:
            _, determination = self.standing
            lines = [line for line in determination.lines if line.outcome is State.APPROVED and line.amount_fen]
            owed = {f"{line.kind}/{line.number}": (line.amount_fen, line.payee) for line in lines}
        stands = {line: (order.owed_fen, order.payee) for line, order in self.treasury.items() if order.owed_fen}
        assert stands == owed
        assert claim.payment is paying.payment_of(self.desk.on_file.orders.get(claim.id, {}))


@given(st.lists(steps, max_size=10))
def test_in_any_life_what_stands_ordered_is_what_the_standing_determination_owes(drawn: list[Step]) -> None:
    life = Life()
    for step in drawn:
        life.live(step)
        life.check()


def test_a_stay_that_becomes_a_surgery_is_never_owed_under_both_names() -> None:
    desk = Desk(law=law_with({"medical.fp.LIGATION": 120_000}))
    first = medical(number="A", stays=[stay_sent(520_000)])
    then = for_surgery(medical(number="A", stays=[stay_sent(520_000)]), "5")

    desk.take(submit(first))
    settled = desk.take(replacement(then, 2))

    assert settled.change is not None
    assert settled.change.orders is not None
    assert [(one.line, one.owed_fen) for one in settled.change.orders] == [("STAY/1", 0), ("SURGERY/1", 120_000)]
