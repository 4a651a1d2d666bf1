"""Which characters a font can show: typst prints an empty box for one it cannot, and says nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

_COLLECTION: Final = b"ttcf"
_UNICODE: Final = {(0, 3), (0, 4), (3, 1), (3, 10)}  # (platform, encoding) of the tables that map Unicode


@lru_cache(maxsize=4)
def characters(font: Path) -> frozenset[int]:
    """The code points of the first face of a TrueType file or collection."""
    raw = font.read_bytes()
    start = _u32(raw, 12) if raw[:4] == _COLLECTION else 0
    tables = {
        raw[at : at + 4]: _u32(raw, at + 8) for at in range(start + 12, start + 12 + 16 * _u16(raw, start + 4), 16)
    }
    cmap = tables[b"cmap"]
    found: set[int] = set()
    for at in range(cmap + 4, cmap + 4 + 8 * _u16(raw, cmap + 2), 8):
        if (_u16(raw, at), _u16(raw, at + 2)) in _UNICODE:
            found.update(_mapped(raw, cmap + _u32(raw, at + 4)))
    return frozenset(found)


def _mapped(raw: bytes, at: int) -> Iterator[int]:
    match _u16(raw, at):
        case 4:
            count = _u16(raw, at + 6) // 2
            ends = struct.unpack_from(f">{count}H", raw, at + 14)
            starts = struct.unpack_from(f">{count}H", raw, at + 16 + 2 * count)
            for first, last in zip(starts, ends, strict=True):
                yield from range(first, min(last, 0xFFFE) + 1)
        case 12:
            for group in range(at + 16, at + 16 + 12 * _u32(raw, at + 12), 12):
                yield from range(_u32(raw, group), _u32(raw, group + 4) + 1)
        case _:
            return


def _u16(raw: bytes, at: int) -> int:
    return int.from_bytes(raw[at : at + 2], "big")


def _u32(raw: bytes, at: int) -> int:
    return int.from_bytes(raw[at : at + 4], "big")
