"""Lines of a tax office's monthly file, composed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

HEADER = "H|SW610300|YBJ610300|202603|20260411|0001|V1.2|UTF-8"


def row(number: int, person: str, **changed: str) -> str:
    """A `D|` line; amounts follow from the base unless they are given."""
    stated = {
        "psn": "61000006100000000010012345",
        "document": "01",
        "name": "李思雨",
        "uscc": "",
        "employer": "",
        "scheme": "310",
        "month": "202603",
        "base": "6000.00",
        "received": "20260408",
        "kind": "10",
    } | changed
    base = stated["base"]
    amounts = {"employer_amount": amount(base, "0.0700"), "personal_amount": amount(base, "0.0200")} | changed
    parts = (
        "D", f"{number:08d}", stated["psn"], stated["document"], person, stated["name"], stated["uscc"],
        stated["employer"], stated["scheme"], stated["month"], base, "0.0700", amounts["employer_amount"], "0.0200",
        amounts["personal_amount"], stated["received"], stated["kind"], f"36103260400{number:05d}",
    )  # fmt: skip
    return "|".join(parts)


def amount(base: str, rate: str) -> str:
    try:
        return f"{Decimal(base) * Decimal(rate):.2f}"
    except ArithmeticError:
        return "0.00"


def trailer(rows: Sequence[str]) -> str:
    parts = [line.split("|") for line in rows]
    sums = [sum((Decimal(one[place]) for one in parts), Decimal(0)) for place in (10, 12, 14)]
    return "|".join(["T", str(len(rows)), *(f"{value:.2f}" for value in sums)])


def write(path: Path, rows: Sequence[str], *, last: str | None = None, encoding: str = "utf-8") -> Path:
    lines = [HEADER, *rows, trailer(rows) if last is None else last]
    path.write_bytes(("\n".join(filter(None, lines)) + "\n").encode(encoding))
    return path
