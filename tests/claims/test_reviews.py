"""Review on the running system: the queue, two persons on one claim, the second person, answers, replay."""

from __future__ import annotations

import asyncio
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from cradle.claims.v1 import claim_pb2, intake_pb2, review_pb2
from cradle.registry.v1 import service_pb2 as registry_pb2

from deploy.local.stack import Stack
from services.claims.model import Category, Facts
from services.claims.rules import REVISION, decide
from services.kit import law as laws
from services.kit.calendar import CALENDAR
from services.kit.dates import civil, to_proto
from services.kit.law import canonical
from tests.builders import (
    claim,
    claim_number,
    employer_record,
    id_number,
    medical,
    person_record,
    provider_record,
    replacement,
    spans,
    stay_sent,
    submit,
)
from tests.claims.harness import Insured, claims_dsn, events, exchange, insured, receipts_of, record
from tests.claims.reviewers import Refusal, Reviewer, mismatched, move
from tests.kit.live import eventually, rows, unique, value

pytestmark = pytest.mark.integration


@pytest.fixture
def li(stack: Stack) -> Reviewer:
    return Reviewer(stack, "li")


@pytest.fixture
def wang(stack: Stack) -> Reviewer:
    return Reviewer(stack, "wang")


def one(found: list[review_pb2.Review]) -> review_pb2.Review:
    assert len(found) == 1
    return found[0]


def stored(stack: Stack, name: str) -> list[asyncpg.Record]:
    sql = "SELECT * FROM determination WHERE claim_id = $1 ORDER BY version"
    return asyncio.run(rows(claims_dsn(stack), sql, UUID(name.removeprefix("claims/"))))


def decided_again(stack: Stack, row: asyncpg.Record) -> str:
    law = asyncio.run(value(claims_dsn(stack), "SELECT content FROM law WHERE digest = $1", row["law_digest"]))
    return canonical(decide(Facts.from_data(json.loads(row["facts"])), laws.from_content(law)).as_data())


# --- the queue -------------------------------------------------------------------------------------------------------


def test_a_claim_that_waits_for_a_person_is_in_the_queue_with_its_due_date(stack: Stack, li: Reviewer) -> None:
    waiting = mismatched(stack)

    review = one(li.of_claim(waiting.receipt.claim))

    received = civil(waiting.receipt.receive_time.ToDatetime(tzinfo=UTC))
    assert (review.reason.code, review.risk, review.assignee) == ("EMPLOYER_MISMATCH", 50, "")
    assert review.state == review_pb2.REVIEW_STATE_OPEN
    due = CALENDAR.add_working_days(received, 10)
    assert (review.due_date.year, review.due_date.month, review.due_date.day) == (due.year, due.month, due.day)
    assert [(entry.actor, entry.move) for entry in li.get(review.name).history] == [("system", "OPENED")]


def test_a_claim_that_no_person_can_decide_is_not_in_the_queue(stack: Stack, li: Reviewer) -> None:
    (answer,) = exchange(stack, submit(claim(number=claim_number(), employer=insured(stack).employer)))

    assert answer.codes == [("AWAITING_COVERAGE", ""), ("PERSON_UNKNOWN", "")]
    assert li.of_claim(answer.receipt.claim) == []


def test_the_queue_is_by_due_date_then_risk_and_is_paged_without_a_gap(stack: Stack, li: Reviewer) -> None:
    for _ in range(3):
        mismatched(stack)
    whole = li.queue()
    paged: list[review_pb2.Review] = []
    token = ""
    while True:
        page = li.call("ListReviews", review_pb2.ListReviewsRequest(page_size=2, page_token=token))
        paged += page.reviews
        token = page.next_page_token
        if not token:
            break

    def key(review: review_pb2.Review) -> Any:
        due = review.due_date
        return (date(due.year, due.month, due.day) if due.year else date.max, -review.risk, review.name)

    assert [key(review) for review in whole] == sorted(key(review) for review in whole)
    assert [review.name for review in paged] == [review.name for review in whole]
    assert len(whole) >= 3


def test_the_queue_is_filtered(stack: Stack, li: Reviewer) -> None:
    waiting = mismatched(stack)
    review = li.take(one(li.of_claim(waiting.receipt.claim)))

    def names(**wanted: Any) -> set[str]:
        return {found.name for found in li.queue(**wanted)}

    assert review.name in names(county=review.county, reason="EMPLOYER_MISMATCH", assignee="person/li")
    assert review.name in names(kind=claim_pb2.CLAIM_KIND_ALLOWANCE, state=review_pb2.REVIEW_STATE_OPEN)
    assert names(claim=waiting.receipt.claim) == {review.name}
    assert review.name not in names(assignee="-")
    assert review.name not in names(county="610331")
    assert review.name not in names(reason="WAGE_REQUIRED")
    assert review.name not in names(state=review_pb2.REVIEW_STATE_CLOSED)


# --- deciding --------------------------------------------------------------------------------------------------------


