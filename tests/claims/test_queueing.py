"""The queue beside the intake: what is told to the metrics, dated later, and dated at all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from deploy.local.stack import Stack
from services.claims.rules import LAW
from services.claims.usecases import queueing
from services.kit import calendar, db
from services.kit.clock import Clock
from tests.kit.live import new_database, rows, value

pytestmark = pytest.mark.integration

CLAIM = """INSERT INTO claim (id, source, number, version, state, county, event_date, content_hashes, received_at,
                              updated_at, kind)
    VALUES ($1, 'hospitals', $1::uuid::text, 1, 'PENDED', '610304', '2026-03-10', '{}', $2::date, now(), $3)"""
TASK = """INSERT INTO review_task (id, claim_id, version, kind, reason, due_on, opened_at, state, outcome)
    VALUES (gen_random_uuid(), $1, 1, $2, $2, $3, now(), $4, $5)"""
IDS = [f"00000000-0000-7000-8000-{n:012d}" for n in range(6)]


@pytest.fixture
def dsn(stack: Stack) -> str:
    return new_database(stack, "claims")


async def ask(dsn: str, number: int, kind: str, due: date | None, *, closed: bool = False, received: str = "2026-11-20",
              reason: str = "WAGE_REQUIRED") -> None:  # fmt: skip
    await rows(dsn, CLAIM, IDS[number], date.fromisoformat(received), kind)
    await rows(dsn, TASK, IDS[number], reason, due, *(("CLOSED", "STANDS") if closed else ("OPEN", None)))


async def watch(dsn: str, today: date) -> Mapping[str, tuple[float, float]]:
    async with db.connect(dsn) as database:
        await queueing.watch(database, LAW, Clock(today))
    return {
        kind: tuple(REGISTRY.get_sample_value(f"cradle_reviews_{name}", {"kind": kind}) for name in ("open", "overdue"))  # type: ignore[misc]
        for kind in ("ALLOWANCE", "REIMBURSEMENT", "PROVIDER_SETTLEMENT")
    }


def test_what_is_open_and_overdue_is_told_by_kind(dsn: str) -> None:
    async def told() -> Mapping[str, tuple[float, float]]:
        due = date(2026, 12, 7)
        await ask(dsn, 0, "ALLOWANCE", due)
        await ask(dsn, 1, "ALLOWANCE", due.replace(day=8))
        await ask(dsn, 2, "ALLOWANCE", due.replace(day=9))
        await ask(dsn, 3, "ALLOWANCE", due, closed=True)
        await ask(dsn, 4, "REIMBURSEMENT", due)
        return await watch(dsn, due.replace(day=8))

    assert asyncio.run(told()) == {
        "ALLOWANCE": (3.0, 1.0),
        "REIMBURSEMENT": (1.0, 1.0),
        "PROVIDER_SETTLEMENT": (0.0, 0.0),
    }


def test_a_review_is_dated_once_the_year_it_is_due_in_is_announced(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The year is made up: only its weekends are off."""
    for held in calendar.load().years:
        source = Path(calendar.__file__).with_name("working_days") / f"{held}.yaml"
        (tmp_path / source.name).write_text(source.read_text("utf-8"), "utf-8")
    months = [21, 20, 23, 22, 21, 22, 22, 22, 22, 21, 22, 23]
    (tmp_path / "2027.yaml").write_text(
        "notice: {number: none, dated: 2026-11-30, status: secondary}\nholidays: []\nmakeup_workdays: []\n"
        f"workdays_by_month: {months}\n",
        "utf-8",
    )

    async def dated() -> list[date | None]:
        await ask(dsn, 0, "REIMBURSEMENT", None)
        await ask(dsn, 1, "REIMBURSEMENT", None, reason="QUALITY_SAMPLE")
        await watch(dsn, date(2026, 11, 23))
        before = await value(dsn, "SELECT due_on FROM review_task WHERE claim_id = $1", IDS[0])
        monkeypatch.setattr(queueing, "CALENDAR", calendar.load(tmp_path))
        await watch(dsn, date(2026, 11, 23))
        after = await rows(dsn, "SELECT due_on FROM review_task ORDER BY claim_id")
        return [before, *(row["due_on"] for row in after)]

    assert asyncio.run(dated()) == [None, date(2027, 1, 1), None]
