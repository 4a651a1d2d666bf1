"""Stored determinations decided again: to the byte by their own law and rules, and under a draft, line beside line."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import asyncpg
import orjson
import psutil
import pytest
from typer.testing import CliRunner, Result

from deploy.local.stack import Stack
from services.claims import rules
from services.claims.model import Benefit, Category, ClaimKind, DeliveryMode, Event, EventType, Facts, Insured
from services.claims.store import replay as store
from services.claims.usecases.replay import Asked, Report, Watch, replay
from services.claims.usecases.replay.again import first_difference
from services.cli.main import app
from services.kit.errors import Invalid, Unavailable
from services.kit.law import Law
from tests import builders
from tests.bench.mixed import mixed
from tests.bench.replay import history as history_of
from tests.claims.harness import exchange, insured
from tests.claims.stored import contents, stored
from tests.claims.written import Written, claim_id, decided, of_old, write
from tests.kit.live import new_database, rows

pytestmark = pytest.mark.integration

LAW = rules.LAW
KEPT = (LAW.digest, LAW.content)
NEW, OLD = 240, 60


@pytest.fixture(scope="module")
def history(stack: Stack) -> str:
    """240 claims of today's rules in two counties, 60 of the old ones in a third; all as they were decided."""
    dsn = new_database(stack, "claims")
    counties = itertools.cycle(("610302", "610303"))
    new = [decided(n, facts, LAW, county=next(counties)) for n, facts in enumerate(mixed(NEW), 1)]
    write(dsn, [*new, *of_old(1000, stored())], [KEPT, *contents().items()])
    return dsn


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Report]:
    def of(dsn: str, asked: Asked | None = None, watch: Watch | None = None) -> Report:
        return replay(dsn, asked or Asked(), 2, tmp_path / "checkpoint", watch)

    return of


def test_everything_comes_out_as_it_was(history: str, run: Callable[..., Report], tmp_path: Path) -> None:
    report = run(history)

    assert (report.rows, report.different, report.cases) == (NEW + OLD, 0, [])
    assert report.seconds > 0
    assert not (tmp_path / "checkpoint").exists()


def test_a_county_a_day_and_a_sample_choose(history: str, run: Callable[..., Report]) -> None:
    since = date(2026, 3, 1)
    late = asyncio.run(rows(history, "SELECT count(*) AS n FROM determination WHERE decision_date >= $1", since))

    assert run(history, Asked(county="610304")).rows == OLD
    assert run(history, Asked(county="610302")).rows == NEW / 2
    assert run(history, Asked(county="610399")).rows == 0
    assert 0 < run(history, Asked(since=since)).rows == late[0]["n"] < NEW + OLD
    assert run(history, Asked(sample=50)).rows == 50
    assert run(history, Asked(sample=7, county="610304", since=date(2025, 1, 1))).rows == 7
    assert run(history, Asked(sample=10_000)).rows == NEW + OLD


def test_a_sample_is_drawn_by_its_seed(history: str) -> None:
    async def drawn(seed: int) -> set[object]:
        async with store.connected(history) as connection:
            wanted = await store.sampled(connection, store.Filter(seed=seed), 100, latest=False)
            plan = await store.plan(connection, 5_000)
            found = await store.stored(connection, store.FIRST, plan.bounds[-1], wanted)
        return {row["claim_id"] for row in found}

    first, again, other = (asyncio.run(drawn(seed)) for seed in (1, 1, 2))

    assert len(first) == len(other) == 100
    assert first == again != other


def test_the_table_is_cut_without_gap_or_overlap(history: str) -> None:
    async def read(chunk_rows: int) -> tuple[list[tuple[object, object]], int]:
        async with store.connected(history) as connection:
            plan = await store.plan(connection, chunk_rows)
            found: list[tuple[object, object]] = []
            for above, up_to in itertools.pairwise([store.FIRST, *plan.bounds]):
                chunk = await store.stored(connection, above, up_to, store.Filter())
                assert len(chunk) <= chunk_rows
                found += [(row["claim_id"], row["version"]) for row in chunk]
        return found, plan.rows

    for chunk_rows in (1, 7, 100, 300, 301):
        keys, counted = asyncio.run(read(chunk_rows))
        assert len(keys) == len(set(keys)) == counted == NEW + OLD


def test_nothing_can_be_written(history: str) -> None:
    async def write_anyway() -> None:
        async with store.connected(history) as connection, store.snapshot(connection):
            await connection.execute("INSERT INTO law (digest, content) VALUES ('x', '')")

    async def write_outside() -> None:
        async with store.connected(history) as connection:
            await connection.execute("INSERT INTO law (digest, content) VALUES ('x', '')")

    for attempt in (write_anyway, write_outside):
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            asyncio.run(attempt())


