"""2304 to a claim: every row of trouble that feeds are known for, each told and none guessed at."""

from __future__ import annotations

from typing import Any

import pytest
from cradle.claims.v1 import claim_pb2
from google.type.date_pb2 import Date

from services.kit.member_key import member_key
from services.kit.messages import Language
from tests.builders import MOTHER
from tests.claims.platform.mapped import changed, claim_of, found, read
from tests.claims.platform.messages import DATA, DISCHARGE, HOSPITAL, INFO, SETTLEMENT, settlement

CAESAREAN = {f"{DISCHARGE}oprn_oprt_code": "74.1x01", f"{DISCHARGE}diseinfo.0.diag_code": "O82.000"}
MISCARRIAGE = {  # by Zhejiang's list
    f"{DISCHARGE}matn_type": "05",
    f"{DISCHARGE}oprn_oprt_code": "",
    f"{DISCHARGE}diseinfo.0.diag_code": "O03.900",
    f"{DISCHARGE}pret_flag": "",
}


# --- a good one ------------------------------------------------------------------------------------------------------


def test_a_settled_delivery_becomes_the_hospitals_claim() -> None:
    mapped = read(settlement())

    claim = claim_of(mapped)
    assert found(mapped) == set()
    assert (claim.claim_number, claim.person_id_number, claim.county) == (SETTLEMENT, MOTHER, "610302")
    assert claim.kind == claim_pb2.CLAIM_KIND_PROVIDER_SETTLEMENT
    assert (claim.event.type, claim.event.date) == (claim_pb2.EVENT_TYPE_DELIVERY, Date(year=2026, month=3, day=10))
    assert (claim.event.delivery_mode, claim.event.infants) == (claim_pb2.DELIVERY_MODE_VAGINAL, 1)
    assert (claim.event.birth_order, claim.event.gestation_days) == (1, 273)
    (stay,) = claim.stays
    assert stay.provider == HOSPITAL
    assert (stay.admission_date.day, stay.discharge_date.day) == (10, 13)
    assert (stay.charge.policy_range_fen, stay.charge.total_fen) == (203_526, 301_824)
    assert (stay.charge.own_pay_fen, stay.charge.over_limit_fen, stay.charge.self_pay_first_fen) == (94_800, 0, 3_498)
    assert claim.claimed_fen == 203_526
    assert claim.submit_time.ToJsonString() == "2026-03-13T02:42:16Z"
    assert mapped.key == member_key(MOTHER)


def test_numbers_instead_of_texts_are_the_same_claim() -> None:
    one, other = settlement(), settlement({f"{INFO}medfee_sumamt": 3018.24, f"{DISCHARGE}geso_val": 39})

    assert claim_of(read(one)) == claim_of(read(other))


def test_the_same_content_under_another_message_id_is_the_same_claim() -> None:
    one = read(settlement())
    other = read(settlement(msgid=f"{HOSPITAL}202603131055000001", inf_time="2026-03-13 10:55:00"))

    assert one.intake == other.intake
    assert one.content == other.content
    assert one.msgid != other.msgid


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelt", ["６１０３０２199403124029", " 610302199403124029"])
def test_full_width_digits_and_blanks_are_folded(spelt: str) -> None:
    mapped = changed({f"{INFO}certno": spelt})

    assert claim_of(mapped).person_id_number == MOTHER


def test_a_small_x_is_folded_and_told() -> None:
    mapped = changed({f"{INFO}certno": "61030319930415048x", f"{INFO}brdy": "1993-04-15"})

    assert claim_of(mapped).person_id_number == "61030319930415048X"
    assert found(mapped) == {("DOUBT", "PLATFORM_CERTNO_FOLDED", f"{INFO}certno")}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"certno": "61033119930415012"}, ("UNMAPPED", "PLATFORM_CERTNO_WITHOUT_X", f"{INFO}certno")),
        ({"certno": "610302199403124092"}, ("UNMAPPED", "ID_NUMBER_CHECK_DIGIT", f"{INFO}certno")),
        ({"certno": "6103021994031"}, ("UNMAPPED", "ID_NUMBER_LENGTH", f"{INFO}certno")),
        ({"certno": ""}, ("UNMAPPED", "PLATFORM_MISSING", f"{INFO}certno")),
        ({"certno": "610303199108051134"}, ("CONTRADICTION", "PLATFORM_CERTNO_OF_A_MAN", f"{INFO}certno")),
        ({"gend": "1"}, ("CONTRADICTION", "PLATFORM_CERTNO_OF_A_MAN", f"{INFO}certno")),
        ({"psn_cert_type": "03"}, ("UNMAPPED", "PLATFORM_CERT_TYPE", f"{INFO}psn_cert_type")),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_number_that_cannot_be_hers_is_told_and_never_guessed(
    changes: dict[str, str], told: tuple[str, str, str]
) -> None:
    mapped = changed({INFO + name: value for name, value in changes.items()})

    assert mapped.intake is None
    assert found(mapped) == {told}


