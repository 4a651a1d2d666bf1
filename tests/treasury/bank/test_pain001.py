"""Payments out: to the byte, read by an independent parser, and never other than was approved."""

from __future__ import annotations

import hashlib
import runpy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import psutil
import pyiso20022
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyiso20022.pain.pain_001_001_09 import Document
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from services.kit.errors import Invalid
from services.treasury.bank import pain001
from services.treasury.bank.pain001 import Batch, Order, Payment
from services.treasury.bank.reference import decode, encode
from services.treasury.bank.wording import plain
from tests.treasury.bank.builders import CREATED_AT, DEBTOR, EXECUTE_ON, order, payment, payment_id, written

GOLDEN = Path(__file__).with_name("golden")
PARSER = XmlParser(config=ParserConfig(fail_on_unknown_properties=True, fail_on_converter_warnings=True))


VALIDATOR = runpy.run_path(
    str(Path(pyiso20022.__file__).with_name("tools") / "validation.py")
)  # its package needs more


def parsed(content: bytes) -> Any:
    """By an independent party, which also finds nothing against the schema's lengths, patterns and code sets."""
    document = PARSER.from_bytes(content, Document)
    assert [error.message for error in VALIDATOR["validate_message"](document, strict=False).errors] == []
    return document.cstmr_cdt_trf_initn


def run() -> list[Payment]:
    return [
        payment(1),
        payment(2, name="买买提·艾力 & <儿>", amount_fen=1, remittance="", bank_name=""),
        payment(3, payee_kind="PROVIDER", name="宝鸡市妇幼保健院", account="61050162010800000123", amount_fen=300_005),
    ]


def test_the_file_is_this_to_the_byte(tmp_path: Path) -> None:
    file = written(tmp_path, run())

    content = file.path.read_bytes()
    assert content == (GOLDEN / "pain001.xml").read_bytes()
    assert file.sha256 == hashlib.sha256(content).digest()


def test_the_same_rows_give_the_same_file(tmp_path: Path) -> None:
    first = written(tmp_path, run())
    rebuilt = pain001.write(tmp_path / "again.xml", order(run()), iter(run()), expected=first.sha256)

    assert rebuilt == pain001.digest(order(run()), run())
    assert (tmp_path / "again.xml").read_bytes() == first.path.read_bytes()


def test_an_independent_parser_reads_what_was_meant(tmp_path: Path) -> None:
    read = parsed(written(tmp_path, run()).path.read_bytes())

    assert (read.grp_hdr.nb_of_txs, read.grp_hdr.ctrl_sum) == ("3", Decimal("22600.06"))
    assert [(one.nb_of_txs, one.ctrl_sum) for one in read.pmt_inf] == [
        ("2", Decimal("19600.01")),
        ("1", Decimal("3000.05")),
    ]
    transfer = read.pmt_inf[0].cdt_trf_tx_inf[1]
    assert decode(transfer.pmt_id.end_to_end_id) == payment_id(2)
    assert (transfer.amt.instd_amt.value, transfer.amt.instd_amt.ccy) == (Decimal("0.01"), "CNY")
    assert transfer.cdtr.nm == "买买提·艾力 & <儿>"
    assert transfer.cdtr_acct.id.othr.id == "6222022603001234565"
    member = transfer.cdtr_agt.fin_instn_id.clr_sys_mmb_id
    assert (member.clr_sys_id.cd, member.mmb_id) == ("CNAPS", "102100099996")
    assert read.pmt_inf[0].chrg_br.value == "DEBT"
    assert str(read.pmt_inf[0].reqd_exctn_dt.dt) == "2026-11-26"


PAYMENTS = st.builds(
    Payment,
    payment_id=st.uuids(),
    payee_kind=st.sampled_from(["EMPLOYER", "NURSERY", "PERSON", "PROVIDER"]),
    amount_fen=st.integers(1, 10**13),
    name=st.text(min_size=1, max_size=140).filter(plain),
    account=st.from_regex(r"[0-9A-Za-z-]{5,34}", fullmatch=True),
    bank_code=st.from_regex(r"[0-9]{12}", fullmatch=True),
    bank_name=st.text(max_size=200),
    remittance=st.text(max_size=300),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PAYMENTS, min_size=1, max_size=30))
def test_any_payments_come_back_from_the_independent_parser(
    tmp_path_factory: pytest.TempPathFactory, payments: list[Payment]
) -> None:
    payments.sort(key=lambda one: one.payee_kind)
    file = written(tmp_path_factory.mktemp("run"), payments)

    read = parsed(file.path.read_bytes())

    transfers = [transfer for batch in read.pmt_inf for transfer in batch.cdt_trf_tx_inf]
    told = [(decode(one.pmt_id.end_to_end_id), one.amt.instd_amt.value * 100, one.cdtr.nm) for one in transfers]
    assert told == [(one.payment_id, one.amount_fen, plain(one.name)) for one in payments]
    assert [one.cdtr_acct.id.othr.id for one in transfers] == [one.account for one in payments]
    assert all(len(one.rmt_inf.ustrd[0]) <= 140 for one in transfers if one.rmt_inf)


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 1000))
def test_any_number_of_payments_is_counted_and_summed(tmp_path_factory: pytest.TempPathFactory, many: int) -> None:
    payments = [payment(number, amount_fen=number) for number in range(1, many + 1)]

    read = parsed(written(tmp_path_factory.mktemp("run"), payments).path.read_bytes())

    assert read.grp_hdr.nb_of_txs == str(many)
    assert read.grp_hdr.ctrl_sum * 100 == many * (many + 1) // 2
    assert sum(one.amt.instd_amt.value for one in read.pmt_inf[0].cdt_trf_tx_inf) == read.pmt_inf[0].ctrl_sum


