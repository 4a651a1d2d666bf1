"""2305, an undone settlement, to a void; and 3201, a hospital's totals, to the control totals of its source."""

from __future__ import annotations

from datetime import date
from typing import Final

from cradle.claims.v1 import intake_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.claims.wire.platform.settlement import claim_number
from services.claims.wire.platform.sheet import Sheet
from services.claims.wire.platform.values import day, fen, instant, whole
from services.kit.dates import to_proto

_UNDONE: Final = "input.data.setl_id"
UNDONE_BY_HOSPITAL: Final = "input.data.medins_setl_id"
_UNDONE_AT: Final = "output.setlinfo.setl_time"
_SENT: Final = "inf_time"
_FIRST: Final = "input.data.stmt_begndate"
_LAST: Final = "input.data.stmt_enddate"
_COUNT: Final = "input.data.fixmedins_setl_cnt"
_PAID: Final = "input.data.fund_pay_sumamt"
_SCHEME: Final = "input.data.insutype"
_COUNT_MAX: Final = 9999


def void(sheet: Sheet) -> intake_pb2.VoidClaim | None:
    """The void. Its number is empty where the undo names the hospital's own number of the settlement only."""
    by_platform, by_hospital = sheet.stated(_UNDONE), sheet.stated(UNDONE_BY_HOSPITAL)
    if not by_platform and not by_hospital:
        sheet.unmapped("PLATFORM_MISSING", _UNDONE)
        return None
    number = claim_number(sheet, _UNDONE) if by_platform else ""
    path = _UNDONE_AT if sheet.stated(_UNDONE_AT) else _SENT
    undone_at = instant(sheet, path) if sheet.needed(path) else None
    if undone_at is None or (by_platform and not number):
        return None
    submitted = Timestamp()
    submitted.FromDatetime(undone_at)
    return intake_pb2.VoidClaim(
        claim_number=number,
        revision=1,  # the platform knows no corrections: what is wrong is undone and settled anew
        reason=intake_pb2.VOID_REASON_SETTLEMENT_UNDONE,
        submit_time=submitted,
    )


def totals(sheet: Sheet, today: date) -> intake_pb2.ClaimIntake | None:
    """One day's totals, of a sender that speaks for its whole source; ours are of a day and a source, and no others."""
    if not sheet.codes.sender.whole_totals:
        sheet.unmapped("PLATFORM_TOTALS_OF_ONE_HOSPITAL", "fixmedins_code")
        return None
    first, last = [day(sheet, path) if sheet.needed(path) else None for path in (_FIRST, _LAST)]
    count = whole(sheet, _COUNT, 0, _COUNT_MAX) if sheet.needed(_COUNT) else None
    paid = fen(sheet, _PAID) if sheet.needed(_PAID) else None
    sent = instant(sheet, _SENT) if sheet.needed(_SENT) else None
    if first is None or last is None or count is None or paid is None or sent is None:
        return None
    if first != last:
        sheet.unmapped("PLATFORM_TOTALS_OF_SEVERAL_DAYS", _LAST)
        return None
    if first > today:
        sheet.unmapped("DATE_IN_FUTURE", _FIRST, last=today)
        return None
    if sheet.code("insutype", _SCHEME) != "MATERNITY":
        sheet.doubt("PLATFORM_TOTALS_OF_ALL_CARE", _SCHEME)
    sheet.doubt("PLATFORM_TOTALS_NET", _COUNT)
    submitted = Timestamp()
    submitted.FromDatetime(sent)
    return intake_pb2.ClaimIntake(
        control_totals=intake_pb2.ControlTotals(
            date=to_proto(first), submitted=count, claimed_fen=paid, submit_time=submitted
        )
    )
