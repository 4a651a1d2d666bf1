"""What records of the order topic do to orders, one after the other, before any money is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from services.kit.messages import Reason, reason
from services.treasury.model import Order, OrderKey, Pot, Refusal, State, Stated, Unfit
from services.treasury.rules.settling import Case

_MAX: Final = 100  # reasons of a refusal


class Known(NamedTuple):
    """What is on file: orders, versions told of orders that were never taken, the budgets, and ids for new orders."""

    orders: Mapping[OrderKey, Order]
    told: Mapping[OrderKey, int]
    budgets: Mapping[Pot, int]
    new_ids: Iterator[int]


@dataclass(slots=True)
class Batch:
    """What a batch of records comes to: orders with their new terms, revisions, refusals, and what changed nothing."""

    cases: dict[OrderKey, Case] = field(default_factory=dict)
    revisions: list[tuple[int, Stated]] = field(default_factory=list)  # order and what was stated
    refusals: list[Refusal] = field(default_factory=list)
    stale: int = 0
    repeated: int = 0


def taken_in(records: Sequence[Stated | Unfit], known: Known, now: datetime) -> Batch:
    """Take records in, in their order. What is decided about money comes afterwards, for all orders at once."""
    batch = Batch()
    told = dict(known.told)
    for record in records:
        if isinstance(record, Unfit):
            _refuse(batch, record, known, told)
            continue
        case = batch.cases.get(record.key)
        standing = case.after if case else known.orders.get(record.key)
        if standing is None or record.revision > standing.revision:
            before = case.before if case else standing
            after = _restated(standing, record, known, told, now)
            batch.cases[record.key] = Case(before, after)
            batch.revisions.append((after.id, record))
        elif record.revision < standing.revision:
            batch.stale += 1  # what was stated since counts
        elif record.content_hash == standing.content_hash:
            batch.repeated += 1
        else:
            _refuse(batch, _conflicting(record), known, told)
    return batch


def _restated(
    standing: Order | None, stated: Stated, known: Known, told: Mapping[OrderKey, int], now: datetime
) -> Order:
    """The order by its new terms. Its money is still where it was."""
    budget_id = known.budgets[stated.pot]
    if standing is None:
        return Order(
            next(known.new_ids), stated.key, stated.revision, told.get(stated.key, 0), stated.content_hash,
            State.RESERVED, (), stated.owed_fen, 0, 0, 0, stated.fund, stated.county, budget_id, stated.payable_on,
            stated.payee, None, None, False, stated.law_digest, now,  # the row, in its order
        )  # fmt: skip
    # Once money is out, it is on record whose it was, however often the terms change after it.
    is_out = standing.paid_fen > 0
    return standing._replace(
        revision=stated.revision,
        content_hash=stated.content_hash,
        owed_fen=stated.owed_fen,
        fund=stated.fund,
        county=stated.county,
        budget_id=budget_id,
        payable_on=stated.payable_on,
        payee=stated.payee,
        paid_to=(standing.paid_to or str(standing.payee)) if is_out else None,
        paid_from=(standing.paid_from or f"{standing.fund}/{standing.county}") if is_out else None,
        law_digest=stated.law_digest,
        updated_at=now,
    )


def _conflicting(stated: Stated) -> Unfit:
    why = (reason("ORDER_CONFLICT", "revision", revision=stated.revision),)
    return Unfit(stated.key, stated.county, stated.revision, why, stated.position, stated.received_at, stated.record)


def _refuse(batch: Batch, unfit: Unfit, known: Known, told: MutableMapping[OrderKey, int]) -> None:
    """Keep what was not taken, and tell it if it is known whom it is about; as the next event of that order."""
    unfit = unfit._replace(reasons=_few(unfit.reasons))
    if unfit.key is None:
        batch.refusals.append(Refusal(unfit, 0, 0))
        return
    case = batch.cases.get(unfit.key)
    standing = case.after if case else known.orders.get(unfit.key)
    if standing is None:
        told[unfit.key] = version = told.get(unfit.key, 0) + 1
        batch.refusals.append(Refusal(unfit, version, 0))
        return
    after = standing._replace(version=standing.version + 1)
    batch.cases[unfit.key] = Case(case.before if case else standing, after)
    batch.refusals.append(Refusal(unfit, after.version, after.revision))


def _few(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    return tuple(reasons[:_MAX])
