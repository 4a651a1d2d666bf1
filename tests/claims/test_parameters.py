"""The figures of the law: typed here a second time, each with its day and how sure it is, so that no finger slips."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from services.kit import law as laws

FOLDER: Final = Path(__file__).parents[2] / "services" / "claims" / "parameters"
CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
NUMBERS: Final = {
    "day": r"\d+",
    "working-day": r"\d+",
    "month": r"\d+",
    "year": r"\d+",
    "hour": r"\d+",
    "times": r"\d+",
    "currency-CNY-fen": r"\d+",
    "/1": r"\d+(\.\d+)?",
    "boolean": r"true|false",
    "date": r"\d{4}-\d{2}-\d{2}",
    "code": r"[A-Z_]+",
}
KEY_DATES: Final = {"event", "decision", "discharge", "visit", "item", "birth", "year"}

PLACEHOLDER: Final = "placeholder"

# name, a day on which it is read, the value as its file has it (fen for money), status
FIGURES: Final = """
leave.maternity.base_days                        2012-04-28  98           confirmed
leave.maternity.before_birth_days_max            2012-04-28  15           confirmed
leave.maternity.dystocia_days                    2012-04-28  15           confirmed
leave.maternity.extra_infant_days                2012-04-28  15           confirmed
leave.maternity.local_days                       2022-05-25  60           secondary
leave.maternity.prepregnancy_check_days          2022-05-25  10           secondary
leave.maternity.third_child_days                 2022-05-25  15           secondary
leave.maternity.third_child_order                2022-05-25  3            secondary
leave.miscarriage.early_days                     2012-04-28  15           confirmed
leave.miscarriage.late_days                      2012-04-28  42           confirmed
leave.miscarriage.late_from_gestation_days       2012-04-28  112          placeholder
leave.surgery.1_days                             2022-05-25  2            secondary
leave.surgery.2_days                             2022-05-25  1            placeholder
leave.surgery.5_days                             2022-05-25  21           placeholder
leave.surgery.6_days                             2022-05-25  null         placeholder
leave.surgery.7_days                             2022-05-25  7            placeholder
leave.surgery.8_days                             2022-05-25  null         placeholder
leave.surgery.9_days                             2022-05-25  null         placeholder
leave.father.days                                2022-05-25  15           secondary
leave.father.living_apart_days                   2022-05-25  20           secondary
leave.father.third_child_extra_days              2022-05-25  10           secondary
leave.parental.days_per_year                     2022-05-25  10           secondary
leave.parental.until_age_years                   2022-05-25  3            secondary
leave.elder_care.days                            2022-05-25  null         placeholder
leave.elder_care.parent_from_age_years           2022-05-25  null         placeholder
leave.own_wage_divisor                           2022-05-25  30           placeholder

allowance.fund_days.local60                      2022-05-25  false        placeholder
allowance.min_continuous_months                  2022-05-25  12           placeholder
allowance.backpay_grace_months                   2022-05-25  3            placeholder
allowance.divisor                                2022-05-25  30           placeholder
allowance.divisor_months                         2022-05-25  1            placeholder
allowance.base_source                            2012-04-28  UNIT_AVG_WAGE  confirmed
allowance.base.cap_monthly                       2022-05-25  null         placeholder
allowance.base.floor_monthly                     2022-05-25  null         placeholder
allowance.ui_recipient                           2022-05-25  NONE         placeholder
allowance.flex.base_monthly                      2022-05-25  465000       placeholder
allowance.flex.joined_before_pregnancy           2022-05-25  null         placeholder
allowance.flex.min_months_surgery                2022-05-25  null         placeholder
allowance.flex.transition_join_months            2022-05-25  null         placeholder
payee.direct_person_from                         2022-05-25  2025-09-01   placeholder
duplicate.window_days                            2012-04-28  150          placeholder
policy.require_registration                      2022-05-25  false        placeholder
policy.children_per_couple                       2021-08-20  3            confirmed
newborn.enrolment_days                           2022-05-25  90           placeholder

