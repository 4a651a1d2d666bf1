"""`cradle claims redetermine` and `appeal` as clerks have them, against the whole system."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.claims import store, usecases
from services.claims.usecases import Office
from services.cli.failures import Exit
from services.cli.main import app
from services.kit import db, rpc
from services.kit.clock import Clock
from services.kit.errors import Conflict
from services.kit.parking import Message
from tests.builders import TODAY, claim, claim_number, law_with, submit
from tests.claims.harness import claims_dsn, insured
from tests.kit.live import sealer_of, settings_of

pytestmark = pytest.mark.integration
Desk = Callable[..., Result]
BEFORE = law_with({"allowance.divisor": 35})
LESS, OWED = 98 * 600_000 // 35, 1_960_000


@pytest.fixture(scope="module")
def desk(stack: Stack) -> Desk:
    def run(person: str, *arguments: object) -> Result:
        token = stack.authority.token(person, {"cradle_role": "operator"})
        env = {**stack.environment, "LANG": "C", "CRADLE_TOKEN": token}
        return CliRunner(env=env).invoke(app, [*map(str, arguments)])

    return run


def data(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def decided_before(stack: Stack, sent: bytes) -> None:
    """A claim that is on file since before the law was changed."""
    async with (
        db.connect(claims_dsn(stack)) as database,
        rpc.channel(stack.environment["CRADLE_REGISTRY_TARGET"], stack.operator) as channel,
    ):
        office = Office(settings_of(stack), Clock(TODAY), BEFORE, sealer_of(stack), RegistryServiceStub(channel))
        await store.keep_law(database, BEFORE)
        message = Message("claims.intake.v1.hospitals", 99, 0, b"member", sent, 0)
        for _ in range(100):  # she may be heard of since she was looked up: as an inbox does, look again
            prepared = await usecases.prepare(office, [message])
            with suppress(Conflict):
                async with database.transaction() as tx:
                    await usecases.take_in(office, tx, prepared)
                return
        raise AssertionError("her coverage changes without end")


def test_a_changed_law_is_planned_approved_and_carried_out_and_its_result_appealed(stack: Stack, desk: Desk) -> None:
    who, number = insured(stack), claim_number()
    sent = claim(number=number, person=who.number, employer=who.employer, county="610331")
    asyncio.run(decided_before(stack, submit(sent)))
    name = f"hospitals/{number}"

    nothing = desk("li", "claims", "redetermine")
    planned = data(desk("li", "claims", "redetermine", "--law-changed", "--output", "json"))
    again = desk("li", "claims", "redetermine", "--law-changed")
    alone = desk("li", "claims", "redetermine", "approve", "--plan-hash", planned["plan_hash"])
    shown = desk("wang", "claims", "redetermine", "status", planned["name"], "--language", "zh-CN")
    table = desk("wang", "claims", "redetermine", "status", "--output", "csv")
    by_claim = data(
        desk("wang", "claims", "redetermine", "status", "--claims", "--county", "610331", "--output", "json")
    )
    done = data(
        desk("wang", "claims", "redetermine", "approve", "--plan-hash", planned["plan_hash"], "--output", "json")
    )
    listed = desk("wang", "claims", "redetermine", "list")

    assert (nothing.exit_code, again.exit_code, alone.exit_code) == (Exit.USAGE,) * 3
    assert "REDETERMINATION_OPEN" in again.output
    assert "REDETERMINATION_SECOND_PERSON" in alone.output
    assert (planned["state"], planned["planned"]) == ("REDETERMINATION_STATE_PLANNED", "1")
    assert "待批准" in shown.stdout
    assert "增加件数" in shown.stdout
    rows = {row["county"]: row for row in csv.DictReader(io.StringIO(table.stdout))}
    assert (rows["610331"]["claims_up"], rows["610331"]["up_fen"]) == ("1", str(OWED - LESS))
    (one,) = by_claim["claims"]
    assert (one["claim_number"], one["before_fen"], one["after_fen"]) == (number, str(LESS), str(OWED))
    assert (done["state"], done["decided"]) == ("REDETERMINATION_STATE_DONE", "1")
    assert planned["name"] in listed.stdout

    filed = data(
        desk("li", "claims", "appeal", "file", name, "--by", "EMPLOYER", "--ground", "AMOUNT_WRONG", "--line",
             "ALLOWANCE/1", "--note", "...", "--output", "json")
    )  # fmt: skip
    told = desk("li", "claims", "show", name)
    review = filed["review"].removeprefix("reviews/")
    own = desk("li", "reviews", "take", review)
    for arguments in (("take", review), ("answer", review, "--stand")):
        assert desk("zhao", "reviews", *arguments).exit_code == 0
    ended = desk("wang", "claims", "appeal", "show", filed["name"])
    queue = desk("wang", "claims", "appeal", "list", "--state", "FILED", "--county", "610331")
    late = desk("li", "claims", "appeal", "withdraw", filed["name"])
    no_csv = desk("li", "claims", "show", name, "--output", "csv")

    assert f"{filed['name']} 2026-11-23" in told.stdout
    assert "APPEAL_BY_ANOTHER" in own.output
    assert "upheld" in ended.stdout
    assert "(none)" in queue.stdout
    assert "APPEAL_ENDED" in late.output
    assert no_csv.exit_code == Exit.USAGE
