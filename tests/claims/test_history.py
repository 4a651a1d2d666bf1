"""Kept rules: what an earlier revision stored is decided again to the byte, and can be read by today's code."""

from __future__ import annotations

import hashlib
from datetime import date

import orjson
import pytest

from services.claims import rules
from services.claims.model import (
    Benefit,
    Category,
    ClaimKind,
    Determination,
    EventType,
    Facts,
    LineKind,
    Payee,
    PriorKind,
    State,
)
from services.claims.rules.history import REVISIONS
from services.kit.law import canonical
from tests.claims.stored import Row, contents, law_of, stored


def row(outcome: State, reason: str | None = None) -> Row:
    """The first stored row of that outcome, with that reason."""
    for one in stored():
        result = orjson.loads(one.result)
        if result["outcome"] == outcome and (reason is None or reason in result["reasons"]):
            return one
    raise LookupError(outcome, reason)


def test_replay_after_an_upgrade_of_the_rules_still_reproduces_yesterdays_decisions() -> None:
    again = [REVISIONS[one.rules].again(one.facts, law_of(one.law)) for one in stored()]

    assert len(again) == 60
    assert again == [one.result for one in stored()]


def test_the_stored_rows_meet_every_step_and_every_end_of_the_old_rules() -> None:
    results = [orjson.loads(one.result) for one in stored()]

    assert {result["outcome"] for result in results} == {"APPROVED", "DENIED", "PENDED", "DUPLICATE"}
    assert {step[0] for result in results for step in result["trace"]} == {
        "ALLOWANCE", "CATEGORY", "CONTRIBUTIONS", "EMPLOYER_LEAVE", "FUND_LEAVES_LOCAL", "FUND_PAYS_LOCAL",
        "LEAVE_BASE", "LEAVE_CHECK", "LEAVE_DYSTOCIA", "LEAVE_INFANTS", "LEAVE_LOCAL", "LEAVE_THIRD_CHILD",
        "LEAVE_TOTAL", "LIABILITY", "NEAR_DELIVERY", "PAYEE_EMPLOYER", "PAYEE_PERSON", "SAME_DELIVERY",
        "THIRD_CHILD_OPEN", "TOPUP", "WAGE_BASE", "WAGE_CAPPED", "WAGE_MISSING", "WAGE_RAISED",
    }  # fmt: skip


def test_todays_revision_is_in_the_table_and_decides_by_todays_rules() -> None:
    facts = REVISIONS["2026.1"].lift_facts(orjson.loads(row(State.APPROVED).facts))

    again = REVISIONS[rules.REVISION].again(canonical(facts.as_data()), rules.LAW)

    assert again == canonical(rules.decide(facts, rules.LAW).as_data())


@pytest.mark.parametrize("one", stored())
def test_what_was_lifted_can_be_stored_in_todays_shape(one: Row) -> None:
    kept = REVISIONS[one.rules]
    facts, result = kept.lift_facts(orjson.loads(one.facts)), kept.lift_result(orjson.loads(one.result))

    assert Facts.from_data(orjson.loads(canonical(facts.as_data()))) == facts
    assert Determination.from_data(orjson.loads(canonical(result.as_data()))) == result


def test_old_facts_become_a_claim_of_the_allowance_alone() -> None:
    one = row(State.DUPLICATE)
    data = orjson.loads(one.facts)

    facts = REVISIONS["2026.1"].lift_facts(data)

    assert (facts.kind, facts.benefits) == (ClaimKind.ALLOWANCE, (Benefit.ALLOWANCE,))
    assert facts.decision_date == date.fromisoformat(data["decision_date"])
    assert facts.event.type is EventType.DELIVERY
    assert facts.event.date == date.fromisoformat(data["delivery"]["date"])
    assert facts.event.birth_order == data["delivery"]["birth_order"]
    assert facts.insured.category is Category(data["insured"]["category"])
    assert facts.insured.paid_months == tuple(map(tuple, data["insured"]["paid_months"]))
    assert facts.employer_wages == tuple(map(tuple, data["employer_wages"]))
    assert [(prior.kind, prior.event_date.isoformat()) for prior in facts.prior] == [
        (PriorKind.ALLOWANCE_APPROVED, day) for day in data["other_deliveries"]
    ]


def test_an_old_result_has_one_line_and_keeps_its_steps_in_their_order() -> None:
    one = row(State.APPROVED)
    data = orjson.loads(one.result)

    result = REVISIONS["2026.1"].lift_result(data)

    (line,) = result.lines
    assert (line.kind, line.outcome, line.amount_fen) == (
        LineKind.ALLOWANCE, State.APPROVED, data["figures"]["allowance_fen"],
    )  # fmt: skip
    assert line.payee is Payee(data["figures"]["payee"])
    assert [step[0] for step in result.steps()] == [step[0] for step in data["trace"]]
    assert result.figures.leave_days == data["figures"]["leave_days"]
    assert result.figures.leave_end == date.fromisoformat(data["figures"]["leave_end"])


def test_values_of_old_steps_are_numbers_where_they_were_numbers() -> None:
    data = {**orjson.loads(row(State.DUPLICATE).result)}
    data["trace"] = [
        ["ALLOWANCE", [["days", "98"], ["divisor", "30.42"]], "allowance.divisor", "30.42", "2026-07-01", "x"]
    ]

    (step,) = REVISIONS["2026.1"].lift_result(data).steps()

    assert step == ("ALLOWANCE", {"days": 98, "divisor": "30.42"}, "allowance.divisor", "30.42", "2026-07-01", "x")


def test_an_employers_part_that_was_not_known_stays_unknown() -> None:
    data = orjson.loads(row(State.APPROVED).result)
    del data["figures"]["employer_topup_fen"]

    assert REVISIONS["2026.1"].lift_result(data).figures.employer_topup_fen is None


def test_stored_law_is_what_its_digest_says() -> None:
    assert {digest: hashlib.sha256(content.encode()).hexdigest() for digest, content in contents().items()} == {
        digest: digest for digest in contents()
    }