def test_what_a_reviewer_decides_is_determined_told_and_decided_again_to_the_byte(stack: Stack, li: Reviewer) -> None:
    waiting = mismatched(stack, own_wage_fen=810_000)
    review = li.take(one(li.of_claim(waiting.receipt.claim)))

    answer = li.confirm(review, note="王某的劳动合同已核对")

    assert answer.review.state == review_pb2.REVIEW_STATE_CLOSED
    assert answer.review.outcome == review_pb2.REVIEW_OUTCOME_DECIDED
    assert (answer.determination.allowance_fen, answer.second_person_needed) == (1_960_000, False)
    (row,) = stored(stack, waiting.receipt.claim)
    assert (row["version"], row["revision"], row["outcome"], row["rules_revision"]) == (2, 1, "APPROVED", REVISION)
    assert json.loads(row["facts"])["reviewed"] == {"employer_confirmed": True}
    assert decided_again(stack, row) == row["result"]
    event = events(stack, waiting.receipt.claim, 2)[-1]
    assert (event.version, event.determined.allowance_fen) == (2, 1_960_000)
    told = receipts_of(stack, waiting.receipt.claim_number, 2)[-1]
    assert (told.status, told.receipt.allowance_fen) == ("DETERMINED", 1_960_000)
    assert told.receipt.receipt_id != waiting.receipt.receipt_id
    assert told.receipt.content_hash == waiting.receipt.content_hash


def test_the_history_tells_who_did_what_and_the_note_is_sealed(stack: Stack, li: Reviewer) -> None:
    review = li.take(one(li.of_claim(mismatched(stack).receipt.claim)))
    li.confirm(review, note="王某的劳动合同已核对")

    found = li.get(review.name)

    moves = [(entry.number, entry.actor, entry.move, entry.note) for entry in found.history]
    assert moves == [
        (1, "system", "OPENED", ""),
        (2, "person/li", "TAKEN", ""),
        (3, "person/li", "DECIDED", "王某的劳动合同已核对"),
    ]
    assert json.loads(found.facts_json)["reviewed"] == {"employer_confirmed": True}
    assert found.steps[0].rule == "FOUND_EMPLOYER"
    kept = asyncio.run(rows(claims_dsn(stack), "SELECT note_sealed FROM review_entry WHERE note_sealed IS NOT NULL"))
    assert all("王某".encode() not in row["note_sealed"] for row in kept)


def test_a_decision_can_be_foreseen_and_changes_nothing(stack: Stack, li: Reviewer) -> None:
    waiting = mismatched(stack)
    review = li.take(one(li.of_claim(waiting.receipt.claim)))

    foreseen = li.confirm(review, validate_only=True)

    assert foreseen.determination.allowance_fen == 1_960_000
    assert foreseen.review.etag == review.etag
    assert stored(stack, waiting.receipt.claim) == []
    assert one(li.of_claim(waiting.receipt.claim)).etag == review.etag


def test_what_still_waits_is_refused_with_what_it_waits_for(stack: Stack, li: Reviewer) -> None:
    review = li.take(one(li.of_claim(mismatched(stack).receipt.claim)))

    with pytest.raises(Refusal) as raised:
        li.answer(review, decide=review_pb2.Supplement())

    assert raised.value.status == "FAILED_PRECONDITION"
    assert raised.value.codes == (("STILL_WAITS", "decide"),)
    assert "EMPLOYER_MISMATCH" in raised.value.text


def test_a_finding_about_what_is_no_question_is_refused(stack: Stack, li: Reviewer) -> None:
    review = li.take(one(li.of_claim(mismatched(stack).receipt.claim)))

    with pytest.raises(Refusal) as raised:
        li.answer(review, decide=review_pb2.Supplement(employer_confirmed=True, third_child=True, same_event=False))

    assert raised.value.codes == (
        ("FINDING_NOT_ASKED", "decide.third_child"),
        ("FINDING_NOT_ASKED", "decide.same_event"),
    )


def test_a_denial_has_its_reason_and_is_decided_again_to_the_byte(stack: Stack, li: Reviewer) -> None:
    waiting = mismatched(stack)
    review = li.take(one(li.of_claim(waiting.receipt.claim)))

    answer = li.answer(review, deny=review_pb2.DENY_REASON_EMPLOYMENT_NOT_REAL)

    assert answer.determination.outcome == claim_pb2.CLAIM_STATE_DENIED
    (row,) = stored(stack, waiting.receipt.claim)
    assert decided_again(stack, row) == row["result"]
    told = receipts_of(stack, waiting.receipt.claim_number, 2)[-1]
    assert (told.status, told.codes) == ("DETERMINED", [("EMPLOYMENT_NOT_REAL", "")])


def near(stack: Stack, who: Insured, day: date) -> review_pb2.Review:
    """A claim near another delivery of hers that was approved."""
    sent = [
        claim(number=claim_number(), person=who.number, employer=who.employer, on=on) for on in (date(2026, 3, 10), day)
    ]
    _, answer = exchange(stack, *map(submit, sent))
    assert answer.codes == [("DELIVERY_DATE_REVIEW", "")]
    return one(Reviewer(stack, "li").of_claim(answer.receipt.claim))


