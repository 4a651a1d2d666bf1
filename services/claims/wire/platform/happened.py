"""What happened: a delivery, a miscarriage or a surgery, and what is known of it. Nothing is guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cradle.claims.v1 import claim_pb2, intake_pb2

from services.claims.wire.platform.sheet import Sheet
from services.claims.wire.platform.values import whole

_DISCHARGE: Final = "context_2402."
MATERNITY: Final = f"{_DISCHARGE}matn_type"
_SURGERY: Final = f"{_DISCHARGE}birctrl_type"
_PROCEDURE: Final = f"{_DISCHARGE}oprn_oprt_code"
_WEEKS: Final = f"{_DISCHARGE}geso_val"
_WEEKS_MISSPELT: Final = f"{_DISCHARGE}esso_val"
_MONTHS: Final = f"{_DISCHARGE}expi_gestation_nub_of_m"
_ORDER: Final = f"{_DISCHARGE}fetts"
_INFANTS: Final = f"{_DISCHARGE}fetus_cnt"
_PRETERM: Final = f"{_DISCHARGE}pret_flag"
_KIND_OF_CARE: Final = "output.setlinfo.med_type"
_TERM_WEEKS: Final = 37
_DAYS_IN_WEEK: Final = 7
_INFANTS_MAX: Final = 8
_ORDER_MAX: Final = 20
_NUMBER: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")
_SEPARATORS: Final = re.compile(r"[,;，；、 ]+")
_TYPES: Final = {
    "DELIVERY": claim_pb2.EVENT_TYPE_DELIVERY,
    "MISCARRIAGE": claim_pb2.EVENT_TYPE_MISCARRIAGE,
    "SURGERY": claim_pb2.EVENT_TYPE_FAMILY_PLANNING_SURGERY,
}
_CAESAREAN: Final = claim_pb2.DELIVERY_MODE_CAESAREAN
_VAGINAL: Final = claim_pb2.DELIVERY_MODE_VAGINAL


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the codes say, by the crosswalk's words."""

    maternity: str
    surgery: str
    procedures: frozenset[str]
    diagnoses: frozenset[str]

    @property
    def of_birth(self) -> bool:
        return bool(self.procedures or self.diagnoses & {"SINGLE_VAGINAL", "SINGLE_CAESAREAN", "MULTIPLE"})


def event(sheet: Sheet) -> intake_pb2.MaternityEvent | None:
    """The event without its day; None where it is not ours to take, or cannot be told."""
    evidence = _evidence(sheet)
    if not _is_maternity(sheet, evidence):
        return None
    match _type(sheet, evidence):
        case claim_pb2.EVENT_TYPE_DELIVERY:
            return _delivery(sheet, evidence)
        case claim_pb2.EVENT_TYPE_MISCARRIAGE:
            return _with_gestation(sheet, claim_pb2.EVENT_TYPE_MISCARRIAGE)
        case claim_pb2.EVENT_TYPE_FAMILY_PLANNING_SURGERY:
            code = (evidence.surgery or evidence.maternity).removeprefix("SURGERY_")
            return intake_pb2.MaternityEvent(type=claim_pb2.EVENT_TYPE_FAMILY_PLANNING_SURGERY, surgery=code)
        case _:
            return None


def _evidence(sheet: Sheet) -> Evidence:
    procedures = [sheet.codes.find("oprn_oprt_code", code) for code in _SEPARATORS.split(sheet.stated(_PROCEDURE))]
    paths = [f"{row}.diag_code" for row in sheet.rows(f"{_DISCHARGE}diseinfo")]
    diagnoses = [sheet.codes.find("diag_code", sheet.stated(path).upper()) for path in paths]
    return Evidence(
        sheet.code("matn_type", MATERNITY),
        sheet.code("birctrl_type", _SURGERY),
        frozenset(found.to for found in procedures if found),
        frozenset(found.to for found in diagnoses if found),
    )


