"""Women who are owed money, in pairs, one at each stage of being paid: one of a pair is erased, the other is not."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

import asyncpg
from cradle.registry.v1 import service_pb2 as registry_pb2
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub
from cradle.treasury.v1 import run_pb2
from stdnum import luhn

from deploy.local.stack import Stack
from services.kit import rpc
from tests.builders import claim, claim_number, employer_record, person_record, spans, submit
from tests.claims.harness import Insured, exchange
from tests.claims.harness import record as make_known
from tests.crash import databases, paying
from tests.crash.chaos import eventually
from tests.treasury.cashier import BALANCE_FEN, BANK_CODE, deliver, moved, statement
from tests.treasury.test_run_service import Person

# Each stage has a county of its own, which no other test pays in: a run of it is of its two women alone.
COUNTY_OF: Final = {
    "returned": "610323",
    "paid": "610324",
    "sent": "610326",
    "approved": "610327",
    "planned": "610328",
    "reserved": "610329",
}
_NAMES: Final = iter("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥")


@dataclass(frozen=True, slots=True)
class Woman:
    stage: str
    is_erased: bool
    name: str
    card: str
    who: Insured
    claim_number: str

    @property
    def words(self) -> tuple[str, str, str]:
        """What says who she is."""
        return self.who.number, self.name, self.card


@dataclass(frozen=True, slots=True)
class Owed:
    """One who has claimed, what her claim was ordered as, and who she is for the system."""

    woman: Woman
    person: UUID
    claim: UUID


class Counters:
    """The treasury's two clerks in the city, and its bank, which says what it is told to say."""

    def __init__(self, city: Stack) -> None:
        self.city = city
        self.clerk, self.second = Person(city, "li", "treasury-clerk"), Person(city, "wang", "treasury-approver")
        self._inbox, self._outbox = city.folder / "bank" / "inbox", city.folder / "bank" / "outbox"
        self._balance_fen = BALANCE_FEN

    def plan(self, stage: str) -> run_pb2.Run:
        return paying.plan(self.clerk, COUNTY_OF[stage])

    def approve(self, run: run_pb2.Run) -> run_pb2.Run:
        return paying.approve(self.second, run)

    def send(self, ready: run_pb2.Run) -> None:
        paying.send(self.clerk, ready)

    def left_out(self, run: run_pb2.Run) -> list[list[str]]:
        """Why, of each."""
        listed = self.clerk.call("ListExceptions", run_pb2.ListExceptionsRequest(run=run.name)).exceptions
        return [[reason.code for reason in one.reasons] for one in listed]

    def say(self, day: str, debited: Collection[asyncpg.Record], returned: Mapping[Owed, asyncpg.Record]) -> None:
        """A day's statement; it opens where the last one closed. In the details of a return the bank names her."""
        back = [
            moved(payment, why="AC04").replace("</TxDtls>", f"<RmtInf><Ustrd>{of.woman.name}</Ustrd></RmtInf></TxDtls>")
            for of, payment in returned.items()
        ]
        told = statement(*map(moved, debited), *back, day=day, opening_fen=self._balance_fen)
        self._balance_fen -= sum(one["amount_fen"] for one in debited)
        self._balance_fen += sum(one["amount_fen"] for one in returned.values())
        deliver(self._inbox, f"{uuid4()}.xml", told.replace("BANK-1", f"BANK-{day}").encode())

    def handed_over(self) -> list[str]:
        """Every end-to-end id in files that the bank got, as often as it got it."""
        texts = [path.read_text("utf-8") for path in self._outbox.glob("*.xml")]
        return [part.split("<")[0] for text in texts for part in text.split("<EndToEndId>")[1:]]

    def payments(self, of: Collection[Owed]) -> list[asyncpg.Record]:
        """Theirs, in the order of their claims."""
        return self._fetch("SELECT case_id, p.* FROM payment AS p JOIN hers ON order_id = hers.id ORDER BY place", of)

    def orders(self, of: Collection[Owed]) -> list[asyncpg.Record]:
        return self._fetch("SELECT * FROM hers ORDER BY place", of)

    def _fetch(self, sql: str, of: Collection[Owed]) -> list[asyncpg.Record]:
        hers = """WITH hers AS (SELECT payment_order.*, place FROM payment_order
                  JOIN unnest($1::uuid[]) WITH ORDINALITY AS asked (claim, place) ON claim = case_id)"""
        return databases.fetch(databases.dsn_of(self.city, "treasury"), f"{hers} {sql}", [one.claim for one in of])

    def wait(self, of: Collection[Owed], state: str) -> list[asyncpg.Record]:
        """Their payments, when each has one in this state."""
        eventually(lambda: [one["state"] for one in self.payments(of)] == [state] * len(of), 30, f"not all are {state}")
        return self.payments(of)

    def wait_handed_over(self, payments: Collection[asyncpg.Record]) -> None:
        ids = {one["end_to_end_id"] for one in payments}
        eventually(lambda: ids <= {*self.handed_over()}, 30, "a file is left")


