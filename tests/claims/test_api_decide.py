"""`ClaimsService.Decide`: the calculator as a program asks it. Nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import grpc
import pytest
from cradle.claims.v1 import claim_pb2, facts_pb2, service_pb2, service_pb2_grpc
from cradle.options.v1 import options_pb2
from cradle.registry.v1 import service_pb2 as registry_pb2
from google.rpc import error_details_pb2
from google.type.date_pb2 import Date
from grpc_status import rpc_status
from protovalidate import Validator

from deploy.local.stack import Stack
from services.claims import rules
from services.claims.api import Claims
from services.kit import rpc
from services.kit.errors import Invalid
from services.kit.shape import shape_problems
from tests.claims.harness import claims_dsn
from tests.kit.live import rows, value

VALIDATOR = Validator()


def day(text: str) -> Date:
    year, month, number = map(int, text.split("-"))
    return Date(year=year, month=month, day=number)


def facts() -> facts_pb2.ClaimFacts:
    """GC01: 98 + 60 = 158 days; 600000 x 98 / 30 = 1960000."""
    return facts_pb2.ClaimFacts(
        decision_date=day("2026-03-20"),
        event=facts_pb2.EventFacts(
            type=claim_pb2.EVENT_TYPE_DELIVERY,
            date=day("2026-03-10"),
            delivery_mode=claim_pb2.DELIVERY_MODE_VAGINAL,
            birth_order=1,
        ),
        insured=facts_pb2.InsuredFacts(
            category=registry_pb2.CATEGORY_EMPLOYEE,
            own_monthly_wage_fen=600_000,
            paid_months=facts_pb2.MonthSpans(spans=["2024-01..2026-03"]),
        ),
        employer=facts_pb2.EmployerFacts(average_monthly_wage_fen={2025: 600_000}),
    )


def request(given: facts_pb2.ClaimFacts, language: service_pb2.Language.ValueType = 0) -> service_pb2.DecideRequest:  # type: ignore[assignment]
    return service_pb2.DecideRequest(facts=given, language=language)


def decide(given: service_pb2.DecideRequest) -> service_pb2.DecideResponse:
    """What the method answers behind the interceptor. It has no database to write to."""
    assert shape_problems(VALIDATOR, given) == []
    nothing = cast("Any", None)
    claims = Claims(nothing, rules.LAW, nothing, nothing)
    return asyncio.run(claims.Decide(given, cast("Any", None)))


def told(given: facts_pb2.ClaimFacts) -> list[tuple[str, str]]:
    """What is wrong, by shape or by the reader, with its path in the request."""
    if problems := shape_problems(VALIDATOR, request(given)):
        return [(problem.code, problem.field) for problem in problems]
    with pytest.raises(Invalid) as refused:
        decide(request(given))
    return [(problem.code, problem.field) for problem in refused.value.reasons]


def test_a_birth_is_decided() -> None:
    answer = decide(request(facts(), service_pb2.LANGUAGE_EN))

    found = answer.determination
    assert found.outcome == claim_pb2.CLAIM_STATE_APPROVED
    assert (found.leave_days, found.fund_days, found.allowance_fen) == (158, 98, 1_960_000)
    assert found.leave_end == day("2026-08-14")
    assert found.payee == claim_pb2.PAYEE_PERSON
    assert [(line.kind, line.amount_fen) for line in found.lines] == [(claim_pb2.LINE_KIND_ALLOWANCE, 1_960_000)]
    assert found.law_digest == rules.LAW.digest
    assert "allowance.min_continuous_months" in found.placeholders
    assert (found.name, found.revision) == ("", 0)
    assert "19,600.00" in answer.text
    assert answer.steps[0].article
    assert "生育津贴" in decide(request(facts())).text


def test_every_kind_of_cost_is_decided() -> None:
    given = facts()
    given.benefits.append(facts_pb2.BENEFIT_MEDICAL)
    given.stays.append(
        facts_pb2.StayFacts(
            hospital="H61030200123",
            level=facts_pb2.LEVEL_TERTIARY,
            admission_date=day("2026-03-09"),
            discharge_date=day("2026-03-14"),
            policy_range_fen=480_000,
            transfer_filed=True,
        )
    )
    given.prior.append(
        facts_pb2.PriorFacts(kind=facts_pb2.PRIOR_KIND_DELIVERY_SETTLED, event_date=day("2026-03-10"), paid_fen=1)
    )

    # a transfer from a settled stay is an ordinary stay: (480000 - 150000) x 0.85 = 280500
    assert decide(request(given)).determination.medical_fen == 280_500


def test_a_stay_that_cost_nothing_is_stated() -> None:
    given = facts()
    given.visits.append(facts_pb2.VisitFacts(date=day("2026-01-10"), policy_range_fen=0))

    assert told_shape(given) == []


def told_shape(given: facts_pb2.ClaimFacts) -> list[str]:
    return [problem.field for problem in shape_problems(VALIDATOR, request(given))]


def test_facts_that_cannot_be_are_an_answer() -> None:
    given = facts()
    given.decision_date.CopyFrom(day("2026-03-09"))

    found = decide(request(given)).determination

    assert found.outcome == claim_pb2.CLAIM_STATE_ERROR
    assert [why.code for why in found.reasons] == ["FACT_OUT_OF_RANGE"]


Change = Callable[[facts_pb2.ClaimFacts], object]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: f.ClearField("decision_date"), ("FIELD_REQUIRED", "facts.decision_date")),
        (lambda f: f.ClearField("event"), ("FIELD_REQUIRED", "facts.event")),
        (lambda f: f.event.ClearField("type"), ("FIELD_REQUIRED", "facts.event.type")),
        (lambda f: setattr(f.event, "type", 9), ("CODE_UNKNOWN", "facts.event.type")),
        (lambda f: setattr(f.insured, "category", 0), ("FIELD_REQUIRED", "facts.insured.category")),
        (lambda f: f.event.ClearField("birth_order"), ("FACT_MISSING", "facts.event.birth_order")),
        (lambda f: f.insured.ClearField("paid_months"), ("FACT_MISSING", "facts.insured.paid_months")),
        (lambda f: setattr(f.event.date, "month", 13), ("FACT_NOT_DATE", "facts.event.date")),
        (lambda f: setattr(f.event, "infants", 123_456), ("FACT_NOT_WHOLE", "facts.event.infants")),
        (lambda f: setattr(f.event, "surgery", "10"), ("FIELD_MALFORMED", "facts.event.surgery")),
        (
            lambda f: f.insured.paid_months.spans.append("2026"),
            ("FIELD_MALFORMED", "facts.insured.paid_months.spans[1]"),
        ),
        (
            lambda f: f.employer.average_monthly_wage_fen.update({25: 1}),
            ("FACT_NOT_YEAR", "facts.employer.average_monthly_wage_fen.25"),
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_field(change: Change, expected: tuple[str, str]) -> None:
    given = facts()
    change(given)

    assert told(given) == [expected]


def stay(admission: str, discharge: str, hospital: str = "H1") -> facts_pb2.StayFacts:
    return facts_pb2.StayFacts(
        hospital=hospital,
        level=facts_pb2.LEVEL_TERTIARY,
        admission_date=day(admission),
        discharge_date=day(discharge),
        policy_range_fen=100_000,
    )


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (stay("2026-03-11", "2026-03-14", "H2"), [("STAYS_OVERLAP", "facts.stays[1].admission_date")]),
        (stay("2026-03-12", "2026-03-14", "H2"), []),  # the day of a transfer
        (stay("2026-03-09", "2026-03-12"), [("STAYS_OVERLAP", "facts.stays[1].admission_date")]),
    ],
)
def test_stays_that_lie_over_each_other_are_refused_as_by_the_intake(
    second: facts_pb2.StayFacts, expected: list[tuple[str, str]]
) -> None:
    given = facts()
    given.stays.extend([stay("2026-03-09", "2026-03-12"), second])

    if expected:
        assert told(given) == expected
    else:
        assert decide(request(given)).determination.outcome != claim_pb2.CLAIM_STATE_ERROR


def test_a_day_before_the_law_is_no_bug() -> None:
    given = facts()
    given.event.date.CopyFrom(day("1950-01-01"))
    given.father.leave_requested = True

    try:
        assert decide(request(given)).determination.outcome == claim_pb2.CLAIM_STATE_PENDED
    except Invalid as refused:
        codes = {why.code for why in refused.reasons}
    else:
        return
    assert codes == {"DECIDE_PARAMETER_NOT_IN_FORCE"}


def test_the_method_names_its_permission() -> None:
    method = service_pb2.DESCRIPTOR.services_by_name["ClaimsService"].methods_by_name["Decide"]

    assert method.GetOptions().Extensions[options_pb2.permission] == "claims.decide"


# --- on the running system ----------------------------------------------------------------------------------------

# All but those that the running worker and relay keep for themselves.
TABLES = """SELECT tablename FROM pg_tables WHERE schemaname = 'public'
            AND tablename <> ALL ('{consumed,outbox,schema_migrations,law}') ORDER BY tablename"""


async def counted(dsn: str) -> dict[str, int]:
    names = [row["tablename"] for row in await rows(dsn, TABLES)]
    return {name: await value(dsn, f'SELECT count(*) FROM "{name}"') for name in names}


@pytest.mark.integration
def test_the_running_service_decides_and_stores_nothing(stack: Stack) -> None:
    dsn = claims_dsn(stack)
    before = asyncio.run(counted(dsn))

    with rpc.blocking_channel(stack.environment["CRADLE_CLAIMS_TARGET"], stack.operator) as channel:
        stub = service_pb2_grpc.ClaimsServiceStub(channel)
        answer = stub.Decide(request(facts()), timeout=10)
        incomplete = facts()
        incomplete.event.ClearField("birth_order")
        with pytest.raises(grpc.RpcError) as refused:
            stub.Decide(request(incomplete), timeout=10)

    assert answer.determination.allowance_fen == 1_960_000
    assert asyncio.run(counted(dsn)) == before
    error = cast("Any", refused.value)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    info, wrong = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in rpc_status.from_call(error).details:
        _ = detail.Unpack(info) or detail.Unpack(wrong)
    assert info.reason == "FACT_MISSING"
    assert [violation.field for violation in wrong.field_violations] == ["facts.event.birth_order"]
