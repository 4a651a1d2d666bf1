"""After a restore: what the bank has paid, and the database does not know as sent, is taken over and never paid again.

1. A run that is in the database, unsent, and of whose payments the bank speaks, or whose file the mark names: the file
   left as a whole. Its lines are UNKNOWN from here on, and end as such payments do. So it is with a queued run of
   whose orders one was paid by another payment: it had left and failed, or was taken back, and statements tell which.
2. A payment that is not in the database: the end of its id tells its order. It is made again, under its own id, from
   what is reserved for the order and, where that is less by now, from what its budget has; then what the bank said of
   it is worked, and what is paid too much is asked back. Where the budget lacks it, it stays an item that holds the
   order back, and the HOLD, until money is appropriated. A line of the order that is planned and not queued gives way
   once the statements of the HOLD are whole: until then it may have been paid, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial, reduce
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.db import Database, Tx
from services.kit.ids import new_id
from services.kit.timer import apart, narrowed
from services.treasury import store
from services.treasury.bank import marking, reference
from services.treasury.model import (
    FIRST_HASH,
    UNSENT,
    Account,
    Budget,
    Candidate,
    Mark,
    Order,
    Paying,
    Payment,
    PaymentState,
    Run,
    RunScope,
    RunState,
)
from services.treasury.model.holding import OnHold
from services.treasury.rules.adopting import fitting, taken
from services.treasury.rules.paying import together
from services.treasury.rules.planning import chained
from services.treasury.store import adopting as rows
from services.treasury.store import files, holding, payments, runs
from services.treasury.store.adopting import Debit
from services.treasury.usecases import hearing, recovering, sending
from services.treasury.usecases.approving import lock_lines
from services.treasury.usecases.holding import lost_debits
from services.treasury.usecases.moving import Change, move
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.wire import events

LINES_MAX: Final = 500  # of a transaction
PASSES_MAX: Final = 20  # of one round: an order may have been paid, returned and paid again
NOBODY: Final = "treasury/restore"
_BANK: Final = "bank/statement"  # who approved it is lost; that the bank has paid it is what it rests on
_ACCOUNT: Final = Account("", "", "", 0)  # and so is the payee's account
_QUEUED: Final = (PaymentState.RESERVED, PaymentState.QUEUED)
_WAY: Final = (*_QUEUED, PaymentState.SENT, PaymentState.UNKNOWN)


async def adopt(pay: PayDesk, hold: OnHold, *, is_whole: bool) -> int:
    """Take over what was lost; answers how many payments. A run or a payment that a bug is about stops no other: its
    items stay, and so does the HOLD. `is_whole`: every statement that the HOLD needs is here.
    """
    mark = marking.parse(hold.mark or "")

    async def left(run_id: UUID) -> int:
        after: int | None = 0
        while after is not None:
            after = await _left(pay, run_id, hold.begun_at, after)
        return 0

    await apart(left, await holding.left_runs(pay.database, mark.file if mark else ""), lambda one: f"run {one}")
    made = 0
    for _ in range(PASSES_MAX):
        lost, some = await _of_orders(pay.database), 0
        for at in range(0, len(lost), LINES_MAX):
            part = lost[at : at + LINES_MAX]
            some += await narrowed(partial(_lost, pay, hold.begun_at, is_whole=is_whole), part, lambda one: one[0])
        if not some:
            break
        made += some
    return made


# --- known, and left --------------------------------------------------------------------------------------------------


async def _left(pay: PayDesk, run_id: UUID, until: datetime, after: int) -> int | None:
    """The next lines of a run that left before the HOLD began, and after them what the run itself is by now. Answers
    the last line; None: there are no more.
    """
    lines = await payments.of_run_again(pay.database, run_id, UNSENT, after, LINES_MAX)
    now = pay.desk.clock.now()
    async with pay.database.transaction() as tx:
        run = await runs.lock_run(tx, run_id)
        if run is None or run.state in {RunState.CANCELLED, RunState.CLOSED}:
            return None
        spoken = [] if lines else await rows.spoken_of(tx, run_id)
        await holding.lock_items(tx, spoken)
        orders, found = await lock_lines(tx, lines or list((await payments.by_reference(tx, spoken)).values()))
        await recovering.lock_money(tx, orders, found)
        by_account = await _files_of(pay, tx, run)
        await holding.files_left(tx, run_id, until)
        left = [one for one in found if one.state in UNSENT]
        await _kept(pay, tx, [one for one in left if not one.net_fen], orders)
        if out := [one for one in left if one.net_fen]:
            standing = {one.id: one for one in await store.lock_orders(tx, list(orders))}
            await _sent(pay, tx, [(one, by_account[one.paying_account]) for one in out], standing)
        if lines:
            return lines[-1].number
        await payments.doubt(tx, list(by_account.values()), now)
        if run.state in {RunState.PLANNING, RunState.PLANNED, RunState.APPROVED}:
            await runs.save_run(tx, _as_sent(run))
        await holding.close_items(tx, spoken, now)
        await _work_again(pay, tx, spoken)
        await runs.settle_runs(tx)
    return None


async def _files_of(pay: PayDesk, tx: Tx, run: Run) -> dict[str, UUID]:
    found = {one.paying.code: one.id for one in await files.of_run(tx, run.id)}
    shares = [one for one in await files.shares(tx, run.id) if one.paying_account not in found]
    made = sending.files_for(pay, run, shares)
    await files.add(tx, made)
    return {**found, **{one.paying.code: one.id for one in made}}


def _as_sent(run: Run) -> Run:
    """As it became before it was lost, by whom is not known."""
    return run._replace(
        state=RunState.SENT,
        number=run.number + 1,
        approved_by=run.approved_by or _BANK,
        is_ready=True,
        sent_by=run.sent_by or NOBODY,
    )


async def _work_again(pay: PayDesk, tx: Tx, references: Sequence[str]) -> None:
    """Each under the place where it was heard: what fits nothing all the same is the break that it was."""
    for place, said in await rows.said_of(tx, references):
        await hearing.work(pay, tx, said, "", place)


async def _kept(pay: PayDesk, tx: Tx, lines: Sequence[Payment], orders: Mapping[int, Order]) -> None:
    """What offsets leave nothing of is in no file: it was settled when its run was queued."""
    today = pay.desk.clock.today()
    changes = [change for one in lines for change in _way(one, _QUEUED, None)]
    settled = [one._replace(state=PaymentState.QUEUED) for one in lines]
    changes += [(one, one._replace(state=PaymentState.RECONCILED, debited_on=today)) for one in settled]
    await move(pay.desk, tx, changes, orders)


def _way(line: Payment, states: Sequence[PaymentState], file_id: UUID | None) -> list[Change]:
    """Its moves through these states, from the one it is in."""
    changes: list[Change] = []
    before = line
    for state in states[0 if line.state == PaymentState.CREATED else states.index(line.state) + 1 :]:
        after = before._replace(state=state, file_id=file_id)
        changes.append((before, after))
        before = after
    return changes


async def _sent(pay: PayDesk, tx: Tx, lines: Sequence[tuple[Payment, UUID]], orders: Mapping[int, Order]) -> None:
    """Whatever unsent state they are in: their money is committed, they may have left, and it is told."""
    if not lines:
        return
    await move(pay.desk, tx, [change for line, file_id in lines for change in _way(line, _WAY, file_id)], orders)
    now = pay.desk.clock.now()
    numbers = sorted({line.order_id for line, _ in lines})
    told = {one.id: one._replace(version=one.version + 1) for one in await store.lock_orders(tx, numbers)}
    await payments.raise_versions(tx, numbers)
    for line, file_id in lines:
        tx.emit(events.of_sent(line._replace(state=PaymentState.SENT, file_id=file_id), told[line.order_id], now))


# --- not known --------------------------------------------------------------------------------------------------------


class Lost(NamedTuple):
    """A payment that the database does not have, and its order, locked."""

    id: UUID
    debit: Debit
    candidate: Candidate
    paying: Paying

    @property
    def paid(self) -> tuple[Order, int]:
        return self.candidate.order, self.debit.amount_fen


async def _of_orders(database: Database) -> list[tuple[str, int]]:
    """Of each order that is here the first reference of a payment that is not."""
    debits = await lost_debits(database)
    orders = await holding.orders_of(database, set(debits.values())) if debits else {}
    found: dict[int, str] = {}
    for one, subject in debits.items():
        if subject in orders:
            found.setdefault(orders[subject], one)
    return [(one, number) for number, one in found.items()]


async def _lost(pay: PayDesk, until: datetime, some: Sequence[tuple[str, int]], *, is_whole: bool) -> int:
    """At most one payment of each order, by its reference; answers how many were taken over."""
    found = dict(some)
    ours = {one.known_as: one for one in pay.paying.values()}
    async with pay.database.transaction() as tx:
        await holding.lock_items(tx, list(found))
        candidates = await _candidates(pay, tx, sorted(found.values()), is_whole=is_whole)
        lost = [
            Lost(reference.decode(one.end_to_end_id), one, candidates[found[one.end_to_end_id]], ours[one.account])
            for one in await rows.debits(tx, list(found))
            if one.account in ours
        ]
        free = [one for one in lost if not one.candidate.is_live]
        budgets = await store.lock_budgets(tx, {one.candidate.order.budget_id for one in free})
        fits = fitting([one.paid for one in free], budgets)
        fit = [one for one, there_is in zip(free, fits, strict=True) if there_is]
        for one in lost:
            if one not in fit:
                await holding.name_order(tx, one.debit.end_to_end_id, one.candidate.order.id)
        if fit:
            await _make(pay, tx, fit, budgets, until)
        return len(fit)


async def _candidates(pay: PayDesk, tx: Tx, numbers: Sequence[int], *, is_whole: bool) -> dict[int, Candidate]:
    """These orders, locked. A line of theirs that is planned and not queued gives way: another payment was made, and no
    statement has this one.
    """
    orders, planned = await lock_lines(tx, await payments.planned_of(tx, numbers) if is_whole else [], numbers)
    await recovering.lock_money(tx, orders, planned)
    dropped: list[Change] = [
        (one, one._replace(state=PaymentState.CANCELLED, reason="ORDER_CHANGED"))
        for one in planned
        if one.state in {PaymentState.CREATED, PaymentState.RESERVED}
    ]
    if dropped:
        await move(pay.desk, tx, dropped, orders)
    now = await store.lock_orders(tx, numbers)
    return {one.order.id: one for one in await payments.candidates(tx, now)} if now else {}


async def _make(pay: PayDesk, tx: Tx, lost: Sequence[Lost], budgets: Mapping[int, Budget], until: datetime) -> None:
    """A run of its own, planned and sent by nobody who is known, with these payments."""
    now, today = pay.desk.clock.now(), pay.desk.clock.today()
    run = _run(pay)
    await runs.new_run(tx, run)
    lines = [_payment(pay, run, number, one) for number, one in enumerate(lost, 1)]
    await payments.add(tx, lines, now)
    transfers, shifts = taken([one.paid for one in lost], budgets, today)
    await store.append(tx, transfers, today, now)
    await payments.shift(tx, together(shifts))
    await rows.take(tx, lines)
    total = sum(one.amount_fen for one in lines)
    plan_hash = reduce(chained, lines, run.plan_hash)
    planned = run._replace(planned_count=len(lines), planned_fen=total, plan_hash=plan_hash)
    await runs.save_run(tx, _as_sent(planned))
    by_account = await _files_of(pay, tx, run)
    await holding.files_left(tx, run.id, until)
    orders = {one.id: one for one in await store.lock_orders(tx, sorted({one.order_id for one in lines}))}
    await _sent(pay, tx, [(one, by_account[one.paying_account]) for one in lines], orders)
    references = [one.end_to_end_id for one in lines]
    await holding.close_items(tx, references, now)
    await _work_again(pay, tx, references)
    await runs.settle_runs(tx)


def _run(pay: PayDesk) -> Run:
    today, now = pay.desk.clock.today(), pay.desk.clock.now()
    scope = RunScope("", "", "", today, 0, 0)
    nothing = (None, None, False, None, None, None, None)
    return Run(
        new_id(), RunState.PLANNING, 1, scope, today, Mark(0, today, 0), 0, 0, FIRST_HASH, 0, 0, NOBODY, now, *nothing
    )


def _payment(pay: PayDesk, run: Run, number: int, lost: Lost) -> Payment:
    order = lost.candidate.order
    return Payment(
        lost.id,
        run.id,
        number,
        order.id,
        order.revision,
        order.budget_id,
        lost.debit.amount_fen,
        PaymentState.CREATED,
        order.fund,
        order.county,
        order.payee,
        _ACCOUNT.version,
        pay.digest(_ACCOUNT),
        pay.seal(_ACCOUNT, str(lost.id)),
        lost.paying.code,
        lost.debit.end_to_end_id,
        lost.candidate.failed,
        *_NOTHING,
    )


_NOTHING: Final[tuple[None, str, None, None, None, None, None, None, None]] = (
    None,
    "",
    *(None, None, None, None, None, None, None),
)
