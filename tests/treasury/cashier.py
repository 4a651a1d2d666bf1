"""What tests of payment runs share: a treasury with orders, payees, a bank in folders, and what always holds."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from cradle.treasury.v1 import payment_pb2

from deploy.local.stack import Stack
from services.kit.db import Database
from services.kit.ids import new_id
from services.treasury.bank import Bank, reference
from services.treasury.bank.amounts import decimal, fen
from services.treasury.bank.folder import FolderBank, Folders
from services.treasury.bank.reading import BYTES_MAX
from services.treasury.model import FIRST_HASH, Account, Mark, Payee, Paying, Run, RunScope, RunState
from services.treasury.rules.planning import Known
from services.treasury.store import runs
from services.treasury.usecases import approving, banking, hearing, running, sending
from services.treasury.usecases.hearing import Taken
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.usecases.sending import Sender
from tests.treasury.bank import answers as said
from tests.treasury.counter import FUND, TODAY, Counter, case, counter, order

OURS = Paying("medical", "宝鸡市医疗保障基金管理中心", "61050162010800000123", "105100000017", "61050162010800000123")
CLERK, SECOND, THIRD = "person/li", "person/wang", "person/zhao"
CARD, BANK_CODE = "6222022603001234565", "102100099996"
BALANCE_FEN = 10**15
_MOVED = re.compile(r"<Ntry><Amt Ccy='[A-Z]+'>([0-9.]+)</Amt><CdtDbtInd>(CRDT|DBIT)<")
EVERYTHING = RunScope("", "", "", TODAY, 0, 0)


@dataclass
class Registry:
    """Who is paid where, as far as a test cares; all others have a good account."""

    said: dict[str, Known] = field(default_factory=dict)
    questions: list[int] = field(default_factory=list)
    version: int = 1  # of the accounts of all of whom nothing is said

    async def payees(self, wanted: Sequence[Payee]) -> Mapping[Payee, Known]:
        self.questions.append(len(wanted))
        return {one: self.said.get(one.reference, account(self.version)) for one in wanted}


def account(version: int = 1, **changed: Any) -> Account:
    return Account("王小红", CARD, BANK_CODE, version)._replace(**changed)


@dataclass
class Cashier:
    counter: Counter
    registry: Registry
    pay: PayDesk
    sender: Sender
    root: Path

    @property
    def database(self) -> Database:
        return self.counter.database

    async def owe(self, *amounts: int, **changed: Any) -> list[str]:
        """Orders for so much, reserved; their cases."""
        cases = [case() for _ in amounts]
        await self.counter.take_in(*[order(one, amount, **changed) for one, amount in zip(cases, amounts, strict=True)])
        return cases

    async def plan(self, scope: RunScope = EVERYTHING, by: str = CLERK) -> Run:
        """Whatever is planned, nothing goes to an account that was refused before."""
        run = new_run(scope, by)
        refused = await self.database.fetch("SELECT payee, version, account_hash FROM refused_account")
        async with self.database.transaction() as tx:
            await runs.new_run(tx, run)
        planned = await running.advance(self.pay, run.id)
        lines = await self.database.fetch(
            "SELECT payee, payee_version, account_hash FROM payment WHERE run_id = $1", run.id
        )
        assert {*map(tuple, refused)}.isdisjoint(map(tuple, lines))
        return planned

    async def approve(self, run: Run, by: str = SECOND) -> Run:
        async with self.database.transaction() as tx:
            await approving.approve(self.pay, tx, run.id, str(run.number), plan_hash=run.plan_hash, actor=by)
        return await running.advance(self.pay, run.id)

    async def queue(self, run: Run) -> Run:
        async with self.database.transaction() as tx:
            return await sending.queue(self.pay, tx, run.id, str(run.number), CLERK)

    async def approved(self, scope: RunScope = EVERYTHING) -> Run:
        return await self.approve(await self.plan(scope))

    async def cancel(self, run: Run) -> Run:
        async with self.database.transaction() as tx:
            await approving.cancel(tx, run.id, str(run.number))
        return await running.advance(self.pay, run.id)

    async def sent(self, scope: RunScope = EVERYTHING) -> Run:
        run = await self.queue(await self.approved(scope))
        await self.round()
        return await self.run(run.id)

    async def round(self) -> banking.Round:
        return await banking.round_of(self.sender)

    async def run(self, run_id: UUID) -> Run:
        run = await runs.run_by_id(self.database, run_id)
        assert run is not None
        return run

    async def payments(self, case_id: str = "") -> list[asyncpg.Record]:
        """All, or those of a case, oldest first."""
        return await self.database.fetch(
            """SELECT p.* FROM payment AS p JOIN payment_order AS o ON o.id = p.order_id
               WHERE $1 = '' OR o.case_id::text = $1 ORDER BY p.id""",
            case_id,
        )

    async def payment(self, case_id: str) -> asyncpg.Record:
        return (await self.payments(case_id))[-1]

    async def states(self, case_id: str = "") -> list[str]:
        return [one["state"] for one in await self.payments(case_id)]

    async def hear(self, content: str | bytes, name: str = "") -> Taken | tuple[Any, ...]:
        """Take a bank's message in, as an import does."""
        path = self.root / (name or f"{uuid4()}.xml")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return await hearing.take_in(self.pay, path, path.name, CLERK, BYTES_MAX)

    async def queue_of_unmatched(self) -> list[str]:
        rows = await self.database.fetch(
            "SELECT reasons FROM unmatched WHERE is_open AND source NOT IN ('STATEMENT', 'LEDGER') ORDER BY id"
        )
        return [str(row["reasons"]).split('"')[1] for row in rows]

    async def told(self, case_id: str) -> list[str]:
        return [kind for one, kind, _, _ in await self.counter.told() if one == case_id]

    async def exceptions(self, run: Run) -> list[list[str]]:
        rows = await self.database.fetch("SELECT reasons FROM run_exception WHERE run_id = $1 ORDER BY id", run.id)
        return [row["reasons"] for row in rows]

    async def handed_over(self) -> list[str]:
        """Every end-to-end id in files that the bank got, as often as it got it."""
        found = []
        for path in sorted((self.root / "bank" / "outbox").glob("*.xml")):
            found += [part.split("<")[0] for part in path.read_text("utf-8").split("<EndToEndId>")[1:]]
        return found

    async def holds(self) -> None:
        await check(self.database)