def test_a_birth_date_that_differs_is_told_beside_the_claim() -> None:
    mapped = changed({f"{INFO}brdy": "1994-03-21"})

    assert claim_of(mapped)
    assert found(mapped) == {("CONTRADICTION", "PLATFORM_BIRTH_DATE_DIFFERS", f"{INFO}brdy")}


@pytest.mark.parametrize(
    ("insured", "county", "code"),
    [
        ("610322", "610305", "PLATFORM_DIVISION_ABOLISHED"),
        ("610321", "610304", "PLATFORM_DIVISION_ABOLISHED"),
        ("610399", "610399", "PLATFORM_DIVISION_WIDER"),
        ("610300", "610300", "PLATFORM_DIVISION_WIDER"),
    ],
)
def test_abolished_and_wider_divisions_are_carried_over_and_told(insured: str, county: str, code: str) -> None:
    mapped = changed({"insuplc_admdvs": insured})

    assert claim_of(mapped).county == county
    assert found(mapped) == {("DOUBT", code, "insuplc_admdvs")}


def test_divisions_that_were_swapped_are_told_and_not_turned() -> None:
    mapped = changed({"insuplc_admdvs": "620102", "mdtrtarea_admvs": "610305"})

    assert mapped.intake is None
    assert found(mapped) == {("CONTRADICTION", "PLATFORM_DIVISIONS_SWAPPED", "insuplc_admdvs")}


def test_a_place_of_treatment_that_is_not_the_hospitals_may_have_been_swapped() -> None:
    mapped = changed({"insuplc_admdvs": "610305", "mdtrtarea_admvs": "610302"})

    assert claim_of(mapped).county == "610305"
    assert found(mapped) == {("DOUBT", "PLATFORM_DIVISIONS_MAY_BE_SWAPPED", "mdtrtarea_admvs")}


@pytest.mark.parametrize(
    ("scheme", "code"),
    [("510", "SCHEME_MERGED"), ("390", "SCHEME_RESIDENT"), ("340", "SCHEME_OTHER"), ("777", "CODE_UNKNOWN")],
)
def test_a_scheme_other_than_the_employees_is_told(scheme: str, code: str) -> None:
    mapped = changed({f"{INFO}insutype": scheme, f"{DATA}insutype": scheme})

    assert claim_of(mapped)
    assert {told[1] for told in found(mapped)} == {f"PLATFORM_{code}"}


# --- what kind of care -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("care", "code"),
    [
        ("21", "PLATFORM_STAY_HIDDEN"),  # a delivery hidden as an ordinary stay
        ("520101", "PLATFORM_CODE_EXTENDED"),
        ("2106", "PLATFORM_CODE_LOCAL"),
        ("2107", "PLATFORM_CODE_LOCAL"),
        ("53", "PLATFORM_CODE_RECALLED"),
        ("99", "PLATFORM_CODE_UNKNOWN"),
    ],
)
def test_a_kind_of_care_that_is_doubtful_is_told_and_the_birth_taken(care: str, code: str) -> None:
    mapped = changed({f"{INFO}med_type": care})

    assert claim_of(mapped)
    assert {told[1] for told in found(mapped)} == {code}


@pytest.mark.parametrize(
    ("care", "code"), [("5212", "PLATFORM_NEWBORN"), ("51", "PLATFORM_OUTPATIENT"), ("41", "PLATFORM_NOT_MATERNITY")]
)
def test_what_is_no_stay_of_the_mother_is_refused(care: str, code: str) -> None:
    mapped = changed({f"{INFO}med_type": care})

    assert mapped.intake is None
    assert found(mapped) == {("UNMAPPED", code, f"{INFO}med_type")}


def test_an_ordinary_stay_without_a_word_of_maternity_is_none_of_ours() -> None:
    nothing = {f"{DISCHARGE}matn_type": "", f"{DISCHARGE}oprn_oprt_code": "", f"{DISCHARGE}diseinfo": []}
    mapped = changed({f"{INFO}med_type": "21", **nothing})

    assert mapped.intake is None
    assert found(mapped) == {("UNMAPPED", "PLATFORM_NOT_MATERNITY", f"{INFO}med_type")}


