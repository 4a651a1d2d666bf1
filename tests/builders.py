"""Builders of what the tests speak about: numbers that are valid, facts, claims, records of coverage."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from cradle.claims.v1 import claim_pb2, facts_pb2, intake_pb2
from cradle.registry.v1 import service_pb2 as registry_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from stdnum.cn import ric
from stdnum.cn import uscc as credit_code

from services.claims.model import (
    NOTHING_PAID,
    Benefit,
    Category,
    ClaimKind,
    DeliveryMode,
    Event,
    EventType,
    Facts,
    Father,
    Insured,
    Item,
    Level,
    OutOfCity,
    Paid,
    Prior,
    PriorKind,
    Stay,
    Surgery,
    Visit,
)
from services.claims.rules import LAW
from services.kit.dates import to_proto
from services.kit.law import Law, Value
from services.kit.parking import Message

TODAY: Final = date(2026, 11, 23)  # what tests/conftest.py freezes the stack at
DELIVERED: Final = date(2026, 3, 10)
MOTHER: Final = "610302199403124029"
EMPLOYER: Final = "91610302MA6XA1B21P"
INTAKE: Final = "claims.intake.v1.hospitals"
PAID_SINCE_2024: Final = "2024-01..2026-11"

_serial = itertools.count(random.randrange(10**6))


# --- numbers that exist once --------------------------------------------------------------------------------------


def id_number(serial: int | None = None, *, sequence: int = 404) -> str:
    """A valid 公民身份号码 of a woman (even sequence), another one each time; never `MOTHER`, who is not insured."""
    number = next(_serial) if serial is None else serial
    born = date(1980, 1, 1) + timedelta(days=number % 7_000)
    area = 610302 + number // 7_000 % 3
    body = f"{area}{born:%Y%m%d}{sequence + 2 * (number // 21_000 % 40):03d}"
    return body + str(ric.calc_check_digit(body + "0"))


def uscc(serial: int | None = None) -> str:
    """A valid 统一社会信用代码 of a company, another one each time."""
    body = f"91610302{(next(_serial) if serial is None else serial) % 10**9:09d}"
    return body + str(credit_code.calc_check_digit(body))


def claim_number() -> str:
    return f"T-{next(_serial):07d}"


# --- the law ------------------------------------------------------------------------------------------------------


SX_98: Final[dict[str, Value | int]] = {  # the fund pays the national days
    "allowance.fund_days.local60": False,
    "allowance.min_continuous_months": 12,
    "allowance.backpay_grace_months": 3,
    "allowance.divisor": 30,
    "allowance.flex.base_monthly": 465_000,
    "payee.direct_person_from": date(2025, 9, 1),
}
SX_158: Final = SX_98 | {"allowance.fund_days.local60": True}  # it also pays the local ones


def law_with(overrides: Mapping[str, Value | int], base: Law = LAW) -> Law:
    """The law with other values laid over it, whatever the date; an unknown name raises."""
    return base.given({name: as_text(given) for name, given in overrides.items()})


def as_text(given: Value | int) -> str:
    """A value as a command gives it."""
    match given:
        case None:
            return "null"
        case bool():
            return str(given).lower()
        case tuple():
            return ",".join(given)
        case _:
            return str(given)


# --- facts of a claim ---------------------------------------------------------------------------------------------

MEDICAL: Final = (Benefit.MEDICAL,)
ALLOWANCE: Final = (Benefit.ALLOWANCE,)
HOSPITAL: Final = "H61030200123"
OTHER_HOSPITAL: Final = "H61030300456"


def month(text: str) -> int:
    """`2025-12` as the months are counted: year * 12 + month - 1."""
    year, number = text.split("-")
    return int(year) * 12 + int(number) - 1


def spans(*texts: str) -> tuple[tuple[int, int], ...]:
    """`2024-07..2025-11` as a span of months; one month alone is a span too."""
    ends = [text.split("..") for text in texts]
    return tuple((month(pair[0]), month(pair[-1])) for pair in ends)


def delivery(
    on: date = DELIVERED,
    *,
    mode: DeliveryMode | None = DeliveryMode.VAGINAL,
    dystocia: bool = False,
    infants: int = 1,
    birth_order: int | None = 1,
    prepregnancy_check: bool = False,
    registered: bool = True,
) -> Event:
    return Event(
        EventType.DELIVERY,
        on,
        mode,
        dystocia,
        infants,
        birth_order,
        prepregnancy_check=prepregnancy_check,
        registered=registered,
    )


def miscarriage(gestation_days: int | None, on: date = DELIVERED) -> Event:
    return Event(EventType.MISCARRIAGE, on, gestation_days=gestation_days)


def surgery(code: Surgery | None, on: date = DELIVERED, *, gestation_days: int | None = None) -> Event:
    return Event(EventType.FAMILY_PLANNING_SURGERY, on, gestation_days=gestation_days, surgery=code)


def stay(
    policy_range_fen: int = 500_000,
    level: Level = Level.TERTIARY,
    *,
    hospital: str = HOSPITAL,
    discharged: date = DELIVERED + timedelta(days=4),
    transfer_filed: bool = False,
    out_of_city: OutOfCity | None = None,
) -> Stay:
    """Five days, in the city, at a tertiary hospital."""
    return Stay(
        hospital,
        level,
        discharged - timedelta(days=4),
        discharged,
        policy_range_fen,
        transfer_filed,
        out_of_city,
    )


def approved_before(on: date, event_type: EventType = EventType.DELIVERY) -> Prior:
    """An allowance that was approved under another number."""
    return Prior(PriorKind.ALLOWANCE_APPROVED, on, event_type)


def facts(
    event: Event | None = None,
    *,
    decided: date | None = None,
    category: Category = Category.EMPLOYEE,
    kind: ClaimKind = ClaimKind.PROVIDER_SETTLEMENT,
    benefits: tuple[Benefit, ...] = (Benefit.MEDICAL, Benefit.ALLOWANCE),
    paid_months: tuple[tuple[int, int], ...] | None = spans(PAID_SINCE_2024),
    back_paid: Mapping[str, date] | None = None,
    own_wage_fen: int | None = 600_000,
    student: bool = False,
    wages: Mapping[int, int] | None = None,
    bases: Mapping[int, int] | None = None,
    father: Father | None = None,
    stays: Sequence[Stay] = (),
    visits: Sequence[Visit] = (),
    items: Sequence[Item] = (),
    prior: Sequence[Prior] = (),
    paid: Paid = NOTHING_PAID,
) -> Facts:
    """An insured employee, first child, average wage 6,000 yuan, decided ten days after."""
    event = event or delivery()
    late = tuple((month(text), day) for text, day in (back_paid or {}).items())
    return Facts(
        decided or event.date + timedelta(days=10),
        event,
        Insured(category, paid_months, late, own_wage_fen, student),
        kind,
        benefits,
        tuple((wages if wages is not None else {event.date.year - 1: 600_000}).items()),
        tuple((bases or {}).items()),
        father,
        tuple(stays),
        tuple(visits),
        tuple(items),
        tuple(prior),
        paid,
    )


# --- the intake ---------------------------------------------------------------------------------------------------


def claim(
    *,
    number: str = "C-1",
    person: str = MOTHER,
    employer: str = EMPLOYER,
    county: str = "610304",
    on: date | Date = DELIVERED,
    own_wage_fen: int | None = 600_000,
    claimed_fen: int | None = None,
    birth_order: int = 1,
    submitted: datetime = datetime(2026, 11, 20, 2, tzinfo=UTC),
    remark: str = "",
) -> intake_pb2.ClaimSubmission:
    return intake_pb2.ClaimSubmission(
        claim_number=number,
        person_id_number=person,
        employer_uscc=employer,
        county=county,
        kind=claim_pb2.CLAIM_KIND_ALLOWANCE,
        event=intake_pb2.MaternityEvent(
            type=claim_pb2.EVENT_TYPE_DELIVERY,
            date=Date(year=on.year, month=on.month, day=on.day),
            delivery_mode=claim_pb2.DELIVERY_MODE_VAGINAL,
            infants=1,
            birth_order=birth_order,
        ),
        own_monthly_wage_fen=own_wage_fen,
        claimed_fen=claimed_fen,
        submit_time=Timestamp(seconds=int(submitted.timestamp())),
        remark=remark,
    )


def medical(
    kind: str = "PROVIDER_SETTLEMENT",
    *,
    number: str = "M-1",
    person: str = MOTHER,
    on: date = DELIVERED,
    stays: Sequence[intake_pb2.Stay] = (),
    visits: Sequence[intake_pb2.Visit] = (),
    items: Sequence[intake_pb2.Item] = (),
    husband: str = "",
    claimed_fen: int | None = None,
    submitted: datetime = datetime(2026, 11, 20, 2, tzinfo=UTC),
) -> intake_pb2.ClaimSubmission:
    """A claim for medical cost of a delivery; it names no employer, for the law needs none."""
    submission = claim(
        number=number,
        person=person,
        employer="",
        on=on,
        own_wage_fen=None,
        claimed_fen=claimed_fen,
        submitted=submitted,
    )
    submission.kind = claim_pb2.ClaimKind.Value(f"CLAIM_KIND_{kind}")
    submission.husband_id_number = husband
    submission.stays.extend(stays)
    submission.visits.extend(visits)
    submission.items.extend(items)
    return submission


def for_surgery(submission: intake_pb2.ClaimSubmission, code: str) -> intake_pb2.ClaimSubmission:
    """The claim for a surgery of that day instead; one that ends a pregnancy does so after ten weeks."""
    submission.event.CopyFrom(
        intake_pb2.MaternityEvent(
            type=claim_pb2.EVENT_TYPE_FAMILY_PLANNING_SURGERY,
            date=submission.event.date,
            surgery=code,
            gestation_days=70 if code in {Surgery.ABORTION, Surgery.INDUCTION} else None,
        )
    )
    return submission


def charge(policy_range_fen: int, total_fen: int | None = None, **parts: int) -> intake_pb2.Charge:
    return intake_pb2.Charge(policy_range_fen=policy_range_fen, total_fen=total_fen, **parts)


def stay_sent(
    policy_range_fen: int = 500_000,
    *,
    provider: str = HOSPITAL,
    discharged: date = DELIVERED + timedelta(days=4),
    transfer_filed: bool = False,
    level: str = "UNSPECIFIED",
) -> intake_pb2.Stay:
    """Five days."""
    return intake_pb2.Stay(
        provider=provider,
        admission_date=to_proto(discharged - timedelta(days=4)),
        discharge_date=to_proto(discharged),
        charge=charge(policy_range_fen),
        transfer_filed=transfer_filed,
        level=facts_pb2.Level.Value(f"LEVEL_{level}"),
    )


def visit_sent(
    policy_range_fen: int = 30_000, on: date = date(2026, 1, 15), provider: str = HOSPITAL
) -> intake_pb2.Visit:
    return intake_pb2.Visit(provider=provider, date=to_proto(on), charge=charge(policy_range_fen))


def item_sent(code: str = "ART-01", on: date = date(2026, 1, 15), policy_range_fen: int = 100_000) -> intake_pb2.Item:
    return intake_pb2.Item(
        provider=HOSPITAL,
        programme=facts_pb2.PROGRAMME_ART,
        code=code,
        date=to_proto(on),
        charge=charge(policy_range_fen),
    )


def void(
    number: str,
    revision: int = 1,
    *,
    why: str = "ENTERED_TWICE",
    submitted: datetime = datetime(2026, 11, 21, 2, tzinfo=UTC),
) -> bytes:
    message = intake_pb2.VoidClaim(
        claim_number=number,
        revision=revision,
        reason=intake_pb2.VoidReason.Value(f"VOID_REASON_{why}"),
        submit_time=Timestamp(seconds=int(submitted.timestamp())),
    )
    return intake_pb2.ClaimIntake(void=message).SerializeToString()


def control_totals(
    day: date | Date,
    submitted: int = 0,
    replaced: int = 0,
    voided: int = 0,
    claimed_fen: int = 0,
    *,
    sent: datetime = datetime(2026, 11, 22, 2, tzinfo=UTC),
) -> bytes:
    message = intake_pb2.ControlTotals(
        date=Date(year=day.year, month=day.month, day=day.day),
        submitted=submitted,
        replaced=replaced,
        voided=voided,
        claimed_fen=claimed_fen,
        submit_time=Timestamp(seconds=int(sent.timestamp())),
    )
    return intake_pb2.ClaimIntake(control_totals=message).SerializeToString()


def submit(submission: intake_pb2.ClaimSubmission) -> bytes:
    return intake_pb2.ClaimIntake(submit=intake_pb2.SubmitClaim(claim=submission)).SerializeToString()


def replacement(submission: intake_pb2.ClaimSubmission, revision: int) -> bytes:
    envelope = intake_pb2.ClaimIntake(replace=intake_pb2.ReplaceClaim(claim=submission, revision=revision))
    return envelope.SerializeToString()


def message(
    value: bytes,
    *,
    topic: str = INTAKE,
    partition: int = 0,
    offset: int = 0,
    key: bytes | None = b"member",
    timestamp_ms: int = 1_795_000_000_000,
) -> Message:
    return Message(topic, partition, offset, key, value, timestamp_ms)


# --- the registry -------------------------------------------------------------------------------------------------


def employer_record(
    code: str, *, county: str = "610304", wages: Mapping[int, int] | None = None
) -> registry_pb2.EmployerRecord:
    return registry_pb2.EmployerRecord(
        uscc=code,
        name="宝鸡市测试有限公司",
        county=county,
        average_monthly_wage_fen=dict(wages if wages is not None else {2024: 600_000, 2025: 600_000}),
    )


def person_record(
    number: str,
    code: str,
    *,
    name: str = "王测试",
    paid: tuple[tuple[int, int], ...] = spans(PAID_SINCE_2024),
    category: Category = Category.EMPLOYEE,
    reported_to: str = "",
) -> registry_pb2.PersonRecord:
    """Only an employee is insured by an employer."""
    return registry_pb2.PersonRecord(
        person_id_number=number,
        name=name,
        category=registry_pb2.Category.Value(f"CATEGORY_{category}"),
        employer_uscc=code if category is Category.EMPLOYEE else "",
        paid_months=[registry_pb2.MonthSpan(first_month=first, last_month=last) for first, last in paid],
        reported_to_month=month(reported_to) if reported_to else 0,
    )


def provider_record(
    code: str,
    level: Level = Level.TERTIARY,
    *,
    first: date = date(2020, 1, 1),
    last: date | None = None,
) -> registry_pb2.ProviderRecord:
    """An institution under contract at one level."""
    span = registry_pb2.ContractSpan(
        level=registry_pb2.ProviderLevel.Value(f"PROVIDER_LEVEL_{level}"),
        first_day=to_proto(first),
        last_day=to_proto(last) if last else None,
    )
    return registry_pb2.ProviderRecord(code=code, name="宝鸡市测试医院", county="610302", contracts=[span])
