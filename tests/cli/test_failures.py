from __future__ import annotations

import json

import pytest

from services.cli.failures import Exit, Failure, coded, reasons_of, said
from services.cli.session import Session, tell_failure
from services.kit.errors import Invalid, NotFound
from services.kit.messages import Language, reason
from services.kit.rpc import to_status


def test_an_answer_is_told_by_its_reason_in_both_languages() -> None:
    status = to_status(NotFound(reason("NOT_FOUND", "name", name="claims/1")))

    [told] = reasons_of(status.details)

    assert (told.code, told.field) == ("NOT_FOUND", "name")
    assert said(told, Language.ZH) == "没有找到：claims/1"
    assert said(told, Language.EN) == "Not found: claims/1"


def test_every_field_at_fault_is_told() -> None:
    status = to_status(Invalid(reason("FIELD_REQUIRED", "name"), reason("FIELD_TOO_LONG", "county", limit=6)))

    told = reasons_of(status.details)

    assert [(one.code, one.field) for one in told] == [("FIELD_REQUIRED", "name"), ("FIELD_TOO_LONG", "county")]
    assert [said(one, Language.ZH) for one in told] == ["此项必填。", "此项过长，最多 6 个字符。"]


def test_an_answer_without_a_field_is_told_once() -> None:
    assert [one.code for one in reasons_of(to_status(ZeroDivisionError()).details)] == ["INTERNAL_ERROR"]


@pytest.mark.parametrize(
    ("exit_code", "told"), [(Exit.UNAVAILABLE, True), (Exit.USAGE, False), (Exit.NOT_FOUND, False)]
)
def test_of_what_is_away_it_is_told_what_to_do(exit_code: Exit, told: bool, capsys: pytest.CaptureFixture[str]) -> None:
    failure = Failure(exit_code, [coded("CLI_NO_ANSWER", target="here", status="UNAVAILABLE")])

    tell_failure(failure, Session(Language.EN, "table"))
    assert ("cradle doctor" in capsys.readouterr().err) is told
    tell_failure(failure, Session(Language.EN, "json"))
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == exit_code
