"""Each parameter is read on its own date: event, decision, discharge, visit, item."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import pytest
import yaml

from services.claims import rules
from services.claims.model import Determination, Facts, Item, Payee, Programme, State, Visit
from services.claims.rules import decide
from services.kit import law as laws
from services.kit.law import Law, Value
from tests.builders import delivery, facts, law_with, spans, stay

SHIPPED: Final = Path(rules.__file__).parent.parent / "parameters"
SETTLED: Final[dict[str, Value | int]] = {
    "allowance.fund_days.local60": False,
    "allowance.min_continuous_months": 12,
    "medical.delivery.mode": "ORDINARY",
    "art.items": ("ART01",),
}
Values = Mapping[str, str | None]  # since when, and what

# Every one changes on a day of its own, in such a way that the other dates of the case lie on its other side.
CHANGES: Final[dict[str, Values]] = {
    "leave.maternity.base_days": {"2020-01-01": "98", "2026-06-15": "128"},  # by the event
    "payee.direct_person_from": {"2020-01-01": "2099-01-01", "2026-07-01": "2020-01-01"},  # by the decision
    "medical.ordinary.employee.tertiary.rate": {"2020-01-01": "0.85", "2026-06-20": "0.95"},  # by the discharge
    "medical.antenatal.cap_per_pregnancy": {"2020-01-01": "20000", "2026-03-01": "30000"},  # by the visit
    "art.employee_pct": {"2020-01-01": "0.70", "2026-02-01": "0.50"},  # by the item
}


def with_values(folder: Path, changes: Mapping[str, Values]) -> Law:
    """The shipped law, read by the loader, with these files rewritten."""
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
    for name, values in changes.items():
        path = folder.joinpath(*name.split(".")).with_suffix(".yaml")
        data = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506  # texts only
        data["values"] = {day: {"value": value} for day, value in values.items()}
        data["metadata"]["reference"] = {day: [{"title": "测试", "title_en": "a test"}] for day in values}
        data["metadata"]["status"] = "confirmed"
        path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")
    return laws.load(folder)


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> Law:
    return law_with(SETTLED, with_values(tmp_path_factory.mktemp("law"), CHANGES))


def case(
    *,
    event: date = date(2026, 6, 14),
    decided: date = date(2026, 6, 30),
    discharged: date = date(2026, 6, 19),
    visited: date = date(2026, 2, 28),
    used: date = date(2026, 1, 31),
) -> Facts:
    """Every date the day before its own parameter changes."""
    return facts(
        delivery(event),
        decided=decided,
        paid_months=spans("2020-01..2026-12"),
        stays=[stay(250_000, discharged=discharged)],
        visits=[Visit(visited, 90_000)],
        items=[Item(Programme.ART, "ART01", used, 10_000)],
    )


Seen = tuple[int, Payee | None, int, int, int]


def seen(found: Determination) -> Seen:
    """Fund days, payee, stay, visit, item."""
    assert found.outcome is State.APPROVED
    _, admitted, visited, used = [line.amount_fen for line in found.lines]
    return found.figures.fund_days, found.figures.payee, admitted, visited, used


BEFORE: Final[Seen] = (98, Payee.EMPLOYER, 85_000, 20_000, 7_000)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (case(), BEFORE),
        (case(event=date(2026, 6, 15)), (128, *BEFORE[1:])),
        (case(decided=date(2026, 7, 1)), (98, Payee.PERSON, 85_000, 20_000, 7_000)),
        (case(discharged=date(2026, 6, 20)), (98, Payee.EMPLOYER, 95_000, 20_000, 7_000)),
        (case(visited=date(2026, 3, 1)), (98, Payee.EMPLOYER, 85_000, 30_000, 7_000)),
        (case(used=date(2026, 2, 1)), (98, Payee.EMPLOYER, 85_000, 20_000, 5_000)),
    ],
    ids=["the day before each change", "event", "decision", "discharge", "visit", "item"],
)
def test_a_date_moved_over_a_change_moves_its_own_figure_and_no_other(law: Law, given: Facts, expected: Seen) -> None:
    assert seen(decide(given, law)) == expected


@pytest.mark.parametrize(
    ("born", "days"),
    [
        (date(2024, 2, 28), 98),
        (date(2024, 2, 29), 100),  # the switch day is the new value's
        (date(2024, 3, 1), 100),
        (date(2024, 12, 31), 100),
        (date(2025, 1, 1), 90),
    ],
)
def test_a_value_is_in_force_from_its_day_on_leap_day_and_new_year(tmp_path: Path, born: date, days: int) -> None:
    values: Values = {"2020-01-01": "98", "2024-02-29": "100", "2025-01-01": "90"}
    law = law_with(SETTLED, with_values(tmp_path, {"leave.maternity.base_days": values}))

    found = decide(facts(delivery(born), paid_months=spans("2019-01..2026-12")), law)

    assert (found.figures.fund_days, found.figures.leave_days) == (days, days + 60)


def test_a_value_may_begin_and_end(tmp_path: Path) -> None:
    values: Values = {"2025-01-01": None, "2025-07-01": "700000", "2026-01-01": None}
    law = law_with(SETTLED, with_values(tmp_path, {"allowance.base.cap_monthly": values}))

    def paid(born: date) -> int:
        given = facts(delivery(born), paid_months=spans("2019-01..2026-12"), wages={2024: 900_000, 2025: 900_000})
        return decide(given, law).figures.allowance_fen

    assert [paid(date(2025, 6, 30)), paid(date(2025, 7, 1))] == [2_940_000, 2_286_667]
    assert [paid(date(2025, 12, 31)), paid(date(2026, 1, 1))] == [2_286_667, 2_940_000]


def test_the_wage_year_is_that_of_the_event_however_late_the_decision() -> None:
    born, paid = date(2025, 12, 31), spans("2019-01..2026-12")
    given = facts(delivery(born), paid_months=paid, wages={2024: 600_000, 2025: 900_000, 2026: 1_200_000})

    found = [decide(given._replace(decision_date=day), law_with(SETTLED)) for day in (born, date(2027, 6, 1))]

    assert [one.figures.allowance_fen for one in found] == [1_960_000, 1_960_000]
