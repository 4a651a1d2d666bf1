"""`cradle reviews` as a reviewer has it, against the whole system."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.cli.main import app
from tests.claims.harness import insured
from tests.claims.reviewers import Reviewer, mismatched

pytestmark = pytest.mark.integration

Desk = Callable[..., Result]


@pytest.fixture(scope="module")
def desk(stack: Stack) -> Desk:
    def run(person: str, *arguments: object) -> Result:
        env = {**stack.environment, "LANG": "C", "CRADLE_TOKEN": Reviewer(stack, person).token}
        return CliRunner(env=env).invoke(app, ["reviews", *map(str, arguments)])

    return run


def waiting(stack: Stack) -> str:
    """The id of a review that is open."""
    claim = mismatched(stack).receipt.claim
    (found,) = Reviewer(stack, "li").of_claim(claim)
    return found.name.removeprefix("reviews/")


def data(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_queue_is_a_table_in_either_language(stack: Stack, desk: Desk) -> None:
    review = waiting(stack)

    english, chinese = desk("li", "list", "--limit", 1000), desk("li", "list", "--limit", 1000, "--language", "zh-CN")

    assert review in english.stdout.replace("\n", "")
    assert ("taken by" in english.stdout, "经办人" in chinese.stdout, "待审" in chinese.stdout) == (True, True, True)


def test_a_review_is_taken_looked_at_foreseen_and_answered(stack: Stack, desk: Desk) -> None:
    review = waiting(stack)

    taken = data(desk("li", "take", review, "--output", "json"))
    foreseen = data(desk("li", "answer", review, "--employer-confirmed", "--dry-run", "--output", "json"))
    answered = desk("li", "answer", review, "--employer-confirmed", "--note", "contract seen")
    shown = desk("li", "show", review)

    assert taken["assignee"] == "person/li"
    assert foreseen["determination"]["outcome"] == "CLAIM_STATE_APPROVED"
    assert answered.exit_code == 0
    assert "19,600.00" in answered.stdout
    assert "contract seen" in shown.stdout
    assert "A reviewer found" in " ".join(shown.stdout.split()) or "another employer" in shown.stdout.lower()


def test_a_refusal_is_told_with_its_reason_and_exit_code(stack: Stack, desk: Desk) -> None:
    review = waiting(stack)

    not_taken = desk("li", "answer", review, "--employer-confirmed")
    two_answers = desk("li", "answer", review, "--stand", "--agree")
    unknown = desk("li", "show", "00000000-0000-7000-8000-000000000000")
    malformed = desk("li", "show", "king")

    assert (not_taken.exit_code, two_answers.exit_code) == (2, 2)
    assert "REVIEW_NOT_TAKEN" in not_taken.output
    assert "CLI_ONE_ANSWER" in two_answers.output
    assert (unknown.exit_code, malformed.exit_code) == (3, 2)


def test_a_claim_is_pended_released_and_returned(stack: Stack, desk: Desk) -> None:
    review = waiting(stack)
    desk("li", "take", review)

    pended = desk("li", "pend", review, "--reason", "AWAITING_EXTERNAL")
    released = desk("li", "release", review)
    returned = data(desk("li", "return", review, "--reason", "EMPLOYER_WRONG", "--output", "json"))

    assert (pended.exit_code, released.exit_code) == (0, 0)
    assert "the answer of another body" in " ".join(pended.stdout.split()).lower()
    assert returned["outcome"] == "REVIEW_OUTCOME_RETURNED"


def test_a_claim_is_put_back_and_withdrawn(stack: Stack, desk: Desk) -> None:
    review = waiting(stack)

    desk("li", "take", review)
    left = data(desk("wang", "leave", review, "--output", "json"))
    desk("wang", "take", review)
    gone = data(desk("wang", "withdraw", review, "--output", "json"))

    assert left["assignee"] == ""
    assert gone["outcome"] == "REVIEW_OUTCOME_WITHDRAWN"


def test_a_sample_is_drawn(stack: Stack, desk: Desk) -> None:
    insured(stack)
    arguments = ("sample", "--seed", 3, "--share", 0.5, "--since", "2026-11-01")

    drawn = data(desk("li", *arguments, "--dry-run", "--output", "json"))
    day = desk("li", "sample", "--seed", 3, "--share", 0.5, "--since", "yesterday")

    assert drawn["opened"] == "0"
    assert (day.exit_code, "FACT_NOT_DATE" in day.output) == (2, True)