def miscarried(
    stack: Stack, who: Insured, number: str, gestation_days: int | None = None
) -> intake_pb2.ClaimSubmission:
    sent = claim(number=number, person=who.number, employer=who.employer)
    event = intake_pb2.MaternityEvent(
        type=claim_pb2.EVENT_TYPE_MISCARRIAGE, date=sent.event.date, gestation_days=gestation_days
    )
    sent.event.CopyFrom(event)
    return sent


def test_a_gestation_from_the_certificate_decides_a_miscarriage(stack: Stack, li: Reviewer) -> None:
    number = claim_number()
    (waits,) = exchange(stack, submit(miscarried(stack, insured(stack), number)))
    assert waits.codes == [("GESTATION_REQUIRED", "")]
    review = li.take(one(li.of_claim(waits.receipt.claim)))

    answer = li.answer(review, decide=review_pb2.Supplement(gestation_days=120))

    assert answer.determination.fund_days == 42
    row = stored(stack, waits.receipt.claim)[-1]
    assert (row["outcome"], row["revision"], row["sequence"]) == ("APPROVED", 1, 1)
    assert decided_again(stack, row) == row["result"]


def twins(stack: Stack) -> tuple[str, review_pb2.Review]:
    """An approved claim whose infants bring the children to three."""
    who = insured(stack)
    sent = claim(number=claim_number(), person=who.number, employer=who.employer, birth_order=2)
    sent.event.infants = 2
    (answer,) = exchange(stack, submit(sent))
    assert (answer.status, answer.codes) == ("DETERMINED", [("THIRD_CHILD_REVIEW", "")])
    return answer.receipt.claim, one(Reviewer(stack, "li").of_claim(answer.receipt.claim))


@pytest.mark.parametrize(("applies", "more_days"), [(True, 15), (False, 0)])
def test_whether_a_third_child_counts_is_found_and_the_approved_claim_is_decided_again(
    stack: Stack, li: Reviewer, *, applies: bool, more_days: int
) -> None:
    name, review = twins(stack)

    answer = li.answer(li.take(review), decide=review_pb2.Supplement(third_child=applies))

    first, second = stored(stack, name)
    days = [json.loads(row["result"])["figures"]["leave_days"] for row in (first, second)]
    assert days[1] - days[0] == more_days
    assert answer.determination.reasons == []
    assert [(row["revision"], row["sequence"]) for row in (first, second)] == [(1, 1), (1, 2)]
    assert decided_again(stack, second) == second["result"]
    assert events(stack, name, 2)[-1].version == 2


def test_what_a_decision_leaves_open_is_asked_in_its_turn(stack: Stack, li: Reviewer) -> None:
    who, other = insured(stack), insured(stack)
    sent = claim(number=claim_number(), person=who.number, employer=other.employer, birth_order=2)
    sent.event.infants = 2
    (waits,) = exchange(stack, submit(sent))

    li.confirm(li.take(one(li.of_claim(waits.receipt.claim))))

    assert one(li.of_claim(waits.receipt.claim)).reason.code == "THIRD_CHILD_REVIEW"


def test_coverage_that_came_meanwhile_is_what_is_decided_on(stack: Stack, li: Reviewer) -> None:
    who = insured(stack, paid="2026-01..2026-11")
    waiting = mismatched(stack, who)
    review = li.take(one(li.of_claim(waiting.receipt.claim)))
    more = person_record(who.number, who.employer, paid=spans("2024-01..2026-11"))
    asyncio.run(record(stack, [], [more]))

    answer = li.confirm(review)

    assert answer.determination.outcome == claim_pb2.CLAIM_STATE_APPROVED


def test_an_error_found_in_a_sample_is_mended_by_deciding_again(stack: Stack, li: Reviewer, wang: Reviewer) -> None:
    who = insured(stack)
    paid, again = exchange(
        stack, *[submit(claim(number=claim_number(), person=who.number, employer=who.employer)) for _ in range(2)]
    )
    sample(li, 9, 1_000_000)
    sampled = li.take(one([r for r in li.of_claim(paid.receipt.claim) if r.reason.code == "QUALITY_SAMPLE"]))
    li.answer(sampled, error_found=review_pb2.ERROR_REASON_FACTS_WRONG)
    wrong = li.take(one(li.of_claim(paid.receipt.claim)))

    proposed = li.answer(wrong, deny=review_pb2.DENY_REASON_PAPERS_FALSE).review
    wang.answer(wang.take(proposed), agree=review_pb2.Agree())

    first, second = stored(stack, paid.receipt.claim)
    assert (first["outcome"], second["outcome"], second["sequence"]) == ("APPROVED", "DENIED", 2)
    held = "SELECT count(*) FROM benefit_hold WHERE claim_id = $1"
    assert asyncio.run(value(claims_dsn(stack), held, UUID(paid.receipt.claim.removeprefix("claims/")))) == 0
    # What repeated it is not approved for that: whether the finding is about it too, only a person can say. Nor is it
    # when it is looked at again, for what is heard of her or her employer, however late.
    asyncio.run(looked_at(stack, again.receipt.claim))
    assert [row["outcome"] for row in stored(stack, again.receipt.claim)] == ["DUPLICATE"]
    asyncio.run(
        heard(stack, again.receipt.claim, person_record(who.number, who.employer, paid=spans("2023-01..2026-11")))
    )
    asyncio.run(looked_at(stack, again.receipt.claim))
    assert [row["outcome"] for row in stored(stack, again.receipt.claim)] == ["DUPLICATE"]