def at_every_stage(city: Stack, counters: Counters) -> tuple[list[Owed], dict[str, run_pb2.Run]]:
    """Two at each stage, all of it by the system's own ways; the runs that wait for somebody, by stage."""
    owed = _claimed(city)

    def of(stage: str) -> list[Owed]:
        return [one for one in owed if one.woman.stage == stage]

    runs = {stage: counters.plan(stage) for stage in COUNTY_OF if stage != "reserved"}
    for stage in ("returned", "paid", "sent", "approved"):
        runs[stage] = counters.approve(runs[stage])
    for stage in ("returned", "paid", "sent"):
        counters.send(runs.pop(stage))
    back, ended = counters.wait(of("returned"), "SENT"), counters.wait(of("paid"), "SENT")
    counters.wait(of("sent"), "SENT")
    counters.say("2026-11-23", [*back, *ended], dict(zip(of("returned"), back, strict=True)))
    counters.wait(of("returned"), "RETURNED")
    counters.wait(of("paid"), "RECONCILED")
    return owed, runs


def _claimed(city: Stack) -> list[Owed]:
    """All of them insured and on record with an account; claimed, approved, ordered, and reserved."""
    women = [_woman(stage, is_erased=is_erased) for stage in COUNTY_OF for is_erased in (True, False)]
    asyncio.run(
        make_known(
            city,
            [employer_record(one.who.employer, county=COUNTY_OF[one.stage]) for one in women],
            [
                person_record(one.who.number, one.who.employer, name=one.name, paid=spans("2024-01..2026-11"))
                for one in women
            ],
        )
    )
    with rpc.blocking_channel(city.environment["CRADLE_REGISTRY_TARGET"], city.operator) as channel:
        payees = [
            registry_pb2.PayeeRecord(
                person_id_number=one.who.number,
                account=registry_pb2.PayeeAccount(holder=one.name, number=one.card, bank_code=BANK_CODE),
            )
            for one in women
        ]
        RegistryServiceStub(channel).BatchRecordPayees(registry_pb2.BatchRecordPayeesRequest(payees=payees), timeout=20)
    answers = exchange(city, *[_sent(one) for one in women], *[_sent(one) for one in women if one.is_erased])
    assert [one.status for one in answers] == ["DETERMINED"] * len(women) + ["DUPLICATE"] * (len(women) // 2)
    claims = [UUID(one.receipt.claim.removeprefix("claims/")) for one in answers[: len(women)]]
    return _reserved(city, women, claims)


def _reserved(city: Stack, women: Sequence[Woman], claims: Sequence[UUID]) -> list[Owed]:
    def reserved() -> dict[UUID, UUID]:
        rows = databases.fetch(
            databases.dsn_of(city, "treasury"),
            "SELECT case_id, payee FROM payment_order WHERE case_id = ANY($1) AND state = 'RESERVED'",
            claims,
        )
        return {row["case_id"]: UUID(row["payee"]) for row in rows}

    eventually(lambda: len(reserved()) == len(women), 30, "orders are not reserved")
    persons = reserved()
    return [Owed(woman, persons[claim_id], claim_id) for woman, claim_id in zip(women, claims, strict=True)]


def _woman(stage: str, *, is_erased: bool) -> Woman:
    who, family = Insured(), "司马删除" if is_erased else "欧阳留存"
    body = f"622202{who.number[-12:-1]}"
    return Woman(stage, is_erased, family + next(_NAMES), body + luhn.calc_check_digit(body), who, claim_number())


def _sent(one: Woman) -> bytes:
    return submit(
        claim(
            number=one.claim_number,
            person=one.who.number,
            employer=one.who.employer,
            county=COUNTY_OF[one.stage],
            remark=one.name,
        )
    )
