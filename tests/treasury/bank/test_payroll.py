"""The CSV file: the same rows and refusals, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.treasury.bank import payroll
from services.treasury.bank.pain001 import Payment
from services.treasury.bank.reference import decode
from services.treasury.bank.wording import plain
from tests.treasury.bank.builders import order, payment
from tests.treasury.bank.test_pain001 import PAYMENTS, run

GOLDEN = Path(__file__).with_name("golden")


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_file_is_this_to_the_byte(tmp_path: Path) -> None:
    content = payroll.write(tmp_path / "run.csv", order(run()), run())

    assert (tmp_path / "run.csv").read_bytes() == (GOLDEN / "payroll.csv").read_bytes()
    assert content == payroll.digest(order(run()), run())


def test_totals_come_before_lines(tmp_path: Path) -> None:
    payroll.write(tmp_path / "run.csv", order(run()), run())

    names, totals, columns, first, *_ = rows((tmp_path / "run.csv").read_bytes())
    assert dict(zip(names, totals, strict=True))["总金额(元)"] == "22600.06"
    assert dict(zip(names, totals, strict=True))["总笔数"] == "3"
    assert dict(zip(columns, first, strict=True))["收款账号"] == "6222022603001234565"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
def test_no_cell_is_a_formula(tmp_path: Path, start: str) -> None:
    evil = f'{start}HYPERLINK("http://x","点")'
    payments = [payment(1, name=evil, remittance=evil, bank_name=evil, account="-1234567")]
    payroll.write(tmp_path / "run.csv", order(payments), payments)

    cells = [cell for row in rows((tmp_path / "run.csv").read_bytes()) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r"))]
    assert cells.count(f"'{evil}") == 3


@settings(max_examples=50, deadline=None)
@given(st.lists(PAYMENTS, min_size=1, max_size=20))
def test_any_payments_come_back(tmp_path_factory: pytest.TempPathFactory, payments: list[Payment]) -> None:
    payments.sort(key=lambda one: one.payee_kind)
    path = tmp_path_factory.mktemp("run") / "run.csv"
    payroll.write(path, order(payments), payments)

    lines = rows(path.read_bytes())[3:]
    assert [decode(line[1]) for line in lines] == [one.payment_id for one in payments]
    assert [line[3] for line in lines] == [payroll.cell(plain(one.name)) for one in payments]
    assert [int(line[7].replace(".", "")) for line in lines] == [one.amount_fen for one in payments]


@pytest.mark.parametrize(
    ("payments", "code"),
    [
        (run()[:2], "BANK_COUNT"),
        ([payment(1, amount_fen=5), *run()[1:]], "BANK_SUM"),
        ([*run(), payment(9, payee_kind="NURSERY")], "BANK_BATCH_ORDER"),
        ([payment(1, name=""), *run()[1:]], "BANK_NAME_EMPTY"),
        ([payment(1, amount_fen=0), *run()[1:]], "BANK_AMOUNT_NEGATIVE"),
    ],
)
def test_payments_other_than_approved_are_not_written(tmp_path: Path, payments: list[Payment], code: str) -> None:
    with pytest.raises(Invalid, match=code):
        payroll.write(tmp_path / "run.csv", order(run()), payments)

    assert not (tmp_path / "run.csv").exists()
