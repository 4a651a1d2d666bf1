"""A sound claim: how it is filled in, by whom it is sent, and when it arrives."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final

from cradle.claims.v1 import claim_pb2, intake_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from deploy.demo import remarks
from deploy.demo.births import Birth, Calendar
from deploy.demo.dirt import Case, asked_fen
from deploy.demo.figures import Sending
from services.kit.dates import SHANGHAI, to_proto

HOSPITALS: Final = "hospitals"
COUNTER: Final = "counter"

_SATURDAY: Final = 5


def source(rng: Random, sending: Sending, birth: Birth) -> str:
    """Hospitals of the city are online; whoever gave birth elsewhere comes to the counter."""
    return HOSPITALS if birth.is_in_city and rng.random() < sending.hospital_share else COUNTER


def birth_and_arrival(
    rng: Random, sending: Sending, calendar: Calendar, sender: str, today: date
) -> tuple[date, datetime]:
    """A day of birth whose claim has come by today; few come on a weekend."""
    while True:
        event = calendar.day(rng)
        day = event + timedelta(days=_lag(rng, sending, sender))
        is_open = day.weekday() < _SATURDAY or rng.random() < sending.weekend_factor
        if day <= today and is_open:
            return event, instant(rng, sending, day)


def instant(rng: Random, sending: Sending, day: date) -> datetime:
    hour = rng.triangular(*sending.office_hours, rng.choice(sending.hour_peak))
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC) + timedelta(seconds=int(hour * 3600))


def last_instant(today: date) -> datetime:
    """Nothing arrives after this."""
    return datetime.combine(today, time(23, 59, 59), SHANGHAI).astimezone(UTC)


def number(case: Case, sender: str, at: datetime, serial: int) -> str:
    if sender == HOSPITALS:
        return f"{case.birth.hospital.code}-{at:%Y%m%d}-{serial:06d}"
    return f"{case.woman.employer.county.code}-{at:%Y}-{serial:06d}"


def claim(rng: Random, case: Case, sender: str, at: datetime, serial: int) -> intake_pb2.ClaimSubmission:
    figures, woman = case.figures, case.woman
    note = remarks.ward_note if sender == HOSPITALS else remarks.counter_note
    filled = intake_pb2.ClaimSubmission(
        claim_number=number(case, sender, at, serial),
        person_id_number=woman.id_number,
        employer_uscc=woman.employer.uscc,
        county=woman.employer.county.code,
        kind=claim_pb2.CLAIM_KIND_ALLOWANCE,
        event=_event(case.birth),
        submit_time=timestamp(at),
        remark=note(rng, figures.remarks, case.birth),
    )
    if rng.random() < figures.sending.own_wage_given_share:
        filled.own_monthly_wage_fen = woman.own_wage_yuan * 100
    if rng.random() < figures.sending.claimed_given_share:
        filled.claimed_fen = asked_fen(case)
    return filled


def medical(rng: Random, case: Case, sender: str, at: datetime, serial: int) -> intake_pb2.ClaimSubmission:
    """The claim for the cost of the same birth; its stays and visits are the caller's."""
    filled = claim(rng, case, sender, at, serial)
    is_hospital = sender == HOSPITALS
    filled.kind = claim_pb2.CLAIM_KIND_PROVIDER_SETTLEMENT if is_hospital else claim_pb2.CLAIM_KIND_REIMBURSEMENT
    filled.ClearField("claimed_fen")
    return filled


def timestamp(at: datetime) -> Timestamp:
    return Timestamp(seconds=int(at.timestamp()))


def _event(birth: Birth) -> intake_pb2.MaternityEvent:
    return intake_pb2.MaternityEvent(
        type=claim_pb2.EVENT_TYPE_DELIVERY,
        date=to_proto(birth.date),
        delivery_mode=claim_pb2.DELIVERY_MODE_CAESAREAN if birth.is_caesarean else claim_pb2.DELIVERY_MODE_VAGINAL,
        dystocia=birth.dystocia,
        infants=birth.infants,
        birth_order=birth.order,
        prepregnancy_check=birth.precheck,
    )


def _lag(rng: Random, sending: Sending, sender: str) -> int:
    if sender == HOSPITALS:
        return sending.lag_hospitals.draw(rng).draw(rng)
    return round(sending.lag_counter.draw(rng))
