"""Accounts of payees: recorded under a code, read by reference, sealed, versioned, audited, erased with the person."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import grpc
import pytest
from cradle.registry.v1 import service_pb2, service_pb2_grpc

from deploy.local.stack import Stack
from services.cli.failures import from_rpc
from services.kit import rpc
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.registry import usecases
from services.registry.model import Account, Payee, PayeeKind, StatedPayee
from services.registry.usecases import Asker, Office
from services.registry.wire import payees
from tests.builders import TODAY, id_number, uscc
from tests.kit.live import new_database, rows, value
from tests.registry.office import NAME, asked, employer, office, person, provider
from tests.registry.test_erasing import everything

pytestmark = pytest.mark.integration
HOLDER, NUMBER, BANK = "司马收款", "6222022603001234565", "103791000012"
HERS = Account(HOLDER, NUMBER, BANK)
OTHER = Account(HOLDER, "6217004260001234566", BANK)
FACTORY, HOSPITAL = Account("宝鸡测试厂", "6217004260001234566", BANK), Account("宝鸡测试医院", NUMBER, BANK)
TREASURY = Asker("service/treasury", "paying run 7")


@pytest.fixture(scope="module")
def dsn(stack: Stack) -> str:
    return new_database(stack, "registry")


def of(kind: PayeeKind, code: str, account: Account = HERS) -> StatedPayee:
    return StatedPayee(kind, code, account, "payees[0].code", "payees[0].account.holder")


async def got(given: Office, kind: PayeeKind, reference: UUID | None) -> Payee:
    (found,) = await usecases.get_payees(given, [(kind, reference or new_id())], TREASURY)
    return found


async def kept(given: Office, code: str, institution: str = "") -> None:
    """An employer and an institution that the registry knows."""
    await usecases.record(given, [employer(code)], [], [provider(institution)] if institution else [])


def test_each_kind_is_recorded_by_its_code_and_read_by_its_reference(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code, hospital = id_number(), uscc(), f"H{uscc()[8:]}"
        async with office(stack, dsn) as given:
            await kept(given, code, hospital)
            stated = [
                of(PayeeKind.PERSON, number),
                of(PayeeKind.EMPLOYER, code, FACTORY),
                of(PayeeKind.PROVIDER, hospital, HOSPITAL),
            ]

            changed = await usecases.record_payees(given, stated)

            references = [
                (PayeeKind.PERSON, (await asked(given, number)).person),
                (PayeeKind.EMPLOYER, await value(dsn, "SELECT id FROM employer WHERE uscc = $1", code)),
                (PayeeKind.PROVIDER, await value(dsn, "SELECT id FROM provider WHERE code = $1", hospital)),
            ]
            found = await usecases.get_payees(given, [(k, r) for k, r in references if r], TREASURY)
            crossed = await got(given, PayeeKind.EMPLOYER, references[0][1])

        assert changed == 3
        assert [(one.account, one.version, one.reason) for one in found] == [
            (HERS, 1, ""),
            (FACTORY, 1, ""),
            (HOSPITAL, 1, ""),
        ]
        assert len({one.content_hash for one in found}) == 3  # whose account it is counts
        assert (crossed.account, crossed.reason) == (None, "REFERENCE_UNKNOWN")

    asyncio.run(act())


def test_the_same_account_again_is_no_change_and_another_is_one(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number = id_number()
        async with office(stack, dsn) as given:
            seen = []
            for account in (HERS, HERS, OTHER, HERS):
                changed = await usecases.record_payees(given, [of(PayeeKind.PERSON, number, account)])
                found = await got(given, PayeeKind.PERSON, (await asked(given, number)).person)
                seen.append((changed, found.version, found.account, found.content_hash))

        assert [one[:3] for one in seen] == [(1, 1, HERS), (0, 1, HERS), (1, 2, OTHER), (1, 3, HERS)]
        assert seen[0][3] == seen[1][3] == seen[3][3] != seen[2][3]

    asyncio.run(act())


def test_the_same_account_confirmed_as_it_stands_is_another_version_once(stack: Stack, dsn: str) -> None:
    """A bank has refused it in a version, and the block was lifted since: who pays is told by the version."""

    async def act() -> None:
        number = id_number()
        async with office(stack, dsn) as given:
            seen = []
            for account, confirmed in ((HERS, 0), (HERS, 2), (HERS, 1), (HERS, 1), (OTHER, 2), (OTHER, 0)):
                stated = replace(of(PayeeKind.PERSON, number, account), confirmed_version=confirmed)
                changed = await usecases.record_payees(given, [stated])
                found = await got(given, PayeeKind.PERSON, (await asked(given, number)).person)
                seen.append((changed, found.version, found.account))

        assert seen == [(1, 1, HERS), (0, 1, HERS), (1, 2, HERS), (0, 2, HERS), (1, 3, OTHER), (0, 3, OTHER)]

    asyncio.run(act())


def test_of_many_at_once_for_one_payee_each_is_a_version(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await kept(given, code)
            await asyncio.gather(
                *[
                    usecases.record_payees(
                        given,
                        [of(kind, name, _nth(kind, n)) for kind, name in of_both(number, code, n)],
                    )
                    for n in range(8)
                ]
            )
            found = await got(given, PayeeKind.PERSON, (await asked(given, number)).person)

        assert found.version == 8

    def _nth(kind: PayeeKind, n: int) -> Account:
        return Account(HOLDER if kind is PayeeKind.PERSON else FACTORY.holder, f"{n:010}", BANK)

    def of_both(number: str, code: str, n: int) -> list[tuple[PayeeKind, str]]:
        both = [(PayeeKind.PERSON, number), (PayeeKind.EMPLOYER, code)]
        return both if n % 2 else both[::-1]

    asyncio.run(act())


def test_who_has_no_account_or_was_never_known_is_answered_so(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code)])
            reference = (await asked(given, number)).person

            answers = [await got(given, PayeeKind.PERSON, reference), await got(given, PayeeKind.PERSON, new_id())]

        assert answers == [Payee(None, reason="ACCOUNT_MISSING"), Payee(None, reason="REFERENCE_UNKNOWN")]

    asyncio.run(act())


def test_with_the_person_her_account_is_erased(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        account = Account(NAME, "6217009990001112223", BANK)
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code)])
            await usecases.record_payees(given, [of(PayeeKind.PERSON, number, account)])
            reference = (await asked(given, number)).person

            await usecases.erase(given, number, None, "request 7", TREASURY)

            found = await got(given, PayeeKind.PERSON, reference)
            with pytest.raises(Invalid) as refused:
                await usecases.record_payees(given, [of(PayeeKind.PERSON, number, account)])

        assert found == Payee(None, version=2, reason="PERSON_ERASED")
        assert [(one.code, one.field) for one in refused.value.reasons] == [("PERSON_ERASED", "payees[0].code")]
        left = await rows(dsn, "SELECT sealed, content_hash FROM payee_account WHERE reference = $1", reference)
        assert [tuple(row) for row in left] == [(None, None)]

    asyncio.run(act())


def test_an_unknown_code_is_refused_and_nothing_is_written(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number = id_number()
        stated = [
            of(PayeeKind.PERSON, number), of(PayeeKind.EMPLOYER, uscc()), of(PayeeKind.PROVIDER, "H61039999999")
        ]  # fmt: skip
        async with office(stack, dsn) as given:
            with pytest.raises(Invalid) as refused:
                await usecases.record_payees(given, stated)
            found = await got(given, PayeeKind.PERSON, (await asked(given, number)).person)

        assert [one.code for one in refused.value.reasons] == ["EMPLOYER_UNKNOWN", "PROVIDER_UNKNOWN"]
        assert found.reason == "ACCOUNT_MISSING"

    asyncio.run(act())


def test_an_account_in_another_name_is_refused_and_nothing_is_written(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code, hospital = id_number(), uscc(), f"H{uscc()[8:]}"
        async with office(stack, dsn) as given:
            await usecases.record(given, [employer(code)], [person(number, code)], [provider(hospital)])
            for stated in (
                of(PayeeKind.PERSON, number), of(PayeeKind.EMPLOYER, code), of(PayeeKind.PROVIDER, hospital)
            ):  # fmt: skip
                with pytest.raises(Invalid) as refused:
                    await usecases.record_payees(given, [stated])
                assert [(one.code, one.field) for one in refused.value.reasons] == [
                    ("HOLDER_DIFFERS", "payees[0].account.holder")
                ]
            found = await got(given, PayeeKind.PERSON, (await asked(given, number)).person)

        assert found.reason == "ACCOUNT_MISSING"

    asyncio.run(act())


def test_a_name_that_comes_after_the_account_is_compared_when_it_is_read(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        number, code = id_number(), uscc()
        async with office(stack, dsn) as given:
            await usecases.record_payees(given, [of(PayeeKind.PERSON, number)])  # never reported: no name to compare
            reference = (await asked(given, number)).person
            assert (await got(given, PayeeKind.PERSON, reference)).account == HERS

            await usecases.record(given, [employer(code)], [person(number, code)])
            assert await got(given, PayeeKind.PERSON, reference) == Payee(None, 1, reason="HOLDER_DIFFERS")

            await usecases.record(given, [], [person(number, code, name=f" {HOLDER[:2]} {HOLDER[2:]}")])
            assert (await got(given, PayeeKind.PERSON, reference)).account == HERS

    asyncio.run(act())


def test_a_reading_is_one_row_of_the_audit_and_no_account_lies_in_the_clear(stack: Stack, dsn: str) -> None:
    async def act() -> None:
        numbers = sorted(id_number() for _ in range(3))
        async with office(stack, dsn) as given:
            await usecases.record_payees(given, [of(PayeeKind.PERSON, number) for number in numbers])
            references = [(await asked(given, number)).person for number in numbers]
            before = await value(dsn, "SELECT count(*) FROM audit")
            await usecases.get_payees(given, [(PayeeKind.PERSON, one) for one in references if one], TREASURY)

        (row,) = await rows(dsn, "SELECT * FROM audit ORDER BY id DESC LIMIT 1")
        assert await value(dsn, "SELECT count(*) FROM audit") == before + 1
        assert (row["method"], row["principal"], row["purpose"]) == (
            "BatchGetPayees", TREASURY.principal, TREASURY.purpose
        )  # fmt: skip
        assert sorted(row["subjects"]) == sorted(one for one in references if one)
        seen = await everything(dsn)
        words = [word for text in (NUMBER, HOLDER, BANK) for word in (text, text.encode().hex())]
        assert [word for word in words if word in seen] == []

    asyncio.run(act())


def record_of(person_number: str, **account: str) -> service_pb2.PayeeRecord:
    made = {"holder": HOLDER, "number": NUMBER, "bank_code": BANK, **account}
    return service_pb2.PayeeRecord(person_id_number=person_number, account=service_pb2.PayeeAccount(**made))


def test_codes_are_checked_and_a_purpose_names_nobody() -> None:
    wrong = service_pb2.BatchRecordPayeesRequest(
        payees=[record_of(id_number()), record_of("610302199403124020"), service_pb2.PayeeRecord(employer_uscc="9161")]
    )
    asking = service_pb2.BatchGetPayeesRequest(purpose=f"paying {id_number()}")

    with pytest.raises(Invalid) as refused:
        payees.stated(wrong, TODAY)
    with pytest.raises(Invalid) as named:
        payees.asked(asking)

    assert [one.field for one in refused.value.reasons] == ["payees[1].person_id_number", "payees[2].employer_uscc"]
    assert [one.field for one in named.value.reasons] == ["purpose"]


def test_over_grpc_the_treasury_reads_and_shapes_are_checked_without_a_word_of_what_was_sent(stack: Stack) -> None:
    number, target = id_number(), stack.environment["CRADLE_REGISTRY_TARGET"]

    async def act() -> tuple[Any, list[str]]:
        async with rpc.channel(target, stack.operator) as channel:
            stub = service_pb2_grpc.RegistryServiceStub(channel)
            query = service_pb2.CoverageQuery(person_id_number=number)
            covered = await stub.BatchGetCoverage(
                service_pb2.BatchGetCoverageRequest(queries=[query], purpose="a test"), timeout=10
            )
            told = await refusals(stub, number)
            one = service_pb2.BatchRecordPayeesRequest(payees=[record_of(number)])
            assert (await stub.BatchRecordPayees(one, timeout=10)).changed == 1
        async with rpc.channel(target, stack.authority.identity("service/treasury")) as channel:
            stub = service_pb2_grpc.RegistryServiceStub(channel)
            payee = service_pb2.PayeeQuery(kind=service_pb2.PAYEE_KIND_PERSON, reference=covered.answers[0].person)
            request = service_pb2.BatchGetPayeesRequest(payees=[payee], purpose="a test")
            return (await stub.BatchGetPayees(request, timeout=10)).answers[0], told

    async def refusals(stub: Any, number: str) -> list[str]:
        wrong: Sequence[dict[str, str]] = [
            {"number": "1234567"}, {"number": "622202x603001234565"}, {"bank_code": "10379100001"}, {"holder": ""}
        ]  # fmt: skip
        told = []
        for account in wrong:
            request = service_pb2.BatchRecordPayeesRequest(payees=[record_of(number, **account)])
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.BatchRecordPayees(request, timeout=10)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            told.append(f"{refused.value.details()}{from_rpc(refused.value, target)}")
        return told

    answer, told = asyncio.run(act())
    assert (answer.account.holder, answer.account.number, answer.account.bank_code) == (HOLDER, NUMBER, BANK)
    assert (answer.version, len(answer.content_hash), answer.reason) == (1, 32, "")
    assert [word for text in told for word in ("622202", "1234567", HOLDER, number) if word in text] == []
