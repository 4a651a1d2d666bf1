"""Reading the intake: every problem has a code and a place, and nothing raises."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from cradle.claims.v1 import claim_pb2, intake_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from services.claims.model import DeliveryMode, Received
from services.claims.rules import LAW, first_day
from services.claims.wire.intake import content, read
from services.kit.identifiers import _uscc_code, holds_id_number
from services.kit.messages import Language
from tests.builders import DELIVERED, EMPLOYER, MOTHER, TODAY, claim, message, replacement, submit

BYTES_MAX = 65_536


def sha256(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


Change = Callable[[intake_pb2.ClaimSubmission], object]


def taken(value: bytes, *, bytes_max: int = BYTES_MAX, today: date = TODAY) -> Received:
    return read(message(value), today, first_day(LAW), bytes_max, sha256)


def problems(submission: intake_pb2.ClaimSubmission) -> list[tuple[str, str]]:
    """Codes and places of what is wrong, the places from the claim on."""
    received = taken(submit(submission))
    assert (received.submission is None) == bool(received.reasons)
    return [(given.code, given.field.removeprefix("submit.claim.")) for given in received.reasons]


def changed(change: Change) -> intake_pb2.ClaimSubmission:
    submission = claim()
    change(submission)
    return submission


# --- a good one -----------------------------------------------------------------------------------------------------


def test_a_good_claim_is_read_into_a_submission() -> None:
    received = taken(submit(claim(own_wage_fen=810_000, claimed_fen=2_646_000)))

    submission = received.submission
    assert received.reasons == ()
    assert (received.source, received.claim_number, received.revision) == ("hospitals", "C-1", 1)
    assert submission is not None
    assert (submission.person_id_number, submission.employer_uscc) == (MOTHER, EMPLOYER)
    assert (submission.event.date, submission.event.mode) == (DELIVERED, DeliveryMode.VAGINAL)
    assert (submission.own_monthly_wage_fen, submission.claimed_fen) == (810_000, 2_646_000)


def test_a_wage_that_was_not_given_is_not_zero() -> None:
    missing, zero = taken(submit(claim(own_wage_fen=None))), taken(submit(claim(own_wage_fen=0)))

    assert missing.submission is not None
    assert zero.submission is not None
    assert (missing.submission.own_monthly_wage_fen, zero.submission.own_monthly_wage_fen) == (None, 0)


def test_a_correction_carries_its_revision_and_its_own_paths() -> None:
    good, bad = taken(replacement(claim(), 3)), taken(replacement(claim(county="110101"), 3))

    assert good.submission is not None
    assert (good.revision, good.submission.revision) == (3, 3)
    assert [(found.code, found.field) for found in bad.reasons] == [("COUNTY_UNKNOWN", "replace.claim.county")]


@pytest.mark.parametrize("revision", [0, 1])
def test_a_correction_must_be_the_second_revision_or_later(revision: int) -> None:
    received = taken(replacement(claim(), revision))

    assert [(found.code, found.field) for found in received.reasons] == [("FIELD_OUT_OF_RANGE", "replace.revision")]


@pytest.mark.parametrize(("revision", "codes"), [(9_999, []), (10_000, []), (10_001, ["FIELD_OUT_OF_RANGE"])])
def test_a_claim_is_corrected_ten_thousand_times_at_most(revision: int, codes: list[str]) -> None:
    assert [found.code for found in taken(replacement(claim(), revision)).reasons] == codes


def test_an_absurd_revision_is_refused() -> None:
    found = taken(replacement(claim(), 2**32 - 1)).reasons

    assert [(reason.code, reason.field) for reason in found] == [("FIELD_OUT_OF_RANGE", "replace.revision")]


# --- bytes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [b"\xff\xff\xff", b"not protobuf", b'{"claim": 1}', submit(claim())[:-3], b"\x0a\x05\x0a\x03\x0a\x01\xff"]
)
def test_bytes_that_are_no_intake_are_unreadable(value: bytes) -> None:
    received = taken(value)

    assert [found.code for found in received.reasons] == ["MESSAGE_UNREADABLE"]
    assert (received.claim_number, received.content_hash) == ("", hashlib.sha256(value).digest())


def test_an_empty_record_is_empty() -> None:
    assert [found.code for found in taken(b"").reasons] == ["MESSAGE_EMPTY"]


def test_an_envelope_without_anything_in_it_is_told() -> None:
    unknown_field_only = b"\xa2\x06\x03abc"

    assert [found.code for found in taken(unknown_field_only).reasons] == ["FIELD_REQUIRED"]


@pytest.mark.parametrize(("over", "codes"), [(-1, []), (0, []), (1, ["MESSAGE_TOO_LARGE"])])
def test_a_message_may_be_as_large_as_the_limit(over: int, codes: list[str]) -> None:
    value = submit(claim())

    received = taken(value, bytes_max=len(value) - over)

    assert [found.code for found in received.reasons] == codes


def test_nine_hundred_kilobytes_are_told_with_both_sizes() -> None:
    received = taken(b"\x0a" * 900_000)

    assert [dict(found.values) for found in received.reasons] == [{"size": "900000", "limit": "65536"}]


# --- fields ---------------------------------------------------------------------------------------------------------

FIELDS: dict[str, tuple[Change, tuple[str, str]]] = {
    "no claim number": (lambda c: c.ClearField("claim_number"), ("FIELD_REQUIRED", "claim_number")),
    "a claim number of 65": (lambda c: setattr(c, "claim_number", "9" * 65), ("FIELD_TOO_LONG", "claim_number")),
    "a claim number with a blank": (lambda c: setattr(c, "claim_number", "C 1"), ("FIELD_MALFORMED", "claim_number")),
    "a claim number with an end of line": (
        lambda c: setattr(c, "claim_number", "C-1\n"),
        ("FIELD_MALFORMED", "claim_number"),
    ),
    "a claim number that is a name": (
        lambda c: setattr(c, "claim_number", "王测试"),
        ("FIELD_MALFORMED", "claim_number"),
    ),
    "no person": (lambda c: c.ClearField("person_id_number"), ("FIELD_REQUIRED", "person_id_number")),
    "a person of 33": (lambda c: setattr(c, "person_id_number", "1" * 33), ("FIELD_TOO_LONG", "person_id_number")),
    "an employer of 33": (lambda c: setattr(c, "employer_uscc", "9" * 33), ("FIELD_TOO_LONG", "employer_uscc")),
    "no county": (lambda c: c.ClearField("county"), ("FIELD_REQUIRED", "county")),
    "a county of five digits": (lambda c: setattr(c, "county", "61030"), ("FIELD_MALFORMED", "county")),
    "a county with an end of line": (lambda c: setattr(c, "county", "610304\n"), ("FIELD_MALFORMED", "county")),
    "no kind": (lambda c: c.ClearField("kind"), ("FIELD_REQUIRED", "kind")),
    "a kind of the future": (lambda c: setattr(c, "kind", 99), ("CODE_UNKNOWN", "kind")),
    "no event": (lambda c: c.ClearField("event"), ("FIELD_REQUIRED", "event")),
    "no kind of event": (lambda c: c.event.ClearField("type"), ("FIELD_REQUIRED", "event.type")),
    "an unknown kind of event": (lambda c: setattr(c.event, "type", 7), ("CODE_UNKNOWN", "event.type")),
    "no date": (lambda c: c.event.ClearField("date"), ("FIELD_REQUIRED", "event.date")),
    "no mode": (lambda c: c.event.ClearField("delivery_mode"), ("FIELD_REQUIRED", "event.delivery_mode")),
    "no infants": (lambda c: setattr(c.event, "infants", 0), ("FIELD_OUT_OF_RANGE", "event.infants")),
    "nine infants": (lambda c: setattr(c.event, "infants", 9), ("FIELD_OUT_OF_RANGE", "event.infants")),
    "no birth order": (lambda c: setattr(c.event, "birth_order", 0), ("FIELD_OUT_OF_RANGE", "event.birth_order")),
    "birth order 21": (lambda c: setattr(c.event, "birth_order", 21), ("FIELD_OUT_OF_RANGE", "event.birth_order")),
    "no submit time": (lambda c: c.ClearField("submit_time"), ("FIELD_REQUIRED", "submit_time")),
    "a remark of 2001": (lambda c: setattr(c, "remark", "字" * 2001), ("FIELD_TOO_LONG", "remark")),
}


@pytest.mark.parametrize(("change", "problem"), FIELDS.values(), ids=FIELDS.keys())
def test_a_field_that_is_wrong_is_named_with_its_code(change: Change, problem: tuple[str, str]) -> None:
    assert problems(changed(change)) == [problem]


@pytest.mark.parametrize(
    ("infants", "order"), [(1, 1), (8, 20)], ids=["the least that is allowed", "the most that is allowed"]
)
def test_infants_and_birth_order_at_their_bounds_are_taken(infants: int, order: int) -> None:
    submission = claim(birth_order=order)
    submission.event.infants = infants

    assert problems(submission) == []


def test_every_problem_is_told_at_once() -> None:
    submission = claim(person=MOTHER[:-1] + "8", employer=EMPLOYER[:-1] + "Q", county="110101", on=date(2026, 12, 31))

    assert [field for _, field in problems(submission)] == [
        "person_id_number",
        "employer_uscc",
        "county",
        "event.date",
    ]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("change", [change for change, _ in FIELDS.values()], ids=FIELDS.keys())
def test_every_problem_has_its_text(change: Change, language: Language) -> None:
    received = taken(submit(changed(change)))

    assert all(found.text(language) for found in received.reasons)


# --- what may be repeated back --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["王测试", "C 1", "a\x00b", "138 0000 0000", "C-1\n", "9" * 65])
def test_a_number_that_breaks_the_form_is_not_repeated_back(number: str) -> None:
    """It may be anything: a name, a telephone number, or a NUL that no database stores."""
    assert taken(submit(claim(number=number))).claim_number == ""


@pytest.mark.parametrize("number", ["C-1", "a", "9" * 64, "2026.03_A-7"])
def test_a_number_of_the_right_form_is_repeated_back_whatever_else_is_wrong(number: str) -> None:
    assert taken(submit(claim(number=number, county="110101"))).claim_number == number


def test_a_claim_number_that_is_her_id_number_is_refused() -> None:
    """The number travels on topics where no ID number may be."""
    for number in (MOTHER, f"C-{MOTHER}"):
        received = taken(submit(claim(number=number)))
        assert received.submission is None
        assert received.claim_number == ""


def test_an_id_number_for_a_claim_number_is_told_with_everything_else() -> None:
    """Whether the rest is wrong by its shape or by what it says: nobody needs a second round."""
    here = ("ID_NUMBER_NOT_HERE", "claim_number")

    assert problems(claim(number=MOTHER, county="x")) == [here, ("FIELD_MALFORMED", "county")]
    assert problems(claim(number=f"王 {MOTHER}", county="x")) == [here, ("FIELD_MALFORMED", "county")]
    assert problems(claim(number=MOTHER, county="110101")) == [here, ("COUNTY_UNKNOWN", "county")]
    assert MOTHER not in "".join(str(one) for one in taken(submit(claim(number=MOTHER, county="x"))).reasons)


@pytest.mark.parametrize(
    "text",
    [
        MOTHER,
        f"about {MOTHER}",
        "６１０３０２１９９４０３１２４０２９",
        "610302 19940312 4029",
        "610302-19940312-4029",
        f"case 7/{MOTHER}, her own",
    ],
)
def test_an_id_number_is_found_however_it_is_written(text: str) -> None:
    assert holds_id_number(text)


@pytest.mark.parametrize("text", ["", "610302199403124028", f"1{MOTHER}", "about 17 women of 610302"])
def test_what_is_no_id_number_may_stand(text: str) -> None:
    assert not holds_id_number(text)


def test_what_single_fields_say_is_told_with_what_their_forms_are() -> None:
    """A short county code beside a wrong check digit, a credit code, a day and an instant: one round, not two."""
    wrong = claim(county="61030", person=MOTHER[:-1] + "8", employer=EMPLOYER[:-1] + "0", on=date(2026, 11, 24))
    wrong.submit_time.FromDatetime(datetime(2027, 1, 1, tzinfo=UTC))
    wrong.husband_id_number = "61030219940312411"

    assert problems(wrong) == [
        ("FIELD_MALFORMED", "county"),
        ("ID_NUMBER_CHECK_DIGIT", "person_id_number"),
        ("USCC_CHECK_DIGIT", "employer_uscc"),
        ("DATE_IN_FUTURE", "event.date"),
        ("DATE_IN_FUTURE", "submit_time"),
        ("ID_NUMBER_LENGTH", "husband_id_number"),
    ]


def test_a_field_is_told_once_and_what_lies_in_a_missing_one_not_at_all() -> None:
    wrong = claim(county="", person="")
    wrong.ClearField("event")

    assert problems(wrong) == [("FIELD_REQUIRED", name) for name in ("person_id_number", "county", "event")]


def test_whether_she_is_a_woman_is_told_beside_a_wrong_form() -> None:
    man = "610303199108051134"
    of_a_birth, of_nothing = claim(county="x", person=man), claim(county="x", person=man)
    of_nothing.event.type = claim_pb2.EVENT_TYPE_UNSPECIFIED

    assert problems(of_a_birth) == [("FIELD_MALFORMED", "county"), ("ID_NUMBER_NOT_THE_MOTHER", "person_id_number")]
    assert "person_id_number" not in {field for _, field in problems(of_nothing)}


@pytest.mark.parametrize("county", ["610304", "x"])
def test_a_blank_is_no_number_whatever_else_is_wrong(county: str) -> None:
    blank = claim(county=county, employer=" ")
    blank.husband_id_number = " "

    assert problems(blank)[-2:] == [
        ("USCC_MALFORMED", "employer_uscc"),
        ("ID_NUMBER_LENGTH", "husband_id_number"),
    ]


def test_numbers_without_end_are_not_kept() -> None:
    """What is remembered of codes is of one length: a sender must not fill the memory of a worker."""
    kept = _uscc_code.cache_info().currsize

    for number in range(3):
        assert ("FIELD_TOO_LONG", "employer_uscc") in problems(claim(employer="\ufdfa" * 20_000 + str(number)))

    assert _uscc_code.cache_info().currsize == kept


def test_what_is_missing_whole_is_told_alone() -> None:
    nothing = intake_pb2.ClaimIntake(submit=intake_pb2.SubmitClaim())

    found = taken(nothing.SerializeToString()).reasons

    assert [(one.code, one.field) for one in found] == [("FIELD_REQUIRED", "submit.claim")]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (Timestamp(seconds=-62_135_596_801), "DATE_INVALID"),
        (Timestamp(seconds=-(10**11)), "DATE_INVALID"),
        (Timestamp(seconds=1_795_000_000, nanos=-1), "DATE_INVALID"),
        (Timestamp(seconds=1_795_000_000, nanos=1_000_000_000), "DATE_INVALID"),
        (Timestamp(seconds=1_795_000_000, nanos=999_999_999), ""),
        (Timestamp(seconds=-62_135_596_800), ""),
        (Timestamp(seconds=2**62), "DATE_IN_FUTURE"),
    ],
)
def test_an_instant_that_no_calendar_has_is_told(at: Timestamp, code: str) -> None:
    """Also of a void and of control totals, which are read to the end."""
    sent = claim()
    sent.submit_time.CopyFrom(at)
    for sent_so in (
        intake_pb2.ClaimIntake(submit=intake_pb2.SubmitClaim(claim=sent)),
        intake_pb2.ClaimIntake(
            void=intake_pb2.VoidClaim(
                claim_number="C-1", revision=1, reason=intake_pb2.VOID_REASON_ENTERED_WRONGLY, submit_time=at
            )
        ),
        intake_pb2.ClaimIntake(
            control_totals=intake_pb2.ControlTotals(date=Date(year=2026, month=11, day=20), submit_time=at)
        ),
    ):
        found = taken(sent_so.SerializeToString()).reasons
        assert [(one.code, one.field.rpartition(".")[2]) for one in found] == ([(code, "submit_time")] if code else [])


@pytest.mark.parametrize(
    ("day", "codes"),
    [
        (first_day(LAW), []),
        (first_day(LAW) - timedelta(days=1), ["DATE_TOO_EARLY"]),
        (date.min, ["DATE_TOO_EARLY"]),  # to a database it is the beginning of time, and the days since are without end
    ],
)
def test_totals_are_of_a_day_of_the_law(day: date, codes: list[str]) -> None:
    totals = intake_pb2.ControlTotals(
        date=Date(year=day.year, month=day.month, day=day.day), submit_time=Timestamp(seconds=1)
    )

    found = taken(intake_pb2.ClaimIntake(control_totals=totals).SerializeToString())

    assert [one.code for one in found.reasons] == codes


@pytest.mark.parametrize("kind", [0, 99])
def test_what_fields_mean_beside_each_other_is_not_asked_of_a_claim_of_no_kind(kind: int) -> None:
    """An allowance has no costs, any other claim must have some."""
    wrong = claim()
    wrong.kind = kind  # type: ignore[assignment]

    assert [field for _, field in problems(wrong)] == ["kind"]


def test_no_reason_repeats_a_personal_value() -> None:
    number = MOTHER[:-1] + "8"

    received = taken(submit(claim(person=number, remark="字" * 2001)))

    for found in received.reasons:
        assert number not in str(found.values) + found.text(Language.EN) + found.text(Language.ZH)


# --- ID numbers and credit codes: the vectors of domain.md 5.1 ------------------------------------------------------

WOMEN = ["610302199403124029", "610305202603100025", "610324199901010065", "610304202412318826"]


@pytest.mark.parametrize("number", WOMEN)
def test_a_valid_id_number_of_a_woman_is_taken(number: str) -> None:
    assert problems(claim(person=number, on=DELIVERED)) == []


@pytest.mark.parametrize("body", ["61032219880229042", "11010519491231002"], ids=["an abolished area", "another city"])
def test_the_area_of_first_registration_may_be_any(body: str) -> None:
    assert problems(claim(person=body + ric.calc_check_digit(body + "0"))) == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("610302199403124028", "ID_NUMBER_CHECK_DIGIT"),
        ("610302199403124092", "ID_NUMBER_CHECK_DIGIT"),
        ("61030219940312402X", "ID_NUMBER_CHECK_DIGIT"),
        ("6103021994O3124029", "ID_NUMBER_CHECK_DIGIT"),
        ("X10302199403124029", "ID_NUMBER_CHECK_DIGIT"),
        ("610303199108051134", "ID_NUMBER_NOT_THE_MOTHER"),
        ("610323198802290013", "ID_NUMBER_NOT_THE_MOTHER"),
        ("610302940312402", "ID_NUMBER_LENGTH"),
        ("61030219940312402", "ID_NUMBER_LENGTH"),
        ("6103021994031240290", "ID_NUMBER_LENGTH"),
    ],
)
def test_a_wrong_id_number_is_told_what_is_wrong_with_it(number: str, code: str) -> None:
    assert problems(claim(person=number)) == [(code, "person_id_number")]


@pytest.mark.parametrize(
    ("born", "codes"),
    [
        ("20260230", ["ID_NUMBER_BIRTH_DATE"]),
        ("19941301", ["ID_NUMBER_BIRTH_DATE"]),
        ("20261124", ["ID_NUMBER_BIRTH_DATE"]),
        ("20261123", []),
        ("19880229", []),
        ("19890229", ["ID_NUMBER_BIRTH_DATE"]),
    ],
)
def test_the_birth_date_inside_must_exist_and_not_be_in_the_future(born: str, codes: list[str]) -> None:
    body = f"610302{born}402"
    number = body + ric.calc_check_digit(body + "0")

    assert [code for code, _ in problems(claim(person=number))] == codes


def test_full_width_digits_a_small_x_and_blanks_around_are_no_reason_to_send_back() -> None:
    body = next(
        f"61030219940312{n:03d}" for n in range(0, 999, 2) if ric.calc_check_digit(f"61030219940312{n:03d}0") == "X"
    )
    full_width = str.maketrans("0123456789", "０１２３４５６７８９")

    for written in (body + "x", body + "X", (body + "x").translate(full_width), f" {body}ｘ "):
        received = taken(submit(claim(person=written)))
        assert received.reasons == ()
        assert received.submission is not None
        assert received.submission.person_id_number == body + "X"


@pytest.mark.parametrize(
    "code",
    [
        "91610302MA6XA1B21P",
        "91610304305512349E",
        "12610300436200011N",
        "11610300016004129F",
        "52610303MJX1234569",
        "92610323MA6YH8K358",
        "91610302ma6xa1b21p",
    ],
)
def test_a_valid_credit_code_is_taken(code: str) -> None:
    assert problems(claim(employer=code)) == []


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("91610302MA6XA1B21Q", "USCC_CHECK_DIGIT"),
        ("91610302MA6XA1B12P", "USCC_CHECK_DIGIT"),
        ("91610302MA6XA1B21", "USCC_MALFORMED"),
        ("91610302MA6XA1B21PP", "USCC_MALFORMED"),
        ("91610302MA6XAIB21P", "USCC_MALFORMED"),  # no letter I
        ("91610302MA6XAOB21P", "USCC_MALFORMED"),
        ("宝鸡市第一人民医院", "USCC_MALFORMED"),
    ],
)
def test_a_wrong_credit_code_is_told_what_is_wrong_with_it(code: str, problem: str) -> None:
    assert problems(claim(employer=code)) == [(problem, "employer_uscc")]


# --- counties -------------------------------------------------------------------------------------------------------

COUNTIES = [
    "610302",
    "610303",
    "610304",
    "610305",
    "610323",
    "610324",
    "610326",
    "610327",
    "610328",
    "610329",
    "610330",
    "610331",
]


@pytest.mark.parametrize("county", COUNTIES)
def test_each_of_the_twelve_counties_is_taken(county: str) -> None:
    assert problems(claim(county=county)) == []


@pytest.mark.parametrize(("old", "new"), [("610322", "610305"), ("610321", "610304")])
def test_an_abolished_county_is_mapped_to_what_became_of_it(old: str, new: str) -> None:
    received = taken(submit(claim(county=old)))

    assert received.submission is not None
    assert received.submission.county == new


@pytest.mark.parametrize("county", ["610301", "610325", "610332", "610102", "000000"])
def test_a_code_that_is_no_county_of_baoji_is_unknown(county: str) -> None:
    assert problems(claim(county=county)) == [("COUNTY_UNKNOWN", "county")]


# --- dates ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "codes"),
    [
        (Date(year=2026, month=11, day=22), []),
        (Date(year=2026, month=11, day=23), []),
        (Date(year=2026, month=11, day=24), ["DATE_IN_FUTURE"]),
        (Date(year=9999, month=12, day=31), ["DATE_IN_FUTURE"]),
        (Date(year=2022, month=5, day=26), []),
        (Date(year=2022, month=5, day=25), []),
        (Date(year=2022, month=5, day=24), ["DATE_TOO_EARLY"]),
        (Date(year=2024, month=2, day=29), []),
        (Date(year=2026, month=2, day=29), ["DATE_INVALID"]),
        (Date(year=2026, month=2, day=30), ["DATE_INVALID"]),
        (Date(year=2026, month=3, day=0), ["DATE_INVALID"]),
        (Date(year=2026), ["DATE_INVALID"]),
        (Date(), ["DATE_INVALID"]),
        (Date(year=-1, month=2, day=3), ["DATE_INVALID"]),
        (Date(year=2**31 - 1, month=2**31 - 1, day=-(2**31)), ["DATE_INVALID"]),
    ],
    ids=lambda value: " ".join(str(value).split()) if isinstance(value, Date) else None,
)
def test_the_day_of_the_event_exists_is_not_in_the_future_and_has_a_law(on: Date, codes: list[str]) -> None:
    assert problems(claim(on=on)) == [(code, "event.date") for code in codes]


def test_a_sender_who_stamps_local_time_as_utc_is_not_in_the_future() -> None:
    late_today_in_shanghai = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
    next_week = datetime(2026, 11, 30, tzinfo=UTC)

    assert problems(claim(submitted=late_today_in_shanghai)) == []
    assert problems(claim(submitted=next_week)) == [("DATE_IN_FUTURE", "submit_time")]


@pytest.mark.parametrize(("second", "last"), [(58, None), (59, None), (60, "2026-11-24T23:59:59Z")])
def test_a_time_beyond_its_grace_is_told_how_late_it_may_be(second: int, last: str | None) -> None:
    submitted = datetime(2026, 11, 24, 23, 59, tzinfo=UTC) + timedelta(seconds=second)

    told = [dict(found.values).get("last") for found in taken(submit(claim(submitted=submitted))).reasons]

    assert told == ([last] if last else [])


def test_a_day_after_today_is_told_the_last_day() -> None:
    [told] = taken(submit(claim(on=Date(year=2026, month=11, day=24)))).reasons

    assert told.text(Language.EN) == "This lies in the future; the latest that may stand here is 2026-11-23."


# --- money ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "codes"),
    [
        (-(2**63), ["AMOUNT_OUT_OF_RANGE"]),
        (-1, ["AMOUNT_OUT_OF_RANGE"]),
        (0, []),
        (20_000_000, []),
        (20_000_001, ["AMOUNT_OUT_OF_RANGE"]),
        (2**63 - 1, ["AMOUNT_OUT_OF_RANGE"]),
    ],
)
def test_a_negative_or_absurd_wage_is_refused(amount: int, codes: list[str]) -> None:
    assert problems(claim(own_wage_fen=amount)) == [(code, "own_monthly_wage_fen") for code in codes]


@pytest.mark.parametrize(
    ("amount", "codes"),
    [(-1, ["AMOUNT_OUT_OF_RANGE"]), (0, []), (50_000_000, []), (50_000_001, ["AMOUNT_OUT_OF_RANGE"])],
)
def test_a_negative_or_absurd_sum_claimed_is_refused(amount: int, codes: list[str]) -> None:
    assert problems(claim(claimed_fen=amount)) == [(code, "claimed_fen") for code in codes]


# --- text -----------------------------------------------------------------------------------------------------------

REMARKS = [
    "母子平安",
    "ᠮᠣᠩᠭᠣᠯ",
    "བོད་ཡིག",
    "ئۇيغۇرچە",
    "👶🏽‍👩",
    "a\x00b",
    "'; DROP TABLE claim; --",
    "\u202egnp.exe",
    "𠮷" * 2000,
]


@pytest.mark.parametrize("remark", REMARKS, ids=range(len(REMARKS)))
def test_a_remark_may_be_in_any_script(remark: str) -> None:
    assert problems(claim(remark=remark)) == []


# --- content --------------------------------------------------------------------------------------------------------


def test_a_resend_with_a_new_submit_time_is_the_same_content() -> None:
    later = claim(submitted=datetime(2026, 11, 21, 7, 30, 0, 5, tzinfo=UTC))

    assert content(later) == content(claim())


@pytest.mark.parametrize(
    "field", [f.name for f in intake_pb2.ClaimSubmission.DESCRIPTOR.fields if f.name != "submit_time"]
)
def test_any_other_field_makes_it_other_content(field: str) -> None:
    base = claim(claimed_fen=1, remark="x")
    base.husband_id_number = MOTHER
    base.father.requested = True
    base.stays.add(provider="H61030200123")
    base.visits.add(provider="H61030200123")
    base.items.add(provider="H61030200123")
    other = intake_pb2.ClaimSubmission()
    other.CopyFrom(base)
    other.ClearField(field)  # type: ignore[arg-type]  # every name of the descriptor

    assert content(other) != content(base)


def test_the_receipt_of_what_cannot_be_read_has_the_digest_of_the_whole_record() -> None:
    value = submit(claim(county="110101"))

    assert taken(value).content_hash == hashlib.sha256(value).digest()


# --- fuzz -----------------------------------------------------------------------------------------------------------


def answered(value: bytes, timestamp_ms: int = 0) -> None:
    received = read(message(value, timestamp_ms=timestamp_ms), TODAY, first_day(LAW), BYTES_MAX, sha256)

    assert (received.submission is None) == bool(received.reasons)
    assert len(received.claim_number) <= 64
    assert 0 <= received.revision < 2**32
    assert all(found.text(language) for found in received.reasons for language in Language)


@given(st.binary(max_size=400))
def test_any_bytes_are_answered(value: bytes) -> None:
    answered(value)


@given(st.binary(min_size=1, max_size=5), st.integers(0, len(submit(claim()))))
def test_a_good_message_with_bytes_put_in_is_answered(splinter: bytes, at: int) -> None:
    value = submit(claim())

    answered(value[:at] + splinter + value[at:])
    answered(value[:at] + splinter + value[at + len(splinter) :])
    answered(value[:at])


@given(
    st.builds(
        intake_pb2.ClaimSubmission,
        claim_number=st.text(max_size=70),
        person_id_number=st.text(max_size=40) | st.from_regex(r"[0-9]{17}[0-9Xx]", fullmatch=True),
        employer_uscc=st.text(max_size=40) | st.from_regex(r"[0-9A-Z]{18}", fullmatch=True),
        county=st.text(max_size=8) | st.sampled_from(COUNTIES),
        kind=st.sampled_from(claim_pb2.ClaimKind.values()),
        own_monthly_wage_fen=st.none() | st.integers(-(2**63), 2**63 - 1),
        submit_time=st.builds(Timestamp, seconds=st.integers(-(2**63), 2**63 - 1), nanos=st.integers(-9, 10**9)),
        remark=st.text(max_size=30),
        event=st.builds(
            intake_pb2.MaternityEvent,
            date=st.builds(
                Date, year=st.integers(-(2**31), 2**31 - 1), month=st.integers(-1, 14), day=st.integers(-1, 40)
            ),
            infants=st.integers(0, 2**32 - 1),
        ),
    ),
    st.integers(0, 2**32 - 1),
)
def test_any_well_formed_message_is_answered(submission: intake_pb2.ClaimSubmission, revision: int) -> None:
    answered(submit(submission))
    answered(replacement(submission, revision))


@pytest.mark.parametrize("timestamp_ms", [-1, 0, 10**17, -(2**63), 2**63 - 1])
def test_a_record_with_a_timestamp_no_calendar_has_is_answered(timestamp_ms: int) -> None:
    answered(submit(claim()), timestamp_ms)
