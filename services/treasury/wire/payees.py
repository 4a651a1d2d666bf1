"""Asking the registry where payees are paid. What it answers is personal: it is sealed, or goes to a bank, at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from cradle.registry.v1 import service_pb2

from services.treasury.model import Account, Payee

if TYPE_CHECKING:
    from cradle.registry.v1.service_pb2_grpc import RegistryServiceAsyncStub

PURPOSE: Final = "payment"
_KINDS: Final = {name.removeprefix("PAYEE_KIND_"): number for name, number in service_pb2.PayeeKind.items() if number}

Answer: TypeAlias = "Account | tuple[str, ...]"


async def ask(stub: RegistryServiceAsyncStub, payees: Sequence[Payee], deadline_s: float) -> Mapping[Payee, Answer]:
    """One call. What the registry cannot know is not asked: one malformed reference would refuse the whole question."""
    found: dict[Payee, Answer] = {payee: why for payee in payees if (why := _never(payee))}
    asked = [payee for payee in payees if payee not in found]
    if asked:
        queries = [service_pb2.PayeeQuery(kind=_KINDS[one.kind], reference=one.reference) for one in asked]
        request = service_pb2.BatchGetPayeesRequest(payees=queries, purpose=PURPOSE)
        response = await stub.BatchGetPayees(request, timeout=deadline_s)
        found |= {payee: _read(answer) for payee, answer in zip(asked, response.answers, strict=True)}
    return found


def _never(payee: Payee) -> tuple[str, ...]:
    if payee.kind not in _KINDS:
        return ("CLASS_NOT_PAID",)
    try:
        return () if str(UUID(payee.reference)) == payee.reference.lower() else ("REFERENCE_UNKNOWN",)
    except ValueError:
        return ("REFERENCE_UNKNOWN",)


def _read(answer: service_pb2.PayeeAnswer) -> Answer:
    if answer.reason or not answer.HasField("account"):
        return (answer.reason or "ACCOUNT_MISSING",)
    account = answer.account
    return Account(account.holder, account.number, account.bank_code, answer.version)
