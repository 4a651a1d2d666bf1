"""Every code that the source can say has a sentence, and every sentence can be said."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from services.claims.rules.allowance import LEAVE
from services.kit.messages import CATALOGUE

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "services").rglob("*.py"))
RULES = ROOT / "services" / "claims" / "rules"

Use = tuple[str, str]  # the code, and where


def calls(path: Path, names: set[str]) -> list[tuple[ast.Call, str]]:
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
    assert missing(uses({"_without_figures"}, 1, within=RULES)) == []


def test_every_reason_of_a_determination_has_its_sentence() -> None:
    capitals = re.compile(r'\("([A-Z][A-Z_]+)"(?:,\)|, \*)')
    found = [(code, path.name) for path in RULES.glob("*.py") for code in capitals.findall(path.read_text("utf-8"))]

    assert {code for code, _ in found} >= {"CONTRIB_SHORT", "WAGE_REQUIRED", "THIRD_CHILD_REVIEW"}
    assert missing(found) == []


def test_every_step_has_its_sentence() -> None:
    found = uses({"by_parameter", "by_article"}, 0, "STEP_", RULES)

    assert missing(found) == []
    assert missing([(f"STEP_{part.rule}", part.parameter) for part in LEAVE]) == []


def test_every_article_has_its_name() -> None:
    assert missing(uses({"by_article"}, 1, "ARTICLE_", RULES)) == []


def test_every_text_asked_for_by_name_is_there() -> None:
    assert missing(uses({"text"}, 0)) == []


@pytest.mark.parametrize("prefix", ["ARTICLE_", "STEP_"])
def test_no_sentence_of_the_rules_is_left_over(prefix: str) -> None:
    source = "\n".join(path.read_text("utf-8") for path in SOURCES)
    computed = {"STEP_PAYEE_PERSON", "STEP_PAYEE_EMPLOYER"}

    spoken = {code for code in CATALOGUE if f'"{code.removeprefix(prefix)}"' in source or f'"{code}"' in source}
    assert {code for code in CATALOGUE if code.startswith(prefix)} - spoken - computed == set()


def test_no_reason_is_left_over() -> None:
    """A sentence that nothing says is either dead or, worse, a refusal that was forgotten."""
    source = "\n".join(path.read_text("utf-8") for path in [*SOURCES, *(ROOT / "tools").rglob("*.py")])
    put_together = ("ARTICLE_", "STEP_", "OUTCOME_", "PAYEE_", "CATEGORY_", "CLI_")  # by what they begin with

    codes = [code for code in CATALOGUE if not code.startswith(put_together)]
    assert [code for code in codes if f'"{code}"' not in source] == []
