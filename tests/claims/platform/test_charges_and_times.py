"""Money to the fen and times to the day: sums that must hold, clocks that are eight hours off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.wire.platform import crosswalk
from services.claims.wire.platform.sheet import Sheet
from services.claims.wire.platform.values import fen
from tests.claims.platform.mapped import changed, claim_of, found
from tests.claims.platform.messages import DATA, DISCHARGE, INFO

TOTAL = f"{INFO}medfee_sumamt"


def amount(text: str) -> tuple[int | None, list[str]]:
    sheet = Sheet({"a": text}, crosswalk.SHIPPED[0].for_sender("hospitals"))
    return fen(sheet, "a"), [told.reason.code for told in sheet.findings]


# --- amounts ----------------------------------------------------------------------------------------------------------


@given(st.integers(min_value=0, max_value=10**13))
def test_yuan_with_two_decimals_are_their_fen_exactly(fen_stated: int) -> None:
    assert amount(f"{fen_stated // 100}.{fen_stated % 100:02d}") == (fen_stated, [])


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("948", 94_800), ("0.5", 50), ("0.07", 7), ("", None)])
def test_fewer_decimals_are_exact_too(text: str, expected: int | None) -> None:
    assert amount(text) == (expected, [])


@pytest.mark.parametrize("text", ["2035.260", "0.001", "1.999"])
def test_more_than_two_decimals_are_refused_and_not_rounded(text: str) -> None:
    assert amount(text) == (None, ["PLATFORM_AMOUNT_DECIMALS"])


@pytest.mark.parametrize("text", ["1,018.24", "-1.00", "+1.00", "1e3", "1.", ".5", "３０", "1 000", "NaN", "元"])
def test_what_is_no_plain_amount_is_refused(text: str) -> None:
    assert amount(text) == (None, ["PLATFORM_AMOUNT_FORM"])


# --- sums -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("total", "code"), [("3018.25", "ROUNDED"), ("3018.27", "ROUNDED"), ("3018.28", "NOT")])
def test_parts_a_few_fen_off_are_rounding_and_more_is_a_contradiction(total: str, code: str) -> None:
    own = f"{float(total) - 2035.26:.2f}"
    mapped = changed({TOTAL: total, f"{DATA}medfee_sumamt": total, f"{INFO}psn_part_amt": own})

    codes = {told[1] for told in found(mapped)}
    if code == "ROUNDED":
        charge = claim_of(mapped).stays[0].charge
        assert (charge.policy_range_fen, charge.HasField("total_fen")) == (203_526, False)
        assert codes == {"PLATFORM_PARTS_ROUNDED", "PLATFORM_LINES_ROUNDED"}
    else:
        assert mapped.intake is None
        assert codes == {"PLATFORM_PARTS_DO_NOT_ADD_UP", "PLATFORM_LINES_DO_NOT_ADD_UP"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("2158.24", ""),
        ("2158.27", "PLATFORM_LINES_ROUNDED"),
        ("2158.28", "PLATFORM_LINES_DO_NOT_ADD_UP"),
        ("4316.48", "PLATFORM_LINES_DO_NOT_ADD_UP"),  # doubled
    ],
)
def test_lines_are_added_up(line: str, code: str) -> None:
    mapped = changed({"context_2301.feedetail.1.det_item_fee_sumamt": line})

    assert claim_of(mapped)
    assert {told[1] for told in found(mapped)} == ({code} if code else set())


def test_lines_that_are_not_all_here_are_not_added_up() -> None:
    mapped = changed({"context_2301.feedetail_rows": 20})

    assert found(mapped) == {("DOUBT", "PLATFORM_LINES_NOT_ALL_HERE", "context_2301.feedetail")}


@pytest.mark.parametrize("place", ["hifp_pay", "oth_pay", "nowhere"])
def test_the_funds_money_is_taken_from_its_detail_wherever_else_it_stands(place: str) -> None:
    mapped = changed({f"{INFO}oth_pay": "0.00", f"{INFO}{place}": "2035.26"})

    assert claim_of(mapped).claimed_fen == 203_526


def test_of_several_funds_the_maternity_funds_rows_count() -> None:
    rows = [
        {"fund_pay_type": "510100", "fund_payamt": "1000.00"},
        {"fund_pay_type": "510100", "fund_payamt": "1000.00"},
        {"fund_pay_type": "999997", "fund_payamt": "35.26"},
    ]

    mapped = changed({"output.setldetail": rows})

    assert claim_of(mapped).claimed_fen == 200_000
    assert found(mapped) == set()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"output.setldetail.0.fund_payamt": "2035.25"},
            {("CONTRADICTION", "PLATFORM_FUND_SUM_DIFFERS", f"{INFO}fund_pay_sumamt")},
        ),
        (
            {"output.setldetail.0.fund_pay_type": "340100"},
            {("UNMAPPED", "PLATFORM_NO_MATERNITY_FUND", "output.setldetail")},
        ),
        (
            {"output.setldetail.0.fund_payamt": "2035.2600"},
            {
                ("UNMAPPED", "PLATFORM_AMOUNT_DECIMALS", "output.setldetail[0].fund_payamt"),
                ("UNMAPPED", "PLATFORM_MISSING", "output.setldetail[0].fund_payamt"),
            },
        ),
    ],
    ids=["sum", "other fund", "decimals"],
)
def test_fund_money_that_cannot_be_right_is_left_unset(
    changes: dict[str, str], told: set[tuple[str, str, str]]
) -> None:
    mapped = changed(changes)

    assert not claim_of(mapped).HasField("claimed_fen")
    assert found(mapped) == told


def test_her_own_part_is_checked_with_what_the_hospital_bears() -> None:
    right = {f"{INFO}hosp_part_amt": "100.00", f"{INFO}psn_part_amt": "882.98"}
    forgotten = {f"{INFO}hosp_part_amt": "100.00"}
    wrong = {f"{INFO}psn_part_amt": "982.97"}

    assert found(changed(right)) == set()
    assert found(changed(forgotten)) == {("DOUBT", "PLATFORM_HOSPITAL_PART", f"{INFO}hosp_part_amt")}
    assert found(changed(wrong)) == {("CONTRADICTION", "PLATFORM_OWN_PART_DIFFERS", f"{INFO}psn_part_amt")}


def test_what_hospital_and_platform_state_differently_is_told() -> None:
    mapped = changed({f"{DATA}preselfpay_amt": "35.98"})

    assert claim_of(mapped).stays[0].charge.self_pay_first_fen == 3_498
    assert found(mapped) == {("CONTRADICTION", "PLATFORM_STATED_TWICE", f"{DATA}preselfpay_amt")}


@pytest.mark.parametrize("value", ["", None, "2035.260", "about 2000"])
def test_without_the_policy_range_there_is_no_claim(value: str | None) -> None:
    mapped = changed({f"{INFO}inscp_scp_amt": value})

    assert mapped.intake is None
    assert ("UNMAPPED", "PLATFORM_MISSING", f"{INFO}inscp_scp_amt") in found(mapped)


def test_an_amount_the_intake_would_refuse_is_told_before_it_is_sent() -> None:
    huge = {f"{side}{name}": "9999999.00" for side in (INFO, DATA) for name in ("medfee_sumamt", "inscp_scp_amt")}
    none = {f"{side}{name}": "0" for side in (INFO, DATA) for name in ("fulamt_ownpay_amt", "preselfpay_amt")}

    mapped = changed({**huge, **none})

    assert mapped.intake is None
    assert ("UNMAPPED", "PLATFORM_INTAKE_REFUSES", "") in found(mapped)


# --- times ------------------------------------------------------------------------------------------------------------


def test_a_settlement_stamped_in_utc_is_told() -> None:
    mapped = changed({f"{INFO}setl_time": "2026-03-13 02:42:16"})

    assert claim_of(mapped)
    assert found(mapped) == {("DOUBT", "PLATFORM_CLOCK_EIGHT_HOURS", f"{INFO}setl_time")}


@pytest.mark.parametrize(("sent", "told"), [("18:27:16", True), ("18:57:16", True), ("18:57:17", False)])
def test_eight_hours_give_or_take_a_quarter_are_another_clock(sent: str, told: bool) -> None:
    mapped = changed({"inf_time": f"2026-03-13 {sent}"})

    assert (("DOUBT", "PLATFORM_CLOCK_EIGHT_HOURS", f"{INFO}setl_time") in found(mapped)) == told


def test_a_discharge_in_utc_is_told_and_so_is_the_other_day_it_makes() -> None:
    mapped = changed({f"{DISCHARGE}endtime": "2026-03-12 23:30:00", f"{DATA}dscgTime": "2026-03-13 07:30:00"})

    assert found(mapped) == {
        ("DOUBT", "PLATFORM_CLOCK_EIGHT_HOURS", f"{DISCHARGE}endtime"),
        ("CONTRADICTION", "PLATFORM_STATED_TWICE", f"{DATA}dscgTime"),
    }


def test_a_time_with_an_offset_is_what_it_says() -> None:
    mapped = changed({f"{INFO}setl_time": "2026-03-13T02:42:16Z"})

    assert claim_of(mapped).submit_time.ToJsonString() == "2026-03-13T02:42:16Z"
    assert found(mapped) == {("DOUBT", "PLATFORM_TIME_OFFSET", f"{INFO}setl_time")}


@pytest.mark.parametrize("given", ["2026-02-30 10:00:00", "2026/03/13 10:00:00", "20260313100000", "10:00", "2026-03"])
def test_what_is_no_time_makes_no_claim(given: str) -> None:
    mapped = changed({f"{INFO}setl_time": given})

    assert mapped.intake is None
    assert ("UNMAPPED", "PLATFORM_TIME_FORM", f"{INFO}setl_time") in found(mapped)


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2026-03-09", ("CONTRADICTION", "PLATFORM_EVENT_OUTSIDE_STAY")),
        ("2026-03-10", None),
        ("2026-03-12", None),
        ("2026-03-13", ("DOUBT", "PLATFORM_EVENT_ON_DISCHARGE")),
        ("2026-03-14", ("CONTRADICTION", "PLATFORM_EVENT_OUTSIDE_STAY")),
        ("", ("UNMAPPED", "PLATFORM_MISSING")),
        ("2026-11-24", ("UNMAPPED", "DATE_IN_FUTURE")),
        ("2026-03-40", ("UNMAPPED", "PLATFORM_TIME_FORM")),
    ],
)
def test_the_day_of_the_birth_lies_within_the_stay(day: str, told: tuple[str, str] | None) -> None:
    mapped = changed({f"{DISCHARGE}birctrl_matn_date": day})

    path = f"{DISCHARGE}birctrl_matn_date"
    assert found(mapped) == ({(*told, path)} if told else set())
    assert (mapped.intake is None) == (told is not None and told[0] != "DOUBT")


def test_a_discharge_before_the_admission_makes_no_claim() -> None:
    left = {f"{DISCHARGE}endtime": "2026-03-09 09:30:00", f"{DATA}dscgTime": None}

    mapped = changed(left)

    assert mapped.intake is None
    assert ("CONTRADICTION", "PLATFORM_OUT_BEFORE_IN", f"{DISCHARGE}endtime") in found(mapped)


def test_a_settlement_before_any_crosswalk_is_told() -> None:
    mapped = changed({f"{INFO}setl_time": "2022-05-24 10:00:00", "inf_time": "2022-05-24 10:00:00"})

    assert mapped.intake is None
    assert {told[1] for told in found(mapped)} == {"PLATFORM_NO_CROSSWALK"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{INFO}setl_time", "9999-12-31T23:59:59-01:00"),
        (f"{DISCHARGE}begntime", "9999-12-31T20:00:00Z"),
        (f"{DISCHARGE}endtime", "9999-12-31T20:00:00Z"),
        (f"{DISCHARGE}endtime", "2200-01-01 00:00:00"),
        (f"{DISCHARGE}birctrl_matn_date", "9999-12-31T20:00:00Z"),
        (f"{DISCHARGE}begntime", "0001-01-01 00:00:00"),
        (f"{DISCHARGE}begntime", "1899-12-31 23:59:59"),
    ],
)
def test_a_time_at_the_ends_of_the_calendar_is_none(path: str, text: str) -> None:
    """There another zone has no such day; some write it where they know of none."""
    assert ("UNMAPPED", "PLATFORM_TIME_FORM", path) in found(changed({path: text}))
