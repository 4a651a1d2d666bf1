"""A bank reached through object storage: S3, another cloud, or a disk that looks like one.

```
outbox/<name>, outbox/<name>.sig   whole, or not there; the bank takes them away
handed/<name>                      its SHA-256: it was handed over, or that had begun
inbox/...                          what the bank puts here, each object whole by nature; we take nothing away
```

An object appears whole and a name can be put once ("if there is none"), which is all that `folder` makes of renames and
links. What the bank says lands in the folders of the bank first, by content, as `live` does it.

**Nothing is tried again inside the client**: a second attempt at a put whose answer was lost would put the file there a
second time if the bank has taken the first away. So the store has no retries, and a put that fails is UNKNOWN.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

from services.kit.errors import Invalid, Unavailable
from services.kit.messages import Reason, reason
from services.treasury.bank import Handover, Outgoing, Received, Standing
from services.treasury.bank.folder import FolderBank, Folders
from services.treasury.bank.placing import content_of

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

_AWAY: Final = (BaseError, OSError)  # the client has its own errors, and some of Python's
_BESIDE: Final = (".sig", ".sha256")


def opened(url: str, timeout_s: float, *, plain_http: bool = False) -> ObjectStore:
    """As `s3://bucket/prefix`; the client finds its keys by itself (`AWS_...`). Without TLS on one machine only."""
    if url.startswith(("file:", "memory:")):
        return from_url(url)
    return from_url(
        url,
        retry_config={"max_retries": 0, "retry_timeout": timedelta(0)},
        client_options={"timeout": timedelta(seconds=timeout_s), "allow_http": plain_http},
    )


class ObjectBank:
    """`Bank` over object storage. It cannot be asked of a payment: only its statements tell."""

    def __init__(self, store: ObjectStore, folders: Folders, *, answer_bytes_max: int) -> None:
        self._store, self._folders, self._bytes_max = store, folders, answer_bytes_max
        self._kept = FolderBank(folders)
        self._seen: set[tuple[str, str]] = set()

    async def send(self, file: Outgoing) -> Handover:
        return await asyncio.to_thread(self._send, file)

    async def answers(self, since: datetime | None = None) -> AsyncIterator[Received]:
        await asyncio.to_thread(self._fetch)
        async for received in self._kept.answers(since):
            yield received

    async def statements(self, since: datetime) -> AsyncIterator[Received]:
        await asyncio.to_thread(self._fetch)
        async for received in self._kept.statements(since):
            yield received

    async def status(self, end_to_end_id: str) -> Standing | None:
        return None

    async def done(self, received: Received) -> None:
        await self._kept.done(received)

    async def refused(self, received: Received, reasons: Sequence[Reason]) -> None:
        await self._kept.refused(received, reasons)

    # --- in a thread -------------------------------------------------------------------------------------------------

    def _send(self, file: Outgoing) -> Handover:
        """Until the note stands nothing has left; from then on every doubt is UNKNOWN."""
        found = content_of(file.path).sha256
        if found != file.sha256:
            raise Invalid(reason("BANK_FILE_HASH", file.path.name, expected=file.sha256.hex(), found=found.hex()))
        try:
            if self._was_begun(file) or not self._begin(file):
                return Handover.BEFORE
        except _AWAY:
            return Handover.NOT_SENT
        try:
            self._put(f"outbox/{file.path.name}", file.path)
        except AlreadyExistsError:
            return Handover.BEFORE
        except _AWAY:
            return Handover.UNKNOWN
        return Handover.TAKEN

    def _was_begun(self, file: Outgoing) -> bool:
        """Raises Invalid if the name was another's."""
        try:
            noted = bytes(obstore.get(self._store, f"handed/{file.path.name}").bytes())
        except FileNotFoundError:
            return False
        if noted.decode("ascii", "replace") != file.sha256.hex():
            raise Invalid(reason("BANK_FILE_CONFLICT", file.path.name))
        return True

    def _begin(self, file: Outgoing) -> bool:
        """Signature first, then the note, once; False if somebody noted it before."""
        if file.signature is not None:
            obstore.put(self._store, f"outbox/{file.signature.name}", file.signature, use_multipart=False)
        try:
            self._put(f"handed/{file.path.name}", file.sha256.hex().encode("ascii"))
        except AlreadyExistsError:
            return False
        return True

    def _put(self, name: str, content: Path | bytes) -> None:
        """In one piece, and only if there is none of that name."""
        obstore.put(self._store, name, content, mode="create", use_multipart=False)

    def _fetch(self) -> None:
        """What is new in the inbox, as far as one can tell by name and tag; the folders know it by content."""
        try:
            listed = list(self._listed())
            for meta in listed:
                if _mark(meta) not in self._seen:
                    self._folders.deliver(_name(meta["path"]), self._read(meta))
        except _AWAY as error:
            raise Unavailable(f"the bank's objects cannot be read: {type(error).__name__}") from error
        self._seen = {_mark(meta) for meta in listed}

    def _listed(self) -> Iterator[ObjectMeta]:
        for metas in obstore.list(self._store, prefix="inbox"):
            yield from (meta for meta in metas if _is_content(meta["path"]))

    def _read(self, meta: ObjectMeta) -> bytes:
        """One byte too much of what is too large: enough for it to be refused, and kept for a person."""
        end = min(meta["size"], self._bytes_max + 1)
        return bytes(obstore.get_range(self._store, meta["path"], start=0, end=end)) if end else b""


def _is_content(path: str) -> bool:
    return not path.endswith(("/", *_BESIDE))


def _mark(meta: ObjectMeta) -> tuple[str, str]:
    return meta["path"], f"{meta['e_tag']} {meta['last_modified']} {meta['size']}"


def _name(path: str) -> str:
    return path.removeprefix("inbox/").replace("/", "_")
