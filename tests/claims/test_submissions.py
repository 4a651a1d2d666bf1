"""What was not accepted, as clerks see it: which, in which order, to whom; and the control totals of each day."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import grpc
import pytest
from cradle.claims.v1 import submission_pb2, submission_pb2_grpc
from prometheus_client import REGISTRY

from deploy.local import authority
from deploy.local.stack import Stack
from services.claims import store, usecases
from services.claims.model import Totals
from services.claims.model.submission import Place, Submitted, TotalsOfDay, kept_field
from services.claims.store.submissions import WantedSubmissions
from services.claims.store.totals import WantedTotals
from services.kit import db, rpc
from services.kit.clock import Clock
from services.kit.dates import civil, instants_of, to_proto
from services.kit.messages import Kept, Language
from tests.builders import MOTHER, TODAY, claim, claim_number, control_totals, replacement, submit, void
from tests.claims.desk import Desk
from tests.claims.harness import exchange, insured, told
from tests.claims.reviewers import Reviewer
from tests.kit.live import rows

pytestmark = pytest.mark.integration

DAY = date(2026, 11, 20)
List = submission_pb2.ListSubmissionsRequest


async def listed(desk: Desk, limit: int = 100, before: Place | None = None, **wanted: Any) -> list[Submitted]:
    async with db.connect(desk.dsn) as database:
        return await store.list_submissions(database, WantedSubmissions(**wanted), before=before, limit=limit)


def seen(found: Sequence[Submitted]) -> list[tuple[str, str, tuple[str, ...], str]]:
    return [(one.claim_number, one.status, tuple(why.code for why in one.reasons), one.county) for one in found]


def test_all_that_was_not_accepted_is_listed_with_why_and_whose_it_is_and_nothing_else_is(stack: Stack) -> None:
    desk, who = Desk.open(stack), insured(stack)
    good = claim(number="A", person=who.number, employer=who.employer, county="610331")

    async def act() -> None:
        await desk.take(submit(good), submit(good))
        await desk.take(submit(claim(number="B", person=MOTHER, county="610322", on=date(2030, 1, 1))))
        await desk.take(submit(claim(number="C", person=MOTHER, county="999999")), b"\xff", void("D"))
        await desk.take(replacement(good, 3), submit(claim(number=MOTHER, person=MOTHER, county="610304")))
        await desk.take(control_totals(DAY, 7), control_totals(DAY, 1), void("A"), source="counter")

        assert seen(await listed(desk, source="counter")) == [
            ("", "TOTALS_DIFFER", ("TOTALS_SUBMITTED_DIFFER",), ""),
            ("", "TOTALS_DIFFER", ("TOTALS_SUBMITTED_DIFFER",), ""),
            ("A", "RETURNED", ("VOID_UNKNOWN",), ""),
        ]
        mine = await listed(desk, source="hospitals")
        assert seen(mine) == [
            ("", "RETURNED", ("ID_NUMBER_NOT_HERE",), "610304"),
            ("A", "RETURNED", ("REVISION_GAP",), "610331"),
            ("D", "RETURNED", ("VOID_UNKNOWN",), ""),
            ("", "RETURNED", ("MESSAGE_UNREADABLE",), ""),
            ("C", "RETURNED", ("COUNTY_UNKNOWN",), ""),
            ("B", "RETURNED", ("DATE_IN_FUTURE",), "610305"),
            ("A", "DUPLICATE", (), "610331"),
        ]
        assert [[why.field for why in one.reasons] for one in mine] == [
            ["submit.claim.claim_number"],
            ["replace.revision"],
            ["void.claim_number"],
            [""],
            ["submit.claim.county"],
            ["submit.claim.event.date"],
            [],
        ]
        (gap,), (future,) = mine[1].reasons, mine[5].reasons
        assert dict(gap.values) == {"current": "1", "expected": "2"}
        assert all(TODAY.isoformat() in future.text(language) for language in Language)
        assert [bool(one.claim_id) for one in mine] == [False, True, False, False, False, False, True]
        assert len(await listed(desk)) == 10

        # by what they are
        assert len(await listed(desk, status="TOTALS_DIFFER")) == 2
        assert [one.claim_number for one in await listed(desk, reason="VOID_UNKNOWN")] == ["A", "D"]
        assert [one.claim_number for one in await listed(desk, county="610305")] == ["B"]

        # by who asks
        assert len(await listed(desk, sources={"counter"})) == 3
        assert {one.claim_number for one in await listed(desk, counties={"610331", "610305"})} == {"A", "B"}
        assert await listed(desk, counties=set()) == []

        # page by page
        paged: list[Submitted] = []
        before: Place | None = None
        while page := await listed(desk, limit=3, before=before):
            paged, before = [*paged, *page], page[-1].place
        assert paged == await listed(desk)

    asyncio.run(act())


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("submit.lines[12].amount_fen", True),
        ("county", True),
        ("", True),
        (f"coverage.back_paid[{MOTHER}]", False),
        ('names["Li Fang"]', False),
        ("names.李芳", False),
        ("a\nb", False),
    ],
)
def test_of_a_field_only_names_of_the_schema_and_places_are_kept(path: str, kept: bool) -> None:
    assert kept_field(path) == (path if kept else "")


def test_a_day_is_that_of_shanghai_and_the_index_is_taken(stack: Stack) -> None:
    desk = Desk.open(stack)
    begin, end = instants_of(DAY)
    instants = [begin - timedelta(microseconds=1), begin, end - timedelta(microseconds=1), end]
    insert = """INSERT INTO submission (receipt_id, source, claim_number, revision, status, reasons, position,
                                        content_hash, sealed, received_at)
                VALUES (gen_random_uuid(), 'hospitals', $1, 1, 'RETURNED', '{COUNTY_UNKNOWN}', 't/0/0', '', '', $2)"""

    async def act() -> None:
        for number, instant in enumerate(instants):
            await rows(desk.dsn, insert, str(number), instant)
        old = (Kept("COUNTY_UNKNOWN"),)  # as before fields and values were kept
        assert [one.reasons for one in await listed(desk)] == [old] * 4
        assert [one.claim_number for one in await listed(desk, received=(begin, end))] == ["2", "1"]

        async with db.connect(desk.dsn) as database, database.transaction() as tx:
            await tx.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            asked = """status IN ('RETURNED', 'DUPLICATE', 'TOTALS_DIFFER', 'NOT_MAPPED') AND status = 'RETURNED'"""
            plan = await tx.fetch(f"EXPLAIN SELECT id FROM submission WHERE {asked} ORDER BY received_at DESC, id DESC")
        assert "Scan Backward using submission_not_accepted" in plan[0][0]

    assert (begin, end) == (datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))
    asyncio.run(act())


def test_clerks_are_told_over_grpc_within_their_scope_and_of_nobody(stack: Stack) -> None:
    number = claim_number()
    bad = submit(claim(number=number, person=MOTHER, county="610331", on=date(2030, 1, 1)))
    answer, _ = exchange(stack, bad, b"")
    assert answer.status == "RETURNED"
    today = civil(answer.receipt.receive_time.ToDatetime(tzinfo=UTC))

    def ask(identity: Any, **wanted: Any) -> Any:
        with rpc.blocking_channel(stack.environment["CRADLE_CLAIMS_TARGET"], identity) as channel:
            return submission_pb2_grpc.SubmissionServiceStub(channel).ListSubmissions(List(**wanted), timeout=10)

    def numbers(identity: Any, **wanted: Any) -> set[str]:
        return {one.claim_number for one in ask(identity, page_size=1000, **wanted).submissions}

    (one,) = [one for one in ask(stack.operator, page_size=1000).submissions if one.claim_number == number]
    assert (one.status, one.county, one.claim) == (submission_pb2.SUBMISSION_STATUS_RETURNED, "610331", "")
    assert (one.receipt_id, one.position) == (answer.receipt.receipt_id, answer.receipt.position)
    assert one.receive_time == answer.receipt.receive_time
    assert [(why.code, why.field) for why in one.reasons] == answer.codes
    assert one.reasons[0].text_zh
    assert one.reasons[0].text_en
    assert MOTHER not in str(one)

    hospitals, counter = (stack.authority.identity(f"source/{name}") for name in ("hospitals", "counter"))
    assert number in numbers(hospitals)
    assert number not in numbers(counter)
    assert number in numbers(clerk(stack, "county-reviewer", "610331"))
    assert number not in numbers(clerk(stack, "county-reviewer", "610304"))
    assert number in numbers(clerk(stack, "city-reviewer"), receive_date=to_proto(today))
    assert number not in numbers(stack.operator, receive_date=to_proto(date(2020, 1, 1)))

    page = ask(stack.operator, page_size=1)
    for wrong, code in (
        ({"page_token": "x"}, "PAGE_TOKEN_INVALID"),
        ({"page_token": page.next_page_token, "source": "counter"}, "PAGE_TOKEN_OTHER_FILTERS"),
        ({"receive_date": {"year": 2026, "month": 2, "day": 30}}, "DATE_INVALID"),
        ({"receive_date": {"year": 1, "month": 1, "day": 1}}, "DATE_INVALID"),
        ({"reason": "no code"}, "FIELD_MALFORMED"),
        ({"reason": "NONSENSE"}, "CODE_UNKNOWN"),
        ({"source": "nobody"}, "SOURCE_UNKNOWN"),
    ):
        with pytest.raises(grpc.RpcError) as raised:
            ask(stack.operator, **wrong)
        refused: Any = raised.value
        assert told(refused)[1][0][0] == code


def test_another_source_is_told_as_one_that_is_not_there(stack: Stack) -> None:
    """Whether there is such a source is nobody else's to know; a mistake in one's own is told."""
    identity = stack.authority.identity("source/counter")

    def refused(source: str) -> Any:
        with rpc.blocking_channel(stack.environment["CRADLE_CLAIMS_TARGET"], identity) as channel:
            stub = submission_pb2_grpc.SubmissionServiceStub(channel)
            asked = submission_pb2.ListControlTotalsRequest(source=source)
            for ask in (partial(stub.ListSubmissions, List(source=source)), partial(stub.ListControlTotals, asked)):
                with pytest.raises(grpc.RpcError) as raised:
                    ask(timeout=10)
                error: Any = raised.value
                yield error.code(), error.details(), told(error)[1]

    answers = [*refused("hospitals"), *refused("nobody")]
    assert answers == [answers[0]] * 4
    assert answers[0] == (
        grpc.StatusCode.NOT_FOUND,
        "There is no such source; there are: counter",
        [("SOURCE_UNKNOWN", "source")],
    )


def clerk(stack: Stack, role: str, *counties: str) -> Any:
    return Reviewer(stack, "clerk", role, counties).identity


# --- control totals --------------------------------------------------------------------------------------------------


async def days(desk: Desk, yesterday: date, *, state: str = "", sources: Collection[str] | None = None,
               limit: int = 100) -> list[TotalsOfDay]:  # fmt: skip
    async with db.connect(desk.dsn) as database:
        found: list[TotalsOfDay] = []
        while page := await store.list_totals(
            database,
            WantedTotals(yesterday, "", state, sources),
            before=found[-1].place if found else None,
            limit=limit,
        ):
            found += page
        return found


def test_each_day_since_a_source_told_one_is_there_also_those_that_it_did_not_tell(stack: Stack) -> None:
    desk, who = Desk.open(stack), insured(stack)

    async def act() -> None:
        assert await days(desk, DAY) == []
        await desk.take(
            submit(claim(number="A", person=who.number, employer=who.employer, claimed_fen=5)),
            control_totals(DAY, 1, claimed_fen=5),
            control_totals(DAY - timedelta(days=2), 3),
        )
        await desk.take(control_totals(DAY - timedelta(days=1)), source="counter")

        everything = await days(desk, DAY + timedelta(days=1))
        assert [(one.day.day, one.source, str(one.state)) for one in everything] == [
            (21, "hospitals", "MISSING"),
            (21, "counter", "MISSING"),
            (20, "hospitals", "AGREE"),
            (20, "counter", "MISSING"),
            (19, "hospitals", "MISSING"),
            (19, "counter", "AGREE"),
            (18, "hospitals", "DIFFER"),
        ]
        assert (everything[2].said, everything[2].taken) == (Totals(1, claimed_fen=5), Totals(1, claimed_fen=5))
        assert (everything[6].said, everything[6].taken) == (Totals(3), Totals())
        assert everything[0].said is None
        assert await days(desk, DAY + timedelta(days=1), limit=2) == everything
        assert [one.day.day for one in await days(desk, DAY, state="MISSING", sources={"hospitals"})] == [19]
        assert await days(desk, DAY - timedelta(days=9), sources={"counter"}) == [everything[5]]

    asyncio.run(act())


def test_a_day_of_the_last_week_that_a_source_did_not_tell_is_told_to_the_metrics(stack: Stack) -> None:
    """Of a source that never told one, or is none any more, nothing is missed."""
    desk = Desk.open(stack)

    async def figure(today: date, sources: Sequence[str] = ("counter", "sandbox")) -> float | None:
        async with db.connect(desk.dsn) as database:
            await usecases.watch(database, Clock(today), sources)
        return REGISTRY.get_sample_value("cradle_control_totals_missing", {"source": "counter"})

    async def act() -> None:
        await desk.take(control_totals(DAY), source="counter")
        after = [await figure(DAY + timedelta(days=n)) for n in (1, 2, 3, 8, 9)]
        assert after == [0, 1, 2, 7, 7]
        await desk.take(control_totals(DAY + timedelta(days=1)), source="counter")
        assert [await figure(DAY + timedelta(days=n)) for n in (2, 3)] == [0, 1]
        assert await figure(DAY + timedelta(days=9), ("hospitals",)) == 1  # as it was

    asyncio.run(act())
    assert REGISTRY.get_sample_value("cradle_control_totals_missing", {"source": "sandbox"}) is None


def test_totals_are_for_who_sees_all_counties_and_a_source_sees_its_own(stack: Stack) -> None:
    exchange(stack, control_totals(date(2026, 11, 3), 7), source="sandbox")
    request = submission_pb2.ListControlTotalsRequest(page_size=1000)

    def ask(identity: Any) -> set[str]:
        with rpc.blocking_channel(stack.environment["CRADLE_CLAIMS_TARGET"], identity) as channel:
            stub = submission_pb2_grpc.SubmissionServiceStub(channel)
            return {one.source for one in stub.ListControlTotals(request, timeout=10).days}

    assert "sandbox" in ask(clerk(stack, "city-reviewer"))
    assert ask(stack.authority.identity("source/sandbox")) == {"sandbox"}
    assert ask(stack.authority.identity("source/counter")) <= {"counter"}
    with pytest.raises(grpc.RpcError) as raised:
        ask(stack.authority.identity(authority.OPERATOR, token=stack.authority.token(
            "li", {"cradle_role": "county-reviewer", "cradle_counties": ["610331"]})))  # fmt: skip
    refused: Any = raised.value
    assert refused.code() is grpc.StatusCode.PERMISSION_DENIED
