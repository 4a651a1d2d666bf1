"""What the registry tells of persons: here, whom it has erased."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from cradle.registry.v1 import event_pb2
from google.protobuf.message import DecodeError

from services.kit.ids import read_id

PERSON: Final = "registry.person.v1"


class Erased(NamedTuple):
    person: UUID
    at: datetime


def erased(value: bytes) -> Erased | None:
    """Whom an event says to be erased; None for one that says something else.

    Raises ValueError for what is no event: it is ours to send it well, so that is a bug.
    """
    try:
        event = event_pb2.PersonEvent.FromString(value)
    except DecodeError:
        raise ValueError("not an event on a person") from None
    if not event.HasField("erased"):
        return None
    return Erased(read_id(event.person), event.erased.erased_at.ToDatetime(tzinfo=UTC))
