"""Protobuf of certification: everything of the scheme and of a decision is told; what is stated is read or refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from cradle.certification.v1 import application_pb2, certificate_pb2, scheme_pb2, service_pb2
from protovalidate import Validator

from services.certification.model import (
    Answer,
    CertificateState,
    Dimension,
    Employer,
    Indicator,
    IndicatorKind,
    Kind,
    Life,
    Outcome,
    Sheet,
    Size,
    State,
    Veto,
)
from services.certification.rules import foreseen, standing
from services.certification.wire import application, certificate, scheme
from services.kit.errors import Invalid
from services.kit.shape import shape_problems
from tests.certification.sheets import LARGE, LATEST, best


def said(sheet: Sheet) -> list[application_pb2.Answer]:
    return [
        application_pb2.Answer(
            criterion=one.indicator,
            quantities=[
                application_pb2.Quantity(name=name, figures=[f"{figure.normalize():f}" for figure in figures])
                for name, figures in one.quantities
            ],
        )
        for one in sheet.answers
    ]


# --- the scheme -------------------------------------------------------------------------------------------------------


def test_a_version_is_told_whole() -> None:
    told = scheme.scheme(LATEST)

    assert (told.name, told.version, told.digest) == ("schemes/1", 1, LATEST.digest)
    assert not told.HasField("in_force_from")
    assert {one.name: one.value for one in told.figures}["transition.starts_on"] == "2027-01-01"
    assert {one.name for one in told.figures} == set(LATEST.figures)
    assert sum(Decimal(one.max_points) for one in told.dimensions) == 100


@pytest.mark.parametrize("one", LATEST.indicators, ids=lambda one: one.id)
def test_every_criterion_is_told_in_both_languages(one: Indicator) -> None:
    told = scheme.criterion(one, LATEST)

    assert told.title.zh
    assert told.title.en
    assert told.formula
    assert told.quantities
    assert told.sizes
    assert all(kind.title.zh and kind.title.en for kind in told.evidence)
    assert all(number for number in (told.kind, told.source, told.law_status, told.status))
    assert bool(told.points) is (one.kind is not IndicatorKind.GATE)
    assert bool(told.dimension) is (one.kind is IndicatorKind.SCORED)


# --- what is stated ---------------------------------------------------------------------------------------------------


def test_what_was_stated_is_read_as_it_was() -> None:
    sheet = best("a")

    read = application.sheet("a", said(sheet), LATEST)

    assert read == Sheet("a", tuple(Answer(one.indicator, one.quantities) for one in sheet.answers))
    request = service_pb2.ValidateApplicationRequest(
        scheme="schemes/-",
        kind=application_pb2.APPLICATION_KIND_NEW,
        employer=application_pb2.EmployerFacts(staff=1000, women=500, sector="C"),
        answers=said(sheet),
    )
    assert shape_problems(Validator(), request) == []
    assert application.employer(request.employer, LATEST) == LARGE
    assert application.kind(request.kind) is Kind.NEW


@pytest.mark.parametrize("figure", ["-1", "1e3", "1,000", "", "NaN", "1.1234567"])
def test_a_figure_that_is_no_plain_number_is_refused(figure: str) -> None:
    quantity = application_pb2.Quantity(name="took", figures=[figure])

    assert [one.code for one in shape_problems(Validator(), quantity)]


def test_what_the_scheme_does_not_ask_for_is_refused_by_its_path() -> None:
    took = application_pb2.Quantity(name="took", figures=["1"])
    name = "maternity_protection.father_leave_takeup"
    wrong = [
        application_pb2.Answer(criterion="attitude.no_such"),
        application_pb2.Answer(criterion=name, quantities=[took, took]),
        application_pb2.Answer(criterion=name, quantities=[application_pb2.Quantity(name="mothers", figures=["1"])]),
    ]

    with pytest.raises(Invalid) as refused:
        application.sheet("a", wrong, LATEST)

    assert [(one.code, one.field) for one in refused.value.reasons] == [
        ("CRITERION_UNKNOWN", "answers[0].criterion"),
        ("CRITERION_TWICE", "answers[1].criterion"),
        ("QUANTITY_UNKNOWN", "answers[1].quantities[0].name"),
        ("QUANTITY_UNKNOWN", "answers[1].quantities[1].name"),
        ("CRITERION_TWICE", "answers[2].criterion"),
        ("QUANTITY_UNKNOWN", "answers[2].quantities[0].name"),
    ]


def test_size_goes_by_what_is_stated_of_staff() -> None:
    facts = application_pb2.EmployerFacts(staff=299, women=10, sector="P")

    assert application.employer(facts, LATEST) == Employer(Size.SME, 299, 10, "P")
    with pytest.raises(Invalid) as refused:
        application.employer(application_pb2.EmployerFacts(staff=5, women=6, sector="P"), LATEST)
    assert [one.field for one in refused.value.reasons] == ["employer.women"]


# --- what it would be -------------------------------------------------------------------------------------------------


def test_where_an_employer_would_stand_names_what_is_missing_and_what_shows_it() -> None:
    sheet = best("", without=[Dimension.CARE_SUPPORT, "career.retention_12m"])

    told = application.decision(foreseen(sheet, LARGE, Kind.NEW, LATEST), LATEST)

    assert (told.outcome, told.score) == (application_pb2.DECISION_OUTCOME_AWARDED, "77.00")
    by_id = {one.criterion: one for one in told.criteria}
    missing = by_id["career.retention_12m"]
    assert missing.standing == application_pb2.CRITERION_STANDING_NOT_SHOWN
    assert (missing.points, missing.max_points) == ("0", "3")
    assert [one.code for one in missing.evidence] == ["HR_ROSTER", "LEAVE_REGISTER"]
    met = by_id["maternity_protection.father_leave_takeup"]
    assert (met.standing, met.figure, list(met.evidence)) == (application_pb2.CRITERION_STANDING_MET, "4/5", [])
    assert len(told.criteria) == 48


def test_who_would_be_declined_is_told_every_reason_in_both_languages() -> None:
    told = application.decision(foreseen(Sheet("", ()), LARGE, Kind.NEW, LATEST), LATEST)

    assert told.outcome == application_pb2.DECISION_OUTCOME_DECLINED
    assert [one.code for one in told.reasons] == ["MATERNITY_PROTECTION_BELOW_FLOOR", "SCORE_BELOW_THRESHOLD"]
    assert all(one.text_zh and one.text_en for one in told.reasons)


def test_what_cannot_be_has_no_score() -> None:
    sheet = Sheet("", (Answer("maternity_protection.father_leave_takeup",
                              (("fathers", (Decimal(1),)), ("took", (Decimal(2),)))),))  # fmt: skip
    found = foreseen(sheet, LARGE, Kind.NEW, LATEST)

    assert found.outcome is Outcome.ERROR
    assert found.trace[-1][1] == {"fields": "maternity_protection.father_leave_takeup"}
    assert application.decision(found, LATEST).score == ""


# --- states -----------------------------------------------------------------------------------------------------------


def test_every_state_and_code_has_its_number() -> None:
    assert len(application.STATES) == len(State) == len(application_pb2.ApplicationState.keys()) - 1
    assert len(certificate.STATES) == len(CertificateState) == len(certificate_pb2.CertificateState.keys()) - 1
    assert len(application.KINDS) == len(application_pb2.ApplicationKind.keys()) - 1
    assert len(scheme.DIMENSIONS) == len(scheme_pb2.Dimension.keys()) - 1


def test_a_certificate_is_told_with_its_history() -> None:
    awarded = date(2026, 6, 1)
    life = Life(awarded, vetoes=((Veto.FALSE_DATA, date(2026, 12, 1)),))

    told = certificate.certificate("BJ-2026-0001", awarded, standing(life, LATEST, date(2027, 1, 1)))

    assert (told.name, told.state) == ("certificates/BJ-2026-0001", certificate_pb2.CERTIFICATE_STATE_REVOKED)
    assert (told.valid_to.year, told.valid_to.month, told.valid_to.day) == (2029, 5, 31)
    assert (told.locked_until.year, told.locked_until.day) == (2029, 1)
    assert [one.reason for one in told.history] == ["NEW", "VETO_FALSE_DATA"]


@pytest.mark.parametrize(("number", "code"), [(0, "FIELD_REQUIRED"), (99, "CODE_UNKNOWN")])
def test_a_kind_that_is_none_is_told(number: int, code: str) -> None:
    """A masked field is looked at by no shape."""
    with pytest.raises(Invalid) as raised:
        application.kind(number)  # type: ignore[arg-type]

    assert [(one.code, one.field) for one in raised.value.reasons] == [(code, "kind")]
