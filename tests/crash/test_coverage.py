"""SIGKILL of the worker while coverage that came late, then was corrected, is decided on: each once, in order."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

from cradle.claims.v1 import receipt_pb2
from cradle.registry.v1 import service_pb2
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub

from deploy.local.stack import Stack
from services.kit import rpc
from tests.builders import person_record, spans
from tests.crash.balance import RECEIPTS, Ends, ask, consuming, ends, read
from tests.crash.chaos import eventually
from tests.crash.conftest import Size, Tell
from tests.crash.load import Resident, claim, enrol, resident, send, submit

WORKER = "claims-worker"
WOMEN = 40  # of each kill
BORN = date(2026, 5, 4)
LATE, CORRECTED = "2026-03..2026-11", "2024-01..2026-11"  # denied for too few months; approved
_FIRST = 7_000_000


def record(city: Stack, women: Sequence[Resident], paid: str) -> None:
    persons = [person_record(one.id_number, one.employer_uscc, paid=spans(paid)) for one in women]
    with rpc.blocking_channel(city.environment["CRADLE_REGISTRY_TARGET"], city.operator) as channel:
        stub: Any = RegistryServiceStub(channel)
        for one in persons:  # one event after another, so that a kill comes between them
            stub.BatchRecordCoverage(service_pb2.BatchRecordCoverageRequest(persons=[one]), timeout=20)


def are(city: Stack, numbers: Sequence[str], state: str) -> bool:
    sql = "SELECT count(*) FROM claim WHERE number = ANY($1) AND state = $2"
    return int(ask(city, sql, list(numbers), state)[0][0]) == len(numbers)


def receipts(city: Stack, since: Ends) -> dict[str, dict[str, str]]:
    """By claim number: each receipt once, by its id, in the order in which it was first told."""

    async def act() -> list[Any]:
        async with consuming(city) as consumer:
            return await read(consumer, RECEIPTS, since)

    found: dict[str, dict[str, str]] = defaultdict(dict)
    for one in asyncio.run(act()):
        told = receipt_pb2.ClaimReceipt.FromString(one.value)
        status = receipt_pb2.ReceiptStatus.Name(told.status).removeprefix("RECEIPT_STATUS_")
        assert found[told.claim_number].setdefault(told.receipt_id, status) == status
    return found


def test_coverage_that_is_late_and_then_corrected_decides_each_claim_once_whoever_dies(
    city: Stack, random: Random, size: Size, tell: Tell
) -> None:
    kills, since = (size.rounds + 2) // 3, ends(city, RECEIPTS)
    women = [resident(_FIRST + size.rounds * 10_000 + place) for place in range(kills * WOMEN)]
    numbers = [f"LATE-{size.rounds}-{place}" for place in range(len(women))]
    enrol(city, [resident(_FIRST - 1)])  # their employers are known, and they are not
    send(city, [submit(claim(number, one, BORN), one) for number, one in zip(numbers, women, strict=True)])
    eventually(lambda: are(city, numbers, "PENDED"), size.timeout_s, "claims do not wait for coverage")

    for paid, state in ((LATE, "DENIED"), (CORRECTED, "APPROVED")):
        for kill in range(kills):
            city.wait_ready(WORKER, 60)
            record(city, women[kill * WOMEN : (kill + 1) * WOMEN], paid)
            time.sleep(random.uniform(0, 0.3))  # the moment; nothing is waited for
            city.kill(WORKER)
            city.process(WORKER).start()
        eventually(lambda state=state: are(city, numbers, state), size.timeout_s, f"not all are {state}")  # type: ignore[misc]
    eventually(lambda: not ask(city, "SELECT 1 FROM outbox LIMIT 1"), size.timeout_s, "events are left")

    tell(f"{2 * kills} workers killed; {len(women)} claims waited, were denied, were approved")
    decided = ask(
        city,
        """SELECT number, array_agg(outcome || ' ' || sequence ORDER BY determination.version) AS outcomes
           FROM determination JOIN claim ON claim.id = claim_id WHERE number = ANY($1) GROUP BY number""",
        numbers,
    )
    assert {row["number"]: tuple(row["outcomes"]) for row in decided} == dict.fromkeys(
        numbers, ("DENIED 1", "APPROVED 2")
    )
    told = receipts(city, since)
    assert {number: tuple(told[number].values()) for number in numbers} == dict.fromkeys(
        numbers, ("PENDED", "DETERMINED", "DETERMINED")
    )
    ordered = ask(
        city,
        """SELECT number, count(*) FILTER (WHERE owed_fen > 0) AS orders FROM ordered JOIN claim ON claim.id = claim_id
           WHERE number = ANY($1) GROUP BY number""",
        numbers,
    )
    assert {row["number"]: row["orders"] for row in ordered} == dict.fromkeys(numbers, 1)
