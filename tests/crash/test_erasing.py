"""SIGKILL in the middle of erasures, of women at every stage of being paid: each happens whole or not at all, ends by
itself, and no sum moves. What was under way is paid once; what was not is left out, and says why.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, Final
from uuid import UUID

import asyncpg
import grpc
import pytest
from cradle.registry.v1 import office_pb2
from cradle.registry.v1.office_pb2_grpc import OfficeServiceStub

from deploy.local.stack import SERVICES, Stack
from services.kit import db, rpc
from tests.crash import databases
from tests.crash.chaos import eventually
from tests.crash.conftest import Tell
from tests.crash.owed import Counters, Owed, at_every_stage
from tests.kit.opening import readable, traces
from tests.treasury import cashier

pytestmark = pytest.mark.crash
HEARING = ("claims", "treasury")
# Of these persons: what no erasure may change.
SUMS: Final = {
    "claims": (
        "SELECT id, state, content_hashes FROM claim WHERE person = ANY($1) ORDER BY 1",
        "SELECT * FROM accumulator WHERE person = ANY($1) ORDER BY 1, 2, 3",
        "SELECT * FROM benefit_hold WHERE person = ANY($1) ORDER BY 1, 2, 3, 4",
        "SELECT status, claimed_fen FROM submission WHERE person = ANY($1) ORDER BY id",
        "SELECT determination.* FROM determination JOIN claim ON id = claim_id WHERE person = ANY($1) ORDER BY 1, 2",
        "SELECT ordered.* FROM ordered JOIN claim ON id = claim_id WHERE person = ANY($1) ORDER BY 1, 2, 3",
    ),
    "treasury": (
        """SELECT id, case_id, revision, owed_fen, payee FROM payment_order WHERE payee = ANY($1::uuid[]::text[])
           ORDER BY 1""",
    ),
}
# All that can be opened of them, sealed as it lies.
SEALED: Final = {
    "registry": """SELECT id AS person, unnest(ARRAY[wrapped, person.sealed, account.sealed]) AS sealed FROM person
        LEFT JOIN person_key ON person_id = id
        LEFT JOIN payee_account AS account ON kind = 'PERSON' AND reference = id WHERE id = ANY($1)""",
    "claims": "SELECT person, nullif(sealed, '') AS sealed FROM submission WHERE person = ANY($1)",
    "treasury": """SELECT payee::uuid AS person, account_sealed AS sealed FROM payment
        WHERE payee = ANY($1::uuid[]::text[])
        UNION ALL SELECT payee::uuid, detail_sealed FROM statement_entry JOIN payment USING (end_to_end_id)
        WHERE payee = ANY($1::uuid[]::text[])""",
}
# How much the treasury can open of one at each stage: the account of a payment, and what the bank says of a return.
OPEN_AT_FIRST: Final = {"returned": 2, "paid": 1, "sent": 1, "approved": 1, "planned": 1, "reserved": 0}
ENDED: Final = ("returned", "paid")
# How her payment ends, and what it comes to for her order: settled, and still reserved.
ENDS: Final = {
    "returned": ("RETURNED", False),
    "paid": ("RECONCILED", True),
    "sent": ("RECONCILED", True),
    "approved": ("RECONCILED", True),
    "planned": ("CANCELLED", False),
    "reserved": (None, False),
}


def ask(stack: Stack, service: str, sql: str, *arguments: object) -> list[asyncpg.Record]:
    return databases.fetch(databases.dsn_of(stack, service), sql, *arguments)


def held_at_the_last_step(stack: Stack, service: str, person: UUID | None = None) -> AbstractContextManager[None]:
    """Nobody can write that an erasure was done, or how much of this person was taken away first; whoever comes so far
    has taken it away, and not committed.
    """
    lock = "LOCK TABLE erasure IN SHARE ROW EXCLUSIVE MODE"
    if person is not None:
        lock = f"INSERT INTO erasure VALUES ('{person}', 1, now(), now(), 0, 0)"
    return databases.locked(databases.dsn_of(stack, service), lock, 60)


def kill_at_the_last_step(stack: Stack, service: str, role: str) -> None:
    waiting = """SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                 AND query ~ '(INSERT INTO|COPY).*erasure'"""
    eventually(lambda: bool(ask(stack, service, waiting)), 30, f"{role} does not come to its last step")
    stack.kill(role, restart=False)


def sealed(stack: Stack, of: Iterable[Owed]) -> dict[Owed, tuple[Counter[bytes], ...]]:
    """What can be opened of each: in the registry, in claims, in the treasury."""
    found = {one.person: (one, tuple(Counter[bytes]() for _ in SEALED)) for one in of}
    for place, (service, sql) in enumerate(SEALED.items()):
        for row in ask(stack, service, sql, list(found)):
            if row["sealed"] is not None:
                found[row["person"]][1][place][row["sealed"]] += 1
    return dict(found.values())


def opens(stack: Stack, *of: Owed) -> list[tuple[int, ...]]:
    """How much that is."""
    return [tuple(there.total() for there in hers) for hers in sealed(stack, of).values()]


def sums(stack: Stack, of: Iterable[Owed]) -> list[list[asyncpg.Record]]:
    persons = [one.person for one in of]
    return [ask(stack, service, sql, persons) for service, asked in SUMS.items() for sql in asked]


def test_whoever_is_killed_in_an_erasure_leaves_her_whole_and_it_ends_after_the_restart(
    city: Stack, tell: Tell
) -> None:
    counters = Counters(city)
    owed, runs = at_every_stage(city, counters)
    erased = {one.woman.stage: one for one in owed if one.woman.is_erased}
    kept = {one.woman.stage: one for one in owed if not one.woman.is_erased}
    before, untouched = sums(city, owed), sealed(city, kept.values())
    assert opens(city, *erased.values()) == [(3, 2, OPEN_AT_FIRST[stage]) for stage in erased]

    # the registry dies before it commits: she is as she was, nobody is told, and to ask again is enough
    her = erased["paid"]
    with held_at_the_last_step(city, "registry"), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(erase, city, her)
        kill_at_the_last_step(city, "registry", "registry-api")
        with pytest.raises(grpc.RpcError):
            asked.result()
    city.process("registry-api").start()
    city.wait_ready("registry-api")
    assert opens(city, her) == [(3, 2, 1)]
    assert ask(city, "registry", "SELECT 1 FROM erasure WHERE person_id = $1", her.person) == []

    # so do those who hear of it: what is not committed is heard again
    with held_at_the_last_step(city, "claims"), held_at_the_last_step(city, "treasury", her.person):
        for one in erased.values():
            assert not erase(city, one).erased_before
        for service in HEARING:
            kill_at_the_last_step(city, service, f"{service}-worker")
        assert opens(city, her) == [(0, 2, 1)]
    for service in HEARING:
        assert not are_erased(city, service, [her])
        city.process(f"{service}-worker").start()
    eventually(lambda: all(are_erased(city, one, erased.values()) for one in HEARING), 60, "it does not end")
    # an account is needed until its payment has ended
    assert opens(city, *erased.values()) == [(0, 0, 0 if one in ENDED else OPEN_AT_FIRST[one]) for one in erased]

    # what was under way goes on, what was not is left out and says why; the bank's role finds all of it when it is back
    city.kill("treasury-bank", restart=False)
    runs["planned"] = counters.approve(runs["planned"])
    planned = counters.plan("reserved")
    for run in (runs["planned"], planned):
        assert counters.left_out(run) == [["PERSON_ERASED"]]
    runs["reserved"] = counters.approve(planned)
    for run in runs.values():
        counters.send(run)
    city.process("treasury-bank").start()
    in_doubt = [erased["sent"], kept["sent"]]  # sent before, and not answered
    sent_now = [erased["approved"], *[kept[stage] for stage in runs]]
    debited = [*counters.wait(in_doubt, "UNKNOWN"), *counters.wait(sent_now, "SENT")]
    counters.wait_handed_over(debited)
    counters.say("2026-11-24", debited, {})
    counters.wait(in_doubt + sent_now, "RECONCILED")

    # what has ended since is looked at again: who is killed in that has taken nothing away
    city.kill("treasury-worker", restart=False)
    with held_at_the_last_step(city, "treasury", erased["sent"].person):
        city.process("treasury-worker").start()
        kill_at_the_last_step(city, "treasury", "treasury-worker")
        assert opens(city, *[erased[stage] for stage in ("sent", "approved", "planned")]) == [(0, 0, 1)] * 3
    city.process("treasury-worker").start()
    eventually(lambda: set(opens(city, *erased.values())) == {(0, 0, 0)}, 60, "accounts are left")
    city.wait_ready("treasury-worker")

    check_erased(city, erased)
    check_kept(city, kept, untouched)
    assert sums(city, owed) == before
    check_money(city, counters, owed)
    tell(f"{len(erased)} erased, one at each of {', '.join(erased)}; 6 kills, {len(debited)} payments were under way")


def check_erased(city: Stack, erased: dict[str, Owed]) -> None:
    """Once each, with so much as there was; nothing of them is readable anywhere."""
    assert all(erase(city, one).erased_before for one in erased.values())
    persons = [one.person for one in erased.values()]
    told = ask(city, "claims", "SELECT person, submissions FROM erasure WHERE person = ANY($1)", persons)
    assert {tuple(row) for row in told} == {(one, 2) for one in persons}
    gone = ask(
        city, "treasury", "SELECT person, number, accounts, details FROM erasure WHERE person = ANY($1)", persons
    )
    accounts = {stage: int(ends is not None) for stage, (ends, _) in ENDS.items()}
    heard = {(one.person, 0, 0, 0) for one in erased.values()}
    assert {tuple(row) for row in gone} == heard | {
        (one.person, 1, accounts[stage], OPEN_AT_FIRST[stage] - accounts[stage])
        for stage, one in erased.items()
        if OPEN_AT_FIRST[stage]
    }
    hers = traces(*[word for one in erased.values() for word in one.woman.words])
    left = {service: hers.search(shown(city, service)) for service in SERVICES}
    assert left == dict.fromkeys(SERVICES)


def check_kept(city: Stack, kept: dict[str, Owed], before: dict[Owed, tuple[Counter[bytes], ...]]) -> None:
    """Of the others everything lies as it lay, and opens."""
    now = sealed(city, kept.values())
    for one, hers in before.items():
        added = [there - then for there, then in zip(now[one], hers, strict=True)]
        assert [then - there for there, then in zip(now[one], hers, strict=True)] == [Counter()] * len(SEALED)
        assert [there.total() for there in added] == [0, 0, int(one.woman.stage == "reserved")]  # paid since
    persons = [one.person for one in kept.values()]
    assert not any(ask(city, service, "SELECT 1 FROM erasure WHERE person = ANY($1)", persons) for service in HEARING)
    found = {service: shown(city, service) for service in ("registry", *HEARING)}
    for one in kept.values():
        number, name, card = one.woman.words
        for service, words in (("registry", (number, name, card)), ("claims", (number, name)), ("treasury", (card,))):
            assert not [word for word in words if word not in found[service]]


def check_money(city: Stack, counters: Counters, owed: Collection[Owed]) -> None:
    """Orders, ledger, payments and statements agree; at the bank each that was sent is once."""
    expected = {
        one.claim: ENDS[one.woman.stage]
        if one.woman.is_erased or one.woman.stage == "returned"
        else ("RECONCILED", True)
        for one in owed
    }
    payments = {row["case_id"]: row for row in counters.payments(owed)}
    assert len(payments) == len(counters.payments(owed))
    orders = {row["case_id"]: row for row in counters.orders(owed)}
    for claim, (ends, is_settled) in expected.items():
        order = orders[claim]
        assert (payments[claim]["state"] if claim in payments else None) == ends
        assert order["settled_fen"] == (order["owed_fen"] if is_settled else 0)
        assert order["live_fen"] == 0
    sent = {row["end_to_end_id"] for row in payments.values() if row["state"] in {"RECONCILED", "RETURNED"}}
    assert Counter(counters.handed_over()) == Counter(sent)
    (moved_fen,) = ask(
        city,
        "treasury",
        """SELECT sum(CASE WHEN is_credit THEN -amount_fen ELSE amount_fen END) FROM statement_entry
           WHERE end_to_end_id = ANY($1)""",
        sent,
    )
    assert moved_fen[0] == sum(row["settled_fen"] for row in orders.values())
    assert ask(city, "treasury", "SELECT * FROM unmatched WHERE is_open") == []
    told = "SELECT id, payment FROM claim WHERE id = ANY($1)"
    eventually(
        lambda: (
            {row["id"] for row in ask(city, "claims", told, list(expected)) if row["payment"] == "PAID"}
            == {claim for claim, (_, is_settled) in expected.items() if is_settled}
        ),
        30,
        "claims do not hear what is paid",
    )
    asyncio.run(adds_up(city))


async def adds_up(city: Stack) -> None:
    async with db.connect(databases.dsn_of(city, "treasury")) as database:
        await cashier.check(database)


def shown(city: Stack, service: str) -> str:
    """Everything in its database, and all that the keys open of it."""
    return asyncio.run(readable(city, databases.dsn_of(city, service)))


def are_erased(stack: Stack, service: str, of: Collection[Owed]) -> bool:
    persons = [one.person for one in of]
    (found,) = ask(stack, service, "SELECT count(DISTINCT person) FROM erasure WHERE person = ANY($1)", persons)
    return bool(found[0] == len(persons))


def erase(stack: Stack, one: Owed) -> Any:
    with rpc.blocking_channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel:
        request = office_pb2.ErasePersonRequest(person=str(one.person), reason="a test")
        return OfficeServiceStub(channel).ErasePerson(request, timeout=30)
