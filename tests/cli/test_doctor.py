"""What the doctor makes of what services and the broker say."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition
from cradle.ops.v1 import parked_pb2

from services.cli import broker, doctor
from services.cli.broker import Group, Partition, Snapshot, Topic
from services.cli.doctor import Seen
from services.cli.session import Session
from services.kit.messages import Language

ENGLISH = Session(Language.EN, "table")


@pytest.mark.parametrize(("seconds", "ok"), [(0, True), (59, True), (60, True), (61, False)])
def test_an_event_that_has_waited_for_more_than_a_minute_does_not_leave(seconds: int, ok: bool) -> None:
    told = parked_pb2.Backlog(unsent_events=7, oldest_unsent_s=seconds)
    outbox, parked = doctor._waiting_checks(ENGLISH, "treasury", told)

    assert (outbox.ok, bool(outbox.advice)) == (ok, not ok)
    assert outbox.detail == f"treasury: 7 events, the oldest for {seconds} s"
    assert parked.ok


@pytest.mark.parametrize(("parked", "ok"), [(0, True), (1, False)])
def test_what_is_parked_is_told_of_its_service(parked: int, ok: bool) -> None:
    *_, check = doctor._waiting_checks(ENGLISH, "registry", parked_pb2.Backlog(parked=parked))

    assert (check.ok, check.detail) == (ok, f"registry: {parked} records")


def seen(intake: int, receipts: int, unsent: int = 0, oldest_s: int = 0) -> Seen:
    ends = {"claims.intake.v1.a": intake, "claims.receipt.v1.a": receipts}
    topics = tuple(Topic(name, (Partition(0, 0, end, None),)) for name, end in ends.items())
    return Seen(Snapshot(1, topics, {}), parked_pb2.Backlog(unsent_events=unsent, oldest_unsent_s=oldest_s))


@pytest.mark.parametrize(
    ("first", "later", "stands"),
    [
        (seen(5, 4), seen(5, 5), False),
        (seen(5, 4), seen(9, 5, unsent=4, oldest_s=2), False),
        (seen(5, 4, unsent=1, oldest_s=1), seen(5, 4, unsent=1, oldest_s=3), True),
        (seen(5, 4), seen(5, 4)._replace(claims=None), True),
        # Some of the five were paid: there are receipts enough, and still one of them has none.
        (seen(5, 6, unsent=1, oldest_s=1), seen(5, 6, unsent=1, oldest_s=3), True),
        (seen(5, 6, unsent=1, oldest_s=1), seen(5, 7, unsent=3, oldest_s=3), False),
        (seen(5, 6, unsent=1, oldest_s=1), seen(5, 6), False),
        (seen(5, 6, unsent=1, oldest_s=1), seen(5, 6, unsent=1, oldest_s=0), False),
        (seen(5, 6, unsent=1, oldest_s=1), seen(5, 6)._replace(claims=None), False),
    ],
)
def test_a_relay_stands_still_whose_oldest_event_waits_on_though_there_are_receipts_enough(
    first: Seen, later: Seen, stands: bool
) -> None:
    assert doctor._stands_still(first, later, ["a"]) is stands


@pytest.mark.parametrize(("members", "ok"), [(0, False), (1, True)])
def test_a_group_in_which_nobody_reads_is_ill_and_one_that_is_behind_is_not(members: int, ok: bool) -> None:
    check = doctor._worker(ENGLISH, "claims.coverage", Group(members, lag=12_000))

    assert (check.ok, check.detail) == (ok, f"claims.coverage: {members} reading, 12000 records behind")


def test_a_group_is_behind_by_what_lies_before_it_in_what_it_reads() -> None:
    topics = (
        Topic("read", (Partition(0, 0, 100, None), Partition(1, 90, 100, None))),
        Topic("not-read", (Partition(0, 0, 1_000, None),)),
    )
    committed = {TopicPartition("read", 0): 97, TopicPartition("read", 1): 5}  # what was deleted is not read any more

    assert broker._behind(topics, committed) == 3 + 10
