"""OpenFisca reads the parameters as they are, and reads in them what we do."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from openfisca_core.parameters import Parameter, ParameterNode

from services.claims import rules
from services.kit.law import Value

FOLDER: Final = Path(rules.__file__).parents[1] / "parameters"
TREE: Final = ParameterNode("", directory_path=str(FOLDER))
THEIRS: Final[dict[str, Any]] = {one.name: one for one in TREE.get_descendants() if isinstance(one, Parameter)}


def as_theirs(value: Value) -> Any:
    """Our value as OpenFisca's loader has it: dates stay text, codes are texts and lists of texts."""
    match value:
        case date():
            return value.isoformat()
        case tuple():
            return list(value)
        case _:
            return value


def same(ours: Value, theirs: Any) -> bool:
    if isinstance(ours, Decimal):
        return not isinstance(theirs, bool) and Decimal(str(theirs)) == ours
    return type(theirs) is type(as_theirs(ours)) and bool(theirs == as_theirs(ours))


def test_openfisca_finds_every_parameter() -> None:
    assert set(THEIRS) == set(rules.LAW.parameters)
    assert len(THEIRS) > 100


@pytest.mark.parametrize("name", rules.LAW.parameters)
def test_openfisca_reads_the_same_values(name: str) -> None:
    ours, theirs = rules.LAW[name], THEIRS[name]

    by_date = {one.instant_str: one.value for one in theirs.values_list}
    assert list(by_date) == [day.isoformat() for day in reversed(ours.dates)]
    for dated in ours.values:
        assert same(dated.value, by_date[dated.since.isoformat()])
        for day in (dated.since, dated.since + timedelta(days=1)):
            assert same(ours.at(day).value, theirs(day.isoformat()))
    assert theirs((ours.dates[0] - timedelta(days=1)).isoformat()) is None


@pytest.mark.parametrize("name", rules.LAW.parameters)
def test_openfisca_reads_what_the_parameter_is(name: str) -> None:
    ours, theirs = rules.LAW[name], THEIRS[name]

    assert theirs.description == ours.description
    assert theirs.metadata["unit"] == ours.unit
    assert set(theirs.metadata["reference"]) == {day.isoformat() for day in ours.dates}
