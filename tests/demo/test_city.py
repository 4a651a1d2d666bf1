"""The synthetic city: the same for the same seed, sound where it says so, and dirty only where it says how."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from random import Random

import pytest
from cradle.claims.v1 import claim_pb2, intake_pb2
from cradle.registry.v1 import service_pb2 as registry_pb2
from google.protobuf.message import DecodeError
from protovalidate import Validator
from stdnum.cn import ric, uscc

from deploy.demo import city, dirt, identity, people
from deploy.demo.claims import NO_DIRT, City, Submission, counts, generate
from deploy.demo.stories import CORRECTION, OVERSIZE, SECONDS
from services.claims.wire.content import claim_problems

TODAY = date(2026, 11, 23)
FIGURES = city.load()
VALIDATOR = Validator()

COUNT = 6000


@pytest.fixture(scope="module")
def baoji() -> City:
    return generate(162, COUNT, TODAY)


@pytest.fixture(scope="module")
def stressed() -> City:
    """Every kind of dirt, several times."""
    return generate(163, COUNT, TODAY, "stress")


def with_effect(submissions: Sequence[Submission], *effects: str) -> list[Submission]:
    return [s for s in submissions if dirt.effect(FIGURES, s.truth) in effects]


def of_kind(submissions: Sequence[Submission], kind: str) -> list[Submission]:
    return [s for s in submissions if kind in s.truth.split("+")]


def read(submission: Submission) -> tuple[intake_pb2.ClaimSubmission, int]:
    """The claim and its revision."""
    intake = intake_pb2.ClaimIntake.FromString(submission.value)
    if intake.WhichOneof("event") == "replace":
        return intake.replace.claim, intake.replace.revision
    return intake.submit.claim, 1


def is_sound(value: bytes) -> bool:
    return not VALIDATOR.collect_violations(intake_pb2.ClaimIntake.FromString(value))


def is_readable(value: bytes) -> bool:
    try:
        intake = intake_pb2.ClaimIntake.FromString(value)
    except DecodeError:
        return False
    return intake.WhichOneof("event") is not None


# --- the same again --------------------------------------------------------------------------------------------------


def test_the_same_seed_makes_the_same_bytes() -> None:
    one, two = generate(7, 400, TODAY), generate(7, 400, TODAY)

    assert one == two
    assert [p.SerializeToString(deterministic=True) for p in one.persons] == [
        p.SerializeToString(deterministic=True) for p in two.persons
    ]


def test_another_seed_makes_another_city() -> None:
    one, two = generate(7, 400, TODAY), generate(8, 400, TODAY)

    assert {s.value for s in one.submissions}.isdisjoint(s.value for s in two.submissions if s.value)


def test_another_day_moves_the_births_along() -> None:
    moved = generate(7, 200, date(2025, 3, 1), "none")

    days = [read(s)[0].event.date for s in moved.submissions]
    assert max((day.year, day.month, day.day) for day in days) <= (2025, 3, 1)
    assert min((day.year, day.month, day.day) for day in days) > (2024, 2, 29)


@pytest.mark.parametrize("count", [1, 2, 99, 100, 1000])
def test_exactly_as_many_submissions_come_as_were_asked_for(count: int) -> None:
    assert len(generate(1, count, TODAY).submissions) == count


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", ["610302199403124029", "610305202603100025", "610324199901010065", "610323198802290013"]
)
def test_id_numbers_carry_the_check_digit_of_gb_11643(number: str) -> None:
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))

    assert identity.id_number(number[:6], born, int(number[14:17])) == number


@pytest.mark.parametrize(
    "code", ["91610302MA6XA1B21P", "12610300436200011N", "11610300016004129F", "92610323MA6YH8K358"]
)
def test_credit_codes_carry_the_check_digits_of_gb_32100(code: str) -> None:
    assert identity.uscc(code[:2], code[2:8], code[8:16]) == code


def test_every_person_has_a_womans_number_of_her_own(baoji: City) -> None:
    numbers = [person.person_id_number for person in baoji.persons]

    assert len(set(numbers)) == len(numbers)
    assert all(int(number[16]) % 2 == 0 for number in numbers)
    assert all(ric.calc_check_digit(number) == number[17] for number in numbers)
    # Many area codes were first given out in 1983.
    assert all(ric.is_valid(number) for number in numbers if int(number[6:10]) > 1983)


def test_abolished_area_codes_live_on_in_id_numbers(baoji: City) -> None:
    areas = {person.person_id_number[:6] for person in baoji.persons}

    assert {"610321", "610322"} <= areas
    assert any(not area.startswith("61") for area in areas)


def test_every_employer_has_a_valid_code_and_wages_within_the_bounds_of_the_year(baoji: City) -> None:
    assert all(uscc.is_valid(employer.uscc) for employer in baoji.employers)
    assert len({employer.uscc for employer in baoji.employers}) == len(baoji.employers)
    for employer in baoji.employers:
        for year, wage_fen in employer.average_monthly_wage_fen.items():
            floor, ceiling = FIGURES.wages.base[year]
            assert floor * 100 <= wage_fen <= ceiling * 100


def test_every_record_can_be_recorded(baoji: City) -> None:
    request = registry_pb2.BatchRecordCoverageRequest(employers=baoji.employers[:1000], persons=baoji.persons[:1000])
    known = {employer.uscc for employer in baoji.employers}

    assert VALIDATOR.collect_violations(request) == []
    assert all(person.employer_uscc in known for person in baoji.persons if person.employer_uscc)


def test_paid_months_are_spans_in_order_and_back_payments_lie_in_the_gaps() -> None:
    rng = Random(5)
    event = TODAY.year * 12 + 4

    for _ in range(3000):
        spans, back_paid = people.paid_months(rng, FIGURES.insurance, event, TODAY)
        months = [month for first, last in spans for month in range(first, last + 1)]
        late = [month for month, _ in back_paid]
        assert months == sorted(set(months))
        assert set(late).isdisjoint(months)
        assert all(day <= TODAY for _, day in back_paid)
        assert max(months) < TODAY.year * 12 + TODAY.month - 1


# --- shares ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("profile", "share"), [("none", 0.0), ("demo", 0.05), ("realistic", 0.12), ("stress", 0.25)])
def test_the_share_of_dirt_is_that_of_the_profile(profile: str, share: float) -> None:
    submissions = generate(11, 5000, TODAY, profile).submissions

    dirty = sum(s.truth not in NO_DIRT for s in submissions)
    assert dirty / len(submissions) == pytest.approx(share, abs=0.02)


def test_each_kind_comes_about_as_often_as_its_weight(stressed: City) -> None:
    dirty = [s for s in stressed.submissions if s.truth not in NO_DIRT]

    for kind in FIGURES.dirt.kinds.values():
        expected = kind.weight / FIGURES.dirt.drawn.total
        first = sum(s.truth.partition("+")[0] == kind.kind for s in dirty)
        assert first / len(dirty) == pytest.approx(expected, abs=0.03)
        assert first > 0


def test_one_or_two_messages_are_oversize(baoji: City) -> None:
    oversize = [s for s in baoji.submissions if s.truth == OVERSIZE]

    assert 1 <= len(oversize) <= 2
    assert all(900_000 <= len(s.value) < 1_000_000 for s in oversize)


def test_messages_are_of_the_size_of_real_ones(baoji: City) -> None:
    sizes = [len(s.value) for s in baoji.submissions if s.truth == "clean"]

    assert 400 <= sum(sizes) / len(sizes) <= 500


def test_most_come_from_hospitals_and_nearly_all_are_employees(baoji: City) -> None:
    from_hospitals = sum(s.source == "hospitals" for s in baoji.submissions)
    others = sum(person.category != registry_pb2.CATEGORY_EMPLOYEE for person in baoji.persons)

    assert {s.source for s in baoji.submissions} == {"hospitals", "counter"}
    assert 0.7 < from_hospitals / COUNT < 0.9
    assert 0.01 < others / len(baoji.persons) < 0.04


def test_the_counts_are_of_every_truth(baoji: City) -> None:
    table = counts(baoji.submissions)

    assert sum(table.values()) == COUNT
    assert next(iter(table)) == "clean"


# --- sound messages --------------------------------------------------------------------------------------------------


def test_whatever_is_no_error_of_form_can_be_read_and_is_sound(stressed: City) -> None:
    sound = with_effect(stressed.submissions, *NO_DIRT, "KEEP", "DUP", "DECIDE", "PEND")

    assert all(is_sound(s.value) for s in sound)


def test_sound_claims_are_for_a_delivery_of_a_registered_woman_and_her_employer(baoji: City) -> None:
    employed_by = {person.person_id_number: person.employer_uscc for person in baoji.persons}

    for submission in of_kind(baoji.submissions, "clean"):
        claim, revision = read(submission)
        assert revision == 1
        assert claim.kind == claim_pb2.CLAIM_KIND_ALLOWANCE
        assert employed_by[claim.person_id_number] == claim.employer_uscc
        born_on = date(claim.event.date.year, claim.event.date.month, claim.event.date.day)
        assert born_on <= claim.submit_time.ToDatetime().date() <= TODAY


def test_submissions_come_in_the_order_of_their_submit_times(baoji: City) -> None:
    seconds = [read(s)[0].submit_time.seconds for s in baoji.submissions if s.truth in {"clean", CORRECTION}]

    assert seconds == sorted(seconds)


def test_every_key_is_that_of_one_woman(baoji: City) -> None:
    women: dict[bytes, set[str]] = defaultdict(set)
    for submission in with_effect(baoji.submissions, "clean", "DUP", "DECIDE", CORRECTION):
        women[submission.key].add(read(submission)[0].person_id_number)

    assert all(len(s.key) == 16 for s in baoji.submissions)
    assert all(len(numbers) == 1 for numbers in women.values())


# --- what follows another --------------------------------------------------------------------------------------------


def test_corrections_and_resends_come_after_their_original_and_from_the_same_sender(stressed: City) -> None:
    sent: dict[tuple[str, str], Submission] = {}
    followers = 0
    for submission in stressed.submissions:
        if dirt.effect(FIGURES, submission.truth) == "FATAL":
            continue
        number = (submission.source, read(submission)[0].claim_number)
        if submission.truth in {CORRECTION, "resend_identical", "resend_changed"}:
            followers += 1
            assert sent[number].key == submission.key
        sent.setdefault(number, submission)
    assert followers > 100


def test_a_resend_says_the_same_and_a_changed_one_does_not(stressed: City) -> None:
    original = {read(s)[0].claim_number: read(s)[0] for s in stressed.submissions if s.truth in NO_DIRT - {CORRECTION}}

    for kind, is_same in (("resend_identical", True), ("resend_changed", False)):
        for submission in of_kind(stressed.submissions, kind):
            claim, revision = read(submission)
            first = original[claim.claim_number]
            claim.ClearField("submit_time")
            bare = intake_pb2.ClaimSubmission()
            bare.CopyFrom(first)
            bare.ClearField("submit_time")
            assert revision == 1
            assert (claim == bare) is is_same


def test_a_second_claim_has_another_number_and_the_same_or_a_near_date(stressed: City) -> None:
    first = {s.key: read(s)[0] for s in stressed.submissions if s.truth in NO_DIRT - {CORRECTION}}

    for submission in [s for kind in SECONDS[2:] for s in of_kind(stressed.submissions, kind)]:
        claim = read(submission)[0]
        apart = abs(day_of(claim) - day_of(first[submission.key]))
        assert claim.claim_number != first[submission.key].claim_number
        assert apart == 0 if submission.truth == "second_hospital_same_birth" else 1 <= apart <= 5


def day_of(claim: intake_pb2.ClaimSubmission) -> int:
    return date(claim.event.date.year, claim.event.date.month, claim.event.date.day).toordinal()


def test_a_revision_of_an_unknown_claim_names_a_number_never_sent_before(stressed: City) -> None:
    sent = {read(s)[0].claim_number for s in with_effect(stressed.submissions, "clean", "other_category")}
    unknown = [read(s) for s in of_kind(stressed.submissions, "revision_of_unknown")]

    assert all(revision == 2 and claim.claim_number not in sent for claim, revision in unknown)


# --- dirt ------------------------------------------------------------------------------------------------------------


def test_bytes_that_nobody_can_read_are_not_a_message(stressed: City) -> None:
    fatal = [s for s in with_effect(stressed.submissions, "FATAL") if s.truth != OVERSIZE]

    assert len(fatal) > 20
    assert not any(is_readable(s.value) for s in fatal)


def test_amounts_and_missing_fields_break_the_contract(stressed: City) -> None:
    for kind in ("amount_times_100", "amount_absurd", "amount_negative"):
        assert not any(is_sound(s.value) for s in of_kind(stressed.submissions, kind))
    for submission in of_kind(stressed.submissions, "required_missing"):
        claim, _ = read(submission)  # an employer is missed only when it is known that she is an employee
        assert not is_sound(submission.value) or claim_problems(claim, "", TODAY, date.min) or not claim.employer_uscc


def test_spoilt_id_numbers_are_not_valid_and_a_fathers_is_but_male(stressed: City) -> None:
    for kind in ("id_check_digit", "id_15_digits"):
        assert not any(ric.is_valid(read(s)[0].person_id_number) for s in of_kind(stressed.submissions, kind))
    for submission in of_kind(stressed.submissions, "id_of_father"):
        number = read(submission)[0].person_id_number
        assert ric.calc_check_digit(number) == number[17]
        assert int(number[16]) % 2 == 1


def test_a_number_in_full_width_or_lower_case_is_still_hers(stressed: City) -> None:
    registered = {person.person_id_number for person in stressed.persons}

    for submission in of_kind(stressed.submissions, "id_full_width_or_lower_x"):
        number = read(submission)[0].person_id_number
        plain = "".join(chr(ord(c) - 0xFEE0) if ord(c) > 0xFEE0 else c for c in number).upper()
        assert number != plain
        assert plain in registered


def test_unknown_persons_and_employers_have_valid_numbers_that_nobody_registered(stressed: City) -> None:
    persons = {person.person_id_number for person in stressed.persons}
    employers = {employer.uscc for employer in stressed.employers}

    for submission in of_kind(stressed.submissions, "unknown_person"):
        number = read(submission)[0].person_id_number
        assert ric.calc_check_digit(number) == number[17]
        assert number not in persons
    for submission in of_kind(stressed.submissions, "employer_unknown"):
        code = read(submission)[0].employer_uscc
        assert uscc.is_valid(code)
        assert code not in employers
    assert not any(uscc.is_valid(read(s)[0].employer_uscc) for s in of_kind(stressed.submissions, "employer_code_bad"))


def test_scheme_and_employer_mismatches_lie_between_the_claim_and_the_registry(stressed: City) -> None:
    by_number = {person.person_id_number: person for person in stressed.persons}

    for submission in of_kind(stressed.submissions, "scheme_mismatch"):
        assert by_number[read(submission)[0].person_id_number].category == registry_pb2.CATEGORY_RESIDENT
    for submission in of_kind(stressed.submissions, "employer_not_hers"):
        claim = read(submission)[0]
        assert by_number[claim.person_id_number].employer_uscc != claim.employer_uscc


def test_dates_that_are_wrong_are_in_the_future_or_in_no_calendar(stressed: City) -> None:
    for submission in of_kind(stressed.submissions, "future_date"):
        event = read(submission)[0].event.date
        assert (event.year, event.month, event.day) > (TODAY.year, TODAY.month, TODAY.day)
    for submission in of_kind(stressed.submissions, "date_impossible"):
        with pytest.raises(ValueError, match=r"day|month"):
            day_of(read(submission)[0])


def test_two_errors_in_one_message_are_both_named(stressed: City) -> None:
    several = [s.truth.split("+") for s in stressed.submissions if "+" in s.truth]

    assert several
    assert all(len(set(kinds)) == 2 and set(kinds) <= set(FIGURES.dirt.kinds) for kinds in several)


def test_errors_cluster_at_the_counter(stressed: City) -> None:
    shares = {
        source: sum(s.truth not in NO_DIRT for s in stressed.submissions if s.source == source)
        / sum(s.source == source for s in stressed.submissions)
        for source in ("hospitals", "counter")
    }

    assert shares["counter"] > 1.2 * shares["hospitals"]
