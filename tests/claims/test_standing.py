"""What a submission is to the claim on file under its number."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.claims import rules
from services.claims.model import FINAL, KEEPS, MOVES, Claim, Move, Payment, State, Submission, Void, VoidReason
from services.claims.rules import ACCEPTED, REPEATED, Standing, standing_of_void
from services.kit.messages import Language, Reason, reason
from tests.builders import DELIVERED, EMPLOYER, MOTHER, delivery

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


def submission(revision: int = 1, content: bytes = b"a") -> Submission:
    return Submission("C-1", revision, content, MOTHER, EMPLOYER, "610304", delivery(), None, None)


def standing(given: Submission, claim: Claim | None) -> Standing:
    return rules.standing(given, given.content, claim)


def on_file(*contents: bytes) -> Claim:
    """A claim with one revision for each content."""
    return Claim(
        UUID(int=1),
        "hospitals",
        "C-1",
        len(contents),
        State.APPROVED,
        "610304",
        DELIVERED,
        UUID(int=2),
        contents,
        NOON,
        NOON,
    )


def test_a_number_never_seen_is_accepted_as_new() -> None:
    assert standing(submission(1), None) == ACCEPTED


@pytest.mark.parametrize("revision", [2, 3, 2**32 - 1])
def test_a_correction_of_a_claim_that_does_not_exist_is_returned(revision: int) -> None:
    assert standing(submission(revision), None) == reason("REVISION_UNKNOWN", "replace.claim.claim_number")


def test_a_revision_of_zero_is_no_new_claim() -> None:
    assert isinstance(standing(submission(0), None), Reason)


def test_the_next_revision_is_accepted_even_with_the_same_content() -> None:
    assert standing(submission(2, b"b"), on_file(b"a")) == ACCEPTED
    assert standing(submission(2, b"a"), on_file(b"a")) == ACCEPTED
    assert standing(submission(4, b"d"), on_file(b"a", b"b", b"c")) == ACCEPTED


def test_a_revision_that_skips_one_is_told_the_one_expected() -> None:
    found = standing(submission(4), on_file(b"a", b"b"))

    assert found == reason("REVISION_GAP", "replace.revision", current=2, expected=3)


@pytest.mark.parametrize("revision", [1, 2, 3])
def test_any_revision_on_file_sent_again_is_repeated(revision: int) -> None:
    contents = (b"a", b"b", b"c")

    assert standing(submission(revision, contents[revision - 1]), on_file(*contents)) == REPEATED


def test_other_content_under_a_number_on_file_is_told_and_never_overwritten() -> None:
    found = standing(submission(1, b"z"), on_file(b"a"))

    assert found == reason("CONTENT_CONFLICT", "submit.claim.claim_number", expected=2)


def test_a_new_claim_under_a_corrected_number_is_a_conflict_too() -> None:
    found = standing(submission(1, b"z"), on_file(b"a", b"b", b"c"))

    assert found == reason("CONTENT_CONFLICT", "submit.claim.claim_number", expected=4)


def test_a_conflict_of_a_correction_is_located_in_the_correction() -> None:
    found = standing(submission(2, b"z"), on_file(b"a", b"b"))

    assert isinstance(found, Reason)
    assert (found.code, dict(found.values)) == ("CONTENT_CONFLICT", {"expected": "3"})
    assert found.field.startswith("replace.")  # the message has no `submit`


def test_a_revision_replaced_since_is_stale() -> None:
    found = standing(submission(2, b"z"), on_file(b"a", b"b", b"c"))

    assert found == reason("REVISION_STALE", "replace.revision", current=3, revision=2)


def test_the_content_of_another_revision_is_not_a_repetition() -> None:
    assert isinstance(standing(submission(1, b"b"), on_file(b"a", b"b")), Reason)


@pytest.mark.parametrize("state", [state for state in MOVES if state and state not in FINAL])
def test_a_claim_in_any_state_but_voided_knows_what_it_was_sent_before(state: State) -> None:
    assert standing(submission(1, b"a"), on_file(b"a")._replace(state=state)) == REPEATED


@pytest.mark.parametrize("state", [state for state, moves in MOVES.items() if state and Move.REPLACE in moves])
def test_a_claim_in_any_state_that_allows_it_takes_a_correction(state: State) -> None:
    assert standing(submission(2, b"b"), on_file(b"a")._replace(state=state)) == ACCEPTED


def test_a_withdrawn_claim_takes_no_correction_and_says_what_it_takes() -> None:
    found = standing(submission(2, b"b"), on_file(b"a")._replace(state=State.WITHDRAWN))

    assert found == reason("MOVE_NOT_ALLOWED", "replace.claim.claim_number", state="WITHDRAWN", allowed="VOID")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (submission(1, b"a"), "submit.claim.claim_number"),
        (submission(1, b"z"), "submit.claim.claim_number"),
        (submission(2, b"b"), "replace.claim.claim_number"),
    ],
)
def test_nothing_is_taken_in_under_a_voided_number(given: Submission, field: str) -> None:
    assert standing(given, on_file(b"a")._replace(state=State.VOIDED)) == reason("CLAIM_VOIDED", field)


@pytest.mark.parametrize("payment", [None, *Payment])
@pytest.mark.parametrize("state", [state for state, moves in MOVES.items() if state and Move.REPLACE in moves])
def test_a_claim_for_which_money_has_left_takes_no_new_correction(state: State, payment: Payment | None) -> None:
    """One that waits was begun before the money left, and is finished."""
    found = standing(submission(2, b"b"), on_file(b"a")._replace(state=state, payment=payment))

    if payment in {None, Payment.PAYABLE} or state in KEEPS:
        assert found == ACCEPTED
    else:
        assert found == reason("CLAIM_IN_PAYMENT", "replace.claim.claim_number", payment=payment)


# --- voids ------------------------------------------------------------------------------------------------------------


def void(revision: int = 1) -> Void:
    return Void("C-1", revision, VoidReason.ENTERED_TWICE, b"void")


def test_a_void_of_a_number_not_on_file_is_returned() -> None:
    assert standing_of_void(void(), b"v", None) == reason("VOID_UNKNOWN", "void.claim_number")


@pytest.mark.parametrize("revision", [1, 3])
def test_a_void_of_another_revision_than_that_on_file_is_told_both(revision: int) -> None:
    found = standing_of_void(void(revision), b"v", on_file(b"a", b"b"))

    assert found == reason("VOID_STALE", "void.revision", current=2, revision=revision)


@pytest.mark.parametrize("state", [state for state in MOVES if state and state not in FINAL])
def test_a_claim_in_any_state_is_voided_by_the_revision_on_file(state: State) -> None:
    assert standing_of_void(void(2), b"v", on_file(b"a", b"b")._replace(state=state)) == ACCEPTED


def test_the_same_void_again_is_a_repetition_and_another_is_told() -> None:
    voided = on_file(b"a")._replace(state=State.VOIDED, void_hash=b"v")

    assert standing_of_void(void(), b"v", voided) == REPEATED
    assert standing_of_void(void(), b"w", voided) == reason("VOID_ALREADY", "void.claim_number")


@pytest.mark.parametrize("language", Language)
def test_every_refusal_has_its_text(language: Language) -> None:
    refusals = [
        standing(submission(2), None),
        standing(submission(4), on_file(b"a")),
        standing(submission(1, b"z"), on_file(b"a")),
        standing(submission(2, b"z"), on_file(b"a", b"b", b"c")),
    ]

    assert all(isinstance(refusal, Reason) and refusal.text(language) for refusal in refusals)
