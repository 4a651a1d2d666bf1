"""gRPC of what a bank says and a person brings: a file in pieces, or a small one in one message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from cradle.treasury.v1 import run_pb2 as pb
from protovalidate import Validator

from services.kit import auth
from services.kit.errors import Invalid
from services.kit.messages import reason
from services.kit.rpc import shape_problems
from services.treasury.usecases import importing
from services.treasury.usecases.importing import Importing, Offered

_VALIDATOR: Final = Validator()


async def uploaded(
    desk: Importing, request_iterator: AsyncIterator[pb.UploadStatementRequest]
) -> pb.ImportStatementResponse:
    parts = aiter(request_iterator)
    file = await _announced(parts)
    offered = Offered(file.file_name, file.sha256, file.size_bytes, auth.current().name, is_dry=file.validate_only)
    return pb.ImportStatementResponse(**(await importing.bring(desk, offered, _pieces(parts)))._asdict())


async def imported(desk: Importing, request: pb.ImportStatementRequest) -> pb.ImportStatementResponse:
    async def pieces() -> AsyncIterator[bytes]:
        yield request.content

    offered = Offered(request.file_name, request.sha256, len(request.content), auth.current().name, where="")
    return pb.ImportStatementResponse(**(await importing.bring(desk, offered, pieces()))._asdict())


async def _announced(parts: AsyncIterator[pb.UploadStatementRequest]) -> pb.StatementFile:
    """Raises Invalid unless the first message says what comes."""
    first = await anext(parts, None)
    if first is None or first.WhichOneof("part") != "file":
        raise Invalid(reason("BANK_UPLOAD_ORDER", "file"))
    _check(first)
    return first.file


async def _pieces(parts: AsyncIterator[pb.UploadStatementRequest]) -> AsyncIterator[bytes]:
    async for part in parts:
        if part.WhichOneof("part") != "chunk":
            raise Invalid(reason("BANK_UPLOAD_ORDER", "chunk"))
        _check(part)
        yield part.chunk


def _check(part: pb.UploadStatementRequest) -> None:
    if problems := shape_problems(_VALIDATOR, part):
        raise Invalid(*problems)
