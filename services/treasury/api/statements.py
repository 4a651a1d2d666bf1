"""gRPC of what a bank says and a person brings: a file in pieces, or a small one in one message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from cradle.treasury.v1 import run_pb2 as pb

from services.kit import auth, uploading
from services.treasury.usecases import importing
from services.treasury.usecases.importing import Importing, Offered

_ORDER: Final = "BANK_UPLOAD_ORDER"


async def uploaded(
    desk: Importing, request_iterator: AsyncIterator[pb.UploadStatementRequest]
) -> pb.ImportStatementResponse:
    parts = aiter(request_iterator)
    file: pb.StatementFile = await uploading.announced(parts, _ORDER)
    offered = Offered(file.file_name, file.sha256, file.size_bytes, auth.current().name, is_dry=file.validate_only)
    return pb.ImportStatementResponse(
        **(await importing.bring(desk, offered, uploading.pieces(parts, _ORDER)))._asdict()
    )


async def imported(desk: Importing, request: pb.ImportStatementRequest) -> pb.ImportStatementResponse:
    async def pieces() -> AsyncIterator[bytes]:
        yield request.content

    offered = Offered(request.file_name, request.sha256, len(request.content), auth.current().name, where="")
    return pb.ImportStatementResponse(**(await importing.bring(desk, offered, pieces()))._asdict())
