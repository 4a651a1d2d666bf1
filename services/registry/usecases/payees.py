"""Where persons, employers and institutions are paid: recorded under their codes, answered by their references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from services.kit.db import Tx
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.kit.messages import Reason, reason
from services.kit.seal import Sealer
from services.registry import store
from services.registry.model import Account, Payee, PayeeKind, StatedPayee
from services.registry.store import AccountRow, OnFile, PayeeOnFile
from services.registry.usecases.office import Asker, Office

METHOD = "BatchGetPayees"
Found = Mapping[tuple[PayeeKind, str], tuple[UUID, Sealer]]  # by kind and code: the reference, and what seals for it


async def record_payees(office: Office, stated: Sequence[StatedPayee]) -> int:
    """Record these accounts, the last of each payee; answers how many are otherwise than before.

    Raises Invalid for an employer or institution that is unknown, and for a person who was erased.
    """
    async with office.database.transaction() as tx:
        found = await _found(office, tx, stated)
        if problems := list(_problems(stated, found)):
            raise Invalid(*problems)
        last = {(one.kind, one.code): one for one in stated}
        rows = [_row(one, *found[named]) for named, one in last.items()]
        return await store.save_accounts(tx, rows, office.clock.now())


async def _found(office: Office, tx: Tx, stated: Sequence[StatedPayee]) -> Found:
    def codes(kind: PayeeKind) -> list[str]:
        return sorted({one.code for one in stated if one.kind is kind})

    employers = await store.employers_of(tx, codes(PayeeKind.EMPLOYER))
    providers = await store.providers_of(tx, codes(PayeeKind.PROVIDER))
    return {
        **{(PayeeKind.EMPLOYER, code): (employer, office.sealer) for code, employer in employers.items()},
        **{(PayeeKind.PROVIDER, code): (provider, office.sealer) for code, provider in providers.items()},
        **await _persons(office, tx, codes(PayeeKind.PERSON)),
    }


async def _persons(office: Office, tx: Tx, numbers: Sequence[str]) -> Found:
    """Persons with their keys, locked against an erasure; who has no key yet gets one. The erased are missing."""
    if not numbers:
        return {}
    indexes = {number: office.index(number) for number in numbers}
    on_file = await store.lock(tx, [(new_id(), index) for index in sorted(indexes.values())])
    found: dict[tuple[PayeeKind, str], tuple[UUID, Sealer]] = {}
    made: list[tuple[UUID, bytes]] = []
    for number, index in indexes.items():
        person = on_file[index]
        if not person.is_erased:
            sealer, wrapped = _key(office, person)
            found[PayeeKind.PERSON, number] = (person.id, sealer)
            made += [(person.id, wrapped)] if wrapped else []
    await store.keep_keys(tx, made)
    return found


def _key(office: Office, person: OnFile) -> tuple[Sealer, bytes | None]:
    context = person.id.bytes
    return (office.sealer.unwrap(person.wrapped, context), None) if person.wrapped else office.sealer.new_key(context)


def _problems(stated: Sequence[StatedPayee], found: Found) -> Iterator[Reason]:
    for one in stated:
        if (one.kind, one.code) in found:
            continue
        match one.kind:
            case PayeeKind.PERSON:
                yield reason("PERSON_ERASED", one.place)
            case PayeeKind.EMPLOYER:
                yield reason("EMPLOYER_UNKNOWN", one.place)
            case PayeeKind.PROVIDER:
                yield reason("PROVIDER_UNKNOWN", one.place)


def _row(stated: StatedPayee, reference: UUID, sealer: Sealer) -> AccountRow:
    plain, context = _plain(stated.account), _context(stated.kind, reference)
    return AccountRow(stated.kind, reference, sealer.seal(plain, context), sealer.digest(context + b"\x00" + plain))


async def get_payees(office: Office, asked: Sequence[tuple[PayeeKind, UUID]], asker: Asker) -> list[Payee]:
    """Where each is paid, in their order; the reading is audited before it is answered, one row a call."""
    found = await store.payees(office.database, asked)
    subjects = sorted({reference for _, reference in asked})
    await store.audit(office.database, office.clock.now(), METHOD, asker.principal, asker.purpose, subjects)
    return [_payee(office, *one, on_file) for one, on_file in zip(asked, found, strict=True)]


def _payee(office: Office, kind: PayeeKind, reference: UUID, on_file: PayeeOnFile) -> Payee:
    version = on_file.version or 0
    if not on_file.is_known:
        return Payee(None, version, reason="REFERENCE_UNKNOWN")
    if on_file.is_erased:
        return Payee(None, version, reason="PERSON_ERASED")
    if on_file.sealed is None or on_file.content_hash is None:
        return Payee(None, version, reason="ACCOUNT_MISSING")
    sealer = office.sealer
    if kind is PayeeKind.PERSON:
        sealer = sealer.unwrap(on_file.wrapped or b"", reference.bytes)
    opened = sealer.open(on_file.sealed, _context(kind, reference)).decode()
    return Payee(Account(*opened.split("\x00")), version, on_file.content_hash)


def _plain(account: Account) -> bytes:
    return f"{account.holder}\x00{account.number}\x00{account.bank_code}".encode()


def _context(kind: PayeeKind, reference: UUID) -> bytes:
    return f"payee/{kind}/{reference}".encode()
