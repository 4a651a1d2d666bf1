"""When it was: the stay, the day of the event, the moment of the settlement; and clocks that are eight hours off."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from services.claims.wire.platform.sheet import Sheet
from services.claims.wire.platform.values import day, instant, is_eight_hours_behind
from services.kit.dates import civil

SETTLED: Final = "output.setlinfo.setl_time"
_SENT: Final = "inf_time"
_IN: Final = "context_2402.begntime"
_OUT: Final = "context_2402.endtime"
_OUT_STATED: Final = "input.data.dscgTime"
EVENT: Final = "context_2402.birctrl_matn_date"


class StayDays(NamedTuple):
    admission: date
    discharge: date


def settled_at(sheet: Sheet) -> datetime | None:
    """The platform's clock. One that stamps UTC moves settlements of the night to another day, so that is told."""
    if not sheet.needed(SETTLED):
        return None
    settled, sent = instant(sheet, SETTLED), instant(sheet, _SENT)
    if settled and sent and (is_eight_hours_behind(settled, sent) or is_eight_hours_behind(sent, settled)):
        sheet.doubt("PLATFORM_CLOCK_EIGHT_HOURS", SETTLED, other=_SENT)
    return settled


def stay_days(sheet: Sheet) -> StayDays | None:
    """The days of the stay by the discharge message (2402); the settlement's own word of the discharge is compared."""
    admitted = instant(sheet, _IN) if sheet.needed(_IN) else None
    left, stated = instant(sheet, _OUT), instant(sheet, _OUT_STATED)
    if left and stated and left != stated:
        if is_eight_hours_behind(left, stated) or is_eight_hours_behind(stated, left):
            sheet.doubt("PLATFORM_CLOCK_EIGHT_HOURS", _OUT, other=_OUT_STATED)
        if civil(left) != civil(stated):
            sheet.contradiction("PLATFORM_STATED_TWICE", _OUT_STATED, other=_OUT)
    left = left or stated
    if left is None:
        sheet.unmapped("PLATFORM_MISSING", _OUT)
    if admitted is None or left is None:
        return None
    if left < admitted:
        sheet.contradiction("PLATFORM_OUT_BEFORE_IN", _OUT, other=_IN)
        return None
    return StayDays(civil(admitted), civil(left))


def event_day(sheet: Sheet, stay: StayDays | None, today: date) -> date | None:
    """The day of the birth or surgery. The day of discharge is suspected, one outside the stay is not believed."""
    found = day(sheet, EVENT) if sheet.needed(EVENT) else None
    if found is None:
        return None
    if found > today:
        sheet.unmapped("DATE_IN_FUTURE", EVENT, last=today)
        return None
    if stay is None:
        return found
    if not stay.admission <= found <= stay.discharge:
        sheet.contradiction("PLATFORM_EVENT_OUTSIDE_STAY", EVENT)
        return None
    if stay.admission < found == stay.discharge:
        sheet.doubt("PLATFORM_EVENT_ON_DISCHARGE", EVENT)
    return found
