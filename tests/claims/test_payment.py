"""From determination to payment: what is ordered, what the treasury tells, and how a claim moves by it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest
from cradle.claims.v1 import claim_pb2, event_pb2, receipt_pb2, service_pb2
from cradle.treasury.v1 import money_pb2

from deploy.local.stack import Stack
from services.claims.model import Category
from services.kit.dates import from_proto
from tests.builders import (
    DELIVERED,
    TODAY,
    claim,
    claim_number,
    employer_record,
    medical,
    person_record,
    provider_record,
    replacement,
    stay_sent,
    submit,
    void,
)
from tests.claims.desk import Desk
from tests.claims.harness import Insured, asking, events, exchange, insure, insured, receipts_of, record
from tests.claims.treasury import OTHER_PROGRAMME, about, gist, hear, ordered, paid, stated, tell
from tests.kit.live import eventually, read_until, rows, send, value

pytestmark = pytest.mark.integration

OWED = 1_960_000
HOSPITAL, OTHER = "H61030200123", "H61030300456"


@pytest.fixture(scope="module", autouse=True)
def hospitals(stack: Stack) -> None:
    asyncio.run(record(stack, providers=[provider_record(HOSPITAL), provider_record(OTHER)]))


def run(act: Callable[[], Awaitable[None]]) -> None:
    async def acted() -> None:
        await act()

    asyncio.run(acted())


def allowance(who: Insured, number: str = "A", **changes: Any) -> Any:
    return claim(number=number, person=who.number, employer=who.employer, **changes)


async def stands(desk: Desk, number: str = "A") -> tuple[str, str]:
    (row,) = await rows(desk.dsn, "SELECT state, payment FROM claim WHERE number = $1", number)
    return row["state"], row["payment"]


async def asked(desk: Desk) -> list[str]:
    found = await rows(desk.dsn, "SELECT reason FROM review_task WHERE state <> 'CLOSED' ORDER BY id")
    return [row["reason"] for row in found]


# --- orders ----------------------------------------------------------------------------------------------------------


def test_what_is_approved_is_ordered_whole_with_its_payee_fund_and_law(stack: Stack) -> None:
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        await desk.take(submit(allowance(who)))

        (order,) = await ordered(desk, "A")
        assert (order.programme, order.period) == (money_pb2.PROGRAMME_MATERNITY, "")
        assert gist([order]) == [("ALLOWANCE/1", 1, OWED)]
        assert (order.payee.kind, order.payee.reference) == (
            money_pb2.PAYEE_KIND_PERSON, str(await desk.person("A"))
        )  # fmt: skip
        assert (order.fund, order.county) == (money_pb2.FUND_EMPLOYEE_INSURANCE, "610304")
        assert (from_proto(order.payable_on), order.law_digest) == (TODAY, desk.law.digest)
        assert await stands(desk) == ("APPROVED", "PAYABLE")

    run(act)


def test_a_hospital_is_ordered_by_its_own_reference_and_a_residents_by_the_residents_fund(stack: Stack) -> None:
    desk, who = Desk.open(stack), insured(stack, category=Category.RESIDENT)

    async def act() -> None:
        stays = [stay_sent(520_000, discharged=DELIVERED), stay_sent(310_000, provider=OTHER)]
        await desk.take(submit(medical(number="A", person=who.number, stays=stays)))

        orders = await ordered(desk, "A")
        kinds = {(one.payee.kind, one.fund) for one in orders}
        assert kinds == {(money_pb2.PAYEE_KIND_PROVIDER, money_pb2.FUND_RESIDENT_INSURANCE)}
        providers = (await value(desk.dsn, "SELECT providers FROM claim")).split()
        by_line = {one.line: one.payee.reference for one in orders}
        assert len(set(providers)) == 2
        assert by_line["STAY/1"] == providers[0]

    run(act)


def test_what_is_denied_duplicate_or_waits_is_not_ordered(stack: Stack) -> None:
    desk, who, short = Desk.open(stack), insured(stack), insured(stack, paid="2026-10..2026-11")

    async def act() -> None:
        unknown = Insured()
        await desk.take(
            submit(allowance(who)),
            submit(allowance(who, "B")),
            submit(allowance(short, "C")),
            submit(medical(number="D", person=unknown.number, stays=[stay_sent()])),
        )

        assert [len(await ordered(desk, number)) for number in "ABCD"] == [1, 0, 0, 0]
        assert [(await stands(desk, number))[1] for number in "BCD"] == ["", "", ""]

    run(act)


def test_a_correction_states_the_whole_anew_and_the_same_again_states_nothing(stack: Stack) -> None:
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        def costs(fen: int) -> Any:
            return medical(number="A", person=who.number, stays=[stay_sent(fen)])

        await desk.take(submit(costs(520_000)))
        await desk.take(submit(costs(520_000)))
        await desk.take(replacement(costs(400_000), 2), replacement(costs(450_000), 3))
        await desk.take(void("A", 3))
        await desk.take(void("A", 3))

        assert gist(await ordered(desk, "A")) == [
            ("STAY/1", 1, 520_000), ("STAY/1", 2, 400_000), ("STAY/1", 3, 450_000), ("STAY/1", 4, 0)
        ]  # fmt: skip
        assert await stands(desk) == ("VOIDED", "")
        kept = await rows(desk.dsn, "SELECT line, revision, owed_fen FROM ordered")
        assert [tuple(row) for row in kept] == [("STAY/1", 4, 0)]

    run(act)


def test_while_a_correction_waits_what_was_ordered_stands(stack: Stack) -> None:
    """For another person, whom nobody knows: when she is known, the whole goes to her."""
    desk, who, late = Desk.open(stack), insured(stack), Insured()

    async def act() -> None:
        await desk.take(submit(medical(number="A", person=who.number, stays=[stay_sent(520_000)])))
        await desk.take(replacement(medical(number="A", person=late.number, stays=[stay_sent(300_000)]), 2))
        waiting = await stands(desk)
        first = gist(await ordered(desk, "A"))

        await insure(stack, late)
        await desk.hear(await desk.person("A"), 1)

        assert (waiting, first) == (("PENDED", "PAYABLE"), [("STAY/1", 1, 520_000)])
        assert gist(await ordered(desk, "A"))[1:] == [("STAY/1", 3, 300_000)]
        assert await stands(desk) == ("APPROVED", "PAYABLE")

    run(act)


def test_what_nobody_is_known_to_be_paid_is_asked_of_a_person(stack: Stack) -> None:
    """A claim from before its institutions were kept, decided again."""
    desk, who = Desk.open(stack), Insured()

    async def act() -> None:
        await desk.take(submit(medical(number="A", person=who.number, stays=[stay_sent(520_000)])))
        await rows(desk.dsn, "UPDATE claim SET providers = ''")
        await insure(stack, who)

        await desk.hear(await desk.person("A"), 1)

        assert (await stands(desk), await ordered(desk, "A")) == (("APPROVED", ""), [])
        assert await asked(desk) == ["RECIPIENT_MISSING"]

    run(act)


# --- what the treasury tells -----------------------------------------------------------------------------------------


def test_a_claim_is_payable_in_payment_paid_and_payable_again_when_it_comes_back(stack: Stack) -> None:
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        await desk.take(submit(allowance(who)))
        (order,) = await ordered(desk, "A")
        told = [
            about(order, 1, held={"reasons": ["BUDGET_HELD"]}),
            about(order, 2, reserved={"amount_fen": OWED}),
            about(order, 3, sent=paid("p1", OWED)),
            about(order, 4, settled=paid("p1", OWED)),
            about(order, 5, returned=paid("p1", OWED, "AC04")),
            about(order, 6, sent=paid("p2", OWED)),
            about(order, 7, settled=paid("p2", OWED)),
        ]
        seen = []
        for one in told:
            await tell(desk, one)
            seen.append((await stands(desk))[1])
            await tell(desk, one, told[0])  # twice, and an old one: nothing

        assert seen == ["PAYABLE", "PAYABLE", "IN_PAYMENT", "PAID", "PAYABLE", "IN_PAYMENT", "PAID"]
        assert await desk.events("A") == ["ClaimDetermined 1", *[f"ClaimPaymentChanged {n}" for n in range(2, 9)]]
        answers = await desk.receipts("A")
        assert [one.payment for one in answers[1:]] == [1, 1, 2, 3, 1, 2, 3]
        assert {one.status for one in answers[1:]} == {receipt_pb2.RECEIPT_STATUS_PAYMENT}
        assert list(answers[1].orders[0].reasons) == ["BUDGET_HELD"]
        assert list(answers[5].orders[0].reasons) == ["AC04"]
        assert gist(await ordered(desk, "A")) == [("ALLOWANCE/1", 1, OWED)]  # paying orders nothing

    run(act)


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_in_any_batches_and_twice_events_come_to_the_same(stack: Stack, seed: int) -> None:
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        await desk.take(submit(allowance(who)))
        (order,) = await ordered(desk, "A")
        told = [
            about(order, 1, held={"reasons": ["BUDGET_HELD"]}),
            about(order, 2, reserved={"amount_fen": OWED}),
            about(order, 3, sent=paid("p1", OWED)),
            about(order, 4, failed=paid("p1", OWED, "AC01")),
            about(order, 5, sent=paid("p2", OWED)),
            about(order, 6, settled=paid("p2", OWED)),
        ]
        drawn = Random(seed)
        mixed = drawn.sample(told * 2, len(told) * 2)
        while mixed:
            size = drawn.randint(1, 4)
            await tell(desk, *mixed[:size])
            mixed = mixed[size:]

        kept = await rows(desk.dsn, "SELECT payment_id, progress, version FROM transfer ORDER BY 1")
        assert [tuple(row) for row in kept] == [("p1", "FAILED", 4), ("p2", "SETTLED", 6)]
        assert await value(desk.dsn, "SELECT told || told_version FROM ordered") == "RESERVED2"
        assert await stands(desk) == ("APPROVED", "PAID")

    run(act)


def test_a_refusal_is_asked_of_a_person_once_and_another_is_asked_again(stack: Stack) -> None:
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        await desk.take(submit(allowance(who)))
        (order,) = await ordered(desk, "A")

        await tell(desk, about(order, 1, refused={"reasons": ["ORDER_CONFLICT"]}))
        await tell(desk, about(order, 1, refused={"reasons": ["ORDER_CONFLICT"]}))
        once = await asked(desk)
        await tell(desk, about(order, 2, refused={"reasons": ["ORDER_CONFLICT"]}))

        assert once == ["ORDER_REFUSED"]
        assert await asked(desk) == ["ORDER_REFUSED"] * 2
        assert list((await desk.receipts("A"))[-1].orders[0].reasons) == ["ORDER_CONFLICT"]

    run(act)


def test_an_order_that_was_never_made_is_a_bug_and_another_programmes_is_not_ours(stack: Stack) -> None:
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        await desk.take(submit(allowance(who)))
        (order,) = await ordered(desk, "A")
        other = about(order, 1, sent=paid("p1", OWED))
        other.programme = OTHER_PROGRAMME
        await tell(desk, other)
        order.line = "STAY/9"

        with pytest.raises(ValueError, match="never made"):
            await tell(desk, about(order, 1, sent=paid("p1", OWED)))

        assert await stands(desk) == ("APPROVED", "PAYABLE")

    run(act)


def test_what_is_asked_back_is_shown_until_it_has_come_back(stack: Stack) -> None:
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        await desk.take(submit(allowance(who)))
        (order,) = await ordered(desk, "A")
        await tell(desk, about(order, 1, sent=paid("p1", OWED)), about(order, 2, settled=paid("p1", OWED)))
        await desk.take(void("A", 1))
        seen = [(await stands(desk))[1]]
        for version, outstanding, repaid in ((3, OWED, 0), (4, OWED, 0), (5, 1, OWED - 1), (6, 0, OWED)):
            one = {"recovery_id": "r1", "amount_fen": OWED, "outstanding_fen": outstanding, "repaid_fen": repaid}
            told = about(order, version, recovery=one)
            await tell(desk, told)
            await tell(desk, told)
            seen.append((await stands(desk))[1])

        assert seen == ["OVERPAID", "OVERPAID", "OVERPAID", "OVERPAID", ""]
        shown = [(one.orders[0].recovering_fen, one.orders[0].recovered_fen) for one in (await desk.receipts("A"))[-3:]]
        assert shown == [(OWED, 0), (1, OWED - 1), (0, OWED)]

    run(act)


# --- after payment ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("progress", "state", "payment"),
    [((), "VOIDED", ""), (("sent",), "VOIDED", "OVERPAID"), (("sent", "settled"), "REVERSED", "OVERPAID")],
    ids=["payable", "in payment", "paid"],
)
def test_a_void_orders_nothing_any_more_and_after_payment_it_is_a_reversal(
    stack: Stack, progress: tuple[str, ...], state: str, payment: str
) -> None:
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        await desk.take(submit(allowance(who)), submit(allowance(who, "B")))
        (order,) = await ordered(desk, "A")
        for version, kind in enumerate(progress, 1):
            await tell(desk, about(order, version, **{kind: paid("p1", OWED)}))

        corrected = await desk.take(replacement(allowance(who, birth_order=2), 2))
        revision = 1 if corrected[0][0] == "RETURNED" else 2
        answer = await desk.take(void("A", revision))
        again = [await desk.take(void("A", revision)), await desk.take(replacement(allowance(who), revision + 1))]

        assert corrected == [("RETURNED", ["CLAIM_IN_PAYMENT"]) if progress else ("DETERMINED", [])]
        assert answer == [("VOIDED", [])]
        assert again == [[("DUPLICATE", ["VOID_ALREADY"])], [("RETURNED", ["CLAIM_VOIDED"])]]
        assert await stands(desk) == (state, payment)
        assert gist(await ordered(desk, "A"))[-1] == ("ALLOWANCE/1", 2 + len(progress) + revision - 1, 0)
        assert await desk.held() == []
        told = (await desk.events("A"))[-1]
        assert told.startswith("ClaimReversed" if state == "REVERSED" else "ClaimVoided")
        assert await desk.look_again() == 1  # B was a duplicate of it
        assert await stands(desk, "B") == ("APPROVED", "PAYABLE")

    run(act)


def test_decided_again_while_it_is_paid_more_is_ordered_whole_and_less_is_asked_of_a_person(stack: Stack) -> None:
    """The coverage comes to be known otherwise, first for the better, then for the worse."""
    who = Insured()
    asyncio.run(insure(stack, who, category=Category.SPOUSE_OF_EMPLOYEE))
    desk = Desk.open(stack)

    async def act() -> None:
        await desk.take(submit(medical(number="A", person=who.number, stays=[stay_sent(600_000)])))
        (order,) = await ordered(desk, "A")
        await tell(desk, about(order, 1, sent=paid("p1", order.owed_fen)))
        await insure(stack, who)
        await desk.hear(await desk.person("A"), 1)
        better = await stands(desk)
        await tell(desk, about(order, 2, settled=paid("p1", order.owed_fen)))
        await tell(desk, about(order, 3, settled=paid("p2", 600_000 - order.owed_fen)))
        await insure(stack, who, category=Category.SPOUSE_OF_EMPLOYEE)
        await desk.hear(await desk.person("A"), 2)

        assert gist(await ordered(desk, "A")) == [("STAY/1", 1, 300_000), ("STAY/1", 3, 600_000)]
        assert (better, await stands(desk)) == (("APPROVED", "IN_PAYMENT"), ("APPROVED", "PAID"))
        assert await asked(desk) == ["COVERAGE_WORSE"]

    run(act)


def test_decided_again_after_the_day_of_direct_payment_the_rest_goes_to_her(stack: Stack) -> None:
    """What her employer was paid stays the employer's; two persons of the treasury let the rest through
    (`tests/treasury/test_deciding.py`).
    """
    desk, who = Desk.open(stack), Insured()
    employer = {wage: employer_record(who.employer, wages={2024: wage}) for wage in (600_000, 750_000)}
    desk.today = date(2025, 8, 31)

    async def act() -> None:
        await record(stack, [employer[600_000]], [person_record(who.number, who.employer)])
        sent: dict[str, Any] = {"on": date(2025, 7, 1), "submitted": datetime(2025, 8, 30, 2, tzinfo=UTC)}
        await desk.take(submit(allowance(who, **sent)))
        (order,) = await ordered(desk, "A")
        await tell(desk, about(order, 1, settled=paid("p1", order.owed_fen)))
        desk.today = TODAY
        await record(stack, [employer[750_000]])
        await desk.hear(await desk.person("A"), 1)

        before, after = await ordered(desk, "A")
        assert [(one.payee.kind, one.owed_fen) for one in (before, after)] == [
            (money_pb2.PAYEE_KIND_EMPLOYER, OWED),
            (money_pb2.PAYEE_KIND_PERSON, OWED * 5 // 4),
        ]
        assert after.payee.reference == str(await desk.person("A"))
        assert await stands(desk) == ("APPROVED", "IN_PAYMENT")

    run(act)


def test_a_payment_and_a_correction_at_once_leave_one_order_above_the_other(stack: Stack) -> None:
    """Both take the claim's lock: whoever comes second sees what the first has written."""
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        numbers = [f"N-{n}" for n in range(12)]
        costs = {n: medical(number=n, person=who.number, stays=[stay_sent(500_000)]) for n in numbers}
        await desk.take(*[submit(costs[numbers[0]])])
        (order,) = await ordered(desk, numbers[0])
        more = medical(number=numbers[0], person=who.number, stays=[stay_sent(550_000)])

        async with desk.at_work() as (office, database):
            await asyncio.gather(
                desk.take(replacement(more, 2)),
                hear(office, database, [about(order, 1, sent=paid("p1", 500_000))]),
            )

        made = gist(await ordered(desk, numbers[0]))
        assert await value(desk.dsn, "SELECT version FROM claim") in {2, 3}
        assert [revision for _, revision, _ in made] == sorted({revision for _, revision, _ in made})
        kept = await rows(desk.dsn, "SELECT line, revision, owed_fen FROM ordered")
        assert [tuple(row) for row in kept] == made[-1:]
        assert (await stands(desk, numbers[0]))[1] == "IN_PAYMENT"

    run(act)


