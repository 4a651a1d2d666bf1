"""What is stated or verified, criterion by criterion: from a YAML or JSON file, or from the command line.

maternity_protection.father_leave_takeup: {took: 9, fathers: 10}
work_arrangement.flexible_hours: {eligible: [4, 5, 6]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cradle.certification.v1 import application_pb2 as pb

from services.cli.failures import Exit, Failure, coded
from services.cli.located import placed, read_located
from services.kit.messages import Reason, reason

_WORDS = {"true": "1", "false": "0"}


def from_file(path: Path) -> list[pb.Answer]:
    """Raises Failure with everything that is wrong with the file, by line."""
    page = read_located(path)
    if not isinstance(page.content, Mapping):
        raise Failure(Exit.USAGE, placed(page, [reason("CLI_ANSWERS_NOT_MAPPING")]))
    found, wrong = [], []
    for criterion, quantities in page.content.items():
        if not isinstance(quantities, Mapping):
            wrong.append(reason("CLI_ANSWERS_NOT_MAPPING", str(criterion)))
            continue
        wrong += list(_problems(str(criterion), quantities))
        found.append(_answer(str(criterion), {str(name): _list(given) for name, given in quantities.items()}))
    if wrong:
        raise Failure(Exit.USAGE, placed(page, wrong))
    return found


def from_words(words: Sequence[str]) -> list[pb.Answer]:
    """Each `criterion:quantity=figure[,figure...]`; a criterion alone takes its answer away. Raises Failure."""
    found: dict[str, dict[str, list[str]]] = {}
    for word in words:
        criterion, _, rest = word.partition(":")
        quantity, equals, figures = rest.partition("=")
        quantities = found.setdefault(criterion, {})
        if rest and not (quantity and equals and figures):
            raise Failure(Exit.USAGE, [coded("CLI_ANSWER_MALFORMED", word)])
        if rest:
            quantities[quantity] = figures.split(",")
    return [_answer(criterion, quantities) for criterion, quantities in found.items()]


def _problems(criterion: str, quantities: Mapping[Any, Any]) -> Iterator[Reason]:
    for name, given in quantities.items():
        if any(isinstance(one, (dict, list)) or one is None for one in (given if isinstance(given, list) else [given])):
            yield reason("CLI_ANSWER_NOT_FIGURE", f"{criterion}.{name}")


def _list(given: Any) -> list[str]:
    return [_figure(one) for one in (given if isinstance(given, list) else [given])]


def _figure(given: Any) -> str:
    """Yes is 1 and no is 0, as everywhere."""
    return _WORDS.get(str(given).lower(), str(given))


def _answer(criterion: str, quantities: Mapping[str, Sequence[str]]) -> pb.Answer:
    return pb.Answer(
        criterion=criterion,
        quantities=[pb.Quantity(name=name, figures=figures) for name, figures in quantities.items()],
    )
