"""A bank reached through folders (SFTP, a front-end machine, a mounted bucket): files out, files in, nothing deleted.

```
outbox/              <name>.sig, then <name>: whole, or not there; the bank takes them away
handing/             copies on their way there; what a crash left here may be cleared when no run is open
handed/<name>        its SHA-256: it was handed over, or that had begun; and how
inbox/               what the bank puts here
arrived/<token>.<name>           whole, and ours now: told until it is taken or refused; no later file replaces it
processed/<2>/<sha256>.<name>    taken in, by content; the same content again lies beside it
refused/<2>/<sha256>.<name>      cannot be taken; <...>.reasons tells why
```

All under one root on one filesystem, since a rename is what makes a file appear. Object storage has no rename, but puts
whole objects: `objects`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from services.kit.errors import Invalid
from services.kit.messages import Language, Reason, reason
from services.treasury.bank import Handover, Outgoing, Received, Standing
from services.treasury.bank.placing import CHUNK, Content, Hashing, content_of, place, rename, sync
from services.treasury.bank.reading import kind_of

_DIGEST: Final = ".sha256"
_UNFINISHED: Final = (".tmp", ".part", ".filepart", ".writing", ".swp", ".sig", _DIGEST)
_DIGEST_BYTES_MAX: Final = 1024
_NAME_BYTES_MAX: Final = 120
_HEX: Final = re.compile(r"\s*([0-9a-fA-F]{64})\b")
_STATEMENT: Final = "camt.053."


class Folders:
    """The folders of one bank. Methods block; `FolderBank` and `LiveBank` call them in a thread."""

    def __init__(self, root: Path, *, hash_required: bool = False) -> None:
        """`hash_required`: a file counts only with its `<name>.sha256` beside it, as sha256sum writes it."""
        self._root, self._hash_required = root, hash_required
        self._sizes: dict[str, tuple[int, int]] = {}  # as last seen, of files that came without a hash
        for name in ("outbox", "handing", "handed", "inbox", "arrived", "processed", "refused"):
            (root / name).mkdir(mode=0o750, parents=True, exist_ok=True)

    # --- out ---------------------------------------------------------------------------------------------------------

    def hand_over(self, file: Outgoing) -> Handover:
        """Into the outbox, once, whoever else tries at the same time.

        The note in `handed` names the copy that is renamed into place, and whoever makes the note renames it. After a
        crash the copy is still there, and calling again ends the work; or it is not, and it was handed over.
        """
        begun = self.begun(file)
        if begun is None:
            begun = f"{file.path.name}.{secrets.token_hex(8)}"
            self._copy(file, self._root / "handing" / begun)
            if file.signature is not None:
                signature = self._root / "handing" / f"{begun}.sig"
                place(signature, _copying(file.signature))
                rename(signature, self._root / "outbox" / file.signature.name)
            if not self.begin(file, begun):
                (self._root / "handing" / begun).unlink()
                return Handover.BEFORE
        try:
            rename(self._root / "handing" / begun, self._root / "outbox" / file.path.name)
        except FileNotFoundError:
            return Handover.BEFORE
        return Handover.TAKEN

    def begun(self, file: Outgoing) -> str | None:
        """What the note says of how it was handed over; None: it was not. Raises Invalid if the name was another's."""
        handed = self._root / "handed" / file.path.name
        if not handed.exists():
            return None
        digest, _, how = handed.read_text("utf-8").partition(" ")
        if digest != file.sha256.hex():
            raise Invalid(reason("BANK_FILE_CONFLICT", file.path.name))
        return how

    def begin(self, file: Outgoing, how: str) -> bool:
        """Note, durably, that handing it over begins; from here on it may have been. False if somebody did before."""
        handed = self._root / "handed" / file.path.name
        note = handed.with_name(f".{file.path.name}.{secrets.token_hex(8)}")
        place(note, lambda opened: opened.write(f"{file.sha256.hex()} {how}".encode()))
        try:
            handed.hardlink_to(note)
        except FileExistsError:
            return False
        finally:
            note.unlink()
            sync(handed.parent)
        return True

    def _copy(self, file: Outgoing, handing: Path) -> None:
        found = place(handing, _copying(file.path)).sha256
        if found != file.sha256:
            raise Invalid(reason("BANK_FILE_HASH", file.path.name, expected=file.sha256.hex(), found=found.hex()))

    # --- in ----------------------------------------------------------------------------------------------------------

    def arrived(self) -> list[Received]:
        """What has come whole and is new by its content, oldest first; what is not new is put away.

        A file without a hash is whole when it has not changed between two looks, so it is told at the second. It is
        moved before anything is decided of it, or the bank's next file of the same name could take its place.
        """
        for path in sorted(self._candidates(), key=_age):
            if self._is_whole(path):
                _move(path, self._root / "arrived" / f"{secrets.token_hex(8)}.{_short(path.name)}")
                self._sizes.pop(path.name, None)
        new: dict[bytes, Received] = {}
        for path in sorted((self._root / "arrived").iterdir(), key=_age):
            if _is_content(path) and (received := self._new(path)):
                new.setdefault(received.sha256, received)  # the same again waits: taken, it is known
        return list(new.values())

    def taken_since(self, since: datetime) -> Iterator[Received]:
        """What was taken in before, by the time at which the bank wrote it."""
        taken = [path for path in (self._root / "processed").glob("*/*") if _is_content(path)]
        for path in sorted((path for path in taken if path.stat().st_mtime >= since.timestamp()), key=_age):
            digest, _, name = path.name.partition(".")
            yield Received(path, name, _kind(path), bytes.fromhex(digest))

    def deliver(self, name: str, content: bytes) -> None:
        """Put something that came another way into the inbox, whole, with its hash."""
        hashing = Hashing(None)
        hashing.write(content)
        digest = hashing.content().sha256
        path = self._root / "inbox" / f"{digest.hex()[:16]}.{_short(name)}"
        waits = path.exists() or any((self._root / "arrived").glob(f"*.{digest.hex()[:16]}.*"))
        if not (waits or self._lies_in("processed", digest) or self._lies_in("refused", digest)):
            place(_beside(path), lambda file: file.write(digest.hex().encode("ascii")))
            place(path, lambda file: file.write(content))

    def take(self, received: Received) -> None:
        self._put_away(received, "processed")

    def refuse(self, received: Received, reasons: Sequence[Reason]) -> None:
        lying = self._put_away(received, "refused")
        if lying is not None:
            lines = "".join(
                f"{one.code} {one.field}\n  {one.text(Language.ZH)}\n  {one.text(Language.EN)}\n" for one in reasons
            )
            place(lying.with_name(lying.name + ".reasons"), lambda file: file.write(lines.encode("utf-8", "replace")))

    def _new(self, path: Path) -> Received | None:
        """Of what has arrived, what is to be told; the rest is put away."""
        received = Received(path, path.name.partition(".")[2], _kind(path), content_of(path).sha256)
        if problem := self._hash_problem(received):
            return received._replace(problem=problem)
        if self._lies_in("processed", received.sha256):
            self.take(received)
            return None
        return received

    def _is_whole(self, path: Path) -> bool:
        """By the hash beside it, or because it has not changed since the last look. The first look is none."""
        if _beside(path).exists() and _stated_hash(path) == content_of(path).sha256:
            return True
        stat = path.stat()
        now, seen = (stat.st_size, stat.st_mtime_ns), self._sizes.get(path.name)
        self._sizes[path.name] = now
        return now == seen

    def _candidates(self) -> list[Path]:
        return [
            path
            for path in (self._root / "inbox").iterdir()
            if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
            if not path.name.lower().endswith(_UNFINISHED)
        ]

    def _hash_problem(self, received: Received) -> Reason | None:
        if not _beside(received.path).exists() and not self._hash_required:
            return None
        stated = _stated_hash(received.path)
        if stated is None:
            return reason("BANK_FILE_HASH_MISSING", received.name)
        if stated == received.sha256:
            return None
        return reason("BANK_FILE_HASH", received.name, expected=stated.hex(), found=received.sha256.hex())

    def _lies_in(self, folder: str, digest: bytes) -> bool:
        return any((self._root / folder / digest.hex()[:2]).glob(f"{digest.hex()}.*"))

    def _put_away(self, received: Received, folder: str) -> Path | None:
        """Where it lies now, with its hash. None if that was done before."""
        if received.path.parent != self._root / "arrived":
            return None
        digest, name = received.sha256.hex(), _short(received.name)
        into = self._root / folder / digest[:2]
        into.mkdir(mode=0o750, exist_ok=True)
        target, number = into / f"{digest}.{name}", 1
        while target.exists():
            number += 1
            target = into / f"{digest}.{number}.{name}"
        try:
            if content_of(received.path).sha256 == received.sha256:  # else it has changed, and is told anew
                return _move(received.path, target)
        except FileNotFoundError:  # another worker did it just now, or it was done before
            pass
        return None


