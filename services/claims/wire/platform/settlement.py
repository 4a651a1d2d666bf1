"""2304, a settled stay: to the claim of the hospital that settled it (直接结算)."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from cradle.claims.v1 import claim_pb2, intake_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.claims.wire.content import number_problems
from services.claims.wire.platform import charges, happened, timing, woman
from services.claims.wire.platform.sheet import Sheet
from services.kit.dates import to_proto
from services.kit.identifiers import plain

SETTLEMENT_ID: Final = "output.setlinfo.setl_id"
_PROVIDER: Final = "fixmedins_code"
_INTERIM: Final = "input.data.mid_setl_flag"
_CODE: Final = re.compile(r"[0-9A-Z]{12}")
_DATA: Final = "input.data."
_INFO: Final = "output.setlinfo."
_DISCHARGE: Final = "context_2402"


def claim(sheet: Sheet, today: date) -> intake_pb2.ClaimIntake | None:
    """The claim, or None; either way everything that is wrong or doubtful is on the sheet."""
    number, county = claim_number(sheet, SETTLEMENT_ID), woman.county(sheet)
    person = woman.id_number(sheet, today)
    belongs = _belongs_together(sheet)
    event, stay_days, settled = happened.event(sheet), timing.stay_days(sheet), timing.settled_at(sheet)
    event_day = timing.event_day(sheet, stay_days, today)
    charge, hospital, paid = charges.charge(sheet), provider(sheet), charges.fund_money(sheet)
    woman.scheme(sheet)
    if sheet.stated(_INTERIM) == "1":
        sheet.doubt("PLATFORM_INTERIM", _INTERIM)
    if not (number and person and county and belongs and event and event_day and stay_days and charge and hospital):
        return None
    if settled is None:
        return None
    event.date.CopyFrom(to_proto(event_day))
    submitted = Timestamp()
    submitted.FromDatetime(settled)
    stay = intake_pb2.Stay(
        provider=hospital,
        admission_date=to_proto(stay_days.admission),
        discharge_date=to_proto(stay_days.discharge),
        charge=charge,
    )
    submission = intake_pb2.ClaimSubmission(
        claim_number=number,
        person_id_number=person,
        county=county,
        kind=claim_pb2.CLAIM_KIND_PROVIDER_SETTLEMENT,
        event=event,
        claimed_fen=paid,
        submit_time=submitted,
        stays=[stay],
    )
    return intake_pb2.ClaimIntake(submit=intake_pb2.SubmitClaim(claim=submission))


def claim_number(sheet: Sheet, path: str) -> str:
    """setl_id: the platform's own number of the settlement, the same however often and by whomever it is sent."""
    given = sheet.needed(path)
    if not given:
        return ""
    if not is_usable(sheet, given):
        sheet.unmapped("PLATFORM_SETTLEMENT_ID_FORM", path)
        return ""
    return given


def is_usable(sheet: Sheet, given: str) -> bool:
    """Whether it may be a claim number: in its form, and not made of her ID number; all can see it."""
    hers = plain(sheet.stated(woman.CERTNO))[:17]
    return not number_problems(given, "") and not (len(hers) == 17 and hers in given.upper())


def provider(sheet: Sheet) -> str:
    """定点医药机构编码. The level is looked up by it, so none is mapped."""
    given = sheet.needed(_PROVIDER)
    if given and not _CODE.fullmatch(given):
        sheet.unmapped("PLATFORM_PROVIDER_FORM", _PROVIDER)
        return ""
    return given


def _belongs_together(sheet: Sheet) -> bool:
    """The three messages of a bundle are joined by mdtrt_id; one of another stay would put two women into one claim."""
    if not sheet.has(_DISCHARGE):
        sheet.unmapped("PLATFORM_DISCHARGE_MISSING", _DISCHARGE)
        return False
    before = len(sheet.findings)
    for name in ("mdtrt_id", "psn_no"):
        sheet.same(_INFO + name, _DATA + name, f"{_DISCHARGE}.{name}")
    for row in sheet.rows("context_2301.feedetail"):
        sheet.same(f"{_INFO}mdtrt_id", f"{row}.mdtrt_id")
    return len(sheet.findings) == before
