"""Every code that the source can say has a sentence, and every sentence can be said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from cradle.certification.v1 import application_pb2, certificates_pb2

from services.certification import model as certified
from services.certification.issued import Outcome
from services.claims import model
from services.claims.model import Paid
from services.claims.rules import LAW
from services.claims.wire.notice import words
from services.claims.wire.platform import FindingKind
from services.kit.messages import CATALOGUE, Language

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "services").rglob("*.py"))
RULES = ROOT / "services" / "claims" / "rules"
CAPITALS = re.compile(r"[A-Z][A-Z0-9_]+[A-Z0-9]")
NOTED = {"by": "by", "cite": "cite", "by_parameter": "by", "by_article": "cite"}  # today's rules, and 2026.1's

Use = tuple[str, str]  # the code, and where


def calls(path: Path, names: Iterable[str]) -> list[tuple[ast.Call, str]]:
    tree = ast.parse(path.read_text("utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(node, f"{path.relative_to(ROOT)}:{node.lineno}") for node in found if called(node) in names]


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def literals(node: ast.expr) -> list[str]:
    """The texts an argument may be: itself, or either side of a condition."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=orelse):
            return literals(body) + literals(orelse)
        case _:
            return []


def uses(names: set[str], position: int, prefix: str = "", within: Path = ROOT / "services") -> list[Use]:
    return [
        (prefix + text, place)
        for path in SOURCES
        if within in path.parents
        for node, place in calls(path, names)
        if len(node.args) > position
        for text in literals(node.args[position])
    ]


def missing(found: list[Use]) -> list[Use]:
    assert found, "the search found nothing, so it would find nothing wrong"
    return [(code, place) for code, place in found if code not in CATALOGUE]


def test_every_reason_has_its_sentence() -> None:
    assert missing(uses({"reason", "Reason"}, 0)) == []


def test_every_reason_is_given_the_values_that_its_sentence_names() -> None:
    found = [
        (code, place, {keyword.arg for keyword in node.keywords if keyword.arg})
        for path in SOURCES
        for node, place in calls(path, {"reason", "coded", "Unfit", "unmapped", "doubt", "contradiction"})
        if node.args and all(keyword.arg for keyword in node.keywords)
        for code in literals(node.args[0])
        if code in CATALOGUE
    ]

    assert len(found) > 300
    assert [(code, place) for code, place, given in found if named_by(code) - given] == []


def named_by(code: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(CATALOGUE[code][Language.ZH]) if name}


def test_every_reason_of_a_determination_has_its_sentence() -> None:
    refused = [
        (text, place)
        for path in RULES.rglob("*.py")
        for node, place in calls(path, {"refused"})
        for argument in node.args[2:]
        for text in literals(argument)
    ]
    refused += [
        (text, place)
        for path in RULES.rglob("*.py")
        for node, place in calls(path, {"_without_lines"})
        for text in literals(node.args[1])
    ]
    told = re.compile(r'[\(\[]"([A-Z][A-Z_]+)"(?:,\)|, \*|,? ?\*?\w*\])')
    found = [(code, path.name) for path in RULES.rglob("*.py") for code in told.findall(path.read_text("utf-8"))]

    assert {code for code, _ in refused} >= {"CONTRIB_SHORT", "WAGE_REQUIRED", "NOT_ENTITLED"}
    assert {code for code, _ in found} >= {"THIRD_CHILD_REVIEW", "CATEGORY_REVIEW"}
    assert missing(refused + found) == []


# --- steps -----------------------------------------------------------------------------------------------------------


def noted() -> Iterator[tuple[str, set[str], str]]:
    """Every rule that a step may bear, with the values noted beside it, and where."""
    for path in RULES.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
            for node in [node for node in ast.walk(function) if isinstance(node, ast.Call)]:
                if called(node) in NOTED and node.args:
                    values = {keyword.arg for keyword in node.keywords if keyword.arg}
                    for rule in rules_of(node.args[0], function, tree):
                        yield rule, values, f"{path.name}:{node.lineno}"


