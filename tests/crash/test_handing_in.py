"""The api is killed again and again while a client streams: nothing is lost, and nothing is decided twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import uuid4

import grpc
import pytest
from cradle.claims.v1 import claim_pb2

from deploy.local.stack import Stack
from tests.builders import claim, claim_number, submit
from tests.claims.harness import asking, claims_dsn, insured
from tests.claims.test_streaming import Answer, numbered, opening
from tests.crash.chaos import kill_and_start
from tests.crash.conftest import Tell
from tests.kit.live import rows

pytestmark = pytest.mark.crash
CLAIMS, KILLS, PATIENCE = 600, 4, 200


def test_a_stream_outlives_the_api(city: Stack, tell: Tell) -> None:
    """A client that follows the page: it comes back after UNAVAILABLE and sends again what has no answer."""
    women = [insured(city) for _ in range(20)]
    numbers = [claim_number() for _ in range(CLAIMS)]
    sent = [
        numbered(at, submit(claim(number=number, person=women[at % 20].number, employer=women[at % 20].employer)))
        for at, number in enumerate(numbers, 1)
    ]
    stream, answers, connections = str(uuid4()), list[Answer](), 0
    kill_at = [CLAIMS * (number + 1) // (KILLS + 2) for number in range(KILLS)]

    async def once() -> None:
        done = answers[-1].number if answers else 0
        async with asking(city) as stub:
            async for response in stub.StreamClaims(iter([opening(stream, done), *sent[done:]]), timeout=60):
                if response.HasField("answer"):
                    answers.append(response.answer)
                if kill_at and len(answers) >= kill_at[0]:
                    kill_at.pop(0)
                    await asyncio.to_thread(kill_and_start, city, "claims-api")

    async def patiently() -> int:
        for connection in range(1, PATIENCE):
            try:
                await once()
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                await asyncio.to_thread(city.wait_ready, "claims-api")
            else:
                return connection
        raise AssertionError("the stream never came to its end")

    connections = asyncio.run(patiently())

    sql = "SELECT claim_number, status, revision FROM submission WHERE claim_number = ANY($1)"
    taken = asyncio.run(rows(claims_dsn(city), sql, numbers))
    decided = Counter(row["claim_number"] for row in taken if row["status"] == "DETERMINED")
    tell(f"{KILLS} kills, {connections} connections; {len(taken)} records for {CLAIMS} claims")
    assert [answer.number for answer in answers] == list(range(1, CLAIMS + 1))
    assert not [answer.reasons for answer in answers if answer.reasons]
    assert decided == dict.fromkeys(numbers, 1)
    assert {row["status"] for row in taken} <= {"DETERMINED", "DUPLICATE"}
    approved = [one for one in answers if one.receipt.outcome == claim_pb2.CLAIM_STATE_APPROVED]
    assert len({one.receipt.claim for one in approved}) == 20  # each woman's delivery, once