medical.delivery.mode                            2025-12-31  FLAT         placeholder
medical.delivery.mode                            2026-01-01  POLICY_FULL  placeholder
medical.resident.delivery.mode                   2012-04-28  ORDINARY     placeholder
medical.flat.vaginal                             2026-01-01  null         placeholder
medical.flat.caesarean                           2026-01-01  null         placeholder
medical.flat.extra_infant                        2026-01-01  null         placeholder
medical.antenatal.cap_per_pregnancy              2026-01-01  null         placeholder
medical.fp.IUD_IN                                2026-01-01  null         placeholder
medical.fp.IUD_OUT                               2026-01-01  null         placeholder
medical.fp.ABORT                                 2026-01-01  null         placeholder
medical.fp.INDUCE                                2026-01-01  null         placeholder
medical.fp.LIGATION                              2026-01-01  null         placeholder
medical.fp.LIGATION_REVERSAL                     2026-01-01  null         placeholder
medical.fp.VASECTOMY                             2026-01-01  null         placeholder
medical.fp.VASECTOMY_REVERSAL                    2026-01-01  null         placeholder
medical.fp.OTHER                                 2026-01-01  null         placeholder
medical.spouse.pct                               2012-04-28  0.5          placeholder
medical.ui_recipient                             2012-04-28  EMPLOYEE     confirmed

medical.ordinary.employee.primary.deductible     2021-01-01  30000        secondary
medical.ordinary.employee.primary.rate           2021-01-01  0.92         secondary
medical.ordinary.employee.secondary.deductible   2021-01-01  60000        secondary
medical.ordinary.employee.secondary.rate         2021-01-01  0.90         secondary
medical.ordinary.employee.tertiary.deductible    2021-01-01  150000       secondary
medical.ordinary.employee.tertiary.rate          2021-01-01  0.85         secondary
medical.ordinary.employee.annual_cap             2021-01-01  35000000     secondary
medical.ordinary.resident.township.deductible    2022-09-01  15000        secondary
medical.ordinary.resident.township.rate          2022-09-01  0.90         secondary
medical.ordinary.resident.primary.deductible     2022-09-01  40000        secondary
medical.ordinary.resident.primary.rate           2022-09-01  0.90         secondary
medical.ordinary.resident.secondary.deductible   2022-09-01  60000        secondary
medical.ordinary.resident.secondary.rate         2022-09-01  0.80         secondary
medical.ordinary.resident.tertiary.deductible    2022-09-01  150000       secondary
medical.ordinary.resident.tertiary.rate          2022-09-01  0.65         secondary
medical.ordinary.resident.student.primary.deductible    2022-09-01  10000   secondary
medical.ordinary.resident.student.secondary.deductible  2022-09-01  40000   secondary
medical.ordinary.resident.student.tertiary.deductible   2022-09-01  100000  secondary
medical.ordinary.resident.annual_cap             2022-09-01  13000000     secondary
medical.ordinary.out_of_city.long_term_filed     2023-01-01  1            secondary
medical.ordinary.out_of_city.transfer_filed      2023-01-01  0.90         secondary
medical.ordinary.out_of_city.emergency_unfiled   2023-01-01  0.90         secondary
medical.ordinary.out_of_city.other_unfiled       2023-01-01  0.80         secondary
medical.catastrophic.resident.bracket_1.threshold  2022-09-01  1000000    secondary
medical.catastrophic.resident.bracket_1.rate     2022-09-01  0.60         secondary
medical.catastrophic.resident.bracket_2.threshold  2022-09-01  5000000    secondary
medical.catastrophic.resident.bracket_2.rate     2022-09-01  0.70         secondary
medical.catastrophic.resident.bracket_3.threshold  2022-09-01  10000000   secondary
medical.catastrophic.resident.bracket_3.rate     2022-09-01  0.80         secondary
medical.catastrophic.resident.annual_cap         2022-09-01  30000000     secondary
medical.outpatient.employee.deductible_per_visit        2023-01-01  5000   secondary
medical.outpatient.employee.deductible_times_per_month  2023-01-01  1      secondary
medical.outpatient.employee.deductible_times_per_year   2023-01-01  4      secondary
medical.outpatient.employee.rate.primary         2023-01-01  0.60         secondary
medical.outpatient.employee.rate.secondary       2023-01-01  0.55         secondary
medical.outpatient.employee.rate.tertiary        2023-01-01  0.50         secondary
medical.outpatient.employee.annual_cap           2023-01-01  50000        secondary

art.items                                        2026-01-01  null         placeholder
art.employee_pct                                 2026-01-01  0.70         placeholder
art.resident_pct                                 2026-01-01  0.60         placeholder
art.out_of_city_points                           2026-01-01  0.10         placeholder
art.times_per_item                               2026-01-01  3            placeholder
labour_analgesia.item                            2026-01-01  null         placeholder
labour_analgesia.pct                             2026-01-01  null         placeholder
labour_analgesia.items                           2026-01-01  null         placeholder

child_care_allowance.yearly                      2021-12-31  360000       confirmed
child_care_allowance.monthly_before_start        2021-12-31  30000        confirmed
child_care_allowance.until_age_years             2021-12-31  3            confirmed
child_care_allowance.from                        2021-12-31  2025-01-01   confirmed
child_care_allowance.birth_from                  2021-12-31  2022-01-01   confirmed
child_care_allowance.taxable                     2021-12-31  false        confirmed
child_care_allowance.counted_as_income           2021-12-31  false        confirmed