def rules_of(argument: ast.expr, function: ast.FunctionDef, tree: ast.Module) -> list[str]:
    """The rules an argument may name: said there, put together, or held in a variable of the function or a table."""
    match argument:
        case ast.JoinedStr(values=[ast.Constant(value=str(prefix)), *_]):
            return [code.removeprefix("STEP_") for code in CATALOGUE if code.startswith(f"STEP_{prefix}")]
        case ast.Attribute(attr="rule"):  # of a table of parts
            parts = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and called(node) == "Part"]
            return [
                text for part in parts for one in part.args[:2] for text in literals(one) if CAPITALS.fullmatch(text)
            ]
        case ast.Name():
            said = {node.value for node in ast.walk(function) if isinstance(node, ast.Constant)}
            found = [text for text in said if isinstance(text, str) and f"STEP_{text}" in CATALOGUE]
            taken = {text for call in ast.walk(function) if isinstance(call, ast.Call) for text in first_of(call)}
            return [text for text in found if text not in taken]
        case _:
            return literals(argument)


def first_of(call: ast.Call) -> list[str]:
    return literals(call.args[0]) if called(call) in NOTED and call.args else []


def test_every_step_has_its_sentence() -> None:
    found = [(f"STEP_{rule}", place) for rule, _, place in noted()]

    assert missing(found) == []
    assert {code for code, _ in found} >= {"STEP_LEAVE_BASE", "STEP_FATHER_APART", "STEP_GESTATION_LATE"}


def test_a_sentence_names_only_values_that_its_step_notes() -> None:
    wrong = [
        (rule, place, names - values) for rule, values, place in noted() if (names := named_by(f"STEP_{rule}")) - values
    ]

    assert wrong == []


def test_rules_put_together_are_those_of_their_values() -> None:
    """A step named by a payee or a mode has a sentence for each of them."""
    put_together = {
        argument.values[0].value
        for path in RULES.glob("*.py")
        for node, _ in calls(path, NOTED)
        if node.args and isinstance(argument := node.args[0], ast.JoinedStr)
        if isinstance(argument.values[0], ast.Constant)
    }

    assert put_together == {"PAYEE_", "MODE_", "DENIED_"}
    denied = {code.removeprefix("STEP_DENIED_") for code in CATALOGUE if code.startswith("STEP_DENIED_")}
    assert denied == set(model.DenyReason)
    modes = {*(LAW["medical.delivery.mode"].codes or ()), *(LAW["medical.resident.delivery.mode"].codes or ())}
    assert {code.removeprefix("STEP_MODE_") for code in CATALOGUE if code.startswith("STEP_MODE_")} == modes
    assert {"STEP_PAYEE_PERSON", "STEP_PAYEE_EMPLOYER"} <= set(CATALOGUE)


def test_whatever_the_rules_say_in_capitals_is_a_code_with_words_or_a_code_of_the_model() -> None:
    """So a rule, an article or a reason held in a variable is not overlooked."""
    ours = {str(one) for kind in vars(model).values() if isinstance(kind, type) for one in members(kind)}
    by_parameter = {code for one in LAW.parameters.values() for code in one.codes or ()}
    others = {"ACCEPTED", "AWAITING", "BETTER", "REPEATED", "LAW", "REVISION", "SAME", "WORSE"} | {
        name.rpartition(".")[2] for name in LAW.parameters
    }
    capitals = {
        (node.value, path.name)
        for path in RULES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CAPITALS.fullmatch(node.value)
    }

    assert len(capitals) > 100
    unknown = {
        (text, place)
        for text, place in capitals
        if text not in ours | by_parameter | others and not {text, f"STEP_{text}", f"ARTICLE_{text}"} & set(CATALOGUE)
    }
    assert unknown == set()


def members(kind: type) -> list[StrEnum]:
    return list(kind) if issubclass(kind, StrEnum) else []


def test_every_article_has_its_name() -> None:
    found = [
        (f"ARTICLE_{text}", place)
        for path in RULES.rglob("*.py")
        for node, place in calls(path, [name for name, kind in NOTED.items() if kind == "cite"])
        for text in literals(node.args[1])
    ]

    assert missing(found) == []


def test_every_parameter_that_a_rule_reads_has_words() -> None:
    """It may have to be named to the person who waits for it."""
    read = re.compile(r'f?"((?:allowance|art|duplicate|labour_analgesia|leave|medical|payee|policy)\.[\w.{}]+)"')
    names = {name for path in RULES.glob("*.py") for name in read.findall(path.read_text("utf-8"))}

    assert len(names) > 30
    assert {name for name in names if words.parameter(name.partition("{")[0].rstrip("."), Language.ZH) in name} == set()


# --- the rest ----------------------------------------------------------------------------------------------------


