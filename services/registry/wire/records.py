"""What the offices state, read into the model; what is wrong with it, coded and located."""

from __future__ import annotations

from collections.abc import Sequence

from cradle.registry.v1 import intake_pb2, service_pb2

from services.kit.dates import from_proto
from services.kit.identifiers import plain
from services.registry import rules
from services.registry.model import (
    BEGINNING,
    GOES_ON,
    Arrear,
    ArrearsStatement,
    Category,
    Child,
    Contract,
    Contributions,
    CoverageStatement,
    Employer,
    Household,
    Level,
    Months,
    PaidStatement,
    Payment,
    Person,
    Provider,
    StatedSpan,
)


def employer(record: service_pb2.EmployerRecord) -> Employer:
    return Employer(
        plain(record.uscc),
        record.name,
        record.county,
        dict(record.average_monthly_wage_fen),
        dict(record.average_contribution_base_fen),
        from_proto(record.closed_on) if record.HasField("closed_on") else None,
    )


def provider(record: service_pb2.ProviderRecord) -> Provider:
    contracts = sorted(map(contract, record.contracts), key=lambda one: one.first_day)
    return Provider(plain(record.code), record.name, record.county, record.account, tuple(contracts))


def person(record: service_pb2.PersonRecord) -> Person:
    paid = months(record.paid_months)
    late = tuple(sorted((payment.month, from_proto(payment.paid_on)) for payment in record.back_paid))
    last = max((*(end for _, end in paid), *(month for month, _ in late)), default=0)
    return Person(
        plain(record.person_id_number),
        record.name,
        _coverage(record),
        Contributions(paid, late, record.reported_to_month or last),
    )


def _coverage(record: service_pb2.PersonRecord) -> tuple[StatedSpan, ...]:
    if not record.coverage:
        uscc = plain(record.employer_uscc)
        return (StatedSpan(BEGINNING, GOES_ON, category(record.category), uscc, place="employer_uscc"),)
    return stated_spans(record.coverage)


def stated_spans(spans: Sequence[service_pb2.CoverageSpan]) -> tuple[StatedSpan, ...]:
    stated = [stated_span(span, f"coverage[{place}].employer_uscc") for place, span in enumerate(spans)]
    return tuple(sorted(stated, key=lambda span: span.first_day))


def months(spans: Sequence[service_pb2.MonthSpan]) -> Months:
    """As few spans as there can be: the same months stated otherwise are no change."""
    return rules.spans_of(rules.months_of((span.first_month, span.last_month) for span in spans))


def paid_statement(given: intake_pb2.ContributionStatement) -> PaidStatement:
    return PaidStatement(
        plain(given.person_id_number),
        given.name,
        plain(given.employer_uscc),
        tuple([Payment(paid.month, from_proto(paid.paid_on), paid.back_payment) for paid in given.paid]),
        tuple([(taken.month, from_proto(taken.taken_back_on)) for taken in given.taken_back]),
        max((given.reported_to_month, *(paid.month for paid in given.paid))),
    )


def coverage_statement(given: intake_pb2.CoverageStatement) -> CoverageStatement:
    return CoverageStatement(plain(given.person_id_number), given.name, stated_spans(given.coverage))


def arrears_statement(given: intake_pb2.ArrearsStatement) -> ArrearsStatement:
    return ArrearsStatement(
        plain(given.employer_uscc), tuple(sorted([_arrear(one) for one in given.arrears], key=_by_day))
    )


def _by_day(one: Arrear) -> tuple[object, ...]:
    return one.due_on, one.month, one.amount_fen, one.paid_on or GOES_ON, one.deferred_until or GOES_ON


def _arrear(given: intake_pb2.Arrears) -> Arrear:
    return Arrear(
        given.month,
        from_proto(given.due_on),
        given.amount_fen,
        from_proto(given.deferred_until) if given.HasField("deferred_until") else None,
        from_proto(given.paid_on) if given.HasField("paid_on") else None,
    )


def household(given: intake_pb2.HouseholdStatement) -> Household:
    return Household(
        plain(given.mother_id_number),
        given.mother_name,
        plain(given.father_id_number),
        tuple([_child(child) for child in given.children]),
    )


def _child(given: intake_pb2.ChildRecord) -> Child:
    return Child(
        certificate(given.certificate_number),
        from_proto(given.birth_date),
        given.birth_order,
        given.name,
        plain(given.provider_code),
    )


def certificate(number: str) -> str:
    """A letter and digits; the letter O where a nought belongs is a usual slip."""
    folded = plain(number)
    return folded[:1] + folded[1:].replace("O", "0")


def stated_span(span: service_pb2.CoverageSpan, place: str = "") -> StatedSpan:
    return StatedSpan(
        from_proto(span.first_day) if span.HasField("first_day") else BEGINNING,
        from_proto(span.last_day) if span.HasField("last_day") else GOES_ON,
        category(span.category),
        plain(span.employer_uscc),
        span.student,
        place,
    )


def category(value: service_pb2.Category.ValueType) -> Category:
    return Category(service_pb2.Category.Name(value).removeprefix("CATEGORY_"))


def contract(span: service_pb2.ContractSpan) -> Contract:
    return Contract(
        from_proto(span.first_day),
        from_proto(span.last_day) if span.HasField("last_day") else GOES_ON,
        Level(service_pb2.ProviderLevel.Name(span.level).removeprefix("PROVIDER_LEVEL_")),
    )
