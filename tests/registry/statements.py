"""What the offices send, as messages; each about somebody of her own unless it is said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from cradle.registry.v1 import intake_pb2, service_pb2
from google.type.date_pb2 import Date

from services.kit.dates import to_proto
from tests.builders import employer_record, month, person_record

CERTIFICATE = "W610123456"


def numbered(number: str, **record: object) -> intake_pb2.CoverageIntake:
    return intake_pb2.CoverageIntake(record_number=number, **record)  # type: ignore[arg-type]  # one kind of record


def person(number: str, employer: str = "", record_number: str = "P-1", **more: object) -> intake_pb2.CoverageIntake:
    return numbered(record_number, person=person_record(number, employer, **more))  # type: ignore[arg-type]


def employer(code: str, record_number: str = "E-1") -> intake_pb2.CoverageIntake:
    return numbered(record_number, employer=employer_record(code))


def paid(
    number: str,
    *months: tuple[str, str] | tuple[str, str, bool],
    back: Sequence[tuple[str, str]] = (),
    employer: str = "",
    name: str = "",
    to: str = "",
    record_number: str = "C-1",
) -> intake_pb2.CoverageIntake:
    """Contributions as (month, day of payment, whether it is a back payment)."""
    statement = intake_pb2.ContributionStatement(
        person_id_number=number,
        name=name,
        employer_uscc=employer,
        paid=[
            intake_pb2.Contribution(month=month(one[0]), paid_on=day(one[1]), back_payment=len(one) > 2 and one[2])
            for one in months
        ],
        taken_back=[intake_pb2.TakenBack(month=month(which), taken_back_on=day(on)) for which, on in back],
        reported_to_month=month(to) if to else 0,
    )
    return numbered(record_number, contributions=statement)


def covered(number: str, *spans: service_pb2.CoverageSpan, record_number: str = "S-1") -> intake_pb2.CoverageIntake:
    statement = intake_pb2.CoverageStatement(person_id_number=number, coverage=spans)
    return numbered(record_number, coverage=statement)


def span(first: str = "", last: str = "", by: str = "") -> service_pb2.CoverageSpan:
    made = service_pb2.CoverageSpan(category=service_pb2.CATEGORY_EMPLOYEE, employer_uscc=by)
    if first:
        made.first_day.CopyFrom(day(first))
    if last:
        made.last_day.CopyFrom(day(last))
    return made


def household(
    mother: str, *children: intake_pb2.ChildRecord, father: str = "", record_number: str = "H-1"
) -> intake_pb2.CoverageIntake:
    statement = intake_pb2.HouseholdStatement(mother_id_number=mother, father_id_number=father, children=children)
    return numbered(record_number, household=statement)


def child(
    born: str = "2026-03-10", certificate: str = CERTIFICATE, *, order: int = 1, name: str = "", provider: str = ""
) -> intake_pb2.ChildRecord:
    return intake_pb2.ChildRecord(
        certificate_number=certificate, birth_date=day(born), birth_order=order, name=name, provider_code=provider
    )


def day(text: str) -> Date:
    return to_proto(date.fromisoformat(text))
