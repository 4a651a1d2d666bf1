"""The balance line: what was sent against what became of it, from the topics and from the database."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from cradle.claims.v1 import event_pb2, receipt_pb2

from deploy.local import kafka
from deploy.local.stack import Stack
from services.kit import db
from services.kit.db import Database
from tests.crash import databases, undisturbed
from tests.crash.load import SOURCES, Load
from tests.crash.undisturbed import Outcome

INTAKE = tuple(f"claims.intake.v1.{source}" for source in SOURCES)
RECEIPTS = tuple(f"claims.receipt.v1.{source}" for source in SOURCES)
EVENTS = "claims.claim.v1"
STATUSES = ("DETERMINED", "PENDED", "RETURNED", "DUPLICATE", "VOIDED")
_SHOWN = 5
_PARKED = """SELECT concat_ws('/', topic, partition, record_offset) AS position, error, traceback FROM parked
             WHERE state <> 'REPLAYED'"""

Ends = dict[TopicPartition, int]


@asynccontextmanager
async def consuming(stack: Stack) -> AsyncIterator[AIOKafkaConsumer]:
    servers = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    # Of a question about other partitions the broker would still wait half a second for more of the last ones.
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False, fetch_max_wait_ms=20)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _ends(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> Ends:
    partitions = {topic.name: topic.partitions for topic in kafka.declared()[1]}
    places = [TopicPartition(topic, number) for topic in topics for number in range(partitions[topic])]
    ends: Ends = await consumer.end_offsets(places)
    return ends


def ends(stack: Stack, topics: Iterable[str] = (*INTAKE, *RECEIPTS, EVENTS)) -> Ends:
    """Where each partition ends now."""

    async def ask() -> Ends:
        async with consuming(stack) as consumer:
            return await _ends(consumer, topics)

    return asyncio.run(ask())


async def read(consumer: AIOKafkaConsumer, topics: Iterable[str], since: Ends) -> list[Any]:
    """Every record from `since` to the present end, each partition in the log's order."""
    until = await _ends(consumer, topics)
    consumer.assign(list(until))
    for place in until:
        consumer.seek(place, since.get(place, 0))
    records: list[Any] = []
    while any([await consumer.position(place) < end for place, end in until.items()]):
        for batch in (await consumer.getmany(timeout_ms=200)).values():
            records += batch
    return records


def ask(stack: Stack, sql: str, *arguments: object) -> list[asyncpg.Record]:
    """Ask the database of claims."""
    return databases.fetch(databases.dsn_of(stack, "claims"), sql, *arguments)


def taken(stack: Stack) -> int:
    """How many records of the intake have an effect that stands."""
    return int(ask(stack, databases.TAKEN)[0][0])


def wait_settled(stack: Stack, timeout_s: float) -> float:
    """Return when everything sent was taken and everything said has left; answers how long that took."""
    begun_s = time.monotonic()
    expected = sum(ends(stack, INTAKE).values())
    while True:
        waiting, left = expected - taken(stack), int(ask(stack, "SELECT count(*) FROM outbox")[0][0])
        if not waiting and not left:
            return time.monotonic() - begun_s
        assert time.monotonic() - begun_s < timeout_s, f"{waiting} records not taken, {left} events not sent"
        time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Submitted:
    outcome: Outcome
    receipt_id: str
    claim_id: UUID | None


