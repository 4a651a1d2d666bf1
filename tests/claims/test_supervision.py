"""A benefit that is asked for twice goes to supervision: a person looks at it, and it stays as it was or is decided."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from cradle.claims.v1 import claim_pb2, review_pb2

from deploy.local.stack import Stack
from services.claims.model import Category
from services.kit.dates import from_proto
from tests.builders import (
    TODAY,
    claim,
    claim_number,
    id_number,
    medical,
    provider_record,
    stay_sent,
    submit,
    void,
)
from tests.claims.desk import Desk
from tests.claims.harness import Answered, Insured, exchange, insure, insured, record
from tests.claims.reviewers import Refusal, Reviewer
from tests.kit.live import rows

pytestmark = pytest.mark.integration

HOSPITAL, OTHER = "H61030200123", "H61030300456"


@pytest.fixture(scope="module", autouse=True)
def hospitals(stack: Stack) -> None:
    asyncio.run(record(stack, providers=[provider_record(HOSPITAL), provider_record(OTHER)]))


@pytest.fixture
def li(stack: Stack) -> Reviewer:
    return Reviewer(stack, "li")


@pytest.fixture
def wang(stack: Stack) -> Reviewer:
    return Reviewer(stack, "wang")


def twice(stack: Stack) -> tuple[Answered, Answered]:
    """The same delivery settled by two hospitals, from two sources (GC17)."""
    who = insured(stack)

    def settled(hospital: str, source: str) -> Answered:
        stay = stay_sent(450_000, provider=hospital)
        (answer,) = exchange(
            stack, submit(medical(number=claim_number(), person=who.number, stays=[stay])), source=source
        )
        return answer

    first, second = settled(HOSPITAL, "hospitals"), settled(OTHER, "counter")
    assert first.receipt.outcome == claim_pb2.CLAIM_STATE_APPROVED
    assert second.codes == [("DUPLICATE_DELIVERY", "")]
    return first, second


def test_what_two_hospitals_settled_is_before_a_person_and_stands_at_their_word(stack: Stack, li: Reviewer) -> None:
    first, second = twice(stack)

    (review,) = li.of_claim(second.receipt.claim)
    assert (review.reason.code, review.risk) == ("DUPLICATE_DELIVERY", 60)
    assert from_proto(review.due_date) == TODAY + timedelta(days=14)  # the law's term was kept
    assert li.of_claim(first.receipt.claim) == []

    answer = li.answer(li.take(review), stand=review_pb2.Stand(), note="两家医院重复申报，移交监督")

    assert answer.review.outcome == review_pb2.REVIEW_OUTCOME_STANDS
    shown = li.get(review.name)
    assert shown.claim_on_file.state == claim_pb2.CLAIM_STATE_DUPLICATE
    assert [entry.move for entry in shown.history] == ["OPENED", "TAKEN", "STOOD"]
    assert li.of_claim(second.receipt.claim) == []


def test_decided_again_it_needs_two_persons_and_is_not_asked_once_more(
    stack: Stack, li: Reviewer, wang: Reviewer
) -> None:
    """By law it stays a duplicate while the first stands, whoever decides."""
    first, second = twice(stack)
    (review,) = li.of_claim(second.receipt.claim)

    proposed = li.answer(li.take(review), decide=review_pb2.Supplement())
    assert proposed.second_person_needed
    assert proposed.determination.outcome == claim_pb2.CLAIM_STATE_DUPLICATE
    with pytest.raises(Refusal):
        li.take(proposed.review)
    agreed = wang.answer(wang.take(proposed.review), agree=review_pb2.Agree())

    assert agreed.review.outcome == review_pb2.REVIEW_OUTCOME_DECIDED
    assert wang.get(review.name).claim_on_file.state == claim_pb2.CLAIM_STATE_DUPLICATE
    assert li.of_claim(second.receipt.claim) == []
    assert first.receipt.medical_fen == 450_000


def test_papers_that_are_false_deny_it(stack: Stack, li: Reviewer, wang: Reviewer) -> None:
    _, second = twice(stack)
    (review,) = li.of_claim(second.receipt.claim)

    proposed = li.answer(li.take(review), deny=review_pb2.DENY_REASON_PAPERS_FALSE)
    wang.answer(wang.take(proposed.review), agree=review_pb2.Agree())

    assert wang.get(review.name).claim_on_file.state == claim_pb2.CLAIM_STATE_DENIED
    assert li.of_claim(second.receipt.claim) == []


# --- without a broker -------------------------------------------------------------------------------------------------


async def tasks(desk: Desk) -> list[tuple[Any, ...]]:
    found = await rows(
        desk.dsn,
        """SELECT c.number, reason, risk, due_on, r.state, r.outcome
           FROM review_task AS r JOIN claim AS c ON c.id = claim_id ORDER BY r.id""",
    )
    return [tuple(task) for task in found]


def test_an_allowance_asked_for_twice_is_asked_once_and_closed_when_the_first_is_voided(stack: Stack) -> None:
    desk, who, due = Desk.open(stack), insured(stack), TODAY + timedelta(days=14)

    async def act() -> None:
        one, two = (submit(claim(number=n, person=who.number, employer=who.employer)) for n in "AB")
        await desk.take(one, two, two)
        assert await tasks(desk) == [("B", "DUPLICATE_DELIVERY", 60, due, "OPEN", None)]

        await desk.take(void("A"))
        await desk.look_again()

        assert (await desk.claim("B"))[0] == "APPROVED"
        assert await tasks(desk) == [("B", "DUPLICATE_DELIVERY", 60, due, "CLOSED", "SUPERSEDED")]

    asyncio.run(act())


def test_a_cost_that_the_residents_scheme_settled_is_asked_and_a_miscarriage_is_not(stack: Stack) -> None:
    """The second names her husband, so it is through him that she asks (GC09). Of other events nobody speaks of
    supervision.
    """
    desk, him = Desk.open(stack), Insured(id_number(sequence=401))
    wife, other = insured(stack, category=Category.RESIDENT), insured(stack)

    def cost(number: str, husband: str = "") -> bytes:
        return submit(medical(number=number, person=wife.number, husband=husband, stays=[stay_sent(500_000)]))

    def lost(number: str) -> bytes:
        made = claim(number=number, person=other.number, employer=other.employer)
        made.event.Clear()
        made.event.type = claim_pb2.EVENT_TYPE_MISCARRIAGE
        made.event.date.CopyFrom(claim(number="X").event.date)
        made.event.gestation_days = 100
        return submit(made)

    async def act() -> None:
        await insure(stack, him)
        assert [status for status, _ in await desk.take(cost("A"))] == ["DETERMINED"]
        assert await desk.take(cost("B", him.number)) == [("DETERMINED", ["DOUBLE_BENEFIT"])]
        assert await desk.take(lost("C"), lost("D")) == [("DETERMINED", []), ("DETERMINED", ["DUPLICATE_EVENT"])]

        asked = [(number, reason, state) for number, reason, _, _, state, _ in await tasks(desk)]
        assert asked == [("B", "DOUBLE_BENEFIT", "OPEN")]

    asyncio.run(act())


def test_a_delivery_near_another_that_a_reviewer_finds_to_be_the_same_is_not_asked_again(
    stack: Stack, li: Reviewer, wang: Reviewer
) -> None:
    who = insured(stack)
    near = [
        claim(number=claim_number(), person=who.number, employer=who.employer, on=on)
        for on in (date(2026, 3, 10), date(2026, 3, 12))
    ]
    _, waits = exchange(stack, *map(submit, near))
    assert waits.codes == [("DELIVERY_DATE_REVIEW", "")]
    (review,) = li.of_claim(waits.receipt.claim)

    proposed = li.answer(li.take(review), decide=review_pb2.Supplement(same_event=True))
    wang.answer(wang.take(proposed.review), agree=review_pb2.Agree())

    assert wang.get(review.name).claim_on_file.state == claim_pb2.CLAIM_STATE_DUPLICATE
    assert li.of_claim(waits.receipt.claim) == []
