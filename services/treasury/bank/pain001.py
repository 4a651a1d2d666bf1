"""Payments out: pain.001.001.09 (CustomerCreditTransferInitiationV09), one file for each of our accounts at a bank.

A `PmtInf` for each class of payee, its count and sum and those of the whole before the first payment, `EndToEndId` the
payment's own id. Written payment by payment, so memory does not grow with their number. All that is not in the stored
rows comes in as an argument (ids, instant, day): the same rows give the same bytes.

How we use what the standard leaves open:

| element | value |
|---|---|
| `BtchBookg` | false: an entry on the statement for each payment, or the end-to-end id would be lost in a sum |
| `ChrgBr` | DEBT: what is owed arrives whole |
| `CtgyPurp` | SSBE (social security benefit) for persons, GOVT for institutions |
| accounts | `Othr/Id`: Chinese accounts are no IBANs |
| agents | `ClrSysMmbId` with the clearing system CNAPS and the bank's 12 digits |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from lxml import etree

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.treasury.bank.accounts import ACCOUNT_MAX, NAME_MAX
from services.treasury.bank.amounts import CURRENCY, decimal, signed
from services.treasury.bank.placing import Content, Hashing, place
from services.treasury.bank.reference import encode
from services.treasury.bank.wording import cut, plain

MESSAGE: Final = "pain.001.001.09"
NAMESPACE: Final = f"urn:iso:std:iso:20022:tech:xsd:{MESSAGE}"
ID_MAX: Final = 35  # Max35Text
REMITTANCE_MAX: Final = 140  # Max140Text
CLEARING: Final = "CNAPS"  # ExternalClearingSystemIdentification1Code
_PURPOSES: Final = {"PERSON": "SSBE"}  # ExternalCategoryPurpose1Code
_OTHER_PURPOSE: Final = "GOVT"


class Debtor(NamedTuple):
    """Our account at a bank: whose money the file moves."""

    name: str
    account: str
    bank_code: str  # CNAPS, 12 digits


class Batch(NamedTuple):
    """The payments of one class of payee, as the second person approved them: how many, and how much."""

    batch_id: str  # Max35Text; comes back in the bank's answers
    payee_kind: str  # as PERSON, PROVIDER
    payments: int  # how many
    total_fen: int


class Order(NamedTuple):
    """What stands above the payments. `batches` in the order in which their payments follow."""

    message_id: str  # Max35Text, never used twice; a bank knows a file by it
    created_at: datetime  # an instant
    execute_on: date
    debtor: Debtor
    batches: tuple[Batch, ...]


class Payment(NamedTuple):
    """One payment, as frozen in the plan. The amount is fen, above nothing."""

    payment_id: UUID
    payee_kind: str
    amount_fen: int
    name: str
    account: str
    bank_code: str  # CNAPS, 12 digits
    bank_name: str = ""
    remittance: str = ""


def write(path: Path, order: Order, payments: Iterable[Payment], expected: bytes | None = None) -> Content:
    """Write the file and rename it into place. `payments` come batch by batch.

    Raises Invalid, and leaves no file, if the payments are not those of the batches, by count, sum or order; if one
    cannot be written; or if the file is not the one of `expected`, the SHA-256 it had when it was built before.
    """
    return place(path, lambda file: _document(file, order, payments), expected)


def digest(order: Order, payments: Iterable[Payment]) -> Content:
    """Hash and size of the file, without writing one."""
    hashing = Hashing(None)
    _document(hashing, order, payments)
    return hashing.content()


def _document(file: Hashing, order: Order, payments: Iterable[Payment]) -> None:
    # Tags bear no namespace of their own: within the default one of the root they are in it, and are not told again.
    with etree.xmlfile(file, encoding="UTF-8") as xml:
        xml.write_declaration()
        with xml.element("Document", nsmap={None: NAMESPACE}), xml.element("CstmrCdtTrfInitn"):
            xml.write(_header(order))
            batches = iter(order.batches)
            for kind, group in groupby(payments, key=lambda payment: payment.payee_kind):
                _batch(xml, order, _next_of(batches, kind), group)
            if left := next(batches, None):
                raise Invalid(reason("BANK_COUNT", left.batch_id, stated=left.payments, found=0))


def _next_of(batches: Iterator[Batch], kind: str) -> Batch:
    batch = next(batches, None)
    if batch is None or batch.payee_kind != kind:
        raise Invalid(reason("BANK_BATCH_ORDER", batch.batch_id if batch else "", kind=kind))
    return batch


def _batch(xml: Any, order: Order, batch: Batch, payments: Iterable[Payment]) -> None:
    count = total_fen = 0
    with xml.element("PmtInf"):
        for element in _batch_header(order, batch):
            xml.write(element)
        for payment in payments:
            xml.write(_transfer(payment))
            count += 1
            total_fen += payment.amount_fen
    if count != batch.payments:
        raise Invalid(reason("BANK_COUNT", batch.batch_id, stated=batch.payments, found=count))
    if total_fen != batch.total_fen:
        raise Invalid(reason("BANK_SUM", batch.batch_id, stated=signed(batch.total_fen), found=signed(total_fen)))


# --- elements, in the order of the schema ---------------------------------------------------------------------------


def _header(order: Order) -> etree._Element:
    if order.created_at.tzinfo is None:
        raise ValueError("an instant has a time zone; without one, the same rows would be another file elsewhere")
    header = etree.Element("GrpHdr")
    _add(header, "MsgId", _id(order.message_id, "message_id"))
    _add(header, "CreDtTm", order.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")
    _add(header, "NbOfTxs", str(sum(batch.payments for batch in order.batches)))
    _add(header, "CtrlSum", decimal(sum(batch.total_fen for batch in order.batches)))
    _add(_add(header, "InitgPty"), "Nm", _name(order.debtor.name, "debtor"))
    return header


def _batch_header(order: Order, batch: Batch) -> Iterator[etree._Element]:
    yield _leaf("PmtInfId", _id(batch.batch_id, "batch_id"))
    yield _leaf("PmtMtd", "TRF")
    yield _leaf("BtchBookg", "false")
    yield _leaf("NbOfTxs", str(batch.payments))
    yield _leaf("CtrlSum", decimal(batch.total_fen))
    purpose = etree.Element("PmtTpInf")
    _add(_add(purpose, "CtgyPurp"), "Cd", _PURPOSES.get(batch.payee_kind, _OTHER_PURPOSE))
    yield purpose
    day = etree.Element("ReqdExctnDt")
    _add(day, "Dt", order.execute_on.isoformat())
    yield day
    debtor = etree.Element("Dbtr")
    _add(debtor, "Nm", _name(order.debtor.name, "debtor"))
    yield debtor
    account = _account("DbtrAcct", order.debtor.account, "debtor")
    _add(account, "Ccy", CURRENCY)
    yield account
    yield _agent("DbtrAgt", order.debtor.bank_code, "")
    yield _leaf("ChrgBr", "DEBT")


def _transfer(payment: Payment) -> etree._Element:
    reference = encode(payment.payment_id)
    if payment.amount_fen <= 0:
        raise Invalid(reason("BANK_AMOUNT_NEGATIVE", reference))
    transfer = etree.Element("CdtTrfTxInf")
    _add(_add(transfer, "PmtId"), "EndToEndId", reference)
    _add(_add(transfer, "Amt"), "InstdAmt", decimal(payment.amount_fen)).set("Ccy", CURRENCY)
    transfer.append(_agent("CdtrAgt", payment.bank_code, payment.bank_name))
    _add(_add(transfer, "Cdtr"), "Nm", _name(payment.name, reference))
    transfer.append(_account("CdtrAcct", payment.account, reference))
    if remittance := cut(plain(payment.remittance), REMITTANCE_MAX):
        _add(_add(transfer, "RmtInf"), "Ustrd", remittance)
    return transfer


def _account(tag: str, number: str, where: str) -> etree._Element:
    if not number.strip() or number != plain(number) or len(number) > ACCOUNT_MAX:
        raise Invalid(reason("BANK_ACCOUNT_CHARACTERS", where))
    account = etree.Element(tag)
    _add(_add(_add(account, "Id"), "Othr"), "Id", number)
    return account


def _agent(tag: str, bank_code: str, bank_name: str) -> etree._Element:
    agent = etree.Element(tag)
    institution = _add(agent, "FinInstnId")
    member = _add(institution, "ClrSysMmbId")
    _add(_add(member, "ClrSysId"), "Cd", CLEARING)
    _add(member, "MmbId", _id(bank_code, "bank_code"))
    if name := cut(plain(bank_name), NAME_MAX):
        _add(institution, "Nm", name)
    return agent


def _name(name: str, where: str) -> str:
    """Never cut: a bank compares it with its own."""
    written = plain(name)
    if not written:
        raise Invalid(reason("BANK_NAME_EMPTY", where))
    if len(written) > NAME_MAX:
        raise Invalid(reason("BANK_NAME_TOO_LONG", where, limit=NAME_MAX))
    return written


def _id(text: str, where: str) -> str:
    if not text or len(text) > ID_MAX or not text.isascii() or text != plain(text):
        raise Invalid(reason("BANK_ID_MALFORMED", where))
    return text


def _add(parent: etree._Element, tag: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, tag)
    child.text = text
    return child


def _leaf(tag: str, text: str) -> etree._Element:
    leaf = etree.Element(tag)
    leaf.text = text
    return leaf
