"""Where persons, employers and institutions are paid: recorded under their codes, answered by their references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.kit.db import Tx
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.kit.messages import Reason, reason
from services.kit.seal import Sealer
from services.registry import rules, store
from services.registry.model import Account, Payee, PayeeKind, StatedPayee
from services.registry.store import AccountRow, OnFile, PayeeOnFile
from services.registry.usecases.office import Asker, Office

METHOD = "BatchGetPayees"


@dataclass(frozen=True, slots=True)
class _Known:
    """A payee on file: the reference, what seals for it, and its name, if that is known."""

    reference: UUID
    sealer: Sealer
    name: str = field(repr=False)


Found = Mapping[tuple[PayeeKind, str], _Known]  # by kind and code


async def record_payees(office: Office, stated: Sequence[StatedPayee]) -> int:
    """Record these accounts, the last of each payee; answers how many are otherwise than before, or confirmed.

    Raises Invalid for an employer or institution that is unknown, for a person who was erased, and for an account in
    another name than the payee's.
    """
    async with office.database.transaction() as tx:
        found = await _found(office, tx, stated)
        if problems := list(_problems(stated, found)):
            raise Invalid(*problems)
        last = {(one.kind, one.code): one for one in stated}
        rows = [_row(one, found[named]) for named, one in last.items()]
        return await store.save_accounts(tx, rows, office.clock.now())


async def _found(office: Office, tx: Tx, stated: Sequence[StatedPayee]) -> Found:
    def codes(kind: PayeeKind) -> list[str]:
        return sorted({one.code for one in stated if one.kind is kind})

    employers = await store.named_employers(tx, codes(PayeeKind.EMPLOYER))
    providers = await store.named_providers(tx, codes(PayeeKind.PROVIDER))
    return {
        **{(PayeeKind.EMPLOYER, code): _Known(one.id, office.sealer, one.name) for code, one in employers.items()},
        **{(PayeeKind.PROVIDER, code): _Known(one.id, office.sealer, one.name) for code, one in providers.items()},
        **await _persons(office, tx, codes(PayeeKind.PERSON)),
    }


async def _persons(office: Office, tx: Tx, numbers: Sequence[str]) -> Found:
    """Persons with their keys, locked against an erasure; who has no key yet gets one. The erased are missing."""
    if not numbers:
        return {}
    indexes = {number: office.index(number) for number in numbers}
    on_file = await store.lock(tx, [(new_id(), index) for index in sorted(indexes.values())])
    found: dict[tuple[PayeeKind, str], _Known] = {}
    made: list[tuple[UUID, bytes]] = []
    for number, index in indexes.items():
        person = on_file[index]
        if not person.is_erased:
            sealer, wrapped = _key(office, person)
            found[PayeeKind.PERSON, number] = _Known(person.id, sealer, _name(sealer, person.id, person.sealed))
            made += [(person.id, wrapped)] if wrapped else []
    await store.keep_keys(tx, made)
    return found


def _key(office: Office, person: OnFile) -> tuple[Sealer, bytes | None]:
    context = person.id.bytes
    return (office.sealer.unwrap(person.wrapped, context), None) if person.wrapped else office.sealer.new_key(context)


def _name(sealer: Sealer, person: UUID, identity: bytes | None) -> str:
    """As she is on file; empty if none was stated, or it was sealed by an older release with another key than hers."""
    opened = sealer.opened(identity, person.bytes) if identity is not None else None
    return [*opened.decode().split("\n"), ""][1] if opened is not None else ""


def _problems(stated: Sequence[StatedPayee], found: Found) -> Iterator[Reason]:
    for one in stated:
        if known := found.get((one.kind, one.code)):
            if not rules.is_holder(one.account.holder, known.name):
                yield reason("HOLDER_DIFFERS", one.holder_place)
            continue
        match one.kind:
            case PayeeKind.PERSON:
                yield reason("PERSON_ERASED", one.place)
            case PayeeKind.EMPLOYER:
                yield reason("EMPLOYER_UNKNOWN", one.place)
            case PayeeKind.PROVIDER:
                yield reason("PROVIDER_UNKNOWN", one.place)


def _row(stated: StatedPayee, known: _Known) -> AccountRow:
    plain, context = _plain(stated.account), _context(stated.kind, known.reference)
    sealer = known.sealer
    digest = sealer.digest(context + b"\x00" + plain)
    return AccountRow(stated.kind, known.reference, sealer.seal(plain, context), digest, stated.confirmed_version)


async def get_payees(office: Office, asked: Sequence[tuple[PayeeKind, UUID]], asker: Asker) -> list[Payee]:
    """Where each is paid, in their order; the reading is audited before it is answered, one row a call."""
    found = await store.payees(office.database, asked)
    subjects = sorted({reference for _, reference in asked})
    await office.audit(METHOD, asker, subjects)
    return [_payee(office, *one, on_file) for one, on_file in zip(asked, found, strict=True)]


def _payee(office: Office, kind: PayeeKind, reference: UUID, on_file: PayeeOnFile) -> Payee:
    version = on_file.version or 0
    if not on_file.is_known:
        return Payee(None, version, reason="REFERENCE_UNKNOWN")
    if on_file.is_erased:
        return Payee(None, version, reason="PERSON_ERASED")
    if on_file.sealed is None or on_file.content_hash is None:
        return Payee(None, version, reason="ACCOUNT_MISSING")
    sealer, name = office.sealer, on_file.name
    if kind is PayeeKind.PERSON:
        sealer = sealer.unwrap(on_file.wrapped or b"", reference.bytes)
        name = _name(sealer, reference, on_file.identity)
    account = Account(*sealer.open(on_file.sealed, _context(kind, reference)).decode().split("\x00"))
    if not rules.is_holder(account.holder, name):
        return Payee(None, version, reason="HOLDER_DIFFERS")  # the name was stated, or corrected, after the account
    return Payee(account, version, on_file.content_hash)


def _plain(account: Account) -> bytes:
    return f"{account.holder}\x00{account.number}\x00{account.bank_code}".encode()


def _context(kind: PayeeKind, reference: UUID) -> bytes:
    return f"payee/{kind}/{reference}".encode()