def _is_maternity(sheet: Sheet, evidence: Evidence) -> bool:
    """By the kind of care; an ordinary stay only where something else says that it was a birth or surgery."""
    match sheet.code("med_type", _KIND_OF_CARE):
        case "NEWBORN":
            sheet.unmapped("PLATFORM_NEWBORN", _KIND_OF_CARE)
        case "OUTPATIENT":
            sheet.unmapped("PLATFORM_OUTPATIENT", _KIND_OF_CARE)
        case "OTHER":
            sheet.unmapped("PLATFORM_NOT_MATERNITY", _KIND_OF_CARE)
        case "ORDINARY_STAY":
            if evidence.maternity or evidence.surgery or evidence.of_birth:
                sheet.doubt("PLATFORM_STAY_HIDDEN", _KIND_OF_CARE)
                return True
            sheet.unmapped("PLATFORM_NOT_MATERNITY", _KIND_OF_CARE)
        case _:
            return True
    return False


def _type(sheet: Sheet, evidence: Evidence) -> claim_pb2.EventType.ValueType | None:
    if sheet.stated(MATERNITY) and sheet.stated(_SURGERY):
        sheet.contradiction("PLATFORM_BOTH_FILLED", _SURGERY, other=MATERNITY)
        is_birth = evidence.maternity.startswith("DELIVERY") and evidence.of_birth
        return claim_pb2.EVENT_TYPE_DELIVERY if is_birth else None
    stated = evidence.maternity or evidence.surgery
    if stated == "COMBINED":
        sheet.unmapped("PLATFORM_COMBINED", MATERNITY)
        return None
    return _TYPES.get(stated.partition("_")[0]) or _type_by_diagnosis(sheet, evidence)


def _type_by_diagnosis(sheet: Sheet, evidence: Evidence) -> claim_pb2.EventType.ValueType | None:
    """Where the kind of birth is empty, or in a code that nobody knows."""
    found = "DELIVERY" if evidence.of_birth else "MISCARRIAGE" if "MISCARRIAGE" in evidence.diagnoses else ""
    if found:
        sheet.doubt("PLATFORM_EVENT_BY_DIAGNOSIS", MATERNITY)
    else:
        sheet.unmapped("PLATFORM_EVENT_UNKNOWN", MATERNITY)
    return _TYPES.get(found)


def _delivery(sheet: Sheet, evidence: Evidence) -> intake_pb2.MaternityEvent:
    made = _with_gestation(sheet, claim_pb2.EVENT_TYPE_DELIVERY)
    if mode := _mode(sheet, evidence):
        made.delivery_mode = mode
    infants, order = _infants_and_order(sheet, evidence)
    made.infants, made.birth_order = infants or 0, order or 0
    return made


def _mode(sheet: Sheet, evidence: Evidence) -> claim_pb2.DeliveryMode.ValueType | None:
    """The procedure decides (the test for a caesarean); what was ticked beside it is compared."""
    ticked, procedures = evidence.maternity, evidence.procedures
    if "CAESAREAN" in procedures:
        if ticked == "DELIVERY_VAGINAL":
            sheet.contradiction("PLATFORM_CAESAREAN_TICKED_NORMAL", MATERNITY, other=_PROCEDURE)
        return _CAESAREAN
    says_vaginal = ticked == "DELIVERY_VAGINAL" or "VAGINAL" in procedures
    says_caesarean = ticked == "DELIVERY_CAESAREAN" or "SINGLE_CAESAREAN" in evidence.diagnoses
    if says_vaginal and says_caesarean:
        sheet.contradiction("PLATFORM_MODE_UNCLEAR", MATERNITY, other=_PROCEDURE)
        return None
    if ticked == "DELIVERY_CAESAREAN":
        sheet.doubt("PLATFORM_CAESAREAN_WITHOUT_PROCEDURE", _PROCEDURE)
    if not says_caesarean and (says_vaginal or "SINGLE_VAGINAL" in evidence.diagnoses):
        return _VAGINAL
    if not says_caesarean:
        sheet.unmapped("PLATFORM_MODE_UNKNOWN", MATERNITY)
        return None
    return _CAESAREAN


