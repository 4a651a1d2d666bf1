"""From the intake topic to receipt, event and rows, through the running roles: every outcome, and nobody delayed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, date, datetime
from uuid import UUID

import grpc
import pytest
from cradle.claims.v1 import claim_pb2, intake_pb2, service_pb2, service_pb2_grpc

from deploy.local.stack import Stack
from services.claims.model import Category, Facts
from services.claims.rules import LAW, REVISION, decide
from services.claims.wire import out
from services.claims.wire.intake import content
from services.kit import law as laws
from services.kit import rpc
from services.kit.ids import stable_id
from services.kit.law import canonical
from services.kit.messages import REASONS_MAX
from services.kit.seal import Sealer
from tests.builders import claim, claim_number, id_number, replacement, submit, uscc
from tests.claims.harness import Insured, claims_dsn, events, exchange, insured
from tests.kit.live import rows, sealer_of, value

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def anna(stack: Stack) -> Insured:
    """One insured woman for all the claims that are never accepted."""
    return insured(stack)


# --- a good claim ------------------------------------------------------------------------------------------------


def test_a_good_claim_is_determined_told_and_kept(stack: Stack) -> None:
    who, number = insured(stack), claim_number()
    sent = claim(number=number, person=who.number, employer=who.employer, own_wage_fen=810_000)

    (answer,) = exchange(stack, submit(sent))

    receipt = answer.receipt
    assert (answer.status, answer.codes, answer.key) == ("DETERMINED", [], number.encode())
    assert (receipt.source, receipt.claim_number, receipt.revision) == ("hospitals", number, 1)
    assert (receipt.outcome, receipt.payee) == (claim_pb2.CLAIM_STATE_APPROVED, claim_pb2.PAYEE_PERSON)
    assert receipt.allowance_fen == 1_960_000
    assert receipt.content_hash == Sealer.from_base64(stack.environment["CRADLE_SEALING_KEY"]).digest(content(sent))
    assert answer.headers["ce_type"] == b"cradle.claims.v1.ClaimReceipt"
    assert answer.headers["ce_id"].decode() == receipt.receipt_id
    (event,) = events(stack, receipt.claim, 1)
    assert (event.version, event.determined.revision, event.determined.allowance_fen) == (1, 1, 1_960_000)
    assert (event.determined.fund_days, event.determined.law_digest, event.county) == (98, LAW.digest, "610304")


def test_the_stored_determination_is_decided_again_byte_for_byte(stack: Stack) -> None:
    who = insured(stack)
    (answer,) = exchange(stack, submit(claim(number=claim_number(), person=who.number, employer=who.employer)))

    dsn, claim_id = claims_dsn(stack), UUID(answer.receipt.claim.removeprefix("claims/"))
    (row,) = asyncio.run(rows(dsn, "SELECT * FROM determination WHERE claim_id = $1", claim_id))
    stored_law = asyncio.run(value(dsn, "SELECT content FROM law WHERE digest = $1", row["law_digest"]))

    again = decide(Facts.from_data(json.loads(row["facts"])), laws.from_content(stored_law))

    assert hashlib.sha256(stored_law.encode()).hexdigest() == row["law_digest"]
    assert canonical(again.as_data()) == row["result"]
    assert (row["outcome"], row["decision_date"], row["rules_revision"]) == ("APPROVED", date(2026, 11, 23), REVISION)


# --- what cannot be taken ----------------------------------------------------------------------------------------


def bad_records(anna: Insured) -> dict[str, tuple[bytes, list[tuple[str, str]]]]:
    """Every kind of bad input, with the reasons that its receipt must give."""

    def sent(**changes: object) -> bytes:
        given = {"number": claim_number(), "person": anna.number, "employer": anna.employer, **changes}
        return submit(claim(**given))  # type: ignore[arg-type]

    wrong_digit = anna.number[:-1] + ("0" if anna.number[-1] != "0" else "1")
    return {
        "no protobuf": (b"\xff\xfe\xfd not protobuf", [("MESSAGE_UNREADABLE", "")]),
        "JSON": (b'{"submit": {"claim": {}}}', [("MESSAGE_UNREADABLE", "")]),
        "empty": (b"", [("MESSAGE_EMPTY", "")]),
        "900 kB": (sent(remark="字" * 300_000), [("MESSAGE_TOO_LARGE", "")]),
        "a wrong check digit": (sent(person=wrong_digit), [("ID_NUMBER_CHECK_DIGIT", "submit.claim.person_id_number")]),
        "an unknown employer": (sent(employer=uscc()), [("EMPLOYER_UNKNOWN", "submit.claim.employer_uscc")]),
        "an unknown county": (sent(county="110101"), [("COUNTY_UNKNOWN", "submit.claim.county")]),
        "tomorrow": (sent(on=date(2026, 11, 24)), [("DATE_IN_FUTURE", "submit.claim.event.date")]),
        "before the law": (sent(on=date(2022, 5, 24)), [("DATE_TOO_EARLY", "submit.claim.event.date")]),
        "an absurd wage": (sent(own_wage_fen=10**15), [("AMOUNT_OUT_OF_RANGE", "submit.claim.own_monthly_wage_fen")]),
        "a negative wage": (sent(own_wage_fen=-1), [("AMOUNT_OUT_OF_RANGE", "submit.claim.own_monthly_wage_fen")]),
        "a negative sum": (sent(claimed_fen=-1), [("AMOUNT_OUT_OF_RANGE", "submit.claim.claimed_fen")]),
        "a number that is a name": (sent(number="王测试"), [("FIELD_MALFORMED", "submit.claim.claim_number")]),
        "a number with NUL": (sent(number="a\x00b"), [("FIELD_MALFORMED", "submit.claim.claim_number")]),
        "two things wrong": (
            sent(county="110101", birth_order=0),
            [("COUNTY_UNKNOWN", "submit.claim.county"), ("FIELD_OUT_OF_RANGE", "submit.claim.event.birth_order")],
        ),
        "a correction of nothing": (
            replacement(claim(number=claim_number(), person=anna.number, employer=anna.employer), 2),
            [("REVISION_UNKNOWN", "replace.claim.claim_number")],
        ),
    }


def test_everything_bad_is_returned_with_its_reason_kept_and_delays_nobody(stack: Stack, anna: Insured) -> None:
    bad, good = bad_records(anna), insured(stack)
    neighbour = submit(claim(number=claim_number(), person=good.number, employer=good.employer))

    *answers, last = exchange(stack, *[sent for sent, _ in bad.values()], neighbour)

    for (name, (sent, reasons)), answer in zip(bad.items(), answers, strict=True):
        assert answer.status == "RETURNED", name
        assert answer.codes == reasons, name
        assert all(
            given.text_zh and given.text_en and given.text_zh != given.text_en for given in answer.receipt.reasons
        )
        assert answer.receipt.claim == "", name
        assert answer.key, name
        assert opened(stack, answer.receipt.receipt_id) == sent, name
    assert last.status == "DETERMINED"
    assert asyncio.run(value(claims_dsn(stack), "SELECT count(*) FROM parked")) == 0


def test_a_small_record_that_is_wrong_in_thousands_of_places_has_an_answer_that_can_be_sent(
    stack: Stack, anna: Insured
) -> None:
    """A receipt with a reason for each would be larger than the broker takes, and hold the relay up for ever."""
    sent = claim(number=claim_number(), person=anna.number, employer=anna.employer)
    sent.items.extend([intake_pb2.Item()] * 60)  # 2 bytes each
    longer = claim(number=claim_number(), person=anna.number, employer=anna.employer)
    longer.items.extend([intake_pb2.Item()] * 20_000)
    neighbour = submit(claim(number=claim_number(), person=anna.number, employer=anna.employer))

    answer, alone, last = exchange(stack, submit(sent), submit(longer), neighbour)

    assert answer.status == "RETURNED"
    assert len(answer.codes) == REASONS_MAX + 1
    assert answer.codes[-1] == ("MORE_REASONS", "")
    assert (alone.status, alone.codes) == ("RETURNED", [("TOO_MANY_ITEMS", "submit.claim.items")])
    assert last.status in {"DETERMINED", "PENDED"}


def test_a_correction_with_the_last_revision_there_is_is_returned(stack: Stack, anna: Insured) -> None:
    sent = replacement(claim(number=claim_number(), person=anna.number, employer=anna.employer), 2**32 - 1)

    (answer,) = exchange(stack, sent)

    assert answer.status == "RETURNED"
    assert len(answer.codes) == 1


def opened(stack: Stack, receipt_id: str) -> bytes:
    """What was kept of a submission, opened."""
    found = asyncio.run(
        rows(claims_dsn(stack), "SELECT position, sealed FROM submission WHERE receipt_id = $1", UUID(receipt_id))
    )
    assert len(found) == 1
    return sealer_of(stack).open(found[0]["sealed"], found[0]["position"].encode())


def test_an_unknown_person_is_pended_and_may_be_corrected(stack: Stack, anna: Insured) -> None:
    unknown, number = id_number(), claim_number()

    (answer,) = exchange(stack, submit(claim(number=number, person=unknown, employer=anna.employer)))

    assert (answer.status, answer.codes) == ("PENDED", [("AWAITING_COVERAGE", ""), ("PERSON_UNKNOWN", "")])
    (event,) = events(stack, answer.receipt.claim, 1)
    assert (event.version, list(event.pended.reasons)) == (1, ["AWAITING_COVERAGE", "PERSON_UNKNOWN"])


def test_another_employer_than_the_one_that_insures_her_is_looked_at(stack: Stack) -> None:
    one, other = insured(stack), insured(stack)

    (answer,) = exchange(stack, submit(claim(number=claim_number(), person=one.number, employer=other.employer)))

    assert (answer.status, answer.codes) == ("PENDED", [("EMPLOYER_MISMATCH", "")])


def test_an_abolished_county_is_accepted_and_told_by_its_new_code(stack: Stack) -> None:
    who = insured(stack)
    sent = claim(number=claim_number(), person=who.number, employer=who.employer, county="610322")

    (answer,) = exchange(stack, submit(sent))

    assert answer.status == "DETERMINED"
    (event,) = events(stack, answer.receipt.claim, 1)
    assert event.county == "610305"


def test_any_script_in_a_remark_is_kept_as_it_came(stack: Stack) -> None:
    who = insured(stack)
    remark = "母子平安 བོད་ཡིག ئۇيغۇرچە ᠮᠣᠩᠭᠣᠯ 👶🏽 \x00 '; DROP TABLE claim; --"
    sent = submit(claim(number=claim_number(), person=who.number, employer=who.employer, remark=remark))

    (answer,) = exchange(stack, sent)

    assert answer.status == "DETERMINED"
    assert opened(stack, answer.receipt.receipt_id) == sent


def test_too_few_months_are_denied_with_what_the_employer_owes(stack: Stack) -> None:
    who = insured(stack, paid="2025-12..2026-03")

    (answer,) = exchange(stack, submit(claim(number=claim_number(), person=who.number, employer=who.employer)))

    assert (answer.status, answer.codes) == ("DETERMINED", [("CONTRIB_SHORT", "")])
    assert (answer.receipt.outcome, answer.receipt.allowance_fen) == (claim_pb2.CLAIM_STATE_DENIED, 0)


@pytest.mark.parametrize(
    ("category", "outcome", "allowance_fen", "codes"),
    [
        (Category.FLEXIBLE, claim_pb2.CLAIM_STATE_APPROVED, 1_519_000, []),
        (Category.UNINSURED_EMPLOYEE, claim_pb2.CLAIM_STATE_DENIED, 0, [("NOT_INSURED", "")]),
        (Category.UNEMPLOYMENT_BENEFIT, claim_pb2.CLAIM_STATE_DENIED, 0, [("NO_EMPLOYER_WAGE_BASE", "")]),
        (Category.SPOUSE_OF_EMPLOYEE, claim_pb2.CLAIM_STATE_DENIED, 0, [("NOT_ENTITLED", "")]),
        (Category.RESIDENT, claim_pb2.CLAIM_STATE_DENIED, 0, [("NOT_ENTITLED", "")]),
    ],
)
def test_who_is_insured_otherwise_than_as_an_employee_is_decided_too(
    stack: Stack, category: Category, outcome: int, allowance_fen: int, codes: list[tuple[str, str]]
) -> None:
    who = insured(stack, category=category)

    (answer,) = exchange(stack, submit(claim(number=claim_number(), person=who.number, employer=who.employer)))

    assert (answer.status, answer.codes) == ("DETERMINED", codes)
    assert (answer.receipt.outcome, answer.receipt.allowance_fen) == (outcome, allowance_fen)


# --- the same again ----------------------------------------------------------------------------------------------


def test_a_resend_is_a_duplicate_and_changes_nothing(stack: Stack) -> None:
    who, number = insured(stack), claim_number()
    sent = claim(number=number, person=who.number, employer=who.employer)
    again = claim(number=number, person=who.number, employer=who.employer, submitted=datetime(2026, 11, 21, tzinfo=UTC))

    first, second, third = exchange(stack, submit(sent), submit(sent), submit(again))

    assert [a.status for a in (first, second, third)] == ["DETERMINED", "DUPLICATE", "DUPLICATE"]
    assert first.receipt.claim == second.receipt.claim == third.receipt.claim
    assert len({a.receipt.receipt_id for a in (first, second, third)}) == 3
    assert second.receipt.outcome == claim_pb2.CLAIM_STATE_APPROVED
    assert determinations(stack, first.receipt.claim) == [(1, 1, "APPROVED")]


def determinations(stack: Stack, name: str) -> list[tuple[int, int, str]]:
    found = asyncio.run(
        rows(
            claims_dsn(stack),
            "SELECT version, revision, outcome FROM determination WHERE claim_id = $1 ORDER BY version",
            UUID(name.removeprefix("claims/")),
        )
    )
    return [tuple(row) for row in found]


def test_the_same_number_with_other_content_is_told_and_never_overwrites(stack: Stack) -> None:
    who, number = insured(stack), claim_number()
    sent = claim(number=number, person=who.number, employer=who.employer)
    other = claim(number=number, person=who.number, employer=who.employer, own_wage_fen=999_900)

    first, second = exchange(stack, submit(sent), submit(other))

    assert (second.status, second.codes) == ("RETURNED", [("CONTENT_CONFLICT", "submit.claim.claim_number")])
    assert second.receipt.claim == first.receipt.claim
    assert determinations(stack, first.receipt.claim) == [(1, 1, "APPROVED")]


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one after the other"])
def test_a_correction_is_the_second_revision_with_a_determination_of_its_own(stack: Stack, at_once: bool) -> None:
    who, number = insured(stack), claim_number()
    first_sent = submit(claim(number=number, person=who.number, employer=who.employer))
    corrected = claim(number=number, person=who.number, employer=who.employer, on=date(2026, 3, 12), birth_order=3)
    second_sent = replacement(corrected, 2)

    if at_once:
        first, second = exchange(stack, first_sent, second_sent)
    else:
        (first,), (second,) = exchange(stack, first_sent), exchange(stack, second_sent)

    assert (second.status, second.codes, second.receipt.revision) == ("DETERMINED", [], 2)
    assert second.receipt.claim == first.receipt.claim
    assert determinations(stack, first.receipt.claim) == [(1, 1, "APPROVED"), (2, 2, "APPROVED")]
    told = events(stack, first.receipt.claim, 2)
    assert [(event.version, event.determined.revision) for event in told] == [(1, 1), (2, 2)]
    assert [event.event_date.day for event in told] == [10, 12]
    delivered = "SELECT event_date FROM benefit_hold WHERE claim_id = $1"
    claim_id = UUID(first.receipt.claim.removeprefix("claims/"))
    assert [row[0] for row in asyncio.run(rows(claims_dsn(stack), delivered, claim_id))] == [date(2026, 3, 12)]


def test_a_correction_that_skips_a_revision_is_told_the_one_expected(stack: Stack) -> None:
    who, number = insured(stack), claim_number()
    sent = claim(number=number, person=who.number, employer=who.employer)

    _, gap, stale = exchange(
        stack,
        submit(sent),
        replacement(sent, 3),
        submit(claim(number=number, person=who.number, employer=who.employer, remark="x")),
    )

    assert gap.codes == [("REVISION_GAP", "replace.revision")]
    assert [code for code, _ in stale.codes] == ["CONTENT_CONFLICT"]


# --- the same delivery -------------------------------------------------------------------------------------------


def test_the_same_delivery_from_two_sources_is_approved_once(stack: Stack) -> None:
    who = insured(stack)
    sent = [submit(claim(number=claim_number(), person=who.number, employer=who.employer)) for _ in range(2)]

    (one,) = exchange(stack, sent[0], source="hospitals")
    (two,) = exchange(stack, sent[1], source="counter")

    assert (one.status, two.status) == ("DETERMINED", "DETERMINED")
    assert one.receipt.outcome == claim_pb2.CLAIM_STATE_APPROVED
    assert (two.receipt.outcome, two.codes) == (claim_pb2.CLAIM_STATE_DUPLICATE, [("DUPLICATE_DELIVERY", "")])
    assert two.receipt.allowance_fen == 0


def test_a_correction_that_waits_keeps_the_delivery_it_was_approved_for(stack: Stack) -> None:
    who, other, number = insured(stack), insured(stack), claim_number()
    approved = submit(claim(number=number, person=who.number, employer=who.employer))
    waiting = replacement(claim(number=number, person=who.number, employer=other.employer), 2)
    elsewhere = submit(claim(number=claim_number(), person=who.number, employer=who.employer))

    (one,) = exchange(stack, approved, source="hospitals")
    (two,) = exchange(stack, waiting, source="hospitals")
    (three,) = exchange(stack, elsewhere, source="counter")

    assert one.receipt.outcome == claim_pb2.CLAIM_STATE_APPROVED
    assert two.status == "PENDED"
    assert (three.receipt.outcome, three.receipt.allowance_fen) == (claim_pb2.CLAIM_STATE_DUPLICATE, 0)


@pytest.mark.parametrize(
    ("second", "state", "codes"),
    [
        (date(2026, 8, 7), claim_pb2.CLAIM_STATE_PENDED, [("DELIVERY_DATE_REVIEW", "")]),  # 150 days
        (date(2026, 8, 8), claim_pb2.CLAIM_STATE_APPROVED, []),  # 151
    ],
)
def test_a_delivery_near_another_is_pended(
    stack: Stack, second: date, state: int, codes: list[tuple[str, str]]
) -> None:
    who = insured(stack)

    _, answer = exchange(
        stack,
        submit(claim(number=claim_number(), person=who.number, employer=who.employer, on=date(2026, 3, 10))),
        submit(claim(number=claim_number(), person=who.number, employer=who.employer, on=second)),
    )

    assert (answer.receipt.outcome, answer.codes) == (state, codes)


def test_a_person_appearing_several_times_in_one_batch_is_approved_once(stack: Stack) -> None:
    who = insured(stack)
    sent = [submit(claim(number=claim_number(), person=who.number, employer=who.employer)) for _ in range(5)]

    answers = exchange(stack, *sent)

    outcomes = [claim_pb2.ClaimState.Name(answer.receipt.outcome) for answer in answers]
    assert outcomes == ["CLAIM_STATE_APPROVED"] + ["CLAIM_STATE_DUPLICATE"] * 4


def test_a_receipt_has_the_id_of_its_record(stack: Stack) -> None:
    (answer,) = exchange(stack, b"\xff")

    position = answer.receipt.position
    place = f"{position.topic}/{position.partition}/{position.offset}".encode()
    assert answer.receipt.receipt_id == str(stable_id(place, answer.receipt.content_hash))
    assert out.RECEIPT + answer.receipt.source == "claims.receipt.v1.hospitals"


def test_what_is_explained_is_the_revision_that_was_decided(stack: Stack) -> None:
    who, other, number = insured(stack), insured(stack), claim_number()
    approved = submit(claim(number=number, person=who.number, employer=who.employer))
    waiting = replacement(claim(number=number, person=who.number, employer=other.employer), 2)
    exchange(stack, approved, waiting)

    async def explain(revision: int) -> str:
        async with rpc.channel(stack.environment["CRADLE_CLAIMS_TARGET"], stack.operator) as channel:
            request = service_pb2.ExplainDeterminationRequest(
                name=f"sources/hospitals/claims/{number}", revision=revision, language=service_pb2.LANGUAGE_EN
            )
            stub = service_pb2_grpc.ClaimsServiceStub(channel)
            return (await stub.ExplainDetermination(request, timeout=10)).text

    said = " ".join(asyncio.run(explain(1)).split())
    assert f"{number}, revision 1" in said
    assert "the claim was corrected since and stands at revision 2" in said
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        asyncio.run(explain(0))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
