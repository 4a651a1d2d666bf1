"""`cradle registry show`: one person, household, employer or institution on file, as known on a day."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from cradle.registry.v1 import record_pb2, service_pb2
from cradle.registry.v1.record_pb2_grpc import RecordServiceStub
from google.protobuf.message import Message
from rich.console import RenderableType

from services.cli import views
from services.cli.session import Session, as_data, document
from services.kit.dates import from_proto, instants_of, month_text, stamp, to_proto
from services.kit.money import yuan

app = typer.Typer(
    no_args_is_help=True, help="One on file. Who somebody is, is shown to nobody; each look is written down."
)
_Purpose = Annotated[str, typer.Option(help="what it is for; written down; no name or number of anybody")]
_KnownOn = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="as it was known at the end of this day; now if not given")
]
_On = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="only how she was covered on this day")]


@app.command()
def person(
    context: typer.Context,
    purpose: _Purpose,
    reference: Annotated[str, typer.Argument(metavar="[REF]", help="her reference")] = "",
    on: _On = None,
    known_on: _KnownOn = None,
) -> None:
    """Show how a person is covered and what was paid for her, on one day as known on another.

    Without REF her ID number is asked for, or read from standard input, so that it stands in no command line.
    """
    session: Session = context.obj
    number = "" if reference else session.whispered("CLI_SHOW_WHOM")
    request = record_pb2.GetPersonRequest(person=reference, person_id_number=number, purpose=purpose)
    if on:
        request.on.CopyFrom(to_proto(on.date()))
    _show(session, "GetPerson", request, known_on)


@app.command()
def household(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="REF", help="its reference, or its mother's")],
    purpose: _Purpose,
    known_on: _KnownOn = None,
) -> None:
    """Show a household: mother, father, children with birth order and month."""
    request = record_pb2.GetHouseholdRequest(household=reference, purpose=purpose)
    _show(context.obj, "GetHousehold", request, known_on)


@app.command()
def employer(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="REF", help="its credit code, or its reference")],
    purpose: _Purpose,
    known_on: _KnownOn = None,
) -> None:
    """Show an employer: name, county, average wages and bases by year, when it closed. What it owes: `standing`."""
    request = record_pb2.GetEmployerRequest(purpose=purpose, **_named(reference, "employer", "uscc"))
    _show(context.obj, "GetEmployer", request, known_on)


@app.command()
def provider(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="REF", help="its code, or its reference")],
    purpose: _Purpose,
    known_on: _KnownOn = None,
) -> None:
    """Show an institution: name, county, and its level by days of contract."""
    request = record_pb2.GetProviderRequest(purpose=purpose, **_named(reference, "provider", "code"))
    _show(context.obj, "GetProvider", request, known_on)


def _named(given: str, reference: str, code: str) -> dict[str, Any]:
    try:
        return {reference: str(uuid.UUID(given))}
    except ValueError:
        return {code: given}


def _show(session: Session, method: str, request: Any, known_on: datetime | None) -> None:
    if known_on:
        _, end = instants_of(known_on.date())
        stamp(request.known_at, end - timedelta(microseconds=1))
    settings = session.settings
    with session.channel(settings.registry_target) as channel:
        found: Message = getattr(RecordServiceStub(channel), method)(request, timeout=settings.grpc_deadline_s)
    if session.as_json:
        document(as_data(found))
    else:
        session.show(*_drawn(session, found))


def _drawn(session: Session, found: Message) -> Iterable[RenderableType]:
    match found:
        case record_pb2.Person():
            return _person(session, found)
        case record_pb2.Household():
            return _household(session, found)
        case record_pb2.Employer():
            return _employer(session, found)
        case record_pb2.Provider():
            return _provider(session, found)
        case _:
            raise TypeError(found.DESCRIPTOR.full_name)


def _person(session: Session, one: record_pb2.Person) -> Iterable[RenderableType]:
    yield _facts(
        session,
        PERSON=one.person,
        IDENTITY=session.text(f"CLI_{record_pb2.Identity.Name(one.identity)}"),
        ERASED=_instant(one, "erase_time"),
        HOUSEHOLD=one.household,
        VERSION=str(one.version),
        RECORDED_AT=_instant(one, "record_time"),
        REPORTED_TO=month_text(one.reported_to_month) if one.reported_to_month else "",
        PAID_MONTHS="\n".join(_span(span) for span in one.paid_months),
        BACK_PAID="\n".join(_months(session, "CLI_MONTH_LATE", one.back_paid)),
        TAKEN_BACK="\n".join(_months(session, "CLI_MONTH_TAKEN_BACK", one.taken_back)),
    )
    yield _table(
        session,
        ("FIRST_DAY", "LAST_DAY", "CATEGORY", "CREDIT_CODE", "STUDENT"),
        (
            (
                views.day(span.first_day),
                views.day(span.last_day),
                session.text(service_pb2.Category.Name(span.category)),
                span.employer_uscc,
                session.text("CLI_YES") if span.student else "",
            )
            for span in one.coverage
        ),
    )


def _household(session: Session, one: record_pb2.Household) -> Iterable[RenderableType]:
    yield _facts(
        session,
        HOUSEHOLD=one.household,
        MOTHER=one.mother,
        FATHER=one.father,
        RECORDED_AT=_instant(one, "record_time"),
    )
    yield _table(
        session,
        ("CHILD", "BIRTH_ORDER", "BIRTH_MONTH"),
        (
            (born.child, str(born.birth_order), from_proto(born.birth_month_first_day).strftime("%Y-%m"))
            for born in one.children
        ),
    )


def _employer(session: Session, one: record_pb2.Employer) -> Iterable[RenderableType]:
    yield _facts(
        session,
        CREDIT_CODE=one.uscc,
        EMPLOYER=one.employer,
        NAME=one.employer_name,
        COUNTY=one.county,
        CLOSED_ON=views.day(one.closed_on),
        ACCOUNT_ON_FILE=session.text("CLI_ACCOUNT_ON_FILE") if one.account_on_file else "",
        VERSION=str(one.version),
        RECORDED_AT=_instant(one, "record_time"),
    )
    wages, bases = one.average_monthly_wage_fen, one.average_contribution_base_fen
    yield _table(
        session,
        ("YEAR", "AVERAGE_WAGE", "AVERAGE_BASE"),
        ((str(year), _fen(wages.get(year)), _fen(bases.get(year))) for year in sorted({*wages, *bases})),
        right=("CLI_COL_AVERAGE_WAGE", "CLI_COL_AVERAGE_BASE"),
    )


def _provider(session: Session, one: record_pb2.Provider) -> Iterable[RenderableType]:
    yield _facts(
        session,
        PROVIDER_CODE=one.code,
        PROVIDER=one.provider,
        NAME=one.provider_name,
        COUNTY=one.county,
        ACCOUNT_ON_FILE=session.text("CLI_ACCOUNT_ON_FILE") if one.account_on_file else "",
        RECORDED_AT=_instant(one, "record_time"),
    )
    yield _table(
        session,
        ("FIRST_DAY", "LAST_DAY", "LEVEL"),
        (
            (
                views.day(span.first_day),
                views.day(span.last_day),
                session.text(service_pb2.ProviderLevel.Name(span.level).removeprefix("PROVIDER_")),
            )
            for span in one.contracts
        ),
    )


def _facts(session: Session, **values: str) -> RenderableType:
    return views.facts(session, [(f"CLI_COL_{name}", value) for name, value in values.items()])


def _table(
    session: Session, columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()
) -> RenderableType:
    return views.table(session, [f"CLI_COL_{name}" for name in columns], rows, right)


def _span(one: service_pb2.MonthSpan) -> str:
    first, last = month_text(one.first_month), month_text(one.last_month)
    return first if first == last else f"{first} .. {last}"


def _months(session: Session, code: str, given: Iterable[service_pb2.BackPayment]) -> list[str]:
    return [session.text(code, month=month_text(one.month), day=views.day(one.paid_on)) for one in given]


def _fen(given: int | None) -> str:
    return "" if given is None else yuan(given)


def _instant(one: Any, name: str) -> str:
    return views.instant(getattr(one, name))
