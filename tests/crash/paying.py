"""A treasury that pays through mock-bank, the independent bank; its clerks go on whatever is killed around them."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import grpc
from aiokafka import AIOKafkaProducer
from cradle.treasury.v1 import hold_pb2, hold_pb2_grpc, run_pb2
from cradle.treasury.v1.run_pb2_grpc import RunServiceStub
from google.type.date_pb2 import Date

from deploy.local import layout, postgres
from deploy.local.roles import DEFAULT_ROLES
from deploy.local.stack import Stack
from services.kit import db
from tests.crash.chaos import eventually
from tests.crash.test_treasury import ORDERS, appropriate, ask, dsn
from tests.treasury import cashier
from tests.treasury.bank.builders import MOCK_DEBTOR
from tests.treasury.bank.mock import MockBank
from tests.treasury.bank.mock import running as mock_bank
from tests.treasury.counter import case, order
from tests.treasury.test_run_service import Person, a_payee

TODAY: Final = "2026-11-26"  # as mock-bank's clock
COUNTY: Final = "610322"
ROLES: Final = ("treasury-api", "treasury-worker", "treasury-bank", "treasury-relay")
_AGAIN: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED)
_DEADLINE_S: Final = 60.0


def call(person: Person, method: str, request: Any, stub: Any = RunServiceStub) -> Any:
    """Until it is answered: a request that is sent again is answered with its first answer."""
    until = time.monotonic() + _DEADLINE_S
    while True:
        try:
            return person.call(method, request, stub)
        except grpc.RpcError as error:
            if error.code() not in _AGAIN or time.monotonic() > until:
                raise
            time.sleep(0.1)


def plan(clerk: Person, county: str, execute_on: Date | None = None) -> run_pb2.Run:
    request = run_pb2.PlanRunRequest(
        scope=run_pb2.RunScope(county=county), request_id=str(uuid4()), execute_on=execute_on
    )
    return _until(clerk, call(clerk, "PlanRun", request), lambda run: run.state != run_pb2.RUN_STATE_PLANNING)


def approve(second: Person, run: run_pb2.Run) -> run_pb2.Run:
    """As it is when its money is committed."""
    request = run_pb2.ApproveRunRequest(name=run.name, etag=run.etag, plan_hash=run.plan_hash, request_id=str(uuid4()))
    return _until(second, call(second, "ApproveRun", request), lambda run: run.is_ready)


def send(clerk: Person, ready: run_pb2.Run) -> None:
    call(clerk, "SendRun", run_pb2.SendRunRequest(name=ready.name, etag=ready.etag, request_id=str(uuid4())))


def _until(person: Person, run: run_pb2.Run, is_so: Callable[[run_pb2.Run], bool]) -> run_pb2.Run:
    until = time.monotonic() + _DEADLINE_S
    while not is_so(run):
        assert time.monotonic() < until, f"{run.name} stays {run.state}"
        time.sleep(0.1)
        run = call(person, "GetRun", run_pb2.GetRunRequest(name=run.name))
    return run


class PayingTown:
    def __init__(self, stack: Stack, mock: MockBank) -> None:
        self.stack, self.mock = stack, mock
        self.clerk, self.second = Person(stack, "li", "treasury-clerk"), Person(stack, "wang", "treasury-approver")
        self.payee = asyncio.run(a_payee(stack))
        self.owed: dict[str, int] = {}
        appropriate(stack, COUNTY, 10**10)
        mock.behave(balance=10**12)

    # --- orders -------------------------------------------------------------------------------------------------------

    def owe(self, amounts: Sequence[int]) -> None:
        """Orders over the topic; no amount twice, so that nothing is taken for another."""
        stated = {case(): amount for amount in amounts}
        self.owed.update(stated)
        asyncio.run(self._send([(one, order(one, amount, **self._fields())) for one, amount in stated.items()]))

    def _fields(self) -> dict[str, Any]:
        return {"county": COUNTY, "payee": self.payee}

    async def _send(self, records: Sequence[tuple[str, bytes]]) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.stack.environment["KAFKA_BOOTSTRAP_SERVERS"], acks="all", enable_idempotence=True
        )
        await producer.start()
        try:
            for key, value in records:
                await producer.send(ORDERS, value, key=key.encode())
        finally:
            await producer.stop()

    def wait_taken(self) -> None:
        eventually(lambda: self.count("SELECT count(*) FROM payment_order") == len(self.owed), 60, "orders are left")

    # --- clerks -------------------------------------------------------------------------------------------------------

    def call(self, person: Person, method: str, request: Any, stub: Any = RunServiceStub) -> Any:
        return call(person, method, request, stub)

    def plan(self, execute_on: Date | None = None) -> run_pb2.Run:
        return plan(self.clerk, COUNTY, execute_on)

    def send(self, run: run_pb2.Run) -> None:
        send(self.clerk, approve(self.second, run))

    def pay(self, execute_on: Date | None = None) -> int:
        """A run of what is payable; answers how many payments it has."""
        run = self.plan(execute_on)
        if run.planned_count:
            self.send(run)
        else:
            cancelling = run_pb2.CancelRunRequest(name=run.name, etag=run.etag, request_id=str(uuid4()))
            self.call(self.clerk, "CancelRun", cancelling)
        return int(run.planned_count)

    def hold(self) -> hold_pb2.Hold:
        found: hold_pb2.Hold = self.call(
            self.clerk, "GetHold", hold_pb2.GetHoldRequest(), hold_pb2_grpc.HoldServiceStub
        )
        return found

    def lift(self, person: Person) -> hold_pb2.Hold:
        request = hold_pb2.LiftHoldRequest(document="drill", request_id=str(uuid4()))
        found: hold_pb2.Hold = self.call(person, "LiftHold", request, hold_pb2_grpc.HoldServiceStub)
        return found

    # --- how it stands ------------------------------------------------------------------------------------------------

    def count(self, sql: str) -> int:
        return int(ask(self.stack, sql)[0][0])

    def heard(self) -> int:
        """How many messages of the bank are worked."""
        return self.count("SELECT count(*) FROM bank_message WHERE applied = records")

    def unsettled(self) -> int:
        return len(self.owed) - self.count("SELECT count(*) FROM payment_order WHERE settled_fen = owed_fen")

    def wait_settled(self, timeout_s: float) -> None:
        """The bank's days pass, until all is settled."""

        def settled() -> bool:
            return not self.unsettled()

        eventually(settled, timeout_s, "payments are left")

    def check(self) -> None:
        """By the bank's own books each order is paid once, and by ours; the ledger comes out."""
        paid = [one for one in self.mock.ask("GET", "/_mock/payments") if one["status"] in {"accepted", "returned"}]
        ids = [one["end_to_end_id"] for one in paid]
        assert len(ids) == len(set(ids))
        sums: dict[str, int] = dict.fromkeys(self.owed, 0)
        of_id = {
            row["end_to_end_id"]: row
            for row in ask(
                self.stack,
                """SELECT p.end_to_end_id, p.amount_fen, o.case_id::text AS case_id
                   FROM payment AS p JOIN payment_order AS o ON o.id = p.order_id""",
            )
        }
        assert set(ids) <= set(of_id), "the bank has paid what the treasury does not know"
        for one in ids:
            sums[of_id[one]["case_id"]] += of_id[one]["amount_fen"]
        assert sums == self.owed
        assert not self.unsettled()
        asyncio.run(self._holds())

    async def _holds(self) -> None:
        async with db.connect(dsn(self.stack)) as database:
            await cashier.check(database)

    # --- backup -------------------------------------------------------------------------------------------------------

    def dump(self) -> Path:
        path = self.stack.folder / "treasury.dump"
        self._postgres("pg_dump", "--format=custom", f"--file={path}", f"--dbname={dsn(self.stack)}")
        return path

    def restore(self, path: Path) -> None:
        """Nobody of the treasury runs. What was there is gone."""
        asyncio.run(self._anew())
        self._postgres("pg_restore", "--exit-on-error", f"--dbname={dsn(self.stack)}", str(path))

    async def _anew(self) -> None:
        connection = await asyncpg.connect(urlunsplit(urlsplit(dsn(self.stack))._replace(path="/postgres")))
        try:
            await connection.execute("DROP DATABASE cradle_treasury WITH (FORCE)")
            await connection.execute("CREATE DATABASE cradle_treasury")
        finally:
            await connection.close()

    def _postgres(self, program: str, *arguments: str) -> None:
        found = postgres.programs(layout.home()) / program
        subprocess.run([str(found), *arguments], check=True, timeout=60)


