"""Halving a batch: each half moves the fence over its own messages, and over every one of them."""

from __future__ import annotations

from itertools import groupby, pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.kit.parking import Message
from services.kit.stream import Batch, Span

Place = tuple[str, int]


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """Messages of several partitions, with gaps of offsets before and between them, in fetch order."""
    places = draw(
        st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 2)), min_size=1, max_size=4, unique=True)
    )
    messages, spans = [], []
    for topic, partition in places:
        start = offset = draw(st.integers(0, 1_000))
        for gap in draw(st.lists(st.integers(0, 3), min_size=1, max_size=6)):
            offset += gap
            messages.append(Message(topic, partition, offset, b"k", b"v", 0))
            offset += 1
        spans.append(Span(topic, partition, start, offset))
    return Batch(tuple(messages), tuple(spans), 3, 1.5)


def whole(batch: Batch) -> list[Batch]:
    """The batch halved until every part has one message."""
    if len(batch.messages) == 1:
        return [batch]
    return [single for half in batch.halves() for single in whole(half)]


def ends(batches: list[Batch], place: Place) -> list[tuple[int, int]]:
    return [(s.start, s.until) for b in batches for s in b.spans if (s.topic, s.partition) == place]


@given(batches().filter(lambda batch: len(batch.messages) > 1))
def test_the_halves_hold_every_message_once_and_in_order(batch: Batch) -> None:
    first, second = batch.halves()

    assert first.messages + second.messages == batch.messages
    assert first.messages
    assert second.messages
    assert {(half.generation, half.taken_at) for half in (first, second)} == {(3, 1.5)}


@given(batches())
def test_spans_of_the_parts_follow_each_other_and_cover_the_whole(batch: Batch) -> None:
    singles = whole(batch)

    for span in batch.spans:
        steps = ends(singles, (span.topic, span.partition))
        assert steps[0][0] == span.start
        assert steps[-1][1] == span.until
        assert all(one[1] == two[0] and one[0] < one[1] for one, two in pairwise(steps))


@given(batches())
def test_a_single_message_has_the_one_span_it_lies_in(batch: Batch) -> None:
    for single in whole(batch):
        (message,), (span,) = single.messages, single.spans
        assert (span.topic, span.partition) == (message.topic, message.partition)
        assert span.start <= message.offset < span.until
        assert span.until == message.offset + 1


@given(batches().filter(lambda batch: len(batch.messages) > 1))
def test_no_half_moves_the_fence_over_a_message_of_the_other(batch: Batch) -> None:
    first, second = batch.halves()

    for half, other in ((first, second), (second, first)):
        for span in half.spans:
            assert not any(
                (m.topic, m.partition) == (span.topic, span.partition) and span.start <= m.offset < span.until
                for m in other.messages
            )


def test_messages_of_one_partition_stay_together_in_a_fetch() -> None:
    """What `halves` relies on: a fetch hands partition after partition."""
    messages = [Message("a", p, o, None, b"", 0) for p in (0, 1) for o in (5, 6, 7)]

    assert [place for place, _ in groupby(m.partition for m in messages)] == [0, 1]
