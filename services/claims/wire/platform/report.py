"""What is said about a message, in protobuf."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from cradle.claims.v1 import platform_pb2, receipt_pb2

from services.claims.wire.platform.mapping import Mapped
from services.claims.wire.platform.sheet import Finding, FindingKind
from services.kit.ids import stable_id
from services.kit.messages import REASONS_MAX, more_reasons
from services.kit.parking import Message
from services.kit.reasons import reason_message

_KIND: Final = {kind: platform_pb2.PlatformFindingKind.Value(f"PLATFORM_FINDING_KIND_{kind}") for kind in FindingKind}

Status = platform_pb2.PlatformStatus


def report_id(message: Message) -> UUID:
    return stable_id(b"platform report", message.position.encode())


def report(  # noqa: PLR0917  # all of it is in the report
    message: Message, source: str, mapped: Mapped, status: Status.ValueType, claim_number: str, now: datetime
) -> platform_pb2.PlatformReport:
    made = platform_pb2.PlatformReport(
        report_id=str(report_id(message)),
        source=source,
        status=status,
        infno=mapped.infno,
        msgid=mapped.msgid,
        claim_number=claim_number,
        crosswalk=mapped.version,
        findings=[finding(one) for one in _few([f for f in mapped.findings if f.kind is not FindingKind.IGNORED])],
        position=receipt_pb2.RecordPosition(topic=message.topic, partition=message.partition, offset=message.offset),
    )
    made.report_time.FromDatetime(now)
    return made


def _few(findings: Sequence[Finding]) -> Sequence[Finding]:
    """A message may be wrong in thousands of rows, and its report must still fit."""
    if len(findings) <= REASONS_MAX:
        return findings
    more = more_reasons(len(findings) - REASONS_MAX)
    return [*findings[:REASONS_MAX], Finding(findings[REASONS_MAX].kind, more)]


def finding(given: Finding) -> platform_pb2.PlatformFinding:
    return platform_pb2.PlatformFinding(
        kind=_KIND[given.kind],
        reason=reason_message(given.reason),
    )