# --- what happened ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["74.0x00", "74.0x00x001", "74.1x01", "74.1x02", "74.2x00", "74.4x01", "74.9900"])
def test_a_caesarean_is_known_by_its_procedure(code: str) -> None:
    mapped = changed({**CAESAREAN, f"{DISCHARGE}oprn_oprt_code": code, f"{DISCHARGE}matn_type": "03"})

    assert claim_of(mapped).event.delivery_mode == claim_pb2.DELIVERY_MODE_CAESAREAN


@pytest.mark.parametrize("code", ["72.1x00", "73.4x00", "74.3x00"])
def test_forceps_induction_and_other_operations_are_no_caesarean(code: str) -> None:
    mapped = changed({f"{DISCHARGE}oprn_oprt_code": code})

    assert claim_of(mapped).event.delivery_mode == claim_pb2.DELIVERY_MODE_VAGINAL


def test_a_caesarean_as_another_procedure_counts_too() -> None:
    mapped = changed({**CAESAREAN, f"{DISCHARGE}oprn_oprt_code": "66.3900;74.1x01", f"{DISCHARGE}matn_type": "03"})

    assert claim_of(mapped).event.delivery_mode == claim_pb2.DELIVERY_MODE_CAESAREAN


def test_a_caesarean_ticked_as_normal_is_a_contradiction_and_the_procedure_decides() -> None:
    mapped = changed(CAESAREAN)

    assert claim_of(mapped).event.delivery_mode == claim_pb2.DELIVERY_MODE_CAESAREAN
    assert found(mapped) == {("CONTRADICTION", "PLATFORM_CAESAREAN_TICKED_NORMAL", f"{DISCHARGE}matn_type")}


def test_a_caesarean_whose_procedure_is_on_the_front_page_only_is_taken_with_a_doubt() -> None:
    mapped = changed({**CAESAREAN, f"{DISCHARGE}oprn_oprt_code": "", f"{DISCHARGE}matn_type": "3 剖宫产"})

    assert claim_of(mapped).event.delivery_mode == claim_pb2.DELIVERY_MODE_CAESAREAN
    assert ("UNMAPPED", "PLATFORM_CODE_UNKNOWN", f"{DISCHARGE}matn_type") in found(mapped)  # no list here has a 3


@pytest.mark.parametrize(("kind", "mode"), [("01 平产", "VAGINAL"), ("02", "VAGINAL")])
def test_a_senders_local_list_is_used_and_told(kind: str, mode: str) -> None:
    mapped = changed({f"{DISCHARGE}matn_type": kind})

    assert claim_of(mapped).event.delivery_mode == claim_pb2.DeliveryMode.Value(f"DELIVERY_MODE_{mode}")
    assert ("DOUBT", "PLATFORM_CODE_LOCAL", f"{DISCHARGE}matn_type") in found(mapped)


def test_another_sender_does_not_know_that_list() -> None:
    mapped = read(settlement({f"{DISCHARGE}matn_type": "01"}), source="counter")

    assert found(mapped) == {
        ("UNMAPPED", "PLATFORM_CODE_UNKNOWN", f"{DISCHARGE}matn_type"),
        ("DOUBT", "PLATFORM_EVENT_BY_DIAGNOSIS", f"{DISCHARGE}matn_type"),
    }


def test_an_empty_kind_of_birth_is_taken_from_the_diagnosis_with_a_doubt() -> None:
    mapped = changed({f"{DISCHARGE}matn_type": "", f"{DISCHARGE}oprn_oprt_code": ""})

    assert claim_of(mapped).event.delivery_mode == claim_pb2.DELIVERY_MODE_VAGINAL
    assert found(mapped) == {("DOUBT", "PLATFORM_EVENT_BY_DIAGNOSIS", f"{DISCHARGE}matn_type")}


def test_a_diagnosis_of_a_caesarean_against_a_normal_birth_leaves_the_mode_unset() -> None:
    mapped = changed({f"{DISCHARGE}diseinfo.0.diag_code": "O82.000"})

    assert claim_of(mapped).event.delivery_mode == claim_pb2.DELIVERY_MODE_UNSPECIFIED
    assert found(mapped) == {("CONTRADICTION", "PLATFORM_MODE_UNCLEAR", f"{DISCHARGE}matn_type")}


