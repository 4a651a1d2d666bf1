"""Certificates: status look-ups against an empty echo of the same messages, and a sweep of 100 000 certificates' days.

`python -m tests.bench.certificates` starts a stack of its own and prints JSON. Both servers are processes of their own,
behind the same TLS, permissions and shape checks; one answers from the database, the other what it was given.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from random import Random
from statistics import median
from typing import IO, Any, Final, cast
from uuid import UUID

import asyncpg
from cradle.certification.v1 import certificate_pb2, certificates_pb2
from cradle.certification.v1.certificates_pb2_grpc import CertificateServiceStub

from deploy.local.authority import variables
from deploy.local.roles import service_role
from deploy.local.stack import Stack
from services.certification import rules
from services.certification.usecases import Desk, sweeping
from services.kit import db, rpc, telemetry
from services.kit.calendar import CALENDAR
from services.kit.clock import Clock
from services.kit.dates import to_proto
from services.kit.settings import Settings
from services.kit.tls import Identity
from tests.kit.answering import answering, free_address
from tests.kit.live import sealer_of

CERTIFICATES: Final = 100_000
EMPLOYERS: Final = 100  # of one call
AS_OF: Final = date(2026, 11, 20)
SWEPT: Final = date(2027, 12, 1)
_AT_ONCE: Final = 4
_CALLS: Final = 150
_ROUNDS: Final = 5

# Each awarded on a day of one year, reported once, and suspended and revoked for the next report, on its own days.
_FILL: Final = """
SET session_replication_role = replica;
INSERT INTO certificate (number, employer, uscc, employer_name, county, application_id, scheme, scheme_digest,
                         awarded_on, version, told_to, on_day, state, why, valid_to, kind, next_look_on)
SELECT 'BJ-FFE-2025-' || lpad(n::text, 6, '0'), md5('e' || n)::uuid, lpad(n::text, 18, '9'), 'Bench', '610302',
       md5('a' || n)::uuid, 1, 'bench', d, 1, d, d, 'ACTIVE', 'NEW', d + 1094, 'NEW', d + 305
FROM (SELECT n, date '2025-10-01' + n % 365 AS d FROM generate_series(1, {count}) AS n) AS made;
INSERT INTO certificate_span (employer, uscc, on_day, serial, number, state, why, valid_to, kind)
SELECT c.employer, c.uscc, c.awarded_on + s.after, c.serial, c.number, s.state, s.why, c.valid_to, 'NEW'
FROM certificate AS c, (VALUES (0, 'ACTIVE', 'NEW'), (20, 'SUSPENDED', 'SUSPENSION_VIOLATION_OPENED'),
    (40, 'ACTIVE', 'REINSTATED'), (60, 'SUSPENDED', 'SUSPENSION_ARREARS'), (80, 'ACTIVE', 'REINSTATED'),
    (395, 'SUSPENDED', 'ANNUAL_REPORT_OVERDUE'), (455, 'REVOKED', 'ANNUAL_REPORT_MISSING')) AS s (after, state, why);
