"""What was charged and what the maternity fund paid, in whole fen, with the sums that must hold."""

from __future__ import annotations

from typing import Final

from cradle.claims.v1 import intake_pb2

from services.claims.wire.platform.sheet import Sheet
from services.claims.wire.platform.values import fen, whole

_INFO: Final = "output.setlinfo."
_INPUT: Final = "input.data."
_PARTS: Final = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
_LINES: Final = "context_2301.feedetail"
_LINES_MAX: Final = 9999


def charge(sheet: Sheet) -> intake_pb2.Charge | None:
    """medfee_sumamt and its four parts. The platform's answer counts; what the hospital stated is compared with it."""
    total = fen(sheet, f"{_INFO}medfee_sumamt")
    own_pay, over_limit, first, policy_range = [fen(sheet, _INFO + name) for name in _PARTS]
    _compare_input(sheet)
    _check_lines(sheet, total)
    if policy_range is None:
        sheet.unmapped("PLATFORM_MISSING", f"{_INFO}inscp_scp_amt")
        return None
    if total is None or own_pay is None or over_limit is None or first is None:
        sheet.doubt("PLATFORM_PARTS_INCOMPLETE", f"{_INFO}medfee_sumamt")
        return intake_pb2.Charge(policy_range_fen=policy_range)
    off = abs(total - own_pay - over_limit - first - policy_range)
    if off > sheet.codes.crosswalk.limits.rounding_fen:
        sheet.contradiction("PLATFORM_PARTS_DO_NOT_ADD_UP", f"{_INFO}medfee_sumamt")
        return None
    if off:
        sheet.doubt("PLATFORM_PARTS_ROUNDED", f"{_INFO}medfee_sumamt", fen=off)
        return intake_pb2.Charge(policy_range_fen=policy_range)
    return intake_pb2.Charge(
        policy_range_fen=policy_range,
        total_fen=total,
        own_pay_fen=own_pay,
        over_limit_fen=over_limit,
        self_pay_first_fen=first,
    )


def fund_money(sheet: Sheet) -> int | None:
    """What the maternity fund paid: the rows 510100 of setldetail, whatever hifp_pay and oth_pay say."""
    path = "output.setldetail"
    every, maternity, found = 0, 0, False
    for row in sheet.rows(path):
        kind, paid = sheet.code("fund_pay_type", f"{row}.fund_pay_type"), fen(sheet, f"{row}.fund_payamt")
        if paid is None:
            sheet.unmapped("PLATFORM_MISSING", f"{row}.fund_payamt")
            return None
        every += paid
        if kind == "MATERNITY":
            found, maternity = True, maternity + paid
    stated = fen(sheet, f"{_INFO}fund_pay_sumamt")
    _check_own_part(sheet, stated)
    if stated is not None and stated != every:
        sheet.contradiction("PLATFORM_FUND_SUM_DIFFERS", f"{_INFO}fund_pay_sumamt")
        return None
    if not found:
        sheet.unmapped("PLATFORM_NO_MATERNITY_FUND", path)
        return None
    return maternity


def _check_own_part(sheet: Sheet, fund: int | None) -> None:
    """psn_part_amt = medfee_sumamt - fund_pay_sumamt, less what the hospital itself bears."""
    total, own = fen(sheet, f"{_INFO}medfee_sumamt"), fen(sheet, f"{_INFO}psn_part_amt")
    if total is None or own is None or fund is None:
        return
    hospital = fen(sheet, f"{_INFO}hosp_part_amt") or 0
    if own == total - fund - hospital:
        return
    if own == total - fund:
        sheet.doubt("PLATFORM_HOSPITAL_PART", f"{_INFO}hosp_part_amt")
    else:
        sheet.contradiction("PLATFORM_OWN_PART_DIFFERS", f"{_INFO}psn_part_amt")


def _compare_input(sheet: Sheet) -> None:
    for name in ("medfee_sumamt", *_PARTS):
        stated, answered = fen(sheet, _INPUT + name), fen(sheet, _INFO + name)
        if stated is not None and answered is not None and stated != answered:
            sheet.contradiction("PLATFORM_STATED_TWICE", _INPUT + name, other=_INFO + name)


def _check_lines(sheet: Sheet, total: int | None) -> None:
    """The lines of 2301 against the total: some fen are rounding, more is a line lost or doubled."""
    paths = list(sheet.rows(_LINES))
    if not paths or total is None:
        return
    rows = whole(sheet, "context_2301.feedetail_rows", 0, _LINES_MAX)
    if rows is not None and rows != len(paths):
        sheet.doubt("PLATFORM_LINES_NOT_ALL_HERE", _LINES, here=len(paths), rows=rows)
        return
    amounts = [fen(sheet, f"{path}.det_item_fee_sumamt") for path in paths]
    if None in amounts:
        return
    off = abs(sum(amount or 0 for amount in amounts) - total)
    if off > sheet.codes.crosswalk.limits.rounding_fen:
        sheet.contradiction("PLATFORM_LINES_DO_NOT_ADD_UP", _LINES)
    elif off:
        sheet.doubt("PLATFORM_LINES_ROUNDED", _LINES, fen=off)
