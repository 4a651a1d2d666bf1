"""Sending a run: whatever crashes, no payment reaches a bank twice.

1. The file is written beside, from the rows, and its name and hash are put on record.
2. Its payments become SENT, in chunks, and are told of.
3. The intent is committed, unless there is a HOLD; then the mark outside the database names the file.
4. The file is handed over, and what became of that is put on record.

Until 3 not a byte has left, and all of it may be done again: the file comes out the same, by its hash. From 3 on it is
never handed over again, unless it is on record that not a byte left. Whoever starts after a crash between 3 and 4 finds
its payments in doubt: UNKNOWN, to be asked about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from services.kit import telemetry
from services.kit.db import Tx
from services.kit.errors import Refused, Unavailable
from services.kit.ids import new_id
from services.kit.messages import reason
from services.kit.timer import apart
from services.treasury.bank import Bank, Handover, Outgoing, pain001, payroll, reference, signing
from services.treasury.bank.placing import Content
from services.treasury.bank.signing import Signer
from services.treasury.model import File, Format, Paying, Payment, PaymentState, Run, RunState, Unlocked
from services.treasury.store import files, heard, payments, runs
from services.treasury.store import holding as holds
from services.treasury.store.files import Share
from services.treasury.usecases import holding
from services.treasury.usecases.approving import lock_lines, stale_before
from services.treasury.usecases.asking import in_hand
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.wire import events

LINES_MAX: Final = 2000  # of a chunk
_WRITERS: Final = {Format.PAIN_001: pain001.write, Format.PAYROLL_CSV: payroll.write}
_S: Final = PaymentState
T = TypeVar("T")
_log = telemetry.log(__name__)


class Unheard(NamedTuple):
    """From when on a bank is to be heard, and the last that was known of runs and banks before any was."""

    since: datetime
    known_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sender:
    """Where files are written before they leave, and the bank behind each of our accounts.

    `unheard`: accounts whose banks have not been heard since this process began. To them nothing is sent: what they
    have paid may be what a restored database has forgotten.
    """

    pay: PayDesk
    banks: dict[str, Bank]  # by account
    spool: Path
    signer: Signer | None = None
    unheard: dict[str, Unheard] = field(default_factory=dict)


# --- a person queues the run ------------------------------------------------------------------------------------------


async def queue(pay: PayDesk, tx: Tx, run_id: UUID, etag: str, actor: str) -> Run:
    await holding.refuse(tx)
    run = await in_hand(tx, run_id, etag, RunState.SENT)
    if run.sent_by is not None:
        raise Refused(reason("RUN_QUEUED"))
    if not run.is_ready or run.is_stale(stale_before(pay)):
        raise Refused(reason("RUN_NOT_READY"))
    shares = await files.shares(tx, run_id)
    if not shares and not await payments.kept_whole(tx, run_id, 1):
        raise Refused(reason("RUN_EMPTY"))
    if await heard.is_disputed(tx, run_id):
        raise Refused(reason("RUN_DISPUTED"))
    now = pay.desk.clock.now()
    await files.add(tx, files_for(pay, run, shares))
    await payments.queue(tx, run_id, now)
    state = run.state if shares else RunState.SENT  # else with its first file
    after = run._replace(state=state, sent_by=actor, sent_at=now, number=run.number + 1)
    await runs.save_run(tx, after)
    return after


def files_for(pay: PayDesk, run: Run, shares: Sequence[Share]) -> list[File]:
    """One for each of our accounts. Its execution day is not in the past when it leaves."""
    ours = {one.code: one for one in pay.paying.values()}
    made = []
    for code in sorted({share.paying_account for share in shares}):
        mine = [share for share in shares if share.paying_account == code]
        if code not in ours:
            raise Refused(reason("PAYING_ACCOUNT_MISSING"))
        made.append(_file(pay, run, ours[code], sum(one.payments for one in mine), sum(one.total_fen for one in mine)))
    return made


def _file(pay: PayDesk, run: Run, paying: Paying, count: int, total_fen: int) -> File:
    file_id = new_id()
    message_id = reference.encode(file_id)
    execute_on = max(run.execute_on, pay.desk.clock.today())
    # Milliseconds, as the file has them.
    now = pay.desk.clock.now()
    created_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    name = f"{message_id}{paying.format.suffix}"
    nothing = (None, None, None, None, None)
    return File(file_id, run.id, paying, message_id, name, created_at, execute_on, count, total_fen, *nothing)


# --- the bank role sends it -------------------------------------------------------------------------------------------


async def doubt(pay: PayDesk, patience: timedelta = timedelta(0)) -> int:
    """What may have left so long ago, and was not answered, is UNKNOWN. At the start of the one sender: all of it."""
    now = pay.desk.clock.now()
    async with pay.database.transaction() as tx:
        return await payments.doubt(tx, await files.in_doubt(pay.database, now - patience), now)


async def send_all(sender: Sender) -> int:
    """Send what is queued; a file that cannot leave stops no other. Answers how many were sent."""

    async def one(file: File) -> int:
        if await heard.is_disputed(sender.pay.database, file.run_id):
            _log.warning("file held back: a break names an order of it", file=file.name)
            return 0
        await send(sender, file)
        return 1

    waiting = await files.to_send(sender.pay.database, [one for one in sender.banks if one not in sender.unheard])
    return await apart(one, waiting, lambda file: file.name)


async def send(sender: Sender, file: File) -> Handover:
    path, content = await write(sender, file)
    await _prepare(sender, file, path, content)
    await _intend(sender, file)
    await holding.note(sender.pay, sender.spool, file.name, file.execute_on)
    signature = path.with_name(path.name + signing.SUFFIX) if sender.signer is not None else None
    handover = Handover.UNKNOWN  # whatever is raised from here on
    try:
        handover = await sender.banks[file.paying.code].send(Outgoing(path, content.sha256, signature))
    finally:
        await _record(sender, file, handover)
    return handover


async def write(sender: Sender, file: File) -> tuple[Path, Content]:
    """Write the file from its rows. Once it has a hash, it comes out with that hash or not at all."""
    order = _order(file, await files.shares(sender.pay.database, file.run_id))
    path = sender.spool / file.name
    loop = asyncio.get_running_loop()

    def ask(question: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(question, loop).result()

    def make() -> Content:
        content = _WRITERS[file.paying.format](path, order, _payments(sender.pay, file, ask), file.sha256)
        if sender.signer is not None:
            signing.sign(path, content, sender.signer)
        return content

    return path, await asyncio.to_thread(make)


def _order(file: File, shares: Sequence[Share]) -> pain001.Order:
    mine = [share for share in shares if share.paying_account == file.paying.code]
    batches = tuple(_batch(file, share) for share in mine)
    debtor = pain001.Debtor(file.paying.name, file.paying.account, file.paying.bank_code)
    if (file.payments, file.total_fen) != (sum(one.payments for one in mine), sum(one.total_fen for one in mine)):
        raise ValueError(f"file {file.name} was declared with other totals")
    return pain001.Order(file.message_id, file.created_at, file.execute_on, debtor, batches)


def _batch(file: File, share: Share) -> pain001.Batch:
    return pain001.Batch(f"{file.message_id}-{share.payee_kind}", share.payee_kind, share.payments, share.total_fen)


def _payments(pay: PayDesk, file: File, ask: Any) -> Iterator[pain001.Payment]:
    """In a thread: the rows in chunks, so that memory does not grow with their number."""
    after = ("", 0)
    while chunk := ask(payments.of_file(pay.database, file.run_id, file.paying.code, after, LINES_MAX)):
        for payment in chunk:
            yield _transfer(pay, payment)
        after = (chunk[-1].payee.kind, chunk[-1].number)


def _transfer(pay: PayDesk, payment: Payment) -> pain001.Payment:
    """Raises ValueError if the account is not the one that was approved, or is gone with its payee."""
    if payment.account_sealed is None:
        raise ValueError(f"payment {payment.id} has no account any more: it had ended, and its payee was erased")
    account = pay.open(payment.account_sealed, str(payment.id), payment.payee_version)
    if not compare_digest(pay.digest(account), payment.account_hash):
        raise ValueError(f"payment {payment.id} has another account than was approved")
    return pain001.Payment(
        payment.id,
        payment.payee.kind,
        payment.net_fen,
        account.holder,
        account.number,
        account.bank_code,
    )


async def _prepare(sender: Sender, file: File, path: Path, content: Content) -> None:
    """Name and hash on record first, then its payments SENT."""
    signature = path.with_name(path.name + signing.SUFFIX).read_bytes() if sender.signer is not None else None
    database = sender.pay.database
    async with database.transaction() as tx:
        run = await runs.lock_run(tx, file.run_id)
        if run is None or run.state == RunState.CANCELLED:
            raise ValueError(f"the run of file {file.name} was cancelled")
        found = await files.lock(tx, file.id)
        if found.sha256 not in {None, content.sha256}:
            raise ValueError(f"file {file.name} is on record with another hash")
        await files.hashed(tx, file.id, content.sha256, content.size, signature)
    after = 0
    while lines := await payments.of_account(database, file.run_id, file.paying.code, after, LINES_MAX):
        after = lines[-1].number
        await _mark(sender.pay, file, lines)


async def _mark(pay: PayDesk, file: File, lines: list[Unlocked]) -> None:
    now = pay.desk.clock.now()
    async with pay.database.transaction() as tx:
        orders, found = await lock_lines(tx, lines)
        sent = [one._replace(state=_S.SENT, file_id=file.id) for one in found if one.state == _S.QUEUED]
        told = {one.order_id: orders[one.order_id] for one in sent}
        told = {number: one._replace(version=one.version + 1) for number, one in told.items()}
        await payments.sent(tx, file.id, [one.id for one in sent], now)
        await payments.raise_versions(tx, list(told))
        for one in sent:
            tx.emit(events.of_sent(one, told[one.order_id], now))


async def _intend(sender: Sender, file: File) -> None:
    """The last moment at which nothing has left."""
    now = sender.pay.desk.clock.now()
    async with sender.pay.database.transaction() as tx:
        if await holds.is_held_now(tx):
            raise Unavailable("there is a HOLD")
        run = await runs.lock_run(tx, file.run_id)
        found = await files.lock(tx, file.id)
        if found.intent_at is not None and found.handover != Handover.NOT_SENT:
            raise ValueError(f"file {file.name} may have left")
        await files.intend(tx, file.id, now)
        if run is not None and run.state == RunState.APPROVED:
            await runs.save_run(tx, run._replace(state=RunState.SENT, number=run.number + 1))


async def _record(sender: Sender, file: File, handover: Handover) -> None:
    """Nobody knows of a file that was not simply taken: its payments are asked about, and never sent again."""
    now = sender.pay.desk.clock.now()
    async with sender.pay.database.transaction() as tx:
        await files.handed(tx, file.id, handover, now)
        if handover not in {Handover.TAKEN, Handover.NOT_SENT}:
            await payments.doubt(tx, [file.id], now)
