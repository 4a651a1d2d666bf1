"""`cradle topics`: what lies in Kafka, and how far the claims workers are behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from services.cli import broker, views
from services.cli.broker import Topic
from services.cli.failures import asking_broker
from services.cli.session import Session, document

_TOTALS = ("TOPIC", "PARTITIONS", "BEGINNING", "END", "RECORDS", "LAG")
_EACH = ("TOPIC", "PARTITION", "BEGINNING", "END", "RECORDS", "LAG")


def topics(
    context: typer.Context,
    *,
    partitions: Annotated[bool, typer.Option("--partitions", help="a row for each partition")] = False,
) -> None:
    """Show every topic: partitions, offsets, records, and the lag of the group `claims`.

    Without --partitions the offsets are sums over the partitions.
    """
    session: Session = context.obj
    with asking_broker(session.settings.kafka_bootstrap_servers):
        found = asyncio.run(broker.look(session.broker)).topics
    if session.as_json:
        document({"topics": [_data(topic) for topic in found]})
        return
    rows = _each(found) if partitions else _totals(found)
    session.show(views.table(session, [f"CLI_COL_{name}" for name in (_EACH if partitions else _TOTALS)], rows))


def _totals(found: Iterable[Topic]) -> Iterable[tuple[str, ...]]:
    for topic in found:
        yield (topic.name, *_figures(len(topic.partitions), topic.beginning, topic.end, topic.records, topic.lag))


def _each(found: Iterable[Topic]) -> Iterable[tuple[str, ...]]:
    for topic in found:
        for one in topic.partitions:
            yield (topic.name, *_figures(one.number, one.beginning, one.end, one.records, one.lag))


def _figures(*values: int | None) -> tuple[str, ...]:
    return tuple("" if value is None else str(value) for value in values)


def _data(topic: Topic) -> dict[str, Any]:
    partitions = [
        {
            "partition": one.number,
            "beginning": one.beginning,
            "end": one.end,
            "committed": one.committed,
            "lag": one.lag,
        }
        for one in topic.partitions
    ]
    return {"topic": topic.name, "records": topic.records, "lag": topic.lag, "partitions": partitions}
