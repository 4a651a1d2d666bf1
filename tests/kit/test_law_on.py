"""The law compiled for the days of one case, and the law changed for one: given, without placeholders, unset."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.rules import LAW
from services.kit.law import Law, NotInForce, Unset, Unsettled, load
from tests.kit.law_files import GOOD, write

DAY = timedelta(days=1)
LEAVE, PAYEE = "leave.base_days", "payee.is_direct"
PAYEE_FILE = """description: Whether the person is paid directly
metadata:
  unit: boolean
  key_date: decision
  status: {2012-04-28: confirmed, 2024-02-29: placeholder, 2025-09-01: placeholder, 2026-01-01: secondary}
  mandatory: true
  reference:
    2012-04-28: [{title: t, title_en: e}]
    2024-02-29: [{title: t, title_en: e}]
    2025-09-01: [{title: t, title_en: e}]
    2026-01-01: [{title: t, title_en: e}]
values:
  2012-04-28: {value: false}
  2024-02-29: {value: true}
  2025-09-01: {value: null}
  2026-01-01: {value: true}
"""


@pytest.fixture
def law(tmp_path: Path) -> Law:
    return load(write(write(tmp_path), PAYEE_FILE, "payee/is_direct.yaml"))


@pytest.mark.parametrize(
    ("event", "decision", "days", "direct"),
    [
        (date(2022, 5, 24), date(2024, 2, 28), 98, False),
        (date(2022, 5, 25), date(2024, 2, 28), 158, False),
        (date(2022, 5, 24), date(2024, 2, 29), 98, True),
        (date(2022, 5, 26), date(2024, 3, 1), 158, True),
        (date(2020, 1, 1), date(2012, 4, 28), 98, False),
        (date(2020, 2, 29), date(9999, 12, 31), 98, True),
    ],
)
def test_each_parameter_goes_by_its_own_key_date(
    law: Law, event: date, decision: date, days: int, direct: bool
) -> None:
    rates = law.on(event=event, decision=decision)

    assert rates[LEAVE].count == days
    assert rates[PAYEE].flag is direct
    assert set(rates) == {LEAVE, PAYEE}


def test_one_law_serves_all_days_between_two_changes(law: Law) -> None:
    first = law.on(event=date(2022, 5, 25), decision=date(2026, 1, 1))

    assert law.on(event=date(2199, 1, 1), decision=date(2026, 1, 2)) is first
    assert law.on(event=date(2022, 5, 24), decision=date(2026, 1, 1)) is not first
    assert law.on(event=date(2022, 5, 25), decision=date(2025, 12, 31)) is not first


def test_what_is_not_in_force_yet_says_so(law: Law) -> None:
    rates = law.on(event=date(2019, 12, 31), decision=date(2026, 1, 1))

    assert LEAVE not in rates
    with pytest.raises(NotInForce, match=r"leave\.base_days has no value before 2020-01-01"):
        _ = rates[LEAVE]


def test_a_parameter_of_another_key_date_or_of_none_says_so(law: Law) -> None:
    rates = law.on(event=date(2026, 1, 1))

    with pytest.raises(KeyError, match=r"payee\.is_direct goes by the date of decision, which was not given"):
        _ = rates[PAYEE]
    with pytest.raises(KeyError, match=r"the law has no parameter payee\.is_indirect"):
        _ = rates["payee.is_indirect"]
    with pytest.raises(KeyError, match="easter"):
        law.on(easter=date(2026, 4, 5))


def around(day: date) -> list[date]:
    return [day - DAY, day, day + DAY]


CHANGES = sorted({day for one in LAW.parameters.values() for since in one.dates for day in around(since)})
DAYS = st.sampled_from(CHANGES) | st.dates(date(2000, 1, 1), date(2040, 12, 31)) | st.sampled_from([date.min, date.max])


@given(st.fixed_dictionaries(dict.fromkeys(("event", "decision", "discharge", "visit", "item", "birth", "year"), DAYS)))
def test_the_law_on_days_is_that_of_each_parameter_at_its_day(days: dict[str, date]) -> None:
    rates = LAW.on(**days)

    for name, parameter in LAW.parameters.items():
        try:
            expected = parameter.at(days[parameter.key_date])
        except NotInForce:
            assert name not in rates
        else:
            assert rates[name] is expected


# --- the law changed for one case --------------------------------------------------------------------------------


def test_what_is_given_holds_for_all_time(law: Law) -> None:
    changed = law.given({LEAVE: "120", PAYEE: "false"})

    rates = changed.on(event=date.min, decision=date.max)
    assert rates[LEAVE].count == 120
    assert rates[PAYEE].flag is False
    assert rates[LEAVE].stamp == (LEAVE, "120", "0001-01-01", "confirmed")
    assert (rates[LEAVE].citation, rates[LEAVE].citation_en) == ("给定值", "given value")
    assert law[LEAVE].at(date(2022, 5, 25)).count == 158
    assert changed != law


def test_codes_and_nothing_may_be_given() -> None:
    changed = LAW.given({"art.items": "A1, B2", "allowance.divisor": "null", "medical.delivery.mode": "ORDINARY"})

    rates = changed.on(event=date(2026, 1, 1), discharge=date(2026, 1, 1), item=date(2026, 1, 1))
    assert rates["art.items"].codes == ("A1", "B2")
    assert not rates["allowance.divisor"].is_set
    assert rates["medical.delivery.mode"].code == "ORDINARY"


def test_without_placeholders_nothing_mandatory_rests_on_one(law: Law) -> None:
    changed = law.without_placeholders(())

    assert changed[PAYEE].at(date(2024, 2, 28)).flag is False
    assert changed[PAYEE].at(date(2026, 1, 1)).flag is True
    with pytest.raises(Unset, match=r"payee\.is_direct"):
        _ = changed[PAYEE].at(date(2024, 2, 29)).flag
    assert law.without_placeholders({PAYEE}) == law


def test_a_placeholder_that_is_not_mandatory_stays(tmp_path: Path) -> None:
    law = load(write(tmp_path, GOOD.replace("confirmed", "placeholder")))

    assert law.without_placeholders(()) == law
    assert law.unset() == []


def test_what_the_authority_has_yet_to_set_is_told_with_its_span(law: Law) -> None:
    assert law.unset() == [Unsettled(PAYEE, date(2024, 2, 29), date(2026, 1, 1))]
    assert law.given({PAYEE: "true"}).unset() == []


def test_what_is_unset_at_the_end_has_no_end(tmp_path: Path) -> None:
    text = PAYEE_FILE.replace("2026-01-01: {value: true}", "2026-01-01: {value: null}")

    law = load(write(tmp_path, text, "payee/is_direct.yaml"))

    assert law.unset() == [Unsettled(PAYEE, date(2024, 2, 29), None)]


def test_spans_that_do_not_meet_are_told_apart(tmp_path: Path) -> None:
    text = PAYEE_FILE.replace("2024-02-29: placeholder", "2024-02-29: confirmed")
    text = text.replace("2012-04-28: confirmed", "2012-04-28: placeholder")

    law = load(write(tmp_path, text, "payee/is_direct.yaml"))

    assert law.unset() == [
        Unsettled(PAYEE, date(2012, 4, 28), date(2024, 2, 29)),
        Unsettled(PAYEE, date(2025, 9, 1), date(2026, 1, 1)),
    ]


def test_the_first_day_is_when_the_last_parameter_begins(law: Law) -> None:
    assert law.first_day() == date(2020, 1, 1)
    assert law.first_day("payee.") == date(2012, 4, 28)
    assert law.first_day("payee.", "leave.") == date(2020, 1, 1)
