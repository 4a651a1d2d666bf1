"""What a bank sends, read element by element and trusted in nothing.

A message may be broken, huge, hostile or another than it should be. So: a limit of bytes; UTF-8 only; a document type
declaration is refused before the parser sees it (entity bombs and external entities need one); no network, no external
files, no recovery; namespaces by an exact list. What has been read is thrown away, and what may lie between two records
is limited, so memory grows neither with a message nor with what somebody put into it.

Contract of every reader here: it yields as it reads, and raises Invalid, coded and located, at the first thing wrong,
which may be after most has been yielded. **What was yielded counts only when the iterator has ended**: act in one
transaction that rolls back, or check first by reading once (`check`).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import BinaryIO, Final, cast

from lxml import etree

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.treasury.bank import amounts
from services.treasury.bank.placing import content_of_stream

BYTES_MAX: Final = 256 << 20
PART_BYTES_MAX: Final = 1 << 20  # of a header, a record, or what lies between: all that is in memory at a time
_PROLOG_MAX: Final = 4096
_PREFIX: Final = "urn:iso:std:iso:20022:tech:xsd:"
_NAMED: Final = re.compile(r"[a-z]{4}\.[0-9]{3}\.[0-9]{3}\.[0-9]{2}")
_SKIPPED: Final = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_ROOT: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s/>]")
_NAMESPACE: Final = re.compile(rb"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.[0-9]{3}\.[0-9]{3}\.[0-9]{2})[\"']")
_ENCODING: Final = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*[\"']([^\"']*)[\"']")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[TZ+-][0-9T:.Z+-]{0,30})?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")

Event = tuple[str, str, etree._Element]


def check(records: Iterable[object]) -> None:
    """Read to the end and keep nothing. Raises Invalid for what the reader refuses."""
    deque(records, maxlen=0)


def kind_of(source: BinaryIO) -> str:
    """`camt.053.001.08`: what a message says it is, by its first bytes; empty if it says nothing. Rewinds."""
    head = source.read(_PROLOG_MAX)
    source.seek(0)
    found = _NAMESPACE.search(head)
    return found[1].decode() if found else ""


def check_hash(source: BinaryIO, expected: bytes, name: str) -> None:
    """Raises Invalid unless the content has the SHA-256 that came beside it. Rewinds."""
    found = content_of_stream(source).sha256
    source.seek(0)
    if found != expected:
        raise Invalid(reason("BANK_FILE_HASH", name, expected=expected.hex(), found=found.hex()))


def elements(
    source: BinaryIO, messages: tuple[str, ...], parents: Mapping[str, str], bytes_max: int = BYTES_MAX
) -> Iterator[Event]:
    """Starts and ends of the elements named in `parents` that stand where they should, in order of the document.

    `parents` maps an element's name to its parent's. At the end of an element its children are complete; afterwards it
    is emptied, and what stood before it is gone. Raises Invalid for all that makes a message unreadable.
    """
    reader = _Limited(source, bytes_max)
    _check_prolog(reader.head())
    tags = [f"{{*}}{name}" for name in ("Document", *parents)]
    parser = etree.iterparse(
        cast("BinaryIO", reader),
        events=("start", "end"),
        tag=tags,
        attribute_defaults=False,
        dtd_validation=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        resolve_entities=False,
        recover=False,
        huge_tree=False,
    )
    namespace = ""
    try:
        for event, element in parser:
            parent = element.getparent()
            if not namespace:
                namespace = _namespace(element, messages)
            elif parent is not None and (name := _local(element, namespace)) and name in parents:
                if _local(parent, namespace) != parents[name]:
                    continue
                yield event, name, element
                if event == "end":
                    _forget(element, parent)
                    reader.part_bytes = 0
    except etree.XMLSyntaxError as error:
        line = error.lineno or 0
        if not namespace:
            raise Invalid(reason("BANK_NOT_XML", "", line=line)) from None
        raise Invalid(reason("BANK_FILE_HALF", "", line=line)) from None
    if not namespace:
        raise Invalid(reason("BANK_MESSAGE_UNEXPECTED", "Document", expected=", ".join(messages), found="-"))


# --- parts of an element: `where` tells the reader of a reason which element it was ----------------------------------

Fields = dict[str, str]


def fields(element: etree._Element, without: str = "") -> Fields:
    """An element's descendants by their paths of local names, `Refs/EndToEndId` -> its text, in one walk.

    Of repeated ones the first counts; `every` gives all. Groups are there with an empty text, an amount's currency as
    `Amt@Ccy`. `without` names a child that is left out; elements of other namespaces are.
    """
    found: Fields = {}
    _walk(element, "", _prefix(element), without, found)
    return found


def _walk(element: etree._Element, path: str, prefix: str, without: str, found: Fields) -> None:
    for child in element:
        tag = cast("str", child.tag)
        if not tag.startswith(prefix):
            continue
        name = tag[len(prefix) :]
        if name == without:
            continue
        place = path + name
        if place in found:
            continue
        if len(child):
            found[place] = ""
            _walk(child, f"{place}/", prefix, "", found)
        else:
            found[place] = (child.text or "").strip()
            if name.endswith("Amt"):
                found[f"{place}@Ccy"] = child.get("Ccy", "")


def every(element: etree._Element, path: str) -> list[etree._Element]:
    return element.findall(_qualified(path, _prefix(element)))


def texts(element: etree._Element, path: str, at_most: int) -> str:
    """The repeated element's texts as one."""
    return " ".join((one.text or "").strip() for one in every(element, path)[:at_most])


