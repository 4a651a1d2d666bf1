"""A key goes where Kafka's own clients would put it."""

from __future__ import annotations

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import example, given
from hypothesis import strategies as st

from services.kit.placing import place_of

kafkas = DefaultPartitioner()


@given(st.binary(max_size=80), st.integers(min_value=1, max_value=50))
@example(b"", 6)
@example(b"\xff\xfe\xfd", 6)
def test_a_key_is_placed_as_by_kafkas_own_clients(key: bytes, count: int) -> None:
    partitions = tuple(range(count))

    assert place_of(key, partitions) == kafkas(key, partitions, partitions)
