"""What a file really is, by its bytes: an executable does not become a PDF by its name.

Signatures are puremagic's. A ZIP is opened for what an office document must hold, and refused with macros; CSV has no
signature, so it has to be text.
"""

from __future__ import annotations

import codecs
import re
import zipfile
from collections.abc import Iterator
from typing import IO, Final

import puremagic

from services.certification.model.evidence import CSV, DOCX, XLSX

_PART_OF: Final = {XLSX: "xl/workbook.xml", DOCX: "word/document.xml"}
_HEAD_BYTES: Final = 4096
_PIECE_BYTES: Final = 64 * 1024
_PARTS_MAX: Final = 10_000
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def is_what_it_says(file: IO[bytes], media_type: str) -> bool:
    if media_type == CSV:
        return any(_is_text(file, encoding) for encoding in ("utf-8", "gb18030"))
    if media_type in _PART_OF:
        return _is_office(file, _PART_OF[media_type])
    file.seek(0)
    try:
        found = puremagic.magic_string(file.read(_HEAD_BYTES))
    except (puremagic.PureError, ValueError):
        return False
    return media_type in {one.mime_type for one in found}


def _is_text(file: IO[bytes], encoding: str) -> bool:
    try:
        return not any(_NO_TEXT.search(piece) for piece in _decoded(file, encoding))
    except UnicodeDecodeError:
        return False


def _decoded(file: IO[bytes], encoding: str) -> Iterator[str]:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    while piece := file.read(_PIECE_BYTES):
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _is_office(file: IO[bytes], part: str) -> bool:
    """Nothing is unpacked; the list at the end of the archive tells."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = {one.filename for one in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False
    macros = any(name.lower().endswith("vbaproject.bin") for name in names)
    return len(names) <= _PARTS_MAX and {"[Content_Types].xml", part} <= names and not macros
