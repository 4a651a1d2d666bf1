"""SIGKILL of the worker while claims are decided again under a changed law: each is decided once, and ordered whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from cradle.claims.v1 import redetermination_pb2
from cradle.claims.v1.redetermination_pb2_grpc import RedeterminationServiceStub
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub

from deploy.local import authority
from deploy.local.roles import service_role
from deploy.local.stack import Stack
from services.claims import rules, store, usecases
from services.claims.usecases import Office
from services.kit import db, rpc
from services.kit.clock import Clock
from services.kit.parking import Message
from tests.crash.balance import ask
from tests.crash.chaos import eventually, start_at_once, stop_at_once
from tests.crash.conftest import TODAY, Size, Tell
from tests.crash.load import claim, enrol, resident, submit
from tests.kit.live import sealer_of, settings_of

API, WORKER = service_role("claims", "api"), service_role("claims", "worker")
NOWHERE = 99  # no partition of the topic, so that nothing sent later has the same place
DIVISOR = """\
metadata:
  status: confirmed
  reference:
    2022-05-25: [{title: 《示例文件》第六条, title_en: "Example document, art. 6"}]
values:
  2022-05-25: {value: 28}
"""
_pb = redetermination_pb2


def test_a_worker_killed_again_and_again_decides_each_claim_once(
    unclaimed: Stack, random: Random, size: Size, tell: Tell, tmp_path: Path
) -> None:
    city, claims, kills = unclaimed, size.rounds * 120, (size.rounds + 1) // 2  # of each of its two halves
    women = [resident(5_000_000 + number) for number in range(claims)]
    enrol(city, women)
    asyncio.run(_taken_in_before(city, women))
    before = _written(city)
    (tmp_path / "allowance").mkdir()
    (tmp_path / "allowance" / "divisor.yaml").write_text(DIVISOR, "utf-8")
    changed = {
        "CRADLE_LAW_OVERRIDES": str(tmp_path),
        "CRADLE_TIMER_CLAIMS_MAX": "5",
        "CRADLE_LOOK_AGAIN_EVERY_S": "0.02",
    }
    start_at_once(city, API, WORKER, env=changed)

    made = call(city, "li", "PlanRedetermination", _pb.PlanRedeterminationRequest(request_id=str(uuid4())))
    _kill(city, random, kills, lambda: _count(city, "redetermination_item"), claims, size.timeout_s)
    eventually(lambda: get(city, made.name).state == _pb.REDETERMINATION_STATE_PLANNED, size.timeout_s, "no plan")
    planned = get(city, made.name)
    assert (planned.planned, _written(city)) == (claims, before)

    request = _pb.ApproveRedeterminationRequest(
        name=planned.name, etag=planned.etag, plan_hash=planned.plan_hash, request_id=str(uuid4())
    )
    call(city, "wang", "ApproveRedetermination", request)
    _kill(city, random, kills, lambda: _count(city, "redetermination_done"), claims, size.timeout_s)
    eventually(lambda: get(city, made.name).state == _pb.REDETERMINATION_STATE_DONE, size.timeout_s, "not done")

    done = get(city, made.name)
    tell(f"{claims} claims, {2 * kills} kills: {done.decided} decided")
    assert (done.decided, done.asked, done.settled, done.failed) == (claims, 0, 0, 0)
    each = ask(city, "SELECT claim_id, array_agg(sequence ORDER BY version) AS s FROM determination GROUP BY 1")
    assert [row["s"] for row in each] == [[1, 2]] * claims
    stated = ask(
        city,
        """SELECT count(*) AS n FROM ordered JOIN determination AS d USING (claim_id)
           WHERE d.version = ordered.revision AND (d.result::jsonb #>> '{figures,allowance_fen}')::bigint = owed_fen
             AND d.sequence = 2""",
    )
    assert stated[0]["n"] == claims
    stop_at_once(city, API.name, WORKER.name)


async def _taken_in_before(city: Stack, women: list[Any]) -> None:
    """Claims that were decided under the law as it was shipped."""
    sealer = sealer_of(city)
    async with (
        db.connect(f"{city.environment['DATABASE_URL']}/cradle_claims") as database,
        rpc.channel(city.environment["CRADLE_REGISTRY_TARGET"], city.operator) as channel,
    ):
        office = Office(settings_of(city), Clock(TODAY), rules.LAW, sealer, RegistryServiceStub(channel))
        await store.keep_law(database, rules.LAW)
        sent = [submit(claim(f"L-{n}", her, TODAY.replace(month=9)), her) for n, her in enumerate(women)]
        messages = [Message(one.topic, NOWHERE, n, one.key, one.value, 0) for n, one in enumerate(sent)]
        prepared = await usecases.prepare(office, messages)
        async with database.transaction() as tx:
            await usecases.take_in(office, tx, prepared)


def _kill(  # noqa: PLR0917  # what is killed, when, and what is seen of it
    city: Stack, random: Random, kills: int, count: Callable[[], int], total: int, timeout_s: float
) -> None:
    """SIGKILL at a random moment after work was seen to go on."""
    for _ in range(kills):
        seen = count()
        if seen == total:
            return
        eventually(lambda seen=seen: count() > seen, timeout_s, "no claim is looked at")  # type: ignore[misc]
        time.sleep(random.uniform(0, 0.05))  # the moment; nothing is waited for
        city.kill(WORKER.name)
        city.process(WORKER.name).start()


def _count(city: Stack, table: str) -> int:
    return int(ask(city, f"SELECT count(*) FROM {table}")[0][0])


def _written(city: Stack) -> tuple[int, int]:
    return _count(city, "determination"), _count(city, "ordered")


def get(city: Stack, name: str) -> _pb.Redetermination:
    found: _pb.Redetermination = call(city, "li", "GetRedetermination", _pb.GetRedeterminationRequest(name=name))
    return found


def call(city: Stack, who: str, method: str, request: Any) -> Any:
    token = city.authority.token(who, {"cradle_role": "city-reviewer"})
    identity = city.authority.identity(authority.OPERATOR, token=token)
    with rpc.blocking_channel(f"127.0.0.1:{city.port('claims-api/grpc')}", identity) as channel:
        return getattr(RedeterminationServiceStub(channel), method)(request, timeout=20)