def new_run(scope: RunScope = EVERYTHING, by: str = CLERK) -> Run:
    run_id, now = new_id(), planning_now()
    start = Mark(0, date.min, 0)
    return Run(
        run_id, RunState.PLANNING, 1, scope, TODAY, start, 0, 0, FIRST_HASH, 0, 0, by, now, None, None, False,
        None, None, None, None,
    )  # fmt: skip


def planning_now() -> datetime:
    return datetime(2026, 11, 23, 2, tzinfo=UTC)


async def check(database: Database) -> None:
    """What is always so: read from the tables by other statements than the treasury's own."""
    ledger = """(SELECT COALESCE(sum(CASE WHEN a.id = t.debit THEN t.amount_fen ELSE -t.amount_fen END), 0)
                 FROM account AS a JOIN transfer AS t ON a.id IN (t.debit, t.credit)
                 WHERE a.budget_id = b.id AND a.kind = '{kind}')"""
    kinds = ("available", "reserved", "committed", "spent", "receivable", "recovered")
    live = "('RESERVED', 'QUEUED', 'SENT', 'ACCEPTED', 'UNKNOWN')"
    paid = "('SETTLED', 'RECONCILED')"
    summed = (
        "(SELECT COALESCE(sum(p.amount_fen), 0) FROM payment AS p WHERE p.budget_id = b.id AND p.state IN {states})"
    )
    for budget in await database.fetch(
        f"""SELECT b.*, {", ".join(f"{ledger.format(kind=kind.upper())} AS ledger_{kind}" for kind in kinds)},
                   {summed.format(states="('CREATED')")} AS planned, {summed.format(states=live)} AS live,
                   {summed.format(states=paid)} AS paid,
                   (SELECT COALESCE(sum(reserved_fen), 0) FROM payment_order AS o WHERE o.budget_id = b.id) AS orders,
                   (SELECT COALESCE(sum(owed_fen - settled_fen - live_fen - reserved_fen), 0) FROM payment_order AS o
                    WHERE o.budget_id = b.id AND o.waiting) AS held,
                   (SELECT COALESCE(sum(outstanding_fen), 0) FROM recovery AS r WHERE r.budget_id = b.id) AS asked,
                   (SELECT COALESCE(sum(offset_fen + repaid_fen), 0) FROM recovery AS r
                    WHERE r.budget_id = b.id) AS came_back
            FROM budget AS b"""
    ):
        assert [budget[f"{kind}_fen"] for kind in kinds] == [budget[f"ledger_{kind}"] for kind in kinds]
        assert budget["reserved_fen"] == budget["orders"] + budget["planned"]
        assert budget["committed_fen"] == budget["live"]
        assert budget["spent_fen"] + budget["receivable_fen"] + budget["recovered_fen"] == budget["paid"]
        assert (budget["receivable_fen"], budget["recovered_fen"]) == (budget["asked"], budget["came_back"])
        assert budget["waiting_fen"] == budget["held"]
    for one in await database.fetch(
        f"""SELECT o.*,
                   (SELECT COALESCE(sum(amount_fen), 0) FROM payment AS p
                    WHERE p.order_id = o.id AND p.state IN ('CREATED', {live[1:]}) AS on_its_way,
                   (SELECT count(*) FROM payment AS p
                    WHERE p.order_id = o.id AND p.state IN ('CREATED', {live[1:]}) AS lives,
                   (SELECT COALESCE(sum(amount_fen), 0) FROM payment AS p
                    WHERE p.order_id = o.id AND p.state IN {paid}) AS paid,
                   (SELECT COALESCE(sum(offset_fen + repaid_fen), 0) FROM recovery AS r
                    WHERE r.order_id = o.id) AS came_back,
                   (SELECT COALESCE(sum(outstanding_fen + written_off_fen), 0) FROM recovery AS r
                    WHERE r.order_id = o.id) AS over
            FROM payment_order AS o"""
    ):
        assert one["live_fen"] == one["on_its_way"]
        assert one["settled_fen"] == one["paid"] - one["came_back"]
        assert one["over"] == max(0, one["settled_fen"] - one["owed_fen"])
        assert one["lives"] <= 1
        over = one["live_fen"] + one["settled_fen"] + one["reserved_fen"] > one["owed_fen"]
        assert over == (one["state"] == "OVERPAID")
    for one in await database.fetch(
        f"""SELECT r.live_fen, r.offset_fen, r.repaid_fen,
                   (SELECT COALESCE(sum(o.amount_fen), 0)
                    FROM recovery_offset AS o JOIN payment AS p ON p.id = o.payment_id
                    WHERE o.recovery_id = r.id AND p.state IN ('CREATED', {live[1:]}) AS on_its_way,
                   (SELECT COALESCE(sum(o.amount_fen), 0)
                    FROM recovery_offset AS o JOIN payment AS p ON p.id = o.payment_id
                    WHERE o.recovery_id = r.id AND p.state IN {paid}) AS kept,
                   (SELECT COALESCE(sum(amount_fen), 0) FROM recovery_repayment AS b
                    WHERE b.recovery_id = r.id) AS repaid
            FROM recovery AS r"""
    ):
        assert (one["live_fen"], one["offset_fen"]) == (one["on_its_way"], one["kept"])
        assert one["repaid_fen"] == one["repaid"]
    assert not await database.fetch(
        """SELECT FROM refused_account AS r LEFT JOIN payment AS p ON p.id = r.payment_id
           WHERE p.id IS NULL OR p.state NOT IN ('REJECTED', 'RETURNED')
              OR NOT string_to_array(p.reason, ',') @> r.reasons"""
    )
    (row,) = await database.fetch("SELECT COALESCE(sum(debit_fen) - sum(credit_fen), 0) AS fen FROM account_day")
    assert row["fen"] == 0


