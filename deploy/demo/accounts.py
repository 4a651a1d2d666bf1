"""Where the city is paid: an account for every woman, employer and hospital, made of who they are and of no draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Final

from cradle.registry.v1.service_pb2 import (
    BatchRecordPayeesRequest,
    EmployerRecord,
    PayeeAccount,
    PayeeRecord,
    PersonRecord,
    ProviderRecord,
)
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub
from stdnum import luhn

from services.kit import rpc
from services.kit.tls import Identity

_BANKS: Final = ("102100099996", "103100000026", "104100000004", "105100000017")  # head offices, real codes
_CHUNK: Final = 500
_CALL_TIMEOUT_S: Final = 30.0
_NAMELESS: Final = "合成单位"


def of_women(women: Iterable[PersonRecord], nth: int = 0) -> Iterator[PayeeRecord]:
    """Cards; another `nth` is another card."""
    for woman in women:
        digits = _digits(woman.person_id_number, nth)
        card = f"622202{digits[:12]}"
        number = card + luhn.calc_check_digit(card)
        account = PayeeAccount(holder=woman.name, number=number, bank_code=_bank(digits))
        yield PayeeRecord(person_id_number=woman.person_id_number, account=account)


def of_employers(employers: Iterable[EmployerRecord], nth: int = 0) -> Iterator[PayeeRecord]:
    for employer in employers:
        yield PayeeRecord(employer_uscc=employer.uscc, account=_business(employer.name, employer.uscc, nth))


def of_hospitals(hospitals: Iterable[ProviderRecord], nth: int = 0) -> Iterator[PayeeRecord]:
    for hospital in hospitals:
        yield PayeeRecord(provider_code=hospital.code, account=_business(hospital.name, hospital.code, nth))


def record(target: str, identity: Identity, payees: Iterator[PayeeRecord]) -> int:
    """Tell the registry; answers how many are otherwise than before."""
    changed = 0
    with rpc.blocking_channel(target, identity) as channel:
        registry = RegistryServiceStub(channel)
        while chunk := list(islice(payees, _CHUNK)):
            request = BatchRecordPayeesRequest(payees=chunk)
            changed += registry.BatchRecordPayees(request, timeout=_CALL_TIMEOUT_S).changed
    return changed


def _business(name: str, code: str, nth: int) -> PayeeAccount:
    digits = _digits(code, nth)
    return PayeeAccount(holder=name or _NAMELESS, number=f"8{digits[:17]}", bank_code=_bank(digits))


def _bank(digits: Sequence[str]) -> str:
    return _BANKS[int(digits[-1]) % len(_BANKS)]


def _digits(who: str, nth: int) -> str:
    return f"{int.from_bytes(sha256(f'{nth}/{who}'.encode()).digest()[:8], 'big'):020d}"
