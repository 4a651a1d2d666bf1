"""After claims went through: no ID number and no name in a table of claims, on a result topic, or in a log. After she
was erased: not with the keys either, in any database.
"""

from __future__ import annotations

import asyncio
import re
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from cradle.claims.v1 import intake_pb2, submitting_pb2
from cradle.registry.v1 import office_pb2, office_pb2_grpc
from cradle.registry.v1 import service_pb2 as registry_pb2
from cradle.registry.v1 import service_pb2_grpc as registry_grpc

from deploy.local import kafka
from deploy.local.roles import DEFAULT_ROLES
from deploy.local.stack import SERVICES, Stack
from services.claims.store import erasing
from services.kit import db, rpc
from services.kit.member_key import member_key
from tests.builders import claim, claim_number, replacement, submit
from tests.claims.harness import asking, claims_dsn, exchange, insured
from tests.kit.live import eventually, read_until, rows, send, value
from tests.kit.opening import readable, traces
from tests.registry.statements import paid

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
NAME = "慕容测试娟"
TELEPHONE = "13809171234"
ACCOUNT = "6217004260009876543"


@dataclass(frozen=True)
class Passed:
    """What went through, and the words that may stand nowhere after it."""

    number: str
    claim: str
    receipts: frozenset[str]

    @property
    def words(self) -> tuple[str, ...]:
        return (self.number, NAME, TELEPHONE, ACCOUNT)


@pytest.fixture(scope="module")
def passed(stack: Stack) -> Passed:
    """A claim approved, corrected, sent twice, and every way in which it could be wrong."""
    who, number = insured(stack, name=NAME), claim_number()
    good = claim(number=number, person=who.number, employer=who.employer, remark=f"{NAME} {TELEPHONE}")
    answers = exchange(
        stack,
        submit(good),
        submit(good),
        replacement(claim(number=number, person=who.number, employer=who.employer, remark=NAME), 2),
        submit(claim(number=NAME, person=who.number, employer=who.employer)),
        submit(claim(number=f"tel {TELEPHONE}", person=who.number, employer=who.employer)),
        submit(claim(number=claim_number(), person=who.number, employer=NAME)),
        submit(claim(number=claim_number(), person=f"{NAME}{who.number}", employer=who.employer)),
        submit(claim(number=claim_number(), person=who.number, employer=who.employer, county=TELEPHONE)),
        submit(good)[:-7],
        NAME.encode() + who.number.encode(),
    )
    assert [answer.status for answer in answers[:3]] == ["DETERMINED", "DUPLICATE", "DETERMINED"]
    assert {answer.status for answer in answers[3:]} == {"RETURNED"}
    (tried,) = exchange(
        stack, submit(claim(number=claim_number(), person=who.number, county=TELEPHONE)), source="sandbox"
    )
    assert tried.status == "RETURNED"
    from_an_office(stack, who.number)
    asyncio.run(with_account(stack, who.number))
    refusals = asyncio.run(over_grpc(stack, *bad_ones(who.number, who.employer)))
    assert len(refusals) == 3
    assert not [word for word in (who.number, NAME, TELEPHONE) for told in refusals if word in told]
    receipts = frozenset(answer.receipt.receipt_id for answer in answers)
    return Passed(who.number, answers[0].receipt.claim.removeprefix("claims/"), receipts)


def from_an_office(stack: Stack, number: str) -> None:
    """A month of hers is stated by the tax office, rightly and wrongly."""
    good = paid(number, ("2026-03", "2026-04-08"), name=NAME, record_number="C-1")
    bad = paid(number, ("2026-03", "2026-02-08"), name=NAME, record_number=f"{NAME} {number}")
    values = [good.SerializeToString(), bad.SerializeToString(), f"{NAME}{number}".encode()]
    asyncio.run(send(stack, "registry.coverage-intake.v1.tax", [(member_key(number), value) for value in values]))


