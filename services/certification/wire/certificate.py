"""A certificate as it stands on a day, as protobuf."""

from __future__ import annotations

from datetime import date
from typing import Final

from cradle.certification.v1 import certificate_pb2 as pb

from services.certification.model import CertificateState, Standing
from services.certification.wire.application import KINDS
from services.kit.dates import to_proto

STATES: Final = {one: pb.CertificateState.Value(f"CERTIFICATE_STATE_{one}") for one in CertificateState}


def certificate(number: str, awarded_on: date, standing: Standing) -> pb.Certificate:
    return pb.Certificate(
        name=f"certificates/{number}",
        state=STATES[standing.state],
        awarded_on=to_proto(awarded_on),
        valid_to=to_proto(standing.valid_to),
        kind=KINDS[standing.kind],
        locked_until=to_proto(standing.locked_until) if standing.locked_until else None,
        history=[
            pb.CertificateChange(date=to_proto(one.on), state=STATES[one.state], reason=one.why)
            for one in standing.history
        ],
    )
