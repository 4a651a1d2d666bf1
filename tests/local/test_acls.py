"""Kafka's access lists are made from deploy/topics.yaml: to each what the names of its topics say, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from deploy import acls
from deploy.acls import Acl, Operation, Pattern, Resource, made, user

DOCUMENT: dict[str, Any] = {
    "sources": ["a", "b"],
    "offices": ["tax", "care"],
    "topics": [
        {"name": "claims.intake.v1.<source>", "owner": "claims"},
        {"name": "claims.receipt.v1.<source>", "owner": "claims"},
        {"name": "claims.claim.v1", "owner": "claims", "readers": ["service/oversight"]},
        {"name": "registry.coverage-intake.v1.<office>", "owner": "registry"},
        {"name": "registry.coverage-receipt.v1.<office>", "owner": "registry"},
        {"name": "registry.paper.v1", "owner": "registry", "writers": ["office/tax"]},
    ],
}


CLAIMS_OWN = {f"claims.{way}.v1.{source}" for way in ("intake", "receipt") for source in "ab"}


def may(system: str, operation: Operation, resource: Resource = Resource.TOPIC) -> set[str]:
    return {
        one.name for one in made(DOCUMENT) if (one.system, one.operation, one.resource) == (system, operation, resource)
    }


CLAIMS_OWN = {f"claims.{way}.v1.{source}" for way in ("intake", "receipt") for source in "ab"} | {"claims.claim.v1"}


@pytest.mark.parametrize(
    ("system", "writes", "reads"),
    [
        ("source/a", {"claims.intake.v1.a"}, {"claims.receipt.v1.a"}),
        ("source/b", {"claims.intake.v1.b"}, {"claims.receipt.v1.b"}),
        ("service/claims", CLAIMS_OWN, CLAIMS_OWN),  # what is handed in over gRPC it appends for who handed it in
        ("service/oversight", set(), {"claims.claim.v1"}),
        ("office/care", {"registry.coverage-intake.v1.care"}, {"registry.coverage-receipt.v1.care"}),
        ("office/tax", {"registry.coverage-intake.v1.tax", "registry.paper.v1"}, {"registry.coverage-receipt.v1.tax"}),
        ("source/c", set(), set()),
        ("source/tax", set(), set()),
    ],
)
def test_who_writes_and_reads_what(system: str, writes: set[str], reads: set[str]) -> None:
    assert may(system, Operation.WRITE) == writes
    assert may(system, Operation.READ) == reads


def test_groups_of_one_never_begin_as_those_of_another() -> None:
    groups = [one for one in acls.declared() if one.resource is Resource.GROUP]

    for one in groups:
        taken = one.name if one.pattern is Pattern.LITERAL else f"{one.name}reader"
        others = {other.system for other in groups if covers(other, taken)}
        assert others == {one.system}


def covers(acl: Acl, group: str) -> bool:
    return group == acl.name if acl.pattern is Pattern.LITERAL else group.startswith(acl.name)


def test_a_client_is_known_by_the_subject_of_its_certificate() -> None:
    assert user("source/hospitals") == "User:CN=hospitals,OU=source"


def test_a_line_is_one_for_kafkas_own_command() -> None:
    first = made(DOCUMENT)[0]

    assert str(first).startswith("--add --allow-principal User:CN=care,OU=office --operation ")
    assert "--resource-pattern-type" in str(first)


def test_nothing_is_open_to_everybody() -> None:
    assert all("*" not in one.name and "*" not in one.system for one in acls.declared())
