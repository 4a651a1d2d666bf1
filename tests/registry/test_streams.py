"""The intake on the running stack: records of an office become receipts of that office, events, and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
import pytest
from cradle.registry.v1 import event_pb2, intake_pb2, office_pb2, office_pb2_grpc, service_pb2, service_pb2_grpc

from deploy.local.stack import Stack
from services.cli.failures import from_rpc
from services.kit import rpc
from services.kit.dates import to_proto
from services.kit.member_key import member_key
from tests.builders import TODAY, id_number, month, uscc
from tests.kit.live import read_until, rows, send
from tests.registry import statements
from tests.registry.statements import covered, paid, span

pytestmark = pytest.mark.integration
INTAKE, RECEIPT = "registry.coverage-intake.v1.tax", "registry.coverage-receipt.v1.tax"
NAME = "慕容税务"
Receipt = intake_pb2.CoverageReceipt


def exchange(stack: Stack, key: bytes, *sent: bytes) -> list[Receipt]:
    """Send these to the tax office's intake, and wait for the receipt of each, in their order."""

    async def act() -> list[Receipt]:
        positions = await send(stack, INTAKE, [(key, value) for value in sent])

        def placed(found: Sequence[object]) -> dict[str, Receipt]:
            receipts = [Receipt.FromString(one.value) for one in found]  # type: ignore[attr-defined]
            return {f"{r.position.topic}/{r.position.partition}/{r.position.offset}": r for r in receipts}

        found = await read_until(stack, [RECEIPT], lambda read: set(positions) <= set(placed(read)))
        return [placed(found)[position] for position in positions]

    return asyncio.run(act())


def test_an_offices_records_are_answered_told_and_known(stack: Stack) -> None:
    number, code = id_number(), uscc()
    sent = [
        statements.employer(code, record_number="E-9"),
        covered(number, span("2024-01-01", by=code), record_number="S-9"),
        paid(number, ("2026-03", "2026-04-08"), employer=code, name=NAME, to="2026-03", record_number="C-9"),
        paid(number, ("2026-03", "2026-02-08"), record_number="C-10"),
    ]

    values = [one.SerializeToString() for one in sent]
    receipts = exchange(stack, member_key(number), *values, values[2], b"\xff\x00")

    status = [intake_pb2.CoverageReceiptStatus.Name(r.status).rpartition("STATUS_")[2] for r in receipts]
    assert status == ["RECORDED", "RECORDED", "RECORDED", "RETURNED", "UNCHANGED", "RETURNED"]
    assert [r.record_number for r in receipts] == ["E-9", "S-9", "C-9", "C-10", "C-9", ""]
    assert {r.office for r in receipts} == {"tax"}
    assert [(given.code, given.field) for given in receipts[3].reasons] == [
        ("PAID_BEFORE_DUE", "contributions.paid[0].paid_on")
    ]
    assert receipts[3].reasons[0].text_zh
    assert receipts[3].reasons[0].text_en
    answer = ask(stack, number, code)
    assert (answer.person_known, answer.category) == (True, service_pb2.CATEGORY_EMPLOYEE)
    assert [(s.first_month, s.last_month) for s in answer.paid_months] == [(month("2026-03"), month("2026-03"))]
    told = events(stack, answer.person)
    assert told[-1].version == len(told) + 1  # one version is that of the event about who she is


def ask(stack: Stack, number: str, code: str) -> service_pb2.CoverageAnswer:
    with rpc.blocking_channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        query = service_pb2.CoverageQuery(person_id_number=number, employer_uscc=code)
        stub = service_pb2_grpc.RegistryServiceStub(channel)
        request = service_pb2.BatchGetCoverageRequest(queries=[query], purpose="a test")
        answer: service_pb2.CoverageAnswer = stub.BatchGetCoverage(request, timeout=10).answers[0]
        return answer


def events(stack: Stack, person: str) -> list[event_pb2.CoverageEvent]:
    """What was told of her coverage; read until it stays the same as what the outbox let go."""

    def mine(found: Sequence[object]) -> list[object]:
        return [one for one in found if one.key == person.encode()]  # type: ignore[attr-defined]

    read = asyncio.run(read_until(stack, ["registry.coverage.v1"], lambda found: bool(mine(found))))
    return [event_pb2.CoverageEvent.FromString(one.value) for one in mine(read)]  # type: ignore[attr-defined]


