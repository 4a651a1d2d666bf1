"""SIGKILL in the middle of an erasure: it has happened whole or not at all, ends by itself, and no sum moves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

import asyncpg
import grpc
import pytest
from cradle.registry.v1 import office_pb2
from cradle.registry.v1.office_pb2_grpc import OfficeServiceStub

from deploy.local.stack import Stack
from services.kit import rpc
from tests.builders import claim, claim_number, submit
from tests.claims.harness import exchange, insured
from tests.crash import databases
from tests.crash.chaos import eventually

pytestmark = pytest.mark.crash
SUMS = (
    "SELECT id, state, version, content_hashes, payment FROM claim WHERE person = $1",
    "SELECT * FROM accumulator WHERE person = $1 ORDER BY 1, 2, 3",
    "SELECT * FROM benefit_hold WHERE person = $1 ORDER BY 1, 2, 3, 4",
    "SELECT status, claimed_fen FROM submission WHERE person = $1 ORDER BY id",
    "SELECT determination.* FROM determination JOIN claim ON id = claim_id WHERE person = $1 ORDER BY 1, 2",
)


def ask(stack: Stack, service: str, sql: str, *arguments: object) -> list[asyncpg.Record]:
    return databases.fetch(databases.dsn_of(stack, service), sql, *arguments)


def held_at_the_last_step(stack: Stack, service: str) -> AbstractContextManager[None]:
    """Nobody can write that an erasure was done; whoever comes so far has taken everything away, and not committed."""
    return databases.locked(databases.dsn_of(stack, service), "LOCK TABLE erasure IN SHARE ROW EXCLUSIVE MODE", 60)


def kill_at_the_last_step(stack: Stack, service: str, role: str) -> None:
    waiting = """SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                 AND query ~ '(INSERT INTO|COPY).*erasure'"""
    eventually(lambda: bool(ask(stack, service, waiting)), 30, f"{role} does not come to its last step")
    stack.kill(role, restart=False)


def opens(stack: Stack, person: UUID) -> tuple[int, int]:
    """How much can be opened of her: in the registry, and in claims."""
    (registry,) = ask(
        stack,
        "registry",
        """SELECT count(wrapped) + count(sealed) AS left FROM person LEFT JOIN person_key ON person_id = id
           WHERE id = $1""",
        person,
    )
    (claims,) = ask(
        stack, "claims", "SELECT count(*) AS left FROM submission WHERE person = $1 AND length(sealed) > 0", person
    )
    return registry["left"], claims["left"]


def test_whoever_is_killed_in_an_erasure_leaves_her_whole_and_it_ends_after_the_restart(city: Stack) -> None:
    who = insured(city)
    number = claim_number()
    answers = exchange(
        city,
        submit(claim(number=number, person=who.number, employer=who.employer)),
        submit(claim(number=number, person=who.number, employer=who.employer)),
    )
    assert [one.status for one in answers] == ["DETERMINED", "DUPLICATE"]
    (filed,) = ask(city, "claims", "SELECT person FROM claim WHERE number = $1", number)
    person: UUID = filed["person"]
    before = [ask(city, "claims", sql, person) for sql in SUMS]
    assert opens(city, person) == (2, 2)

    # the registry dies before it commits: she is as she was, nobody is told, and to ask again is enough
    with held_at_the_last_step(city, "registry"), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(erase, city, person)
        kill_at_the_last_step(city, "registry", "registry-api")
        with pytest.raises(grpc.RpcError):
            asked.result()
    city.process("registry-api").start()
    city.wait_ready("registry-api")
    assert opens(city, person) == (2, 2)
    assert ask(city, "registry", "SELECT 1 FROM erasure WHERE person_id = $1", person) == []

    # so do those who hear of it: what is not committed is heard again
    with held_at_the_last_step(city, "claims"), held_at_the_last_step(city, "treasury"):
        assert not erase(city, person).erased_before
        for service in ("claims", "treasury"):
            kill_at_the_last_step(city, service, f"{service}-worker")
        assert opens(city, person) == (0, 2)
    for service in ("claims", "treasury"):
        assert not is_erased(city, service, person)
        city.process(f"{service}-worker").start()
    eventually(lambda: all(is_erased(city, one, person) for one in ("claims", "treasury")), 60, "it does not end")

    assert opens(city, person) == (0, 0)
    assert [ask(city, "claims", sql, person) for sql in SUMS] == before
    assert erase(city, person).erased_before
    assert len(ask(city, "claims", "SELECT 1 FROM erasure WHERE person = $1", person)) == 1


def is_erased(stack: Stack, service: str, person: UUID) -> bool:
    return bool(ask(stack, service, "SELECT 1 FROM erasure WHERE person = $1", person))


def erase(stack: Stack, person: UUID) -> Any:
    with rpc.blocking_channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        request = office_pb2.ErasePersonRequest(person=str(person), reason="a test")
        return OfficeServiceStub(channel).ErasePerson(request, timeout=30)
