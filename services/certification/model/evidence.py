"""Evidence: a file as it is offered, as it is held, and how much may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

CSV: Final = "text/csv"
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
XLSX: Final = f"{_OFFICE}.spreadsheetml.sheet"
DOCX: Final = f"{_OFFICE}.wordprocessingml.document"
MEDIA_TYPES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "application/pdf": (".pdf",),
        "image/jpeg": (".jpg", ".jpeg"),
        "image/png": (".png",),
        CSV: (".csv",),
        XLSX: (".xlsx",),
        DOCX: (".docx",),
    }
)


class Offered(NamedTuple):
    """What a file is said to be, before its bytes come."""

    criterion: str
    kind: str
    file_name: str
    media_type: str
    sha256: bytes
    size_bytes: int


class Exhibit(NamedTuple):
    """A file that shows a criterion of an application."""

    id: UUID
    application_id: UUID
    offered: Offered
    uploaded_by: str
    uploaded_at: datetime


class Held(NamedTuple):
    """What an application holds already, but for the file that is offered."""

    of_criterion: int = 0
    size_bytes: int = 0


class Limits(NamedTuple):
    file_bytes: int
    application_bytes: int
    upload_s: float
