"""What becomes of one birth on its way to the intake: one message or several, sound or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from cradle.claims.v1 import claim_pb2, intake_pb2
from cradle.registry.v1 import service_pb2 as registry_pb2

from deploy.demo import births, costs, dirt, employers, people, remarks, sending
from deploy.demo.births import Birth
from deploy.demo.dirt import Case
from deploy.demo.draw import Weighted
from deploy.demo.employers import Employer
from deploy.demo.figures import Figures, OtherEvents
from deploy.demo.identity import Numbers

CLEAN: Final = "clean"
CORRECTION: Final = "correction"
OTHER_CATEGORY: Final = "other_category"
MEDICAL: Final = "medical"
VOID: Final = "void"
LATE: Final = "late_coverage"
MISCARRIAGE: Final = "miscarriage"
SURGERY: Final = "surgery"

# Dirt that shows only beside a sound claim sent before.
SECONDS: Final = ("resend_identical", "resend_changed", "second_hospital_same_birth", "second_claim_near_date")
# Dirt that lies in the registry, not in the claim.
REGISTRY: Final = frozenset({"unknown_person", "scheme_mismatch"})
REVISION_OF_UNKNOWN: Final = "revision_of_unknown"
OVERSIZE: Final = "oversize_message"


@dataclass(frozen=True, slots=True)
class Arrival:
    at: datetime
    source: str
    person: str  # her true ID number, whatever the claim says
    value: bytes
    truth: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A sound claim as it was first sent."""

    at: datetime
    source: str
    claim: intake_pb2.ClaimSubmission


@dataclass(slots=True)
class Office:
    """The city while its claims are being made."""

    figures: Figures
    today: date
    numbers: Numbers
    employers: Weighted[Employer]
    calendar: births.Calendar
    odds: Odds
    oversize_at: frozenset[int]  # the stories that carry one
    variants: Weighted[str]  # of stories without dirt or correction
    persons: list[registry_pb2.PersonRecord] = field(default_factory=list)
    late_persons: list[registry_pb2.PersonRecord] = field(default_factory=list)  # reported only after their claims
    stories: int = 0
    claims: int = 0

    def next_serial(self) -> int:
        self.claims += 1
        return self.claims


@dataclass(frozen=True, slots=True)
class Odds:
    """The chance that a story has dirt in it. It clusters: by level of hospital, at the counter, in a bad hospital."""

    figures: Figures
    share: float  # of stories
    bad_hospitals: frozenset[str]
    mean_factor: float

    def of(self, source: str, birth: Birth) -> float:
        factor = _factor(self.figures, source, birth, self.bad_hospitals)
        return min(1.0, self.share * factor / self.mean_factor)


