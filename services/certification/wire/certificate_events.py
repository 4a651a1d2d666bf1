"""Events: what others learn of a change of a certificate."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cradle.certification.v1 import event_pb2

from services.certification.model import Told
from services.certification.wire.application import KINDS
from services.certification.wire.certificate import STATES
from services.kit.dates import stamp, to_proto
from services.kit.ids import new_id
from services.kit.outbox import Event

CERTIFICATES: Final = "certification.certificate.v1"


def changed(told: Told, now: datetime) -> Event:
    message = event_pb2.CertificateEvent(
        employer=str(told.employer), certificate=f"certificates/{told.number}", version=told.version
    )
    stamp(message.changed.recorded_at, now)
    getattr(message.changed, "from").CopyFrom(to_proto(told.first))
    message.changed.MergeFrom(
        event_pb2.CertificateChanged(
            state=STATES[told.now.state],
            since=to_proto(told.now.on),
            reason=told.now.why,
            valid_to=to_proto(told.now.valid_to),
            kind=KINDS[told.now.kind],
            locked_until=to_proto(told.now.locked_until) if told.now.locked_until else None,
            employer_uscc=told.uscc,
            county=told.county,
        )
    )
    return Event(
        id=new_id(),
        aggregate_type="certificate",
        aggregate_id=told.number,
        version=told.version,
        type="cradle.certification.v1.CertificateChanged",
        topic=CERTIFICATES,
        key=message.employer.encode(),
        occurred_at=now,
        causation=told.cause,
        payload=message.SerializeToString(),
    )
