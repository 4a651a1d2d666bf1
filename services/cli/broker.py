"""What the broker can tell: topics, how far they reach, and how far the claims workers have read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

GROUP: Final = "claims"
_REQUEST_TIMEOUT_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Partition:
    """`committed` is the group's own offset, None where it reads nothing; it may be some seconds old."""

    number: int
    beginning: int
    end: int
    committed: int | None

    @property
    def records(self) -> int:
        return self.end - self.beginning

    @property
    def lag(self) -> int | None:
        return None if self.committed is None else max(0, self.end - max(self.committed, self.beginning))


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    partitions: tuple[Partition, ...]

    @property
    def beginning(self) -> int:
        return sum(partition.beginning for partition in self.partitions)

    @property
    def end(self) -> int:
        """How many records there ever were."""
        return sum(partition.end for partition in self.partitions)

    @property
    def records(self) -> int:
        return sum(partition.records for partition in self.partitions)

    @property
    def lag(self) -> int | None:
        known = [partition.lag for partition in self.partitions if partition.lag is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Offsets of the group are read before the ends of the topics, so that a lag is never told too small."""

    brokers: int
    members: int
    topics: tuple[Topic, ...]

    def ever(self, prefix: str, sources: Collection[str]) -> int:
        """How many records these sources' topics ever had; unlike those kept, it only grows."""
        names = {prefix + source for source in sources}
        return sum(topic.end for topic in self.topics if topic.name in names)


async def look(client: Mapping[str, Any]) -> Snapshot:
    """Ask the broker for everything. Raises KafkaError."""
    admin = AIOKafkaAdminClient(**client, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        groups = await admin.describe_consumer_groups([GROUP])
        committed = await admin.list_consumer_group_offsets(GROUP)
        names = sorted(name for name in await admin.list_topics() if not name.startswith("__"))
    finally:
        await admin.close()
    topics = await _topics(client, names, {place: at.offset for place, at in committed.items()})
    members = sum(len(group["members"]) for answer in groups for group in answer.to_object()["groups"])
    return Snapshot(len(cluster["brokers"]), members, topics)


async def _topics(
    client: Mapping[str, Any], names: list[str], committed: dict[TopicPartition, int]
) -> tuple[Topic, ...]:
    if not names:
        return ()
    consumer = AIOKafkaConsumer(*names, **client, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    try:
        await consumer.start()
        places = sorted(consumer.assignment())
        consumer.pause(*places)
        beginning = await consumer.beginning_offsets(places)
        end = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    partitions = {at: Partition(at.partition, beginning[at], end[at], committed.get(at)) for at in places}
    return tuple(Topic(name, tuple(one for at, one in partitions.items() if at.topic == name)) for name in names)