protection.no_overtime_from_pregnancy_months     2012-04-28  7            confirmed
protection.nursing.until_age_years               2012-04-28  1            confirmed
protection.nursing.break_hours_per_day           2012-04-28  1            confirmed
protection.nursing.break_extra_infant_hours_per_day  2012-04-28  1        confirmed
protection.child_data.until_age_years            2021-11-01  14           confirmed
deadline.allowance_working_days                  2023-12-01  10           confirmed
deadline.reimbursement_working_days              2023-12-01  30           confirmed
deadline.loss_of_entitlement_working_days        2023-12-01  20           confirmed
review.second_from_fen                           2022-05-25  3000000      placeholder
review.second_from_risk                          2022-05-25  0.6          placeholder
appeal.window_days                               2022-05-25  60           placeholder
appeal.decide_working_days                       2022-05-25  20           placeholder

sanction.labour_protection.fine_per_woman_low    2012-04-28  100000       confirmed
sanction.labour_protection.fine_per_woman_high   2012-04-28  500000       confirmed
sanction.late_premium.charge_per_day             2018-12-29  0.0005       confirmed
sanction.late_premium.fine_times_low             2018-12-29  1            confirmed
sanction.late_premium.fine_times_high            2018-12-29  3            confirmed
sanction.no_registration.fine_times_low          2018-12-29  1            confirmed
sanction.no_registration.fine_times_high         2018-12-29  3            confirmed
sanction.benefit_fraud.fine_times_low            2018-12-29  2            confirmed
sanction.benefit_fraud.fine_times_high           2018-12-29  5            confirmed
sanction.provider_error.fine_times_low           2021-12-31  1            confirmed
sanction.provider_error.fine_times_high          2021-12-31  2            confirmed
sanction.provider_error.suspension_months_low    2021-12-31  6            confirmed
sanction.provider_error.suspension_months_high   2021-12-31  12           confirmed
sanction.provider_fraud.fine_times_low           2021-12-31  2            confirmed
sanction.provider_fraud.fine_times_high          2021-12-31  5            confirmed
sanction.person_breach.suspension_months_low     2021-12-31  3            confirmed
sanction.person_breach.suspension_months_high    2021-12-31  12           confirmed
sanction.person_fraud.fine_times_low             2021-12-31  2            confirmed
sanction.person_fraud.fine_times_high            2021-12-31  5            confirmed
sanction.employment_discrimination.fine_low      2023-01-01  1000000      confirmed
sanction.employment_discrimination.fine_high     2023-01-01  5000000      confirmed
sanction.nursery_breach.fine_low                 2021-12-31  500000       confirmed
sanction.nursery_breach.fine_high                2021-12-31  5000000      confirmed
sanction.nursery_breach.serious_fine_low         2021-12-31  5000000      confirmed
sanction.nursery_breach.serious_fine_high        2021-12-31  10000000     confirmed

contribution.maternity.employee_rate             2018-12-29  0            confirmed
contribution.maternity.employer_rate             2026-01-01  null         placeholder
contribution.medical.employer_rate               2026-01-01  null         placeholder
contribution.unemployment_benefit.personal_rate  2018-12-29  0            confirmed
contribution.shaanxi.average_wage_yearly         2025-01-01  9300300      secondary
contribution.shaanxi.ceiling_monthly             2025-01-01  2325000      secondary
contribution.shaanxi.floor_monthly               2025-01-01  465000       secondary
contribution.resident.personal_yearly            2026-01-01  40000        secondary
contribution.resident.subsidy_yearly             2026-01-01  70000        secondary

