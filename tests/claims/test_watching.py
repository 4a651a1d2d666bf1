"""`WatchClaim` and `ListClaims`: how a claim stands and how it changes; pages that continue their own question."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import grpc
import pytest
from cradle.claims.v1 import claim_pb2, intake_pb2, service_pb2, submitting_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from deploy.local.stack import Stack
from services.claims import store
from services.claims.usecases.watching import watching
from services.kit import db
from services.kit.errors import Unavailable
from tests.builders import claim, claim_number, replacement, submit
from tests.claims.harness import Insured, asking, claims_dsn, exchange, insured, told
from tests.kit.live import settings_of

pytestmark = pytest.mark.integration
Listing = service_pb2.ListClaimsRequest
Response = submitting_pb2.WatchClaimResponse


def pended(stack: Stack) -> tuple[Insured, str]:
    """A claim that waits, because it names another employer than hers."""
    who, other, number = insured(stack), insured(stack), claim_number()
    exchange(stack, submit(claim(number=number, person=who.number, employer=other.employer)))
    return who, number


def test_a_watcher_is_told_how_it_stands_and_then_each_change(stack: Stack) -> None:
    who, number = pended(stack)
    mended = replacement(claim(number=number, person=who.number, employer=who.employer), 2)

    async def watch() -> list[Response]:
        async with asking(stack) as stub:
            request = submitting_pb2.WatchClaimRequest(name=f"sources/hospitals/claims/{number}")
            call = stub.WatchClaim(request, timeout=20)
            found = [await anext(aiter(call))]
            await asyncio.to_thread(exchange, stack, mended)
            found.append(await anext(aiter(call)))
            call.cancel()
            return found

    first, second = asyncio.run(watch())

    assert (first.version, first.claim.state) == (1, claim_pb2.CLAIM_STATE_PENDED)
    assert (second.version, second.claim.state) == (2, claim_pb2.CLAIM_STATE_APPROVED)
    assert second.claim.determination.allowance_fen == 1_960_000


def test_who_comes_back_is_told_only_what_is_new(stack: Stack) -> None:
    who, number = pended(stack)
    exchange(stack, replacement(claim(number=number, person=who.number, employer=who.employer), 2))

    async def watch(after: int) -> int:
        async with asking(stack) as stub:
            name = f"sources/hospitals/claims/{number}"
            request = submitting_pb2.WatchClaimRequest(name=name, after_version=after)
            call = stub.WatchClaim(request, timeout=2)
            with suppress(grpc.aio.AioRpcError):
                return (await anext(aiter(call))).version
            assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            return 0

    assert [asyncio.run(watch(after)) for after in (0, 1, 2)] == [2, 2, 0]


def test_a_watch_ends_when_nothing_can_change_any_more(stack: Stack) -> None:
    who, number = insured(stack), claim_number()
    void = intake_pb2.VoidClaim(
        claim_number=number,
        revision=1,
        reason=intake_pb2.VOID_REASON_ENTERED_TWICE,
        submit_time=Timestamp(seconds=1_795_000_000),
    )
    exchange(
        stack,
        submit(claim(number=number, person=who.number, employer=who.employer)),
        intake_pb2.ClaimIntake(void=void).SerializeToString(),
    )

    async def watch() -> list[int]:
        async with asking(stack) as stub:
            request = submitting_pb2.WatchClaimRequest(name=f"sources/hospitals/claims/{number}")
            return [answer.claim.state async for answer in stub.WatchClaim(request, timeout=20)]

    assert asyncio.run(watch()) == [claim_pb2.CLAIM_STATE_VOIDED]


def test_a_claim_that_is_not_there_cannot_be_watched(stack: Stack) -> None:
    async def watch() -> None:
        async with asking(stack) as stub:
            await anext(aiter(stub.WatchClaim(submitting_pb2.WatchClaimRequest(name=f"claims/{uuid4()}"), timeout=10)))

    with pytest.raises(grpc.aio.AioRpcError) as error:
        asyncio.run(watch())

    assert told(error.value) == (grpc.StatusCode.NOT_FOUND, [("NOT_FOUND", "name")])


def test_another_source_does_not_learn_of_a_claim(stack: Stack) -> None:
    _, number = pended(stack)

    async def watch() -> None:
        async with asking(stack, "source/counter") as stub:
            request = submitting_pb2.WatchClaimRequest(name=f"sources/hospitals/claims/{number}")
            await anext(aiter(stub.WatchClaim(request, timeout=10)))

    with pytest.raises(grpc.aio.AioRpcError) as error:
        asyncio.run(watch())

    assert told(error.value) == (grpc.StatusCode.NOT_FOUND, [("NOT_FOUND", "name")])


def test_only_so_many_may_watch_and_who_leaves_makes_room(stack: Stack) -> None:
    _, number = pended(stack)

    async def crowd() -> int:
        async with db.connect(claims_dsn(stack)) as database:
            found = await store.claim_by_number(database, "hospitals", number)
            assert found is not None
            crowded = watching(database, settings_of(stack, watchers_max=3))
            watchers = [crowded.changes(found.id, 0) for _ in range(3)]
            for one in watchers:
                await anext(one)
            with pytest.raises(Unavailable):
                await anext(crowded.changes(found.id, 0))
            await watchers[0].aclose()
            late = crowded.changes(found.id, 0)
            version = (await anext(late)).version
            for one in [*watchers, late]:
                await one.aclose()
            assert not crowded.watchers
            return version

    assert asyncio.run(crowd()) == 1


# --- lists -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three(stack: Stack) -> list[claim_pb2.Claim]:
    """Three claims of one woman, newest first."""
    who = insured(stack)
    numbers = [claim_number() for _ in range(3)]
    answers = exchange(
        stack,
        *[submit(claim(number=number, person=who.number, employer=who.employer)) for number in numbers],
        source="counter",
    )

    async def get() -> list[claim_pb2.Claim]:
        async with asking(stack) as stub:
            requests = [service_pb2.GetClaimRequest(name=answer.receipt.claim) for answer in reversed(answers)]
            return [await stub.GetClaim(request, timeout=10) for request in requests]

    return asyncio.run(get())


def listed(stack: Stack, *requests: Listing) -> list[service_pb2.ListClaimsResponse]:
    async def ask() -> list[service_pb2.ListClaimsResponse]:
        async with asking(stack) as stub:
            return [await stub.ListClaims(request, timeout=10) for request in requests]

    return asyncio.run(ask())


def names(claims: Sequence[claim_pb2.Claim]) -> list[str]:
    return [claim.name for claim in claims]


def test_the_claims_of_a_person_are_listed_page_by_page(stack: Stack, three: list[claim_pb2.Claim]) -> None:
    wanted = Listing(person=three[0].person, page_size=2)

    (first,) = listed(stack, wanted)
    (second,) = listed(stack, Listing(person=three[0].person, page_size=5, page_token=first.next_page_token))

    assert names([*first.claims, *second.claims]) == names(three)
    assert second.next_page_token == ""


def test_a_page_token_goes_with_its_filters_only(stack: Stack, three: list[claim_pb2.Claim]) -> None:
    (first,) = listed(stack, Listing(person=three[0].person, page_size=2))

    def refused(request: Listing) -> list[tuple[str, str]]:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            listed(stack, request)
        return told(error.value)[1]

    elsewhere = Listing(person=three[0].person, county="610302", page_token=first.next_page_token)
    assert refused(elsewhere) == [("PAGE_TOKEN_OTHER_FILTERS", "page_token")]
    assert refused(Listing(page_token="17")) == [("PAGE_TOKEN_INVALID", "page_token")]
    assert refused(Listing(page_token="汉字")) == [("PAGE_TOKEN_INVALID", "page_token")]


def test_claims_are_found_by_when_they_changed_from_the_instant_on_and_before_it(
    stack: Stack, three: list[claim_pb2.Claim]
) -> None:
    at = three[0].update_time
    after = Timestamp()
    after.FromDatetime(at.ToDatetime(tzinfo=UTC) + timedelta(microseconds=1))
    person = three[0].person

    from_at, from_after, before_at = listed(
        stack,
        Listing(person=person, updated_from=at),
        Listing(person=person, updated_from=after),
        Listing(person=person, updated_before=at),
    )

    same = [claim for claim in three if claim.update_time == at]
    assert set(names(same)) <= set(names(from_at.claims))
    assert not set(names(same)) & set(names(from_after.claims))
    assert not set(names(same)) & set(names(before_at.claims))


@pytest.mark.parametrize("seconds", [-(10**12), 10**12])
def test_an_instant_no_calendar_has_is_refused(stack: Stack, seconds: int) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        listed(stack, Listing(updated_from=Timestamp(seconds=seconds)))

    assert told(error.value) == (grpc.StatusCode.INVALID_ARGUMENT, [("DATE_INVALID", "updated_from")])


def test_source_county_and_state_filter(stack: Stack, three: list[claim_pb2.Claim]) -> None:
    person, day = three[0].person, datetime(2026, 1, 1, tzinfo=UTC)
    since = Timestamp(seconds=int(day.timestamp()))

    found = listed(
        stack,
        Listing(person=person, source="counter", county="610304", updated_from=since),
        Listing(person=person, source="hospitals"),
        Listing(person=person, county="610302"),
        Listing(person=person, state=claim_pb2.CLAIM_STATE_APPROVED),
    )

    assert [len(one.claims) for one in found] == [3, 0, 0, 1]
