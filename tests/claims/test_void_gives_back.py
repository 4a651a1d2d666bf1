"""What a void or a correction gives back: her other claims that were refused or cut because of it are decided again."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from deploy.local.stack import Stack
from services.claims import rules
from services.claims.model import Category
from tests.builders import (
    DELIVERED,
    claim,
    claim_number,
    item_sent,
    law_with,
    medical,
    provider_record,
    replacement,
    stay_sent,
    submit,
    visit_sent,
    void,
)
from tests.claims.desk import Desk
from tests.claims.harness import Insured, insure, record
from tests.kit.live import rows, value

pytestmark = pytest.mark.integration

HOSPITAL, OTHER = "H61030200123", "H61030300456"
OWED = 1_960_000
CAPPED = law_with({"medical.antenatal.cap_per_pregnancy": 200_000, "art.items": ("ART-01",)})


@pytest.fixture(scope="module", autouse=True)
def hospital(stack: Stack) -> None:
    asyncio.run(record(stack, providers=[provider_record(HOSPITAL), provider_record(OTHER)]))


async def someone(stack: Stack) -> Insured:
    who = Insured()
    await insure(stack, who)
    return who


def allowance(who: Insured, number: str, **changes: Any) -> bytes:
    return submit(claim(number=number, person=who.number, employer=who.employer, **changes))


def antenatal(who: Insured, number: str, fen: int, **more: Any) -> bytes:
    visits = [visit_sent(fen)] if fen else []
    return submit(medical("REIMBURSEMENT", number=number, person=who.number, visits=visits, **more))


async def amounts(desk: Desk, number: str) -> list[tuple[str, int]]:
    """The outcome of each determination of a claim, with what it pays."""
    sql = """SELECT outcome, COALESCE((result::jsonb #>> '{figures,allowance_fen}')::bigint, 0)
                    + COALESCE((result::jsonb #>> '{figures,medical_fen}')::bigint, 0) AS fen
             FROM determination JOIN claim ON claim.id = claim_id WHERE number = $1 ORDER BY determination.version"""
    return [(row["outcome"], row["fen"]) for row in await rows(desk.dsn, sql, number)]


def test_a_duplicate_is_approved_when_what_it_repeated_is_voided_and_only_once(stack: Stack) -> None:
    desk, first, second = Desk.open(stack), claim_number(), claim_number()

    async def act() -> None:
        who = await someone(stack)
        await desk.take(allowance(who, first))
        await desk.take(allowance(who, second), source="counter")
        for _ in range(2):
            await desk.take(void(first))
            await desk.look_again()

        assert await amounts(desk, second) == [("DUPLICATE", 0), ("APPROVED", OWED)]
        assert await desk.claim(second) == ("APPROVED", 2)
        assert await desk.events(second) == ["ClaimDetermined 1", "ClaimDetermined 2"]
        assert await desk.held() == [(second, "ALLOWANCE", 0)]
        assert await desk.look_again() == 0

    asyncio.run(act())


async def repeated(desk: Desk, who: Insured, first: str, second: str) -> None:
    await desk.take(allowance(who, first))
    await desk.take(allowance(who, second), source="counter")
    assert await desk.claim(second) == ("DUPLICATE", 1)


def corrected(who: Insured, number: str, revision: int = 2) -> bytes:
    return replacement(claim(number=number, person=who.number, employer=who.employer), revision)


def test_a_duplicate_is_approved_when_what_it_repeated_is_corrected_to_be_another_womans(stack: Stack) -> None:
    desk, first, second = Desk.open(stack), claim_number(), claim_number()

    async def act() -> None:
        who, other = await someone(stack), await someone(stack)
        await repeated(desk, who, first, second)
        await desk.take(corrected(other, first))
        await desk.look_again()

        assert await amounts(desk, second) == [("DUPLICATE", 0), ("APPROVED", OWED)]
        assert await desk.held() == sorted([(first, "ALLOWANCE", 0), (second, "ALLOWANCE", 0)])
        assert await desk.look_again() == 0

    asyncio.run(act())


def test_it_is_so_in_one_batch_too(stack: Stack) -> None:
    desk, first, second = Desk.open(stack), claim_number(), claim_number()

    async def act() -> None:
        who, other = await someone(stack), await someone(stack)
        await desk.take(allowance(who, first), allowance(who, second), corrected(other, first))
        await desk.look_again()

        assert await amounts(desk, second) == [("DUPLICATE", 0), ("APPROVED", OWED)]

    asyncio.run(act())


def test_a_void_of_a_correction_that_waits_gives_back_what_it_left_with_another_woman(stack: Stack) -> None:
    desk, first, second = Desk.open(stack), claim_number(), claim_number()

    async def act() -> None:
        who = await someone(stack)
        await repeated(desk, who, first, second)
        stranger = Insured(employer=who.employer)
        assert await desk.take(corrected(stranger, first)) == [("PENDED", ["AWAITING_COVERAGE", "PERSON_UNKNOWN"])]
        assert await desk.look_again() == 0  # it holds her delivery while it waits
        await desk.take(void(first, revision=2))
        await desk.look_again()

        assert await amounts(desk, second) == [("DUPLICATE", 0), ("APPROVED", OWED)]

    asyncio.run(act())


def test_a_correction_that_gives_nothing_back_looks_at_nothing(stack: Stack) -> None:
    desk, first, second = Desk.open(stack), claim_number(), claim_number()

    async def act() -> None:
        who = await someone(stack)
        await repeated(desk, who, first, second)
        await desk.take(corrected(who, first))

        assert await desk.look_again() == 0

    asyncio.run(act())


def test_a_claim_that_comes_after_the_void_is_approved_at_once(stack: Stack) -> None:
    """The other order."""
    desk, first, second = Desk.open(stack), claim_number(), claim_number()

    async def act() -> None:
        who = await someone(stack)
        await desk.take(allowance(who, first), void(first), allowance(who, second))
        await desk.look_again()

        assert await amounts(desk, second) == [("APPROVED", OWED)]

    asyncio.run(act())


def test_of_two_duplicates_one_is_approved(stack: Stack) -> None:
    desk, numbers = Desk.open(stack), [claim_number() for _ in range(3)]

    async def act() -> None:
        who = await someone(stack)
        await desk.take(*[allowance(who, number) for number in numbers])
        await desk.take(void(numbers[0]))
        await desk.look_again()

        assert [(await desk.claim(number))[0] for number in numbers] == ["VOIDED", "APPROVED", "DUPLICATE"]

    asyncio.run(act())


def test_what_a_cap_left_too_little_for_gets_what_a_void_gives_back(stack: Stack) -> None:
    desk, first, second = Desk.open(stack), claim_number(), claim_number()
    desk.law = CAPPED

    async def act() -> None:
        who = await someone(stack)
        await desk.take(antenatal(who, first, 150_000), antenatal(who, second, 100_000))
        await desk.take(void(first))
        await desk.look_again()

        assert await amounts(desk, second) == [("APPROVED", 50_000), ("APPROVED", 100_000)]
        taken = await rows(desk.dsn, "SELECT account, amount FROM accumulator WHERE amount > 0")
        assert [tuple(row) for row in taken] == [("ANTENATAL", 100_000)]

    asyncio.run(act())


def test_a_visit_and_an_item_are_paid_under_one_claim_and_after_its_void_under_the_other(stack: Stack) -> None:
    desk, first, second = Desk.open(stack), claim_number(), claim_number()
    desk.law = CAPPED

    async def act() -> None:
        who = await someone(stack)
        await desk.take(antenatal(who, first, 50_000, items=[item_sent()]))
        hers = antenatal(who, second, 50_000, items=[item_sent()])
        assert await desk.take(hers, source="counter") == [("DETERMINED", ["DUPLICATE_COST"])]
        await desk.take(void(first))
        await desk.look_again()

        (_, paid), *rest = reversed(await amounts(desk, second))
        assert (await amounts(desk, first), rest) == ([("APPROVED", paid)], [("DUPLICATE", 0)])
        assert await value(desk.dsn, "SELECT count(*) FROM taken WHERE account = 'COST'") == 2

    asyncio.run(act())


async def asked(desk: Desk) -> list[tuple[str, str]]:
    sql = "SELECT claim.number, reason FROM review_task JOIN claim ON claim.id = claim_id ORDER BY review_task.id"
    return [tuple(row) for row in await rows(desk.dsn, sql)]


def test_a_transfer_stays_one_while_the_stay_before_it_is_voided_and_claimed_again(stack: Stack) -> None:
    """Were it the stay of the delivery meanwhile, it would be paid in full, and the true one would be its duplicate."""
    desk, first, transfer, again = Desk.open(stack), claim_number(), claim_number(), claim_number()

    def settled(who: Insured, number: str, **stay: Any) -> bytes:
        return submit(medical(number=number, person=who.number, stays=[stay_sent(**stay)]))

    async def act() -> None:
        who, later = await someone(stack), DELIVERED + timedelta(days=8)
        before = {"policy_range_fen": 450_000, "provider": HOSPITAL}
        await desk.take(settled(who, first, **before))
        after = {"policy_range_fen": 480_000, "provider": OTHER, "discharged": later, "transfer_filed": True}
        await desk.take(settled(who, transfer, **after))
        await desk.take(void(first, why="SETTLEMENT_UNDONE"))
        assert await desk.look_again() == 1
        await insure(stack, who, paid="2023-01..2026-11")
        await desk.hear(await desk.person(transfer), 1001)
        assert await asked(desk) == [(transfer, "PARTLY_WORSE")]
        assert await desk.take(settled(who, again, **before)) == [("DETERMINED", [])]
        await desk.look_again()

        assert await amounts(desk, again) == [("APPROVED", 450_000)]
        assert await amounts(desk, transfer) == [("APPROVED", 280_500)]

    asyncio.run(act())


def test_where_one_line_would_get_less_a_person_is_asked_though_it_is_more_in_all(stack: Stack) -> None:
    """More of the year's cap, so less of her own for catastrophic insurance, which may be paid by now."""
    desk, first, second = Desk.open(stack), claim_number(), claim_number()
    desk.law = law_with({"medical.ordinary.resident.annual_cap": 3_000_000})

    async def act() -> None:
        who = Insured()
        await insure(stack, who, category=Category.RESIDENT)
        for number, on, fen in ((first, DELIVERED, 4_000_000), (second, DELIVERED + timedelta(days=160), 6_000_000)):
            stay = stay_sent(fen, discharged=on + timedelta(days=4))
            await desk.take(submit(medical("REIMBURSEMENT", number=number, person=who.number, on=on, stays=[stay])))
        await desk.take(void(first))

        assert await desk.look_again() == 1
        assert await amounts(desk, second) == [("APPROVED", 497_500)]
        assert await asked(desk) == [(second, "PARTLY_WORSE")]

    asyncio.run(act())


def test_a_delivery_that_waited_for_a_look_at_one_near_it_waits_no_more(stack: Stack) -> None:
    desk, first, second = Desk.open(stack), claim_number(), claim_number()

    async def act() -> None:
        who = await someone(stack)
        await desk.take(allowance(who, first))
        await desk.take(allowance(who, second, on=DELIVERED + timedelta(days=10)))
        await desk.take(void(first))
        await desk.look_again()

        assert await amounts(desk, second) == [("PENDED", 0), ("APPROVED", OWED)]
        closed = await rows(desk.dsn, "SELECT kind, outcome FROM review_task")
        assert [tuple(task) for task in closed] == [("DELIVERY_DATE_REVIEW", "SUPERSEDED")]

    asyncio.run(act())


def test_what_would_be_less_by_claims_decided_since_stays_and_asks_nobody(stack: Stack) -> None:
    """The void gives back an item; the cap of visits went to a later claim meanwhile."""
    desk, first, second, third = Desk.open(stack), claim_number(), claim_number(), claim_number()
    desk.law = CAPPED

    async def act() -> None:
        who = await someone(stack)
        await desk.take(antenatal(who, first, 0, items=[item_sent()]))
        await desk.take(antenatal(who, second, 100_000, items=[item_sent(on=date(2026, 1, 16))]))
        await desk.take(antenatal(who, third, 90_000))
        before = await amounts(desk, second)
        desk.law = law_with({"medical.antenatal.cap_per_pregnancy": 150_000, "art.items": ("ART-01",)})
        await desk.take(void(first))

        assert await desk.look_again() == 2
        assert await amounts(desk, second) == before
        assert await value(desk.dsn, "SELECT count(*) FROM review_task") == 0

    asyncio.run(act())


def test_a_void_that_gives_nothing_back_looks_at_nothing_though_the_law_is_another(stack: Stack) -> None:
    desk, first, second = Desk.open(stack), claim_number(), claim_number()

    async def act() -> None:
        who = await someone(stack)
        await desk.take(allowance(who, first), allowance(who, second))
        desk.law = rules.LAW.given({"allowance.fund_days.local60": "true"})
        await desk.take(void(second))

        assert await desk.look_again() == 0
        assert await amounts(desk, first) == [("APPROVED", OWED)]

    asyncio.run(act())


def test_a_void_while_the_queue_is_worked_on_is_not_missed(stack: Stack) -> None:
    """The claims are queued already and were read, but what stands is read under the person's lock."""
    desk, numbers = Desk.open(stack), [claim_number() for _ in range(3)]

    async def act() -> None:
        who = await someone(stack)
        await desk.take(*[allowance(who, number) for number in numbers])
        await desk.take(void(numbers[1]))
        await desk.take(void(numbers[0]))
        await asyncio.gather(*[desk.look_again() for _ in range(3)])

        assert await amounts(desk, numbers[2]) == [("DUPLICATE", 0), ("APPROVED", OWED)]

    asyncio.run(act())
