"""An undo finds its settlement, in whatever order they come; the same message is once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from typing import Any

import pytest
from cradle.claims.v1 import intake_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.claims.usecases.platform import Gateway, Outcome, Register, prepare
from services.claims.wire.platform import read_message
from services.kit.clock import Clock
from services.kit.member_key import member_key
from services.kit.seal import Sealer
from tests.builders import MOTHER, TODAY, message
from tests.claims.platform.mapped import ADAPTER, read
from tests.claims.platform.messages import DATA, DISCHARGE, HOSPITAL, INFO, SETTLEMENT, msgid, settlement, totals, undo

BY_HOSPITAL = {f"{DATA}setl_id": None, f"{DATA}medins_setl_id": f"{HOSPITAL}-0042"}


def register() -> Register:
    return Register(lambda plain: hashlib.sha256(plain).digest())


def told(outcome: Outcome) -> list[str]:
    return [
        one.reason.code for one in outcome.mapped.findings if "WAITS" in one.reason.code or "UNDO" in one.reason.code
    ]


def leaving(outcome: Outcome) -> list[str]:
    return [str(one.intake.WhichOneof("event")) for one in outcome.leaving]


def test_an_undo_becomes_the_void_of_its_settlements_claim() -> None:
    known = register()
    known.take(read(settlement()))

    outcome = known.take(read(undo()))

    (left,) = outcome.leaving
    assert (outcome.status, outcome.claim_number) == ("MAPPED", SETTLEMENT)
    assert left.key == member_key(MOTHER)
    assert left.intake.void == intake_pb2.VoidClaim(
        claim_number=SETTLEMENT,
        revision=1,
        reason=intake_pb2.VOID_REASON_SETTLEMENT_UNDONE,
        submit_time=Timestamp(seconds=1_773_450_001),
    )


@pytest.mark.parametrize("by", [{}, BY_HOSPITAL], ids=["the platform's number", "the hospital's own"])
def test_an_undo_before_its_settlement_waits_and_leaves_after_it(by: dict[str, Any]) -> None:
    known = register()

    early, late = known.take(read(undo(by))), known.take(read(settlement()))

    assert (early.status, leaving(early), told(early)) == ("WAITING", [], ["PLATFORM_UNDO_WAITS"])
    assert (late.status, leaving(late)) == ("MAPPED", ["submit", "void"])
    assert {one.key for one in late.leaving} == {member_key(MOTHER)}
    assert late.leaving[1].intake.void.claim_number == SETTLEMENT
    assert known.waiting == []


def test_an_undo_by_the_hospitals_own_number_finds_it() -> None:
    known = register()
    known.take(read(settlement()))

    outcome = known.take(read(undo(BY_HOSPITAL)))

    assert outcome.leaving[0].intake.void.claim_number == SETTLEMENT


def test_the_same_number_of_another_hospital_is_another_settlement() -> None:
    known = register()
    known.take(read(settlement()))

    other = {**BY_HOSPITAL, "fixmedins_code": "H61030200123", "msgid": msgid("H61030200123")}
    assert known.take(read(undo(other))).status == "WAITING"


def test_a_number_the_hospital_used_twice_is_unclear() -> None:
    known = register()
    known.take(read(settlement()))
    known.take(read(settlement({f"{INFO}setl_id": "610300S26031300009999", "msgid": msgid()})))

    outcome = known.take(read(undo(BY_HOSPITAL)))

    assert (outcome.status, told(outcome)) == ("NOT_MAPPED", ["PLATFORM_UNDO_UNCLEAR"])


@pytest.mark.parametrize("first", ["settlement", "undo"])
def test_an_undo_that_names_another_person_undoes_nothing(first: str) -> None:
    known = register()
    other = undo({f"{DATA}psn_no": "61000006100000000010099999"})

    outcomes = [
        known.take(read(one)) for one in ([settlement(), other] if first == "settlement" else [other, settlement()])
    ]

    assert "void" not in [kind for outcome in outcomes for kind in leaving(outcome)]


def test_an_undo_of_what_was_never_mapped_has_nothing_to_void() -> None:
    known = register()
    known.take(read(settlement({f"{DISCHARGE}birctrl_matn_date": ""})))

    outcome = known.take(read(undo()))

    assert (outcome.status, told(outcome)) == ("NOT_MAPPED", ["PLATFORM_UNDO_OF_NOTHING"])


@pytest.mark.parametrize(
    "changes",
    [
        {f"{DATA}setl_id": None},
        {f"{DATA}setl_id": MOTHER},
        {"output": None},
        {"output.infcode": "-1"},
        {f"{INFO}setl_time": None, "inf_time": "yesterday"},
    ],
    ids=str,
)
def test_an_undo_that_says_too_little_is_told(changes: dict[str, Any]) -> None:
    known = register()
    known.take(read(settlement()))

    assert known.take(read(undo(changes))).status == "NOT_MAPPED"


def test_the_same_message_twice_is_once() -> None:
    known = register()
    message = settlement()

    first, second = known.take(read(message)), known.take(read(message | {"inf_time": "2026-03-13 10:43:00"}))

    assert (first.status, second.status) == ("MAPPED", "REPEATED")
    assert second.leaving == ()


def test_a_message_id_with_other_content_is_told_and_taken_by_its_settlement() -> None:
    known = register()
    known.take(read(settlement()))

    outcome = known.take(read(settlement({f"{INFO}setl_id": "610300S26031300009999"})))

    assert (outcome.status, outcome.claim_number) == ("MAPPED", "610300S26031300009999")
    assert "PLATFORM_MSGID_CLASH" in [one.reason.code for one in outcome.mapped.findings]


def test_the_same_content_under_a_new_message_id_is_the_same_claim_again() -> None:
    known = register()

    one, other = known.take(read(settlement())), known.take(read(settlement({"msgid": msgid()})))

    assert one.leaving == other.leaving


def test_a_message_that_could_not_be_mapped_may_come_again() -> None:
    """The crosswalk may have learned its code meanwhile."""
    known = register()
    message = settlement({f"{INFO}certno": ""})

    assert [known.take(read(message)).status for _ in range(2)] == ["NOT_MAPPED", "NOT_MAPPED"]


def test_any_text_in_a_persons_or_hospitals_number_can_be_kept() -> None:
    known = register()
    strange = {f"{path}psn_no": "\ud800" for path in (INFO, DATA, DISCHARGE)}

    content = settlement({**strange, f"{INFO}medins_setl_id": "\ud800\x00"})

    assert known.take(read_message(ADAPTER, json.dumps(content).encode(), TODAY)).status == "MAPPED"


# --- a record of the topic -----------------------------------------------------------------------------------------


def read_of(value: bytes) -> list[str]:
    gateway = Gateway(Clock(TODAY), Sealer.from_base64(base64.b64encode(bytes(32)).decode()))
    (found,) = asyncio.run(prepare(gateway, [message(value, topic="claims.platform-intake.v1.hospitals")]))
    assert found.source == "hospitals"
    assert found.mapped.intake is None
    return [one.reason.code for one in found.mapped.findings]


def test_a_record_is_one_message_of_a_bounded_size() -> None:
    one = json.dumps(settlement()).encode()

    assert read_of(one + one) == ["PLATFORM_SEVERAL_MESSAGES"]
    assert read_of(one + b"{") == ["PLATFORM_JSON_BROKEN"]
    assert read_of(b"") == ["PLATFORM_EMPTY"]
    assert read_of(b"7") == ["PLATFORM_NOT_OBJECT"]
    assert read_of(b" " * 1_048_576) == ["PLATFORM_EMPTY"]
    assert read_of(b" " * 1_048_577) == ["PLATFORM_TOO_LARGE"]


# --- totals -----------------------------------------------------------------------------------------------------------


def test_one_hospitals_totals_are_not_those_of_a_source_of_many() -> None:
    mapped = read(totals())

    assert mapped.intake is None
    assert [one.reason.code for one in mapped.findings if one.kind == "UNMAPPED"] == ["PLATFORM_TOTALS_OF_ONE_HOSPITAL"]


# --- when nothing more comes ------------------------------------------------------------------------------------------


def last_words(*messages: dict[str, Any]) -> list[Outcome]:
    """What becomes of the undos of a file that had to wait."""
    known = register()
    outcomes = [known.take(read(message)) for message in messages]
    return [known.last_word(one) for one in outcomes if one.status == "WAITING"]


def test_an_early_undo_whose_settlement_came_has_left_with_it() -> None:
    (last,) = last_words(undo(), settlement())

    assert (last.status, last.leaving, told(last)) == ("MAPPED", (), [])


def test_an_undo_of_an_earlier_file_leaves_by_its_number() -> None:
    (last,) = last_words(undo())

    assert (last.status, leaving(last), told(last)) == ("MAPPED", ["void"], ["PLATFORM_UNDO_UNMATCHED"])
    assert last.leaving[0].intake.void.claim_number == SETTLEMENT
    assert last.leaving[0].key


def test_an_undo_of_an_earlier_file_by_the_hospitals_own_number_cannot_leave() -> None:
    (last,) = last_words(undo(BY_HOSPITAL))

    assert (last.status, leaving(last), told(last)) == ("NOT_MAPPED", [], ["PLATFORM_UNDO_NEVER_MATCHED"])


def test_an_early_undo_of_another_person_or_of_what_was_not_mapped_cannot_leave() -> None:
    (other,) = last_words(undo({f"{DATA}psn_no": "61000006100000000010099999"}), settlement())
    (nothing,) = last_words(undo(), settlement({f"{INFO}certno": ""}))

    assert (other.status, told(other)) == ("NOT_MAPPED", ["PLATFORM_UNDO_OF_ANOTHER"])
    assert (nothing.status, told(nothing)) == ("NOT_MAPPED", ["PLATFORM_UNDO_OF_NOTHING"])
