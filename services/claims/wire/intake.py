"""Reading the intake: bytes to a claim, a void or control totals, or to the reasons why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date
from typing import Final, NamedTuple

from cradle.claims.v1 import claim_pb2, facts_pb2, intake_pb2
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp
from protovalidate import Validator

from services.claims.model import (
    ClaimKind,
    ControlTotals,
    DeliveryMode,
    Event,
    EventType,
    Father,
    ItemSent,
    Level,
    OutOfCity,
    Programme,
    Received,
    Sent,
    StaySent,
    Submission,
    Surgery,
    Totals,
    VisitSent,
    Void,
    VoidReason,
)
from services.claims.wire.content import (
    ABOLISHED,
    claim_problems,
    county_of_ours,
    day_problems,
    number_problems,
    submit_time_problems,
)
from services.kit.dates import civil_of, from_ms, from_proto
from services.kit.identifiers import plain
from services.kit.messages import Reason, reason
from services.kit.parking import Message
from services.kit.shape import lies_in, shape_problems, with_content

INTAKE: Final = "claims.intake.v1."

_MODES: Final = {claim_pb2.DeliveryMode.Value(f"DELIVERY_MODE_{mode}"): mode for mode in DeliveryMode}
_KINDS: Final = {claim_pb2.ClaimKind.Value(f"CLAIM_KIND_{kind}"): kind for kind in ClaimKind}
_TYPES: Final = {claim_pb2.EventType.Value(f"EVENT_TYPE_{kind}"): kind for kind in EventType}
_LEVELS: Final = {facts_pb2.Level.Value(f"LEVEL_{level}"): level for level in Level}
_OUT_OF_CITY: Final = {facts_pb2.OutOfCity.Value(f"OUT_OF_CITY_{way}"): way for way in OutOfCity}
_PROGRAMMES: Final = {facts_pb2.Programme.Value(f"PROGRAMME_{name}"): name for name in Programme}
_VOID_REASONS: Final = {intake_pb2.VoidReason.Value(f"VOID_REASON_{why}"): why for why in VoidReason}
_LAST_S: Final = 253_402_214_400  # 9999-12-31
_VALIDATOR: Final = Validator()

Digest = Callable[[bytes], bytes]
_Costs = tuple[tuple[StaySent, ...], tuple[VisitSent, ...], tuple[ItemSent, ...]]


def intake_topics(sources: Sequence[str]) -> tuple[str, ...]:
    return tuple(INTAKE + source for source in sources)


class Reading(NamedTuple):
    """What could be read of a record, and what is wrong with it."""

    claim_number: str = ""
    revision: int = 0
    submission: Submission | None = None
    reasons: tuple[Reason, ...] = ()
    sent: Sent | None = None
    submit_date: date | None = None
    claimed_fen: int | None = None
    void: Void | None = None
    totals: ControlTotals | None = None
    county: str = ""

    @property
    def content(self) -> bytes | None:
        if self.submission:
            return self.submission.content
        return self.void.content if self.void else None


def read(message: Message, today: date, first_day: date, bytes_max: int, digest: Digest) -> Received:
    """Read one record of the intake. What is wrong with it is on the result, coded and located; nothing raises."""
    reading = _read(message.value, today, first_day, bytes_max)
    return Received(
        message.topic,
        message.partition,
        message.offset,
        message.position,
        message.topic.removeprefix(INTAKE),
        message.value,
        from_ms(message.timestamp_ms),
        digest(reading.content or message.value),
        reading.claim_number,
        reading.revision,
        reading.submission,
        reading.reasons,
        reading.sent,
        reading.submit_date,
        reading.claimed_fen,
        reading.void,
        reading.totals,
        reading.county,
    )


def _read(value: bytes, today: date, first_day: date, bytes_max: int) -> Reading:
    if not value:
        return Reading(reasons=(reason("MESSAGE_EMPTY"),))
    if len(value) > bytes_max:
        return Reading(reasons=(reason("MESSAGE_TOO_LARGE", size=len(value), limit=bytes_max),))
    try:
        intake = intake_pb2.ClaimIntake.FromString(value)
    except DecodeError:
        return Reading(reasons=(reason("MESSAGE_UNREADABLE"),))
    return _read_intake(intake, today, first_day)


def _read_intake(intake: intake_pb2.ClaimIntake, today: date, first_day: date) -> Reading:
    shape = [_amount(problem) for problem in shape_problems(_VALIDATOR, intake)]
    match intake.WhichOneof("event"):
        case "submit":
            return _claim(intake.submit.claim, Sent.SUBMIT, 1, shape, today, first_day)
        case "replace":
            return _claim(intake.replace.claim, Sent.REPLACE, intake.replace.revision, shape, today, first_day)
        case "void":
            return _void(intake.void, shape, today)
        case "control_totals":
            return _totals(intake.control_totals, shape, today, first_day)
        case _:
            return Reading(reasons=tuple(shape))


def _claim(  # noqa: PLR0917  # what is read, and what it is read against
    claim: intake_pb2.ClaimSubmission, sent: Sent, revision: int, shape: list[Reason], today: date, first_day: date
) -> Reading:
    path = f"{sent}.claim"
    submit_date = _civil(claim.submit_time)
    claimed_fen = claim.claimed_fen if claim.HasField("claimed_fen") else None
    problems = with_content(shape, claim_problems(claim, path, today, first_day, is_whole=not shape))
    if misnumbered := number_problems(claim.claim_number, f"{path}.claim_number"):
        return Reading(
            reasons=_misnumbered(misnumbered, problems),
            sent=sent,
            submit_date=submit_date,
            claimed_fen=claimed_fen,
            county=county_of_ours(claim.county),
        )
    return Reading(
        claim.claim_number,
        revision,
        None if problems else _submission(claim, revision),
        tuple(problems),
        sent,
        submit_date,
        claimed_fen,
        county=county_of_ours(claim.county) if problems else "",
    )


def _misnumbered(misnumbered: list[Reason], problems: list[Reason]) -> tuple[Reason, ...]:
    """What is wrong with the claim number, then the rest: one reason a field, of which an ID number is told first."""
    number = misnumbered[0]
    if number.code != "ID_NUMBER_NOT_HERE" and lies_in(number.field, {problem.field for problem in problems}):
        return tuple(problems)
    return (number, *[problem for problem in problems if problem.field != number.field])


def _void(void: intake_pb2.VoidClaim, shape: list[Reason], today: date) -> Reading:
    submit_date = _civil(void.submit_time)
    problems = with_content(shape, submit_time_problems(void.submit_time, "void.submit_time", today))
    if misnumbered := number_problems(void.claim_number, "void.claim_number"):
        return Reading(reasons=_misnumbered(misnumbered, problems), sent=Sent.VOID, submit_date=submit_date)
    read = None
    if not problems:
        bare = intake_pb2.VoidClaim()
        bare.CopyFrom(void)
        bare.ClearField("submit_time")
        content = b"void:" + bare.SerializeToString(deterministic=True)
        read = Void(void.claim_number, void.revision, _VOID_REASONS[void.reason], content)
    return Reading(void.claim_number, void.revision, None, tuple(problems), Sent.VOID, submit_date, None, read)


def _totals(totals: intake_pb2.ControlTotals, shape: list[Reason], today: date, first_day: date) -> Reading:
    path = "control_totals"
    content = [
        *day_problems(totals.date, f"{path}.date", today, first_day),
        *submit_time_problems(totals.submit_time, f"{path}.submit_time", today),
    ]
    problems = with_content(shape, content)
    if not problems and from_proto(totals.date) == today:
        problems = [reason("TOTALS_DAY_NOT_OVER", f"{path}.date", today=today)]
    read = None
    if not problems:
        said = Totals(totals.submitted, totals.replaced, totals.voided, totals.claimed_fen)
        read = ControlTotals(from_proto(totals.date), said, totals.submit_time.ToDatetime(tzinfo=UTC))
    return Reading(reasons=tuple(problems), sent=Sent.CONTROL_TOTALS, totals=read)


def _submission(claim: intake_pb2.ClaimSubmission, revision: int) -> Submission:
    county = claim.county
    return Submission(
        claim.claim_number,
        revision,
        content(claim),
        plain(claim.person_id_number),
        plain(claim.employer_uscc) if claim.employer_uscc else "",
        ABOLISHED.get(county, county),
        _event(claim.event),
        claim.own_monthly_wage_fen if claim.HasField("own_monthly_wage_fen") else None,
        claim.claimed_fen if claim.HasField("claimed_fen") else None,
        _KINDS[claim.kind],
        plain(claim.husband_id_number) if claim.husband_id_number else "",
        Father(claim.father.requested, claim.father.living_apart) if claim.HasField("father") else None,
        *_costs(claim),
    )


def _costs(claim: intake_pb2.ClaimSubmission) -> _Costs:
    if claim.kind == claim_pb2.CLAIM_KIND_ALLOWANCE:
        return (), (), ()
    return (
        tuple([_stay(stay) for stay in claim.stays]),
        tuple([VisitSent(v.provider, from_proto(v.date), v.charge.policy_range_fen) for v in claim.visits]),
        tuple([_item(item) for item in claim.items]),
    )


def _event(event: intake_pb2.MaternityEvent) -> Event:
    """What only a birth has is left out of any other event, whatever was sent."""
    kind = _TYPES[event.type]
    birth = kind is EventType.DELIVERY
    return Event(
        kind,
        from_proto(event.date),
        _MODES[event.delivery_mode] if birth else None,
        event.dystocia and birth,
        event.infants if birth else 1,
        event.birth_order if birth else None,
        event.gestation_days if event.HasField("gestation_days") else None,
        Surgery(event.surgery) if kind is EventType.FAMILY_PLANNING_SURGERY else None,
        event.prepregnancy_check,
        event.registered if event.HasField("registered") else True,
    )


def _stay(stay: intake_pb2.Stay) -> StaySent:
    return StaySent(
        stay.provider,
        from_proto(stay.admission_date),
        from_proto(stay.discharge_date),
        stay.charge.policy_range_fen,
        stay.transfer_filed,
        _OUT_OF_CITY.get(stay.out_of_city),
        _LEVELS.get(stay.level),
    )


def _item(item: intake_pb2.Item) -> ItemSent:
    return ItemSent(
        item.provider,
        _PROGRAMMES[item.programme],
        item.code,
        from_proto(item.date),
        item.charge.policy_range_fen,
        item.out_of_city,
    )


def content(claim: intake_pb2.ClaimSubmission) -> bytes:
    """What makes it the same claim when it is sent again: all but the submit time, however the numbers are spelt."""
    bare = intake_pb2.ClaimSubmission()
    bare.CopyFrom(claim)
    bare.ClearField("submit_time")
    bare.person_id_number, bare.employer_uscc = plain(claim.person_id_number), plain(claim.employer_uscc)
    if claim.husband_id_number:
        bare.husband_id_number = plain(claim.husband_id_number)
    return bare.SerializeToString(deterministic=True)


def _civil(instant: Timestamp) -> date | None:
    """The day a record belongs to; None for a time that no calendar has."""
    seconds = instant.seconds
    return civil_of(seconds) if 0 < seconds < _LAST_S else None


def _amount(problem: Reason) -> Reason:
    if problem.code == "FIELD_OUT_OF_RANGE" and problem.field.endswith("_fen"):
        return reason("AMOUNT_OUT_OF_RANGE", problem.field)
    return problem