async def with_account(stack: Stack, number: str) -> None:
    """She is recorded as a payee and read as one, and an account that cannot be one is refused."""
    target = stack.environment["CRADLE_REGISTRY_TARGET"]
    async with rpc.channel(target, stack.operator) as channel:
        stub = registry_grpc.RegistryServiceStub(channel)
        account = registry_pb2.PayeeAccount(holder=NAME, number=ACCOUNT, bank_code="103791000012")
        payee = registry_pb2.PayeeRecord(person_id_number=number, account=account)
        await stub.BatchRecordPayees(registry_pb2.BatchRecordPayeesRequest(payees=[payee]), timeout=10)
        query = registry_pb2.CoverageQuery(person_id_number=number)
        known = await stub.BatchGetCoverage(
            registry_pb2.BatchGetCoverageRequest(queries=[query], purpose="a test"), timeout=10
        )
        payee.account.number = f"{ACCOUNT}x"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.BatchRecordPayees(registry_pb2.BatchRecordPayeesRequest(payees=[payee]), timeout=10)
        assert ACCOUNT not in f"{refused.value.details()}{refused.value.trailing_metadata()}"
    asked = registry_pb2.PayeeQuery(kind=registry_pb2.PAYEE_KIND_PERSON, reference=known.answers[0].person)
    request = registry_pb2.BatchGetPayeesRequest(payees=[asked], purpose="a test")
    async with rpc.channel(target, stack.authority.identity("service/treasury")) as channel:
        stub = registry_grpc.RegistryServiceStub(channel)
        assert (await stub.BatchGetPayees(request, timeout=10)).answers[0].account.number == ACCOUNT


def bad_ones(number: str, employer: str) -> list[intake_pb2.ClaimSubmission]:
    return [
        claim(number=NAME, person=number, employer=employer),
        claim(number=claim_number(), person=f"{NAME}{number}", employer=employer),
        claim(number=claim_number(), person=number, employer=employer, county=TELEPHONE),
    ]


async def over_grpc(stack: Stack, *given: intake_pb2.ClaimSubmission) -> list[str]:
    """All that is told of each refusal of a claim that is handed in over gRPC."""
    told = []
    async with asking(stack, "source/hospitals") as stub:
        for one in given:
            request = submitting_pb2.SubmitClaimRequest(
                parent="sources/hospitals",
                intake=intake_pb2.ClaimIntake(submit=intake_pb2.SubmitClaim(claim=one)),
                request_id=str(uuid4()),
            )
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await stub.SubmitClaim(request, timeout=10)
            trailers: Any = error.value.trailing_metadata()
            words = [value if isinstance(value, bytes) else value.encode() for _, value in trailers]
            told.append(f"{error.value.details()}{b' '.join(words).decode('utf-8', 'replace')}")
    return told


def test_every_service_with_a_database_is_looked_at() -> None:
    """Of the list that the stack makes databases by."""
    folders = {path.parent.name for path in (ROOT / "services").glob("*/migrations")}

    assert set(SERVICES) == folders - {"kit"}