async def looked_at(stack: Stack, name: str) -> None:
    """Return when the claim is not queued to be looked at."""
    queued = "SELECT EXISTS (SELECT FROM look_again WHERE claim_id = $1)"
    claim_id = UUID(name.removeprefix("claims/"))

    async def is_looked_at() -> bool:
        return not await value(claims_dsn(stack), queued, claim_id)

    await eventually(is_looked_at)


async def heard(stack: Stack, name: str, known: registry_pb2.PersonRecord) -> None:
    """Have the registry know otherwise of a claim's person, and claims hear of it."""
    sql = "SELECT max(coverage_version) FROM person JOIN claim ON person.id = claim.person WHERE claim.id = $1"
    claim_id = UUID(name.removeprefix("claims/"))
    before = await value(claims_dsn(stack), sql, claim_id)
    await record(stack, [], [known])

    async def is_heard() -> bool:
        return bool(await value(claims_dsn(stack), sql, claim_id) != before)

    await eventually(is_heard)


# --- the second person -----------------------------------------------------------------------------------------------


def test_a_risky_decision_is_proposed_and_a_second_person_decides(stack: Stack, li: Reviewer, wang: Reviewer) -> None:
    review = li.take(near(stack, insured(stack), date(2026, 3, 20)))

    proposed = li.answer(review, decide=review_pb2.Supplement(same_event=True))

    assert proposed.second_person_needed
    assert proposed.review.state == review_pb2.REVIEW_STATE_PROPOSED
    assert proposed.review.proposal.proposer == "person/li"
    assert stored(stack, review.claim)[-1]["outcome"] == "PENDED"
    agreed = wang.answer(wang.take(proposed.review), agree=review_pb2.Agree())
    assert agreed.review.outcome == review_pb2.REVIEW_OUTCOME_DECIDED
    row = stored(stack, review.claim)[-1]
    assert row["outcome"] == "DUPLICATE"
    assert decided_again(stack, row) == row["result"]
    sql = "SELECT first_person, second_person, second_needed FROM review_decision WHERE claim_id = $1"
    (by,) = asyncio.run(rows(claims_dsn(stack), sql, UUID(review.claim.removeprefix("claims/"))))
    assert tuple(by) == ("person/li", "person/wang", True)


def test_another_delivery_near_is_approved_once_a_reviewer_found_it_so(
    stack: Stack, li: Reviewer, wang: Reviewer
) -> None:
    review = li.take(near(stack, insured(stack), date(2026, 3, 21)))
    proposed = li.answer(review, decide=review_pb2.Supplement(same_event=False)).review

    wang.answer(wang.take(proposed), agree=review_pb2.Agree())

    row = stored(stack, review.claim)[-1]
    assert row["outcome"] == "APPROVED"
    assert decided_again(stack, row) == row["result"]


def test_who_proposed_cannot_be_the_second_person(stack: Stack, li: Reviewer) -> None:
    review = li.take(near(stack, insured(stack), date(2026, 3, 22)))
    proposed = li.answer(review, decide=review_pb2.Supplement(same_event=True)).review

    with pytest.raises(Refusal) as raised:
        li.take(proposed)

    assert raised.value.codes == (("SECOND_PERSON_NEEDED", ""),)


def test_a_second_person_may_disagree_and_it_is_open_again(stack: Stack, li: Reviewer, wang: Reviewer) -> None:
    review = li.take(near(stack, insured(stack), date(2026, 3, 23)))
    proposed = li.answer(review, decide=review_pb2.Supplement(same_event=True)).review

    after = wang.answer(wang.take(proposed), disagree=review_pb2.DISAGREE_REASON_FACTS_DOUBTED).review

    assert (after.state, after.assignee) == (review_pb2.REVIEW_STATE_OPEN, "")
    assert not after.HasField("proposal")
    assert li.get(review.name).history[-1].reason == "FACTS_DOUBTED"


# --- two at once, twice, stale ---------------------------------------------------------------------------------------


def test_of_two_reviewers_at_once_one_has_it_and_the_other_is_told_who(
    stack: Stack, li: Reviewer, wang: Reviewer
) -> None:
    for _ in range(5):
        review = one(li.of_claim(mismatched(stack).receipt.claim))

        def attempt(person: Reviewer, review: review_pb2.Review = review) -> Any:
            try:
                return person.take(review)
            except Refusal as refusal:
                return refusal

        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(attempt, (li, wang)))

        refused = [result for result in results if isinstance(result, Refusal)]
        (taken,) = [result for result in results if not isinstance(result, Refusal)]
        assert [result.status for result in refused] == ["ABORTED"]
        assert f"TAKEN {taken.assignee}" in refused[0].text


def test_a_move_on_a_stale_etag_is_refused_with_what_changed(stack: Stack, li: Reviewer) -> None:
    review = one(li.of_claim(mismatched(stack).receipt.claim))
    li.take(review)

    with pytest.raises(Refusal) as raised:
        li.confirm(review)

    assert (raised.value.status, raised.value.codes) == ("ABORTED", (("REVIEW_CHANGED", "move.etag"),))
    assert "TAKEN person/li" in raised.value.text


