"""What a message's annotations say against it names the bounds or the form, as they stand in the protos."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from buf.validate import validate_pb2
from cradle.certification.v1.assessing_pb2 import RecordVisitRequest
from cradle.claims.v1.facts_pb2 import InsuredFacts
from cradle.claims.v1.intake_pb2 import ClaimIntake, ClaimSubmission, MaternityEvent, Stay, SubmitClaim
from cradle.claims.v1.submission_pb2 import ListSubmissionsRequest
from cradle.claims.v1.submitting_pb2 import SubmitClaimRequest
from cradle.registry.v1.service_pb2 import (
    BatchGetCoverageRequest,
    BatchRecordCoverageRequest,
    CoverageQuery,
    CoverageSpan,
    EmployerRecord,
    PersonRecord,
)
from cradle.treasury.v1.service_pb2 import AppropriateBudgetRequest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.type.date_pb2 import Date
from protovalidate import Validator

from services.kit.messages import CATALOGUE, Language, reason
from services.kit.shape import shape_problems

PROTOS = Path(__file__).parents[2] / "protos" / "cradle"
VALIDATOR = Validator()


def intake(**claim: Any) -> ClaimIntake:
    return ClaimIntake(submit=SubmitClaim(claim=ClaimSubmission(**claim)))


def event(**fields: Any) -> ClaimIntake:
    return intake(event=MaternityEvent(**fields))


@pytest.mark.parametrize(("count", "is_too_long"), [(20, False), (21, True), (30_000, True)])
def test_a_list_that_is_too_long_is_told_alone(count: int, is_too_long: bool) -> None:
    """Whatever its elements are: of thousands each fault would be looked for."""
    told = shape_problems(VALIDATOR, intake(stays=[Stay()] * count, remark="x" * 1_100))

    alone = [("TOO_MANY_ITEMS", "submit.claim.stays")]
    assert ([(one.code, one.field) for one in told] == alone) is is_too_long
    assert ("TOO_MANY_ITEMS" in {one.code for one in told}) is is_too_long


def test_a_list_inside_a_list_is_looked_at_too() -> None:
    person = PersonRecord(coverage=[CoverageSpan()] * 1_000)

    (told,) = shape_problems(VALIDATOR, BatchRecordCoverageRequest(persons=[PersonRecord(), person]))

    assert (told.code, told.field) == ("TOO_MANY_ITEMS", "persons[1].coverage")


@pytest.mark.parametrize(
    ("message", "field", "code", "values"),
    [
        (event(infants=9), "submit.claim.event.infants", "FIELD_OUT_OF_RANGE", {"bounds": "≤ 8"}),
        (
            event(gestation_days=331),
            "submit.claim.event.gestation_days",
            "FIELD_OUT_OF_RANGE",
            {"bounds": "≥ 1, ≤ 330"},
        ),
        (intake(county="61030"), "submit.claim.county", "FIELD_MALFORMED", {"form": "^[0-9]{6}$"}),
        (intake(remark="x" * 2001), "submit.claim.remark", "FIELD_TOO_LONG", {"limit": "2000"}),
        (SubmitClaimRequest(request_id="17"), "request_id", "FIELD_MALFORMED", {"form": "UUID"}),
        (SubmitClaimRequest(member_key=b"short"), "member_key", "FIELD_MALFORMED", {"form": "bytes[16]"}),
        (
            SubmitClaimRequest(receipt_wait=Duration(seconds=31)),
            "receipt_wait",
            "FIELD_OUT_OF_RANGE",
            {"bounds": "≥ 0s, ≤ 30s"},
        ),
        (AppropriateBudgetRequest(), "amount_fen", "FIELD_OUT_OF_RANGE", {"bounds": f"≥ -{10**12}, ≤ {10**12}, ≠ 0"}),
        (
            EmployerRecord(average_monthly_wage_fen={2101: 1}),
            "average_monthly_wage_fen[2101]",
            "FIELD_OUT_OF_RANGE",
            {"bounds": "≥ 1980, < 2100"},
        ),
        (
            InsuredFacts(back_paid={"2026-13": Date(year=2026)}),
            "back_paid[2026-13]",
            "FIELD_MALFORMED",
            {"form": "^[0-9]{4}-(0[1-9]|1[0-2])$"},
        ),
        (BatchGetCoverageRequest(queries=[CoverageQuery()] * 1001), "queries", "TOO_MANY_ITEMS", {"limit": "1000"}),
        (PersonRecord(), "person_id_number", "FIELD_REQUIRED", {}),
        (PersonRecord(person_id_number="6103"), "person_id_number", "FIELD_MALFORMED", {"form": "string[≥ 15, ≤ 32]"}),
        (RecordVisitRequest(visitors=["A", "A"]), "visitors", "ITEM_TWICE", {}),
        (RecordVisitRequest(visitors=["A"]), "visitors", "FIELD_OUT_OF_RANGE", {"bounds": "≥ 2, ≤ 10"}),
        (ListSubmissionsRequest(page_size=-1), "page_size", "FIELD_OUT_OF_RANGE", {"bounds": "≥ 0, ≤ 1000"}),
    ],
)
def test_the_constraint_is_told_as_the_proto_has_it(
    message: Message, field: str, code: str, values: dict[str, str]
) -> None:
    [told] = [one for one in shape_problems(VALIDATOR, message) if one.field == field]

    assert (told.code, dict(told.values)) == (code, values)
    for language in Language:
        in_words = [CATALOGUE[value][language] if value in CATALOGUE else value for value in values.values()]
        assert all(words in told.text(language) for words in in_words)


def test_a_form_is_told_in_words_where_the_catalogue_has_them() -> None:
    malformed = reason("FIELD_MALFORMED", "county", form="^[0-9]{6}$")

    assert malformed.text(Language.ZH).endswith("6 位数字")
    assert malformed.text(Language.EN).endswith("six digits")
    assert dict(malformed.values) == {"form": "^[0-9]{6}$"}
    assert reason("FIELD_MALFORMED", form="^[A-T]?$").text(Language.EN).endswith("^[A-T]?$")


def test_every_form_with_words_stands_in_our_protos() -> None:
    protos = "\n".join(path.read_text("utf-8") for path in PROTOS.rglob("*.proto"))
    forms = [form for form in CATALOGUE if form.startswith("^")]

    assert forms
    assert [form for form in forms if '"{}"'.format(form.replace("\\", "\\\\")) not in protos] == []


# Each is told by a code without a value, or by its form or limit.
TOLD = {"required", "ignore", "defined_only", "unique", "pattern", "uuid", "len"}
BOUNDS = {"gte", "gt", "lte", "lt", "min_len", "max_len", "min_items", "max_items", "max_pairs", "in", "not_in"}


def test_every_kind_of_constraint_that_our_protos_have_is_told() -> None:
    """Another one (`const`, `prefix`, an expression) would be refused without a word of what is wanted."""
    used = {
        name
        for path, module in list(sys.modules.items())
        if path.startswith("cradle.") and path.endswith("_pb2")
        for message in module.DESCRIPTOR.message_types_by_name.values()
        for name in constraints(message)
    }

    assert used >= {"pattern", "gte", "not_in"}
    assert used - TOLD - BOUNDS == set()


def constraints(message: Any) -> Iterator[str]:
    for field in message.fields:
        yield from leaves(field.GetOptions().Extensions[validate_pb2.field])
    for inside in message.nested_types:
        yield from constraints(inside)


def leaves(rules: Message) -> Iterator[str]:
    for field, value in rules.ListFields():
        if field.message_type and field.message_type.file.package == "buf.validate":
            yield from leaves(value)
        else:
            yield field.name