def test_nothing_said_of_what_happened_is_told() -> None:
    nothing = {f"{DISCHARGE}matn_type": "", f"{DISCHARGE}oprn_oprt_code": "", f"{DISCHARGE}diseinfo": []}
    mapped = changed(nothing)

    assert mapped.intake is None
    assert found(mapped) == {("UNMAPPED", "PLATFORM_EVENT_UNKNOWN", f"{DISCHARGE}matn_type")}


@pytest.mark.parametrize("code", "123456789")
def test_a_surgery_is_taken_by_its_national_code(code: str) -> None:
    mapped = changed(
        {
            f"{INFO}med_type": "53",
            f"{DISCHARGE}matn_type": "",
            f"{DISCHARGE}birctrl_type": code,
            f"{DISCHARGE}oprn_oprt_code": "",
        }
    )

    event = claim_of(mapped).event
    assert (event.type, event.surgery) == (claim_pb2.EVENT_TYPE_FAMILY_PLANNING_SURGERY, code)


def test_birth_and_surgery_both_filled_is_a_birth_only_where_something_shows_one() -> None:
    both = {f"{DISCHARGE}birctrl_type": "5"}
    nothing = {f"{DISCHARGE}oprn_oprt_code": "", f"{DISCHARGE}diseinfo": []}

    shown, unshown = changed(both), changed({**both, **nothing})

    assert claim_of(shown).event.type == claim_pb2.EVENT_TYPE_DELIVERY
    assert unshown.intake is None
    told = {("CONTRADICTION", "PLATFORM_BOTH_FILLED", f"{DISCHARGE}birctrl_type")}
    assert found(shown) == found(unshown) == told


def test_a_combination_of_surgeries_has_no_code_of_ours() -> None:
    mapped = changed({f"{DISCHARGE}matn_type": "17"})

    assert mapped.intake is None
    assert ("UNMAPPED", "PLATFORM_COMBINED", f"{DISCHARGE}matn_type") in found(mapped)


# --- how far along ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("weeks", "days"), [("14", 98), ("15", 0), ("16", 0), ("17", 119)])
def test_weeks_at_the_112th_day_are_left_unset_and_those_beside_it_are_not(weeks: str, days: int) -> None:
    mapped = changed({**MISCARRIAGE, f"{DISCHARGE}geso_val": weeks})

    event = claim_of(mapped).event
    assert event.type == claim_pb2.EVENT_TYPE_MISCARRIAGE
    assert event.gestation_days == days
    assert event.HasField("gestation_days") == bool(days)
    unclear = ("UNMAPPED", "PLATFORM_GESTATION_UNCLEAR", f"{DISCHARGE}geso_val")
    assert (unclear in found(mapped)) == (not days)


@pytest.mark.parametrize("weeks", ["", "0", "0.0", None])
def test_a_miscarriage_without_weeks_is_told_and_waits(weeks: str | None) -> None:
    mapped = changed({**MISCARRIAGE, f"{DISCHARGE}geso_val": weeks})

    assert not claim_of(mapped).event.HasField("gestation_days")
    assert ("UNMAPPED", "PLATFORM_GESTATION_MISSING", f"{DISCHARGE}geso_val") in found(mapped)


@pytest.mark.parametrize("weeks", ["", "0"])
def test_a_delivery_needs_no_weeks(weeks: str) -> None:
    assert found(changed({f"{DISCHARGE}geso_val": weeks})) == set()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("276", "PLATFORM_GESTATION_LIKE_DAYS"),
        ("46", "PLATFORM_GESTATION_LIKE_DAYS"),
        ("9", "PLATFORM_GESTATION_LIKE_MONTHS"),
        ("19", "PLATFORM_GESTATION_LIKE_MONTHS"),
    ],
)
def test_days_or_months_in_the_field_of_weeks_are_told_and_not_used(value: str, code: str) -> None:
    mapped = changed({f"{DISCHARGE}geso_val": value})

    assert not claim_of(mapped).event.HasField("gestation_days")
    assert found(mapped) == {("CONTRADICTION", code, f"{DISCHARGE}geso_val")}


@pytest.mark.parametrize("value", ["20", "45"])
def test_weeks_at_the_bounds_are_weeks(value: str) -> None:
    mapped = changed({f"{DISCHARGE}geso_val": value, f"{DISCHARGE}pret_flag": ""})

    assert claim_of(mapped).event.gestation_days == int(value) * 7


