"""One message of the platform to one record of our intake, or to the reasons why not. Nothing raises."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from cradle.claims.v1 import intake_pb2
from protovalidate import Validator

from services.claims.wire.platform import crosswalk, other, settlement
from services.claims.wire.platform.crosswalk import Crosswalk
from services.claims.wire.platform.records import Record, records
from services.claims.wire.platform.sheet import Finding, FindingKind, Sheet, shown
from services.kit.member_key import member_key
from services.kit.messages import reason
from services.kit.shape import shape_problems

_MSGID: Final = re.compile(r"[0-9A-Z]{12}[0-9]{18}")  # hospital, yyyyMMddHHmmss, number: 30 characters
_INFNO: Final = re.compile(r"[0-9]{4}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SAME: Final = ("infno", "fixmedins_code", "input", "output", "context_2402", "context_2301")
_HOSPITAL: Final = "fixmedins_code"
_VALIDATOR: Final = Validator()
_ANSWER: Final = "output.infcode"
_REFUSED: Final = {
    "2303": "PLATFORM_TRIAL",
    "2601": "PLATFORM_MESSAGE_REVERSED",
    "3202": "PLATFORM_TOTALS_IN_DETAIL",
}


class Kind(StrEnum):
    SETTLEMENT = "SETTLEMENT"
    UNDO = "UNDO"
    TOTALS = "TOTALS"
    OTHER = "OTHER"


_KINDS: Final = {"2304": Kind.SETTLEMENT, "2305": Kind.UNDO, "3201": Kind.TOTALS}


@dataclass(frozen=True, slots=True)
class Adapter:
    """How one sender's messages are read: the versions of the crosswalk, and its own lists."""

    source: str
    versions: Sequence[Crosswalk] = crosswalk.SHIPPED


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a message became. `content` makes it the same message when it is sent again."""

    kind: Kind
    version: str
    infno: str = ""
    msgid: str = ""
    hospital: str = ""
    settlement_id: str = ""
    hospital_settlement_id: str = ""
    person: str = ""  # psn_no
    intake: intake_pb2.ClaimIntake | None = None
    void: intake_pb2.VoidClaim | None = None
    key: bytes = b""
    content: bytes = b""
    findings: tuple[Finding, ...] = ()


def read_message(adapter: Adapter, raw: bytes, today: date) -> Mapped:
    """Read one record of a topic: exactly one message."""
    found = list(islice(records(raw), 2))
    if len(found) > 1:
        broken = next((one.problem for one in found if one.problem), None)
        return unreadable(adapter, Record(1, None, broken or reason("PLATFORM_SEVERAL_MESSAGES")))
    return map_record(adapter, found[0], today)


def map_record(adapter: Adapter, record: Record, today: date) -> Mapped:
    """Map one record of a file."""
    if record.content is None:
        return unreadable(adapter, record)
    try:
        return _mapped(adapter, record.content, today)
    except RecursionError:  # so deep that it was read, and cannot be written again
        broken = reason("PLATFORM_JSON_BROKEN", line=record.line, column=1)
        return unreadable(adapter, Record(record.line, None, broken))


def unreadable(adapter: Adapter, record: Record) -> Mapped:
    why = record.problem or reason("PLATFORM_NOT_OBJECT")
    return Mapped(Kind.OTHER, adapter.versions[-1].version, findings=(Finding(FindingKind.UNMAPPED, why),))


def _mapped(adapter: Adapter, content: Mapping[str, Any], today: date) -> Mapped:
    version = crosswalk.choose(adapter.versions, _day_of(content) or today)
    sheet = Sheet(content, (version or adapter.versions[0]).for_sender(adapter.source))
    infno = sheet.stated("infno")
    kind = _KINDS.get(infno, Kind.OTHER)
    intake, void = None, None
    if version is None:
        sheet.unmapped("PLATFORM_NO_CROSSWALK", "", first=adapter.versions[0].valid_from)
    elif kind is Kind.OTHER:
        sheet.unmapped(_REFUSED.get(infno, "PLATFORM_NOT_TAKEN"), "infno")
    elif _is_answered(sheet, kind):
        intake = _intake(sheet, kind, today)
        void = other.void(sheet) if kind is Kind.UNDO else None
    msgid = _msgid(sheet)
    sheet.tell_fields()
    where = "output.setlinfo." if kind is Kind.SETTLEMENT else "input.data."
    number = sheet.stated(f"{where}setl_id")
    return Mapped(
        kind,
        sheet.codes.crosswalk.version,
        infno if _INFNO.fullmatch(infno) else "",
        msgid,
        shown_hospital(sheet.stated(_HOSPITAL)),
        number if settlement.is_usable(sheet, number) else "",
        sheet.stated(f"{where}medins_setl_id"),
        sheet.stated(f"{where}psn_no"),
        intake,
        void,
        _key(intake),
        _content(content),
        tuple(sheet.findings),
    )


def _intake(sheet: Sheet, kind: Kind, today: date) -> intake_pb2.ClaimIntake | None:
    """The record of the intake, if the intake's own annotations have nothing against it."""
    made = None
    if kind is Kind.SETTLEMENT:
        made = settlement.claim(sheet, today)
    elif kind is Kind.TOTALS:
        made = other.totals(sheet, today)
    problems = shape_problems(_VALIDATOR, made) if made else []
    for problem in problems:
        sheet.unmapped("PLATFORM_INTAKE_REFUSES", "", field=problem.field, why=problem.code)
    return None if problems else made


def _is_answered(sheet: Sheet, kind: Kind) -> bool:
    """Whether the platform said yes. A request without its answer, or one that failed, settled nothing."""
    if kind is Kind.TOTALS and not sheet.has("output"):
        return True
    if not sheet.has("output"):
        sheet.unmapped("PLATFORM_WITHOUT_ANSWER", "output")
        return False
    if sheet.stated(_ANSWER) != "0":
        sheet.unmapped("PLATFORM_FAILED", _ANSWER, given=shown(sheet.stated(_ANSWER)))
        return False
    return True


def _msgid(sheet: Sheet) -> str:
    """30 characters that begin with the hospital. In another form it may be anything, and is neither kept nor told."""
    given = sheet.stated("msgid")
    if not _MSGID.fullmatch(given):
        sheet.unmapped("PLATFORM_MSGID_FORM", "msgid")
        return ""
    if given[:12] != sheet.stated(_HOSPITAL):
        sheet.contradiction("PLATFORM_MSGID_OF_ANOTHER", "msgid", other=_HOSPITAL)
    return given


def shown_hospital(given: str) -> str:
    return given if re.fullmatch(r"[0-9A-Z]{12}", given) else ""


def _key(intake: intake_pb2.ClaimIntake | None) -> bytes:
    """The intake's key of her; totals concern nobody, and have one of their own."""
    if intake is None:
        return b""
    return member_key(intake.submit.claim.person_id_number or "control_totals")


def _content(content: Mapping[str, Any]) -> bytes:
    bare = {name: content[name] for name in _SAME if name in content}
    return json.dumps(bare, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")


def _day_of(content: Mapping[str, Any]) -> date | None:
    """The day by which the version is chosen: of the settlement, else of the message."""
    output = content.get("output")
    info = output.get("setlinfo") if isinstance(output, Mapping) else None
    settled = info.get("setl_time") if isinstance(info, Mapping) else None
    for given in (settled, content.get("inf_time")):
        match = _DAY.match(given) if isinstance(given, str) else None
        try:
            return date.fromisoformat(match[0]) if match else None
        except ValueError:
            continue
    return None
