"""SIGKILL under load: the treasury's worker and relay, while orders come; no order is lost, no fen reserved twice."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from random import Random
from threading import Thread
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaProducer
from cradle.treasury.v1 import money_pb2, payment_pb2, service_pb2
from cradle.treasury.v1.service_pb2_grpc import TreasuryServiceStub

from deploy.local.stack import Stack
from services.kit import db, rpc
from tests.crash import databases
from tests.crash.balance import Ends, ends
from tests.crash.chaos import at_once, eventually, sent
from tests.crash.conftest import Size, Tell
from tests.crash.test_registry import told
from tests.treasury import cashier, counter
from tests.treasury.counter import TODAY, order

ORDERS, PAYMENTS = "treasury.order.v1", "treasury.payment.v1"
WORKER, RELAY = "treasury-worker", "treasury-relay"
CASES_EACH = 400  # for each kill


def owed(number: int, revision: int) -> int:
    return 100 + number % 7 + (revision - 1) * (number % 3 - 1) * 50


class Sending:
    """Cases at a steady pace: every third is restated, higher or lower, every fifth is sent twice."""

    def __init__(self, stack: Stack, county: str, count: int, per_second: int) -> None:
        self.stack, self.county, self.per_second = stack, county, per_second
        self.cases = {str(uuid4()): number for number in range(count)}
        self.thread = Thread(target=lambda: asyncio.run(self._send()))

    @property
    def is_over(self) -> bool:
        return not self.thread.is_alive()

    def revisions(self, number: int) -> int:
        return 2 if number % 3 != 1 else 1

    def wanted(self) -> dict[str, int]:
        return {case: owed(number, self.revisions(number)) for case, number in self.cases.items()}

    def records(self, case: str, number: int) -> list[bytes]:
        stated = [
            order(case, owed(number, revision), revision, county=self.county)
            for revision in range(1, self.revisions(number) + 1)
        ]
        return [*stated, stated[0]] if number % 5 == 0 else stated

    async def _send(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.stack.environment["KAFKA_BOOTSTRAP_SERVERS"], acks="all", enable_idempotence=True
        )
        await producer.start()
        begun = time.monotonic()
        for case, number in self.cases.items():
            for record in self.records(case, number):
                await producer.send(ORDERS, record, key=case.encode())
            if (ahead := begun + number / self.per_second - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
        await producer.stop()


def appropriate(stack: Stack, county: str, amount_fen: int) -> None:
    key = service_pb2.BudgetKey(
        fund=money_pb2.FUND_EMPLOYEE_INSURANCE,
        pooling_area="610300",
        county=county,
        programme=money_pb2.PROGRAMME_MATERNITY,
        fiscal_year=TODAY.year,
    )
    request = service_pb2.AppropriateBudgetRequest(
        key=key, amount_fen=amount_fen, document="crash", request_id=str(uuid4())
    )
    with rpc.blocking_channel(stack.environment["CRADLE_TREASURY_TARGET"], stack.operator) as channel:
        TreasuryServiceStub(channel).AppropriateBudget(request, timeout=10)


def dsn(stack: Stack) -> str:
    return databases.dsn_of(stack, "treasury")


def ask(stack: Stack, sql: str, *arguments: object) -> list[asyncpg.Record]:
    return databases.fetch(dsn(stack), sql, *arguments)


def known(stack: Stack, county: str) -> int:
    return int(ask(stack, "SELECT count(*) FROM payment_order WHERE county = $1", county)[0][0])


def kill_workers(stack: Stack, random: Random, kills: int, sending: Sending) -> None:
    for _ in range(kills):
        before = known(stack, sending.county)
        eventually(
            lambda before=before: known(stack, sending.county) > before or sending.is_over,  # type: ignore[misc]
            60,
            "no order is taken",
        )
        time.sleep(random.uniform(0, 0.3))  # the moment; nothing is waited for
        stack.kill(WORKER)
        stack.process(WORKER).start()


def kill_relays(stack: Stack, random: Random, kills: int, sending: Sending) -> None:
    for _ in range(kills):
        with suppress(OSError):
            eventually(lambda: sent(stack, RELAY) > 0 or sending.is_over, 60, "the relay sends nothing")
        time.sleep(random.uniform(0, 0.3))
        stack.kill(RELAY)
        stack.process(RELAY).start()


def appropriate_in_parts(stack: Stack, sending: Sending, parts: int) -> None:
    """At first there is nothing, so that orders are held and told; it comes bit by bit, and the rest at the end."""
    whole = sum(sending.wanted().values())
    for part in range(parts):
        share = (part + 1) * whole // parts - part * whole // parts
        if part == parts - 1:
            sending.thread.join()
        eventually(
            lambda part=part: known(stack, sending.county) * parts > (part + 1) * len(sending.cases) or sending.is_over,  # type: ignore[misc]
            60,
            "no order is taken",
        )
        appropriate(stack, sending.county, share)


def test_killing_worker_and_relay_loses_no_order_and_reserves_none_twice(
    city: Stack, random: Random, size: Size, tell: Tell
) -> None:
    county = f"8{random.randrange(100_000):05d}"
    since = ends(city, (PAYMENTS,))
    sending = Sending(city, county, size.rounds * CASES_EACH, size.steadily // 2)
    wanted = sending.wanted()
    sending.thread.start()

    at_once(
        lambda: kill_workers(city, Random(random.random()), size.rounds, sending),
        lambda: kill_relays(city, Random(random.random()), size.rounds, sending),
        lambda: appropriate_in_parts(city, sending, size.rounds),
    )

    def all_reserved() -> bool:
        rows = ask(city, "SELECT count(*) FROM payment_order WHERE county = $1 AND state = 'RESERVED'", county)
        return int(rows[0][0]) == len(wanted)

    eventually(all_reserved, size.timeout_s, "orders are left")
    eventually(lambda: not ask(city, "SELECT 1 FROM outbox LIMIT 1"), size.timeout_s, "events are left")
    rows = ask(city, "SELECT case_id, owed_fen, reserved_fen, version FROM payment_order WHERE county = $1", county)
    assert {str(row["case_id"]): row["reserved_fen"] for row in rows} == wanted
    assert len(rows) == len(wanted)
    (budget,) = ask(city, "SELECT available_fen, reserved_fen FROM budget WHERE county = $1", county)
    assert tuple(budget) == (0, sum(wanted.values()))
    asyncio.run(holds(city, county))
    versions = events_of(city, since, set(wanted))
    assert {str(row["case_id"]): row["version"] for row in rows if row["version"]} == {
        case: told[-1] for case, told in versions.items()
    }
    assert all(told == list(range(1, len(told) + 1)) for told in versions.values())
    tell(f"{size.rounds} workers and {size.rounds} relays killed; {len(wanted)} orders, {len(versions)} of them held")


async def holds(stack: Stack, county: str) -> None:
    async with db.connect(dsn(stack)) as database:
        await counter.check(database, county)
        await cashier.check(database)


def events_of(stack: Stack, since: Ends, cases: set[str]) -> dict[str, list[int]]:
    """The versions told of each case, in their order; one that was sent again has the same id, and counts once."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    seen: set[bytes] = set()
    for one in told(stack, (PAYMENTS,), since):
        if (event_id := dict(one.headers)["ce_id"]) in seen:
            continue
        seen.add(event_id)
        event = payment_pb2.PaymentEvent.FromString(one.value)
        if event.case_id in cases:
            found[event.case_id].append(event.version)
    return found
