"""What the doctor makes of what services and the broker say."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition
from cradle.ops.v1 import parked_pb2

from services.cli import broker, doctor
from services.cli.broker import Group, Partition, Topic
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
