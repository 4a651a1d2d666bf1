"""What the broker can tell: topics, how far they reach, and how far the claims workers have read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

GROUP: Final = "claims"
Committed = Mapping[TopicPartition, int]
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
class Group:
    """Who reads together: how many there are, and how many records lie before them."""

    members: int
    lag: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Offsets of groups are read before the ends of the topics, so that a lag is never told too small."""

    brokers: int
    topics: tuple[Topic, ...]
    groups: Mapping[str, Group]

    def ever(self, prefix: str, sources: Collection[str]) -> int:
        """How many records these sources' topics ever had; unlike those kept, it only grows."""
        names = {prefix + source for source in sources}
        return sum(topic.end for topic in self.topics if topic.name in names)


async def look(client: Mapping[str, Any], groups: Collection[str] = (GROUP,)) -> Snapshot:
    """Ask the broker for everything, and how far each of these groups has read. Raises KafkaError."""
    admin = AIOKafkaAdminClient(**client, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        wanted = sorted({GROUP, *groups})
        # One by one: aiokafka cannot read an answer about several.
        described = [answer for name in wanted for answer in await admin.describe_consumer_groups([name])]
        committed = {name: _offsets(await admin.list_consumer_group_offsets(name)) for name in wanted}
        names = sorted(name for name in await admin.list_topics() if not name.startswith("__"))
    finally:
        await admin.close()
    topics = await _topics(client, names, committed[GROUP])
    members = {group["group"]: len(group["members"]) for answer in described for group in answer.to_object()["groups"]}
    return Snapshot(
        len(cluster["brokers"]),
        topics,
        {name: Group(members.get(name, 0), _behind(topics, committed[name])) for name in wanted},
    )


def _offsets(answered: Mapping[TopicPartition, Any]) -> Committed:
    return {place: at.offset for place, at in answered.items()}


def _behind(topics: Collection[Topic], committed: Committed) -> int:
    read = (
        (one, committed.get(TopicPartition(topic.name, one.number))) for topic in topics for one in topic.partitions
    )
    return sum(max(0, one.end - max(at, one.beginning)) for one, at in read if at is not None)


async def _topics(client: Mapping[str, Any], names: list[str], committed: Committed) -> tuple[Topic, ...]:
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