@pytest.mark.parametrize(("value", "months"), [("4", True), ("5", False)])
def test_a_miscarriage_of_very_few_weeks_may_be_in_months(value: str, months: bool) -> None:
    mapped = changed({**MISCARRIAGE, f"{DISCHARGE}geso_val": value})

    assert (("CONTRADICTION", "PLATFORM_GESTATION_LIKE_MONTHS", f"{DISCHARGE}geso_val") in found(mapped)) == months


@pytest.mark.parametrize("value", ["15+6", "15w6d", "15.5", "39周"])
def test_weeks_that_are_no_whole_number_are_not_cut(value: str) -> None:
    mapped = changed({f"{DISCHARGE}geso_val": value})

    assert not claim_of(mapped).event.HasField("gestation_days")
    assert found(mapped) == {("UNMAPPED", "PLATFORM_GESTATION_NOT_WHOLE", f"{DISCHARGE}geso_val")}


def test_a_vendors_own_name_of_the_field_is_read_and_told() -> None:
    mapped = changed({f"{DISCHARGE}geso_val": None, f"{DISCHARGE}esso_val": "38"})

    assert claim_of(mapped).event.gestation_days == 266
    assert ("DOUBT", "PLATFORM_FIELD_MISSPELT", f"{DISCHARGE}esso_val") in found(mapped)


def test_months_in_a_field_of_their_own_are_not_turned_into_days() -> None:
    mapped = changed({f"{DISCHARGE}geso_val": "", f"{DISCHARGE}expi_gestation_nub_of_m": "9"})

    assert not claim_of(mapped).event.HasField("gestation_days")
    assert found(mapped) == {("UNMAPPED", "PLATFORM_GESTATION_IN_MONTHS", f"{DISCHARGE}expi_gestation_nub_of_m")}


@pytest.mark.parametrize(("flag", "weeks", "told"), [("1", "36", False), ("1", "37", True), ("0", "36", True)])
def test_the_flag_of_a_preterm_birth_is_compared_with_the_weeks(flag: str, weeks: str, told: bool) -> None:
    mapped = changed({f"{DISCHARGE}pret_flag": flag, f"{DISCHARGE}geso_val": weeks})

    assert (("CONTRADICTION", "PLATFORM_PRETERM_DIFFERS", f"{DISCHARGE}pret_flag") in found(mapped)) == told


# --- how many, and which ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("diagnosis", "infants", "order", "mapped_to", "codes"),
    [
        ("O80.000", "1", "1", (1, 1), set()),
        ("O80.000", "1", "2", (1, 2), {"PLATFORM_PREGNANCIES_COUNTED"}),
        ("O80.000", "2", "1", (0, 0), {"PLATFORM_INTERCHANGED"}),  # a single birth, twice over
        ("O84.000", "2", "1", (2, 1), set()),
        ("O84.000", "1", "2", (0, 0), {"PLATFORM_INTERCHANGED"}),
        ("O84.000", "1", "1", (0, 1), {"PLATFORM_INFANTS_DIFFER"}),
        ("O80.000", "2", "3", (0, 3), {"PLATFORM_INFANTS_DIFFER"}),
        ("Z37.900", "2", "1", (2, 1), {"PLATFORM_MAY_BE_INTERCHANGED"}),
        ("O80.000", "", "1", (0, 1), {"PLATFORM_MISSING"}),
        ("O80.000", "9", "1", (0, 1), {"PLATFORM_NUMBER_RANGE"}),
    ],
)
def test_infants_and_order_are_told_apart_by_the_diagnosis(
    diagnosis: str, infants: str, order: str, mapped_to: tuple[int, int], codes: set[str]
) -> None:
    mapped = changed(
        {
            f"{DISCHARGE}diseinfo.0.diag_code": diagnosis,
            f"{DISCHARGE}fetus_cnt": infants,
            f"{DISCHARGE}fetts": order,
        }
    )

    event = claim_of(mapped).event
    assert (event.infants, event.birth_order) == mapped_to
    assert {told[1] for told in found(mapped) if told[1] != "PLATFORM_PREGNANCIES_COUNTED"} == codes - {
        "PLATFORM_PREGNANCIES_COUNTED"
    }


def test_nothing_of_the_policy_that_is_gone_is_required() -> None:
    mapped = changed({f"{DISCHARGE}fpsc_no": None, f"{DISCHARGE}latechb_flag": None})

    assert claim_of(mapped)
    assert found(mapped) == set()


