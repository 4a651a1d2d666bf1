"""A method without a permission does not start; errors become a status with its reason in both languages."""

from __future__ import annotations

import base64

import asyncpg
import pytest
from cradle.claims.v1 import intake_pb2, service_pb2
from cradle.ops.v1 import parked_pb2
from cradle.registry.v1 import service_pb2 as registry_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from google.rpc import code_pb2, error_details_pb2
from protovalidate import Validator

from services.kit.errors import Conflict, Invalid, NotFound, Unavailable
from services.kit.messages import reason
from services.kit.rpc import Unguarded, permissions, to_status
from services.kit.shape import shape_problems
from tests.builders import person_record

OURS = [
    service_pb2.DESCRIPTOR.services_by_name["ClaimsService"],
    parked_pb2.DESCRIPTOR.services_by_name["ParkedService"],
    registry_pb2.DESCRIPTOR.services_by_name["RegistryService"],
]


def unguarded_service() -> ServiceDescriptor:
    file = descriptor_pb2.FileDescriptorProto(name="toy.proto", package="toy.v1", syntax="proto3")
    file.message_type.add(name="Empty")
    service = file.service.add(name="ToyService")
    service.method.add(name="Poke", input_type=".toy.v1.Empty", output_type=".toy.v1.Empty")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found: ServiceDescriptor = pool.FindServiceByName("toy.v1.ToyService")
    return found


def test_a_method_that_names_no_permission_does_not_start() -> None:
    with pytest.raises(Unguarded, match=r"toy\.v1\.ToyService/Poke"):
        permissions([OURS[0], unguarded_service()])


def test_every_method_of_ours_names_its_permission() -> None:
    found = permissions(OURS)

    assert found["/cradle.claims.v1.ClaimsService/GetClaim"] == "claims.read"
    assert set(found) == {f"/{service.full_name}/{method.name}" for service in OURS for method in service.methods}


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (Invalid(reason("FIELD_REQUIRED", "name")), code_pb2.INVALID_ARGUMENT, "FIELD_REQUIRED"),
        (NotFound(reason("NOT_FOUND", "name", name="claims/1")), code_pb2.NOT_FOUND, "NOT_FOUND"),
        (Unavailable(), code_pb2.UNAVAILABLE, "SERVICE_UNAVAILABLE"),
        (asyncpg.CannotConnectNowError(), code_pb2.UNAVAILABLE, "SERVICE_UNAVAILABLE"),
        (Conflict(), code_pb2.ABORTED, "CONFLICT_RETRY"),
        (asyncpg.UniqueViolationError(), code_pb2.ABORTED, "CONFLICT_RETRY"),
        (ZeroDivisionError("610302199403124029"), code_pb2.INTERNAL, "INTERNAL_ERROR"),
    ],
    ids=repr,
)
def test_a_failure_becomes_a_status_with_its_reason(error: Exception, code: int, told: str) -> None:
    status = to_status(error)

    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (status.code, info.reason, info.domain) == (code, told, "cradle")
    assert "610302199403124029" not in str(status)


def test_a_status_has_both_languages_and_the_place_of_every_field() -> None:
    status = to_status(Invalid(reason("FIELD_REQUIRED", "name"), reason("CODE_UNKNOWN", "state")))

    violations, texts = error_details_pb2.BadRequest(), []
    for detail in status.details:
        localized = error_details_pb2.LocalizedMessage()
        detail.Unpack(violations)
        if detail.Unpack(localized):
            texts.append((localized.locale, localized.message))
    assert [(v.field, v.reason) for v in violations.field_violations] == [
        ("name", "FIELD_REQUIRED"),
        ("state", "CODE_UNKNOWN"),
    ]
    assert texts == [("zh-CN", "此项必填。"), ("en", "This field is required.")]


def test_a_problem_inside_a_list_tells_which_entry() -> None:
    good = person_record("610302199403124029", "91610302MA6XA1B21P")
    bad = person_record("610302199403124029", "91610302MA6XA1B21P", name="")

    found = shape_problems(Validator(), registry_pb2.BatchRecordCoverageRequest(persons=[good, bad]))

    assert [(given.code, given.field) for given in found] == [("FIELD_REQUIRED", "persons[1].name")]


def test_a_problem_deep_inside_tells_the_whole_path() -> None:
    found = shape_problems(Validator(), intake_pb2.ClaimIntake(submit=intake_pb2.SubmitClaim()))

    assert [(given.code, given.field) for given in found] == [("FIELD_REQUIRED", "submit.claim")]


@pytest.mark.parametrize("count", [1, 20, 2_000])
def test_a_failure_with_many_reasons_fits_into_what_a_client_takes(count: int) -> None:
    """8 KB of trailers, in base64; what is left out is counted."""
    status = to_status(Invalid(*[reason("ID_NUMBER_CHECK_DIGIT", f"payees[{n}].id_number") for n in range(count)]))

    violations = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(violations)
    told = [one.reason for one in violations.field_violations]
    more = told[-1] == "MORE_REASONS"
    assert len(base64.b64encode(status.SerializeToString())) < 8_192
    assert told[: len(told) - more] == ["ID_NUMBER_CHECK_DIGIT"] * (len(told) - more)
    if more:
        assert str(count - len(told) + 1) in violations.field_violations[-1].description
    else:
        assert len(told) == count