@dataclass(slots=True)
class Account:
    """What one load sent, and everything that is known of it afterwards. Keys are positions in the intake."""

    acknowledged: set[str]
    log: set[str] = field(default_factory=set)
    receipts: dict[str, Counter[bytes]] = field(default_factory=lambda: defaultdict(Counter))
    submissions: dict[str, list[Submitted]] = field(default_factory=lambda: defaultdict(list))
    parked: dict[str, str] = field(default_factory=dict)  # and what was raised, and where
    determined: Counter[tuple[UUID, int]] = field(default_factory=Counter)
    versions: dict[UUID, int] = field(default_factory=dict)  # of the claims on file
    sums_off: list[str] = field(default_factory=list)  # accumulators that are not the sum of what claims take
    learnt: dict[UUID, int] = field(default_factory=dict)  # by a consumer that ignores repeats
    leapt: set[UUID] = field(default_factory=set)  # claims that such a consumer missed a version of
    events: dict[tuple[str, int], set[bytes]] = field(default_factory=lambda: defaultdict(set))
    events_seen: int = 0
    expected: dict[str, Outcome] = field(default_factory=dict)

    # -- the counts --

    @property
    def lost(self) -> set[str]:
        return {p for p in self.log if p not in self.submissions and p not in self.parked}

    @property
    def twice(self) -> set[str]:
        """Positions that had their effect more than once, or were answered in two ways."""
        effects = {p for p, rows in self.submissions.items() if len(rows) > 1}
        answers = {p for p, payloads in self.receipts.items() if len(payloads) > 1}
        return effects | answers | {p for p in self.submissions if p in self.parked}

    @property
    def resent(self) -> int:
        """Receipts that came again, the same in every byte; the relay may do that."""
        return sum(n - 1 for payloads in self.receipts.values() for n in payloads.values())

    def by_receipt(self) -> Counter[str]:
        return Counter(_status(payload) for payloads in self.receipts.values() for payload in payloads)

    def by_database(self) -> Counter[str]:
        return Counter(row.outcome.status for rows in self.submissions.values() for row in rows)

    def line(self) -> str:
        told, kept = self.by_receipt(), self.by_database()
        parts = " + ".join(f"{status.lower()} {told[status]}" for status in STATUSES)
        same = "the same" if told == kept else f"{dict(kept)}"
        return (
            f"sent {len(self.log)} = {parts} + parked {len(self.parked)}; in the database {same}; "
            f"receipts resent {self.resent}, events {len(self.events)} seen {self.events_seen} times"
        )

    # -- the verdict --

    def problems(self) -> list[str]:
        """Everything that breaks a promise; empty if they were kept."""
        found = {
            "acknowledged and not in the log, or the other way": self.acknowledged ^ self.log,
            "lost: no effect": self.lost,
            "lost: no receipt": {p for p in self.log if p not in self.receipts and p not in self.parked},
            "had an effect twice": {p for p, rows in self.submissions.items() if len(rows) > 1},
            "answered in two ways": {p for p, payloads in self.receipts.items() if len(payloads) > 1},
            "both parked and settled": {p for p in self.submissions if p in self.parked},
            "answered, though never sent": (self.receipts.keys() | self.submissions.keys()) - self.log,
            "told otherwise than kept": {p for p in self.receipts if not self._is_told_as_kept(p)},
            "a revision determined twice": {str(key) for key, n in self.determined.items() if n > 1},
            "claims with events missing": {
                str(c) for c, version in self.versions.items() if self.learnt.get(c) != version
            },
            "claims with events out of order": {str(c) for c in self.leapt},
            "events of no claim on file": {str(c) for c in self.learnt.keys() - self.versions.keys()},
            "an event with two contents": {str(key) for key, values in self.events.items() if len(values) > 1},
            "sums other than what claims take": set(self.sums_off),
            "decided otherwise than undisturbed": {p for p in self.log if not self._is_as_expected(p)},
        }
        problems = [f"{len(of)} {what}: {sorted(of)[:_SHOWN]}" for what, of in found.items() if of]
        for name, counts in (("receipts", self.by_receipt()), ("database", self.by_database())):
            if len(self.log) != sum(counts.values()) + len(self.parked):
                problems.append(
                    f"by the {name} it does not balance: {len(self.log)} sent, {dict(counts)}, {len(self.parked)}"
                )
        return problems

    def _is_told_as_kept(self, position: str) -> bool:
        kept = {(row.receipt_id, row.outcome.status) for row in self.submissions[position]}
        return kept == {(_receipt(p).receipt_id, _status(p)) for p in self.receipts[position]}

    def _is_as_expected(self, position: str) -> bool:
        return all(row.outcome == self.expected[position] for row in self.submissions.get(position, ()))