def test_the_same_request_twice_is_answered_once(stack: Stack, li: Reviewer) -> None:
    waiting = mismatched(stack)
    review, request_id = li.take(one(li.of_claim(waiting.receipt.claim))), unique("request")

    first = li.confirm(review, request_id=request_id)
    again = li.confirm(review, request_id=request_id)

    assert first == again
    assert len(stored(stack, waiting.receipt.claim)) == 1
    with pytest.raises(Refusal) as raised:
        li.answer(review, request_id=request_id, deny=review_pb2.DENY_REASON_PAPERS_FALSE)
    assert raised.value.codes == (("REQUEST_ID_REUSED", "move.request_id"),)


def test_two_answers_at_once_decide_once(stack: Stack, li: Reviewer) -> None:
    waiting = mismatched(stack)
    review = li.take(one(li.of_claim(waiting.receipt.claim)))

    def attempt(request_id: str) -> str:
        try:
            li.confirm(review, request_id=request_id)
        except Refusal as refused:
            return refused.status
        return "OK"

    with ThreadPoolExecutor(4) as pool:
        same = list(pool.map(attempt, ["same-" + review.name[-12:]] * 2 + [unique("a"), unique("b")]))

    assert set(same) <= {"OK", "ABORTED"}
    assert len(stored(stack, waiting.receipt.claim)) == 1


def test_who_has_not_taken_it_moves_nothing(stack: Stack, li: Reviewer, wang: Reviewer) -> None:
    review = one(li.of_claim(mismatched(stack).receipt.claim))

    with pytest.raises(Refusal) as raised:
        li.confirm(review)
    assert raised.value.codes == (("REVIEW_NOT_TAKEN", ""),)

    taken = li.take(review)
    with pytest.raises(Refusal) as raised:
        wang.confirm(taken)
    assert raised.value.codes == (("REVIEW_HELD", ""),)


def test_a_senders_system_has_no_review(stack: Stack, li: Reviewer) -> None:
    review, sender = one(li.of_claim(mismatched(stack).receipt.claim)), Reviewer(stack, "", role="source")

    for refused in (sender.queue, lambda: sender.get(review.name), lambda: sender.take(review)):
        with pytest.raises(Refusal) as raised:
            refused()
        assert (raised.value.status, raised.value.codes) == ("PERMISSION_DENIED", (("AUTH_PERMISSION_MISSING", ""),))


def test_a_countys_reviewer_has_the_countys_reviews_and_no_others(stack: Stack, li: Reviewer) -> None:
    review = one(li.of_claim(mismatched(stack, county="610304").receipt.claim))
    hers, others = (Reviewer(stack, f"of-{county}", "county-reviewer", (county,)) for county in ("610304", "610331"))

    assert review.name in {found.name for found in hers.queue()}
    assert review.name not in {found.name for found in others.queue()}
    for refused in (lambda: others.get(review.name), lambda: others.take(review), lambda: others.confirm(review)):
        with pytest.raises(Refusal) as raised:
            refused()
        assert (raised.value.status, raised.value.codes) == ("NOT_FOUND", (("NOT_FOUND", "name"),))
    with pytest.raises(Refusal) as raised:
        sample(hers, 1, 1_000_000)
    assert raised.value.status == "PERMISSION_DENIED"
    assert hers.confirm(hers.take(review)).review.outcome == review_pb2.REVIEW_OUTCOME_DECIDED


# --- pend, return, replace -------------------------------------------------------------------------------------------


def pended(li: Reviewer, review: review_pb2.Review, why: str) -> review_pb2.Review:
    reason = review_pb2.PendReason.Value(f"PEND_REASON_{why}")
    answered: review_pb2.Review = li.call("PendClaim", review_pb2.PendClaimRequest(move=move(review), reason=reason))
    return answered


def returned(li: Reviewer, review: review_pb2.Review) -> review_pb2.Review:
    request = review_pb2.ReturnClaimRequest(
        move=move(review),
        reasons=[review_pb2.RETURN_REASON_DOCUMENTS_NOT_SENT, review_pb2.RETURN_REASON_EMPLOYER_WRONG],
    )
    answered: review_pb2.Review = li.call("ReturnClaim", request)
    return answered


def test_a_claim_is_pended_returned_replaced_and_decided(stack: Stack, li: Reviewer) -> None:
    who, number = insured(stack), claim_number()
    waiting = mismatched(stack, who, number=number)
    review = li.take(one(li.of_claim(waiting.receipt.claim)))

    held = pended(li, review, "AWAITING_DOCUMENTS")
    back = returned(li, held)
    (replaced,) = exchange(stack, replacement(claim(number=number, person=who.number, employer=who.employer), 2))

    assert held.pend_reason == review_pb2.PEND_REASON_AWAITING_DOCUMENTS
    assert back.outcome == review_pb2.REVIEW_OUTCOME_RETURNED
    told = receipts_of(stack, number, 4)
    assert [(one.status, [code for code, _ in one.codes]) for one in told] == [
        ("PENDED", ["EMPLOYER_MISMATCH"]),
        ("PENDED", ["AWAITING_DOCUMENTS"]),
        ("RETURNED", ["RETURN_DOCUMENTS_NOT_SENT", "RETURN_EMPLOYER_WRONG"]),
        ("DETERMINED", []),
    ]
    assert replaced.receipt.claim == waiting.receipt.claim
    assert [event.version for event in events(stack, waiting.receipt.claim, 4)] == [1, 2, 3, 4]


