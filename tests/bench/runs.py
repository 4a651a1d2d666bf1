"""How long a run of payments takes, planned, approved, written and read back, and the memory it needs.

`python -m tests.bench.runs [payments]` measures alone and prints JSON. The registry is answered from memory: how long
its look-up of 500 takes is measured elsewhere (`lookup`). The clock runs for our own work; what a bank would do between
the file and its answers is made beforehand and not counted.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil

from deploy.local.stack import Stack
from services.kit import db
from services.kit.clock import Clock
from services.kit.db import Database
from services.kit.ids import new_id
from services.kit.migrations import migrate
from services.kit.seal import Sealer
from services.treasury.bank.amounts import decimal
from services.treasury.bank.folder import FolderBank, Folders
from services.treasury.bank.placing import content_of
from services.treasury.bank.reading import BYTES_MAX
from services.treasury.model import FIRST_HASH, Account, Mark, Payee, Paying, Run, RunScope, RunState
from services.treasury.rules import LAW
from services.treasury.rules.planning import Known
from services.treasury.store import runs
from services.treasury.usecases import Desk, approving, hearing, importing, running, sending
from services.treasury.usecases.importing import Importing, Offered
from services.treasury.usecases.paydesk import PayDesk
from services.treasury.usecases.sending import Sender

PAYMENTS: Final = 100_000
TODAY: Final = date(2026, 11, 23)
OURS: Final = Paying(
    "main", "宝鸡市医疗保障基金管理中心", "61050162010800000123", "105100000017", "61050162010800000123"
)
_MB: Final = 1 << 20
_PIECE_BYTES: Final = 256 << 10
_ASKS_EVERY_S: Final = 0.005

_FILL: Final = """
INSERT INTO budget (fund, county, programme, fiscal_year, pooling_area, opened_at, reserved_fen)
SELECT 'EMPLOYEE_INSURANCE', (610300 + n)::text, 'MATERNITY', 2026, '610300', now(), 0 FROM generate_series(1, 12) AS n;
INSERT INTO account (budget_id, kind) SELECT b.id, kind FROM budget AS b
CROSS JOIN unnest('{APPROPRIATED,AVAILABLE,RESERVED,COMMITTED,SPENT}'::text[]) AS kind;
INSERT INTO payment_order (programme, case_id, period, line, revision, version, content_hash, state, reasons, owed_fen,
    reserved_fen, fund, county, budget_id, payable_on, payee_kind, payee, waiting, law_digest, updated_at)
SELECT 'MATERNITY', gen_random_uuid(), '', 'ALLOWANCE/1', 1, 0, '\\x00', 'RESERVED', '{}', 100 + n, 100 + n,
    'EMPLOYEE_INSURANCE', b.county, b.id, '2026-11-01'::date + n % 20, 'PERSON', gen_random_uuid()::text, false, '',
    now()
