"""gRPC of evidence: files in pieces, both ways."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final, TypeAlias

import grpc
from cradle.certification.v1 import evidence_pb2 as pb
from cradle.certification.v1 import evidence_pb2_grpc

from services.certification.usecases import evidencing
from services.certification.usecases.evidencing import Room
from services.certification.wire import evidence as wire
from services.kit import uploading
from services.kit.db import Tx
from services.kit.naming import id_named

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_ORDER: Final = "EVIDENCE_ORDER"


class EvidenceFiles(evidence_pb2_grpc.EvidenceServiceServicer):
    def __init__(self, room: Room) -> None:
        self.room = room

    async def UploadEvidence(
        self, request_iterator: AsyncIterator[pb.UploadEvidenceRequest], context: Context
    ) -> pb.Evidence:
        parts = aiter(request_iterator)
        said: pb.EvidenceFile = await uploading.announced(parts, _ORDER)
        offered = wire.offered(said)
        await evidencing.take_in(self.room, said.application, offered, uploading.pieces(parts, _ORDER))

        async def act(tx: Tx) -> pb.Evidence:
            made = wire.evidence(await evidencing.add(self.room, tx, said.application, offered))
            made.ClearField("file_name")  # answers are kept as they are, and a name only sealed
            return made

        made = await self.room.desk.asking.once(said, act, pb.Evidence)
        made.file_name = await evidencing.name_of(self.room, id_named(made.name, "evidence")) or offered.file_name
        return made

    async def ListEvidence(self, request: pb.ListEvidenceRequest, context: Context) -> pb.ListEvidenceResponse:
        found = await evidencing.of_application(self.room, request.parent)
        return pb.ListEvidenceResponse(evidence=map(wire.evidence, found))

    async def ReadEvidence(
        self, request: pb.ReadEvidenceRequest, context: Context
    ) -> AsyncGenerator[pb.ReadEvidenceResponse, None]:
        found = await evidencing.found(self.room, id_named(request.name, "evidence"))
        yield pb.ReadEvidenceResponse(evidence=wire.evidence(found))
        async for piece in self.room.objects.read(found.offered.sha256):
            yield pb.ReadEvidenceResponse(chunk=piece)

    async def RemoveEvidence(self, request: pb.RemoveEvidenceRequest, context: Context) -> pb.RemoveEvidenceResponse:
        evidence_id = id_named(request.name, "evidence")

        async def act(tx: Tx) -> pb.RemoveEvidenceResponse:
            await evidencing.remove(self.room, tx, evidence_id)
            return pb.RemoveEvidenceResponse()

        return await self.room.desk.asking.once(request, act, pb.RemoveEvidenceResponse)
