"""The rules on breaks alone: which sums end, which statements follow, and by when something is missing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.calendar import CALENDAR
from services.kit.messages import reason
from services.treasury.model.breaks import Break, BreakKind, Proposal, Unproven, Way, Whole
from services.treasury.rules.explaining import needs_second, refusal
from services.treasury.rules.reconciling import balances, missing

MONDAY, FRIDAY = date(2026, 11, 23), date(2026, 11, 27)
NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


def a_break(number: int, signed_fen: int, **changed: Any) -> Break:
    is_credit = signed_fen > 0
    kind = BreakKind.UNKNOWN_CREDIT if is_credit else BreakKind.UNKNOWN_DEBIT
    why = (reason("ENTRY_UNKNOWN_CREDIT"),)
    one = Break(
        number, 1, kind, "ENTRY", "s.xml", "", None, None, "OURS", MONDAY, abs(signed_fen), is_credit, signed_fen,
        "", 0, None, number, why, True, None, "", "", (), None, None, None, None, None, NOW,
    )  # fmt: skip
    return one._replace(**changed)


def proposal(way: Way, why: str = "") -> Proposal:
    return Proposal(way, why, "note", (), None)


@pytest.mark.parametrize(("fen", "code"), [(99, "BREAK_SUM"), (100, ""), (101, "BREAK_SUM")])
def test_only_what_comes_to_nothing_cancels_out(fen: int, code: str) -> None:
    both = [a_break(1, -100), a_break(2, fen)]
    assert refusal(both, proposal(Way.CANCELLED_OUT), None, is_proven=False) == code


@given(st.lists(st.integers(-1000, 1000).filter(bool), min_size=2, max_size=6))
def test_breaks_cancel_out_exactly_when_their_sum_is_nothing(amounts: list[int]) -> None:
    some = [a_break(number, fen) for number, fen in enumerate(amounts, 1)]
    assert (refusal(some, proposal(Way.CANCELLED_OUT), None, is_proven=True) == "") is (sum(amounts) == 0)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"account": "OTHER"}, "BREAK_ACCOUNTS"),
        ({"effect_fen": 0}, "BREAK_ACCOUNTS"),  # of an advice
        ({"entry_id": None}, "BREAK_NO_MOVEMENT"),
        ({"is_open": False}, "BREAK_ENDED"),
        ({"order_id": 8}, "BREAK_OTHER_ORDER"),
        ({"order_id": 7}, ""),
    ],
)
def test_movements_of_one_account_and_one_order_cancel_out(changed: dict[str, Any], code: str) -> None:
    both = [a_break(1, -100, order_id=7), a_break(2, 100)._replace(**changed)]
    assert refusal(both, proposal(Way.CANCELLED_OUT), None, is_proven=True) == code


@pytest.mark.parametrize("is_proven", [False, True])
@pytest.mark.parametrize("is_statement", [False, True])
def test_a_debit_under_a_payments_id_is_explained_only_if_it_is_news_that_statements_deny(
    *, is_statement: bool, is_proven: bool
) -> None:
    one = a_break(1, -100, order_id=7, effect_fen=-100 if is_statement else 0)
    code = refusal([one], proposal(Way.EXPLAINED, "NOT_OURS"), None, is_proven=is_proven)
    assert code == ("" if is_proven and not is_statement else "BREAK_DEBIT_STAYS")


def test_one_person_is_enough_where_no_money_moved_and_no_order_is_named() -> None:
    answer = a_break(1, -100, source="ANSWER", entry_id=None)
    assert not needs_second([answer])
    assert needs_second([answer._replace(order_id=7)])
    assert needs_second([a_break(1, -100)])


# --- computed ---------------------------------------------------------------------------------------------------------


def whole(day: date, opening_fen: int, booked_fen: int, sequence: str = "", **changed: Any) -> Whole:
    closing_fen = changed.pop("closing_fen", opening_fen + booked_fen)
    return Whole("OURS", day, f"S-{day}", sequence, opening_fen, closing_fen, booked_fen, "s.xml")


@pytest.mark.parametrize(("closing_fen", "found"), [(149, 1), (150, 0), (151, 1)])
def test_opening_and_entries_make_closing(closing_fen: int, found: int) -> None:
    assert len(balances([whole(MONDAY, 100, 50, closing_fen=closing_fen)])) == found


@pytest.mark.parametrize(
    ("opening_fen", "sequence", "codes"),
    [
        (150, "8", []),
        (149, "8", ["BANK_STATEMENT_OPENING"]),
        (151, "8", ["BANK_STATEMENT_OPENING"]),
        (150, "9", ["BANK_STATEMENT_MISSING"]),
        (150, "1", []),  # a new year
        (150, "", []),
    ],
)
def test_a_statement_begins_where_the_one_before_it_ended(opening_fen: int, sequence: str, codes: list[str]) -> None:
    found = balances([whole(MONDAY, 100, 50, "7"), whole(FRIDAY, opening_fen, 0, sequence)])
    assert [one.reason.code for one in found] == codes


@pytest.mark.parametrize("sequence", ["²", "٣", "9" * 19, "9" * 5000])
def test_a_number_that_is_none_is_not_counted_from(sequence: str) -> None:
    assert not balances([whole(MONDAY, 100, 50, "7"), whole(FRIDAY, 150, 0, sequence)])
    assert not balances([whole(MONDAY, 100, 50, sequence), whole(FRIDAY, 150, 0, "9")])


def test_accounts_do_not_follow_each_other() -> None:
    assert not balances([whole(MONDAY, 100, 50), whole(MONDAY, 7, 0)._replace(account="OTHER")])


@pytest.mark.parametrize(("day", "needed"), [(MONDAY, (0, 1)), (FRIDAY, (0, 3)), (FRIDAY + timedelta(1), (2, 3))])
def test_it_is_missing_once_its_working_day_and_the_next_are_covered(day: date, needed: tuple[int, int]) -> None:
    paid = Unproven(UUID(int=1), 7, "E", "SETTLED", 100, "OURS", day, is_credit=False, advice=None)
    days = {day + timedelta(one) for one in needed}
    for lacking in days:
        assert not missing([paid], {"OURS": days - {lacking}}, CALENDAR)
    assert not missing([paid], {"OTHER": days}, CALENDAR)
    (found,) = missing([paid], {"OURS": days}, CALENDAR)
    assert (found.kind, found.effect_fen) == (BreakKind.MISSING, 100)
    assert missing([paid._replace(state="ACCEPTED")], {"OURS": days}, CALENDAR)[0].effect_fen == 0
    assert missing([paid._replace(is_credit=True, state="RETURNED")], {"OURS": days}, CALENDAR)[0].effect_fen == -100