# --- what does not come out ------------------------------------------------------------------------------------------


def tampered(one: Written, **changes: object) -> Written:
    """The same determination, with a result that its facts do not have."""
    result = orjson.loads(one.result)
    result["figures"] |= changes
    return one._replace(result=orjson.dumps(result, option=orjson.OPT_SORT_KEYS).decode())


def allowance(day: date = date(2026, 3, 10), wage_fen: int = 600_000, **rest: object) -> Facts:
    """A plain delivery: 98 days that the fund pays."""
    return Facts(
        decision_date=date(2026, 11, 23),
        event=Event(EventType.DELIVERY, day, DeliveryMode.VAGINAL, birth_order=1),
        insured=Insured(Category.EMPLOYEE, ((24_288, 24_320),), own_monthly_wage_fen=700_000),
        kind=ClaimKind.ALLOWANCE,
        benefits=(Benefit.ALLOWANCE,),
        employer_wages=((day.year - 1, wage_fen),),
        **rest,  # type: ignore[arg-type]
    )


def test_every_row_that_does_not_come_out_is_named_with_its_first_path(
    stack: Stack, run: Callable[..., Report], tmp_path: Path
) -> None:
    dsn, good = new_database(stack, "claims"), [decided(n, allowance(), LAW) for n in range(1, 8)]
    altered = LAW.content.replace("98", "99", 1)
    write(
        dsn,
        [
            good[0],
            tampered(good[1], allowance_fen=1),
            good[2]._replace(law="f" * 64),
            good[3]._replace(law="e" * 64),
            good[4]._replace(rules="2019.7"),
            good[5]._replace(facts='{"decision_date":"2026-11-23"}'),
            good[6]._replace(result=good[6].result.replace(":", ": ", 1)),
        ],
        [KEPT, ("e" * 64, altered)],
    )

    report = run(dsn, Asked(changes=tmp_path / "changes.ndjson"))

    assert (report.rows, report.same, report.different) == (7, 1, 6)
    assert [(case["claim"], case["path"], case["again"]) for case in report.cases] == [
        (str(claim_id(2)), "figures.allowance_fen", "1960000"),
        (str(claim_id(3)), "law_digest", "LAW_MISSING"),
        (str(claim_id(4)), "law_digest", "LAW_ALTERED"),
        (str(claim_id(5)), "rules_revision", "UNKNOWN"),
        (str(claim_id(6)), "", "KeyError"),
        (str(claim_id(7)), "character 11", good[6].result[11:131] + "..."),
    ]
    assert report.cases[0]["stored"] == "1"
    kept = [orjson.loads(line) for line in (tmp_path / "changes.ndjson").read_bytes().splitlines()]
    assert kept == report.cases
    assert (tmp_path / "checkpoint").read_bytes().endswith(b'{"finished":true}\n')
    assert run(dsn, Asked(changes=tmp_path / "changes.ndjson")).resumed == 0


@pytest.mark.parametrize(
    ("stored_as", "again", "found"),
    [
        ('{"a":1}', '{"a":2}', ("a", "1", "2")),
        ('{"a":{"b":[1,2]}}', '{"a":{"b":[1,3]}}', ("a.b[1]", "2", "3")),
        ('{"a":[1]}', '{"a":[1,{"x":2}]}', ("a[1]", "", '{"x":2}')),
        ('{"a":1,"b":2}', '{"b":3}', ("a", "1", "")),
        ('{"a":1}', '{"a":true}', ("a", "1", "true")),
        ('{"a": 1}', '{"a":1}', ("character 5", " 1}", "1}")),
        ("no json", '{"a":1}', ("character 0", "no json", '{"a":1}')),
        ('{"a":1}\n', '{"a":1}', ("character 7", "\n", "")),
    ],
)
def test_the_first_difference_is_the_first_in_the_order_of_names(
    stored_as: str, again: str, found: tuple[str, str, str]
) -> None:
    assert first_difference(stored_as, again) == found


# --- interrupted, and beside other work ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_history(stack: Stack) -> str:
    """60 000 determinations, all as they were decided; the last of each chunk of 5 000 is not."""
    dsn = new_database(stack, "claims")
    different = list(mixed(500))
    made = [decided(0, facts, LAW) for facts in different]

    def written() -> list[Written]:
        found = [made[n % 500]._replace(claim=claim_id(n + 1)) for n in range(60_000)]
        return [tampered(one, continuous_months=999) if n % 5_000 == 0 else one for n, one in enumerate(found, 1)]

    write(dsn, written(), [KEPT])
    return dsn