FROM generate_series(1, $1::int) AS n JOIN budget AS b ON b.county = (610301 + n % 12)::text;
"""


async def payees(wanted: Sequence[Payee]) -> Mapping[Payee, Known]:
    return {one: Account("王小红", "6222022603001234565", "102100099996", 1) for one in wanted}


async def measure(stack: Stack, payments: int = PAYMENTS) -> dict[str, float]:
    dsn = stack.create_database(f"bench_runs_{payments}")
    await asyncio.to_thread(migrate, dsn, "treasury")
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "spool").mkdir()
        async with db.connect(dsn) as database:
            desk = Desk(Clock(TODAY), LAW, Sealer.from_base64(stack.environment["CRADLE_SEALING_KEY"]))
            pay = PayDesk(desk, database, payees, {"EMPLOYEE_INSURANCE": OURS})
            sender = Sender(pay, {OURS.code: FolderBank(Folders(root / "bank"))}, root / "spool")
            await _fill(database, payments)
            return await _measured(sender, root)


async def _fill(database: Database, payments: int) -> None:
    async with database.transaction() as tx:
        await tx.execute("SET LOCAL statement_timeout = 0")
        for statement in _FILL.split(";\n"):
            if statement.strip():
                await tx.execute(statement, *([payments] if "$1" in statement else []))
        await tx.execute(
            """UPDATE budget AS b SET reserved_fen = o.fen FROM (
                   SELECT budget_id, sum(reserved_fen) AS fen FROM payment_order GROUP BY budget_id) AS o
               WHERE o.budget_id = b.id"""
        )
    await database.fetch("ANALYZE")


async def _measured(sender: Sender, root: Path) -> dict[str, float]:
    pay = sender.pay
    took: dict[str, float] = {}
    begun_cpu = time.process_time()
    with _memory() as before_answers, _others() as waited_before:
        run = _new_run()
        async with pay.database.transaction() as tx:
            await runs.new_run(tx, run)
        took["plan_s"] = await _timed(running.advance(pay, run.id))
        took["approve_s"] = await _timed(_approve(pay, run.id))
        took["send_s"] = await _timed(_send(sender, run.id))
    answers, statement = await _bank_says(pay.database, root)
    with _memory() as with_answers, _others() as waited_then:
        took["answers_s"] = await _timed(hearing.take_in(pay, answers, "answers.xml", "bench", BYTES_MAX))
        took["statement_s"] = await _timed(_bring(pay, statement))
    grown = max(before_answers[0], with_answers[0])  # the bank's own files are not ours to count
    found = await pay.database.fetch("SELECT count(*) AS count FROM payment WHERE state = 'RECONCILED'")
    (order,) = await pay.database.fetch("SELECT count(*) AS count FROM payment_order WHERE state = 'SETTLED'")
    total = round(sum(took.values()), 2)
    took["process_cpu_s"] = round(time.process_time() - begun_cpu, 2)
    return {
        **took,
        "payment_run_s": total,
        "payments": found[0]["count"],
        "orders_settled": order["count"],
        "memory_grown_mb": grown,
        "others_waited_ms_max": max(waited_before[0], waited_then[0]),
    }


def _new_run() -> Run:
    scope = RunScope("", "", "", TODAY, 0, 0)
    now, start = datetime.now(UTC), Mark(0, date.min, 0)
    return Run(
        new_id(), RunState.PLANNING, 1, scope, TODAY, start, 0, 0, FIRST_HASH, 0, 0, "person/li", now,
        None, None, False, None, None, None, None,
    )  # fmt: skip


async def _approve(pay: PayDesk, run_id: object) -> None:
    (run,) = [one for one in await runs.list_runs(pay.database, "", None, 10) if one.id == run_id]
    async with pay.database.transaction() as tx:
        await approving.approve(pay, tx, run.id, str(run.number), plan_hash=run.plan_hash, actor="person/wang")
    await running.advance(pay, run.id)


async def _send(sender: Sender, run_id: object) -> None:
    (run,) = [one for one in await runs.list_runs(sender.pay.database, "", None, 10) if one.id == run_id]
    async with sender.pay.database.transaction() as tx:
        await sending.queue(sender.pay, tx, run.id, str(run.number), "person/li")
    await sending.send_all(sender)


async def _bring(pay: PayDesk, path: Path) -> None:
    """In pieces, as a person brings it."""

    async def pieces() -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece

    offered = Offered(path.name, *content_of(path), "bench")
    await importing.bring(Importing(pay, BYTES_MAX, upload_s=300.0), offered, pieces())


@contextmanager
def _others() -> Iterator[list[float]]:
    """For how many ms another call to the same process had to wait at the most."""
    longest = [0.0]

    async def ask() -> None:
        while True:
            begun_s = time.perf_counter()
            await asyncio.sleep(_ASKS_EVERY_S)
            longest[0] = max(longest[0], round((time.perf_counter() - begun_s - _ASKS_EVERY_S) * 1000))

    asking = asyncio.ensure_future(ask())
    try:
        yield longest
    finally:
        asking.cancel()


async def _timed(work: Awaitable[object]) -> float:
    begun = time.perf_counter()
    await work
    return round(time.perf_counter() - begun, 2)


@contextmanager
def _memory() -> Iterator[list[float]]:
    """By how many MB the process has grown at the most."""
    process, over = psutil.Process(), threading.Event()
    before, peak = process.memory_info().rss, [0.0]

    def watch() -> None:
        while not over.wait(0.05):
            peak[0] = max(peak[0], round((process.memory_info().rss - before) / _MB, 1))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield peak
    finally:
        over.set()
        watching.join()


async def _bank_says(database: Database, root: Path) -> tuple[Path, Path]:
    rows = await database.fetch("SELECT end_to_end_id, amount_fen FROM payment ORDER BY number")
    told = [(row["end_to_end_id"], decimal(row["amount_fen"])) for row in rows]
    head = "<GrpHdr><MsgId>B-1</MsgId><CreDtTm>2026-11-23T17:00:00+08:00</CreDtTm></GrpHdr>"
    answers, statement = root / "answers.xml", root / "statement.xml"
    with answers.open("w", encoding="utf-8") as file:
        file.write('<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>' + head)
        file.write("<OrgnlGrpInfAndSts><OrgnlMsgId>R</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId>")
        file.write("</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>B</OrgnlPmtInfId>")
        for reference, _ in told:
            file.write(f"<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>ACSP</TxSts></TxInfAndSts>")
        file.write("</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>")
    with statement.open("w", encoding="utf-8") as file:
        file.write('<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>' + head)
        file.write(f"<Stmt><Id>S-1</Id><Acct><Id><Othr><Id>{OURS.account}</Id></Othr></Id><Ccy>CNY</Ccy></Acct>")
        for kind in ("OPBD", "CLBD"):
            file.write(f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='CNY'>0.00</Amt>")
            file.write("<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-23</Dt></Dt></Bal>")
        for reference, amount in told:
            file.write(
                f"<Ntry><Amt Ccy='CNY'>{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
                f"<BookgDt><Dt>2026-11-23</Dt></BookgDt><AcctSvcrRef>P-{reference}</AcctSvcrRef>"
                f"<BkTxCd><Prtry><Cd>9</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><Refs>"
                f"<EndToEndId>{reference}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>"
            )
        file.write("</Stmt></BkToCstmrStmt></Document>")
    return answers, statement


def apart() -> dict[str, float]:
    """In a process of its own, whose memory is nobody else's; the fields of `build/bench.json`."""
    command = [sys.executable, "-m", "tests.bench.runs"]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return {
        "payment_run_s": found["payment_run_s"],
        "payment_run_payments": found["payments"],
        "payment_run_grown_mb": found["memory_grown_mb"],
    }


def main() -> None:
    payments = int(sys.argv[1]) if sys.argv[1:] else PAYMENTS
    with Stack("bench-runs", roles=()) as stack:
        result = asyncio.run(measure(stack, payments))
    stack.remove()
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
