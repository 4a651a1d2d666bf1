"""Orders: what the rules do with each, on the real database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from itertools import permutations
from typing import Any

import pytest
from cradle.treasury.v1 import money_pb2, order_pb2

from deploy.local.stack import Stack
from services.kit.law import Law
from services.treasury.model import Pot
from services.treasury.rules import LAW
from tests.kit.live import new_database
from tests.treasury.bugs import mend, plant
from tests.treasury.counter import (
    COUNTY,
    FUND,
    MATERNITY,
    PAYEE,
    Counter,
    case,
    counter,
    message,
    order,
    sealed,
    with_limit,
)

pytestmark = pytest.mark.integration
Act = Callable[[Counter], Awaitable[None]]
OTHER = "01930000-0000-7000-8000-000000000002"


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> str:
    return new_database(stack, "treasury")


@pytest.fixture
def at_counter(stack: Stack, dsn: str) -> Callable[..., None]:
    """Run a story on empty tables, and look afterwards whether what must always hold does."""

    def run(story: Act, law: Law = LAW) -> None:
        async def act() -> None:
            async with counter(stack, dsn, law) as here:
                await here.empty()
                await story(here)
                await here.holds()

        asyncio.run(act())

    return run


def row(found: Any) -> tuple[str, int, int, list[str]]:
    return found["state"], found["reserved_fen"], found["revision"], list(found["reasons"])


# --- what is stated ---------------------------------------------------------------------------------------------------


def test_an_order_is_reserved_and_nothing_is_told(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        mine = case()

        await here.take_in(order(mine, 400))

        assert row(await here.order(mine)) == ("RESERVED", 400, 1, [])
        assert await here.figures() == (600, 400, 0, 0)
        assert await here.told() == []

    at_counter(story)


@pytest.mark.parametrize("together", [True, False])
def test_the_same_order_twice_is_one(at_counter: Callable[..., None], together: bool) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        same = order(case(), 400)

        await here.take_in(*[same] * (2 if together else 1))
        await here.take_in(same)

        assert await here.figures() == (600, 400, 0, 0)
        assert [tuple(found) for found in await here.database.fetch("SELECT count(*) FROM refusal")] == [(0,)]

    at_counter(story)


@pytest.mark.parametrize("arrival", list(permutations((1, 2, 3))))
@pytest.mark.parametrize("together", [True, False])
def test_the_highest_revision_counts_in_whatever_order_they_come(
    at_counter: Callable[..., None], arrival: tuple[int, ...], together: bool
) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        mine = case()
        sent = [order(mine, {1: 100, 2: 700, 3: 300}[revision], revision) for revision in arrival]

        for batch in [sent] if together else [[one] for one in sent]:
            await here.take_in(*batch)

        assert row(await here.order(mine)) == ("RESERVED", 300, 3, [])
        assert await here.figures() == (700, 300, 0, 0)

    at_counter(story)


@pytest.mark.parametrize("together", [True, False])
def test_another_content_of_the_same_revision_is_a_conflict_and_is_told(
    at_counter: Callable[..., None], together: bool
) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        mine = case()
        sent = [order(mine, 400), order(mine, 401)]

        for batch in [sent] if together else [[one] for one in sent]:
            await here.take_in(*batch)

        assert row(await here.order(mine)) == ("RESERVED", 400, 1, [])
        assert await here.told() == [(mine, "refused", 1, ("ORDER_CONFLICT",))]

    at_counter(story)


def test_what_does_not_fit_its_digest_is_refused_and_the_right_one_is_told_after_it(
    at_counter: Callable[..., None],
) -> None:
    async def story(here: Counter) -> None:
        mine = case()
        wrong = message(mine, 400)
        wrong.content_hash = b"x" * 32

        await here.take_in(order_pb2.OrderEvent(stated=wrong).SerializeToString())
        await here.take_in(order(mine, 400))

        assert await here.told() == [
            (mine, "refused", 1, ("ORDER_HASH_WRONG",)),
            (mine, "held", 2, ("BUDGET_MISSING",)),
        ]

    at_counter(story)


def test_what_is_malformed_is_kept_and_refused_and_stops_nobody(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        mine, bent, crooked = case(), case(), case()
        sent = [
            b"\xff\x00",
            b"",
            sealed(message(bent, 5, county="61")),
            sealed(message("no-uuid", 5)),
            order(mine, 400),
        ]
        sent.append(sealed(message(crooked, 5, payable_on=date(2026, 2, 28))).replace(b"\x18\x1c", b"\x18\x1e"))

        await here.take_in(*sent)

        refused = await here.database.fetch("SELECT case_id, reasons, version FROM refusal ORDER BY id")
        assert [one["case_id"] for one in refused] == ["", "", bent, "", crooked]
        assert row(await here.order(mine)) == ("RESERVED", 400, 1, [])
        told = await here.told()
        assert [(one[0], one[1]) for one in told] == [(bent, "refused"), (crooked, "refused")]

    at_counter(story)


# --- what is reserved -------------------------------------------------------------------------------------------------


def test_a_higher_whole_reserves_the_difference_and_a_lower_one_releases_it(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        mine = case()

        await here.take_in(order(mine, 400))
        await here.take_in(order(mine, 900, 2))
        assert await here.figures() == (100, 900, 0, 0)
        await here.take_in(order(mine, 250, 3))
        assert await here.figures() == (750, 250, 0, 0)
        await here.take_in(order(mine, 0, 4))

        assert row(await here.order(mine)) == ("SETTLED", 0, 4, [])
        assert await here.figures() == (1_000, 0, 0, 0)

    at_counter(story)


@pytest.mark.parametrize(
    ("owed", "state", "reserved"), [(499, "OVERPAID", 0), (500, "RESERVED", 0), (501, "RESERVED", 1)]
)
def test_what_is_owed_just_below_at_and_above_what_is_paid(
    at_counter: Callable[..., None], owed: int, state: str, reserved: int
) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        mine = case()
        await here.take_in(order(mine, 700))
        await here.pay(mine, live_fen=200, settled_fen=300)

        await here.take_in(order(mine, owed, 2))

        assert row(await here.order(mine)) == (state, reserved, 2, [])
        assert await here.figures() == (500 - reserved, reserved, 0, 0)

    at_counter(story)


def test_an_order_that_moves_to_another_budget_is_reserved_there(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        elsewhere = Pot(FUND, COUNTY, "MATERNITY", 2027)
        await here.give(1_000)
        await here.give(500, elsewhere)
        mine = case()
        await here.take_in(order(mine, 400))

        await here.take_in(order(mine, 450, 2, payable_on=date(2027, 1, 4)))

        assert await here.figures() == (1_000, 0, 0, 0)
        assert await here.figures(elsewhere) == (50, 450, 0, 0)

    at_counter(story)


# --- what waits for a person ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settled", [True, False])
def test_a_payee_changed_while_money_is_out_waits_and_goes_on_waiting(
    at_counter: Callable[..., None], settled: bool
) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        mine = case()
        await here.take_in(order(mine, 400))
        await here.pay(mine, **{"settled_fen" if settled else "live_fen": 100})

        await here.take_in(order(mine, 400, 2, payee=OTHER))
        assert row(await here.order(mine)) == ("HELD", 0, 2, ["PAYEE_CHANGED"])
        await here.take_in(order(mine, 600, 3, payee=OTHER))
        assert row(await here.order(mine)) == ("HELD", 0, 3, ["PAYEE_CHANGED"])
        assert await here.release() == 0
        await here.take_in(order(mine, 600, 4, payee=PAYEE))

        assert row(await here.order(mine)) == ("RESERVED", 500, 4, [])
        assert [kind for _, kind, _, _ in await here.told()] == ["held", "held", "reserved"]
        assert [version for _, _, version, _ in await here.told()] == [1, 2, 3]

    at_counter(story)


def test_a_payee_changed_before_any_money_is_out_is_the_new_payee(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        mine = case()

        await here.take_in(order(mine, 400), order(mine, 400, 2, payee=OTHER))

        assert row(await here.order(mine)) == ("RESERVED", 400, 2, [])

    at_counter(story)


def test_a_fund_changed_while_money_is_out_waits(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        await here.give(1_000)
        await here.give(1_000, MATERNITY._replace(fund="FISCAL"))
        mine = case()
        await here.take_in(order(mine, 400))
        await here.pay(mine, settled_fen=100)

        await here.take_in(order(mine, 400, 2, fund=money_pb2.FUND_FISCAL))

        assert row(await here.order(mine)) == ("HELD", 0, 2, ["BUDGET_CHANGED"])
        assert await here.figures() == (900, 0, 0, 0)

    at_counter(story)


@pytest.mark.parametrize(("owed", "state"), [(999, "RESERVED"), (1_000, "RESERVED"), (1_001, "HELD")])
def test_an_order_just_below_at_and_above_the_limit(at_counter: Callable[..., None], owed: int, state: str) -> None:
    async def story(here: Counter) -> None:
        await here.give(5_000)
        mine = case()

        await here.take_in(order(mine, owed))

        assert row(await here.order(mine)) == (
            (state, owed, 1, []) if state == "RESERVED" else ("HELD", 0, 1, ["ORDER_ABOVE_LIMIT"])
        )

    at_counter(story, with_limit(1_000))


def test_what_waits_for_a_person_lets_others_pass(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        await here.give(5_000)
        large, small = case(), case()

        await here.take_in(order(large, 1_001, payable_on=date(2026, 1, 1)), order(small, 10))

        assert row(await here.order(small)) == ("RESERVED", 10, 1, [])

    at_counter(story, with_limit(1_000))


# --- what waits for money ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "state"), [(399, "HELD"), (400, "RESERVED"), (401, "RESERVED")])
def test_a_budget_just_below_at_and_above_an_order(at_counter: Callable[..., None], given: int, state: str) -> None:
    async def story(here: Counter) -> None:
        await here.give(given)
        mine = case()

        await here.take_in(order(mine, 400))

        found = await here.order(mine)
        assert found["state"] == state
        expected = (given, 0, 1, 400) if state == "HELD" else (given - 400, 400, 0, 0)
        assert await here.figures() == expected
        assert await here.told() == ([(mine, "held", 1, ("BUDGET_HELD",))] if state == "HELD" else [])

    at_counter(story)


def test_the_oldest_is_reserved_first_and_nobody_overtakes(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        await here.give(500)
        early, middle, late = case(), case(), case()

        await here.take_in(
            order(late, 100, payable_on=date(2026, 11, 3)),
            order(middle, 300, payable_on=date(2026, 11, 2)),
            order(early, 300, payable_on=date(2026, 11, 1)),
        )

        assert row(await here.order(early))[0] == "RESERVED"
        assert row(await here.order(middle))[0] == "HELD"
        assert row(await here.order(late))[0] == "HELD"  # it would fit
        newer, older = case(), case()
        await here.take_in(order(newer, 1), order(older, 1, payable_on=date(2026, 10, 1)))
        assert row(await here.order(newer)) == ("HELD", 0, 1, ["BUDGET_HELD"])
        assert row(await here.order(older)) == ("RESERVED", 1, 1, [])

    at_counter(story)


def test_what_was_held_is_released_in_order_when_money_comes(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        first, second, third = case(), case(), case()
        await here.take_in(*[order(one, 100) for one in (first, second, third)])

        await here.give(150)
        assert await here.release() == 1
        await here.give(49)
        assert await here.release() == 0
        await here.give(1)
        assert await here.release() == 1

        assert [(await here.order(one))["state"] for one in (first, second, third)] == ["RESERVED", "RESERVED", "HELD"]
        told = [(one, kind, reasons) for one, kind, _, reasons in await here.told()]
        assert told[:3] == [(one, "held", ("BUDGET_MISSING",)) for one in (first, second, third)]
        assert told[3:] == [
            (first, "reserved", ()),
            (second, "held", ("BUDGET_HELD",)),
            (third, "held", ("BUDGET_HELD",)),
            (second, "reserved", ()),
        ]

    at_counter(story)


def test_a_budget_whose_orders_a_bug_is_about_keeps_no_other_from_releasing(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        first, second = case(), case()
        await here.take_in(order(first, 100))
        await here.take_in(order(second, 100, county="610399"))
        await plant(here.database, "payment_order", f"NEW.case_id = '{first}' AND NEW.state = 'RESERVED'")
        for pot in (MATERNITY, MATERNITY._replace(county="610399")):
            await here.give(100, pot)

        assert await here.release() == 1
        assert [(await here.order(one))["state"] for one in (first, second)] == ["HELD", "RESERVED"]

        await mend(here.database, "payment_order")
        assert await here.release() == 1

    at_counter(story)


def test_an_order_that_rises_above_the_budget_keeps_what_it_has(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        await here.give(500)
        mine = case()
        await here.take_in(order(mine, 400))

        await here.take_in(order(mine, 600, 2))
        assert row(await here.order(mine)) == ("HELD", 400, 2, ["BUDGET_HELD"])
        assert await here.figures() == (100, 400, 1, 200)
        await here.take_in(order(mine, 450, 3))

        assert row(await here.order(mine)) == ("RESERVED", 450, 3, [])
        assert [(kind, version) for _, kind, version, _ in await here.told()] == [("held", 1), ("reserved", 2)]

    at_counter(story)


def test_a_held_order_that_is_owed_no_more_frees_the_queue(at_counter: Callable[..., None]) -> None:
    async def story(here: Counter) -> None:
        await here.give(100)
        large, small = case(), case()
        await here.take_in(order(large, 1_000), order(small, 100))

        await here.take_in(order(large, 0, 2))
        assert await here.release() == 1

        assert row(await here.order(small)) == ("RESERVED", 100, 1, [])
        assert row(await here.order(large)) == ("SETTLED", 0, 2, [])

    at_counter(story)