def identifier(told: Fields, path: str, where: str) -> str:
    """A text that must be there."""
    if text := told.get(path):
        return text
    raise Invalid(reason("BANK_ID_MISSING", f"{where}/{path}"))


def amount(told: Fields, path: str, where: str) -> int:
    """An amount with currency, in fen."""
    place = f"{where}/{path}"
    text = told.get(path)
    if text is None:
        raise Invalid(reason("BANK_ELEMENT_MISSING", place))
    check_currency(told.get(f"{path}@Ccy", ""), place)
    return amounts.fen(text, place)


def amount_or_none(told: Fields, path: str, where: str) -> int | None:
    return amount(told, path, where) if path in told else None


def check_currency(currency: str, where: str) -> None:
    if currency != amounts.CURRENCY:
        raise Invalid(reason("BANK_CURRENCY", where, found=currency if _CURRENCY.fullmatch(currency) else "-"))


def total(told: Fields, path: str, where: str) -> int | None:
    """A sum, which bears no currency, in fen; None if it is not stated."""
    text = told.get(path)
    return amounts.fen(text, f"{where}/{path}") if text else None


def count(told: Fields, path: str, where: str) -> int | None:
    """Max15NumericText; None if it is not stated."""
    text = told.get(path)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Invalid(reason("BANK_COUNT_MALFORMED", f"{where}/{path}"))
    return int(text)


def is_credit(told: Fields, path: str, where: str) -> bool:
    """CdtDbtInd: towards us."""
    match told.get(path):
        case "CRDT":
            return True
        case "DBIT":
            return False
        case _:
            raise Invalid(reason("BANK_DIRECTION", f"{where}/{path}"))


def day(told: Fields, path: str, where: str) -> date | None:
    """The civil day of a choice of `Dt` and `DtTm`, or of a plain date, as the bank writes it; None if not stated."""
    text = told.get(f"{path}/Dt") or told.get(f"{path}/DtTm") or told.get(path)
    if not text:
        return None
    try:
        return _day(text)
    except ValueError:
        raise Invalid(reason("BANK_DATE", f"{where}/{path}")) from None


def instant(told: Fields, path: str, where: str) -> datetime:
    """ISODateTime; one without a time zone stays without, as the bank's own."""
    try:
        return datetime.fromisoformat(told.get(path, ""))
    except ValueError:
        raise Invalid(reason("BANK_DATE", f"{where}/{path}")) from None


