"""SIGKILL under load: the registry's worker and relay, while an office sends; every record has one outcome."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from datetime import date
from random import Random
from threading import Thread
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from cradle.registry.v1 import event_pb2, intake_pb2

from deploy.local.stack import Stack
from services.kit.dates import to_proto
from services.kit.member_key import member_key
from tests.builders import id_number
from tests.crash import databases
from tests.crash.balance import Ends, consuming, ends, read
from tests.crash.chaos import at_once, eventually, sent
from tests.crash.conftest import Size, Tell

INTAKE = "registry.coverage-intake.v1.tax"
RECEIPT = "registry.coverage-receipt.v1.tax"
EVENTS = "registry.coverage.v1"
WORKER, RELAY = "registry-worker", "registry-relay"
FIRST, MONTHS, PERSONS = 2010 * 12, 180, 40
Receipt = intake_pb2.CoverageReceipt


def statement(number: str, month: int, *, early: bool) -> bytes:
    """A month paid in the next one; or before it was due, which is returned."""
    due = month - 1 if early else month + 1
    paid = intake_pb2.Contribution(month=month, paid_on=to_proto(date(due // 12, due % 12 + 1, 8)))
    stated = intake_pb2.ContributionStatement(person_id_number=number, paid=[paid])
    return intake_pb2.CoverageIntake(record_number=f"R-{month}", contributions=stated).SerializeToString()


class Sending:
    """Months of every person, one after the other, at a steady pace; every twentieth is wrong."""

    def __init__(self, stack: Stack, per_second: int) -> None:
        self.stack, self.per_second = stack, per_second
        self.numbers = [id_number() for _ in range(PERSONS)]
        self.positions: dict[str, bool] = {}  # whether it was right
        self.thread = Thread(target=lambda: asyncio.run(self._send()))

    def is_early(self, person: int, month: int) -> bool:
        return (person * MONTHS + month) % 20 == 0

    def months_of(self, person: int) -> set[int]:
        return {month for month in range(FIRST, FIRST + MONTHS) if not self.is_early(person, month)}

    async def _send(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.stack.environment["KAFKA_BOOTSTRAP_SERVERS"], acks="all", enable_idempotence=True
        )
        await producer.start()
        begun, count = time.monotonic(), 0
        for month in range(FIRST, FIRST + MONTHS):
            for person, number in enumerate(self.numbers):
                early = self.is_early(person, month)
                place = await producer.send_and_wait(INTAKE, statement(number, month, early=early), member_key(number))
                self.positions[f"{place.topic}/{place.partition}/{place.offset}"] = not early
                count += 1
                if (ahead := begun + count / self.per_second - time.monotonic()) > 0:
                    await asyncio.sleep(ahead)
        await producer.stop()


def ask(stack: Stack, sql: str, *arguments: object) -> list[asyncpg.Record]:
    """Ask the database of the registry."""
    return databases.fetch(databases.dsn_of(stack, "registry"), sql, *arguments)


def settled(stack: Stack, since: int) -> int:
    return int(ask(stack, "SELECT count(*) FROM statement")[0][0]) - since


def kill_workers(stack: Stack, random: Random, kills: int) -> None:
    for _ in range(kills):
        before = settled(stack, 0)
        eventually(lambda before=before: settled(stack, 0) > before, 60, "no record is taken")  # type: ignore[misc]
        time.sleep(random.uniform(0, 0.3))  # the moment; nothing is waited for
        stack.kill(WORKER)
        stack.process(WORKER).start()


def kill_relays(stack: Stack, random: Random, kills: int) -> None:
    for _ in range(kills):
        with suppress(OSError):
            eventually(lambda: sent(stack, RELAY) > 0, 60, "the relay sends nothing")
        time.sleep(random.uniform(0, 0.3))
        stack.kill(RELAY)
        stack.process(RELAY).start()


def told(stack: Stack, topics: tuple[str, ...], since: Ends) -> list[Any]:
    async def act() -> list[Any]:
        async with consuming(stack) as consumer:
            return await read(consumer, topics, since)

    return asyncio.run(act())


def test_killing_worker_and_relay_loses_no_record_and_takes_none_twice(
    city: Stack, random: Random, size: Size, tell: Tell
) -> None:
    since = ends(city, (RECEIPT, EVENTS))
    before = settled(city, 0)
    sending = Sending(city, size.steadily)
    sending.thread.start()

    at_once(
        lambda: kill_workers(city, Random(random.random()), size.rounds),
        lambda: kill_relays(city, Random(random.random()), size.rounds),
    )
    sending.thread.join()
    wanted = len(sending.positions)
    eventually(lambda: settled(city, before) >= wanted, size.timeout_s, "records are left")
    eventually(lambda: not ask(city, "SELECT 1 FROM outbox LIMIT 1"), size.timeout_s, "events are left")

    records = told(city, (RECEIPT, EVENTS), since)
    receipts: dict[str, Receipt] = {}
    for one in records:
        if one.topic == RECEIPT:
            receipt = Receipt.FromString(one.value)
            place = f"{receipt.position.topic}/{receipt.position.partition}/{receipt.position.offset}"
            assert receipts.setdefault(place, receipt) == receipt  # sent again, it is the same
    tell(f"{size.rounds} workers and {size.rounds} relays killed; {wanted} records, {len(receipts)} receipts")
    assert wanted == PERSONS * MONTHS
    assert settled(city, before) == wanted
    assert set(sending.positions) == set(receipts)
    returned = intake_pb2.COVERAGE_RECEIPT_STATUS_RETURNED
    wrong = {place for place, receipt in receipts.items() if receipt.status == returned}
    assert wrong == {place for place, right in sending.positions.items() if not right}
    check_persons(city, sending, [one for one in records if one.topic == EVENTS])


def check_persons(city: Stack, sending: Sending, events: list[Any]) -> None:
    """Every month is known once, and every row was told once, in order."""
    latest = ask(
        city,
        """SELECT DISTINCT ON (person_id) person_id, first_months, last_months,
                  (SELECT count(*) FROM coverage AS c WHERE c.person_id = coverage.person_id) AS rows
           FROM coverage ORDER BY person_id, recorded_at DESC""",
    )
    versions: dict[str, dict[str, int]] = {}
    for one in events:
        event = event_pb2.CoverageEvent.FromString(one.value)
        versions.setdefault(event.person, {}).setdefault(dict(one.headers)["ce_id"].decode(), event.version)
    expected = Counter(frozenset(sending.months_of(person)) for person in range(PERSONS))
    found = Counter[frozenset[int]]()
    for row in latest:
        hers = list(versions.get(str(row["person_id"]), {}).values())
        if not hers:
            continue  # not of this test
        months = {m for a, b in zip(row["first_months"], row["last_months"], strict=True) for m in range(a, b + 1)}
        found[frozenset(months)] += 1
        assert hers == sorted(set(hers))
        assert len(hers) == row["rows"]
    assert found == expected