def test_a_correction_that_is_given_back_leaves_what_was_approved_before_a_person(stack: Stack, li: Reviewer) -> None:
    """Nothing decides it again by itself; its sender's next word closes the question."""
    who, other, number = insured(stack), insured(stack), claim_number()
    approved = claim(number=number, person=who.number, employer=who.employer)
    elsewhere = claim(number=number, person=who.number, employer=other.employer)
    first, waits = exchange(stack, submit(approved), replacement(elsewhere, 2))
    assert (first.status, waits.codes) == ("DETERMINED", [("EMPLOYER_MISMATCH", "")])

    returned(li, li.take(one(li.of_claim(first.receipt.claim))))

    assert [review.reason.code for review in li.of_claim(first.receipt.claim)] == ["CORRECTION_RETURNED"]
    (again,) = exchange(stack, replacement(approved, 3))
    assert (again.status, li.of_claim(first.receipt.claim)) == ("DETERMINED", [])


def test_awaiting_documents_is_no_look_up_and_hides_no_news(stack: Stack, li: Reviewer) -> None:
    """A change of coverage is news to a claim by what was known when it was last looked up, not when it was pended."""
    waiting = mismatched(stack)
    sql, claim_id = (
        "SELECT known_at FROM waiting WHERE claim_id = $1",
        UUID(waiting.receipt.claim.removeprefix("claims/")),
    )
    before = asyncio.run(value(claims_dsn(stack), sql, claim_id))

    pended(li, li.take(one(li.of_claim(waiting.receipt.claim))), "AWAITING_DOCUMENTS")

    assert asyncio.run(value(claims_dsn(stack), sql, claim_id)) == before


def test_a_correction_closes_what_was_asked_about_the_claim_before_it(stack: Stack, li: Reviewer) -> None:
    who, number = insured(stack), claim_number()
    waiting = mismatched(stack, who, number=number)
    review = one(li.of_claim(waiting.receipt.claim))

    exchange(stack, replacement(claim(number=number, person=who.number, employer=who.employer), 2))

    after = li.get(review.name)
    assert after.outcome == review_pb2.REVIEW_OUTCOME_SUPERSEDED
    assert [entry.move for entry in after.history] == ["OPENED", "SUPERSEDED"]
    with pytest.raises(Refusal) as raised:
        li.take(after)
    assert raised.value.codes == (("REVIEW_MOVE_NOT_ALLOWED", ""),)


def test_a_pend_is_released_and_an_investigation_tells_nobody(stack: Stack, li: Reviewer) -> None:
    waiting = mismatched(stack)
    held = pended(li, li.take(one(li.of_claim(waiting.receipt.claim))), "INVESTIGATION")

    free = li.call("ReleasePend", review_pb2.ReleasePendRequest(move=move(held)))

    assert (free.state, free.pend_reason) == (review_pb2.REVIEW_STATE_OPEN, review_pb2.PEND_REASON_UNSPECIFIED)
    assert free.due_date == held.due_date
    sql = "SELECT version FROM claim WHERE id = $1"
    assert asyncio.run(value(claims_dsn(stack), sql, UUID(waiting.receipt.claim.removeprefix("claims/")))) == 1


def test_a_claim_is_withdrawn_before_it_is_determined(stack: Stack, li: Reviewer) -> None:
    waiting = mismatched(stack)
    review = li.take(one(li.of_claim(waiting.receipt.claim)))

    gone = li.call("WithdrawClaim", review_pb2.WithdrawClaimRequest(move=move(review)))

    assert gone.outcome == review_pb2.REVIEW_OUTCOME_WITHDRAWN
    told = receipts_of(stack, waiting.receipt.claim_number, 2)[-1]
    assert (told.status, told.receipt.outcome) == ("RETURNED", claim_pb2.CLAIM_STATE_WITHDRAWN)


def test_what_was_determined_is_not_withdrawn(stack: Stack, li: Reviewer) -> None:
    who, number = insured(stack), claim_number()
    exchange(stack, submit(claim(number=number, person=who.number, employer=who.employer)))
    other = insured(stack)
    (waits,) = exchange(stack, replacement(claim(number=number, person=who.number, employer=other.employer), 2))
    review = li.take(one(li.of_claim(waits.receipt.claim)))

    with pytest.raises(Refusal) as raised:
        li.call("WithdrawClaim", review_pb2.WithdrawClaimRequest(move=move(review)))

    assert raised.value.codes == (("WITHDRAW_TOO_LATE", ""),)


# --- coverage corrected against her ------------------------------------------------------------------------------


