"""SIGKILL while certificates are awarded, and while their days are swept: one certificate, one number, one event."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from random import Random

from deploy.local.roles import service_role
from deploy.local.stack import Stack
from services.kit.migrations import migrate
from tests.bench.certificates import fill
from tests.crash.chaos import eventually
from tests.crash.conftest import Size, Tell
from tests.crash.databases import dsn_of, fetch
from tests.kit.live import new_database

WORKER = service_role("certification", "worker")
_SWEPT = 20_000


def test_an_award_or_a_sweep_that_is_killed_leaves_all_or_nothing(
    bare: Stack, random: Random, size: Size, tell: Tell
) -> None:
    awards = new_database(bare, "certification")
    for _ in range(size.rounds):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.crash.awarding", awards], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(random.uniform(0.1, 0.6))  # the moment; nothing is waited for
            process.kill()
    (found,) = fetch(
        awards,
        """SELECT (SELECT count(*) FROM application) AS applications, count(*) AS certificates,
                  count(DISTINCT application_id) AS awarded, count(DISTINCT serial) AS serials,
                  (SELECT count(*) FROM certificate_change WHERE version = 1) AS changes,
                  (SELECT count(DISTINCT aggregateid) FROM outbox) AS events, (SELECT count(*) FROM outbox) AS sent,
                  (SELECT count(DISTINCT number) FROM certificate_span) AS spans,
                  count(*) FILTER (WHERE credential = '') AS unsigned
           FROM certificate""",
    )
    assert len(set(list(found)[:-1])) == 1
    assert found["certificates"] > 0
    assert found["unsigned"] == 0

    dsn = dsn_of(bare, "certification")
    migrate(dsn, "certification")  # nobody relays what the worker tells
    asyncio.run(fill(dsn, _SWEPT))
    bare.start_role(WORKER, {"CRADLE_TODAY": "2027-12-01", "CRADLE_TIMER_EVERY_S": "0.05"})
    for _ in range(size.rounds):
        time.sleep(random.uniform(0.05, 0.4))
        bare.kill(WORKER.name)
        bare.process(WORKER.name).start()
    waits = "SELECT count(*) FROM certificate WHERE next_look_on <= '2027-12-01'"
    eventually(lambda: fetch(dsn, waits)[0][0] == 0, size.timeout_s, "the sweep does not end")
    bare.stop_role(WORKER.name)
    told = fetch(
        dsn,
        """SELECT count(*) AS changes, count(DISTINCT number) AS numbers, (SELECT count(*) FROM outbox) AS events,
                  (SELECT count(*) FROM certificate WHERE version = 2 AND state <> 'ACTIVE') AS moved
           FROM certificate_change""",
    )[0]
    assert set(told) == {_SWEPT}
    tell(f"{found['certificates']} awards and {_SWEPT} certificates swept, {2 * size.rounds} kills")
