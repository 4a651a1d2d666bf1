"""A small law of files, for the tests of the law."""

from __future__ import annotations

from pathlib import Path

from services.kit.law import Law, ParameterError, load

GOOD = """description: Days of leave
metadata:
  unit: day
  key_date: event
  status: confirmed
  reference:
    2020-01-01: [{title: 条例, title_en: Regulations}]
    2022-05-25: [{title: 新条例, title_en: Revised, href: "https://example.org"}]
values:
  2020-01-01: {value: 98}
  2022-05-25: {value: 158}
"""
NAME = "leave/base_days.yaml"

Found = tuple[str, int, str, str]  # file, line, path, code


def write(folder: Path, text: str = GOOD, name: str = NAME) -> Path:
    """The folder, with one more file in it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return folder


def loaded(folder: Path, text: str = GOOD, name: str = NAME) -> Law:
    return load(write(folder, text, name))


def of_unit(unit: str, value: str, codes: str = "") -> str:
    """The file of a parameter that always had one value."""
    reference = "reference: {2020-01-01: [{title: t, title_en: e}]}"
    return f"""description: d
metadata: {{unit: {unit}, key_date: event, status: confirmed, {codes}{reference}}}
values: {{2020-01-01: {{value: {value}}}}}
"""


def found(error: ParameterError, folder: Path) -> list[Found]:
    return [
        (problem.file.removeprefix(f"{folder}").lstrip("/"), problem.line, problem.field, problem.code)
        for problem in error.problems
    ]
