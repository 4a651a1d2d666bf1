"""How a group deals a topic out to workers, by the assignor that the consumer brings."""

from __future__ import annotations

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.protocol.metadata import MetadataResponse_v0

from services.kit.inbox import client_id
from services.kit.settings import Settings

_PARTITIONS = 6


def _cluster() -> ClusterMetadata:
    cluster = ClusterMetadata()
    parts = [(0, partition, 1, [1], [1]) for partition in range(_PARTITIONS)]
    cluster.update_metadata(MetadataResponse_v0([(1, "broker", 9092)], [(0, "intake", parts)]))
    return cluster


def _held_by(workers: int) -> list[int]:
    """How many partitions each worker has, whose members the broker named one worker after the other."""
    members = {
        f"{client_id('claims', member)}-{worker:04x}{member:04x}": RoundRobinPartitionAssignor.metadata({"intake"})
        for worker in range(workers)
        for member in range(1, Settings.model_fields["inboxes_per_worker"].default + 1)
    }
    dealt = RoundRobinPartitionAssignor.assign(_cluster(), members)
    held = [0] * workers
    for member, assignment in dealt.items():
        held[int(member.rpartition("-")[2][:4], 16)] += sum(len(parts) for _, parts in assignment.assignment)
    return held


def test_one_worker_has_a_member_for_every_partition() -> None:
    assert Settings.model_fields["inboxes_per_worker"].default == _PARTITIONS
    assert _held_by(1) == [6]


def test_workers_have_as_many_partitions_each() -> None:
    assert _held_by(2) == [3, 3]
    assert _held_by(3) == [2, 2, 2]
    assert sorted(_held_by(4)) == [1, 1, 2, 2]
