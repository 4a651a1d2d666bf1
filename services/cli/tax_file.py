"""The tax office's monthly file of contributions: `H|`, `D|` and `T|` lines, into statements about one month each.

What is usually wrong with it is told by row and delays no other row: GBK under a UTF-8 label, a last line cut off,
totals over another set of rows, corrections without what they correct. A negative row (kind 90) takes a month back,
unless the file also holds another amount for the same person and month: then it corrects an amount, and amounts are
not kept here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from cradle.common.v1 import reason_pb2
from cradle.registry.v1 import intake_pb2

from services.cli.failures import coded
from services.cli.offices import Numbered
from services.kit.dates import to_proto

_FIELDS: Final = 18
_TRAILER: Final = 5
_HEADER: Final = 8
_NORMAL, _BACK, _FLEXIBLE, _CORRECTION = "10", "20", "30", "90"
_SCHEMES: Final = {"310", "510"}  # 510: maternity insurance by itself, before the two were merged
_OFF_MAX: Final = Decimal("0.05")  # rounded per person, or per employer and spread
_SERIAL: Final = re.compile(r"[^0-9A-Za-z._-]")
_AMOUNT: Final = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})")  # Decimal takes far more
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_AMOUNTS: Final = ("base", "employer_rate", "employer_amount", "personal_rate", "personal_amount")

Problem = tuple[int, reason_pb2.Reason]
Month = tuple[str, int]  # of a person


class Unfit(Exception):
    """A row cannot be read; why, and where in it."""

    def __init__(self, code: str, place: str = "", **values: object) -> None:
        super().__init__(code)
        self.reason = coded(code, place, **values)


@dataclass(frozen=True, slots=True)
class Line:
    """One contribution as the file has it."""

    row: int
    id_number: str
    name: str
    employer_uscc: str
    month: int
    base: Decimal
    received_on: date
    kind: str


@dataclass(slots=True)
class TaxFile:
    """The file, read line by line as often as it is needed; `problems` are complete once it was read."""

    path: Path
    rows: int = 0
    problems: list[Problem] = field(default_factory=list)
    corrected: dict[Month, list[Decimal]] = field(default_factory=dict)
    serial: str = "file"
    reported_to_month: int = 0

    def look(self) -> None:
        """Read it once: its header, its totals, and which months it corrects."""
        lines = list[Line]()
        seen, totals, trailer = 0, [Decimal(0)] * 3, False
        for row, parts in self._parts():
            self.rows = row
            match parts[0]:
                case "H" if row == 1:
                    self._header(parts)
                case "D":
                    seen += 1
                    totals = [a + b for a, b in zip(totals, _figures(parts), strict=True)]
                    if len(parts) == _FIELDS and parts[16] == _CORRECTION:
                        lines += self._line(row, parts)
                case "T":
                    trailer = True
                    self._check(row, parts, seen, totals)
                case _:
                    self.problems.append((row, coded("CLI_TAX_LINE_UNKNOWN")))
        if not trailer:
            self.problems.append((self.rows, coded("CLI_TAX_TRAILER_MISSING")))
        self.corrected = {(line.id_number, line.month): [] for line in lines}
        self._sum_corrected()

    def statements(self) -> Iterator[Numbered]:
        """What the file states, a row each; what takes back comes after what pays."""
        back: list[Line] = []
        for row, parts in self._parts():
            for line in self._line(row, parts, tell=True) if parts[0] == "D" else ():
                if line.base >= 0:
                    yield row, self._paid(line)
                elif not self._corrects_an_amount(line):
                    back.append(line)
        for line in back:
            yield line.row, self._taken_back(line)

    def _parts(self) -> Iterator[tuple[int, list[str]]]:
        with self.path.open(encoding=encoding_of(self.path), errors="replace") as file:
            for row, text in enumerate(file, 1):
                if text.strip():
                    yield row, text.rstrip("\r\n").lstrip("\ufeff").split("|")

    def _header(self, parts: list[str]) -> None:
        if len(parts) < _HEADER or not parts[3].isdigit():
            self.problems.append((1, coded("CLI_TAX_HEADER")))
            return
        self.reported_to_month = _month(parts[3]) or 0
        self.serial = _SERIAL.sub("", f"{parts[1]}-{parts[3]}-{parts[5]}")[:40]

    def _check(self, row: int, parts: list[str], seen: int, totals: list[Decimal]) -> None:
        """The control totals: rows, bases, and what employers and persons paid."""
        is_stated = len(parts) == _TRAILER and _COUNT.fullmatch(parts[1].strip()) is not None
        if not is_stated or int(parts[1]) != seen or [_amount(text) for text in parts[2:]] != totals:
            self.problems.append((row, coded("CLI_TAX_TOTALS_DIFFER", rows=seen)))

    def _line(self, row: int, parts: list[str], *, tell: bool = False) -> list[Line]:
        try:
            return [read(row, parts)]
        except Unfit as unfit:
            self.problems += [(row, unfit.reason)] if tell else []
            return []

    def _sum_corrected(self) -> None:
        if not self.corrected:
            return
        for row, parts in self._parts():
            for line in self._line(row, parts) if parts[0] == "D" else ():
                if (line.id_number, line.month) in self.corrected:
                    self.corrected[line.id_number, line.month].append(line.base)

    def _corrects_an_amount(self, line: Line) -> bool:
        bases = self.corrected[line.id_number, line.month]
        return any(base > 0 for base in bases) and sum(bases) != 0

    def _number(self, line: Line) -> str:
        return f"{self.serial}-{line.row}"

    def _paid(self, line: Line) -> intake_pb2.CoverageIntake:
        statement = self._statement(line)
        statement.contributions.paid.add(
            month=line.month, paid_on=to_proto(line.received_on), back_payment=line.kind == _BACK
        )
        return statement

    def _taken_back(self, line: Line) -> intake_pb2.CoverageIntake:
        statement = self._statement(line)
        statement.contributions.taken_back.add(month=line.month, taken_back_on=to_proto(line.received_on))
        return statement

    def _statement(self, line: Line) -> intake_pb2.CoverageIntake:
        return intake_pb2.CoverageIntake(
            record_number=self._number(line),
            contributions=intake_pb2.ContributionStatement(
                person_id_number=line.id_number,
                name=line.name,
                employer_uscc=line.employer_uscc,
                reported_to_month=self.reported_to_month,
            ),
        )


def is_tax_file(path: Path) -> bool:
    """Whether it begins as one does."""
    try:
        with path.open("rb") as file:
            return file.read(5).removeprefix(b"\xef\xbb\xbf")[:2] == b"H|"
    except OSError:
        return False


def encoding_of(path: Path) -> str:
    """UTF-8 if it can be read so, whatever its header says; else the national standard, of which GBK is a part."""
    with path.open("rb") as file:
        try:
            for line in file:
                line.decode("utf-8")
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8"


def read(row: int, parts: list[str]) -> Line:
    """Read one `D|` line. Raises Unfit."""
    if len(parts) != _FIELDS:
        raise Unfit("CLI_TAX_FIELDS", wanted=_FIELDS, found=len(parts))
    month, received_on = _month(parts[9]), _day(parts[15])
    if parts[3] != "01":
        raise Unfit("CLI_TAX_DOCUMENT", "document_kind")
    if parts[8] not in _SCHEMES:
        raise Unfit("CLI_TAX_SCHEME", "scheme")
    if parts[16] not in {_NORMAL, _BACK, _FLEXIBLE, _CORRECTION}:
        raise Unfit("CLI_TAX_KIND", "kind")
    if month is None:
        raise Unfit("FIELD_MALFORMED", "month", form="YYYYMM")
    if received_on is None:
        raise Unfit("DATE_INVALID", "day_received")
    base = _base(parts)
    if base < 0 and parts[16] != _CORRECTION:
        raise Unfit("CLI_TAX_KIND", "kind")
    return Line(row, parts[4], parts[5].replace(" ", ""), parts[6], month, base, received_on, parts[16])


def _base(parts: list[str]) -> Decimal:
    """The base; the two amounts must be base x rate but for a few fen. Raises Unfit."""
    found = list[Decimal]()
    for place, text in zip(_AMOUNTS, parts[10:15], strict=True):
        if (one := _amount(text)) is None:
            raise Unfit("FIELD_MALFORMED", place, form="0.00")
        found.append(one)
    base, *rest = found
    for place, (rate, amount) in {"employer_amount": rest[:2], "personal_amount": rest[2:]}.items():
        if abs(base * rate - amount) > _OFF_MAX:
            raise Unfit("CLI_TAX_AMOUNT", place)
    return base


def _amount(text: str) -> Decimal | None:
    """None for what is none: infinities, exponents, and more digits than money has."""
    return Decimal(text.strip()) if _AMOUNT.fullmatch(text.strip()) else None


def _figures(parts: list[str]) -> list[Decimal]:
    """What a row adds to the control totals; nothing where it cannot be read."""
    found = [_amount(text) for text in parts[10:15:2]]
    figures = [one for one in found if one is not None]
    return figures if len(figures) == 3 else [Decimal(0)] * 3


def _month(text: str) -> int | None:
    if not re.fullmatch(r"[0-9]{6}", text) or not 1 <= int(text[4:]) <= 12:
        return None
    return int(text[:4]) * 12 + int(text[4:]) - 1


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  # a civil date, which has no zone
    except ValueError:
        return None
