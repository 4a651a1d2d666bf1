"""`SubmitClaim`: read as the worker reads, appended once whatever happens, answered when the broker has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from cradle.claims.v1 import claim_pb2, intake_pb2, receipt_pb2, submitting_pb2
from google.protobuf.duration_pb2 import Duration

from deploy.local.stack import Stack
from services.claims import store
from services.claims.rules import LAW
from services.claims.usecases import submitting
from services.claims.usecases.submitting import CALL, Entry, FrontDesk
from services.kit import db
from services.kit.appending import Appender
from services.kit.clock import Clock
from services.kit.errors import Unavailable
from services.kit.member_key import member_key
from services.kit.tail import Tail
from tests.builders import TODAY, claim, claim_number, id_number, submit
from tests.claims.harness import Insured, asking, claims_dsn, insured, told
from tests.kit.live import eventually, new_database, read_until, rows, sealer_of, settings_of, value

pytestmark = pytest.mark.integration
WAIT = Duration(seconds=20)
Request = submitting_pb2.SubmitClaimRequest
Response = submitting_pb2.SubmitClaimResponse


@pytest.fixture(scope="module")
def who(stack: Stack) -> Insured:
    return insured(stack)


def intake(given: intake_pb2.ClaimSubmission) -> intake_pb2.ClaimIntake:
    return intake_pb2.ClaimIntake.FromString(submit(given))


def request(given: intake_pb2.ClaimSubmission, request_id: str = "", **fields: Any) -> Request:
    stated: dict[str, Any] = {"parent": "sources/hospitals", "receipt_wait": WAIT} | fields
    return Request(intake=intake(given), request_id=request_id or str(uuid4()), **stated)


def call(stack: Stack, *requests: Request) -> list[Response]:
    async def ask() -> list[Response]:
        async with asking(stack) as stub:
            return [await stub.SubmitClaim(one, timeout=30) for one in requests]

    return asyncio.run(ask())


def refused(stack: Stack, given: Request) -> tuple[grpc.StatusCode, list[tuple[str, str]]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        call(stack, given)
    return told(error.value)


def submissions(stack: Stack, number: str) -> list[str]:
    """What the worker took in under a number."""
    sql = "SELECT status FROM submission WHERE claim_number = $1 AND position LIKE 'claims.intake%' ORDER BY id"
    return [row["status"] for row in asyncio.run(rows(claims_dsn(stack), sql, number))]


def handed_in(stack: Stack, request_id: str) -> int:
    sql = "SELECT count(*) FROM handed_in WHERE stream = $1"
    return int(asyncio.run(value(claims_dsn(stack), sql, UUID(request_id))))


# --- a good claim ------------------------------------------------------------------------------------------------


def test_a_claim_handed_in_is_appended_decided_and_answered_with_its_receipt(stack: Stack) -> None:
    woman, number = insured(stack), claim_number()

    (answer,) = call(stack, request(claim(number=number, person=woman.number, employer=woman.employer)))

    assert answer.position.topic == "claims.intake.v1.hospitals"
    assert answer.receipt.position == answer.position
    assert answer.receipt.status == receipt_pb2.RECEIPT_STATUS_DETERMINED
    assert (answer.receipt.claim_number, answer.receipt.outcome) == (number, claim_pb2.CLAIM_STATE_APPROVED)
    assert not answer.repeated_request


def test_its_record_bears_the_key_of_the_member(stack: Stack, who: Insured) -> None:
    (answer,) = call(stack, request(claim(number=claim_number(), person=who.number), receipt_wait=None))

    place = answer.position
    topics = [place.topic]

    def mine(found: list[Any]) -> list[Any]:
        return [one for one in found if (one.partition, one.offset) == (place.partition, place.offset)]

    (record,) = mine(asyncio.run(read_until(stack, topics, lambda found: bool(mine(found)))))
    assert record.key == member_key(who.number)


def test_without_a_wait_it_is_answered_when_the_broker_has_it(stack: Stack, who: Insured) -> None:
    (answer,) = call(stack, request(claim(number=claim_number(), person=who.number), receipt_wait=None))

    assert answer.HasField("position")
    assert not answer.HasField("receipt")


# --- once --------------------------------------------------------------------------------------------------------


def test_the_same_id_and_body_answers_the_first_result(stack: Stack) -> None:
    woman, number = insured(stack), claim_number()
    given = request(claim(number=number, person=woman.number, employer=woman.employer))

    first, second, third = call(stack, given, given, given)

    assert second.repeated_request
    assert third.repeated_request
    assert first.position == second.position == third.position
    assert first.receipt == second.receipt == third.receipt
    assert submissions(stack, number) == ["DETERMINED"]


def test_the_same_id_and_another_body_is_refused(stack: Stack, who: Insured) -> None:
    number, request_id = claim_number(), str(uuid4())
    good = claim(number=number, person=who.number, employer=who.employer)
    call(stack, request(good, request_id))
    good.remark = "another"

    assert refused(stack, request(good, request_id)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        [("REQUEST_ID_REUSED", "request_id")],
    )
    assert len(submissions(stack, number)) == 1


def test_ten_calls_at_once_under_one_id_append_one_record(stack: Stack) -> None:
    woman, number = insured(stack), claim_number()
    given = request(claim(number=number, person=woman.number, employer=woman.employer))

    async def at_once() -> list[Response | BaseException]:
        async with asking(stack) as stub:
            return await asyncio.gather(
                *[stub.SubmitClaim(given, timeout=30) for _ in range(10)], return_exceptions=True
            )

    answers = asyncio.run(at_once())

    (again,) = call(stack, given)
    busy = [one for one in answers if isinstance(one, grpc.aio.AioRpcError)]
    assert {one.code() for one in busy} <= {grpc.StatusCode.UNAVAILABLE}  # to be tried again
    assert {str(one.position) for one in answers if isinstance(one, Response)} == {str(again.position)}
    assert submissions(stack, number) == ["DETERMINED"]


# --- what is wrong -----------------------------------------------------------------------------------------------


def test_everything_wrong_is_told_and_nothing_is_sent(stack: Stack, who: Insured) -> None:
    number, request_id = claim_number(), str(uuid4())
    bad = claim(number=number, person="610302199403124020", employer=who.employer, county="999999")

    assert refused(stack, request(bad, request_id)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        [
            ("ID_NUMBER_CHECK_DIGIT", "intake.submit.claim.person_id_number"),
            ("COUNTY_UNKNOWN", "intake.submit.claim.county"),
        ],
    )
    assert handed_in(stack, request_id) == 0
    assert submissions(stack, number) == []


def test_a_mended_claim_may_come_under_the_same_id(stack: Stack) -> None:
    """A refused body took nothing, the id neither."""
    woman, number, request_id = insured(stack), claim_number(), str(uuid4())
    mended = claim(number=number, person=woman.number, employer=woman.employer)
    refused(stack, request(claim(number=number, person=woman.number, county="999999"), request_id))

    (answer,) = call(stack, request(mended, request_id))

    assert answer.receipt.status == receipt_pb2.RECEIPT_STATUS_DETERMINED


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"parent": "sources/nobody"}, "SOURCE_UNKNOWN", "parent"),
        ({"parent": "hospitals"}, "FIELD_MALFORMED", "parent"),
        ({"request_id": "17"}, "FIELD_MALFORMED", "request_id"),
        ({"member_key": b"short"}, "FIELD_MALFORMED", "member_key"),
        ({"receipt_wait": Duration(seconds=31)}, "FIELD_OUT_OF_RANGE", "receipt_wait"),
    ],
)
def test_a_call_in_the_wrong_shape_is_refused(
    stack: Stack, who: Insured, fields: dict[str, Any], code: str, field: str
) -> None:
    given = request(claim(number=claim_number(), person=who.number))
    given.MergeFrom(Request(**fields))

    assert refused(stack, given) == (grpc.StatusCode.INVALID_ARGUMENT, [(code, field)])


def test_an_empty_body_is_refused(stack: Stack) -> None:
    given = Request(parent="sources/hospitals", request_id=str(uuid4()))

    assert refused(stack, given) == (grpc.StatusCode.INVALID_ARGUMENT, [("MESSAGE_EMPTY", "intake")])


def test_control_totals_have_their_own_way(stack: Stack) -> None:
    given = Request(parent="sources/hospitals", request_id=str(uuid4()))
    given.intake.control_totals.submitted = 1

    assert refused(stack, given)[1] == [("CONTROL_TOTALS_BY_TOPIC", "intake.control_totals")]
    given.validate_only = True
    assert ("FIELD_REQUIRED", "intake.control_totals.date") in refused(stack, given)[1]


def test_a_dry_run_tells_the_same_and_sends_nothing(stack: Stack, who: Insured) -> None:
    number, request_id = claim_number(), str(uuid4())
    good = claim(number=number, person=who.number, employer=who.employer)
    bad = claim(number=number, person=who.number, employer=who.employer, county="999999")

    (answer,) = call(stack, request(good, request_id, validate_only=True))

    assert answer == Response()
    assert refused(stack, request(bad, request_id, validate_only=True)) == refused(stack, request(bad, request_id))
    assert handed_in(stack, request_id) == 0
    assert submissions(stack, number) == []


# --- who may -----------------------------------------------------------------------------------------------------


def test_a_source_hands_in_for_itself_and_for_nobody_else(stack: Stack) -> None:
    woman, number = insured(stack), claim_number()
    given = claim(number=number, person=woman.number, employer=woman.employer)

    async def ask(source: str) -> Response:
        async with asking(stack, "source/hospitals") as stub:
            return await stub.SubmitClaim(request(given, parent=f"sources/{source}"), timeout=30)

    assert asyncio.run(ask("hospitals")).receipt.status == receipt_pb2.RECEIPT_STATUS_DETERMINED
    for source in ("counter", "nobody"):  # the same words, whether or not there is one
        with pytest.raises(grpc.aio.AioRpcError) as error:
            asyncio.run(ask(source))
        assert told(error.value) == (grpc.StatusCode.PERMISSION_DENIED, [("AUTH_SOURCE_NOT_YOURS", "parent")])
    assert submissions(stack, number) == ["DETERMINED"]


# --- when something dies -----------------------------------------------------------------------------------------


@asynccontextmanager
async def desk(stack: Stack, dsn: str, **settings: object) -> AsyncIterator[FrontDesk]:
    """What the api has around it, in this process; what is decided is the stack's worker's."""
    given = settings_of(stack, **{"append_timeout_s": 5, **settings})
    stopping = asyncio.Event()
    appender, receipts = Appender("test", given), Tail(given, ("claims.receipt.v1.hospitals",))
    async with db.connect(dsn) as database, asyncio.TaskGroup() as beside:
        beside.create_task(appender.run(stopping))
        beside.create_task(receipts.run(stopping))
        try:
            yield FrontDesk(given, Clock(TODAY), LAW, sealer_of(stack), database, appender, receipts)
        finally:
            stopping.set()


def entry(given: intake_pb2.ClaimSubmission) -> Entry:
    return Entry(CALL, intake(given))


async def intend(at: FrontDesk, request_id: UUID, given: Entry, *, sent_until_s: float) -> None:
    """The intent of a process that died before it noted a place."""
    now = at.clock.now()
    body = at.sealer.digest(given.key + given.value)
    lease = store.Lease(now, now + timedelta(seconds=sent_until_s), now + timedelta(days=1))
    await store.intend(at.database, "hospitals", request_id, {CALL: body}, lease)


def test_what_was_intended_and_not_sent_is_sent_by_the_next_call(stack: Stack) -> None:
    woman, request_id, number = insured(stack), uuid4(), claim_number()
    given = entry(claim(number=number, person=woman.number, employer=woman.employer))

    async def come_back() -> receipt_pb2.ClaimReceipt | None:
        async with desk(stack, claims_dsn(stack)) as at, at.receipts.following():
            await intend(at, request_id, given, sent_until_s=-1)
            taken = await submitting.submit(at, "hospitals", request_id, given)
            assert not taken.repeated
            return await submitting.receipt(at, "hospitals", taken, 20)

    receipt = asyncio.run(come_back())

    assert receipt is not None
    assert receipt.status == receipt_pb2.RECEIPT_STATUS_DETERMINED
    assert submissions(stack, number) == ["DETERMINED"]


def test_who_leaves_while_it_is_sent_finds_it_sent(stack: Stack) -> None:
    request_id, given = uuid4(), entry(claim(number=claim_number(), person=id_number()))

    async def leave_and_come_back() -> bool:
        async with desk(stack, new_database(stack, "claims")) as at:
            leaving = asyncio.create_task(submitting.submit(at, "hospitals", request_id, given))
            await eventually(lambda: told_of(at, request_id))
            leaving.cancel()
            return (await submitting.submit(at, "hospitals", request_id, given)).repeated

    assert asyncio.run(leave_and_come_back())


async def told_of(at: FrontDesk, request_id: UUID) -> bool:
    return bool(await at.database.fetch("SELECT 1 FROM handed_in WHERE stream = $1", request_id))


def test_what_another_call_is_sending_is_not_sent_twice(stack: Stack) -> None:
    request_id, given = uuid4(), entry(claim(number=claim_number(), person=id_number()))

    async def meet() -> None:
        async with desk(stack, new_database(stack, "claims")) as at:
            await intend(at, request_id, given, sent_until_s=60)
            with pytest.raises(Unavailable):
                await submitting.submit(at, "hospitals", request_id, given)

    asyncio.run(meet())


def test_a_record_that_arrived_although_its_sender_died_is_decided_once(stack: Stack) -> None:
    """Sent, and the place never noted: the id is sent again, and the worker knows the second by its business key."""
    woman, request_id, number = insured(stack), uuid4(), claim_number()
    given = entry(claim(number=number, person=woman.number, employer=woman.employer))

    async def die_and_come_back() -> receipt_pb2.ClaimReceipt | None:
        async with desk(stack, claims_dsn(stack)) as at, at.receipts.following():
            await intend(at, request_id, given, sent_until_s=-1)
            await at.appender.append("claims.intake.v1.hospitals", [(given.key, given.value)])
            taken = await submitting.submit(at, "hospitals", request_id, given)
            return await submitting.receipt(at, "hospitals", taken, 20)

    receipt = asyncio.run(die_and_come_back())

    assert receipt is not None
    assert (receipt.status, receipt.outcome) == (
        receipt_pb2.RECEIPT_STATUS_DUPLICATE,
        claim_pb2.CLAIM_STATE_APPROVED,
    )
    assert submissions(stack, number) == ["DETERMINED", "DUPLICATE"]


def test_who_asks_again_after_a_restart_gets_the_receipt_of_then(stack: Stack) -> None:
    """The second desk begins to look on long after the receipt came: it goes back to when the record was appended."""
    woman, request_id, number = insured(stack), uuid4(), claim_number()
    given = entry(claim(number=number, person=woman.number, employer=woman.employer))

    async def ask() -> tuple[bool, receipt_pb2.ClaimReceipt | None]:
        async with desk(stack, claims_dsn(stack)) as at, at.receipts.following():
            taken = await submitting.submit(at, "hospitals", request_id, given)
            return taken.repeated, await submitting.receipt(at, "hospitals", taken, 20)

    first, again = asyncio.run(ask()), asyncio.run(ask())

    assert first[1] is not None
    assert (first[0], again) == (False, (True, first[1]))


def test_a_broker_that_is_away_is_told_and_the_id_stays_good(stack: Stack) -> None:
    request_id, given = uuid4(), entry(claim(number=claim_number(), person=id_number()))
    dsn = new_database(stack, "claims")

    async def away_then_back() -> bool:
        async with desk(stack, dsn, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1", append_timeout_s=0.3) as at:
            with pytest.raises(Unavailable):
                await submitting.submit(at, "hospitals", request_id, given)
        async with desk(stack, dsn) as at:
            return (await submitting.submit(at, "hospitals", request_id, given)).place is not None

    assert asyncio.run(away_then_back())


def test_an_id_is_forgotten_when_it_has_expired_and_not_before(stack: Stack) -> None:
    dsn = new_database(stack, "claims")

    async def look() -> tuple[int, int, int]:
        async with db.connect(dsn) as database:
            now = Clock().now()
            lease = store.Lease(now, now, now + timedelta(days=7))
            await store.intend(database, "hospitals", uuid4(), {CALL: b"digest"}, lease)
            before = await store.forget(database, lease.expires_at - timedelta(microseconds=1))
            at = await store.forget(database, lease.expires_at)
            return before, at, await value(dsn, "SELECT count(*) FROM handed_in")

    assert asyncio.run(look()) == (0, 1, 0)