@contextmanager
def paying_town(root: Path) -> Iterator[PayingTown]:
    with mock_bank() as mock:
        account = {
            "code": "mock",
            "funds": ["EMPLOYEE_INSURANCE"],
            "name": MOCK_DEBTOR.name,
            "account": MOCK_DEBTOR.account,
            "bank_code": MOCK_DEBTOR.bank_code,
            "known_as": "NL41MOCK0000000001",
            "folders": str(root / "bank"),
            "url": mock.url,
        }
        (root / "banks.yaml").write_text(json.dumps({"accounts": [account]}))
        settings = {
            "CRADLE_TODAY": TODAY,
            "CRADLE_BANK_EVERY_S": "0.2",
            "CRADLE_BANKS": str(root / "banks.yaml"),
            "CRADLE_SESSION_TIMEOUT_MS": "2000",
            "CRADLE_REBALANCE_TIMEOUT_MS": "4000",
            "CRADLE_MAX_POLL_INTERVAL_MS": "10000",
            "CRADLE_ORDER_RECORDS_MAX": "20",
        }
        roles = [role for role in DEFAULT_ROLES if role.name in {"registry-api", *ROLES}]
        with Stack(f"crash-pay-{os.getpid()}-{secrets.token_hex(2)}", roles, settings) as stack:
            yield PayingTown(stack, mock)
        stack.remove()