def corrected_against(stack: Stack, person: Reviewer) -> tuple[str, review_pb2.Review]:
    """An approved claim whose coverage is corrected to her disadvantage, and the review of it."""
    who = insured(stack)
    (answer,) = exchange(stack, submit(claim(number=claim_number(), person=who.number, employer=who.employer)))
    fewer = person_record(who.number, who.employer, paid=spans("2026-01..2026-11"))
    asyncio.run(record(stack, [], [fewer]))

    async def asked() -> list[review_pb2.Review]:
        return [found for found in person.of_claim(answer.receipt.claim) if found.reason.code == "COVERAGE_WORSE"]

    return answer.receipt.claim, one(asyncio.run(eventually(asked)))


def test_coverage_against_her_changes_nothing_until_a_reviewer_lets_it_stand(stack: Stack, li: Reviewer) -> None:
    name, review = corrected_against(stack, li)

    stands = li.answer(li.take(review), stand=review_pb2.Stand()).review

    assert stands.outcome == review_pb2.REVIEW_OUTCOME_STANDS
    assert [row["outcome"] for row in stored(stack, name)] == ["APPROVED"]
    assert [entry.move for entry in li.get(review.name).history] == ["OPENED", "TAKEN", "STOOD"]


def test_coverage_against_her_is_decided_again_by_two_persons(stack: Stack, li: Reviewer, wang: Reviewer) -> None:
    name, review = corrected_against(stack, li)
    proposed = li.answer(li.take(review), decide=review_pb2.Supplement()).review

    wang.answer(wang.take(proposed), agree=review_pb2.Agree())

    first, second = stored(stack, name)
    assert (first["outcome"], second["outcome"]) == ("APPROVED", "DENIED")
    assert decided_again(stack, second) == second["result"]


def test_a_husbands_coverage_against_her_is_decided_by_what_is_known_of_him_now(
    stack: Stack, li: Reviewer, wang: Reviewer
) -> None:
    hospital, him = "H61030200123", Insured(id_number(sequence=401))
    asyncio.run(record(stack, providers=[provider_record(hospital)]))
    wife = insured(stack, category=Category.RESIDENT)
    insured(stack, made=him)
    sent = medical(number=claim_number(), person=wife.number, husband=him.number, stays=[stay_sent(provider=hospital)])
    (answer,) = exchange(stack, submit(sent))
    insured(stack, made=him, category=Category.RESIDENT)

    async def asked() -> list[review_pb2.Review]:
        return li.of_claim(answer.receipt.claim)

    review = one(asyncio.run(eventually(asked)))
    proposed = li.answer(li.take(review), decide=review_pb2.Supplement()).review
    wang.answer(wang.take(proposed), agree=review_pb2.Agree())

    first, second = [json.loads(row["result"])["figures"]["medical_fen"] for row in stored(stack, answer.receipt.claim)]
    assert (review.reason.code, first, second) == ("COVERAGE_WORSE", 250_000, 227_500)


def test_who_a_reviewer_confirmed_stays_confirmed_when_more_months_are_paid(stack: Stack, li: Reviewer) -> None:
    who = insured(stack)
    waiting = mismatched(stack, who)
    li.confirm(li.take(one(li.of_claim(waiting.receipt.claim))))
    more = person_record(who.number, who.employer, paid=spans("2023-06..2026-11"))
    asyncio.run(record(stack, [], [more]))
    heard = "SELECT coverage_version FROM person WHERE id = (SELECT person FROM claim WHERE id = $1)"
    claim_id = UUID(waiting.receipt.claim.removeprefix("claims/"))

    async def is_heard() -> bool:
        return bool(await value(claims_dsn(stack), heard, claim_id) > 0)

    asyncio.run(eventually(is_heard))

    assert [review.reason.code for review in li.of_claim(waiting.receipt.claim)] == []


def test_whose_employer_a_reviewer_confirmed_is_decided_again_by_the_wage_of_the_one_that_pays(
    stack: Stack, li: Reviewer
) -> None:
    who = insured(stack)
    waiting = mismatched(stack, who)
    claim_id = UUID(waiting.receipt.claim.removeprefix("claims/"))

    async def is_quiet() -> bool:
        """Whether the employer named was heard of, and all that is queued by then was looked at."""
        sql = """SELECT EXISTS (SELECT FROM employer JOIN claim ON claim.employer = employer.id WHERE claim.id = $1)
                 AND NOT EXISTS (SELECT FROM employer WHERE years <> '{}') AND NOT EXISTS (SELECT FROM look_again)"""
        return bool(await value(claims_dsn(stack), sql, claim_id))

    asyncio.run(eventually(is_quiet))
    li.confirm(li.take(one(li.of_claim(waiting.receipt.claim))))
    asyncio.run(record(stack, [employer_record(who.employer, wages={2025: 900_000})]))

    told = receipts_of(stack, waiting.receipt.claim_number, 3)

    assert [answer.receipt.allowance_fen for answer in told] == [0, 1_960_000, 2_940_000]


# --- the sample ------------------------------------------------------------------------------------------------------


def sample(person: Reviewer, seed: int, share_ppm: int, **wanted: Any) -> review_pb2.SampleReviewsResponse:
    request = review_pb2.SampleReviewsRequest(seed=seed, share_ppm=share_ppm, **wanted)
    request.since.CopyFrom(to_proto(date(2026, 11, 1)))
    drawn: review_pb2.SampleReviewsResponse = person.call("SampleReviews", request)
    return drawn