def test_every_text_asked_for_by_name_is_there() -> None:
    assert missing(uses({"text"}, 0)) == []


@pytest.mark.parametrize("prefix", ["ARTICLE_", "STEP_"])
def test_no_sentence_of_the_rules_is_left_over(prefix: str) -> None:
    source = "\n".join(path.read_text("utf-8") for path in SOURCES)
    computed = {f"STEP_{rule}" for rule, _, _ in noted()}

    spoken = {code for code in CATALOGUE if f'"{code.removeprefix(prefix)}"' in source or f'"{code}"' in source}
    assert {code for code in CATALOGUE if code.startswith(prefix)} - spoken - computed == set()


OUTCOMES = [one for one in model.State if one not in {model.State.RETURNED, model.State.WITHDRAWN, *model.FINAL}]


def _known(enum: Any) -> list[str]:
    """Every value of an enumeration, without its prefix and without the one that says nothing."""
    nothing, *names = enum.keys()
    return [name.removeprefix(nothing.removesuffix("UNSPECIFIED")) for name in names]


FAMILIES: dict[str, Iterable[str]] = {
    "AWAY_": model.OutOfCity,
    "APPLICATION_STATE_": certified.State,
    "BENEFIT_": model.Benefit,
    "CATEGORY_": [*model.Category, "REVIEW"],  # the second is a reason of revision 2026.1
    "EVENT_": model.EventType,
    "CERTIFICATE_STATE_": certified.CertificateState,
    "CRITERION_STANDING_": _known(application_pb2.CriterionStanding),
    "DECISION_OUTCOME_": certified.Outcome,
    "DIMENSION_": [*(one.name for one in certified.Dimension), "MOSTLY_NOT_APPLICABLE"],  # the second is a reason
    "FOUND_PAID_": [name.upper() for name in Paid._fields],
    "KIND_": model.ClaimKind,
    "LEVEL_": model.Level,
    "LINE_KIND_": model.LineKind,
    "MODE_": model.DeliveryMode,
    "NOTICE_PAYEE_": model.Payee,
    "NOTICE_RESULT_": OUTCOMES,
    "NOTICE_WOULD_": OUTCOMES,
    "OUTCOME_": model.State,
    "PAYEE_": [*model.Payee, "CHANGED"],  # the second is why the treasury holds an order
    "PAYMENT_STATE_": model.Payment,
    "PLATFORM_KIND_": FindingKind,
    "PRIOR_": model.PriorKind,
    "PROGRAMME_": model.Programme,
    "REPORT_STATE_": _known(certificates_pb2.ReportState),
    "SURGERY_": model.Surgery,
    "VERIFIED_": Outcome,
    "WAITING_FOR_": _known(application_pb2.WaitingFor),
}


@pytest.mark.parametrize("prefix", FAMILIES)
def test_every_code_of_the_model_has_words_and_no_other(prefix: str) -> None:
    codes = {f"{prefix}{one}" for one in FAMILIES[prefix]}

    assert {code for code in CATALOGUE if code.startswith(prefix)} == codes


def test_every_fact_that_may_be_impossible_has_words() -> None:
    source = (RULES / "possible.py").read_text("utf-8")
    said = re.findall(r'(?:yield f?|append\()"([a-z_.\[\]{}]+)"', source)
    paths = {re.sub(r"\{number\}", "0", path) for path in said}

    assert len(paths) > 10
    assert [path for path in paths if not words.field(path, Language.EN)] == []
    codes = {"PATH_" + path.replace("[0]", "").replace(".", "_").upper() for path in paths}
    assert {code for code in CATALOGUE if code.startswith("PATH_")} == codes


def test_no_reason_is_left_over() -> None:
    """A sentence that nothing says is either dead or, worse, a refusal that was forgotten."""
    source = "\n".join(path.read_text("utf-8") for path in [*SOURCES, *(ROOT / "tools").rglob("*.py")])
    put_together = ("ARTICLE_", "STEP_", "CLI_", "PARAMETER_", "PATH_", *FAMILIES)  # by what they begin with
    put_together += ("NOTICE_OUTCOME_", "NOTICE_COLUMN_", "UNIT_")
    put_together += ("^",)  # the forms, which the protos say

    codes = [code for code in CATALOGUE if not code.startswith(put_together)]
    assert [code for code in codes if f'"{code}"' not in source] == []