# --- through the running roles ---------------------------------------------------------------------------------------


def test_through_the_running_roles_a_claim_is_ordered_and_paid_once(stack: Stack) -> None:
    who, number = insured(stack), claim_number()
    (answer,) = exchange(stack, submit(allowance(who, number)))
    case = answer.receipt.claim.removeprefix("claims/").encode()

    async def act() -> None:
        def mine(found: list[Any]) -> list[Any]:
            return [one for one in found if one.key == case]

        records = mine(await read_until(stack, ["treasury.order.v1"], lambda found: len(mine(found)) == 1))
        order = stated(records[0].value)
        told = [about(order, 1, sent=paid("p1", OWED)), about(order, 2, settled=paid("p1", OWED))]
        await send(stack, "treasury.payment.v1", [(case, one.SerializeToString()) for one in [*told, *told]])

        async with asking(stack, "source/hospitals") as stub:
            request = service_pb2.GetClaimRequest(name=answer.receipt.claim)

            async def is_paid() -> claim_pb2.Claim | None:
                found = await stub.GetClaim(request, timeout=5)
                return found if found.payment == claim_pb2.PAYMENT_STATE_PAID else None

            found = await eventually(is_paid)
            assert found is not None
            assert found.state == claim_pb2.CLAIM_STATE_APPROVED
            (shown,) = found.orders
            assert (shown.line, shown.owed_fen, shown.settled_fen, shown.live_fen) == ("ALLOWANCE/1", OWED, OWED, 0)
            listed = await stub.ListClaims(
                service_pb2.ListClaimsRequest(person=found.person, payment=claim_pb2.PAYMENT_STATE_PAID), timeout=5
            )
            assert [one.name for one in listed.claims] == [answer.receipt.claim]
            other = await stub.ListClaims(
                service_pb2.ListClaimsRequest(person=found.person, payment=claim_pb2.PAYMENT_STATE_PAYABLE), timeout=5
            )
            assert list(other.claims) == []

    run(act)
    last = receipts_of(stack, number, 2)[-1].receipt
    assert last.status == receipt_pb2.RECEIPT_STATUS_PAYMENT
    told = events(stack, answer.receipt.claim, 2)
    assert [one.WhichOneof("event") for one in told][:2] == ["determined", "payment_changed"]
    assert isinstance(told[-1], event_pb2.ClaimEvent)