# --- what is not what was approved -----------------------------------------------------------------------------------


def refused(tmp_path: Path, payments: Sequence[Payment], head: Order) -> list[tuple[str, str]]:
    """The reasons; and no file may have come into being, by any name a bank would take."""
    with pytest.raises(Invalid) as refusal:
        pain001.write(tmp_path / "run.xml", head, payments)
    assert list(tmp_path.iterdir()) == []
    return [(one.code, one.field) for one in refusal.value.reasons]


@pytest.mark.parametrize(
    ("payments", "expected"),
    [
        (run()[:1] + run()[2:], ("BANK_COUNT", "RUN-20261126-1-1")),
        (run()[:2], ("BANK_COUNT", "RUN-20261126-1-2")),
        ([*run()[:2], payment(4, amount_fen=1), run()[2]], ("BANK_COUNT", "RUN-20261126-1-1")),
        ([payment(1, amount_fen=1_960_001), *run()[1:]], ("BANK_SUM", "RUN-20261126-1-1")),
        ([*run()[2:], *run()[:2]], ("BANK_BATCH_ORDER", "RUN-20261126-1-1")),
        ([*run(), payment(5, payee_kind="NURSERY")], ("BANK_BATCH_ORDER", "")),
        ([], ("BANK_COUNT", "RUN-20261126-1-1")),
    ],
    ids=["one fewer", "a batch fewer", "one more", "another amount", "another order", "a batch more", "none"],
)
def test_payments_other_than_approved_are_not_written(
    tmp_path: Path, payments: list[Payment], expected: tuple[str, str]
) -> None:
    assert refused(tmp_path, payments, order(run())) == [expected]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": "\u200b "}, "BANK_NAME_EMPTY"),
        ({"name": "王" * 141}, "BANK_NAME_TOO_LONG"),
        ({"amount_fen": 0}, "BANK_AMOUNT_NEGATIVE"),
        ({"amount_fen": -5}, "BANK_AMOUNT_NEGATIVE"),
        ({"account": ""}, "BANK_ACCOUNT_CHARACTERS"),
        ({"account": "1" * 35}, "BANK_ACCOUNT_CHARACTERS"),
        ({"account": "62\x00"}, "BANK_ACCOUNT_CHARACTERS"),
    ],
)
def test_a_payment_that_cannot_be_written_stops_the_file(tmp_path: Path, changed: dict[str, Any], code: str) -> None:
    wrong = payment(1)._replace(**changed)
    head = Order("RUN", CREATED_AT, EXECUTE_ON, DEBTOR, (Batch("B", "PERSON", 1, wrong.amount_fen),))

    if wrong.amount_fen < 0:
        head = head._replace(batches=(Batch("B", "PERSON", 1, 1),))
    assert refused(tmp_path, [wrong], head) == [(code, encode(wrong.payment_id))]


@pytest.mark.parametrize("message_id", ["", "R" * 36, "编号", " R", "R\n"])
def test_ids_that_a_bank_could_not_repeat_are_not_used(tmp_path: Path, message_id: str) -> None:
    assert refused(tmp_path, run(), order(run(), message_id=message_id)) == [("BANK_ID_MALFORMED", "message_id")]


def test_a_rebuilt_file_must_be_the_one_it_was(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="BANK_FILE_HASH"):
        pain001.write(tmp_path / "run.xml", order(run()), run(), expected=b"\x00" * 32)

    assert not (tmp_path / "run.xml").exists()


def test_an_instant_without_a_time_zone_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        pain001.write(tmp_path / "run.xml", order(run(), created_at=CREATED_AT.replace(tzinfo=None)), run())

    assert list(tmp_path.iterdir()) == []


def test_who_builds_the_same_file_at_once_builds_the_same_file(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        built = list(pool.map(lambda _: written(tmp_path, run()), range(16)))

    assert {file.sha256 for file in built} == {hashlib.sha256(built[0].path.read_bytes()).digest()}
    assert [path.name for path in tmp_path.iterdir()] == ["RUN-20261126-1.xml"]


def test_a_name_once_used_keeps_its_content(tmp_path: Path) -> None:
    first = written(tmp_path, run())

    with pytest.raises(Invalid, match="BANK_FILE_CONFLICT"):
        written(tmp_path, run()[:1])
    assert hashlib.sha256(first.path.read_bytes()).digest() == first.sha256


def test_what_fails_underway_leaves_no_file(tmp_path: Path) -> None:
    def failing() -> Iterator[Payment]:
        yield run()[0]
        raise OSError("the database is away")

    with pytest.raises(OSError, match="away"):
        pain001.write(tmp_path / "run.xml", order(run()), failing())

    assert not (tmp_path / "run.xml").exists()


def test_memory_is_flat_for_a_hundred_thousand_payments(tmp_path: Path) -> None:
    def many(payments: int) -> tuple[Order, Iterator[Payment]]:
        head = order([payment(1)])._replace(batches=(Batch("B", "PERSON", payments, payments * 1_960_000),))
        return head, (payment(number) for number in range(payments))

    pain001.write(tmp_path / "warm.xml", *many(1000))
    before = psutil.Process().memory_info().rss

    content = pain001.write(tmp_path / "run.xml", *many(100_000))

    assert content.size > 40_000_000
    assert psutil.Process().memory_info().rss - before < 16 << 20


def test_batches_are_one_for_each_class_of_payee() -> None:
    kinds = [kind for kind, _ in groupby(run(), key=lambda one: one.payee_kind)]

    assert [batch.payee_kind for batch in order(run()).batches] == kinds == ["PERSON", "PROVIDER"]