def open_office(rng: Random, figures: Figures, count: int, today: date, dirty_share: float) -> Office:
    """Set up the employers and decide what holds for the whole city. `dirty_share` is of messages."""
    numbers = Numbers()
    found = list(employers.found(rng, figures, numbers, employers.needed(figures, count), today))
    has_oversize = dirty_share > 0 and count >= figures.dirt.oversize_from_count
    oversize = figures.dirt.oversize_messages.draw(rng) if has_oversize else 0
    office = Office(
        figures=figures,
        today=today,
        numbers=numbers,
        employers=employers.by_women(found),
        calendar=births.calendar(figures, today),
        odds=Odds(figures, _share_of_stories(figures, dirty_share), _bad_hospitals(rng, figures), 1.0),
        oversize_at=frozenset(rng.sample(range(count // 2), oversize)),
        variants=_variants(figures),
    )
    return replace(office, odds=replace(office.odds, mean_factor=_mean_factor(rng, office)))


def story(rng: Random, office: Office) -> list[Arrival]:
    """The messages about one birth, in the order they are sent."""
    case, source, at = _birth(rng, office)
    kind = _kind(rng, office, source, case.birth)
    office.stories += 1
    if kind == "scheme_mismatch":
        case = replace(case, woman=replace(case.woman, category="RESIDENT"))
    if kind == "employer_not_hers":  # only who is insured by an employer has one to be compared with
        case = replace(case, woman=replace(case.woman, category=people.EMPLOYEE))
    if kind != "unknown_person":
        person = people.record(rng, office.figures.insurance, case.woman, case.birth.date, office.today)
        (office.late_persons if kind == LATE else office.persons).append(person)
    sent = Sent(at, source, sending.claim(rng, case, source, at, office.next_serial()))
    return [_arrival(case, *message) for message in _messages(rng, office, case, sent, kind)]


Message = tuple[datetime, str, bytes, str]  # when, from where, what, and the truth about it


def _arrival(case: Case, at: datetime, source: str, value: bytes, truth: str) -> Arrival:
    return Arrival(at, source, case.woman.id_number, value, truth)


def _messages(rng: Random, office: Office, case: Case, sent: Sent, kind: str) -> list[Message]:
    """The claim as `kind` says, and what follows it."""
    if kind in SECONDS:
        return [_sound(case, sent), _second(rng, office, case, sent, kind)]
    if kind == CORRECTION:
        return [_sound(case, sent), _correction(rng, office, case, sent)]
    if kind == MEDICAL:
        return [_sound(case, sent), _medical(rng, office, case, sent)]
    if kind == VOID:
        return [_sound(case, sent), _void(rng, office, sent)]
    if kind in {MISCARRIAGE, SURGERY}:
        _become(rng, office.figures.other_events, kind, sent.claim)
    if kind in {CLEAN, LATE, MISCARRIAGE, SURGERY}:
        return [(*_sound(case, sent)[:3], kind)] if kind != CLEAN else [_sound(case, sent)]
    return [(sent.at, sent.source, *_dirty(rng, case, sent.claim, kind))]


def _dirty(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission, kind: str) -> tuple[bytes, str]:
    if kind in dirt.FIELDS:
        truth = dirt.spoil(rng, kind, case, claim)
        return _submit(claim), truth
    if kind in REGISTRY:
        return _submit(claim), kind
    if kind == REVISION_OF_UNKNOWN:
        return _replace(claim), kind
    return dirt.spoilt_bytes(rng, kind, case, _intake(claim)), kind


def _sound(case: Case, sent: Sent) -> Message:
    truth = CLEAN if case.woman.category == people.EMPLOYEE else OTHER_CATEGORY
    return sent.at, sent.source, _submit(sent.claim), truth


def _medical(rng: Random, office: Office, case: Case, sent: Sent) -> Message:
    """The hospital settles the stay; whoever came to the counter has paid and is paid back, her visits with it."""
    stays = office.figures.stays
    claim = sending.medical(rng, case, sent.source, sent.at, office.next_serial())
    claim.stays.append(costs.stay(rng, stays, case.birth, office.today))
    if sent.source == sending.COUNTER and rng.random() < stays.visits_share:
        claim.visits.extend(costs.visits(rng, stays, case.birth))
    return sent.at, sent.source, _submit(claim), MEDICAL


def _void(rng: Random, office: Office, sent: Sent) -> Message:
    at = _later(office, sent.at, timedelta(days=office.figures.sending.correction_days.draw(rng)))
    void = intake_pb2.VoidClaim(
        claim_number=sent.claim.claim_number,
        revision=1,
        reason=intake_pb2.VOID_REASON_ENTERED_WRONGLY,
        submit_time=sending.timestamp(at),
    )
    return at, sent.source, dirt.serialize(intake_pb2.ClaimIntake(void=void)), VOID


def _become(rng: Random, events: OtherEvents, kind: str, claim: intake_pb2.ClaimSubmission) -> None:
    """The claim is not for a delivery after all."""
    event = intake_pb2.MaternityEvent(date=claim.event.date, prepregnancy_check=False)
    if kind == MISCARRIAGE:
        event.type = claim_pb2.EVENT_TYPE_MISCARRIAGE
        if rng.random() >= events.gestation_missing:
            event.gestation_days = events.gestation_days.draw(rng)
    else:
        event.type = claim_pb2.EVENT_TYPE_FAMILY_PLANNING_SURGERY
        event.surgery = events.surgeries.draw(rng)
    claim.event.CopyFrom(event)


def _correction(rng: Random, office: Office, case: Case, sent: Sent) -> Message:
    days = office.figures.sending.correction_days.draw(rng)
    at = _later(office, sent.at, timedelta(days=days))
    claim = _changed(case, sent.claim)
    claim.remark = remarks.correction_note(rng, office.figures.remarks, claim.remark)
    claim.submit_time.CopyFrom(sending.timestamp(at))
    return at, sent.source, _replace(claim), CORRECTION


def _second(rng: Random, office: Office, case: Case, sent: Sent, kind: str) -> Message:
    figures = office.figures.dirt
    if kind.startswith("second"):
        at = _later(office, sent.at, timedelta(days=figures.second_claim_days.draw(rng), minutes=1))
        return _second_claim(rng, office, _other_birth(rng, office, case, kind), at, kind)
    at = _later(office, sent.at, timedelta(minutes=figures.resend_minutes.draw(rng)))
    if kind == "resend_changed":
        claim = _changed(case, sent.claim)
    else:
        claim = sent.claim
        if figures.how(kind).draw(rng) == "same_bytes":
            return at, sent.source, _submit(claim), kind
    claim.submit_time.CopyFrom(sending.timestamp(at))
    return at, sent.source, _submit(claim), kind


def _second_claim(rng: Random, office: Office, case: Case, at: datetime, kind: str) -> Message:
    source = sending.source(rng, office.figures.sending, case.birth)
    return at, source, _submit(sending.claim(rng, case, source, at, office.next_serial())), kind


def _other_birth(rng: Random, office: Office, case: Case, kind: str) -> Case:
    """The same birth as another hospital tells it: on the same day, or on one near it."""
    hospital = office.calendar.hospitals["core"].draw(rng)
    birth = replace(case.birth, hospital=hospital, is_in_city=True)
    if kind == "second_claim_near_date":
        birth = replace(birth, date=birth.date - timedelta(days=office.figures.dirt.near_date_days.draw(rng)))
    return replace(case, birth=birth)


def _changed(case: Case, claim: intake_pb2.ClaimSubmission) -> intake_pb2.ClaimSubmission:
    """The same number with other content: the certificate that was forgotten, and the wage asked about again."""
    changed = intake_pb2.ClaimSubmission()
    changed.CopyFrom(claim)
    changed.event.prepregnancy_check = not claim.event.prepregnancy_check
    changed.own_monthly_wage_fen = case.woman.own_wage_yuan * 100
    return changed


def _later(office: Office, at: datetime, delay: timedelta) -> datetime:
    return min(at + delay, sending.last_instant(office.today)).replace(microsecond=0)


def _intake(claim: intake_pb2.ClaimSubmission) -> intake_pb2.ClaimIntake:
    return intake_pb2.ClaimIntake(submit=intake_pb2.SubmitClaim(claim=claim))


def _submit(claim: intake_pb2.ClaimSubmission) -> bytes:
    return dirt.serialize(_intake(claim))


def _replace(claim: intake_pb2.ClaimSubmission) -> bytes:
    return dirt.serialize(intake_pb2.ClaimIntake(replace=intake_pb2.ReplaceClaim(claim=claim, revision=2)))


# --- who, where, when, and whether it goes wrong ---------------------------------------------------------------------


def _birth(rng: Random, office: Office) -> tuple[Case, str, datetime]:
    figures, calendar = office.figures, office.calendar
    employer, order = office.employers.draw(rng), calendar.order(rng)
    born = calendar.mother_born(rng, order, office.today)
    woman = people.register(rng, figures, office.numbers, employer, born=born)
    birth = calendar.birth(rng, employer.county.code, born, order, office.today)
    source = sending.source(rng, figures.sending, birth)
    day, at = sending.birth_and_arrival(rng, figures.sending, calendar, source, office.today)
    case = Case(figures, office.numbers, office.employers, woman, replace(birth, date=day))
    return case, source, at


def _kind(rng: Random, office: Office, source: str, birth: Birth) -> str:
    if office.stories in office.oversize_at:
        return OVERSIZE
    if rng.random() < office.odds.of(source, birth):
        return office.figures.dirt.drawn.draw(rng)
    if rng.random() < office.figures.sending.correction_share:
        return CORRECTION
    return office.variants.draw(rng)


def _variants(figures: Figures) -> Weighted[str]:
    events, later = figures.other_events, figures.afterwards
    shares = {
        MEDICAL: figures.stays.settled_share,
        VOID: later.void_share,
        LATE: later.late_coverage_share,
        MISCARRIAGE: events.miscarriage_share,
        SURGERY: events.surgery_share,
    }
    return Weighted.of([*shares.items(), (CLEAN, 1 - sum(shares.values()))])


def _factor(figures: Figures, source: str, birth: Birth, bad_hospitals: Iterable[str]) -> float:
    factors, hospital = figures.dirt.source_factor, birth.hospital
    if source == sending.COUNTER:
        return factors[sending.COUNTER]
    factor = factors[hospital.level] * factors.get(hospital.ownership, 1.0)
    return factor * (figures.dirt.bad_hospital_factor if hospital.code in bad_hospitals else 1.0)


def _bad_hospitals(rng: Random, figures: Figures) -> frozenset[str]:
    count = round(len(figures.hospitals) * figures.dirt.bad_hospitals_share)
    return frozenset(hospital.code for hospital in rng.sample(figures.hospitals, count))


def _mean_factor(rng: Random, office: Office, sample: int = 2000) -> float:
    """What the factors come to on average, so that the share asked for comes out; found by trying."""
    total = 0.0
    for _ in range(sample):
        county = office.employers.draw(rng).county.code
        birth = office.calendar.birth(rng, county, office.today, 1, office.today)
        source = sending.source(rng, office.figures.sending, birth)
        total += _factor(office.figures, source, birth, office.odds.bad_hospitals)
    return total / sample


def _share_of_stories(figures: Figures, share: float) -> float:
    """From the share of messages to that of stories, since some stories have a sound message beside the dirty one.

    With d dirty stories, of them a part t of two messages, and a part e of the others of two, the messages are
    1 + d t + (1 - d) e to a story; d of them are dirty.
    """
    kinds, corrections = figures.dirt.kinds, figures.sending.correction_share
    two = sum(kinds[kind].weight for kind in SECONDS) / figures.dirt.drawn.total
    followed = corrections + (1 - corrections) * (figures.stays.settled_share + figures.afterwards.void_share)
    return share * (1 + followed) / (1 - share * two + share * followed)
