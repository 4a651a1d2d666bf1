"""Accounts of payees as they are stated, asked for and answered. Only shapes are looked at: no check digit, no bank."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from cradle.registry.v1 import service_pb2

from services.kit.errors import Invalid
from services.kit.identifiers import id_number_problems, plain, uscc_problems
from services.kit.ids import read_id
from services.kit.messages import Reason
from services.registry.model import Account, Payee, PayeeKind, StatedPayee
from services.registry.wire.checks import purpose_problems

_FIELDS: Final = {
    "person_id_number": PayeeKind.PERSON,
    "employer_uscc": PayeeKind.EMPLOYER,
    "provider_code": PayeeKind.PROVIDER,
}
_KINDS: Final = {service_pb2.PayeeKind.Value(f"PAYEE_KIND_{kind}"): kind for kind in PayeeKind}


def stated(request: service_pb2.BatchRecordPayeesRequest, today: date) -> list[StatedPayee]:
    """Raises Invalid for a code that cannot be one."""
    payees = [_stated(record, f"payees[{place}]") for place, record in enumerate(request.payees)]
    if problems := [problem for one in payees for problem in _problems(one, today)]:
        raise Invalid(*problems)
    return payees


def _stated(record: service_pb2.PayeeRecord, path: str) -> StatedPayee:
    field = record.WhichOneof("payee") or ""
    given = record.account
    account = Account(given.holder, given.number, given.bank_code)
    code = plain(getattr(record, field))
    places = f"{path}.{field}", f"{path}.account.holder"
    return StatedPayee(_FIELDS[field], code, account, *places, confirmed_version=record.confirmed_version)


def _problems(payee: StatedPayee, today: date) -> Sequence[Reason]:
    match payee.kind:
        case PayeeKind.PERSON:
            return id_number_problems(payee.code, payee.place, today)
        case PayeeKind.EMPLOYER:
            return uscc_problems(payee.code, payee.place)
        case PayeeKind.PROVIDER:
            return ()


def asked(request: service_pb2.BatchGetPayeesRequest) -> list[tuple[PayeeKind, UUID]]:
    """Raises Invalid for a purpose that names somebody by number: it is kept for ever, in the clear."""
    if problems := purpose_problems(request.purpose, demanded=False):
        raise Invalid(*problems)
    return [(_KINDS[query.kind], read_id(query.reference)) for query in request.payees]


def answers(payees: Sequence[Payee]) -> service_pb2.BatchGetPayeesResponse:
    return service_pb2.BatchGetPayeesResponse(answers=[_answer(payee) for payee in payees])


def _answer(payee: Payee) -> service_pb2.PayeeAnswer:
    answer = service_pb2.PayeeAnswer(version=payee.version, content_hash=payee.content_hash, reason=payee.reason)
    if (account := payee.account) is not None:
        answer.account.holder, answer.account.number = account.holder, account.number
        answer.account.bank_code = account.bank_code
    return answer
