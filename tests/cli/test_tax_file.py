"""The tax office's monthly file: what each row states, and what is usually wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cradle.registry.v1 import intake_pb2

from services.cli.tax_file import TaxFile, encoding_of, is_tax_file
from tests.builders import id_number, month
from tests.cli import tax_lines
from tests.cli.tax_lines import row, write

PERSON = id_number(7)
OTHER = id_number(8)


def read(path: Path) -> tuple[list[tuple[int, intake_pb2.ContributionStatement]], list[tuple[int, str, str]]]:
    """What the file states by row, and its problems."""
    file = TaxFile(path)
    file.look()
    stated = [(number, record.contributions) for number, record in file.statements()]
    return stated, sorted((number, why.code, why.field) for number, why in file.problems)


def test_a_clean_file_states_a_month_a_row(tmp_path: Path) -> None:
    rows = [
        row(1, PERSON, uscc="91610302MA6XA1B21P"),
        row(2, PERSON, month="202512", kind="20"),
        row(3, OTHER, kind="30", name="张 㛃"),
    ]

    stated, problems = read(write(tmp_path / "march.txt", rows))

    assert problems == []
    assert [number for number, _ in stated] == [2, 3, 4]
    assert [(one.paid[0].month, one.paid[0].back_payment) for _, one in stated] == [
        (month("2026-03"), False),
        (month("2025-12"), True),
        (month("2026-03"), False),
    ]
    assert {one.reported_to_month for _, one in stated} == {month("2026-03")}
    assert (stated[0][1].employer_uscc, stated[2][1].name) == ("91610302MA6XA1B21P", "张㛃")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_a_file_is_read_whatever_its_label_says(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "march.txt", [row(1, PERSON, name="李思雨")], encoding=encoding)

    stated, problems = read(path)

    assert problems == []
    assert stated[0][1].name == "李思雨"
    assert is_tax_file(path)
    assert encoding_of(path) == ("utf-8" if encoding.startswith("utf") else "gb18030")


WRONG = {
    "cut off": (row(1, PERSON)[:60], ("CLI_TAX_FIELDS", "")),
    "a passport": (row(1, PERSON, document="07"), ("CLI_TAX_DOCUMENT", "document_kind")),
    "residents": (row(1, PERSON, scheme="390"), ("CLI_TAX_SCHEME", "scheme")),
    "another kind": (row(1, PERSON, kind="40"), ("CLI_TAX_KIND", "kind")),
    "a negative that corrects nothing": (row(1, PERSON, base="-6000.00"), ("CLI_TAX_KIND", "kind")),
    "a thirteenth month": (row(1, PERSON, month="202613"), ("FIELD_MALFORMED", "month")),
    "no day": (row(1, PERSON, received="20260231"), ("DATE_INVALID", "day_received")),
    "no amount": (row(1, PERSON, base="6,000.00"), ("FIELD_MALFORMED", "base")),
    "not a number": (row(1, PERSON, base="NaN", employer_amount="0"), ("FIELD_MALFORMED", "base")),
    "a number that tells when it is used": (row(1, PERSON, base="sNaN"), ("FIELD_MALFORMED", "base")),
    "a number without end": (row(1, PERSON, base="-Infinity"), ("FIELD_MALFORMED", "base")),
    "an amount without end": (row(1, PERSON, employer_amount="Infinity"), ("FIELD_MALFORMED", "employer_amount")),
    "a huge rate": (
        row(1, PERSON, base="9000000", personal_amount="0").replace("|0.0700|", "|9E999999|"),
        ("FIELD_MALFORMED", "employer_rate"),
    ),
    "sixteen digits": (row(1, PERSON, base="1000000000000000"), ("FIELD_MALFORMED", "base")),
    "six fen off": (row(1, PERSON, employer_amount="420.06"), ("CLI_TAX_AMOUNT", "employer_amount")),
    "the person's share": (row(1, PERSON, personal_amount="119.94"), ("CLI_TAX_AMOUNT", "personal_amount")),
}


@pytest.mark.parametrize(("line", "expected"), WRONG.values(), ids=WRONG.keys())
def test_a_row_that_is_wrong_is_told_and_the_others_are_read(
    tmp_path: Path, line: str, expected: tuple[str, str]
) -> None:
    stated, problems = read(write(tmp_path / "march.txt", [line, row(2, OTHER)], last="T|0|0|0|0"))

    assert [one.person_id_number for _, one in stated] == [OTHER]
    assert [problem for problem in problems if problem[0] == 2] == [(2, *expected)]


@pytest.mark.parametrize("amount", ["419.95", "420.05"])
def test_five_fen_are_rounding(tmp_path: Path, amount: str) -> None:
    stated, problems = read(write(tmp_path / "march.txt", [row(1, PERSON, employer_amount=amount)]))

    assert (len(stated), problems) == (1, [])


@pytest.mark.parametrize("base", ["sNaN", "9E999999"])
def test_odd_amounts_in_two_rows_delay_no_other(tmp_path: Path, base: str) -> None:
    both = [row(1, PERSON, base=base), row(2, PERSON, base=base).replace("|0.0700|", "|9E999999|")]

    stated, problems = read(write(tmp_path / "march.txt", [*both, row(3, OTHER)], last="T|3|6000.00|420.00|120.00"))

    assert [one.person_id_number for _, one in stated] == [OTHER]
    assert problems == [(2, "FIELD_MALFORMED", "base"), (3, "FIELD_MALFORMED", "base")]


def test_infinities_that_cancel_out_delay_no_other(tmp_path: Path) -> None:
    both = [row(1, PERSON, base="Infinity"), row(2, PERSON, base="-Infinity")]

    stated, problems = read(write(tmp_path / "march.txt", [*both, row(3, OTHER)], last="T|3|6000.00|420.00|120.00"))

    assert [one.person_id_number for _, one in stated] == [OTHER]
    assert problems == [(2, "FIELD_MALFORMED", "base"), (3, "FIELD_MALFORMED", "base")]


def test_a_file_without_its_last_line_is_told_and_its_rows_are_read(tmp_path: Path) -> None:
    stated, problems = read(write(tmp_path / "march.txt", [row(1, PERSON)], last=""))

    assert len(stated) == 1
    assert problems == [(2, "CLI_TAX_TRAILER_MISSING", "")]


@pytest.mark.parametrize(
    "last",
    ["T|2|6000.00|420.00|120.00", "T|1|6000.01|420.00|120.00", "T|1|6000.00|420.00", "T|x|||"]
    + [f"T|{count}|6000.00|420.00|120.00" for count in ("²", "1" * 5000, "-1", "")]
    + [f"T|1|{base}|420.00|120.00" for base in ("sNaN", "NaN", "9E999999")],
)
def test_totals_over_other_rows_are_told_and_the_rows_are_read(tmp_path: Path, last: str) -> None:
    stated, problems = read(write(tmp_path / "march.txt", [row(1, PERSON)], last=last))

    assert len(stated) == 1
    assert problems == [(3, "CLI_TAX_TOTALS_DIFFER", "")]


def test_a_header_without_its_month_and_a_stray_line_are_told(tmp_path: Path) -> None:
    path = tmp_path / "march.txt"
    path.write_text("\n".join(["H|SW610300", row(1, PERSON), "合计", tax_lines.trailer([row(1, PERSON)])]) + "\n")

    stated, problems = read(path)

    assert [one.reported_to_month for _, one in stated] == [0]
    assert problems == [(1, "CLI_TAX_HEADER", ""), (3, "CLI_TAX_LINE_UNKNOWN", "")]


# --- corrections --------------------------------------------------------------------------------------------------


def test_a_negative_row_alone_takes_the_month_back_and_comes_last(tmp_path: Path) -> None:
    rows = [row(1, PERSON, month="202602", base="-6000.00", kind="90"), row(2, PERSON)]

    stated, problems = read(write(tmp_path / "march.txt", rows))

    assert problems == []
    assert [number for number, _ in stated] == [3, 2]
    assert [one.month for one in stated[1][1].taken_back] == [month("2026-02")]


def test_a_row_and_its_whole_reversal_in_one_file_leave_the_month_unpaid(tmp_path: Path) -> None:
    rows = [row(1, PERSON), row(2, PERSON, base="-6000.00", kind="90")]

    stated, _ = read(write(tmp_path / "march.txt", rows))

    assert [(len(one.paid), len(one.taken_back)) for _, one in stated] == [(1, 0), (0, 1)]


def test_a_negative_row_beside_another_amount_corrects_the_amount_only(tmp_path: Path) -> None:
    rows = [row(1, PERSON, base="-6000.00", kind="90"), row(2, PERSON, base="6300.00", kind="90")]

    stated, problems = read(write(tmp_path / "march.txt", rows))

    assert problems == []
    assert [(len(one.paid), len(one.taken_back)) for _, one in stated] == [(1, 0)]


def test_what_is_no_such_file_is_not_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_text('{"person": {}}\n')

    assert not is_tax_file(path)
    assert not is_tax_file(tmp_path / "nothing")