grant.local_birth.second_child                   2026-01-01  null         placeholder
grant.local_birth.third_child                    2026-01-01  null         placeholder
grant.local_birth.kind                           2026-01-01  null         placeholder
grant.local_birth.months                         2026-01-01  null         placeholder
grant.local_birth.stack                          2026-01-01  null         placeholder
grant.housing_loan_uplift.two_children.pct       2026-01-01  null         placeholder
grant.housing_loan_uplift.two_children.amount    2026-01-01  null         placeholder
grant.housing_loan_uplift.three_children.pct     2026-01-01  null         placeholder
grant.housing_loan_uplift.three_children.amount  2026-01-01  null         placeholder
tax.infant_care.deduction_monthly                2023-01-01  200000       secondary
tax.infant_care.deduction_monthly                2026-01-05  200000       confirmed
tax.child_education.deduction_monthly            2023-01-01  200000       secondary
tax.child_education.deduction_monthly            2026-01-05  200000       confirmed
"""

MANDATORY: Final = {
    "allowance.backpay_grace_months",
    "allowance.divisor",
    "allowance.flex.base_monthly",
    "allowance.fund_days.local60",
    "allowance.min_continuous_months",
    "art.employee_pct",
    "art.out_of_city_points",
    "art.resident_pct",
    "art.times_per_item",
    "leave.surgery.2_days",
    "leave.surgery.5_days",
    "leave.surgery.7_days",
    "medical.antenatal.cap_per_pregnancy",
    "medical.delivery.mode",
    "medical.spouse.pct",
    "payee.direct_person_from",
    "policy.require_registration",
}


def figures() -> list[tuple[str, str, str, str]]:
    rows = [line.split() for line in FIGURES.splitlines() if line.strip()]
    return [(name, day, value, status) for name, day, value, status in rows]


def files() -> dict[str, dict[str, Any]]:
    """Every parameter by its name, as text."""
    found = {}
    for path in sorted(FOLDER.rglob("*.yaml")):
        if path.name == "index.yaml":
            continue
        name = ".".join(path.relative_to(FOLDER).with_suffix("").parts)
        found[name] = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506  # text only
    return found


PARAMETERS: Final = files()


def in_force(raw: dict[str, dict[str, Any]], day: str) -> str:
    """The date of the value that holds on a day."""
    return max(since for since in raw["values"] if since <= day)


def status_of(raw: dict[str, Any], since: str) -> str:
    status = raw["metadata"]["status"]
    return str(status if isinstance(status, str) else status[since])


def texts(node: object) -> Iterator[str]:
    match node:
        case str():
            yield node
        case dict():
            for key, value in node.items():
                yield from texts(key)
                yield from texts(value)
        case list():
            for value in node:
                yield from texts(value)


@pytest.mark.parametrize(("name", "day", "value", "status"), figures(), ids=lambda part: part)
def test_the_figure_is_that_of_the_law(name: str, day: str, value: str, status: str) -> None:
    raw = PARAMETERS[name]
    since = in_force(raw, day)

    assert raw["values"][since]["value"] == value
    assert status_of(raw, since) == status


def test_every_parameter_has_its_figure_here() -> None:
    assert {name for name, *_ in figures()} == set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_date_has_its_citation_in_both_languages(name: str) -> None:
    metadata = PARAMETERS[name]["metadata"]

    assert set(metadata["reference"]) == set(PARAMETERS[name]["values"])
    for cited in metadata["reference"].values():
        for citation in cited:
            assert CHINESE.search(citation["title"])
            assert citation["title_en"].isascii()


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_description_names_the_term_in_chinese(name: str) -> None:
    assert CHINESE.search(PARAMETERS[name]["description"])


@pytest.mark.parametrize("name", PARAMETERS)
def test_no_text_has_stray_blanks(name: str) -> None:
    assert all(text and text == " ".join(text.split()) for text in texts(PARAMETERS[name]))


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_value_is_of_its_unit(name: str) -> None:
    raw = PARAMETERS[name]
    unit = raw["metadata"]["unit"]

    assert raw["metadata"]["key_date"] in KEY_DATES
    for since, given in raw["values"].items():
        date.fromisoformat(since)
        if given["value"] == "null":
            assert status_of(raw, since) == PLACEHOLDER
        elif unit == "codes":
            assert isinstance(given["value"], list)
        else:
            assert re.fullmatch(NUMBERS[unit], given["value"])
        if unit == "code":
            assert given["value"] in {*raw["metadata"]["codes"], "null"}


def test_what_is_not_set_or_must_be_set_is_a_placeholder() -> None:
    mandatory = {name for name, raw in PARAMETERS.items() if raw["metadata"].get("mandatory") == "true"}

    assert mandatory == MANDATORY
    for name in mandatory:
        assert all(status_of(PARAMETERS[name], since) == PLACEHOLDER for since in PARAMETERS[name]["values"])


def test_no_value_is_a_float() -> None:
    law = laws.load(FOLDER)

    assert set(law.parameters) == set(PARAMETERS)
    for parameter in law.parameters.values():
        assert not any(isinstance(dated.value, float) for dated in parameter.values)


def test_the_law_is_whole() -> None:
    """The root says that this directory is a whole law; overrides have no such file."""
    index = yaml.load((FOLDER / "index.yaml").read_text("utf-8"), yaml.BaseLoader)  # noqa: S506  # text only

    assert sorted(index["metadata"]["order"]) == sorted({name.split(".")[0] for name in PARAMETERS})
