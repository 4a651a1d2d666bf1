"""What is wrong with a file of the law: which file, which line, which path, and a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from services.kit.messages import Language, Reason, reason


@dataclass(frozen=True, slots=True)
class Problem(Reason):
    """A reason at a line of a file; its field is the path inside. A directory has no line, a given value no file."""

    file: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """`file:line path`."""
        return " ".join(filter(None, (f"{self.file}:{self.line}" if self.line else self.file, self.field)))

    def told(self, language: Language) -> str:
        return f"{self.place}: {self.text(language)}"


class ParameterError(ValueError):
    """Files or values are no law; `problems` are all there are, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(problem.told(Language.EN) for problem in problems))
        self.problems = tuple(problems)


def at(file: str, line: int, path: str, given: Reason) -> Problem:
    """The reason, where it belongs."""
    return Problem(given.code, path, given.values, file, line)


def unknown_parameter(name: str, known: Iterable[str]) -> Reason:
    """That there is no such parameter, with those that may be meant."""
    near = get_close_matches(name, list(known), n=3)
    if near:
        return reason("LAW_PARAMETER_UNKNOWN_NEAR", name=name, near=", ".join(near))
    return reason("LAW_PARAMETER_UNKNOWN", name=name)
