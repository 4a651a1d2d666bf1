"""`StreamClaims`: one answer for each submission, in order; a bad one ends nothing; what was appended is not again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from uuid import uuid4

import grpc
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from cradle.claims.v1 import claim_pb2, intake_pb2, receipt_pb2, submitting_pb2

from deploy.local.stack import Stack
from services.claims.rules import LAW
from services.claims.usecases import streaming
from services.claims.usecases.submitting import FrontDesk
from services.kit import db
from services.kit.appending import Appender
from services.kit.clock import Clock
from services.kit.tail import Tail
from tests.builders import TODAY, claim, claim_number, id_number, replacement, submit, uscc
from tests.claims.harness import asking, claims_dsn, insured, told
from tests.kit.live import new_database, rows, sealer_of, settings_of, unique

pytestmark = pytest.mark.integration
Answer = submitting_pb2.SubmissionAnswer
Request = submitting_pb2.StreamClaimsRequest


def opening(stream: str, resume_after: int = 0, source: str = "hospitals") -> Request:
    parent = f"sources/{source}"
    return Request(open=submitting_pb2.OpenClaimStream(parent=parent, stream_id=stream, resume_after=resume_after))


def numbered(number: int, body: bytes) -> Request:
    given = intake_pb2.ClaimIntake.FromString(body)
    return Request(submission=submitting_pb2.NumberedSubmission(number=number, intake=given))


def some_claim(number: str, *, county: str = "610304", remark: str = "") -> bytes:
    """A good claim of a woman nobody knows, so it is returned for her employer; enough to be told apart."""
    return submit(claim(number=number, person=id_number(), employer=uscc(), county=county, remark=remark))


async def talk(
    stack: Stack, requests: Iterable[Request], answers_max: int = 10**6, found: list[Answer] | None = None
) -> list[Answer]:
    """Send all, and read answers until there are enough or the server ends the stream."""
    found = [] if found is None else found
    async with asking(stack) as stub:
        call = stub.StreamClaims(iter(requests), timeout=60)
        async for response in call:
            if response.HasField("answer"):
                found.append(response.answer)
            if len(found) == answers_max:
                call.cancel()
                break
    return found


def converse(stack: Stack, *requests: Request) -> list[Answer]:
    return asyncio.run(talk(stack, requests))


def taken_in(stack: Stack, numbers: Sequence[str]) -> Counter[str]:
    sql = "SELECT claim_number FROM submission WHERE claim_number = ANY($1) AND position LIKE 'claims.intake%'"
    return Counter(row["claim_number"] for row in asyncio.run(rows(claims_dsn(stack), sql, list(numbers))))


# --- answers -----------------------------------------------------------------------------------------------------


def test_each_submission_gets_its_receipt_in_the_order_of_the_numbers(stack: Stack) -> None:
    numbers = [claim_number() for _ in range(250)]
    sent = [numbered(3 * place, some_claim(number)) for place, number in enumerate(numbers, 1)]

    answers = converse(stack, opening(str(uuid4())), *sent)

    assert [answer.number for answer in answers] == [3 * place for place in range(1, 251)]
    assert [answer.receipt.claim_number for answer in answers] == numbers
    assert all(answer.receipt.position == answer.position for answer in answers)


def test_a_claim_and_its_correction_in_one_stream_keep_their_order(stack: Stack) -> None:
    who, number = insured(stack), claim_number()
    first = claim(number=number, person=who.number, employer=who.employer)
    second = claim(number=number, person=who.number, employer=who.employer, county="610302")

    answers = converse(stack, opening(str(uuid4())), numbered(1, submit(first)), numbered(2, replacement(second, 2)))

    assert [(one.receipt.status, one.receipt.revision, one.receipt.outcome) for one in answers] == [
        (receipt_pb2.RECEIPT_STATUS_DETERMINED, 1, claim_pb2.CLAIM_STATE_APPROVED),
        (receipt_pb2.RECEIPT_STATUS_DETERMINED, 2, claim_pb2.CLAIM_STATE_APPROVED),
    ]


def test_a_bad_submission_gets_its_reasons_and_ends_nothing(stack: Stack) -> None:
    good, bad = claim_number(), claim_number()
    shapeless = numbered(3, some_claim(claim_number()))
    shapeless.submission.member_key = b"short"

    answers = converse(
        stack,
        opening(str(uuid4())),
        numbered(1, some_claim(bad, county="999999")),
        numbered(2, b""),
        shapeless,
        numbered(4, some_claim(claim_number(), remark="x" * 65_536)),
        numbered(5, some_claim(good)),
    )

    told_ = [[(one.code, one.field) for one in answer.reasons] for answer in answers]
    assert told_ == [
        [("COUNTY_UNKNOWN", "intake.submit.claim.county")],
        [("MESSAGE_EMPTY", "intake")],
        [("FIELD_MALFORMED", "member_key")],
        [("MESSAGE_TOO_LARGE", "intake")],
        [],
    ]
    assert all(reason.text_zh and reason.text_en for answer in answers for reason in answer.reasons)
    assert [answer.HasField("position") for answer in answers] == [False, False, False, False, True]
    assert taken_in(stack, [good, bad]) == {good: 1}


# --- coming back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answered", [1, 7, 40])
def test_a_client_that_comes_back_gets_the_rest_and_nothing_is_appended_twice(stack: Stack, answered: int) -> None:
    stream, numbers = str(uuid4()), [claim_number() for _ in range(40)]
    sent = [numbered(place, some_claim(number)) for place, number in enumerate(numbers, 1)]
    first = asyncio.run(talk(stack, [opening(stream), *sent], answered))

    rest = converse(stack, opening(stream, answered), *sent[answered:])

    assert [answer.number for answer in first + rest] == list(range(1, 41))
    assert [answer.receipt.claim_number for answer in first + rest] == numbers
    assert taken_in(stack, numbers) == dict.fromkeys(numbers, 1)


def test_a_client_that_lost_its_answers_gets_the_same_again(stack: Stack) -> None:
    stream, number = str(uuid4()), claim_number()
    sent = numbered(1, some_claim(number))

    (first,), (again,) = converse(stack, opening(stream), sent), converse(stack, opening(stream), sent)

    assert (again.position, again.receipt, again.repeated_number) == (first.position, first.receipt, True)
    assert taken_in(stack, [number]) == {number: 1}


def test_a_number_with_another_body_is_told_and_ends_nothing(stack: Stack) -> None:
    stream, number, other = str(uuid4()), claim_number(), claim_number()
    converse(stack, opening(stream), numbered(1, some_claim(number)))

    answers = converse(stack, opening(stream), numbered(1, some_claim(other)), numbered(2, some_claim(other)))

    assert [[(one.code, one.field) for one in answer.reasons] for answer in answers] == [
        [("REQUEST_ID_REUSED", "number")],
        [],
    ]
    assert taken_in(stack, [number, other]) == {number: 1, other: 1}


def test_the_numbers_of_one_source_are_not_those_of_another(stack: Stack) -> None:
    stream, number = str(uuid4()), claim_number()
    sent = numbered(1, some_claim(number))

    answers = [converse(stack, opening(stream, source=source), sent)[0] for source in ("hospitals", "counter")]

    assert [answer.receipt.source for answer in answers] == ["hospitals", "counter"]


# --- what ends a stream ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requests", "code", "field"),
    [
        ([], "STREAM_NOT_OPENED", "open"),
        ([numbered(1, b"")], "STREAM_NOT_OPENED", "open"),
        ([opening("17")], "FIELD_MALFORMED", "open.stream_id"),
        ([opening(str(uuid4()), source="nobody")], "SOURCE_UNKNOWN", "open.parent"),
        ([opening(str(uuid4())), opening(str(uuid4()))], "STREAM_OPENED_TWICE", "open"),
        ([opening(str(uuid4())), numbered(0, b"")], "FIELD_OUT_OF_RANGE", "submission.number"),
        ([opening(str(uuid4()), 5), numbered(5, b"")], "STREAM_NUMBER_NOT_ASCENDING", "submission.number"),
        ([opening(str(uuid4())), Request()], "FIELD_REQUIRED", "message"),
    ],
)
def test_a_stream_that_is_none_is_refused(stack: Stack, requests: list[Request], code: str, field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        converse(stack, *requests)

    assert told(error.value) == (grpc.StatusCode.INVALID_ARGUMENT, [(code, field)])


def test_what_came_before_a_mistake_is_answered(stack: Stack) -> None:
    number = claim_number()

    sent = [opening(str(uuid4())), numbered(2, some_claim(number)), numbered(1, some_claim(claim_number()))]
    found: list[Answer] = []

    with pytest.raises(grpc.aio.AioRpcError) as error:
        asyncio.run(talk(stack, sent, found=found))

    assert told(error.value)[1] == [("STREAM_NUMBER_NOT_ASCENDING", "submission.number")]
    assert [answer.receipt.claim_number for answer in found] == [number]


def test_a_source_streams_for_nobody_else(stack: Stack) -> None:
    async def ask() -> None:
        async with asking(stack, "source/hospitals") as stub:
            await anext(aiter(stub.StreamClaims(iter([opening(str(uuid4()), source="counter")]), timeout=30)))

    with pytest.raises(grpc.aio.AioRpcError) as error:
        asyncio.run(ask())

    assert told(error.value) == (grpc.StatusCode.PERMISSION_DENIED, [("AUTH_SOURCE_NOT_YOURS", "open.parent")])


# --- backpressure ------------------------------------------------------------------------------------------------


def test_no_more_is_read_than_may_be_unanswered(stack: Stack) -> None:
    """A source nobody works for: no receipt comes, so the window fills, and opens when the wait is over."""
    source, window, pulled = unique("idle").replace("_", "-"), 5, []

    async def submissions() -> AsyncIterator[Request]:
        for number in range(1, 21):
            pulled.append(number)
            yield numbered(number, some_claim(claim_number()))

    async def look() -> tuple[int, list[Answer]]:
        await make_topics(stack, [f"claims.intake.v1.{source}", f"claims.receipt.v1.{source}"])
        given = settings_of(stack, stream_unanswered_max=window, receipt_wait_max_s=1.0)
        stopping = asyncio.Event()
        appender, receipts = Appender("test", given), Tail(given, (f"claims.receipt.v1.{source}",))
        async with db.connect(new_database(stack, "claims")) as database, asyncio.TaskGroup() as beside:
            beside.create_task(appender.run(stopping))
            beside.create_task(receipts.run(stopping))
            desk = FrontDesk(given, Clock(TODAY), LAW, sealer_of(stack), database, appender, receipts)
            answers = streaming.converse(desk, source, opening(str(uuid4()), source=source).open, submissions())
            first = await anext(answers)
            ahead = len(pulled)
            rest = [answer async for answer in answers]
            stopping.set()
        return ahead, [first, *rest]

    ahead, answers = asyncio.run(look())

    assert ahead == window
    assert [answer.number for answer in answers] == list(range(1, 21))
    assert all(answer.HasField("position") and not answer.HasField("receipt") for answer in answers)


async def make_topics(stack: Stack, names: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"])
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1) for name in names])
    finally:
        await admin.close()
