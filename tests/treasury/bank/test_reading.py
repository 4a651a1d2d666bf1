"""Every message that is broken, foreign, hostile or too large is refused with a reason, by each of the readers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kit.errors import Invalid
from services.treasury.bank import answers, camt053, camt054, pacs004, pain002
from services.treasury.bank.camt import Entry
from services.treasury.bank.reading import check, check_hash, kind_of
from tests.treasury.bank.answers import (
    URN,
    advice,
    answer,
    batch,
    details,
    document,
    entry,
    refusal,
    report,
    returned,
    statement,
)
from tests.treasury.bank.builders import message

Reader = Callable[[BinaryIO], Iterator[object]]
RETURN = (
    "<TxInf><RtrId>R-1</RtrId><OrgnlEndToEndId>E-1</OrgnlEndToEndId>"
    "<RtrdIntrBkSttlmAmt Ccy='CNY'>10.00</RtrdIntrBkSttlmAmt></TxInf>"
)
GOOD: dict[str, tuple[Reader, str]] = {
    "pain.002.001.10": (pain002.read, report("<GrpSts>ACCP</GrpSts>", batch(answer("E-1", "ACCP")))),
    "camt.053.001.08": (camt053.read, statement(entry("10.00", details=details("E-1", "10.00")))),
    "camt.054.001.08": (camt054.read, advice(entry("10.00", details=details("E-1", "10.00")))),
    "pacs.004.001.09": (pacs004.read, returned(RETURN)),
}
each_reader = pytest.mark.parametrize(("read", "good"), GOOD.values(), ids=GOOD.keys())


@each_reader
def test_a_good_message_is_read(read: Reader, good: str) -> None:
    check(read(message(good)))
    check(read(message(b"\xef\xbb\xbf" + good.encode())))
    check(read(message(good.replace("?>", "?>\n<!-- of the bank --><?style none?>\n", 1))))


@each_reader
def test_a_prefix_for_the_namespace_is_the_same_message(read: Reader, good: str) -> None:
    prefixed = good.replace("</", "</b:").replace("<", "<b:").replace("<b:/b:", "</b:").replace("<b:?", "<?")

    check(read(message(prefixed.replace("xmlns=", "xmlns:b="))))


@each_reader
def test_half_a_message_is_refused_wherever_it_ends(read: Reader, good: str) -> None:
    codes = {refusal(read, good.encode()[:end])[0] for end in range(len(good.encode()))}

    assert codes == {"BANK_FILE_EMPTY", "BANK_NOT_XML", "BANK_MESSAGE_UNEXPECTED", "BANK_FILE_HALF"}


HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "BANK_FILE_EMPTY"),
    "blanks": (" \n\t ", "BANK_FILE_EMPTY"),
    "text": ("OK 200", "BANK_NOT_XML"),
    "JSON": ('{"Document": 1}', "BANK_NOT_XML"),
    "a spreadsheet": (b"PK\x03\x04\x00\x00", "BANK_FILE_ENCODING"),
    "UTF-16": ("<Document/>".encode("utf-16"), "BANK_FILE_ENCODING"),
    "UTF-16 without a mark": ("<Document/>".encode("utf-16-le"), "BANK_FILE_ENCODING"),
    "UTF-7 said": ('<?xml version="1.0" encoding="UTF-7"?><Document/>', "BANK_FILE_ENCODING"),
    "GBK said": ('<?xml version="1.0" encoding="GBK"?><Document/>', "BANK_FILE_ENCODING"),
    "entity bomb": (
        '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><Document>&b;</Document>',
        "BANK_XML_DOCTYPE",
    ),
    "external entity": (
        '<?xml version="1.0"?>\n<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><Document>&x;</Document>',
        "BANK_XML_DOCTYPE",
    ),
    "parameter entity": (
        '<!-- - --><!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]><Document/>',
        "BANK_XML_DOCTYPE",
    ),
    "external subset": ('<!DOCTYPE Document SYSTEM "file:///dev/zero"><Document/>', "BANK_XML_DOCTYPE"),
    "an entity nobody declared": (f'<Document xmlns="{URN}NS">&x;</Document>', "BANK_MESSAGE_UNEXPECTED"),
    "a prolog without end": ("<!--" + "x" * 9000, "BANK_NOT_XML"),
    "a document type behind a long prolog": ("<!--" + "x" * 9000 + "--><!DOCTYPE d><Document/>", "BANK_NOT_XML"),
    "no namespace": ("<Document><BkToCstmrStmt/></Document>", "BANK_MESSAGE_UNEXPECTED"),
    "another root": (f'<Other xmlns="{URN}NS"/>', "BANK_MESSAGE_UNEXPECTED"),
    "the message inside another": (f'<Soap><Document xmlns="{URN}NS"/></Soap>', "BANK_MESSAGE_UNEXPECTED"),
    "another version": (document("pain.002.001.99", "X", ""), "BANK_MESSAGE_UNEXPECTED"),
    "another namespace": ('<Document xmlns="urn:example"/>', "BANK_MESSAGE_UNEXPECTED"),
    "empty": (f'<Document xmlns="{URN}NS"/>', "BANK_ELEMENT_MISSING"),
    "too deep": (f'<Document xmlns="{URN}NS">' + "<a>" * 400, "BANK_FILE_HALF"),
    "a control character": (f'<Document xmlns="{URN}NS">\x01</Document>', "BANK_FILE_HALF"),
    "broken UTF-8": (f'<Document xmlns="{URN}NS">'.encode() + b"\xff</Document>", "BANK_FILE_HALF"),
    "more behind the end": (f'<Document xmlns="{URN}NS"/><Document/>', "BANK_FILE_HALF"),
    "a text of 11 MB": (f'<Document xmlns="{URN}NS"><a>' + "x" * (11 << 20) + "</a></Document>", "BANK_PART_TOO_LARGE"),
}


@pytest.mark.parametrize(("content", "code"), HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("kind", GOOD)
def test_what_no_bank_should_send_is_refused(kind: str, content: str | bytes, code: str) -> None:
    if isinstance(content, str):
        content = content.replace(f"{URN}NS", URN + kind)
    else:
        content = content.replace(f"{URN}NS".encode(), (URN + kind).encode())
    if content == f'<Document xmlns="{URN}{kind}">&x;</Document>':
        code = "BANK_FILE_HALF"

    assert refusal(GOOD[kind][0], content)[0] == code


@each_reader
def test_a_message_for_another_reader_is_refused_and_named(read: Reader, good: str) -> None:
    for other, content in GOOD.values():
        if other is not read:
            assert refusal(read, content) == ("BANK_MESSAGE_UNEXPECTED", "Document")


@each_reader
def test_a_message_above_the_limit_is_read_no_further(read: Callable[..., Iterator[object]], good: str) -> None:
    size = len(good.encode())

    check(read(message(good), size))
    with pytest.raises(Invalid, match="BANK_FILE_TOO_LARGE"):
        check(read(message(good), size - 1))


@each_reader
def test_an_endless_source_ends_at_the_limit(read: Callable[..., Iterator[object]], good: str) -> None:
    class Endless:
        def __init__(self) -> None:
            self.given = 0

        def read(self, size: int) -> bytes:
            part = good[: good.index("<GrpHdr>")].encode() if not self.given else b" " * size
            self.given += len(part)
            return part

    source = Endless()
    with pytest.raises(Invalid, match="BANK_FILE_TOO_LARGE"):
        check(read(source, 1 << 20))
    assert source.given < 2 << 20


@each_reader
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_byte_changed_is_read_or_refused_and_nothing_else(read: Reader, good: str, data: st.DataObject) -> None:
    content = bytearray(good.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    with suppress(Invalid):
        check(read(message(bytes(content))))


FLOOD = "<x/>" * 400_000


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (pain002.read, report(FLOOD)),
        (pain002.read, report("", batch(answer("E-1", "ACCP") + FLOOD))),
        (camt053.read, statement(entry("1.00"), head=FLOOD)),
        (camt053.read, statement(entry("1.00", details=FLOOD))),
        (camt054.read, advice(FLOOD)),
        (pacs004.read, returned(RETURN, FLOOD)),
    ],
)
def test_what_nobody_asked_for_does_not_fill_the_memory(read: Reader, content: str) -> None:
    assert refusal(read, content) == ("BANK_PART_TOO_LARGE", "")


def test_what_nobody_asked_for_between_records_is_dropped_with_them() -> None:
    read: Callable[..., Iterator[object]] = camt053.read
    noise = "<x/>" * 10_000
    before = psutil.Process().memory_info().rss

    check(read(Repeated(statement("HERE", "100.00", "0"), noise + entry("1.00", details=noise), 100, at_once=1)))

    assert psutil.Process().memory_info().rss - before < 64 << 20


def test_the_same_names_in_another_namespace_or_place_are_not_ours() -> None:
    strange = entry("66.00").replace("<Ntry>", "<Ntry xmlns='urn:example'>")
    planted = f"<SplmtryData><Envlp>{strange}{entry('77.00')}</Envlp></SplmtryData>"

    read = list(camt053.read(message(statement(entry("10.00") + planted))))

    assert [one.amount_fen for one in read if isinstance(one, Entry)] == [1000]


def test_the_kind_of_a_message_is_told_by_its_first_bytes() -> None:
    assert kind_of(message(GOOD["camt.053.001.08"][1])) == "camt.053.001.08"
    assert kind_of(message("PK\x03\x04")) == ""


def test_a_kind_that_nobody_reads_is_told() -> None:
    for kind, shown in [("", "-"), ("camt.052.001.08", "camt.052.001.08")]:
        with pytest.raises(Invalid) as refused:
            answers.read(message("<x/>"), kind)
        assert dict(refused.value.reasons[0].values)["found"] == shown


@each_reader
def test_each_kind_has_its_reader(read: Reader, good: str) -> None:
    assert list(answers.read(message(good), kind_of(message(good)))) == list(read(message(good)))


def test_the_hash_beside_a_file_must_be_its_own() -> None:
    right = bytes.fromhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    check_hash(message("abc"), right, "a.xml")

    with pytest.raises(Invalid, match=r"BANK_FILE_HASH a\.xml"):
        check_hash(message("abd"), right, "a.xml")


class Repeated:
    """A message with one part in its middle very many times, made while it is read."""

    def __init__(self, whole: str, part: str, times: int, at_once: int = 100) -> None:
        before, after = whole.encode().split(b"HERE")
        self._parts = iter([before, *[part.encode() * at_once] * (times // at_once), after])

    def read(self, size: int) -> bytes:
        return next(self._parts, b"")


@pytest.mark.parametrize(
    ("read", "whole", "part"),
    [
        (pain002.read, report("", batch("HERE")), answer("01KG000000E008000000000001", "RJCT", "AC04")),
        (camt053.read, statement("HERE", "2000000.00", "0"), entry("10.00", details=details("E", "10.00"))),
        (camt054.read, advice("HERE"), entry("10.00", details=details("E", "10.00"))),
        (camt054.read, advice(entry("1000000.00", details="HERE")), details("E", "10.00")),
        (pacs004.read, returned("HERE", ""), RETURN),
    ],
    ids=["answers", "statement", "advice", "one entry", "returns"],
)
def test_memory_is_flat_for_a_hundred_thousand(
    read: Callable[..., Iterator[object]], whole: str, part: str, record_property: Callable[[str, object], None]
) -> None:
    check(read(Repeated(whole.replace("1000000.00", "10000.00"), part, 1_000)))
    before, started = psutil.Process().memory_info().rss, time.monotonic()

    found = sum(1 for _ in read(Repeated(whole, part, 100_000)))

    record_property("seconds", round(time.monotonic() - started, 1))
    assert found >= 100_000
    assert psutil.Process().memory_info().rss - before < 16 << 20
