"""Reads `city.yaml`. Every share, mean and weight of the synthetic city comes from there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.demo.draw import Lognormal, Normal, Span, Weighted, by_name, by_span, span
from deploy.demo.figures import (
    Afterwards,
    Births,
    Cost,
    County,
    Dirt,
    Figures,
    Hospital,
    Insurance,
    Kind,
    Names,
    OtherEvents,
    Paying,
    Places,
    Remarks,
    Retired,
    Sector,
    Sending,
    Size,
    Stays,
    Wages,
)

FIGURES: Final = Path(__file__).with_name("city.yaml")

Tree = Mapping[str, Any]


@cache
def load() -> Figures:
    tree = yaml.safe_load(FIGURES.read_text(encoding="utf-8"))
    return Figures(
        counties={row["code"]: County(**row) for row in tree["counties"]},
        budget_fen=tree["budget_fen"],
        paying=Paying(**tree["paying"]),
        places=_places(tree),
        births=_births(tree["births"]),
        insurance=_insurance(tree["insurance"]),
        wages=_wages(tree["wages"]),
        sectors={row["key"]: _sector(row, tree["employers"]) for row in tree["sectors"]},
        insured_employers=tree["employers"]["insured"],
        hospitals=tuple(Hospital(**row) for row in tree["hospitals"]),
        hospitals_outside=tuple(Hospital(**row) for row in tree["hospitals_outside"]),
        sending=_sending(tree["claims"]),
        stays=_stays(tree["stays"]),
        other_events=_other_events(tree["other_events"]),
        afterwards=Afterwards(**{name: share for name, share in tree["afterwards"].items() if name != "conf"}),
        dirt=_dirt(tree["dirt"]),
        names=_names(tree),
        remarks=Remarks(**tree["remarks"]),
    )


def _places(tree: Tree) -> Places:
    return Places(
        retired={row["now"]: Retired(**row) for row in tree["retired_area_codes"]},
        native=by_name(tree["native_id_share"]),
        other_shaanxi=tuple(tree["area_codes"]["other_shaanxi"]),
        other_province=tuple(tree["area_codes"]["other_province"]),
    )


def _births(tree: Tree) -> Births:
    twins, triplets = tree["multiple"]["twin_deliveries"], tree["multiple"]["triplet_deliveries"]
    return Births(
        deliveries_2025=tree["deliveries_2025"],
        order=Weighted.of(tree["order"].items()),
        caesarean_share=tree["caesarean_share"],
        caesarean_age_factor=tuple((span(ages), factor) for ages, factor in tree["caesarean_age_factor"].items()),
        caesarean_twins=tree["caesarean_twins"],
        dystocia_share=tree["dystocia_flag_share_of_vaginal"],
        infants=Weighted.of([(1, 1 - twins - triplets), (2, twins), (3, triplets)]),
        precheck_share=tree["pre_pregnancy_check_certificate"],
        mother_age={order: Normal(**row) for order, row in tree["mother_age_by_order"].items()},
        father_minus_mother=Normal(**tree["father_minus_mother"]),
        month_share=tuple(tree["month_share"]),
        gestation_weeks=by_span(tree["gestation_weeks"]),
        gestation_twins_days=Normal(**tree["gestation_twins_days"]),
        weight_g=Normal(**tree["birth_weight_g"]["single"]),
        weight_twin_g=Normal(**tree["birth_weight_g"]["twin"]),
        own_county=tree["delivery_place"]["own_county"],
        elsewhere=by_name(tree["delivery_place"]["rest"]),
        core=frozenset(tree["delivery_place"]["core"]),
    )


def _insurance(tree: Tree) -> Insurance:
    return Insurance(
        employee_share=tree["employee_share_of_mothers"],
        other_category_share=tree["other_category_share"],
        other_categories=by_name(tree["other_categories"]),
        history=by_name(tree["history"]),
        gap_months={kind: Span(*months) for kind, months in tree["gap_months"].items()},
        continuous_months_min=tree["continuous_months_min"],
        months_mean=tree["months_history_mean"],
        back_paid=by_name(tree["back_paid_of_gaps"]),
        back_paid_after={kind: Span(*months) for kind, months in tree["back_paid_after_months"].items()},
        arrears_share=tree["in_arrears_at_delivery"],
        arrears_months=Span(*tree["arrears_months"]),
    )


def _wages(tree: Tree) -> Wages:
    low, high = tree["under_declared_base"]["base_over_wage"]
    return Wages(
        year_index=tree["year_index"],
        employer_sigma=tree["employer_effect_sigma"],
        women_to_men=tree["women_to_men_ratio"],
        county_factor=tree["county_factor"],
        size_factor=tree["size_factor"],
        minimum_monthly_yuan=tree["minimum_monthly_yuan"],
        under_declared_share=tree["under_declared_base"]["share_of_employers"],
        under_declared=(low, high),
        base={year: (row["floor"], row["ceiling"]) for year, row in tree["contribution_base"].items()},
        founded_this_year_share=tree["founded_this_year_share"],
    )


def _sector(row: Tree, employers: Tree) -> Sector:
    tilt = employers["size_by_sector_tilt"].get(row["key"], {})
    sizes = [
        Size(size["key"], tuple(size["headcount"]), size["mean"], size["share"]) for size in employers["size_classes"]
    ]
    return Sector(
        key=row["key"],
        employment_share=row["employment_share"],
        women_share=row["women_share"],
        mean_monthly_2025=row["mean_monthly_2025"],
        sigma=row["sigma"],
        legal_forms=Weighted.of((form, employers["legal_form"][form]) for form in row["legal_forms"]),
        sizes=Weighted.of((size, size.share * tilt.get(size.key, 1.0)) for size in sizes),
    )


def _sending(tree: Tree) -> Sending:
    first, last = tree["office_hours"]
    return Sending(
        hospital_share=tree["hospital_share"],
        own_wage_given_share=tree["own_wage_given_share"],
        claimed_given_share=tree["claimed_given_share"],
        claimed_days=tree["claimed_days"],
        correction_share=tree["corrections"]["share"],
        correction_days=Lognormal(**tree["corrections"]["days_after"]),
        lag_hospitals=by_span(tree["lag_days"]["hospitals"]),
        lag_counter=Lognormal(**tree["lag_days"]["counter"]),
        hour_peak=tuple(tree["hour_peak"]),
        office_hours=(first, last),
        weekend_factor=tree["weekend_factor"],
    )


def _stays(tree: Tree) -> Stays:
    visits = tree["visits"]
    return Stays(
        settled_share=tree["settled_share"],
        cost={level: {mode: _cost(row) for mode, row in modes.items()} for level, modes in tree["cost"].items()},
        in_policy_scope={level: Normal(**row) for level, row in tree["in_policy_scope"].items()},
        over_limit=tree["rest_over_limit"],
        self_pay_first=tree["rest_self_pay_first"],
        days={mode: Weighted.of(days.items()) for mode, days in tree["days"].items()},
        visits_share=visits["share"],
        visits=Span(*visits["count"]),
        visit_cost=Lognormal(**visits["cost"]),
    )


def _cost(row: Tree) -> Cost:
    return Cost(Lognormal(row["median"], row["sigma"], row["min"]), row["max"])


def _other_events(tree: Tree) -> OtherEvents:
    miscarriage, surgery = tree["miscarriage"], tree["surgery"]
    return OtherEvents(
        miscarriage_share=miscarriage["share"],
        gestation_days=Span(*miscarriage["gestation_days"]),
        gestation_missing=miscarriage["gestation_missing"],
        surgery_share=surgery["share"],
        surgeries=by_name(surgery["codes"]),
    )


def _dirt(tree: Tree) -> Dirt:
    kinds = [
        Kind(row["kind"], row["weight"], row["effect"], by_name(row["how"]) if "how" in row else None)
        for row in tree["kinds"]
    ]
    return Dirt(
        profiles=tree["profiles"],
        several_share=tree["several_errors_share"],
        source_factor=tree["by_source_factor"],
        bad_hospitals_share=tree["one_bad_hospital"]["share_of_hospitals"],
        bad_hospital_factor=tree["one_bad_hospital"]["factor"],
        resend_minutes=Span(*tree["resend_after_minutes"]),
        second_claim_days=Span(*tree["second_claim_after_days"]),
        near_date_days=Span(*tree["near_date_days"]),
        oversize_bytes=tree["oversize"]["bytes"],
        oversize_messages=Span(*tree["oversize"]["messages"]),
        oversize_from_count=tree["oversize"]["from_count"],
        kinds={kind.kind: kind for kind in kinds},
        drawn=Weighted.of((kind.kind, kind.weight) for kind in kinds),
    )


def _names(tree: Tree) -> Names:
    people, firms = tree["names"], tree["company_names"]
    return Names(
        surnames=Weighted.of(people["surnames"]),
        compound_surnames=Weighted.of(people["compound_surnames"]),
        compound_share=people["compound_share"],
        given_length=Weighted.of(people["given_length"].items()),
        characters=Weighted.of(people["female_chars"]),
        rare_characters=tuple(people["rare_chars"]),
        rare_share=people["rare_char_share"],
        regions=Weighted.of(firms["regions"]),
        stems=tuple(firms["stems"]),
        forms={form: Weighted.of(endings) for form, endings in firms["forms"].items()},
        trades={sector: tuple(trades) for sector, trades in firms["trades"].items()},
        prefixes=tree["employers"]["uscc_prefix"],
    )