INSERT INTO certificate_reminder (number, what, due_on, on_day)
SELECT number, r.what, awarded_on + 365, awarded_on + 365 + r.after
FROM certificate, (VALUES ('REPORT_OPENS', -60), ('REPORT_OVERDUE', 1)) AS r (what, after);
SET session_replication_role = DEFAULT;
"""


async def fill(dsn: str, count: int = CERTIFICATES) -> None:
    """So many certificates of as many employers, each with a state and reminders to be told by `SWEPT`."""
    connection = await asyncpg.connect(dsn, command_timeout=300)
    await connection.execute(_FILL.format(count=count))
    for table in ("certificate", "certificate_span", "certificate_reminder"):
        await connection.execute(f"VACUUM ANALYZE {table}")
    await connection.close()


async def measure(stack: Stack) -> dict[str, float]:
    """On a running certification api."""
    dsn = f"{stack.environment['DATABASE_URL']}/cradle_certification"
    await fill(dsn)
    looked = await _against_an_echo(stack)
    return {**looked, "sweep_s": await _sweep(stack, dsn)}


async def _against_an_echo(stack: Stack) -> dict[str, float]:
    """One after the other, again and again: whatever else the machine does, it does to both."""
    target = stack.environment["CRADLE_CERTIFICATION_TARGET"]
    with free_address() as address, _echoing(stack, address) as echo:
        await asyncio.to_thread(echo.readline)
        found = [
            (await _calls_per_s(target, stack.operator), await _calls_per_s(address, stack.operator))
            for _ in range(_ROUNDS)
        ]
    return {
        "status_lookups_per_s": round(median(looked for looked, _ in found) * EMPLOYERS),
        "status_echo_per_s": round(median(echoed for _, echoed in found) * EMPLOYERS),
        "status_vs_echo": round(median(looked / echoed for looked, echoed in found), 3),
    }


@contextmanager
def _echoing(stack: Stack, address: str) -> Iterator[IO[bytes]]:
    own = variables(stack.authority.identity("service/certification"))
    command = [sys.executable, "-m", "tests.bench.certificates", "echo", address]
    environment = {**os.environ, **stack.environment, **own}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield cast("IO[bytes]", process.stdout)
        finally:
            process.terminate()


async def _calls_per_s(address: str, identity: Identity) -> float:
    """Calls of 100 employers each, half of them by code, a few at once."""
    rng = Random(address)
    requests = [
        certificates_pb2.BatchGetCertificateStatusRequest(employers=list(_names(rng)), as_of=to_proto(AS_OF))
        for _ in range(_CALLS)
    ]
    async with rpc.channel(address, identity) as channel:
        call = CertificateServiceStub(channel).BatchGetCertificateStatus
        await asyncio.gather(*[call(one, timeout=20) for one in requests[:_AT_ONCE]])
        waiting = iter(requests)

        async def ask() -> None:
            for one in waiting:
                answer = await call(one, timeout=20)
                assert len(answer.statuses) == EMPLOYERS

        began = time.perf_counter()
        await asyncio.gather(*[ask() for _ in range(_AT_ONCE)])
        return len(requests) / (time.perf_counter() - began)


def _names(rng: Random) -> Iterator[str]:
    """As the table was filled: a reference, then a code."""
    for place in range(EMPLOYERS):
        number = str(rng.randrange(1, CERTIFICATES + 1))
        reference = hashlib.md5(f"e{number}".encode(), usedforsecurity=False).hexdigest()
        yield number.rjust(18, "9") if place % 2 else str(UUID(reference))


async def _sweep(stack: Stack, dsn: str) -> float:
    """Every certificate has a state to be told and reminders that are due."""
    async with db.connect(dsn) as database:
        desk = Desk(database, Clock(SWEPT), sealer_of(stack), CALENDAR, rules.shipped(), None)  # type: ignore[arg-type]
        began = time.perf_counter()
        assert await sweeping.sweep(desk) == CERTIFICATES
        return round(time.perf_counter() - began, 2)


async def _echo(address: str) -> None:
    ready = certificates_pb2.BatchGetCertificateStatusResponse(
        statuses=[
            certificates_pb2.CertificateStatus(
                certificate="certificates/BJ-FFE-2025-000001",
                state=certificate_pb2.CERTIFICATE_STATE_ACTIVE,
                since=to_proto(AS_OF),
                valid_to=to_proto(AS_OF),
            )
        ]
        * EMPLOYERS
    )

    async def answer(_: Any, __: Any) -> certificates_pb2.BatchGetCertificateStatusResponse:
        return ready

    telemetry.configure_logs("bench", "echo")  # a line a call, as every service writes
    settings = Settings().model_copy(update={"grpc_listen": address})  # type: ignore[call-arg]  # of the environment
    service = certificates_pb2.DESCRIPTOR.services_by_name["CertificateService"]
    async with answering(settings, [service], {"BatchGetCertificateStatus": answer}):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    if sys.argv[1:2] == ["echo"]:
        asyncio.run(_echo(sys.argv[2]))
        return
    roles = (service_role("certification", "api"), service_role("registry", "api"))
    with Stack("bench-certificates", roles, {"CRADLE_TODAY": "2026-11-23"}) as stack:
        figures = asyncio.run(measure(stack))
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
