"""How UNKNOWN ends: the bank answers, two statements prove that it was not paid, or two persons have its word."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from services.kit.calendar import CALENDAR
from services.kit.dates import civil
from services.kit.db import Tx
from services.kit.errors import NotFound, Refused
from services.kit.messages import reason
from services.kit.timer import apart, narrowed
from services.treasury.bank import Bank
from services.treasury.bank.pain002 import Outcome
from services.treasury.model import Payment, PaymentState, Said
from services.treasury.rules.hearing import given_up
from services.treasury.rules.proving import is_proven, proof_days
from services.treasury.store import files, heard, payments, runs
from services.treasury.store.files import Proof
from services.treasury.usecases.approving import lock_lines
from services.treasury.usecases.hearing import work
from services.treasury.usecases.moving import move
from services.treasury.usecases.paydesk import PayDesk

PAYMENTS_MAX: Final = 500  # of a transaction
QUESTIONS_MAX: Final = 100  # to a bank, each time
_BY_STATEMENT: Final = "NOT_ON_STATEMENT"
_BY_WORD: Final = "NOT_PAID_BY_BANKS_WORD"
_DAYS_BACK: Final = timedelta(days=31)


async def ask(pay: PayDesk, banks: dict[str, Bank]) -> int:
    """Ask about payments of which nothing is known, by their own ids. That a bank knows none proves nothing. Neither a
    bank that is away stops the others, nor a payment that a bug is about.
    """

    async def of_account(code: str) -> int:
        asked = 0
        for payment in await payments.unanswered(pay.database, code, QUESTIONS_MAX):
            standing = await banks[code].status(payment.end_to_end_id)
            if standing is None or not standing.known or standing.outcome in {Outcome.UNKNOWN, Outcome.RECEIVED}:
                continue
            said = Said(1, payment.end_to_end_id, standing.outcome, standing.reason, None, pay.desk.clock.now())
            asked += await narrowed(partial(_answered, pay), [(payment, said)], _about)
        return asked

    return await apart(of_account, list(banks), lambda code: f"bank of {code}")


async def _answered(pay: PayDesk, some: Sequence[tuple[Payment, Said]]) -> int:
    for payment, said in some:
        async with pay.database.transaction() as tx:
            await work(pay, tx, [said], "", f"question/{payment.id}")
    return len(some)


def _about(one: tuple[Payment, Said]) -> str:
    return f"payment {one[0].id}"


async def prove(pay: PayDesk, payments_max: int = PAYMENTS_MAX) -> int:
    """REJECTED is what statements prove was not paid: those of the value date and of the working day after it."""

    async def give_up(proven: Sequence[Payment]) -> int:
        async with pay.database.transaction() as tx:
            await _give_up(pay, tx, proven, _BY_STATEMENT)
            await runs.settle_runs(tx)
        return len(proven)

    proven = await _proven(pay, payments_max)
    return await narrowed(give_up, proven, lambda one: f"payment {one.id}") if proven else 0


async def _proven(pay: PayDesk, payments_max: int) -> list[Payment]:
    """Files first: one whose statements are not here keeps no other's payments waiting."""
    proofs = await files.unanswered(pay.database)
    since = pay.desk.clock.today() - _DAYS_BACK
    accounts = {one.account for one in proofs.values()}
    covered = await heard.covered(pay.database, accounts, since, reconciled_only=True)
    proven = [number for number, one in proofs.items() if _holds(one, covered.get(one.account, set()))]
    return await payments.undisputed(pay.database, proven, payments_max) if proven else []


def _holds(proof: Proof, covered: set[date]) -> bool:
    return is_proven(proof_days(civil(proof.intent_at), proof.execute_on, CALENDAR), covered)


async def _give_up(pay: PayDesk, tx: Tx, unknown: Sequence[Payment], why: str) -> None:
    orders, found = await lock_lines(tx, unknown)
    changes = [(one, given_up(one, why)) for one in found if one.state == PaymentState.UNKNOWN and not one.returned_on]
    await move(pay.desk, tx, changes, orders)


async def resolve(
    pay: PayDesk, tx: Tx, payment_id: UUID, document: str, actor: str, *, counties: Collection[str] | None = None
) -> tuple[Payment, str]:
    """The first person proposes; the second, by the same document, makes it so. Answers who has proposed."""
    payment = await payments.by_id(tx, payment_id)
    if payment is None or (counties is not None and payment.county not in counties):
        raise NotFound(reason("NOT_FOUND", "name", name=f"payments/{payment_id}"))
    now = pay.desk.clock.now()
    await lock_lines(tx, [payment])
    payment = await payments.by_id(tx, payment_id) or payment
    await _may_resolve(tx, payment, now)
    said = await heard.proposal(tx, payment_id)
    if said is None:
        await heard.propose(tx, payment_id, document, actor, now)
        return payment, actor
    proposer, by = said
    if proposer == actor:
        raise Refused(reason("RUN_SECOND_PERSON"))
    if by != document:
        raise Refused(reason("UNKNOWN_OTHER_DOCUMENT", "document"))
    await heard.confirm(tx, payment_id, actor, now)
    await _give_up(pay, tx, [payment], _BY_WORD)
    await runs.settle_runs(tx)
    return await payments.by_id(tx, payment_id) or payment, proposer


async def _may_resolve(tx: Tx, payment: Payment, now: datetime) -> None:
    """Not before the day after the one on which it was to be paid: the bank may still work."""
    if payment.state != PaymentState.UNKNOWN or payment.returned_on is not None:
        raise Refused(reason("PAYMENT_NOT_UNKNOWN", "name", state=payment.state))
    proof = (await files.proofs(tx, [payment.file_id])).get(payment.file_id) if payment.file_id else None
    if proof is None or civil(now) <= max(civil(proof.intent_at), proof.execute_on):
        raise Refused(reason("UNKNOWN_BEFORE_CUT_OFF", "name"))