def same_count(stated: int | None, counted: int, where: str) -> None:
    if stated is not None and stated != counted:
        raise Invalid(reason("BANK_COUNT", where, stated=stated, found=counted))


def same_sum(stated_fen: int | None, summed_fen: int, where: str) -> None:
    if stated_fen is not None and stated_fen != summed_fen:
        raise Invalid(reason("BANK_SUM", where, stated=amounts.signed(stated_fen), found=amounts.signed(summed_fen)))


# --- before the parser ---------------------------------------------------------------------------------------------


class _Limited:
    """A source that ends in an error when it is longer than it may be, and lets one look at its head first."""

    def __init__(self, source: BinaryIO, bytes_max: int) -> None:
        self._source, self._bytes_max = source, bytes_max
        self._head, self._read = source.read(_PROLOG_MAX), 0
        self.part_bytes = 0  # since something was last forgotten

    def head(self) -> bytes:
        return self._head

    def read(self, size: int = -1) -> bytes:
        part, self._head = (self._head, b"") if self._head else (self._source.read(max(size, 1 << 16)), b"")
        self._read += len(part)
        self.part_bytes += len(part)
        if self._read > self._bytes_max:
            raise Invalid(reason("BANK_FILE_TOO_LARGE", "", limit=self._bytes_max))
        if self.part_bytes > PART_BYTES_MAX:
            raise Invalid(reason("BANK_PART_TOO_LARGE", "", limit=PART_BYTES_MAX))
        return part


def _check_prolog(head: bytes) -> None:
    """Nothing but blanks, instructions and comments before the first element, in UTF-8."""
    if not head.strip():
        raise Invalid(reason("BANK_FILE_EMPTY"))
    if b"\x00" in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Invalid(reason("BANK_FILE_ENCODING"))
    declared = _ENCODING.search(head)
    if declared and declared[1].lower() not in {b"utf-8", b"utf8", b"us-ascii"}:
        raise Invalid(reason("BANK_FILE_ENCODING"))
    at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    while skipped := _SKIPPED.match(head, at):
        at = skipped.end()
    if re.compile(rb"<!(?!--)").match(head, at):
        raise Invalid(reason("BANK_XML_DOCTYPE"))
    if not _ROOT.match(head, at):
        raise Invalid(reason("BANK_NOT_XML", "", line=head.count(b"\n", 0, at) + 1))


def _namespace(root: etree._Element, messages: tuple[str, ...]) -> str:
    """The namespace of a root that is one of the messages."""
    if root.getroottree().docinfo.internalDTD is not None:
        raise Invalid(reason("BANK_XML_DOCTYPE"))
    namespace, _, name = str(root.tag).removeprefix("{").rpartition("}")
    message = namespace.removeprefix(_PREFIX)
    if root.getparent() is not None or name != "Document" or namespace not in {_PREFIX + one for one in messages}:
        shown = message if _NAMED.fullmatch(message) else "-"
        raise Invalid(reason("BANK_MESSAGE_UNEXPECTED", "Document", expected=", ".join(messages), found=shown))
    return namespace


def _local(element: etree._Element, namespace: str) -> str:
    """The name of an element of the message; empty for one of another namespace."""
    where, _, name = str(element.tag).removeprefix("{").rpartition("}")
    return name if where == namespace else ""


def _forget(element: etree._Element, parent: etree._Element) -> None:
    """Empty it, and drop all before it: who reads a record has read what stands above it."""
    element.clear(keep_tail=False)
    while element.getprevious() is not None:
        del parent[0]


def _prefix(element: etree._Element) -> str:
    tag = cast("str", element.tag)
    return tag[: tag.index("}") + 1]


@lru_cache(maxsize=1024)
def _day(text: str) -> date:
    """Of an ISODate or ISODateTime; a time zone behind either changes nothing, the day is the bank's."""
    if not _DAY.fullmatch(text):
        raise ValueError(f"a day of {len(text)} characters")
    return date.fromisoformat(text[:10])


@lru_cache(maxsize=1024)
def _qualified(path: str, prefix: str) -> str:
    return "/".join(prefix + name for name in path.split("/"))
