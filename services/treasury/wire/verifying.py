"""The ledger computed again, part by part: where it goes on, and what came of a part."""

from __future__ import annotations

from typing import Final

from cradle.treasury.v1 import service_pb2

from services.kit import paging
from services.treasury.model.ledger import Place, Verified

_NUMBER: Final = 8


def place(request: service_pb2.VerifyLedgerRequest) -> Place | None:
    """Where it goes on; None at the beginning."""
    last = paging.last_of(request.page_token, request, 1 + _NUMBER)
    if last is None:
        return None
    if last[0] > 1 or last[1] & 0x80:
        raise paging.not_a_token()
    return Place(bool(last[0]), int.from_bytes(last[1:], "big"))


def verified(found: Verified, request: service_pb2.VerifyLedgerRequest) -> service_pb2.VerifyLedgerResponse:
    told = found._asdict()
    then = told.pop("then")
    token = paging.token_of(bytes([then.is_sums]) + then.after.to_bytes(_NUMBER, "big"), request) if then else ""
    return service_pb2.VerifyLedgerResponse(**told, next_page_token=token)
