"""Reading what only some claims have, voids, and control totals: each problem has its code and its place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from cradle.claims.v1 import claim_pb2, facts_pb2, intake_pb2
from google.type.date_pb2 import Date

from services.claims.model import (
    ClaimKind,
    ControlTotals,
    DeliveryMode,
    EventType,
    Father,
    ItemSent,
    Level,
    Programme,
    Received,
    Sent,
    StaySent,
    Surgery,
    Totals,
    VisitSent,
    VoidReason,
)
from services.claims.rules import LAW, first_day
from services.claims.wire.intake import read
from services.kit.dates import to_proto
from services.kit.messages import Language
from tests.builders import (
    DELIVERED,
    HOSPITAL,
    MOTHER,
    TODAY,
    charge,
    claim,
    control_totals,
    id_number,
    item_sent,
    medical,
    message,
    replacement,
    stay_sent,
    submit,
    visit_sent,
    void,
)

MAN = "610303199108051134"
Change = Callable[[intake_pb2.ClaimSubmission], object]


def taken(value: bytes) -> Received:
    received = read(message(value), TODAY, first_day(LAW), 65_536, lambda given: hashlib.sha256(given).digest())
    assert all(found.text(language) for found in received.reasons for language in Language)
    return received


def problems(submission: intake_pb2.ClaimSubmission) -> list[tuple[str, str]]:
    received = taken(submit(submission))
    assert (received.submission is None) == bool(received.reasons)
    return [(found.code, found.field.removeprefix("submit.claim.")) for found in received.reasons]


def codes(received: Received) -> list[tuple[str, str]]:
    return [(found.code, found.field) for found in received.reasons]


# --- kinds ----------------------------------------------------------------------------------------------------------


def test_a_medical_claim_is_read_with_all_its_costs() -> None:
    sent = medical("REIMBURSEMENT", stays=[stay_sent(level="SECONDARY")], visits=[visit_sent()], items=[item_sent()])
    sent.father.CopyFrom(intake_pb2.FatherLeave(requested=True, living_apart=True))

    submission = taken(submit(sent)).submission

    assert submission is not None
    assert (submission.kind, submission.employer_uscc) == (ClaimKind.REIMBURSEMENT, "")
    assert submission.father == Father(leave_requested=True, living_apart=True)
    assert submission.stays == (StaySent(HOSPITAL, DELIVERED, date(2026, 3, 14), 500_000, level=Level.SECONDARY),)
    assert submission.visits == (VisitSent(HOSPITAL, date(2026, 1, 15), 30_000),)
    assert submission.items == (ItemSent(HOSPITAL, Programme.ART, "ART-01", date(2026, 1, 15), 100_000),)


@pytest.mark.parametrize("kind", ["PROVIDER_SETTLEMENT", "REIMBURSEMENT"])
def test_a_medical_claim_needs_at_least_one_cost(kind: str) -> None:
    assert problems(medical(kind)) == [("COSTS_REQUIRED", "stays")]
    assert problems(medical(kind, visits=[visit_sent()])) == []


def test_an_allowance_holds_no_costs() -> None:
    sent = claim()
    sent.stays.append(stay_sent())
    sent.items.append(item_sent())

    assert problems(sent) == [("COSTS_UNEXPECTED", "stays"), ("COSTS_UNEXPECTED", "items")]


def test_a_claim_without_an_employer_is_read() -> None:
    assert problems(claim(employer="")) == []


# --- events ---------------------------------------------------------------------------------------------------------


def of_event(change: Change, kind: int = claim_pb2.EVENT_TYPE_DELIVERY) -> intake_pb2.ClaimSubmission:
    sent = claim()
    sent.event.type = kind  # type: ignore[assignment]  # the number of a value
    change(sent)
    return sent


def test_a_delivery_needs_its_mode_its_infants_and_its_order() -> None:
    bare = of_event(lambda c: c.event.CopyFrom(intake_pb2.MaternityEvent(type=c.event.type, date=c.event.date)))

    assert problems(bare) == [
        ("FIELD_REQUIRED", "event.delivery_mode"),
        ("FIELD_OUT_OF_RANGE", "event.infants"),
        ("FIELD_OUT_OF_RANGE", "event.birth_order"),
    ]


def test_a_miscarriage_needs_none_of_it_and_keeps_none_of_it() -> None:
    bare = of_event(
        lambda c: c.event.CopyFrom(intake_pb2.MaternityEvent(type=c.event.type, date=c.event.date, gestation_days=111)),
        claim_pb2.EVENT_TYPE_MISCARRIAGE,
    )
    full = of_event(lambda c: c.ClearField("remark"), claim_pb2.EVENT_TYPE_MISCARRIAGE)

    one, other = taken(submit(bare)).submission, taken(submit(full)).submission

    assert one is not None
    assert other is not None
    assert (one.event.type, one.event.gestation_days, one.event.mode) == (EventType.MISCARRIAGE, 111, None)
    assert (other.event.mode, other.event.infants, other.event.birth_order) == (None, 1, None)


@pytest.mark.parametrize(
    ("days", "found"), [(0, ["FIELD_OUT_OF_RANGE"]), (1, []), (330, []), (331, ["FIELD_OUT_OF_RANGE"])]
)
def test_gestation_is_within_its_bounds(days: int, found: list[str]) -> None:
    sent = of_event(lambda c: setattr(c.event, "gestation_days", days), claim_pb2.EVENT_TYPE_MISCARRIAGE)

    assert [code for code, _ in problems(sent)] == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("", [("FIELD_REQUIRED", "event.surgery")]),
        ("0", [("FIELD_MALFORMED", "event.surgery")]),
        ("10", [("FIELD_MALFORMED", "event.surgery")]),
        ("5", []),
    ],
)
def test_a_surgery_needs_its_code(code: str, found: list[tuple[str, str]]) -> None:
    surgery = claim_pb2.EVENT_TYPE_FAMILY_PLANNING_SURGERY

    assert problems(of_event(lambda c: setattr(c.event, "surgery", code), surgery)) == found


@pytest.mark.parametrize(("code", "found"), [("5", ["ID_NUMBER_NOT_THE_MOTHER"]), ("7", []), ("8", [])])
def test_only_a_surgery_of_a_man_is_claimed_by_one(code: str, found: list[str]) -> None:
    sent = of_event(lambda c: setattr(c.event, "surgery", code), claim_pb2.EVENT_TYPE_FAMILY_PLANNING_SURGERY)
    sent.person_id_number = MAN

    assert [code for code, _ in problems(sent)] == found


def test_the_code_of_a_surgery_is_left_out_of_a_delivery() -> None:
    submission = taken(submit(of_event(lambda c: setattr(c.event, "surgery", "5")))).submission

    assert submission is not None
    assert (submission.event.surgery, submission.event.mode) == (None, DeliveryMode.VAGINAL)
    assert Surgery("5") is Surgery.LIGATION


# --- the husband ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (MAN, []),
        (MAN[:-1] + "5", ["ID_NUMBER_CHECK_DIGIT"]),
        (MAN[:-1], ["ID_NUMBER_LENGTH"]),
        (MOTHER, ["ID_NUMBER_NOT_THE_HUSBAND"]),
    ],
)
def test_a_husbands_number_is_a_mans_with_a_right_check_digit(number: str, found: list[str]) -> None:
    sent = medical(husband=number, stays=[stay_sent()])

    assert problems(sent) == [(code, "husband_id_number") for code in found]


# --- costs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("admitted", "discharged", "found"),
    [
        (date(2026, 11, 20), date(2026, 11, 23), []),
        (date(2026, 11, 20), date(2026, 11, 24), [("DATE_IN_FUTURE", "stays[0].discharge_date")]),
        (date(2026, 3, 10), date(2026, 3, 10), []),
        (date(2026, 3, 11), date(2026, 3, 10), [("DATES_REVERSED", "stays[0].discharge_date")]),
    ],
)
def test_a_stay_ends_not_before_it_begins_and_not_in_the_future(
    admitted: date, discharged: date, found: list[tuple[str, str]]
) -> None:
    stay = stay_sent()
    stay.admission_date.CopyFrom(to_proto(admitted))
    stay.discharge_date.CopyFrom(to_proto(discharged))

    assert problems(medical(stays=[stay])) == found


OVERLAP = [("STAYS_OVERLAP", "stays[1].admission_date")]


@pytest.mark.parametrize(
    ("first", "second", "elsewhere", "found"),
    [
        ((9, 13), (12, 15), True, OVERLAP),
        ((9, 13), (13, 15), True, []),  # transferred on the 13th
        ((9, 13), (14, 15), True, []),
        ((12, 15), (9, 13), True, OVERLAP),
        ((12, 15), (9, 12), True, []),
        ((9, 15), (11, 12), True, OVERLAP),
        ((9, 13), (9, 13), False, OVERLAP),
        ((9, 9), (9, 9), False, OVERLAP),  # the same day in the same hospital is the same stay
        ((9, 9), (9, 9), True, []),
    ],
)
def test_nobody_lies_in_two_hospitals_at_once(
    first: tuple[int, int], second: tuple[int, int], elsewhere: bool, found: list[tuple[str, str]]
) -> None:
    stays = []
    for begun, ended in (first, second):
        stay = stay_sent()
        stay.admission_date.CopyFrom(to_proto(date(2026, 9, begun)))
        stay.discharge_date.CopyFrom(to_proto(date(2026, 9, ended)))
        stays.append(stay)
    if elsewhere:
        stays[1].provider = stays[1].provider[:-1] + "9"

    assert problems(medical(stays=stays)) == found


ANALGESIA = item_sent()
ANALGESIA.programme = facts_pb2.PROGRAMME_ANALGESIA


@pytest.mark.parametrize(
    ("second", "found"),
    [
        (item_sent(), [("ITEM_TWICE", "items[1]")]),
        (item_sent(policy_range_fen=200_000), [("ITEM_TWICE", "items[1]")]),
        (item_sent(on=date(2026, 1, 16)), []),
        (item_sent("ART-02"), []),
        (ANALGESIA, [("ITEM_PROGRAMMES", "items[1].programme")]),  # it would be counted against the first
    ],
)
def test_an_item_is_stated_once_and_a_code_under_one_programme(
    second: intake_pb2.Item, found: list[tuple[str, str]]
) -> None:
    assert problems(medical(items=[item_sent(), second])) == found


def test_stays_over_each_other_are_told_beside_what_else_is_wrong() -> None:
    stay = stay_sent(520_001)
    stay.charge.total_fen = 520_000

    assert problems(medical(stays=[stay, stay])) == [
        ("POLICY_RANGE_ABOVE_TOTAL", "stays[0].charge.policy_range_fen"),
        ("POLICY_RANGE_ABOVE_TOTAL", "stays[1].charge.policy_range_fen"),
        *OVERLAP,
    ]


def test_days_that_no_calendar_has_are_told_where_they_stand() -> None:
    stay, visit, item = stay_sent(), visit_sent(), item_sent()
    for day in (stay.admission_date, visit.date, item.date):
        day.CopyFrom(Date(year=2026, month=2, day=30))

    assert problems(medical(stays=[stay_sent(), stay], visits=[visit], items=[item])) == [
        ("DATE_INVALID", "stays[1].admission_date"),
        ("DATE_INVALID", "visits[0].date"),
        ("DATE_INVALID", "items[0].date"),
    ]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (charge(203_526), []),
        (charge(203_526, 203_526), []),
        (charge(203_526, 301_824), []),  # the parts are not given
        (charge(203_526, 203_525), [("POLICY_RANGE_ABOVE_TOTAL", "policy_range_fen")]),
        (charge(203_526, 301_824, own_pay_fen=94_800, self_pay_first_fen=3_498), []),
        (
            charge(203_526, 301_823, own_pay_fen=94_800, self_pay_first_fen=3_498),
            [("LINES_DO_NOT_ADD_UP", "total_fen")],
        ),
        (
            charge(203_526, 301_825, own_pay_fen=94_800, self_pay_first_fen=3_498),
            [("LINES_DO_NOT_ADD_UP", "total_fen")],
        ),
        (charge(203_526, over_limit_fen=1), [("FIELD_REQUIRED", "total_fen")]),
        (charge(-1), [("AMOUNT_OUT_OF_RANGE", "policy_range_fen")]),
        (charge(50_000_001), [("AMOUNT_OUT_OF_RANGE", "policy_range_fen")]),
        (intake_pb2.Charge(), [("FIELD_REQUIRED", "policy_range_fen")]),
    ],
    ids=lambda value: str(value).replace("\n", " ")[:60] if isinstance(value, intake_pb2.Charge) else "",
)
def test_the_parts_of_a_charge_add_up_where_they_are_given(
    given: intake_pb2.Charge, found: list[tuple[str, str]]
) -> None:
    stay, visit, item = stay_sent(), visit_sent(), item_sent()
    for one in (stay, visit, item):
        one.charge.CopyFrom(given)

    told = problems(medical(stays=[stay], visits=[visit], items=[item]))

    assert told == [
        (code, f"{place}[0].charge.{field}") for place in ("stays", "visits", "items") for code, field in found
    ]


@pytest.mark.parametrize("code", ["H6103020012", "H610302001234", "h61030200123", "H6103020012\n", "市妇幼保健院"])
def test_an_institution_is_named_by_its_code(code: str) -> None:
    assert problems(medical(stays=[stay_sent(provider=code)])) == [("FIELD_MALFORMED", "stays[0].provider")]


def test_a_stay_names_its_institution() -> None:
    assert problems(medical(stays=[stay_sent(provider="")])) == [("FIELD_REQUIRED", "stays[0].provider")]


def test_no_such_day_is_told_beside_a_wrong_form() -> None:
    sent = medical(stays=[stay_sent(provider="x")], visits=[visit_sent()], items=[item_sent()])
    sent.stays[0].admission_date.day = 31
    sent.stays[0].admission_date.month = 2
    sent.visits[0].date.month = 13
    sent.items[0].date.Clear()

    assert problems(sent) == [
        ("FIELD_MALFORMED", "stays[0].provider"),
        ("DATE_INVALID", "stays[0].admission_date"),
        ("DATE_INVALID", "visits[0].date"),
        ("DATE_INVALID", "items[0].date"),
    ]


@pytest.mark.parametrize(("year", "codes"), [(1, ["DATE_TOO_EARLY"]), (1899, ["DATE_TOO_EARLY"]), (1900, [])])
def test_no_cost_is_older_than_anybody(year: int, codes: list[str]) -> None:
    sent = medical(stays=[stay_sent()], visits=[visit_sent()])
    sent.stays[0].admission_date.year = sent.visits[0].date.year = year

    assert [code for code, _ in problems(sent)] == codes * 2


def test_costs_of_an_allowance_are_told_beside_a_wrong_form_and_their_days_are_not() -> None:
    sent = medical(stays=[stay_sent()])
    sent.kind, sent.county = claim_pb2.CLAIM_KIND_ALLOWANCE, "x"
    sent.stays[0].admission_date.month = 13

    assert problems(sent) == [("FIELD_MALFORMED", "county"), ("COSTS_UNEXPECTED", "stays")]


@pytest.mark.parametrize(("wrong", "told"), [(49, 49), (50, 50), (51, 50)])
def test_as_many_are_told_as_a_person_reads_and_that_there_are_more(wrong: int, told: int) -> None:
    """Forms first; a wrong digit beside them counts among what is not told."""
    sent = medical(visits=[visit_sent() for _ in range(wrong)])
    for visit in sent.visits:
        visit.provider = "x"
    sent.person_id_number = "610302199403124028"

    found = problems(sent)

    assert [code for code, _ in found[:told]] == ["FIELD_MALFORMED"] * told
    assert found[told:] == [("ID_NUMBER_CHECK_DIGIT", "person_id_number") if wrong < 50 else ("MORE_REASONS", "")]


def test_every_problem_of_the_content_is_told_at_once() -> None:
    sent = medical(husband=MOTHER, stays=[stay_sent()])
    sent.event.birth_order = 0
    sent.county = "110101"
    sent.stays[0].charge.total_fen = 1

    assert [field for _, field in problems(sent)] == [
        "county",
        "event.birth_order",
        "husband_id_number",
        "stays[0].charge.policy_range_fen",
    ]


def test_an_unknown_level_of_a_later_version_is_told() -> None:
    stay = stay_sent()
    stay.level = 9  # type: ignore[assignment]  # of the future

    assert problems(medical(stays=[stay])) == [("CODE_UNKNOWN", "stays[0].level")]
    assert facts_pb2.Level.values()[-1] < 9


# --- voids ----------------------------------------------------------------------------------------------------------


def test_a_void_is_read_with_its_reason_and_its_day() -> None:
    received = taken(void("C-1", 3, why="SETTLEMENT_UNDONE", submitted=datetime(2026, 11, 20, 17, tzinfo=UTC)))

    assert received.void is not None
    assert (received.claim_number, received.revision, received.sent) == ("C-1", 3, Sent.VOID)
    assert received.void.reason is VoidReason.SETTLEMENT_UNDONE
    assert received.submit_date == date(2026, 11, 21)  # in Shanghai


def test_the_same_void_at_another_time_has_the_same_digest_and_no_other_has() -> None:
    later = taken(void("C-1", submitted=datetime(2026, 11, 22, tzinfo=UTC)))

    assert later.content_hash == taken(void("C-1")).content_hash
    others = [void("C-2"), void("C-1", 2), void("C-1", why="ENTERED_WRONGLY")]
    assert later.content_hash not in {taken(other).content_hash for other in others}


def test_what_is_wrong_with_a_void_is_told() -> None:
    assert codes(taken(void("C 1"))) == [("FIELD_MALFORMED", "void.claim_number")]
    assert codes(taken(void("C-1", 0))) == [("FIELD_OUT_OF_RANGE", "void.revision")]
    assert codes(taken(void("C-1", why="UNSPECIFIED"))) == [("FIELD_REQUIRED", "void.reason")]
    assert codes(taken(void("C-1", submitted=datetime(2026, 11, 30, tzinfo=UTC)))) == [
        ("DATE_IN_FUTURE", "void.submit_time")
    ]


def test_a_void_of_a_number_that_is_an_id_number_repeats_nothing() -> None:
    number = id_number()
    received = taken(void(number))

    assert received.claim_number == ""
    assert codes(received) == [("ID_NUMBER_NOT_HERE", "void.claim_number")]
    assert codes(taken(void(number, 0))) == [
        ("ID_NUMBER_NOT_HERE", "void.claim_number"),
        ("FIELD_OUT_OF_RANGE", "void.revision"),
    ]
    assert number not in "".join(str(found.values) for found in received.reasons)


# --- control totals -------------------------------------------------------------------------------------------------


def test_control_totals_are_read() -> None:
    received = taken(control_totals(date(2026, 11, 21), 4, 3, 2, 1, sent=datetime(2026, 11, 22, tzinfo=UTC)))

    assert received.totals == ControlTotals(date(2026, 11, 21), Totals(4, 3, 2, 1), datetime(2026, 11, 22, tzinfo=UTC))
    assert (received.sent, received.submit_date, received.claim_number) == (Sent.CONTROL_TOTALS, None, "")


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (Date(year=2026, month=11, day=22), []),
        (Date(year=2026, month=11, day=23), ["TOTALS_DAY_NOT_OVER"]),
        (Date(year=2026, month=11, day=24), ["DATE_IN_FUTURE"]),
        (Date(year=2026, month=2, day=30), ["DATE_INVALID"]),
    ],
)
def test_totals_are_told_of_a_day_that_is_over(day: Date, found: list[str]) -> None:
    assert codes(taken(control_totals(day))) == [(code, "control_totals.date") for code in found]


def test_a_sum_below_nothing_is_no_total() -> None:
    assert codes(taken(control_totals(date(2026, 11, 21), claimed_fen=-1))) == [
        ("AMOUNT_OUT_OF_RANGE", "control_totals.claimed_fen")
    ]


# --- the day a record belongs to ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("submitted", "day"),
    [
        (datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC), date(2026, 11, 20)),
        (datetime(2026, 11, 20, 16, tzinfo=UTC), date(2026, 11, 21)),
    ],
)
def test_a_record_belongs_to_the_day_in_shanghai(submitted: datetime, day: date) -> None:
    assert taken(submit(claim(submitted=submitted))).submit_date == day
    returned = taken(submit(claim(submitted=submitted, county="110101", claimed_fen=7)))
    assert (returned.submission, returned.submit_date, returned.claimed_fen) == (None, day, 7)


@pytest.mark.parametrize("seconds", [-(2**63), -1, 0, 2**63 - 1])
def test_a_time_that_no_calendar_has_belongs_to_no_day(seconds: int) -> None:
    sent = claim()
    sent.submit_time.seconds = seconds

    assert taken(submit(sent)).submit_date is None
    assert taken(replacement(sent, 2)).sent is Sent.REPLACE
