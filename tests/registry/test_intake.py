"""Reading what the offices send: any bytes become a statement, or reasons with their place."""

from __future__ import annotations

from typing import Any

import pytest
from cradle.registry.v1 import intake_pb2, service_pb2
from google.type.date_pb2 import Date
from hypothesis import given
from hypothesis import strategies as st

from services.kit.dates import to_proto
from services.kit.messages import Language
from services.kit.parking import Message
from services.registry.model import PaidStatement, Received
from services.registry.wire import intake
from tests.builders import EMPLOYER, TODAY, id_number
from tests.registry import statements
from tests.registry.statements import child, covered, household, numbered, paid, span

MOTHER = "610302199403124029"
FATHER = id_number(sequence=401)


def read(value: bytes) -> Received:
    message = Message("registry.coverage-intake.v1.tax", 2, 7, b"key", value, 1_795_000_000_000)
    return intake.read(message, TODAY, 65_536, lambda plain: plain[:8])


def codes(record: intake_pb2.CoverageIntake | bytes) -> list[tuple[str, str]]:
    value = record if isinstance(record, bytes) else record.SerializeToString()
    return [(given.code, given.field) for given in read(value).reasons]


def provider(*contracts: service_pb2.ContractSpan) -> intake_pb2.CoverageIntake:
    record = service_pb2.ProviderRecord(code="H61030200123", name="x", county="610302", contracts=contracts)
    return numbered("I-1", provider=record)


def contract(first: Date, last: Date | None = None) -> service_pb2.ContractSpan:
    return service_pb2.ContractSpan(level=service_pb2.PROVIDER_LEVEL_PRIMARY, first_day=first, last_day=last)


def owed(due_on: Date, deferred_until: Date | None = None) -> intake_pb2.ArrearsStatement:
    one = intake_pb2.Arrears(month=24_300, amount_fen=1, due_on=due_on, deferred_until=deferred_until)
    return intake_pb2.ArrearsStatement(employer_uscc=EMPLOYER, arrears=[one])


def with_person(**changed: Any) -> intake_pb2.CoverageIntake:
    record = statements.person(MOTHER, EMPLOYER)
    for name, value in changed.items():
        record.person.ClearField(name)  # type: ignore[arg-type]
        getattr(record.person, name).extend(value) if isinstance(value, list) else setattr(record.person, name, value)
    return record


