"""The store of objects that evidence lies in: a folder on this machine, S3, or another cloud. A name is its content."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from services.kit.errors import Unavailable

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_TIMEOUT_S: Final = 30
_PIECE_BYTES: Final = 256 * 1024
_AWAY: Final = (BaseError, OSError)  # the client has its own errors, and some of Python's


def opened(place: str) -> Objects:
    """A path, `file:///...`, or `s3://bucket/prefix`; the client finds its keys by itself (`AWS_...`)."""
    parts = urlsplit(place)
    if parts.scheme in {"", "file"}:
        return Objects(LocalStore(Path(unquote(parts.path)), automatic_cleanup=True, mkdir=True))
    return Objects(from_url(place, client_options={"timeout": timedelta(seconds=_TIMEOUT_S)}))


class Objects:
    """Raises Unavailable when the store is away."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, sha256: bytes, file: IO[bytes]) -> None:
        """Whole or not at all; again is the same."""
        file.seek(0)
        try:
            await obstore.put_async(self._store, _name(sha256), file.read(), use_multipart=False)
        except _AWAY as error:
            raise _away(error) from error

    async def read(self, sha256: bytes) -> AsyncIterator[bytes]:
        try:
            found = await obstore.get_async(self._store, _name(sha256))
            async for piece in found.stream(min_chunk_size=_PIECE_BYTES):
                whole = bytes(piece)
                for start in range(0, len(whole), _PIECE_BYTES):
                    yield whole[start : start + _PIECE_BYTES]
        except _AWAY as error:
            raise _away(error) from error

    async def delete(self, sha256: bytes) -> None:
        """One that is gone stays gone."""
        try:
            await obstore.delete_async(self._store, _name(sha256))
        except FileNotFoundError:
            return
        except _AWAY as error:
            raise _away(error) from error


def _name(sha256: bytes) -> str:
    digits = sha256.hex()
    return f"{digits[:2]}/{digits}"


def _away(error: Exception) -> Unavailable:
    return Unavailable(f"the store of evidence: {type(error).__name__}")