def chunks_in(checkpoint: Path) -> list[int]:
    lines = checkpoint.read_bytes().splitlines() if checkpoint.exists() else []
    return [orjson.loads(line)["chunk"] for line in lines if line.startswith(b'{"chunk"') and line.endswith(b"}")]


@pytest.mark.parametrize("word", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_it_goes_on_and_decides_every_row_once(
    long_history: str, run: Callable[..., Report], tmp_path: Path, word: signal.Signals
) -> None:
    checkpoint = tmp_path / "checkpoint"
    command = [sys.executable, "-m", "tests.claims.replaying", long_history, str(checkpoint)]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while len(chunks_in(checkpoint)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        workers = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, word)
        process.wait(20)
    assert workers
    assert psutil.wait_procs(workers, timeout=20)[1] == []  # nobody goes on without the one who asked
    before = chunks_in(checkpoint)
    assert 2 <= len(before) < 12

    class Counted(Watch):
        resumed = 0

        def began(self, checkpoint: Path, rows: int, resumed: int) -> None:
            self.resumed = resumed

    watch = Counted()
    report = run(long_history, watch=watch)

    assert watch.resumed == report.resumed == 5_000 * len(before)
    assert (report.rows, report.different) == (60_000, 12)
    assert sorted(chunks_in(checkpoint)) == list(range(12))
    assert [case["claim"] for case in report.cases] == [str(claim_id(n)) for n in range(5_000, 60_001, 5_000)]


def test_a_checkpoint_serves_one_replay(long_history: str, run: Callable[..., Report], tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    asked = Asked(county="610303").as_data(long_history)
    checkpoint.write_bytes(orjson.dumps({"wanted": asked, "plan": {}}) + b"\n")
    with pytest.raises(Invalid, match="REPLAY_CHECKPOINT_OTHER"):
        run(long_history)
    checkpoint.write_text("a file of mine\n")
    with pytest.raises(Invalid, match="REPLAY_CHECKPOINT_OTHER"):
        run(long_history)
    assert checkpoint.read_text() == "a file of mine\n"


def test_a_line_that_was_cut_short_is_done_again(history: str, run: Callable[..., Report], tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    head = {
        "wanted": Asked().as_data(history),
        "plan": {"rows": 300, "hash_max": None, "bounds": [[str(claim_id(2000)), 1]]},
    }
    checkpoint.write_bytes(orjson.dumps(head) + b'\n{"chunk":0,"result":{"rows":3')

    report = run(history)

    assert (report.rows, report.resumed, report.different) == (NEW + OLD, 0, 0)


def test_what_is_written_meanwhile_does_not_disturb(stack: Stack, run: Callable[..., Report]) -> None:
    dsn = new_database(stack, "claims")
    write(dsn, [decided(n, allowance(), LAW) for n in range(10, 100)], [KEPT])

    class Writer(Watch):
        def began(self, checkpoint: Path, rows: int, resumed: int) -> None:
            """Before, between and after the rows that are there, and not as anything was decided."""
            late = [decided(n, allowance(), LAW) for n in (1, 5, 200)] + [decided(50, allowance(), LAW, version=2)]
            write(dsn, [tampered(one, fund_days=1) for one in late])

    report = run(dsn, watch=Writer())

    assert (report.rows, report.different) == (90, 0)
    assert run(dsn).rows == 94


def test_a_database_that_is_away_is_said_so(tmp_path: Path) -> None:
    with pytest.raises((Unavailable, OSError)):
        replay("postgresql://nobody@127.0.0.1:1/cradle_claims", Asked(), 1, tmp_path / "checkpoint")


# --- a draft ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def law() -> Law:
    """The law in force, with the figures that the cases below are reckoned by."""
    return LAW.given(
        {
            "allowance.divisor": "30",
            "allowance.divisor_months": "1",
            "allowance.fund_days.local60": "false",
            "allowance.min_continuous_months": "12",
            "leave.maternity.base_days": "98",
            "leave.maternity.local_days": "60",
        }
    )


@pytest.fixture(scope="module")
def small(stack: Stack, law: Law) -> str:
    """Five claims of four women in two counties, one of them corrected.

    98 days of a month of 30: 6000.00 yuan a month are 19 600.00, 4500.00 are 14 700.00; the sixty local days beside
    are 12 000.00 and 9000.00.
    """
    dsn = new_database(stack, "claims")
    short = allowance()._replace(insured=Insured(Category.EMPLOYEE, ((24_315, 24_320),), own_monthly_wage_fen=700_000))
    made = [
        decided(1, allowance(), law, county="610302", person=1),
        decided(2, allowance(wage_fen=450_000), law, county="610303", person=2),
        decided(3, allowance(wage_fen=100_000), law, county="610302", person=3),  # corrected below
        decided(3, allowance(wage_fen=600_000), law, county="610302", version=2, person=3),
        decided(4, allowance(day=date(2025, 1, 5)), law, county="610303", person=2),
        decided(5, short, law, county="610303", person=4),
    ]
    write(dsn, made, [(law.digest, law.content)])
    return dsn


def test_a_draft_that_pays_the_local_days_costs_what_a_hand_reckons(
    small: str, law: Law, run: Callable[..., Report], tmp_path: Path
) -> None:
    draft = law.given({"allowance.fund_days.local60": "true"})

    report = run(small, Asked(draft=draft, cases_max=2, changes=tmp_path / "changes"))

    assert report.cost is not None
    cost = report.cost.as_data()
    total = cost["total"]
    # Claims 1 and 3 in 610302: 12 000.00 each; in 610303 claim 2 has 9000.00 and claim 4 12 000.00; 5 has none.
    assert {name: group["difference_fen"] for name, group in cost["counties"].items()} == {
        "610302": 2_400_000,
        "610303": 2_100_000,
    }
    assert (total["before_fen"], total["after_fen"], total["difference_fen"]) == (7_350_000, 11_850_000, 4_500_000)
    assert (total["determinations"], total["changed"], total["better"], total["worse"], total["outcome"]) == (
        5,
        4,
        4,
        0,
        0,
    )
    assert (total["people_better"], total["people_worse"], total["people_outcome"]) == (3, 0, 0)
    assert cost["kinds"]["ALLOWANCE"]["difference_fen"] == 4_500_000
    assert report.rows == 5
    first, second = report.cases
    assert (first["claim"], second["claim"]) == (str(claim_id(1)), str(claim_id(2)))
    assert first["lines"] == [
        {
            "kind": "ALLOWANCE", "number": 1, "outcome_before": "APPROVED", "outcome_after": "APPROVED",
            "before_fen": 1_960_000, "after_fen": 3_160_000, "reasons": [],
        }
    ]  # fmt: skip
    assert [(one["name"], one["old"], one["new"]) for one in first["parameters"]] == [
        ("allowance.fund_days.local60", "false", "true")
    ]
    assert first["parameters"][0]["citation_en"] == "given value"
    changed = [orjson.loads(line)["claim"] for line in (tmp_path / "changes").read_bytes().splitlines()]
    assert sorted(changed) == [str(claim_id(n)) for n in (1, 2, 3, 4)]


def test_a_draft_that_asks_for_more_months_takes_from_some(small: str, law: Law, run: Callable[..., Report]) -> None:
    """Claim 4, of January 2025, has 13 months paid, counted from 2024-01; the others have 27 and 6."""
    report = run(small, Asked(draft=law.given({"allowance.min_continuous_months": "18"})))

    assert report.cost is not None
    total = report.cost.group("")
    assert (total["worse"], total["outcome"], total["better"], total["difference_fen"]) == (1, 1, 0, -1_960_000)
    (case,) = report.cases
    assert (case["claim"], case["outcome_before"], case["outcome_after"]) == (str(claim_id(4)), "APPROVED", "DENIED")
    assert case["lines"][0]["reasons"] == ["CONTRIB_SHORT"]
    assert [(one["name"], one["old"], one["new"]) for one in case["parameters"]] == [
        ("allowance.min_continuous_months", "12", "18")
    ]


def test_what_waits_for_a_figure_is_told_apart(small: str, law: Law, run: Callable[..., Report]) -> None:
    report = run(small, Asked(draft=law.given({"allowance.divisor": "null"}), county="610302"))

    assert report.cost is not None
    cost = report.cost.as_data()
    total = cost["total"]
    assert (total["waiting"], total["waiting_fen"], cost["unset"]) == (2, 3_920_000, {"allowance.divisor": 2})
    assert (total["better"], total["worse"], total["outcome"], total["difference_fen"]) == (0, 0, 0, 0)
    assert {case["status"] for case in report.cases} == {"WAITING"}
    assert ("allowance.divisor", "30", "") in [
        (one["name"], one["old"], one["new"]) for one in report.cases[0]["parameters"]
    ]


def test_the_same_law_as_a_draft_changes_nothing(small: str, law: Law, run: Callable[..., Report]) -> None:
    report = run(small, Asked(draft=law))

    assert report.cost is not None
    assert (report.rows, report.different, report.cost.group("")["difference_fen"]) == (5, 0, 0)


def test_what_the_old_rules_decided_is_decided_under_a_draft(history: str, run: Callable[..., Report]) -> None:
    report = run(history, Asked(draft=LAW, county="610304"))

    assert report.cost is not None
    assert report.rows == OLD == report.cost.group("county/610304")["determinations"]
    assert {case["rules"] for case in report.cases} == {"2026.1"}


def test_nothing_was_written_by_any_of_it(small: str, law: Law, run: Callable[..., Report]) -> None:
    tables = ("claim", "determination", "law", "benefit_hold", "person", "submission", "outbox")
    question = "UNION ALL ".join(
        f"SELECT '{name}' AS name, md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {name} AS t "
        for name in tables
    )

    before = asyncio.run(rows(small, question))
    run(small)
    run(small, Asked(draft=law.given({"allowance.divisor": "31"})))

    assert asyncio.run(rows(small, question)) == before


# --- the command, on the system as it runs ---------------------------------------------------------------------------


def cradle(stack: Stack, *arguments: object) -> Result:
    env = {"DATABASE_URL": stack.environment["DATABASE_URL"], "LANG": "C"}
    return CliRunner(env=env).invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def claim(stack: Stack) -> str:
    """A claim that came by the topic and was decided by the worker."""
    woman = insured(stack)
    sent = builders.claim(number=builders.claim_number(), person=woman.number, employer=woman.employer, county="610324")
    (answer,) = exchange(stack, builders.submit(sent))
    assert answer.status == "DETERMINED"
    return answer.receipt.claim


def test_what_the_worker_decided_comes_out_by_the_command(stack: Stack, claim: str, tmp_path: Path) -> None:
    result = cradle(stack, "claims", "replay", "--output", "json", "--checkpoint", tmp_path / "c", "--jobs", 1)

    told = orjson.loads(result.stdout)
    assert result.exit_code == 0
    assert told["total"] == told["same"] > 0
    assert (told["different"], told["differences"]) == (0, [])
    assert "checkpoint" in result.stderr


def test_the_command_tells_what_a_draft_costs_in_both_languages(stack: Stack, claim: str, tmp_path: Path) -> None:
    draft = tmp_path / "draft" / "leave" / "maternity" / "base_days.yaml"
    draft.parent.mkdir(parents=True)
    draft.write_text(
        """metadata:
  status: {2026-01-01: confirmed}
  reference:
    2026-01-01: [{title: 关于延长产假的规定（草案）, title_en: Rules on a longer leave (draft)}]
values:
  2026-01-01: {value: 108}
""",
        "utf-8",
    )
    asked = ("claims", "replay", "--law", tmp_path / "draft", "--county", "610324", "--checkpoint", tmp_path / "c")

    english, chinese = cradle(stack, *asked), cradle(stack, *asked, "--language", "zh-CN")
    told = orjson.loads(cradle(stack, *asked, "--output", "json").stdout)

    assert (english.exit_code, chinese.exit_code) == (0, 0)
    assert "parameter leave.maternity.base_days: 98 -> 108 (Rules on a longer leave (draft))" in english.stdout
    assert "参数 leave.maternity.base_days：98 → 108（关于延长产假的规定（草案））" in chinese.stdout
    assert claim in english.stdout
    assert told["counties"].keys() == {"610324"}
    # Ten days more of the employer's average wage of 6000.00 yuan a month of thirty days are 2000.00 yuan.
    assert told["changes"][0]["lines"][0]["after_fen"] - told["changes"][0]["lines"][0]["before_fen"] == 200_000


@pytest.mark.soak
@pytest.mark.timeout(1_200)
def test_a_million_determinations_are_decided_again_at_30_000_a_second(
    stack: Stack, run: Callable[..., Report]
) -> None:
    dsn = new_database(stack, "claims")
    write(dsn, history_of(1_000_000, list(mixed(20_000))), [KEPT, *contents().items()])

    reports = [run(dsn) for _ in range(2)]  # the machine may have been at something else

    assert [(report.rows, report.different) for report in reports] == [(1_000_000, 0)] * 2
    assert max(report.per_s for report in reports) >= 30_000