@pytest.mark.parametrize("service", SERVICES)
def test_no_table_shows_who_she_is(stack: Stack, passed: Passed, service: str) -> None:
    dsn = claims_dsn(stack).replace("cradle_claims", f"cradle_{service}")

    async def tables_with() -> dict[str, int]:
        named = await rows(dsn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [row["tablename"] for row in named]
        assert len(tables) >= 5
        words = [*passed.words, *[word.encode().hex() for word in passed.words]]  # bytea is shown in hexadecimal
        sql = 'SELECT count(*) FROM "{0}" WHERE "{0}"::text ~ $1'
        return {table: await value(dsn, sql.format(table), "|".join(words)) for table in tables}

    assert {table: count for table, count in asyncio.run(tables_with()).items() if count} == {}


def result_topics() -> list[str]:
    """Every topic of deploy/topics.yaml but those that are declared to carry it."""
    return [one.name for one in kafka.declared()[1] if not one.personal_data]


def test_no_result_topic_shows_who_she_is(stack: Stack, passed: Passed) -> None:
    topics = result_topics()
    spoken = {
        "claims.receipt.v1.sandbox",
        "registry.coverage-receipt.v1.tax",
        "treasury.order.v1",
    }  # of her, among them
    assert spoken < set(topics)

    def is_all(found: list[Any]) -> bool:
        ids = {header.decode() for one in found for name, header in one.headers if name == "ce_id"}
        hers = sum(one.key == passed.claim.encode() for one in found)
        enough = hers >= 3 and spoken <= {one.topic for one in found}  # two events of the claim and its order
        return passed.receipts <= ids and enough and office_receipts(found) >= 3

    records = asyncio.run(read_until(stack, topics, is_all))

    seen = b"\n".join(part for one in records for part in parts(one))
    assert [word for word in passed.words if word.encode() in seen] == []


def office_receipts(found: list[Any]) -> int:
    return sum(one.topic == "registry.coverage-receipt.v1.tax" for one in found)


def parts(record: Any) -> list[bytes]:
    return [record.key or b"", record.value or b"", *[value for _, value in record.headers]]


def test_no_log_shows_who_she_is(stack: Stack, passed: Passed) -> None:
    logs = sorted(stack.logs.glob("*.log"))

    written = {f"{role.name}.log" for role in DEFAULT_ROLES} | {"postgres.log"}
    assert written <= {log.name for log in logs}
    said = {log.name: log.read_bytes() for log in logs}
    assert said["claims-worker.log"]
    leaks = [(name, word) for name, text in said.items() for word in passed.words if word.encode() in text]
    escaped = [(name, word) for name, text in said.items() for word in passed.words if repr_of(word) in text]
    assert leaks == escaped == []


def repr_of(word: str) -> bytes:
    """As a careless line of JSON or a repr of bytes would write it."""
    return word.encode("unicode_escape") if not word.isascii() else word.encode()


def test_no_metric_shows_who_she_is(stack: Stack, passed: Passed) -> None:
    ports = [port for use, port in stack.ports.items() if use.endswith("/metrics")]

    assert len(ports) >= 4
    for port in ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            shown = answer.read().decode()
        assert "cradle_" in shown or "grpc_server" in shown
        assert [word for word in passed.words if word in shown] == []
        assert not re.search(r"\b6103\d{13}[\dX]\b", shown)


# Of her, by reference: her person is $1, her claim $2.
SUMS = {
    "claims": """SELECT jsonb_agg(to_jsonb(one)) FROM (
        SELECT account, key, amount::text FROM accumulator WHERE person = $1
        UNION ALL SELECT version::text, facts, result FROM determination WHERE claim_id = $2
        UNION ALL SELECT line, revision::text, owed_fen::text FROM ordered WHERE claim_id = $2
        ORDER BY 1, 2, 3) AS one""",
    "treasury": """SELECT jsonb_agg(to_jsonb(one)) FROM (
        SELECT line, revision, owed_fen, reserved_fen + live_fen + settled_fen FROM payment_order
        WHERE payee = $1::uuid::text AND case_id = $2 ORDER BY 1) AS one""",
    "registry": "SELECT count(*) FROM coverage WHERE person_id = $1 OR person_id = $2",
}


def test_once_she_is_erased_the_keys_open_nothing_of_her_anywhere_and_every_sum_is_what_it_was(
    stack: Stack, passed: Passed
) -> None:
    """Some of what was returned could not be read and names nobody we know of: that goes when its days are over."""
    claims, claim_id, hers = claims_dsn(stack), UUID(passed.claim), traces(*passed.words)
    addresses = {service: claims.replace("cradle_claims", f"cradle_{service}") for service in SERVICES}

    async def sums(person: UUID) -> dict[str, str]:
        found = {service: await value(addresses[service], sql, person, claim_id) for service, sql in SUMS.items()}
        assert all(found.values())
        return found

    async def act() -> None:
        assert hers.search(await readable(stack, claims))
        assert hers.search(await readable(stack, addresses["registry"]))
        person = await value(claims, "SELECT person FROM claim WHERE id = $1", claim_id)
        ordered = "SELECT count(*) FROM payment_order WHERE case_id = $1"
        await eventually(lambda: value(addresses["treasury"], ordered, claim_id))
        before = await sums(person)

        async with rpc.channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
            request = office_pb2.ErasePersonRequest(person=str(person), reason="request 2026-117")
            await office_pb2_grpc.OfficeServiceStub(channel).ErasePerson(request, timeout=10)
        heard = "SELECT count(*) FROM erasure WHERE person = $1"
        for service in ("claims", "treasury"):
            await eventually(partial(value, addresses[service], heard, person))
        async with db.connect(claims) as database, database.transaction() as tx:
            while await erasing.take_unnamed(tx, datetime.now(UTC)):
                pass

        left = {service: hers.search(await readable(stack, dsn)) for service, dsn in addresses.items()}
        assert left == dict.fromkeys(addresses)
        assert await sums(person) == before
        key = str(person).encode()
        told = await read_until(stack, result_topics(), lambda found: any(is_erasure(one, key) for one in found))
        assert not hers.search(b"\n".join(part for one in told for part in parts(one)).decode("utf-8", "replace"))

    asyncio.run(act())


def is_erasure(record: Any, key: bytes) -> bool:
    return record.key == key and ("ce_type", b"cradle.registry.v1.PersonErased") in record.headers
