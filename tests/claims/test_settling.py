"""What becomes of one record, given what the registers and the file know. Nothing here is stored or sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from cradle.claims.v1 import claim_pb2, intake_pb2

from services.claims.model import (
    Account,
    Benefit,
    Category,
    ClaimKind,
    Coverage,
    Institution,
    Level,
    LineKind,
    Payee,
    ReceiptStatus,
    State,
)
from services.claims.rules import LAW, first_day
from services.claims.store import Settled
from services.claims.usecases import OnFile, Prepared, Terms, settle
from services.claims.wire import out
from services.claims.wire.intake import read
from services.kit.law import Law
from tests.builders import (
    DELIVERED,
    HOSPITAL,
    OTHER_HOSPITAL,
    TODAY,
    claim,
    item_sent,
    law_with,
    medical,
    message,
    month,
    replacement,
    spans,
    stay_sent,
    submit,
    visit_sent,
    void,
)

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
KNOWN = Coverage(
    UUID(int=1),
    Category.EMPLOYEE,
    "e-1",
    "e-1",
    spans("2024-01..2026-10"),
    (),
    ((2025, 600_000),),
    reported_to_month=month("2026-10"),
)
CAPPED = law_with({"medical.antenatal.cap_per_pregnancy": 200_000, "art.items": ("ART-01",)})
TERTIARY = Institution(is_known=True, level=Level.TERTIARY, reference="h-1")
UNKNOWN = Institution(is_known=False, level=None)
CLOSED = Institution(is_known=True, level=None)


class Institutions(dict[tuple[str, date], Institution]):
    """Every institution not named is a tertiary hospital under contract."""

    def __missing__(self, key: tuple[str, date]) -> Institution:
        return TERTIARY


class Desk:
    """Records one after the other, as one batch takes them."""

    def __init__(
        self,
        coverage: Coverage = KNOWN,
        law: Law = LAW,
        institutions: Mapping[tuple[str, date], Institution] | None = None,
    ) -> None:
        self.on_file = OnFile({}, {})
        self.terms = Terms(law, TODAY, NOW, TODAY + timedelta(days=60), TODAY + timedelta(days=14))
        self.coverage, self.institutions = coverage, Institutions(institutions or {})

    def take(self, value: bytes, source: str = "hospitals") -> Settled:
        sent = message(value, topic=f"claims.intake.v1.{source}")
        received = read(sent, TODAY, first_day(LAW), 65_536, lambda given: given)
        batch = Prepared((received,), {received.position: self.coverage}, NOW, self.institutions)
        settled = settle(received, batch, self.on_file, self.terms)
        if settled.change:
            self.on_file.take(settled.change)
        return settled

    def send(self, *sent: intake_pb2.ClaimSubmission) -> list[Settled]:
        return [self.take(submit(one)) for one in sent]


def codes(settled: Settled) -> list[tuple[str, str]]:
    return [(found.code, found.field) for found in settled.reasons]


# --- medical claims -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "payee"), [("PROVIDER_SETTLEMENT", Payee.PROVIDER), ("REIMBURSEMENT", Payee.PERSON)])
def test_medical_cost_is_paid_to_the_hospital_or_to_her_by_the_kind_of_claim(kind: str, payee: Payee) -> None:
    (settled,) = Desk().send(medical(kind, stays=[stay_sent(520_000)]))

    assert settled.change is not None
    assert settled.change.determination is not None
    assert settled.status is ReceiptStatus.DETERMINED
    (line,) = settled.change.determination.lines
    assert (line.kind, line.amount_fen, line.payee) == (LineKind.STAY, 520_000, payee)
    assert settled.change.claim.kind is ClaimKind[kind]
    assert settled.change.facts is not None
    assert settled.change.facts.benefits == (Benefit.MEDICAL,)
    receipt = out.receipt(
        settled.receipt_id, settled.received, settled.status, (), settled.claim, settled.change.determination
    )
    assert (receipt.medical_fen, receipt.allowance_fen, len(receipt.lines)) == (520_000, 0, 1)


def test_an_unemployed_spouse_has_her_share() -> None:
    (settled,) = Desk(KNOWN._replace(category=Category.SPOUSE_OF_EMPLOYEE)).send(medical(stays=[stay_sent(600_000)]))

    assert settled.change is not None
    assert settled.change.determination is not None
    assert settled.change.determination.figures.medical_fen == 300_000


# --- institutions ---------------------------------------------------------------------------------------------------

LEFT = DELIVERED + timedelta(days=4)


@pytest.mark.parametrize(
    ("found", "level", "reasons"),
    [
        (TERTIARY, "UNSPECIFIED", []),
        (TERTIARY, "TERTIARY", []),
        (TERTIARY, "SECONDARY", [("PROVIDER_LEVEL_DENIED", "submit.claim.stays[0].level")]),
        (UNKNOWN, "TERTIARY", [("PROVIDER_UNKNOWN", "submit.claim.stays[0].provider")]),
        (CLOSED, "TERTIARY", [("PROVIDER_CLOSED", "submit.claim.stays[0].provider")]),
    ],
)
def test_a_hospital_is_what_the_register_says_on_the_day_of_discharge(
    found: Institution, level: str, reasons: list[tuple[str, str]]
) -> None:
    desk = Desk(institutions={(HOSPITAL, LEFT): found})

    (settled,) = desk.send(medical(stays=[stay_sent(level=level)]))

    assert codes(settled) == reasons
    assert (settled.status is ReceiptStatus.RETURNED) == bool(reasons)


def test_the_level_of_the_register_decides_what_is_paid() -> None:
    law = law_with({"medical.delivery.mode": "ORDINARY"})
    paid = []
    for level in (Level.PRIMARY, Level.SECONDARY, Level.TERTIARY):
        desk = Desk(law=law, institutions={(HOSPITAL, LEFT): Institution(is_known=True, level=level)})
        (settled,) = desk.send(medical(stays=[stay_sent(480_000)]))
        assert settled.change is not None
        assert settled.change.determination is not None
        paid.append(settled.change.determination.figures.medical_fen)

    assert paid == [414_000, 378_000, 280_500]  # (4,800 - 300) x 92 %, (4,800 - 600) x 90 %, (4,800 - 1,500) x 85 %


def test_every_institution_that_is_wrong_is_told_with_its_place() -> None:
    day = date(2026, 1, 15)
    desk = Desk(institutions={(HOSPITAL, day): CLOSED, (OTHER_HOSPITAL, LEFT): UNKNOWN})

    (settled,) = desk.send(
        medical(
            stays=[stay_sent(discharged=DELIVERED), stay_sent(provider=OTHER_HOSPITAL)],
            visits=[visit_sent(on=day)],
            items=[item_sent()],
        )
    )

    assert codes(settled) == [
        ("PROVIDER_UNKNOWN", "submit.claim.stays[1].provider"),
        ("PROVIDER_CLOSED", "submit.claim.visits[0].provider"),
        ("PROVIDER_CLOSED", "submit.claim.items[0].provider"),
    ]
    assert settled.change is None


# --- employers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "employer", "known", "reasons"),
    [
        (Category.EMPLOYEE, "", "", ["EMPLOYER_REQUIRED"]),
        (Category.FLEXIBLE, "", "", []),
        (Category.UNEMPLOYMENT_BENEFIT, "", "", []),
        (Category.EMPLOYEE, "91610302MA6XA1B21P", "", ["EMPLOYER_UNKNOWN"]),
        (Category.FLEXIBLE, "91610302MA6XA1B21P", "", ["EMPLOYER_UNKNOWN"]),
    ],
)
def test_an_allowance_needs_an_employer_where_it_rests_on_one(
    category: Category, employer: str, known: str, reasons: list[str]
) -> None:
    coverage = KNOWN._replace(category=category, employer=known, insured_by="")

    (settled,) = Desk(coverage).send(claim(employer=employer))

    assert [code for code, _ in codes(settled) if code.startswith("EMPLOYER")] == reasons


def test_medical_cost_needs_none_and_looks_at_none() -> None:
    sent = medical(stays=[stay_sent()])
    sent.employer_uscc = "91610302MA6XA1B21P"

    (settled,) = Desk(KNOWN._replace(employer="")).send(sent)

    assert settled.status is ReceiptStatus.DETERMINED


# --- the same event -------------------------------------------------------------------------------------------------


def test_the_same_delivery_is_settled_once_though_two_hospitals_send_it() -> None:
    one, two, cash = Desk().send(
        medical(number="A", stays=[stay_sent()]),
        medical(number="B", stays=[stay_sent(provider=OTHER_HOSPITAL)]),
        claim(number="C"),
    )

    assert one.claim is not None
    assert two.claim is not None
    assert cash.claim is not None
    assert (one.claim.state, two.claim.state, cash.claim.state) == (State.APPROVED, State.DUPLICATE, State.APPROVED)
    assert codes(two) == [("DUPLICATE_DELIVERY", "")]


def test_a_filed_transfer_is_paid_by_the_ordinary_rules_beside_the_first() -> None:
    one, two = Desk().send(
        medical(number="A", stays=[stay_sent(450_000)]),
        medical(number="B", stays=[stay_sent(480_000, provider=OTHER_HOSPITAL, transfer_filed=True)]),
    )

    assert one.change is not None
    assert two.change is not None
    assert two.change.determination is not None
    assert two.change.determination.figures.medical_fen == 280_500
    assert len(one.change.holds) == 1
    assert two.change.holds == ()


def test_a_miscarriage_and_a_delivery_of_one_day_are_two_events() -> None:
    early = claim(number="B")
    early.event.type = claim_pb2.EVENT_TYPE_MISCARRIAGE
    early.event.gestation_days = 100

    one, two = Desk().send(claim(number="A"), early)

    assert [settled.claim.state for settled in (one, two) if settled.claim] == [State.APPROVED] * 2


def test_a_transferred_stay_and_what_goes_with_it_is_paid_once_whoever_sends_it() -> None:
    stays, visits = [stay_sent(480_000, provider=OTHER_HOSPITAL, transfer_filed=True)], [visit_sent(30_000)]

    _, settled, hers = Desk(law=CAPPED).send(
        medical(number="A", stays=[stay_sent(450_000)]),
        medical(number="B", stays=stays, visits=visits),
        medical("REIMBURSEMENT", number="C", stays=stays, visits=visits),
    )

    assert settled.claim is not None
    assert settled.claim.state is State.APPROVED
    assert hers.claim is not None
    assert (hers.claim.state, codes(hers)) == (State.DUPLICATE, [("DUPLICATE_COST", "")])


# --- caps and counts ------------------------------------------------------------------------------------------------


def test_later_claims_of_a_batch_see_what_earlier_ones_took() -> None:
    visits = [
        medical("REIMBURSEMENT", number=number, visits=[visit_sent(150_000, date(2026, 1, day))])
        for number, day in [("A", 15), ("B", 16), ("C", 17)]
    ]

    settled = Desk(law=CAPPED).send(*visits)

    paid = [one.change.determination.figures.medical_fen for one in settled if one.change and one.change.determination]
    assert paid == [150_000, 50_000, 0]
    assert codes(settled[2]) == [("CAP_REACHED", "")]


def test_a_correction_is_decided_without_what_it_took_itself() -> None:
    desk = Desk(law=CAPPED)
    first = medical("REIMBURSEMENT", number="A", visits=[visit_sent(150_000)])
    desk.send(first, medical("REIMBURSEMENT", number="B", visits=[visit_sent(140_000)]))

    corrected = desk.take(replacement(medical("REIMBURSEMENT", number="A", visits=[visit_sent(160_000)]), 2))

    assert corrected.change is not None
    assert [(one.account, one.amount) for one in corrected.change.taken] == [
        (Account.ANTENATAL, 150_000),  # B has the other 50,000
        (Account.COST, 1),
    ]


def test_an_item_is_counted_over_claims() -> None:
    items = [medical("REIMBURSEMENT", number=str(n), items=[item_sent(on=date(2026, 1, 15 + n))]) for n in range(4)]

    settled = Desk(law=law_with({"art.items": ("ART-01",), "art.employee_pct": "0.7"})).send(*items)

    outcomes = [one.claim.state for one in settled if one.claim]
    assert outcomes == [State.APPROVED] * 3 + [State.DENIED]
    assert codes(settled[3]) == [("ITEM_COUNT_REACHED", "")]


# --- voids ----------------------------------------------------------------------------------------------------------


def test_a_void_gives_back_the_event_and_what_was_taken() -> None:
    desk = Desk(law=CAPPED)
    desk.send(medical(number="A", stays=[stay_sent()], visits=[visit_sent(200_000)]))

    voided = desk.take(void("A"))
    (again,) = desk.send(medical(number="B", stays=[stay_sent()], visits=[visit_sent(200_000)]))

    assert (voided.status, codes(voided)) == (ReceiptStatus.VOIDED, [])
    assert voided.change is not None
    assert (voided.change.claim.version, voided.change.claim.state) == (2, State.VOIDED)
    assert again.change is not None
    assert again.claim is not None
    assert again.claim.state is State.APPROVED
    assert [one.account for one in again.change.taken] == [Account.ANTENATAL, Account.COST, Account.COST]


def test_nothing_is_taken_in_under_a_voided_number() -> None:
    desk = Desk()
    desk.send(claim(number="A"))
    desk.take(void("A"))

    answers = [
        desk.take(submit(claim(number="A"))),
        desk.take(replacement(claim(number="A", birth_order=2), 2)),
        desk.take(void("A")),
        desk.take(void("A", why="ENTERED_WRONGLY")),
    ]

    assert [(one.status, [code for code, _ in codes(one)]) for one in answers] == [
        (ReceiptStatus.RETURNED, ["CLAIM_VOIDED"]),
        (ReceiptStatus.RETURNED, ["CLAIM_VOIDED"]),
        (ReceiptStatus.DUPLICATE, ["VOID_ALREADY"]),
        (ReceiptStatus.RETURNED, ["VOID_ALREADY"]),
    ]
    assert not any(one.change for one in answers)


def test_a_claim_of_another_source_is_unknown_to_who_would_void_it() -> None:
    desk = Desk()
    desk.send(claim(number="A"))

    answer = desk.take(void("A"), source="counter")

    assert (answer.status, codes(answer)) == (ReceiptStatus.RETURNED, [("VOID_UNKNOWN", "void.claim_number")])
    assert answer.claim is None


def test_a_void_before_its_claim_is_returned_and_the_claim_is_taken_in() -> None:
    desk = Desk()

    early = desk.take(void("A"))
    (taken,) = desk.send(claim(number="A"))

    assert codes(early) == [("VOID_UNKNOWN", "void.claim_number")]
    assert taken.status is ReceiptStatus.DETERMINED


@pytest.mark.parametrize(("revision", "reasons"), [(1, ["VOID_STALE"]), (2, []), (3, ["VOID_STALE"])])
def test_a_void_after_a_correction_names_its_revision(revision: int, reasons: list[str]) -> None:
    desk = Desk()
    desk.send(claim(number="A"))
    desk.take(replacement(claim(number="A", birth_order=2), 2))

    assert [code for code, _ in codes(desk.take(void("A", revision)))] == reasons


# --- waiting --------------------------------------------------------------------------------------------------------


def test_a_claim_that_waits_keeps_its_facts_without_what_is_not_known_of_her() -> None:
    coverage = KNOWN._replace(is_known=False, category=None)

    (settled,) = Desk(coverage).send(medical(stays=[stay_sent()]))

    assert settled.change is not None
    assert settled.change.waiting is not None
    assert (settled.status, [code for code, _ in codes(settled)]) == (
        ReceiptStatus.PENDED,
        ["AWAITING_COVERAGE", "PERSON_UNKNOWN"],
    )
    assert settled.change.waiting.due_on == TODAY + timedelta(days=60)
    assert settled.change.waiting.facts.stays[0].level is Level.TERTIARY
    assert settled.change.waiting.facts.insured.paid_months is None
    assert (settled.change.facts, settled.change.determination) == (None, None)


def test_what_a_reviewer_must_look_at_has_no_last_day() -> None:
    (settled,) = Desk(KNOWN._replace(insured_by="e-2")).send(claim())

    assert settled.change is not None
    assert settled.change.waiting is not None
    assert settled.change.waiting.due_on is None


def test_a_correction_that_waits_keeps_what_was_approved() -> None:
    desk = Desk()
    (approved,) = desk.send(claim(number="A"))
    desk.coverage = KNOWN._replace(category=None)
    waiting = desk.take(replacement(claim(number="A", birth_order=2), 2))
    desk.coverage = KNOWN

    (other,) = desk.send(claim(number="B"))

    assert approved.claim is not None
    assert waiting.claim is not None
    assert other.claim is not None
    assert (waiting.claim.state, other.claim.state) == (State.PENDED, State.DUPLICATE)


@pytest.mark.parametrize("husband", [UUID(int=9), None])
def test_a_claim_remembers_the_husband_it_names_and_forgets_whom_it_does_not(husband: UUID | None) -> None:
    desk = Desk(KNOWN._replace(husband=UUID(int=8)))
    desk.send(claim(number="A"))
    desk.coverage = KNOWN._replace(husband=husband)

    corrected = desk.take(replacement(claim(number="A", birth_order=2), 2))

    assert corrected.claim is not None
    assert corrected.claim.husband == husband


def sequence(settled: Sequence[Settled]) -> list[int]:
    return [one.change.sequence for one in settled if one.change]


def test_what_is_taken_in_is_always_the_first_determination_of_its_revision() -> None:
    desk = Desk()

    settled = [*desk.send(claim(number="A")), desk.take(replacement(claim(number="A", birth_order=2), 2))]

    assert sequence(settled) == [1, 1]
