"""Files as an employer's system hands them in, and how they are offered."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import AsyncIterator

from services.certification.model.evidence import CSV, DOCX, XLSX, Offered

PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
CRITERION = "attitude.policy_published"
KIND = "POLICY_DOC"


def pdf(said: str = "x") -> bytes:
    return f"%PDF-1.7\n% {said}\n%%EOF\n".encode()


def archive(*parts: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as written:
        for part in parts:
            written.writestr(part, "<x/>")
    return made.getvalue()


TRUE = {
    PDF: pdf(),
    JPEG: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(64),
    PNG: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(32),
    CSV: "姓名,天数\n甲,15\n".encode("gb18030"),
    XLSX: archive("[Content_Types].xml", "xl/workbook.xml"),
    DOCX: archive("[Content_Types].xml", "word/document.xml"),
}
EXECUTABLE = b"MZ" + bytes(58) + b"\x80\x00\x00\x00" + bytes(64) + b"PE\x00\x00" + bytes(200)


def offered(content: bytes, media_type: str = PDF, **changes: object) -> Offered:
    sha256 = hashlib.sha256(content).digest()
    made = Offered(CRITERION, KIND, "制度.pdf", media_type, sha256, len(content))
    return made._replace(**changes)  # type: ignore[arg-type]  # checked by the record


async def pieces(content: bytes, size: int = 10) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]
