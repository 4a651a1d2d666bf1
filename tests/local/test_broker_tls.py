"""A broker with TLS and access lists: a source writes its own intake and reads its own receipts, and nothing else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from cradle.claims.v1 import intake_pb2, receipt_pb2, submitting_pb2
from google.protobuf.duration_pb2 import Duration

from deploy import acls
from deploy.demo import budgets
from deploy.local import kafka
from deploy.local.authority import keep
from deploy.local.stack import Stack
from services.kit.tls import Identity
from tests.builders import claim, claim_number, submit
from tests.claims.harness import asking, insured

pytestmark = pytest.mark.integration
A, B = "hospitals", "counter"
EVENTS = "claims.claim.v1"


@pytest.fixture(scope="module")
def city() -> Iterator[Stack]:
    """The whole system on such a broker, so that its services have what they need and no more."""
    settings = {"CRADLE_TODAY": "2026-11-23"}
    with Stack(f"tls-{os.getpid()}", settings=settings, broker_tls=True) as running:
        budgets.appropriate(running.environment, date(2026, 11, 23))
        yield running
    running.remove()


def source(city: Stack, name: str) -> Identity:
    return city.authority.identity(f"source/{name}")


def client(city: Stack, identity: Identity) -> dict[str, Any]:
    servers = city.environment["KAFKA_BOOTSTRAP_SERVERS"]
    return {"bootstrap_servers": servers, "security_protocol": "SSL", "ssl_context": identity.ssl_context()}


async def write(city: Stack, identity: Identity, topic: str, value: bytes = b"x") -> Any:
    producer = AIOKafkaProducer(
        **client(city, identity), acks="all", enable_idempotence=True, request_timeout_ms=10_000
    )
    try:
        await producer.start()
        return await asyncio.wait_for(producer.send_and_wait(topic, value, key=b"member"), 20)
    finally:
        await producer.stop()


async def read(city: Stack, identity: Identity, topic: str, *, group: str | None = None, wanted: int = 0) -> list[Any]:
    """What lies on a topic, as far as it is wanted; as a member of a group, if that is said."""
    consumer = AIOKafkaConsumer(
        topic, **client(city, identity), group_id=group, auto_offset_reset="earliest", request_timeout_ms=10_000
    )
    found: list[Any] = []
    try:
        await consumer.start()
        async with asyncio.timeout(20):
            while True:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += records
                if len(found) >= wanted:
                    return found
    finally:
        await consumer.stop()


def test_a_claim_goes_all_the_way_with_a_certificate_at_every_step(city: Stack) -> None:
    """The source writes, the worker reads and asks, the relay writes, the source reads; each as itself."""
    woman, number = insured(city), claim_number()
    sent = submit(claim(number=number, person=woman.number, employer=woman.employer))

    asyncio.run(write(city, source(city, A), f"claims.intake.v1.{A}", sent))
    received = asyncio.run(read(city, source(city, A), f"claims.receipt.v1.{A}", group=f"source.{A}.reader", wanted=1))

    receipt = receipt_pb2.ClaimReceipt.FromString(received[0].value)
    assert (receipt.claim_number, receipt.status) == (number, receipt_pb2.RECEIPT_STATUS_DETERMINED)
    operator = city.authority.operator()
    assert len(asyncio.run(read(city, operator, EVENTS, wanted=1))) == 1


@pytest.mark.parametrize("topic", [f"claims.intake.v1.{B}", f"claims.receipt.v1.{A}", f"claims.receipt.v1.{B}", EVENTS])
def test_a_source_writes_nothing_but_its_own_intake(city: Stack, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(write(city, source(city, A), topic))


@pytest.mark.parametrize("topic", [f"claims.receipt.v1.{B}", f"claims.intake.v1.{B}", f"claims.intake.v1.{A}", EVENTS])
def test_a_source_reads_nothing_but_its_own_receipts(city: Stack, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(read(city, source(city, A), topic))


@pytest.mark.parametrize("group", ["claims", f"source.{B}", f"source.{B}.reader", "reader"])
def test_a_source_joins_no_group_of_others(city: Stack, group: str) -> None:
    """Or it could take the workers' partitions away, or move another source's offsets."""
    with pytest.raises(GroupAuthorizationFailedError):
        asyncio.run(read(city, source(city, A), f"claims.receipt.v1.{A}", group=group))


def test_a_service_touches_only_what_is_its_own(city: Stack) -> None:
    with pytest.raises((TopicAuthorizationFailedError, ClusterAuthorizationFailedError)):
        asyncio.run(write(city, city.authority.identity("service/registry"), f"claims.intake.v1.{A}"))


def test_a_claim_handed_in_over_grpc_passes_such_a_broker(city: Stack) -> None:
    """The service appends for the source that asked, and looks on at that source's receipts."""
    who = insured(city)
    good = claim(number=claim_number(), person=who.number, employer=who.employer)
    request = submitting_pb2.SubmitClaimRequest(
        parent=f"sources/{A}",
        intake=intake_pb2.ClaimIntake(submit=intake_pb2.SubmitClaim(claim=good)),
        request_id=str(uuid4()),
        receipt_wait=Duration(seconds=20),
    )

    async def ask() -> submitting_pb2.SubmitClaimResponse:
        async with asking(city, f"source/{A}") as stub:
            return await stub.SubmitClaim(request, timeout=30)

    assert asyncio.run(ask()).receipt.status == receipt_pb2.RECEIPT_STATUS_DETERMINED


def test_who_is_granted_a_topic_reads_it(city: Stack) -> None:
    topic = "test.granted.v1"
    city.create_topic(topic, 1)
    granted = acls.made({"sources": [], "topics": [{"name": topic, "owner": "claims", "readers": [f"source/{B}"]}]})
    asyncio.run(kafka.create_acls(client(city, city.operator), granted))

    asyncio.run(write(city, city.authority.identity("service/claims"), topic))

    assert [one.value for one in asyncio.run(read(city, source(city, B), topic, wanted=1))] == [b"x"]
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(read(city, source(city, A), topic))
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(write(city, source(city, B), topic))


def test_a_certificate_of_another_authority_is_refused(city: Stack) -> None:
    """Named as the source is, in every part."""
    theirs = keep(city.folder / "theirs").identity(f"source/{A}")

    with pytest.raises(KafkaError):
        asyncio.run(write(city, replace(theirs, authorities=city.authority.authorities), f"claims.intake.v1.{A}"))


def test_a_client_without_tls_is_refused(city: Stack) -> None:
    async def plain() -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=city.environment["KAFKA_BOOTSTRAP_SERVERS"], request_timeout_ms=3_000
        )
        try:
            await asyncio.wait_for(producer.start(), 10)
        finally:
            await producer.stop()

    with pytest.raises((KafkaError, TimeoutError)):
        asyncio.run(plain())