def _infants_and_order(sheet: Sheet, evidence: Evidence) -> tuple[int | None, int | None]:
    """胎儿数 and 胎次, which are often interchanged; a diagnosis of one infant or of several shows it."""
    infants = whole(sheet, _INFANTS, 1, _INFANTS_MAX)
    order = whole(sheet, _ORDER, 1, _ORDER_MAX)
    for path, found in ((_INFANTS, infants), (_ORDER, order)):
        if found is None and not sheet.stated(path):
            sheet.unmapped("PLATFORM_MISSING", path)
    single = bool(evidence.diagnoses & {"SINGLE_VAGINAL", "SINGLE_CAESAREAN"})
    several = "MULTIPLE" in evidence.diagnoses
    if infants and order and single != several:
        if (single and infants > 1 == order) or (several and order > 1 == infants):
            sheet.contradiction("PLATFORM_INTERCHANGED", _INFANTS, other=_ORDER)
            return None, None
        if (single and infants > 1) or (several and infants == 1):
            sheet.contradiction("PLATFORM_INFANTS_DIFFER", _INFANTS)
            return None, order
    elif infants and order and infants > 1 == order:
        sheet.doubt("PLATFORM_MAY_BE_INTERCHANGED", _INFANTS, other=_ORDER)
    if order and order > 1:
        sheet.doubt("PLATFORM_PREGNANCIES_COUNTED", _ORDER)
    return infants, order


def _with_gestation(sheet: Sheet, kind: claim_pb2.EventType.ValueType) -> intake_pb2.MaternityEvent:
    is_delivery = kind == claim_pb2.EVENT_TYPE_DELIVERY
    made = intake_pb2.MaternityEvent(type=kind)
    if sheet.stated(_MONTHS).strip("0."):
        sheet.unmapped("PLATFORM_GESTATION_IN_MONTHS", _MONTHS)
    path = _WEEKS if sheet.stated(_WEEKS) else _WEEKS_MISSPELT
    weeks = _weeks(sheet, path, is_delivery=is_delivery)
    if weeks is None:
        return made
    if path == _WEEKS_MISSPELT:
        sheet.doubt("PLATFORM_FIELD_MISSPELT", path, right=_WEEKS)
    if is_delivery:
        _compare_preterm(sheet, weeks)
    elif weeks in sheet.codes.crosswalk.limits.unclear_weeks:
        # 15 weeks and 6 days come as 15 or as 16, and the law asks for the 112th day: what depends on it waits.
        sheet.unmapped("PLATFORM_GESTATION_UNCLEAR", path, weeks=weeks)
        return made
    sheet.doubt("PLATFORM_GESTATION_WHOLE_WEEKS", path, weeks=weeks, days=weeks * _DAYS_IN_WEEK)
    made.gestation_days = weeks * _DAYS_IN_WEEK
    return made


def _weeks(sheet: Sheet, path: str, *, is_delivery: bool) -> int | None:
    """Whole weeks; days or months in the field of weeks are told and not turned into weeks."""
    text, limits = sheet.stated(path), sheet.codes.crosswalk.limits
    if not text.strip("0."):
        if not is_delivery:
            sheet.unmapped("PLATFORM_GESTATION_MISSING", _WEEKS)
        return None
    if not _NUMBER.fullmatch(text) or text.rstrip("0").rstrip(".").count("."):
        sheet.unmapped("PLATFORM_GESTATION_NOT_WHOLE", path)
        return None
    weeks = int(text.partition(".")[0])
    if weeks > limits.weeks_most:
        sheet.contradiction("PLATFORM_GESTATION_LIKE_DAYS", path)
        return None
    if weeks < (limits.delivery_weeks_least if is_delivery else limits.weeks_least):
        sheet.contradiction("PLATFORM_GESTATION_LIKE_MONTHS", path)
        return None
    return weeks


def _compare_preterm(sheet: Sheet, weeks: int) -> None:
    flag = sheet.stated(_PRETERM)
    if (flag == "1" and weeks >= _TERM_WEEKS) or (flag == "0" and weeks < _TERM_WEEKS):
        sheet.contradiction("PLATFORM_PRETERM_DIFFERS", _PRETERM, other=_WEEKS)