class FolderBank:
    """`Bank` over folders. It cannot be asked of a payment: only its statements tell."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders

    async def send(self, file: Outgoing) -> Handover:
        return await asyncio.to_thread(self._folders.hand_over, file)

    async def answers(self, since: datetime | None = None) -> AsyncIterator[Received]:
        for received in await asyncio.to_thread(lambda: told(self._folders, since)):
            yield received

    async def statements(self, since: datetime) -> AsyncIterator[Received]:
        for received in await asyncio.to_thread(lambda: told(self._folders, since)):
            if received.kind.startswith(_STATEMENT):
                yield received

    async def status(self, end_to_end_id: str) -> Standing | None:
        return None

    async def done(self, received: Received) -> None:
        await asyncio.to_thread(self._folders.take, received)

    async def refused(self, received: Received, reasons: Sequence[Reason]) -> None:
        await asyncio.to_thread(self._folders.refuse, received, reasons)


def told(folders: Folders, since: datetime | None) -> list[Received]:
    """What has arrived and, from an instant on, what was taken before."""
    before = [] if since is None else list(folders.taken_since(since))
    return [*before, *folders.arrived()]


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        return kind_of(file)


def _move(path: Path, target: Path) -> Path:
    """With the hash beside it."""
    beside = _beside(path)
    rename(path, target)
    if beside.exists():
        rename(beside, _beside(target))
    return target


def _stated_hash(path: Path) -> bytes | None:
    try:
        with _beside(path).open("rb") as file:
            stated = _HEX.match(file.read(_DIGEST_BYTES_MAX).decode("ascii", "replace"))
    except FileNotFoundError:
        return None
    return bytes.fromhex(stated[1]) if stated else None


def _is_content(path: Path) -> bool:
    return path.suffix != _DIGEST and not path.name.startswith(".")


def _short(name: str) -> str:
    """The end of a name, in UTF-8 and with room for what we put around it."""
    return name.encode("utf-8", "replace")[-_NAME_BYTES_MAX:].decode("utf-8", "ignore")


def _age(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name


def _beside(path: Path) -> Path:
    return path.with_name(path.name + _DIGEST)


def _copying(source: Path) -> Callable[[Hashing], Content]:
    def copy(file: Hashing) -> Content:
        with source.open("rb") as opened:
            while part := opened.read(CHUNK):
                file.write(part)
        return file.content()

    return copy