@asynccontextmanager
async def cashier(
    stack: Stack,
    dsn: str,
    root: Path,
    bank: Bank | None = None,
    paying: Paying = OURS,
    *,
    connections_max: int = 8,
) -> AsyncIterator[Cashier]:
    async with counter(stack, dsn, connections_max=connections_max) as here:
        (root / "spool").mkdir(exist_ok=True)
        registry = Registry()
        pay = PayDesk(here.desk, here.database, registry.payees, {FUND: paying})
        sender = Sender(pay, {paying.code: bank or FolderBank(Folders(root / "bank"))}, root / "spool")
        yield Cashier(here, registry, pay, sender, root)


def act(
    stack: Stack, dsn: str, root: Path, story: Callable[[Cashier], Awaitable[None]], *, connections_max: int = 8
) -> None:
    """Play a story at a counter with money; at its end all that always holds is looked at."""

    async def run() -> None:
        async with cashier(stack, dsn, root, connections_max=connections_max) as here:
            await here.counter.give(100_000_000)
            await story(here)
            await here.holds()

    asyncio.run(run())


def lose_spool(root: Path) -> None:
    """As after a move to another machine: what was written and not handed over is gone."""
    shutil.rmtree(root / "spool")
    (root / "spool").mkdir()


# --- what the bank says -----------------------------------------------------------------------------------------------


