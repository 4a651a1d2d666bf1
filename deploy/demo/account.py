"""The account of a run: every submission once, by where it lay in Kafka, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from cradle.claims.v1 import claim_pb2, receipt_pb2

from deploy.demo.claims import Submission
from deploy.demo.stories import LATE

UNKNOWN: Final = "PERSON_UNKNOWN"


class Position(NamedTuple):
    """A place in a Kafka topic, as the broker gave it to the producer."""

    topic: str
    partition: int
    offset: int


class Came(StrEnum):
    """What came of a submission."""

    APPROVED = "approved"
    DENIED = "denied"
    DUPLICATE_DELIVERY = "duplicate delivery"
    PENDED = "pended"
    RETURNED = "returned"
    SAME_AGAIN = "same again"
    VOIDED = "voided"
    AGREES = "totals agree"
    DIFFERS = "totals differ"
    PARKED = "parked"
    NOTHING = "no answer"


_DETERMINED: Final = {
    claim_pb2.CLAIM_STATE_APPROVED: Came.APPROVED,
    claim_pb2.CLAIM_STATE_PARTIALLY_APPROVED: Came.APPROVED,
    claim_pb2.CLAIM_STATE_DENIED: Came.DENIED,
    claim_pb2.CLAIM_STATE_DUPLICATE: Came.DUPLICATE_DELIVERY,
}
_STATUS: Final = {
    receipt_pb2.RECEIPT_STATUS_PENDED: Came.PENDED,
    receipt_pb2.RECEIPT_STATUS_RETURNED: Came.RETURNED,
    receipt_pb2.RECEIPT_STATUS_DUPLICATE: Came.SAME_AGAIN,
    receipt_pb2.RECEIPT_STATUS_VOIDED: Came.VOIDED,
    receipt_pb2.RECEIPT_STATUS_TOTALS_AGREE: Came.AGREES,
    receipt_pb2.RECEIPT_STATUS_TOTALS_DIFFER: Came.DIFFERS,
}
DETERMINED: Final = frozenset(_DETERMINED.values())


class Balance(NamedTuple):
    """Counted once per submission."""

    sent: int
    determined: int
    pended: int
    returned: int
    duplicate: int
    voided: int
    parked: int

    @property
    def is_even(self) -> bool:
        return self.sent == sum(self) - self.sent

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self._asdict().items())


class Tally(NamedTuple):
    """What became of the money: orders, those paid, payments returned, orders held; by how much the ledger is off."""

    ordered: int = 0
    paid: int = 0
    returned: int = 0
    held: int = 0
    imbalance: int | None = None  # nobody has looked yet

    def __str__(self) -> str:
        return " ".join(f"{name}={'unknown' if value is None else value}" for name, value in self._asdict().items())


@dataclass(frozen=True, slots=True)
class Answer:
    """A submission with what is known of it."""

    submission: Submission
    position: Position | None  # None: the broker never confirmed it
    came: Came
    receipt: receipt_pb2.ClaimReceipt | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(reason.code for reason in self.receipt.reasons) if self.receipt else ()


@dataclass(slots=True)
class Account:
    """Filled while the run goes on. A receipt may be read before the producer hears where its submission lay.

    Instants are seconds of one monotonic clock. Receipts of other senders may be read too; they stay uncounted.
    """

    submissions: Sequence[Submission] = ()
    handed_over_s: dict[int, float] = field(default_factory=dict)  # by index of the submission
    positions: dict[int, Position] = field(default_factory=dict)
    receipts: dict[Position, receipt_pb2.ClaimReceipt] = field(default_factory=dict)
    read_s: dict[Position, float] = field(default_factory=dict)
    repeated: int = 0  # receipts that came again; they count nowhere else
    later: dict[str, receipt_pb2.ClaimReceipt] = field(default_factory=dict)  # by claim: what became of it since
    second_answers: set[Position] = field(default_factory=set)  # a second receipt with an id of its own: never right
    parked: set[Position] = field(default_factory=set)
    came: Counter[Came] = field(default_factory=Counter)  # those with a receipt
    tally: Tally = field(default_factory=Tally)
    _ids: set[str] = field(default_factory=set)
    _index: dict[Position, int] = field(default_factory=dict)

    def hand_over(self, index: int, at_s: float) -> None:
        """The producer takes the submission."""
        self.handed_over_s[index] = at_s

    def confirm(self, index: int, position: Position) -> None:
        """The broker has it."""
        self.positions[index] = position
        self._index[position] = index
        if position in self.receipts:
            self._count(position)

    def read(self, receipt: receipt_pb2.ClaimReceipt, at_s: float) -> None:
        if receipt.receipt_id in self._ids:
            self.repeated += 1
            return
        self._ids.add(receipt.receipt_id)
        if receipt.status == receipt_pb2.RECEIPT_STATUS_PAYMENT:
            return  # what was decided stands
        if not receipt.position.topic:
            self.later[receipt.claim] = receipt
            return
        position = Position(receipt.position.topic, receipt.position.partition, receipt.position.offset)
        if position in self.receipts:
            self.second_answers.add(position)
            return
        self.receipts[position], self.read_s[position] = receipt, at_s
        if position in self._index:
            self._count(position)

    def hold(self, positions: Iterable[Position]) -> None:
        """These lie among the parked records now, and no others do."""
        self.parked = {position for position in positions if position in self._index}

    def _count(self, position: Position) -> None:
        self.came[came_of(self.receipts[position])] += 1

    @property
    def sent(self) -> int:
        return len(self.positions)

    @property
    def answered(self) -> int:
        return self.came.total()

    @property
    def waiting(self) -> int:
        """Submissions that nothing is known of yet."""
        return len(self.submissions) - self.answered - sum(position not in self.receipts for position in self.parked)

    def answers(self) -> Iterator[Answer]:
        """Every submission, in the order they were sent."""
        for index, submission in enumerate(self.submissions):
            position = self.positions.get(index)
            receipt = self._latest(self.receipts.get(position)) if position else None
            if receipt is not None:
                yield Answer(submission, position, came_of(receipt), receipt)
            else:
                yield Answer(submission, position, Came.PARKED if position in self.parked else Came.NOTHING)

    def _latest(self, receipt: receipt_pb2.ClaimReceipt | None) -> receipt_pb2.ClaimReceipt | None:
        """A claim that waited for its coverage is told again once it is known."""
        if receipt is None or receipt.status != receipt_pb2.RECEIPT_STATUS_PENDED:
            return receipt
        later = self.later.get(receipt.claim)
        return later if later is not None and later.revision == receipt.revision else receipt

    def waiting_for_coverage(self) -> int:
        """How many claims of women who are reported late still wait for it."""
        return sum(answer.submission.truth == LATE and UNKNOWN in answer.codes for answer in self.answers())

    def balance(self) -> Balance:
        came = Counter(answer.came for answer in self.answers())
        return Balance(
            sent=self.sent,
            determined=sum(came[one] for one in DETERMINED),
            pended=came[Came.PENDED],
            returned=came[Came.RETURNED],
            duplicate=came[Came.SAME_AGAIN],
            voided=came[Came.VOIDED],
            parked=came[Came.PARKED],
        )

    def answered_twice(self) -> list[Position]:
        return sorted(position for position in self.second_answers if position in self._index)

    def elapsed_s(self) -> float:
        """From the first submission handed over to the last answer read."""
        ends = [self.read_s[position] for position in self._index if position in self.read_s]
        return max(ends) - min(self.handed_over_s.values()) if ends else 0.0

    def waits_s(self) -> list[float]:
        """From handing over a submission to reading its receipt, shortest first."""
        return sorted(self.read_s[p] - self.handed_over_s[i] for i, p in self.positions.items() if p in self.read_s)


def came_of(receipt: receipt_pb2.ClaimReceipt) -> Came:
    if receipt.status == receipt_pb2.RECEIPT_STATUS_DETERMINED:
        return _DETERMINED[receipt.outcome]
    return _STATUS[receipt.status]
