"""Claims' own handlers on a database and an intake topic of their own, with the stack's registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import UUID

from cradle.claims.v1 import receipt_pb2
from cradle.registry.v1 import event_pb2
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub

from deploy.local.stack import Stack
from services.claims import rules, store, streams, usecases
from services.claims.usecases import Office, Prepared
from services.kit import db, rpc
from services.kit.clock import Clock
from services.kit.db import Database
from services.kit.inbox import Inbox
from services.kit.law import Law
from services.kit.parking import Message, Parking
from services.kit.stream import Stream
from services.kit.telemetry import Health
from tests.builders import TODAY
from tests.kit.live import eventually, new_database, rows, running, sealer_of, settings_of, unique, value


@dataclass
class Desk:
    """One office. `today` and `law` may be changed between what is taken."""

    stack: Stack
    dsn: str
    topic: str
    law: Law = rules.LAW
    today: date = TODAY
    offsets: Any = field(default_factory=count)

    @classmethod
    def open(cls, stack: Stack) -> Desk:
        topic = f"claims.intake.v1.{unique('desk')}"
        stack.create_topic(topic, 2)
        return cls(stack, new_database(stack, "claims"), topic)

    @asynccontextmanager
    async def office(self, database: Database) -> AsyncIterator[Office]:
        await store.keep_law(database, self.law)
        async with rpc.channel(self.stack.environment["CRADLE_REGISTRY_TARGET"], self.stack.operator) as channel:
            yield Office(
                settings_of(self.stack),
                Clock(self.today),
                self.law,
                sealer_of(self.stack),
                RegistryServiceStub(channel),
            )

    def inbox(self, office: Office, database: Database) -> Inbox[Prepared]:
        stream = streams.intake(office)
        mine = Stream(self.topic, (self.topic,), stream.prepare, stream.apply)
        parking = Parking(self.topic, sealer_of(self.stack))
        settings = settings_of(self.stack, rebalance_timeout_ms=2_000, session_timeout_ms=6_000)
        return Inbox(mine, database, settings, parking, Health(), asyncio.Event())

    async def run_to(self, total: int) -> None:
        """Run an inbox until the stored offsets of the topic add up to this."""

        async def is_there() -> bool:
            return bool(await value(self.dsn, "SELECT COALESCE(sum(next_offset), 0) = $1 FROM consumed", total))

        async with (
            db.connect(self.dsn) as database,
            self.office(database) as office,
            running(self.inbox(office, database)) as task,
        ):
            await eventually(is_there, task)

    async def forget_offsets(self) -> None:
        await rows(self.dsn, "UPDATE consumed SET next_offset = 0")

    async def determinations(self) -> list[tuple[str, int, str]]:
        found = await rows(
            self.dsn,
            """SELECT number, revision, outcome FROM determination JOIN claim ON claim.id = claim_id
               ORDER BY number, determination.version""",
        )
        return [tuple(row) for row in found]

    async def submissions(self) -> list[tuple[str, str, str]]:
        found = await rows(self.dsn, "SELECT position, status, receipt_id::text FROM submission ORDER BY id")
        return [tuple(row) for row in found]

    # --- without a broker ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[tuple[Office, Database]]:
        async with db.connect(self.dsn) as database, self.office(database) as office:
            yield office, database

    def message(self, sent: bytes, source: str = "hospitals") -> Message:
        return Message(f"claims.intake.v1.{source}", 0, next(self.offsets), b"member", sent, 0)

    async def take(self, *sent: bytes, source: str = "hospitals") -> list[tuple[str, list[str]]]:
        """Take these in as one batch; answers status and reasons of each."""
        async with self.at_work() as (office, database):
            return await take(office, database, [self.message(one, source) for one in sent])

    async def hear(self, person: UUID, version: int, recorded_at: datetime | None = None) -> None:
        async with self.at_work() as (office, database):
            await hear(office, database, [changed(person, version, recorded_at)])

    async def hear_wages(self, employer: str, version: int, *years: int) -> None:
        async with self.at_work() as (office, database):
            await hear_wages(database, [wages_changed(employer, version, *years)])
            await usecases.queue_by_wages(office, database)

    async def look_again(self) -> int:
        async with self.at_work() as (office, database):
            return await usecases.look_again(office, database)

    async def expire(self) -> int:
        async with self.at_work() as (office, database):
            return await usecases.expire(office, database)

    async def person(self, number: str) -> UUID:
        person: UUID = await value(self.dsn, "SELECT person FROM claim WHERE number = $1", number)
        return person

    async def claim(self, number: str) -> tuple[str, int]:
        (row,) = await rows(self.dsn, "SELECT state, version FROM claim WHERE number = $1", number)
        return row["state"], row["version"]

    async def held(self) -> list[tuple[str, str, int]]:
        found = await rows(
            self.dsn, "SELECT number, benefit, paid_fen FROM benefit_hold JOIN claim ON id = claim_id ORDER BY 1, 2"
        )
        return [tuple(row) for row in found]

    async def receipts(self, number: str) -> list[Any]:
        """Those that wait to be sent, of one claim, in order."""
        found = await rows(
            self.dsn,
            "SELECT payload FROM outbox WHERE key = $1 AND topic LIKE 'claims.receipt.v1.%' ORDER BY id",
            number.encode(),
        )
        return [receipt_pb2.ClaimReceipt.FromString(row["payload"]) for row in found]

    async def events(self, number: str) -> list[str]:
        """What was told of one claim, with its version."""
        found = await rows(
            self.dsn,
            """SELECT type, outbox.version FROM outbox JOIN claim ON aggregateid = claim.id::text
               WHERE number = $1 ORDER BY outbox.id""",
            number,
        )
        return [f"{row['type'].rpartition('.')[2]} {row['version']}" for row in found]


async def take(office: Office, database: Database, messages: Sequence[Message]) -> list[tuple[str, list[str]]]:
    prepared = await usecases.prepare(office, messages)
    async with database.transaction() as tx:
        await usecases.take_in(office, tx, prepared)
    found = await database.fetch(
        "SELECT position, status, reasons FROM submission WHERE position = ANY($1)", [m.position for m in messages]
    )
    by_position = {row["position"]: (row["status"], list(row["reasons"])) for row in found}
    return [by_position[m.position] for m in messages]


def changed(person: UUID, version: int, recorded_at: datetime | None = None) -> Message:
    event = event_pb2.CoverageEvent(person=str(person), version=version)
    event.changed.recorded_at.FromDatetime(recorded_at or datetime.now(UTC))
    return Message("registry.coverage.v1", 0, version, str(person).encode(), event.SerializeToString(), 0)


async def hear(office: Office, database: Database, messages: Sequence[Message]) -> None:
    hearing = await usecases.prepare_hearing(office, database, messages)
    async with database.transaction() as tx:
        await usecases.hear(office, tx, hearing)


def wages_changed(employer: str, version: int, *years: int, recorded_at: datetime | None = None) -> Message:
    event = event_pb2.EmployerEvent(employer=employer, version=version)
    event.wage_changed.years.extend(years)
    event.wage_changed.recorded_at.FromDatetime(recorded_at or datetime.now(UTC))
    return Message("registry.employer.v1", 0, version, employer.encode(), event.SerializeToString(), 0)


async def hear_wages(database: Database, messages: Sequence[Message]) -> None:
    stream = streams.employers()
    prepared = await stream.prepare(messages)
    async with database.transaction() as tx:
        await stream.apply(tx, prepared)
