"""A city's own values over the law as shipped, or a whole law in its place."""

from __future__ import annotations

from pathlib import Path

from services.kit.law.compiled import Law
from services.kit.law.model import Parameter
from services.kit.law.page import Page
from services.kit.law.problems import Problem, at, unknown_parameter
from services.kit.law.reading import ROOT, law_of, override, pages, parameter
from services.kit.messages import reason


def effective(shipped: Law, overrides: Path | None) -> Law:
    """The law a service decides by. Raises ParameterError."""
    return shipped if overrides is None else read_law(overrides, shipped)


def read_law(folder: Path, base: Law) -> Law:
    """The law of a directory: a whole one where there is a file `index.yaml` at its root, else laid over `base`.

    Raises ParameterError.
    """
    return _whole(folder, base) if (folder / ROOT).is_file() else lay_over(base, folder)


def lay_over(base: Law, folder: Path) -> Law:
    """`base` with the values of the directory, which replace its own by date or are added. Raises ParameterError."""
    problems: list[Problem] = []
    laid = {name: _laid(page, name, base, problems) for name, page in pages(folder, problems)}
    return law_of({**base.parameters, **laid}, problems)


def _laid(page: Page, name: str, base: Law, problems: list[Problem]) -> Parameter | None:
    if name in base.parameters:
        return override(page, base[name], problems)
    page.wrong("", unknown_parameter(name, base.parameters))
    problems += page.problems
    return None


def _whole(folder: Path, base: Law) -> Law:
    """A law of its own. It may say more than `base`, and must have everything the rules ask for."""
    problems: list[Problem] = []
    found = {name: parameter(page, name, problems, base.parameters.get(name)) for name, page in pages(folder, problems)}
    for name in sorted(base.parameters.keys() - found.keys()):
        file = folder.joinpath(*name.split(".")).with_suffix(".yaml")
        problems.append(at(str(file), 0, "", reason("LAW_PARAMETER_MISSING", name=name)))
    return law_of(found, problems)
