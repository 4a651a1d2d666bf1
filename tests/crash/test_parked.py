"""A record that a bug stopped waits sealed, what follows waits behind it, and both are taken when it is mended."""

from __future__ import annotations

import sys
from random import Random
from typing import Any

import grpc
from cradle.claims.v1 import claim_pb2
from cradle.ops.v1 import parked_pb2
from cradle.ops.v1.parked_pb2_grpc import ParkedServiceStub

from deploy.local.roles import Role
from deploy.local.stack import Stack
from services.kit import rpc
from tests.crash.balance import ask, draw_up, ends, wait_settled
from tests.crash.buggy_worker import DAY
from tests.crash.chaos import eventually, wait_progress
from tests.crash.conftest import TODAY, Size, Tell
from tests.crash.load import Load, claim, enrol, replace, resident, send, submit

BUGGY = Role("buggy-worker", (sys.executable, "-m", "tests.crash.buggy_worker", "worker"), service="claims")
SOUND = "claims-worker"


def test_a_parked_record_holds_back_its_key_until_it_is_replayed(
    city: Stack, random: Random, size: Size, tell: Tell
) -> None:
    since = ends(city)
    her = resident(4_000_000)
    first = claim("parked-1", her, DAY)
    corrected = claim("parked-1", her, DAY)
    corrected.event.delivery_mode = claim_pb2.DELIVERY_MODE_CAESAREAN
    city.stop_role(SOUND)
    city.start_role(BUGGY)

    with Load(city, random, per_second=size.per_second) as load:
        enrol(city, [her])
        stopped, held = send(city, [submit(first, her), replace(corrected, her, 2)])
        eventually(lambda: len(listed(city)) == 2, 30, "nothing is parked")
        wait_progress(city, records=1_000)
    load.acknowledged |= {stopped, held}
    wait_settled(city, size.timeout_s)
    parked = draw_up(city, load, since, TODAY)
    head, behind = listed(city)

    assert parked.problems() == []
    assert parked.parked.keys() == {stopped, held}
    assert (position(head), position(behind)) == (stopped, held)
    assert (state(head), head.error, head.attempts) == ("FAILED", "ZeroDivisionError", 1)
    assert "claims/usecases/taking_in.py" in head.traceback
    assert str(DAY.year) not in head.traceback  # places, not values
    assert state(behind) == "HELD"
    assert not is_readable(city, [her.id_number, "parked-1"])

    city.stop_role(BUGGY.name)
    city.start_role(SOUND)
    with channel(city) as to_claims:
        asked = parked_service(to_claims).ReplayParked(parked_pb2.ReplayParkedRequest(id=head.id), timeout=10)
    eventually(lambda: not listed(city), 30, "what was parked is not taken up again")
    wait_settled(city, size.timeout_s)
    replayed = draw_up(city, load, since, TODAY)

    tell(f"parked: {parked.line()}")
    tell(f"replayed: {replayed.line()}")
    assert [record.id for record in asked.records] == [head.id, behind.id]
    assert replayed.problems() == []
    assert not replayed.parked
    assert [replayed.submissions[p][0].outcome.revision for p in (stopped, held)] == [1, 2]
    assert [replayed.submissions[p][0].outcome.status for p in (stopped, held)] == ["DETERMINED"] * 2


def channel(city: Stack) -> grpc.Channel:
    return rpc.blocking_channel(city.environment["CRADLE_CLAIMS_TARGET"], city.operator)


def parked_service(to_claims: grpc.Channel) -> Any:
    return ParkedServiceStub(to_claims)


def listed(city: Stack) -> list[parked_pb2.ParkedRecord]:
    with channel(city) as to_claims:
        return list(parked_service(to_claims).ListParked(parked_pb2.ListParkedRequest(), timeout=10).records)


def position(record: parked_pb2.ParkedRecord) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def state(record: parked_pb2.ParkedRecord) -> str:
    return parked_pb2.ParkedState.Name(record.state).removeprefix("PARKED_STATE_")


def is_readable(city: Stack, texts: list[str]) -> bool:
    """Whether the parked rows show any of these, in any column."""
    rows = ask(city, "SELECT * FROM parked")
    shown = b" ".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    return any(text.encode() in shown for text in texts)