def deliver(inbox: Path, name: str, content: bytes) -> None:
    """Lay a message into the folder in which the treasury looks for what a bank says, as banks do."""
    (inbox / f"{name}.sha256").write_text(hashlib.sha256(content).hexdigest())
    (inbox / f".{name}").write_bytes(content)
    (inbox / f".{name}").rename(inbox / name)


def answered(*told: tuple[asyncpg.Record, str, str], at: str = "2026-11-23T17:00:00+08:00") -> str:
    """pain.002: payments with status and reason."""
    inside = "".join(said.answer(one["end_to_end_id"], status, why) for one, status, why in told)
    return said.report("", said.batch(inside)).replace("2026-11-26T17:00:00+08:00", at)


def moved(payment: asyncpg.Record, *, number: str = "", why: str = "", **changed: Any) -> str:
    """One booked entry: a debit, or with a reason the return of it."""
    direction = "CRDT" if why else "DBIT"
    amount = decimal(changed.get("amount_fen", payment["amount_fen"] - payment.get("offset_fen", 0)))
    mark = f"{'R' if why else 'P'}{number or '1'}-{payment['end_to_end_id']}"
    reason = f"<RtrInf><Rsn><Cd>{why}</Cd></Rsn></RtrInf>" if why else ""
    inside = said.details(changed.get("end_to_end_id", payment["end_to_end_id"]), amount, direction, reason)
    return said.entry(
        amount, direction, inside, **({"currency": changed["currency"]} if "currency" in changed else {})
    ).replace("REF-1", mark)


def advice(*entries: str, account: str = OURS.account) -> str:
    return said.advice("".join(entries)).replace("<IBAN>NL41MOCK0000000001</IBAN>", f"<Othr><Id>{account}</Id></Othr>")


def statement(*entries: str, day: str = "2026-11-23", opening_fen: int = BALANCE_FEN, hole_fen: int = 0) -> str:
    """Its closing balance is what its entries make of the opening one, less a debit that is not in it."""
    moved_fen = sum(fen(amount, "") * (1 if way == "CRDT" else -1) for amount, way in _MOVED.findall("".join(entries)))
    told = said.statement("".join(entries), decimal(opening_fen), decimal(opening_fen + moved_fen - hole_fen))
    return told.replace("<ElctrncSeqNb>7</ElctrncSeqNb>", "").replace("<Dt>2026-11-26</Dt>", f"<Dt>{day}</Dt>")


def reference_of(number: int) -> str:
    return reference.encode(UUID(int=number))


def events_of(rows: Sequence[asyncpg.Record]) -> list[payment_pb2.PaymentEvent]:
    return [payment_pb2.PaymentEvent.FromString(row["payload"]) for row in rows]
