"""Files that appear whole or not at all: a temporary name, hash and size while writing, fsync, rename."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from services.kit.errors import Invalid
from services.kit.messages import reason

CHUNK: Final = 1 << 20
UNFINISHED: Final = ".part"  # `.<name>.<token>.part`: no bank and no reader of ours takes it


class Content(NamedTuple):
    """What a file holds: 32 bytes of SHA-256, and its size in bytes."""

    sha256: bytes
    size: int


class Hashing:
    """A binary file that tells at the end what went through it. lxml and csv write into it; None keeps nothing."""

    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, part: bytes) -> int:
        self._digest.update(part)
        self.size += len(part)
        if self._file is not None:
            self._file.write(part)
        return len(part)

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def content(self) -> Content:
        return Content(self._digest.digest(), self.size)


def place(path: Path, write: Callable[[Hashing], object], expected: bytes | None = None) -> Content:
    """Write the file and rename it into place, durably; whatever fails leaves no file of that name.

    `expected` is the SHA-256 it must have (of the same file, built before). Raises Invalid if it has another, or if a
    file of the name with other content is there: what once had a name keeps it.
    """
    # Each attempt writes a file of its own: two that build the same one do not write into each other.
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}{UNFINISHED}")
    try:
        with open(unfinished, "wb", opener=_for_us_and_our_group) as file:  # Path.open takes no opener
            hashing = Hashing(file)
            write(hashing)
            file.flush()
            os.fsync(file.fileno())
        content = hashing.content()
        if expected is not None and content.sha256 != expected:
            raise Invalid(reason("BANK_FILE_HASH", path.name, expected=expected.hex(), found=content.sha256.hex()))
        if path.exists() and content_of(path) != content:
            raise Invalid(reason("BANK_FILE_CONFLICT", path.name))
        rename(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return content


def _for_us_and_our_group(path: str, flags: int) -> int:
    """Names and accounts stand in these files."""
    return os.open(path, flags, 0o640)


def rename(old: Path, new: Path) -> None:
    """Rename within a filesystem, and make it last."""
    old.replace(new)
    for folder in {old.parent, new.parent}:
        sync(folder)


def content_of(path: Path) -> Content:
    with path.open("rb") as file:
        return content_of_stream(file)


def content_of_stream(source: BinaryIO) -> Content:
    """Of all that is left in it."""
    hashing = Hashing(None)
    while part := source.read(CHUNK):
        hashing.write(part)
    return hashing.content()


def sync(folder: Path) -> None:
    """What was renamed, linked or unlinked in the folder lasts."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