def _receipt(payload: bytes) -> receipt_pb2.ClaimReceipt:
    return receipt_pb2.ClaimReceipt.FromString(payload)


def _status(payload: bytes) -> str:
    return receipt_pb2.ReceiptStatus.Name(_receipt(payload).status).removeprefix("RECEIPT_STATUS_")


def draw_up(stack: Stack, load: Load, since: Ends, today: date) -> Account:
    """Read everything that came of a load that began at `since`."""
    account = Account(load.acknowledged)
    records = asyncio.run(_draw_up(stack, account, since))
    account.expected = asyncio.run(undisturbed.decide(stack, records, today))
    return account


async def _draw_up(stack: Stack, account: Account, since: Ends) -> list[Any]:
    """Answers the records of the intake."""
    async with consuming(stack) as consumer:
        sent = await read(consumer, INTAKE, since)
        account.log = {f"{r.topic}/{r.partition}/{r.offset}" for r in sent}
        for record in await read(consumer, RECEIPTS, since):
            place = _receipt(record.value).position
            account.receipts[f"{place.topic}/{place.partition}/{place.offset}"][record.value] += 1
        for record in await read(consumer, [EVENTS], since):
            _learn(account, event_pb2.ClaimEvent.FromString(record.value), record.value)
    async with db.connect(db.service_dsn(stack.environment["DATABASE_URL"], "claims")) as database:
        await _read_database(database, account, since)
    return sent


def _learn(account: Account, event: event_pb2.ClaimEvent, value: bytes) -> None:
    """As a consumer does: a version not above the one it holds is ignored, so a leap is a loss."""
    account.events_seen += 1
    account.events[event.claim_id, event.version].add(value)
    claim_id = UUID(event.claim_id)
    held = account.learnt.get(claim_id, 0)
    if event.version > held + 1:
        account.leapt.add(claim_id)
    account.learnt[claim_id] = max(held, event.version)


async def _read_database(database: Database, account: Account, since: Ends) -> None:
    def is_ours(position: str) -> bool:
        topic, partition, offset = position.split("/")
        place = TopicPartition(topic, int(partition))  # none of a topic that is not looked at
        return place in since and bool(int(offset) >= since[place])

    begun = ([f"{place.topic}/{place.partition}" for place in since], list(since.values()))
    outcomes = await undisturbed.outcomes(database, begun)
    sql = f"SELECT position, receipt_id, claim_id FROM {undisturbed.OURS} AS submission ORDER BY id"
    for row in await database.fetch(sql, *begun):
        outcome = outcomes[row["position"]][len(account.submissions[row["position"]])]
        account.submissions[row["position"]].append(Submitted(outcome, str(row["receipt_id"]), row["claim_id"]))
    for row in await database.fetch(_PARKED):
        if is_ours(row["position"]):
            account.parked[row["position"]] = f"{row['error']} at {row['traceback']}"
    ours = {row.claim_id for rows in account.submissions.values() for row in rows if row.claim_id}
    for row in await database.fetch("SELECT id, version FROM claim WHERE id = ANY($1)", list(ours)):
        account.versions[row["id"]] = row["version"]
    for row in await database.fetch(
        """SELECT claim_id, revision, count(*) AS times FROM determination
           WHERE outcome <> 'PENDED' AND claim_id = ANY($1) GROUP BY claim_id, revision, sequence""",
        list(ours),
    ):
        account.determined[row["claim_id"], row["revision"]] = row["times"]
    account.sums_off = [
        f"{row['person']} {row['account']} {row['key']}"
        for row in await database.fetch(
            """SELECT person, account, key FROM accumulator FULL JOIN
                   (SELECT person, account, key, sum(amount) AS amount FROM taken
                    WHERE account <> 'COST' GROUP BY person, account, key) AS mine
                   USING (person, account, key)
               WHERE COALESCE(accumulator.amount, 0) <> COALESCE(mine.amount, 0)"""
        )
    ]
