"""The platform's adapter and its relay are killed under load: every message has one report, every settlement one claim.

Settlements and their undos come shuffled, so that an undo is as often before its settlement as after it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from cradle.claims.v1 import intake_pb2, platform_pb2

from deploy.local.stack import Stack
from services.kit.member_key import member_key
from tests.claims.platform.messages import DATA, INFO, msgid, raw, settlement, undo
from tests.crash.balance import Ends, ask, consuming, ends, read
from tests.crash.chaos import eventually, kill_and_start
from tests.crash.conftest import Tell
from tests.kit.live import send

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]
TOPIC = "claims.platform-intake.v1.hospitals"
REPORTS, INTAKE = "claims.platform-report.v1.hospitals", "claims.intake.v1.hospitals"
SETTLEMENTS = 1_500
KILLS = 5


def bundle(number: int) -> list[dict[str, Any]]:
    """A settlement and its undo, of a person of their own."""
    own = {"msgid": msgid(serial=number), f"{INFO}setl_id": f"610300S{number:08d}"}
    return [
        settlement({**own, "inf_time": f"2026-03-13 10:{number % 60:02d}:15"}),
        undo({f"{DATA}setl_id": f"610300S{number:08d}", "msgid": msgid(at=f"2026031409{number // 10_000:04d}")}),
    ]


def once(records: Sequence[Any]) -> list[Any]:
    """Without what a killed relay sent again, which carries the same id."""
    seen: dict[bytes, Any] = {}
    for record in records:
        seen.setdefault(dict(record.headers)["ce_id"], record)
    return list(seen.values())


def is_all_told(city: Stack) -> bool:
    """Whether every message was taken, and all that is said of it has left."""
    (taken,) = ask(city, "SELECT sum(next_offset) FROM consumed WHERE topic = $1", TOPIC)
    return bool(taken[0] == sum(ends(city, (TOPIC,)).values())) and not ask(city, "SELECT 1 FROM outbox LIMIT 1")


def told_since(city: Stack, since: Ends, topic: str) -> list[Any]:
    async def act() -> list[Any]:
        async with consuming(city) as consumer:
            return await read(consumer, [topic], since)

    return asyncio.run(act())


def test_killed_under_load_every_message_has_one_report_and_every_settlement_one_claim(city: Stack, tell: Tell) -> None:
    random = Random(20_261_126)
    content = [message for number in range(SETTLEMENTS) for message in bundle(number)]
    random.shuffle(content)
    since = ends(city, (REPORTS, INTAKE))
    for part in range(KILLS):
        records = [(member_key(str(random.random())), raw(one)) for one in content[part::KILLS]]
        asyncio.run(send(city, TOPIC, records))
        time.sleep(random.uniform(0, 0.4))  # the moment; nothing is waited for
        kill_and_start(city, "claims-platform" if part % 2 else "claims-relay")
    eventually(lambda: is_all_told(city), 60, "messages of the platform are left")

    reports, intake = told_since(city, since, REPORTS), told_since(city, since, INTAKE)
    told = [platform_pb2.PlatformReport.FromString(one.value) for one in once(reports)]
    assert len({one.report_id for one in told}) == len(told) == len(content)
    assert {one.status for one in told} == {platform_pb2.PLATFORM_STATUS_MAPPED, platform_pb2.PLATFORM_STATUS_WAITING}
    kinds: dict[str, list[str]] = {}
    for one in once(intake):
        event = intake_pb2.ClaimIntake.FromString(one.value)
        number = event.submit.claim.claim_number or event.void.claim_number
        kinds.setdefault(number, []).append(str(event.WhichOneof("event")))
    assert len(kinds) == SETTLEMENTS
    assert {tuple(one) for one in kinds.values()} == {("submit", "void")}
    waited = sum(one.status == platform_pb2.PLATFORM_STATUS_WAITING for one in told)
    tell(
        f"{len(content)} messages, {KILLS} kills, {waited} undos waited, {len(reports) - len(told)} reports sent again"
    )