def is_drawn(seed: int, share_ppm: int, name: str) -> bool:
    """The rule as it is published, written once more."""
    text = f"{seed}/{name.removeprefix('claims/')}"
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16) * 10**6 < share_ppm << 32


def test_a_sample_is_drawn_by_seed_and_share_and_once(stack: Stack, li: Reviewer) -> None:
    county, names = "610326", []
    for _ in range(8):
        who = insured(stack)
        sent = claim(number=claim_number(), person=who.number, employer=who.employer, county=county)
        (answer,) = exchange(stack, submit(sent))
        names.append(answer.receipt.claim)

    whole = sample(li, 7, 1_000_000, county=county, validate_only=True)
    opened = sample(li, 7, 400_000, county=county)
    again = sample(li, 7, 400_000, county=county)

    expected = {name for name in names if is_drawn(7, 400_000, name)}
    assert (whole.population, whole.drawn, whole.opened) == (8, 8, 0)
    assert {review.claim for review in li.queue(county=county, reason="QUALITY_SAMPLE")} == expected
    assert (opened.drawn, opened.opened) == (len(expected), len(expected))
    assert (again.drawn, again.opened) == (len(expected), 0)


def test_a_sampled_claim_stands_or_its_error_opens_a_review(stack: Stack, li: Reviewer) -> None:
    names = []
    for _ in range(2):
        who = insured(stack)
        (answer,) = exchange(stack, submit(claim(number=claim_number(), person=who.number, employer=who.employer)))
        names.append(answer.receipt.claim)
    sample(li, 8, 1_000_000)
    right, wrong = (li.take(one([r for r in li.of_claim(name) if r.reason.code == "QUALITY_SAMPLE"])) for name in names)

    stands = li.answer(right, stand=review_pb2.Stand()).review
    error = li.answer(wrong, error_found=review_pb2.ERROR_REASON_FACTS_WRONG).review

    assert (stands.outcome, error.outcome) == (
        review_pb2.REVIEW_OUTCOME_STANDS,
        review_pb2.REVIEW_OUTCOME_ERROR_FOUND,
    )
    assert li.of_claim(names[0]) == []
    assert one(li.of_claim(names[1])).reason.code == "QUALITY_ERROR"


def test_who_decided_does_not_take_the_second_look(stack: Stack, li: Reviewer, wang: Reviewer) -> None:
    waiting = mismatched(stack)
    li.confirm(li.take(one(li.of_claim(waiting.receipt.claim))))
    sample(li, 10, 1_000_000)
    sampled = one(li.of_claim(waiting.receipt.claim))

    with pytest.raises(Refusal) as raised:
        li.take(sampled)

    assert raised.value.codes == (("SECOND_LOOK_BY_ANOTHER", ""),)
    assert wang.take(sampled).assignee == "person/wang"


def test_what_waits_cannot_stand_and_is_no_sample(stack: Stack, li: Reviewer) -> None:
    review = li.take(one(li.of_claim(mismatched(stack).receipt.claim)))

    for given, code in (
        ({"stand": review_pb2.Stand()}, "NOTHING_STANDS"),
        ({"error_found": review_pb2.ERROR_REASON_LAW_WRONG}, "NOT_A_SAMPLE"),
        ({"agree": review_pb2.Agree()}, "NOTHING_PROPOSED"),
        ({"stand": review_pb2.Stand(), "validate_only": True}, "NOTHING_TO_FORESEE"),
    ):
        with pytest.raises(Refusal) as raised:
            li.answer(review, **given)
        assert raised.value.codes[0][0] == code


# --- what the database itself refuses --------------------------------------------------------------------------------

DECISION = """INSERT INTO review_decision VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'li', $1, $2, now())"""


@pytest.mark.parametrize(
    ("second", "needed", "constraint"),
    [
        ("li", True, "second_person_is_another"),
        ("li", False, "second_person_is_another"),
        (None, True, "second_person_is_there"),
    ],
)
def test_the_database_refuses_one_person_in_both_places(
    stack: Stack, second: str | None, needed: bool, constraint: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match=constraint):
        asyncio.run(rows(claims_dsn(stack), DECISION, second, needed))


@pytest.mark.parametrize("table", ["review_entry", "review_decision", "review_request"])
@pytest.mark.parametrize("statement", ["DELETE FROM {0}", "TRUNCATE {0}"])
def test_the_history_refuses_to_change(stack: Stack, table: str, statement: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        asyncio.run(rows(claims_dsn(stack), statement.format(table)))


def test_the_proposer_cannot_be_written_as_the_assignee(stack: Stack, li: Reviewer) -> None:
    review = li.take(near(stack, insured(stack), date(2026, 3, 24)))
    li.answer(review, decide=review_pb2.Supplement(same_event=True))
    sql = "UPDATE review_task SET assignee = 'person/li' WHERE id = $1"

    with pytest.raises(asyncpg.CheckViolationError):
        asyncio.run(rows(claims_dsn(stack), sql, UUID(review.name.removeprefix("reviews/"))))
