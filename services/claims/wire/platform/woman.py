"""Whose claim it is: her number, told where it cannot be hers and never guessed; and where she is insured."""

from __future__ import annotations

from datetime import date
from typing import Final

from services.claims.wire.platform.sheet import Sheet
from services.kit.identifiers import id_number_problems, is_male, plain

CERTNO: Final = "output.setlinfo.certno"
_CERT_TYPE: Final = "output.setlinfo.psn_cert_type"
_GENDER: Final = "output.setlinfo.gend"
_BORN: Final = "output.setlinfo.brdy"
_INSURED: Final = "insuplc_admdvs"
_TREATED: Final = "mdtrtarea_admvs"
_ID_CARD: Final = "01"
_MAN: Final = "1"
_WIDER: Final = frozenset({"610300", "610399"})


def id_number(sheet: Sheet, today: date) -> str:
    """Her 公民身份号码, with full-width characters and a small x folded; empty where it is not one, or a man's."""
    given = sheet.needed(CERTNO)
    if not given:
        return ""
    if sheet.stated(_CERT_TYPE) not in {"", _ID_CARD}:
        sheet.unmapped("PLATFORM_CERT_TYPE", _CERT_TYPE)
        return ""
    number = plain(given)
    if number != given:
        sheet.doubt("PLATFORM_CERTNO_FOLDED", CERTNO)
    if len(number) == 17 and number.isdigit():
        sheet.unmapped("PLATFORM_CERTNO_WITHOUT_X", CERTNO)
        return ""
    if problems := id_number_problems(number, CERTNO, today):
        for problem in problems:
            sheet.unmapped(problem.code, CERTNO)
        return ""
    if is_male(number) or sheet.stated(_GENDER) == _MAN:
        sheet.contradiction("PLATFORM_CERTNO_OF_A_MAN", CERTNO)
        return ""
    born = sheet.stated(_BORN).replace("-", "")[:8]
    if born and born != number[6:14]:
        sheet.contradiction("PLATFORM_BIRTH_DATE_DIFFERS", _BORN)
    return number


def county(sheet: Sheet) -> str:
    """参保地 by today's code. Where only the place of treatment is ours, the two may have been swapped."""
    insured, treated = sheet.needed(_INSURED), sheet.stated(_TREATED)
    found = sheet.codes.find("division", insured) if insured else None
    at_hospital = sheet.codes.find("division", treated) if treated else None
    if insured and found is None:
        if at_hospital:
            sheet.contradiction("PLATFORM_DIVISIONS_SWAPPED", _INSURED, other=_TREATED)
        else:
            sheet.unmapped("COUNTY_UNKNOWN", _INSURED)
        return ""
    if treated and at_hospital is None:
        sheet.doubt("PLATFORM_TREATED_ELSEWHERE", _TREATED)
    if found is None:
        return ""
    if found.to != insured:
        sheet.doubt("PLATFORM_DIVISION_ABOLISHED", _INSURED, given=insured, to=found.to)
    elif insured in _WIDER:
        sheet.doubt("PLATFORM_DIVISION_WIDER", _INSURED, given=insured)
    _compare_hospital(sheet, insured, treated)
    return found.to


def _compare_hospital(sheet: Sheet, insured: str, treated: str) -> None:
    """A hospital's code begins with H or P and its division."""
    area = sheet.stated("fixmedins_code")[1:7]
    if treated and area != treated and area == insured:
        sheet.doubt("PLATFORM_DIVISIONS_MAY_BE_SWAPPED", _TREATED, other=_INSURED)


def scheme(sheet: Sheet) -> None:
    """险种: which scheme paid. Our intake does not carry it, for the registry knows how she is insured."""
    path = "output.setlinfo.insutype"
    match sheet.code("insutype", path):
        case "MATERNITY":
            sheet.doubt("PLATFORM_SCHEME_MERGED", path)
        case "RESIDENT":
            sheet.doubt("PLATFORM_SCHEME_RESIDENT", path)
        case "OTHER":
            sheet.doubt("PLATFORM_SCHEME_OTHER", path)
    sheet.same(path, "input.data.insutype")
