"""A load of claims: who is insured, what is sent in which order, and a producer that goes on while things break."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from random import Random
from types import TracebackType
from typing import Any, Self

import asyncpg
from aiokafka import AIOKafkaProducer
from cradle.claims.v1 import claim_pb2, intake_pb2
from cradle.registry.v1 import service_pb2 as registry_pb2
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub
from google.type.date_pb2 import Date
from stdnum.cn import ric, uscc

from deploy.local.stack import Stack
from services.kit import rpc
from services.kit.member_key import member_key
from tests.crash import databases

SOURCES = ("hospitals", "counter")
HOSPITALS = ("H61030200123", "H61030300456")
EMPLOYERS = 20
RESIDENTS = 3_000
_PER_CALL = 1_000
_TICK_S = 0.02
_LOOK_S = 0.2
_WAITING_S = 2.0  # so long a load may wait to be taken
_TRICKLE = 0.1  # of the pace
_FIRST_DELIVERY = date(2022, 7, 1)
_ADMITTED = date(2026, 1, 2)  # the fund pays in full from 2026 on; before, the city has set no rate
_BETWEEN_DELIVERIES = timedelta(days=200)  # beyond the window in which a second delivery is reviewed
_SUBMITTED_S = 1_795_000_000  # 2026-11-18
_REMEMBERED = 500  # claims that may yet be resent or corrected
_loads = count()


@dataclass(frozen=True, slots=True)
class Resident:
    """An insured woman and the one source that ever claims for her, so that her claims have one order."""

    id_number: str
    employer_uscc: str
    source: str

    @property
    def key(self) -> bytes:
        return member_key(self.id_number)

    @property
    def topic(self) -> str:
        return f"claims.intake.v1.{self.source}"


@dataclass(frozen=True, slots=True)
class Record:
    topic: str
    key: bytes
    value: bytes


def resident(index: int) -> Resident:
    born = date(1985, 1, 1) + timedelta(days=index // 500)
    number = f"610304{born:%Y%m%d}{index % 500 * 2:03d}"
    return Resident(number + ric.calc_check_digit(number + "0"), employer(index % EMPLOYERS), SOURCES[index % 2])


def employer(index: int) -> str:
    code = f"91610302MA{index:07d}"
    return code + str(uscc.calc_check_digit(code))


def enrol(stack: Stack, residents: list[Resident]) -> None:
    """Tell the registry about everybody: insured since 2018, wages of every year."""
    employers = [
        registry_pb2.EmployerRecord(
            uscc=employer(index),
            name=f"单位{index}",
            county="610302",
            average_monthly_wage_fen={year: 600_000 + 10_000 * index + year for year in range(2020, 2027)},
        )
        for index in range(EMPLOYERS)
    ]
    persons = [
        registry_pb2.PersonRecord(
            person_id_number=resident.id_number,
            name="某某",
            category=registry_pb2.CATEGORY_EMPLOYEE,
            employer_uscc=resident.employer_uscc,
            paid_months=[registry_pb2.MonthSpan(first_month=2018 * 12, last_month=2026 * 12 + 9)],
        )
        for resident in residents
    ]
    with rpc.blocking_channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        registry: Any = RegistryServiceStub(channel)
        for start in range(0, len(persons), _PER_CALL):
            part = persons[start : start + _PER_CALL]
            # Wages are told once: the frozen clock would give a second record the instant of the first.
            known = employers if start == 0 and not _is_known(registry, residents[0]) else []
            request = registry_pb2.BatchRecordCoverageRequest(employers=known, persons=part, providers=hospitals())
            registry.BatchRecordCoverage(request, timeout=60)


def hospitals() -> list[registry_pb2.ProviderRecord]:
    """Two, under contract since long before; recorded again, nothing changes."""
    since = registry_pb2.ContractSpan(level=registry_pb2.PROVIDER_LEVEL_TERTIARY, first_day=_day(date(2020, 1, 1)))
    return [
        registry_pb2.ProviderRecord(code=code, name="某医院", county="610302", contracts=[since]) for code in HOSPITALS
    ]


def _day(on: date) -> Date:
    return Date(year=on.year, month=on.month, day=on.day)


def _is_known(registry: Any, asked: Resident) -> bool:
    query = registry_pb2.CoverageQuery(person_id_number=asked.id_number, employer_uscc=asked.employer_uscc)
    answer = registry.BatchGetCoverage(
        registry_pb2.BatchGetCoverageRequest(queries=[query], purpose="a test"), timeout=60
    )
    return bool(answer.answers[0].employer)


def claim(number: str, of: Resident, on: date) -> intake_pb2.ClaimSubmission:
    """A claim that will be approved, if nothing is changed in it."""
    submission = intake_pb2.ClaimSubmission(
        claim_number=number,
        person_id_number=of.id_number,
        employer_uscc=of.employer_uscc,
        county="610302",
        kind=claim_pb2.CLAIM_KIND_ALLOWANCE,
        event=intake_pb2.MaternityEvent(
            type=claim_pb2.EVENT_TYPE_DELIVERY,
            date=_day(on),
            delivery_mode=claim_pb2.DELIVERY_MODE_VAGINAL,
            infants=1,
            birth_order=1,
        ),
        own_monthly_wage_fen=700_000,
    )
    submission.submit_time.seconds = _SUBMITTED_S
    return submission


def medical(number: str, of: Resident, on: date) -> intake_pb2.ClaimSubmission:
    """The cost of a delivery at one hospital, and of a stay after a filed transfer, which counts against the year."""
    submission = claim(number, of, on)
    submission.kind = claim_pb2.CLAIM_KIND_PROVIDER_SETTLEMENT
    for place, hospital in enumerate(HOSPITALS):
        submission.stays.add(
            provider=hospital,
            admission_date=_day(_ADMITTED + timedelta(days=place * 5)),
            discharge_date=_day(_ADMITTED + timedelta(days=place * 5 + 4)),
            charge=intake_pb2.Charge(policy_range_fen=480_000),
            transfer_filed=place > 0,
        )
    return submission


def submit(submission: intake_pb2.ClaimSubmission, of: Resident) -> Record:
    value = intake_pb2.ClaimIntake(submit=intake_pb2.SubmitClaim(claim=submission))
    return Record(of.topic, of.key, value.SerializeToString())


def void(number: str, of: Resident, revision: int) -> Record:
    message = intake_pb2.VoidClaim(claim_number=number, revision=revision, reason=intake_pb2.VOID_REASON_ENTERED_TWICE)
    message.submit_time.seconds = _SUBMITTED_S
    return Record(of.topic, of.key, intake_pb2.ClaimIntake(void=message).SerializeToString())


def replace(submission: intake_pb2.ClaimSubmission, of: Resident, revision: int) -> Record:
    value = intake_pb2.ClaimIntake(replace=intake_pb2.ReplaceClaim(claim=submission, revision=revision))
    return Record(of.topic, of.key, value.SerializeToString())


@dataclass(slots=True)
class _Sent:
    of: Resident
    claim: intake_pb2.ClaimSubmission
    revision: int = 1


@dataclass(slots=True)
class Script:
    """What is sent, in order: mostly clean claims, and a little of everything that a source sends besides."""

    random: Random
    residents: list[Resident]
    prefix: str
    numbers: Iterator[int] = field(default_factory=count)
    sent: deque[_Sent] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def next(self) -> Record:
        chance = self.random.random()
        if not self.sent or chance < 0.80:
            return self._clean()
        if chance < 0.86:
            return self._resent(self.random.choice(self.sent))
        if chance < 0.90:
            return self._corrected(self.random.choice(self.sent))
        if chance < 0.92:
            return self._voided(self.random.choice(self.sent))
        return self._spoiled(chance)

    def _new(self) -> _Sent:
        number = next(self.numbers)
        of = self.residents[number % len(self.residents)]
        on = _FIRST_DELIVERY + timedelta(days=number % 25) + _BETWEEN_DELIVERIES * (number // len(self.residents) % 8)
        make = medical if number % 10 == 3 else claim
        return _Sent(of, make(f"{self.prefix}-{number}", of, on))

    def _clean(self) -> Record:
        new = self._new()
        self.sent.append(new)
        return submit(new.claim, new.of)

    def _resent(self, earlier: _Sent) -> Record:
        """The same content with another time of sending: a duplicate."""
        earlier.claim.submit_time.seconds += 60
        if earlier.revision == 1:
            return submit(earlier.claim, earlier.of)
        return replace(earlier.claim, earlier.of, earlier.revision)

    def _corrected(self, earlier: _Sent) -> Record:
        earlier.revision += 1
        earlier.claim.event.delivery_mode = claim_pb2.DELIVERY_MODE_CAESAREAN
        earlier.claim.own_monthly_wage_fen += 100
        return replace(earlier.claim, earlier.of, earlier.revision)

    def _voided(self, earlier: _Sent) -> Record:
        """Taken back, whatever became of it; what is sent under its number from now on is returned."""
        return void(earlier.claim.claim_number, earlier.of, earlier.revision)

    def _spoiled(self, chance: float) -> Record:
        new = self._new()
        if chance < 0.94:  # returned by its own form
            new.claim.county = "999999"
        elif chance < 0.955:  # returned after looking it up
            new.claim.employer_uscc = employer(EMPLOYERS + 1)
        elif chance < 0.97:  # pended: the registry does not know her
            new.claim.person_id_number = resident(2_000_000 + next(self.numbers)).id_number
        else:
            return Record(new.of.topic, new.of.key, b"\xff" + self.random.randbytes(40))
        return submit(new.claim, new.of)


class Load:
    """Sends without a pause from a thread of its own: `with Load(...) as load:` ends when all is acknowledged.

    There is always more than is taken, and not much more: once so much waits as two seconds bring, it trickles. A slow
    machine would only have the longer to work off, at the end, what no kill has met.
    """

    def __init__(self, stack: Stack, random: Random, *, per_second: int, residents: int = RESIDENTS) -> None:
        self.number = next(_loads)
        people = [resident(self.number * 50_000 + index) for index in range(residents)]
        enrol(stack, people)
        self.script = Script(random, people, f"L{self.number}")
        self.acknowledged: set[str] = set()
        self._servers = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
        self._dsn = databases.dsn_of(stack, "claims")
        self._per_second = per_second
        self._taken = 0  # since it began, as far as is known: the database may be away
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(150)
        if kind is None:
            assert not self._thread.is_alive(), "the broker does not acknowledge what was sent"
            if self._failure is not None:
                raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._send())
        except BaseException as failure:  # noqa: BLE001  # belongs to the test's thread, which raises it
            self._failure = failure

    async def _send(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            enable_idempotence=True,
            acks="all",
            linger_ms=5,
            request_timeout_ms=120_000,
        )
        await producer.start()
        looking = asyncio.create_task(self._look())
        try:
            waiting: list[asyncio.Future[Any]] = []
            due, last_s = 0.0, time.monotonic()
            while not self._stopping.is_set():
                now_s = time.monotonic()
                is_enough = len(waiting) - self._taken > _WAITING_S * self._per_second
                due = min(due + (now_s - last_s) * self._per_second * (_TRICKLE if is_enough else 1), 500)
                last_s = now_s
                while due >= 1:
                    record = self.script.next()
                    waiting.append(await producer.send(record.topic, record.value, record.key))
                    due -= 1
                await asyncio.sleep(_TICK_S)
            for place in await asyncio.gather(*waiting):
                self.acknowledged.add(f"{place.topic}/{place.partition}/{place.offset}")
        finally:
            looking.cancel()
            await producer.stop()

    async def _look(self) -> None:
        """How much was taken by now, again and again."""
        begun: int | None = None
        while True:
            with suppress(*databases.AWAY):
                connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=5)
                try:
                    while True:
                        taken = await connection.fetchval(databases.TAKEN)
                        begun = taken if begun is None else begun
                        self._taken = taken - begun
                        await asyncio.sleep(_LOOK_S)
                finally:
                    connection.terminate()
            await asyncio.sleep(_LOOK_S)


def send(stack: Stack, records: Sequence[Record]) -> list[str]:
    """Send a few records one after the other; answers their positions."""

    async def work() -> list[str]:
        producer = AIOKafkaProducer(
            bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"], enable_idempotence=True, acks="all"
        )
        await producer.start()
        try:
            places = [await producer.send_and_wait(record.topic, record.value, record.key) for record in records]
        finally:
            await producer.stop()
        return [f"{place.topic}/{place.partition}/{place.offset}" for place in places]

    return asyncio.run(work())
