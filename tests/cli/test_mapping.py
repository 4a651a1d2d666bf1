from __future__ import annotations

from typing import Any

import pytest
from cradle.claims.v1 import claim_pb2
from cradle.registry.v1 import service_pb2

from services.cli.intake import keys_of
from services.cli.mapping import fill, to_intake
from services.kit.member_key import member_key
from tests.cli import builders


def told(content: object) -> list[tuple[str, str]]:
    return [(problem.code, problem.field) for problem in to_intake(content)[1]]


def test_a_bare_claim_is_submitted() -> None:
    intake, problems = to_intake(builders.claim("A-1", 1))

    assert problems == []
    assert intake.WhichOneof("event") == "submit"
    assert intake.submit.claim.claim_number == "A-1"
    assert intake.submit.claim.kind == claim_pb2.CLAIM_KIND_ALLOWANCE


def test_a_replacement_keeps_its_revision() -> None:
    intake, problems = to_intake({"replace": {"claim": builders.claim("A-1", 1), "revision": "2"}})

    assert problems == []
    assert (intake.WhichOneof("event"), intake.replace.revision) == ("replace", 2)


@pytest.mark.parametrize("name", ["submit", "replace", "void", "control_totals"])
def test_each_of_the_four_messages_is_taken_by_its_name(name: str) -> None:
    intake, problems = to_intake({name: {}})

    assert (intake.WhichOneof("event"), problems) == (name, [])
    assert to_intake({name: {"none": 1}})[1][0].field == f"{name}.none"


def test_a_void_has_the_key_of_its_claim_if_that_is_sent_too() -> None:
    rows = [builders.claim("A", 1), {"void": {"claim_number": "A"}}, {"void": {"claim_number": "B"}},
            {"control_totals": {}}]  # fmt: skip

    hers, voided, alone, totals = keys_of([to_intake(row)[0] for row in rows])

    assert hers == voided == member_key(builders.id_number(1))
    assert (alone, totals) == (member_key("B"), member_key("control_totals"))


def test_what_only_the_service_can_judge_is_left_to_it() -> None:
    assert told({}) == []
    assert told(builders.claim("", 1, county="x", submit_time=None)) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"person_id_number": 610331}, ("CLI_WANTED_TEXT", "person_id_number")),
        ({"kind": "ALLOWANCE"}, ("CLI_WANTED_CODE", "kind")),
        ({"claimed_fen": 1.5}, ("CLI_WANTED_NUMBER", "claimed_fen")),
        ({"claimed_fen": "many"}, ("CLI_WANTED_NUMBER", "claimed_fen")),
        ({"submit_time": "2026-11-20"}, ("CLI_WANTED_TIME", "submit_time")),
        ({"event": {"dystocia": "true"}}, ("CLI_WANTED_BOOLEAN", "event.dystocia")),
        ({"event": {"infants": -1}}, ("CLI_WANTED_NUMBER", "event.infants")),
        ({"event": {"date": "2026-09-10"}}, ("CLI_WANTED_DATE", "event.date")),
        ({"event": "2026-09-10"}, ("CLI_WANTED_OBJECT", "event")),
        ({"evnt": {}}, ("CLI_FIELD_UNKNOWN", "evnt")),
    ],
)
def test_what_does_not_fit_is_told_by_its_path(changed: dict[str, Any], expected: tuple[str, str]) -> None:
    assert told(builders.claim("A-1", 1, **changed)) == [expected]


def test_all_of_it_is_told_at_once_and_no_value_is_repeated() -> None:
    content = {"submit": {"claim": builders.claim("A-1", 1, remark=4711, kind="K4712", submit_time="4713")}}

    problems = to_intake(content)[1]

    assert sorted(problem.field for problem in problems) == [
        "submit.claim.kind",
        "submit.claim.remark",
        "submit.claim.submit_time",
    ]
    words = " ".join(problem.text_zh + problem.text_en for problem in problems)
    assert not any(value in words for value in ("4711", "K4712", "4713"))


@pytest.mark.parametrize("content", [5, "claim", ["claim"], {"submit": 5}, {"submit": {}, "replace": {}}])
def test_what_is_no_claim_at_all_is_told(content: object) -> None:
    assert len(told(content)) == 1


def test_lists_and_maps_are_told_by_place() -> None:
    months = [{"first_month": 1, "last_month": 2}, {"first_month": "z"}, 7]

    wages = fill(service_pb2.EmployerRecord(), builders.employer(average_monthly_wage_fen={"2024": 1, "2025": "x"}))
    spans = fill(service_pb2.PersonRecord(), builders.person(1, paid_months=months))

    assert [problem.field for problem in wages] == ["average_monthly_wage_fen[2025]"]
    assert [problem.field for problem in spans] == ["paid_months[1].first_month", "paid_months[2]"]
