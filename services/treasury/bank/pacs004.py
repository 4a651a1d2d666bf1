"""Payments that come back after they had settled (退汇): pacs.004.001.09 (PaymentReturnV09), as a bank passes it on.

The money is on the statement too; this names the payment and the reason, and may come before or after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import BinaryIO, Final, NamedTuple

from lxml import etree

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.treasury.bank.reading import (
    BYTES_MAX,
    amount,
    count,
    day,
    elements,
    fields,
    identifier,
    same_count,
    same_sum,
    total,
)

MESSAGES: Final = ("pacs.004.001.09",)
_PARENTS: Final = {"GrpHdr": "PmtRtr", "OrgnlGrpInf": "PmtRtr", "TxInf": "PmtRtr"}


class Return(NamedTuple):
    """One payment that comes back, in whole or in part."""

    message_id: str  # the bank's
    return_id: str
    original_message_id: str  # our file's, if told
    end_to_end_id: str
    amount_fen: int  # what comes back
    returned_on: date | None
    reason: str  # AC04 MD07 ..., NARR if none is told


def read(source: BinaryIO, bytes_max: int = BYTES_MAX) -> Iterator[Return]:
    """Raises Invalid (see `reading`), also where count or sum do not fit the returns."""
    message_id = original = ""
    stated_count: int | None = None
    stated_fen: int | None = None
    returns = summed_fen = 0
    for event, name, element in elements(source, MESSAGES, _PARENTS, bytes_max):
        match name, event:
            case "GrpHdr", "end":
                told = fields(element)
                message_id = identifier(told, "MsgId", name)
                stated_count, stated_fen = count(told, "NbOfTxs", name), total(told, "CtrlSum", name)
            case "OrgnlGrpInf", "end":
                original = fields(element).get("OrgnlMsgId", "")
            case "TxInf", "end":
                returns += 1
                one = _return(element, message_id, original, f"TxInf[{returns}]")
                summed_fen += one.amount_fen
                yield one
    if not message_id:
        raise Invalid(reason("BANK_ELEMENT_MISSING", "GrpHdr"))
    same_count(stated_count, returns, "GrpHdr")
    same_sum(stated_fen, summed_fen, "GrpHdr")


def _return(element: etree._Element, message_id: str, original: str, where: str) -> Return:
    told = fields(element)
    return Return(
        message_id=message_id,
        return_id=told.get("RtrId", ""),
        original_message_id=told.get("OrgnlGrpInf/OrgnlMsgId") or original,
        end_to_end_id=identifier(told, "OrgnlEndToEndId", where),
        amount_fen=amount(told, "RtrdIntrBkSttlmAmt", where),
        returned_on=day(told, "IntrBkSttlmDt", where),
        reason=told.get("RtrRsnInf/Rsn/Cd") or told.get("RtrRsnInf/Rsn/Prtry") or "NARR",
    )