WRONG = {
    "nothing": (b"", [("MESSAGE_EMPTY", "")]),
    "no protobuf": (b"\x00\xff\x12", [("INTAKE_UNREADABLE", "")]),
    "too large": (b"x" * 65_537, [("MESSAGE_TOO_LARGE", "")]),
    "states nothing": (numbered("N-1"), [("STATEMENT_MISSING", "")]),
    "a number that is somebody's": (paid(MOTHER, record_number=MOTHER), [("ID_NUMBER_NOT_HERE", "record_number")]),
    "a number that is somebody's, beside a wrong digit": (
        paid("610302199403124020", record_number=MOTHER),
        [("ID_NUMBER_NOT_HERE", "record_number"), ("ID_NUMBER_CHECK_DIGIT", "contributions.person_id_number")],
    ),
    "a number that is somebody's, in another form, beside nothing": (
        paid("", record_number=f"tax {MOTHER}"),
        [("ID_NUMBER_NOT_HERE", "record_number"), ("FIELD_REQUIRED", "contributions.person_id_number")],
    ),
    "a NUL for an institution": (
        household(MOTHER, child(provider="H\0")),
        [("FIELD_MALFORMED", "household.children[0].provider_code")],
    ),
    "a NUL in a certificate": (
        household(MOTHER, child(certificate="W\0")),
        [("FIELD_MALFORMED", "household.children[0].certificate_number")],
    ),
    "born before anybody": (
        household(MOTHER, child("1899-12-31")),
        [("DATE_INVALID", "household.children[0].birth_date")],
    ),
    "due never": (
        numbered("A-1", arrears=owed(Date(year=9999, month=12, day=31))),
        [("DATE_INVALID", "arrears.arrears[0].due_on")],
    ),
    "deferred to the beginning of time": (
        numbered("A-1", arrears=owed(to_proto(TODAY), Date(year=1, month=1, day=1))),
        [("DATE_INVALID", "arrears.arrears[0].deferred_until")],
    ),
    "an employer of too many years": (
        numbered(
            "E-1",
            employer=service_pb2.EmployerRecord(
                uscc=EMPLOYER, name="x", county="610302", average_monthly_wage_fen=dict.fromkeys(range(2_000, 3_000), 1)
            ),
        ),
        [("TOO_MANY_ITEMS", "employer.average_monthly_wage_fen")],
    ),
    "a number with a blank": (paid(MOTHER, record_number="a b"), [("FIELD_MALFORMED", "record_number")]),
    "check digit": (paid("610302199403124020"), [("ID_NUMBER_CHECK_DIGIT", "contributions.person_id_number")]),
    "paid before it was due": (
        paid(MOTHER, ("2026-03", "2026-04-08"), ("2026-03", "2026-02-28")),
        [("PAID_BEFORE_DUE", "contributions.paid[1].paid_on")],
    ),
    "paid tomorrow": (paid(MOTHER, ("2026-03", "2026-11-24")), [("DATE_IN_FUTURE", "contributions.paid[0].paid_on")]),
    "taken back tomorrow": (
        paid(MOTHER, back=[("2026-03", "2026-11-24")]),
        [("DATE_IN_FUTURE", "contributions.taken_back[0].taken_back_on")],
    ),
    "spans overlap": (
        covered(MOTHER, span("2026-03-01"), span("2025-01-01", "2026-03-01")),
        [("COVERAGE_OVERLAPS", "coverage.coverage[0]")],
    ),
    "a span ends before it begins": (
        covered(MOTHER, span("2026-03-02", "2026-03-01")),
        [("COVERAGE_OVERLAPS", "coverage.coverage[0]")],
    ),
    "covered twice": (
        with_person(coverage=[span("2026-03-01")]),
        [("COVERAGE_STATED_ONCE", "person.category")],
    ),
    "not said how covered": (with_person(category=0), [("FIELD_REQUIRED", "person.category")]),
    "no such day": (
        with_person(back_paid=[service_pb2.BackPayment(month=24300, paid_on=Date(year=2026, month=2, day=30))]),
        [("DATE_INVALID", "person.back_paid[0].paid_on")],
    ),
    "late before it was due": (
        with_person(back_paid=[service_pb2.BackPayment(month=24314, paid_on=Date(year=2026, month=2, day=20))]),
        [("PAID_BEFORE_DUE", "person.back_paid[0].paid_on")],
    ),
    "contracts overlap": (
        provider(contract(to_proto(TODAY)), contract(to_proto(TODAY))),
        [("CONTRACT_OVERLAPS", "provider.contracts[1]")],
    ),
    "code of an employer": (statements.employer("91610302MA6XA1B21X"), [("USCC_CHECK_DIGIT", "employer.uscc")]),
    "a mother who is a man": (household(FATHER, child()), [("MOTHER_IS_MALE", "household.mother_id_number")]),
    "a child born with its mother": (
        household(MOTHER, child("1994-03-12")),
        [("CHILD_OLDER_THAN_MOTHER", "household.children[0].birth_date")],
    ),
    "a child older than its mother": (
        household(MOTHER, child(certificate="W1"), child("1990-01-01")),
        [("CHILD_OLDER_THAN_MOTHER", "household.children[1].birth_date")],
    ),
    "a child born tomorrow": (
        household(MOTHER, child("2026-11-24")),
        [("DATE_IN_FUTURE", "household.children[0].birth_date")],
    ),
    "one certificate for two": (
        household(MOTHER, child(certificate="W61O"), child(certificate="w610")),
        [("CERTIFICATE_TWICE", "household.children[1].certificate_number")],
    ),
}


@pytest.mark.parametrize(("record", "expected"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_with_its_code_and_place(
    record: intake_pb2.CoverageIntake | bytes, expected: list[tuple[str, str]]
) -> None:
    assert codes(record) == expected


@pytest.mark.parametrize(("record", "_"), WRONG.values(), ids=WRONG.keys())
def test_every_problem_has_its_text_and_repeats_nobodys_number(
    record: intake_pb2.CoverageIntake | bytes, _: object
) -> None:
    value = record if isinstance(record, bytes) else record.SerializeToString()

    said = [reason.text(language) for reason in read(value).reasons for language in Language]
    assert all(said)
    assert not any(number in text for text in said for number in (MOTHER, FATHER, "199403"))


def test_a_good_record_is_read_with_its_number_and_its_place() -> None:
    received = read(paid(MOTHER.lower(), ("2026-03", "2026-04-08"), record_number="2026-0001").SerializeToString())

    assert received.reasons == ()
    assert (received.office, received.record_number) == ("tax", "2026-0001")
    assert received.position == "registry.coverage-intake.v1.tax/2/7"
    assert isinstance(received.statement, PaidStatement)
    assert received.statement.id_number == MOTHER


def test_days_far_ahead_are_days_and_a_span_may_be_written_to_go_on() -> None:
    assert codes(numbered("A-1", arrears=owed(Date(year=2199, month=12, day=31)))) == []
    assert codes(provider(contract(to_proto(TODAY), Date(year=9999, month=12, day=31)))) == []


def test_a_child_may_be_born_the_day_after_its_mother_as_far_as_dates_can_tell() -> None:
    assert codes(household(MOTHER, child("1994-03-13"))) == []


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(value: bytes) -> None:
    received = read(value)

    assert (received.statement is None) == bool(received.reasons)
