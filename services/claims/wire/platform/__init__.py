"""The national platform's messages (2304, 2305, 3201), mapped by a versioned crosswalk to our intake.

`records` takes files and topics apart, `sheet` is a message with what is said about it, `values` reads its texts,
`mapping` maps one message: `settlement` (with `woman`, `charges`, `happened`, `timing`) or `other`; `report` puts the
result into protobuf. docs/platform.md says what becomes of each field.
"""

from __future__ import annotations

from services.claims.wire.platform.mapping import Adapter, Kind, Mapped, read_message
from services.claims.wire.platform.sheet import Finding, FindingKind

PLATFORM_INTAKE = "claims.platform-intake.v1."
PLATFORM_REPORT = "claims.platform-report.v1."

__all__ = [
    "PLATFORM_INTAKE",
    "PLATFORM_REPORT",
    "Adapter",
    "Finding",
    "FindingKind",
    "Kind",
    "Mapped",
    "read_message",
]