# --- what belongs together -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{DISCHARGE}mdtrt_id", f"{DISCHARGE}psn_no", f"{DATA}mdtrt_id", f"{DATA}psn_no"])
def test_messages_of_two_stays_or_two_women_make_no_claim(path: str) -> None:
    mapped = changed({path: "610300G26030900099999"})

    assert mapped.intake is None
    assert found(mapped) == {("CONTRADICTION", "PLATFORM_STATED_TWICE", path)}


def test_a_line_of_another_stay_makes_no_claim() -> None:
    mapped = changed({"context_2301.feedetail.1.mdtrt_id": "610300G26030900099999"})

    assert mapped.intake is None
    assert found(mapped) == {("CONTRADICTION", "PLATFORM_STATED_TWICE", "context_2301.feedetail[1].mdtrt_id")}


def test_a_settlement_without_its_discharge_is_told() -> None:
    mapped = changed({"context_2402": None})

    assert mapped.intake is None
    assert ("UNMAPPED", "PLATFORM_DISCHARGE_MISSING", "context_2402") in found(mapped)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"output": None}, "PLATFORM_WITHOUT_ANSWER"),
        ({"output.infcode": "-1"}, "PLATFORM_FAILED"),
        ({"output.infcode": None}, "PLATFORM_FAILED"),
        ({"infno": "2303"}, "PLATFORM_TRIAL"),
        ({"infno": "2601"}, "PLATFORM_MESSAGE_REVERSED"),
        ({"infno": "3202"}, "PLATFORM_TOTALS_IN_DETAIL"),
        ({"infno": "4101"}, "PLATFORM_NOT_TAKEN"),
        ({"infno": ""}, "PLATFORM_NOT_TAKEN"),
    ],
    ids=str,
)
def test_what_settled_nothing_is_no_claim(changes: dict[str, Any], code: str) -> None:
    mapped = changed(changes)

    assert mapped.intake is None
    assert code in {told[1] for told in found(mapped)}


@pytest.mark.parametrize(("infcode", "told"), [("-1", "-1"), ("90012", "90012"), ("--1", "?"), (f"-{MOTHER}", "?")])
def test_the_platform_s_own_code_is_repeated_and_nothing_that_may_be_somebody_s(infcode: str, told: str) -> None:
    why = next(
        one.reason for one in changed({"output.infcode": infcode}).findings if one.reason.code == "PLATFORM_FAILED"
    )

    assert why.text(Language.EN) == f"The platform did not carry it out (infcode {told})."


@pytest.mark.parametrize("given", [MOTHER, f"S{MOTHER}01", "a b", "编号", "x" * 65])
def test_a_settlement_number_that_cannot_be_a_claim_number_is_told_and_not_repeated(given: str) -> None:
    mapped = changed({f"{INFO}setl_id": given})

    assert mapped.intake is None
    assert mapped.settlement_id == ""
    assert found(mapped) == {("UNMAPPED", "PLATFORM_SETTLEMENT_ID_FORM", f"{INFO}setl_id")}


@pytest.mark.parametrize(
    ("given", "kind", "code"),
    [
        ("x", "UNMAPPED", "PLATFORM_MSGID_FORM"),
        (f"{HOSPITAL}20260313104215004", "UNMAPPED", "PLATFORM_MSGID_FORM"),  # 29
        (f"{HOSPITAL}2026031310421500421", "UNMAPPED", "PLATFORM_MSGID_FORM"),  # 31
        ("H61030200123202603131042150042", "CONTRADICTION", "PLATFORM_MSGID_OF_ANOTHER"),
    ],
)
def test_a_message_id_has_30_characters_and_begins_with_its_hospital(given: str, kind: str, code: str) -> None:
    mapped = changed({"msgid": given})

    assert claim_of(mapped)
    assert found(mapped) == {(kind, code, "msgid")}


@pytest.mark.parametrize("given", ["H6103050010", "h61030500102", "H610305001023"])
def test_a_hospitals_code_has_12_characters(given: str) -> None:
    mapped = changed({"fixmedins_code": given})

    assert mapped.intake is None
    assert ("UNMAPPED", "PLATFORM_PROVIDER_FORM", "fixmedins_code") in found(mapped)


def test_an_interim_settlement_is_told() -> None:
    assert found(changed({f"{DATA}mid_setl_flag": "1"})) == {("DOUBT", "PLATFORM_INTERIM", f"{DATA}mid_setl_flag")}
