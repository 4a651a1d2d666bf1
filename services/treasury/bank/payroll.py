"""Payments out as a CSV file (代发文件), for a bank that takes no ISO 20022: the same rows, the same totals.

UTF-8 with a byte order mark, because without one Excel in Chinese reads UTF-8 as GBK and shows nonsense to the clerk
who checks it; lines end in CR LF (RFC 4180). Four parts, totals before lines:

| line | columns |
|---|---|
| 1 | 批次号, 付款账号, 付款户名, 执行日期, 币种, 总笔数, 总金额(元) |
| 2 | their values: the message's id, our account and name, the day (YYYY-MM-DD), CNY, count, sum in yuan |
| 3 | 序号, 支付编号, 收款人类别, 收款户名, 收款账号, 开户行行号, 开户行名称, 金额(元), 用途 |
| 4 ... | a payment each: number, end-to-end id, kind of payee, name, account, bank code, bank, yuan, remittance |

A spreadsheet takes a cell that begins with = + - @ (full-width ones too) for a formula: such a cell gets an apostrophe
in front, which a spreadsheet hides. A name so marked fails the bank's comparison; that line is refused, and nothing
worse happens. Who opens the file in Excel and saves it destroys the account numbers (15 digits are kept): the hash and
signature beside the file tell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.treasury.bank.accounts import NAME_MAX
from services.treasury.bank.amounts import CURRENCY, decimal, signed
from services.treasury.bank.pain001 import REMITTANCE_MAX, Order, Payment
from services.treasury.bank.placing import Content, Hashing, place
from services.treasury.bank.reference import encode
from services.treasury.bank.wording import cut, plain

MARK: Final = b"\xef\xbb\xbf"
TOTALS: Final = ("批次号", "付款账号", "付款户名", "执行日期", "币种", "总笔数", "总金额(元)")
COLUMNS: Final = (
    "序号",
    "支付编号",
    "收款人类别",
    "收款户名",
    "收款账号",
    "开户行行号",
    "开户行名称",
    "金额(元)",
    "用途",
)
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def write(path: Path, order: Order, payments: Iterable[Payment], expected: bytes | None = None) -> Content:
    """As `pain001.write`, with the same refusals."""
    return place(path, lambda file: _document(file, order, payments), expected)


def digest(order: Order, payments: Iterable[Payment]) -> Content:
    """Hash and size of the file, without writing one."""
    hashing = Hashing(None)
    _document(hashing, order, payments)
    return hashing.content()


def cell(text: str) -> str:
    """The text as no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _document(file: Hashing, order: Order, payments: Iterable[Payment]) -> None:
    debtor = order.debtor
    count, total_fen = sum(batch.payments for batch in order.batches), sum(batch.total_fen for batch in order.batches)
    day = order.execute_on.isoformat()
    file.write(MARK)
    file.write(_row(TOTALS))
    file.write(
        _row((order.message_id, debtor.account, cell(plain(debtor.name)), day, CURRENCY, count, decimal(total_fen)))
    )
    file.write(_row(COLUMNS))
    for line in _lines(order, payments):
        file.write(_row(line))


def _row(cells: Iterable[object]) -> bytes:
    row = io.StringIO()
    csv.writer(row, lineterminator="\r\n").writerow(cells)
    return row.getvalue().encode()


def _lines(order: Order, payments: Iterable[Payment]) -> Iterator[tuple[object, ...]]:
    """A line for each payment; at the end the batches' counts and sums must be those declared."""
    found = {batch.payee_kind: (0, 0) for batch in order.batches}
    for number, payment in enumerate(payments, 1):
        if payment.payee_kind not in found:
            raise Invalid(reason("BANK_BATCH_ORDER", encode(payment.payment_id), kind=payment.payee_kind))
        count, total_fen = found[payment.payee_kind]
        found[payment.payee_kind] = count + 1, total_fen + payment.amount_fen
        yield _line(number, payment)
    for batch in order.batches:
        count, total_fen = found[batch.payee_kind]
        if count != batch.payments:
            raise Invalid(reason("BANK_COUNT", batch.batch_id, stated=batch.payments, found=count))
        if total_fen != batch.total_fen:
            raise Invalid(reason("BANK_SUM", batch.batch_id, stated=signed(batch.total_fen), found=signed(total_fen)))


def _line(number: int, payment: Payment) -> tuple[object, ...]:
    reference, name = encode(payment.payment_id), plain(payment.name)
    if payment.amount_fen <= 0:
        raise Invalid(reason("BANK_AMOUNT_NEGATIVE", reference))
    if not name:
        raise Invalid(reason("BANK_NAME_EMPTY", reference))
    if len(name) > NAME_MAX:
        raise Invalid(reason("BANK_NAME_TOO_LONG", reference, limit=NAME_MAX))
    return (
        number,
        reference,
        payment.payee_kind,
        cell(name),
        cell(payment.account),
        cell(payment.bank_code),
        cell(cut(plain(payment.bank_name), NAME_MAX)),
        decimal(payment.amount_fen),
        cell(cut(plain(payment.remittance), REMITTANCE_MAX)),
    )
