"""What the relay sends is a CloudEvent to anybody's eyes: read back by the CloudEvents SDK."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat

from services.kit.cloudevents import headers

ROW: dict[str, Any] = {
    "event_id": UUID("01998f00-0000-7000-8000-000000000001"),
    "aggregatetype": "claim",
    "aggregateid": "01998f00-0000-7000-8000-000000000002",
    "version": 3,
    "type": "cradle.claims.v1.ClaimDetermined",
    "topic": "claims.claim.v1",
    "key": b"01998f00-0000-7000-8000-000000000002",
    "occurred_at": datetime(2026, 11, 23, 4, 0, 0, 123_000, tzinfo=UTC),
    "causationid": "claims.intake.v1.hospitals/0/7",
    "payload": b"\x0a\x00",
}


def test_the_headers_are_the_kafka_binding_of_cloudevents() -> None:
    made = KafkaMessage(headers=dict(headers(ROW, "claims")), key=ROW["key"], value=ROW["payload"])

    event = from_binary_event(made, JSONFormat())

    assert event.get_specversion() == "1.0"
    assert event.get_id() == str(ROW["event_id"])
    assert event.get_type() == ROW["type"]
    assert event.get_source() == "claims"
    assert event.get_subject() == ROW["aggregateid"]
    assert event.get_time() == ROW["occurred_at"]
    assert event.get_datacontenttype() == "application/protobuf"
    assert event.get_extension("sequence") == "3"


def test_no_header_is_given_twice_and_every_one_of_cloudevents_is_prefixed() -> None:
    made = headers(ROW, "claims")

    assert len(dict(made)) == len(made)
    assert {name for name, _ in made if not name.startswith("ce_")} == {"causationid", "content-type"}
    assert all(value.decode("ascii") for _, value in made)