def test_who_is_nobody_is_refused_by_place(stack: Stack) -> None:
    with rpc.blocking_channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        stub = service_pb2_grpc.RegistryServiceStub(channel)
        queries = [service_pb2.CoverageQuery(person="x"), service_pb2.CoverageQuery()]
        with pytest.raises(grpc.RpcError) as raised:
            stub.BatchGetCoverage(service_pb2.BatchGetCoverageRequest(queries=queries, purpose="a test"), timeout=10)

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    fields = [given.field for given in from_rpc(raised.value, "").reasons]
    assert fields == ["queries[0].person", "queries[1].person_id_number"]


@pytest.mark.parametrize("purpose", ["", " ", f"deciding about {id_number()}"])
def test_persons_are_asked_for_with_a_purpose_that_names_nobody(stack: Stack, purpose: str) -> None:
    query = service_pb2.CoverageQuery(person_id_number=id_number())
    institution = service_pb2.ProviderQuery(code="H1", on=to_proto(TODAY))
    with rpc.blocking_channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        stub = service_pb2_grpc.RegistryServiceStub(channel)
        request = service_pb2.BatchGetCoverageRequest(queries=[query], providers=[institution], purpose=purpose)
        with pytest.raises(grpc.RpcError) as raised:
            stub.BatchGetCoverage(request, timeout=10)
        alone = stub.BatchGetCoverage(service_pb2.BatchGetCoverageRequest(providers=[institution]), timeout=10)

    told = [(given.code, given.field) for given in from_rpc(raised.value, "").reasons]
    assert told == [("ID_NUMBER_NOT_HERE" if purpose.strip() else "FIELD_REQUIRED", "purpose")]
    assert len(alone.providers) == 1


def test_the_same_over_grpc_has_a_receipt_for_each_and_erases_whom_it_is_asked_to(stack: Stack) -> None:
    number = id_number()
    records = [paid(number, ("2026-03", "2026-04-08"), name=NAME), paid("610302199403124020")]
    with rpc.blocking_channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        stub = office_pb2_grpc.OfficeServiceStub(channel)
        tried, taken = [
            stub.BatchTakeInCoverage(
                intake_pb2.BatchTakeInCoverageRequest(records=records, validate_only=dry), timeout=10
            )
            for dry in (True, False)
        ]
        request = office_pb2.ErasePersonRequest(person_id_number=number, reason="a test")
        erased, again = [stub.ErasePerson(request, timeout=10) for _ in range(2)]

    assert [r.status for r in tried.receipts] == [r.status for r in taken.receipts]
    assert [given.field for given in taken.receipts[1].reasons] == ["contributions.person_id_number"]
    assert (erased.erased_before, again.erased_before) == (False, True)
    assert erased.person == again.person == ask(stack, number, "").person


def test_no_receipt_no_event_and_no_log_says_who_anybody_is(stack: Stack) -> None:
    number = id_number()
    sent = paid(number, ("2026-03", "2026-04-08"), name=NAME, record_number="Q-1").SerializeToString()
    exchange(stack, member_key(number), sent, sent[:-3], NAME.encode() + number.encode())
    person = ask(stack, number, "").person
    topics = [RECEIPT, "registry.coverage.v1", "registry.person.v1", "registry.employer.v1"]

    read = asyncio.run(
        read_until(
            stack,
            topics,
            lambda found: len([one for one in found if one.key == person.encode()]) >= 2,
        )
    )

    seen = b"\n".join(b"".join([one.key or b"", one.value or b"", *[v for _, v in one.headers]]) for one in read)
    logs = b"\n".join(path.read_bytes() for path in stack.logs.glob("registry-*.log"))
    assert logs
    for word in (number, NAME):
        assert word.encode() not in seen
        assert word.encode() not in logs
    dsn = f"{stack.environment['DATABASE_URL']}/cradle_registry"
    (audited,) = asyncio.run(rows(dsn, "SELECT purpose FROM audit ORDER BY id DESC LIMIT 1"))
    assert audited["purpose"] == "a test"
