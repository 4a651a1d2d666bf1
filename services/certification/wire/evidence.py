"""Evidence as protobuf, and what an upload says of its file, read."""

from __future__ import annotations

from cradle.certification.v1 import evidence_pb2 as pb

from services.certification.model.evidence import Exhibit, Offered


def offered(given: pb.EvidenceFile) -> Offered:
    return Offered(
        given.criterion,
        given.kind,
        given.file_name,
        given.media_type,
        bytes.fromhex(given.sha256),
        given.size_bytes,
    )


def evidence(given: Exhibit) -> pb.Evidence:
    file = given.offered
    message = pb.Evidence(
        name=f"evidence/{given.id}",
        application=f"applications/{given.application_id}",
        criterion=file.criterion,
        kind=file.kind,
        file_name=file.file_name,
        media_type=file.media_type,
        sha256=file.sha256.hex(),
        size_bytes=file.size_bytes,
    )
    message.upload_time.FromDatetime(given.uploaded_at)
    return message
