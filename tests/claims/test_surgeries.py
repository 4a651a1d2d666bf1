"""Several surgeries of one woman on one day: each is paid, once, whoever sends it and in whatever order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cradle.claims.v1 import intake_pb2

from deploy.local.stack import Stack
from services.claims.model.codes import State
from services.kit.migrations import migrate
from tests.builders import (
    DELIVERED,
    HOSPITAL,
    claim,
    for_surgery,
    law_with,
    medical,
    provider_record,
    replacement,
    stay_sent,
    submit,
    void,
)
from tests.claims.desk import Desk, take
from tests.claims.harness import Insured, insure, record
from tests.kit.live import rows, unique
from tests.kit.migrating import bring, migrated_before

pytestmark = pytest.mark.integration

RATES = {"1": 40_000, "3": 80_000, "4": 150_000, "5": 300_000}
NAMES = {"1": "IUD_IN", "3": "ABORT", "4": "INDUCE", "5": "LIGATION"}
LAW = law_with({f"medical.fp.{name}": RATES[code] for code, name in NAMES.items()})
SURGERY_HELD = "20261128030000"  # the migration
STAY = f"STAY/{HOSPITAL}/{DELIVERED}"
AGAIN = ("DETERMINED", ["DUPLICATE_EVENT"])


@pytest.fixture(scope="module", autouse=True)
def hospital(stack: Stack) -> None:
    asyncio.run(record(stack, providers=[provider_record(HOSPITAL)]))


async def opened(stack: Stack) -> tuple[Desk, Insured]:
    desk, who = Desk.open(stack), Insured()
    desk.law = LAW
    await insure(stack, who)
    return desk, who


def stayed(who: Insured, code: str, number: str = "") -> intake_pb2.ClaimSubmission:
    """What a hospital settles of one stay, each surgery under a number of its own."""
    return for_surgery(medical(number=number or f"M{code}", person=who.number, stays=[stay_sent()]), code)


def on_leave(who: Insured, code: str, number: str = "") -> intake_pb2.ClaimSubmission:
    return for_surgery(claim(number=number or f"A{code}", person=who.number, employer=who.employer), code)


Claimed = Callable[[Insured, str, str], intake_pb2.ClaimSubmission]


async def stands(desk: Desk) -> dict[str, str]:
    return {row["number"]: row["state"] for row in await rows(desk.dsn, "SELECT number, state FROM claim")}


async def owed(desk: Desk) -> dict[str, int]:
    sql = "SELECT number, sum(owed_fen) AS fen FROM ordered JOIN claim ON id = claim_id WHERE owed_fen > 0 GROUP BY 1"
    return {row["number"]: row["fen"] for row in await rows(desk.dsn, sql)}


@pytest.mark.parametrize("codes", ["315", "513"])
@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one after the other"])
def test_each_is_paid_and_none_of_them_twice(stack: Stack, codes: str, at_once: bool) -> None:
    async def act() -> None:
        desk, who = await opened(stack)
        sent = [submit(make(who, code)) for code in codes for make in (stayed, on_leave)]
        told = await desk.take(*sent) if at_once else [(await desk.take(one))[0] for one in sent]
        assert told == [("DETERMINED", [])] * 6
        paid, held = await owed(desk), await desk.held()
        assert {number: fen for number, fen in paid.items() if number[0] == "M"} == {f"M{c}": RATES[c] for c in codes}

        again = [
            submit(make(who, code, f"again{make.__name__}{code}")) for code in codes for make in (stayed, on_leave)
        ]
        assert await desk.take(*again, source="counter") == [AGAIN] * 6
        assert {status for status, _ in await desk.take(*sent)} == {"DUPLICATE"}

        assert (await owed(desk), await desk.held()) == (paid, held)

    asyncio.run(act())


def test_an_induction_is_the_abortion_of_its_day(stack: Stack) -> None:
    async def act() -> None:
        desk, who = await opened(stack)

        assert await desk.take(submit(stayed(who, "3")), submit(stayed(who, "1"))) == [("DETERMINED", [])] * 2
        assert await desk.take(submit(stayed(who, "4"))) == [AGAIN]

    asyncio.run(act())


def test_what_a_void_gives_back_is_that_surgerys_alone(stack: Stack) -> None:
    async def act() -> None:
        desk, who = await opened(stack)
        await desk.take(*[submit(one) for one in (stayed(who, "5"), stayed(who, "1"), stayed(who, "5", "second"))])
        await desk.take(submit(stayed(who, "1", "third")))
        await desk.take(void("M5"))
        await desk.look_again()

        assert await stands(desk) == {"M5": "VOIDED", "M1": "APPROVED", "second": "APPROVED", "third": "DUPLICATE"}
        assert await owed(desk) == {"M1": RATES["1"], "second": RATES["5"]}
        assert (await desk.claim("M1"))[1] == 1
        assert await desk.look_again() == 0

    asyncio.run(act())


@pytest.mark.parametrize("make", [stayed, on_leave])
def test_a_correction_to_another_surgery_gives_back_the_one_before(stack: Stack, make: Claimed) -> None:
    async def act() -> None:
        desk, who = await opened(stack)
        await desk.take(*[submit(make(who, code, number)) for code, number in ("1A", "1B", "3C")])
        assert await stands(desk) == {"A": "APPROVED", "B": "DUPLICATE", "C": "APPROVED"}
        assert await desk.take(replacement(make(who, "5", "A"), 2)) == [("DETERMINED", [])]
        await desk.look_again()

        assert await stands(desk) == dict.fromkeys("ABC", "APPROVED")
        assert await desk.take(replacement(make(who, "3", "A"), 3)) == [AGAIN]

    asyncio.run(act())


def test_sources_that_race_are_paid_once_for_each(stack: Stack) -> None:
    async def act() -> None:
        desk, who = await opened(stack)

        async with desk.at_work() as (office, database):
            sent = [(source, code) for code in "15" for source in ("counter", "hospitals", "insurer")]
            await asyncio.gather(
                *[
                    take(office, database, [desk.message(submit(stayed(who, code, f"{source}{code}")), source)])
                    for source, code in sent
                ]
            )

        states = await stands(desk)
        for code in "15":
            found = sorted(states[f"{source}{code}"] for source in ("counter", "hospitals", "insurer"))
            assert found == [State.APPROVED, State.DUPLICATE, State.DUPLICATE]
        assert sorted((await owed(desk)).values()) == [RATES["1"], RATES["5"]]

    asyncio.run(act())


def test_what_a_worker_of_the_release_before_approved_stands_for_each_of_the_day(stack: Stack) -> None:
    """It may run on beside this one, and does not tell which surgery it holds."""

    async def act() -> None:
        desk, who = await opened(stack)
        await desk.take(submit(on_leave(who, "1")))
        await rows(desk.dsn, "UPDATE benefit_hold SET surgery = ''")

        assert await desk.take(submit(on_leave(who, "5")), submit(on_leave(who, "1", "again"))) == [AGAIN] * 2
        await desk.take(void("A1"))
        await desk.look_again()

        assert await stands(desk) == {"A1": "VOIDED", "A5": "APPROVED", "again": "APPROVED"}

    asyncio.run(act())


def test_what_was_refused_before_is_paid_at_the_next_word_on_her_coverage(stack: Stack, tmp_path: Path) -> None:
    """On a database of before, whose holds and stays do not tell the surgery; the facts that were decided on do."""

    async def decided_before() -> tuple[Desk, Insured]:
        desk, who = await opened(stack)
        other = Insured(employer=who.employer)
        await insure(stack, other)
        paid_back = medical("REIMBURSEMENT", number="R1", person=other.number, stays=[stay_sent(50_000)])
        await desk.take(submit(stayed(who, "4")), submit(on_leave(who, "1")), submit(for_surgery(paid_back, "1")))
        await rows(desk.dsn, "UPDATE benefit_hold SET surgery = ''")
        await rows(desk.dsn, "UPDATE taken SET key = $1", STAY)
        assert await desk.take(submit(stayed(who, "5")), submit(on_leave(who, "5"))) == [AGAIN] * 2
        return desk, who

    async def decided_after(desk: Desk, who: Insured) -> None:
        held = "SELECT number, event_type, surgery FROM benefit_hold JOIN claim ON id = claim_id ORDER BY 1, 2"
        assert [tuple(one) for one in await rows(desk.dsn, held)] == [
            ("A1", "FAMILY_PLANNING_SURGERY", "1"),
            ("M4", "FAMILY_PLANNING_SURGERY", "3"),
            ("M4", "MISCARRIAGE", ""),
            ("R1", "FAMILY_PLANNING_SURGERY", "1"),
        ]
        taken = "SELECT number, key FROM taken JOIN claim ON id = claim_id ORDER BY 1"
        assert [tuple(one) for one in await rows(desk.dsn, taken)] == [("M4", f"{STAY}/3"), ("R1", STAY)]
        assert await desk.take(submit(stayed(who, "3"))) == [AGAIN]
        await desk.hear(await desk.person("M5"), 1001)

        approved = dict.fromkeys(["M4", "A1", "R1", "M5", "A5"], "APPROVED")
        assert await stands(desk) == approved | {"M3": "DUPLICATE"}

    desk, who = asyncio.run(decided_before())
    old = replace(desk, dsn=stack.create_database(unique("before")))
    migrated_before(old.dsn, "claims", SURGERY_HELD, tmp_path / "migrations")
    asyncio.run(bring(old.dsn, desk.dsn))
    migrate(old.dsn, "claims")
    asyncio.run(decided_after(old, who))
