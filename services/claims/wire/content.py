"""What is wrong with the content of what was sent: everything at once, coded and located; nothing is repeated back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from cradle.claims.v1 import claim_pb2, intake_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from services.claims.model import Surgery
from services.kit.dates import YEARS, from_proto
from services.kit.identifiers import holds_id_number, id_number_problems, is_male, plain, uscc_problems
from services.kit.messages import REASONS_MAX, Reason, reason

# GB/T 2260, list of 2024-11: the twelve counties of Baoji; then codes that are kept because people and feeds still
# carry them: 凤翔县 and 宝鸡县 by what became of them, the whole city, and the local code of 高新区.
COUNTIES: Final = frozenset(
    {
        "610302",
        "610303",
        "610304",
        "610305",
        "610323",
        "610324",
        "610326",
        "610327",
        "610328",
        "610329",
        "610330",
        "610331",
    }
)
ABOLISHED: Final = {"610322": "610305", "610321": "610304"}
WIDER: Final = frozenset({"610300", "610399"})

_NUMBER: Final = re.compile(r"^[0-9A-Za-z._-]{1,64}$")
_EARLIEST: Final = date(YEARS.start, 1, 1)
_DAY_S: Final = 86_400
_FIRST_S: Final = -62_135_596_800  # 0001-01-01, the first instant of a Timestamp
_SECOND_NS: Final = 1_000_000_000
_ONE_OR_MORE: Final = "≥ 1"
_OF_A_MAN: Final = {Surgery.VASECTOMY, Surgery.VASECTOMY_REVERSAL}
_OF_A_WOMAN: Final = {claim_pb2.EVENT_TYPE_DELIVERY, claim_pb2.EVENT_TYPE_MISCARRIAGE}


def number_problems(text: str, path: str) -> list[Reason]:
    """What keeps a text from being a claim number, which is repeated back: it may be anything, or somebody's own."""
    if holds_id_number(text):
        return [reason("ID_NUMBER_NOT_HERE", path)]
    return [] if _NUMBER.fullmatch(text) else [reason("FIELD_MALFORMED", path, form=_NUMBER.pattern)]


def county_of_ours(given: str) -> str:
    """The county a claim states, as it is kept: what became of an abolished one; empty for one that is not ours."""
    county = ABOLISHED.get(given, given)
    return county if county in COUNTIES or county in WIDER else ""


def claim_problems(
    claim: intake_pb2.ClaimSubmission, path: str, today: date, first_day: date, *, is_whole: bool = True
) -> list[Reason]:
    """Everything wrong with a claim, in the order of its fields. Of one whose shape is not right (`is_whole`) only what
    numbers, codes and days say by themselves: what they mean beside each other is asked of a whole claim.
    """
    event, employer = claim.event, claim.employer_uscc
    return [
        *_person_problems(claim, f"{path}.person_id_number", today, is_whole=is_whole),
        *(uscc_problems(plain(employer), f"{path}.employer_uscc") if employer else ()),
        *_county_problems(claim.county, f"{path}.county"),
        *day_problems(event.date, f"{path}.event.date", today, first_day),
        *(_event_problems(event, f"{path}.event") if is_whole else ()),
        *submit_time_problems(claim.submit_time, f"{path}.submit_time", today),
        *_husband_problems(claim.husband_id_number, f"{path}.husband_id_number", today),
        *(_cost_problems if is_whole else _cost_days)(claim, path, today),
    ]


def day_problems(value: Date, path: str, today: date, first_day: date = _EARLIEST) -> list[Reason]:
    try:
        day = from_proto(value)
    except ValueError:
        return [reason("DATE_INVALID", path)]
    if day > today:
        return [reason("DATE_IN_FUTURE", path, last=today)]
    if day < first_day:
        return [reason("DATE_TOO_EARLY", path, first=first_day)]
    return []


def submit_time_problems(value: Timestamp, path: str, today: date) -> list[Reason]:
    if value.seconds < _FIRST_S or not 0 <= value.nanos < _SECOND_NS:
        return [reason("DATE_INVALID", path)]
    if value.seconds <= _last_s(today):
        return []
    return [reason("DATE_IN_FUTURE", path, last=Timestamp(seconds=_last_s(today)).ToJsonString())]


@lru_cache(maxsize=8)
def _last_s(today: date) -> int:
    """The last second of tomorrow in UTC, a day of grace: some senders stamp local time as UTC."""
    return (today + timedelta(days=2) - date(1970, 1, 1)).days * _DAY_S - 1


def _person_problems(claim: intake_pb2.ClaimSubmission, path: str, today: date, *, is_whole: bool) -> list[Reason]:
    """She is a woman, but for two surgeries that only a man has."""
    number, event = plain(claim.person_id_number), claim.event
    if problems := id_number_problems(number, path, today):
        return problems
    if is_whole:
        may_be_a_man = event.type == claim_pb2.EVENT_TYPE_FAMILY_PLANNING_SURGERY and event.surgery in _OF_A_MAN
    else:
        may_be_a_man = event.type not in _OF_A_WOMAN
    return [reason("ID_NUMBER_NOT_THE_MOTHER", path)] if is_male(number) and not may_be_a_man else []


def _husband_problems(given: str, path: str, today: date) -> list[Reason]:
    if not given:
        return []
    number = plain(given)
    if problems := id_number_problems(number, path, today):
        return problems
    return [] if is_male(number) else [reason("ID_NUMBER_NOT_THE_HUSBAND", path)]


def _county_problems(county: str, path: str) -> list[Reason]:
    return [] if county_of_ours(county) else [reason("COUNTY_UNKNOWN", path)]


def _event_problems(event: intake_pb2.MaternityEvent, path: str) -> list[Reason]:
    problems: list[Reason] = []
    kind = event.type
    if kind == claim_pb2.EVENT_TYPE_DELIVERY:
        if not event.delivery_mode:
            problems.append(reason("FIELD_REQUIRED", f"{path}.delivery_mode"))
        if not event.infants:
            problems.append(reason("FIELD_OUT_OF_RANGE", f"{path}.infants", bounds=_ONE_OR_MORE))
        if not event.birth_order:
            problems.append(reason("FIELD_OUT_OF_RANGE", f"{path}.birth_order", bounds=_ONE_OR_MORE))
    elif kind == claim_pb2.EVENT_TYPE_FAMILY_PLANNING_SURGERY and not event.surgery:
        problems.append(reason("FIELD_REQUIRED", f"{path}.surgery"))
    return problems


def _cost_days(claim: intake_pb2.ClaimSubmission, path: str, today: date) -> list[Reason]:
    """Of lists that may be longer than they should be: as far as a person reads."""
    if claim.kind == claim_pb2.CLAIM_KIND_ALLOWANCE:
        return _cost_problems(claim, path, today)
    problems: list[Reason] = []
    for number, stay in enumerate(claim.stays[:REASONS_MAX]):
        problems += day_problems(stay.admission_date, f"{path}.stays[{number}].admission_date", today)
        problems += day_problems(stay.discharge_date, f"{path}.stays[{number}].discharge_date", today)
    for number, visit in enumerate(claim.visits[:REASONS_MAX]):
        problems += day_problems(visit.date, f"{path}.visits[{number}].date", today)
    for number, item in enumerate(claim.items[:REASONS_MAX]):
        problems += day_problems(item.date, f"{path}.items[{number}].date", today)
    return problems


def _cost_problems(claim: intake_pb2.ClaimSubmission, path: str, today: date) -> list[Reason]:
    stays, visits, items = claim.stays, claim.visits, claim.items
    if claim.kind == claim_pb2.CLAIM_KIND_ALLOWANCE:
        named = (("stays", stays), ("visits", visits), ("items", items))
        return [reason("COSTS_UNEXPECTED", f"{path}.{name}") for name, given in named if given]
    problems: list[Reason] = []
    if not (stays or visits or items):
        problems.append(reason("COSTS_REQUIRED", f"{path}.stays"))
    for number, stay in enumerate(stays):
        problems += _stay_problems(stay, f"{path}.stays[{number}]", today)
    if len(stays) > 1:
        problems += _overlaps(stays, path)
    for number, visit in enumerate(visits):
        problems += _dated_problems(visit, f"{path}.visits[{number}]", today)
    for number, item in enumerate(items):
        problems += _dated_problems(item, f"{path}.items[{number}]", today)
    if len(items) > 1:
        done = [(one.provider, one.programme, one.code, (one.date.year, one.date.month, one.date.day)) for one in items]
        problems += items_apart(done, f"{path}.items")
    return problems


def _stay_problems(stay: intake_pb2.Stay, path: str, today: date) -> list[Reason]:
    problems = [
        *day_problems(stay.admission_date, f"{path}.admission_date", today),
        *day_problems(stay.discharge_date, f"{path}.discharge_date", today),
    ]
    if not problems and from_proto(stay.discharge_date) < from_proto(stay.admission_date):
        problems.append(reason("DATES_REVERSED", f"{path}.discharge_date"))
    return problems + _charge_problems(stay.charge, f"{path}.charge")


def _overlaps(stays: Sequence[intake_pb2.Stay], path: str) -> list[Reason]:
    """Where a day is none, that is told by itself."""
    try:
        days = [(one.provider, from_proto(one.admission_date), from_proto(one.discharge_date)) for one in stays]
    except ValueError:
        return []
    return stays_overlap(days, f"{path}.stays")


def stays_overlap(stays: Sequence[tuple[str, date, date]], path: str) -> list[Reason]:
    """Nobody lies in two hospitals at once: a stay that begins before another has ended, or is another one again, would
    be paid twice. The day of a transfer belongs to both. Of each: the hospital, the admission, the discharge.
    """
    return [
        reason("STAYS_OVERLAP", f"{path}[{number}].admission_date")
        for number, (hospital, admitted, discharged) in enumerate(stays)
        if any(
            (admitted < ended and begun < discharged) or (hospital, admitted, discharged) == (other, begun, ended)
            for other, begun, ended in stays[:number]
        )
    ]


def items_apart(items: Sequence[tuple[str, object, str, object]], path: str) -> list[Reason]:
    """An item stated twice would be paid twice, and is one cost under another claim. A code under both programmes would
    be counted as one item, whose times may be limited under one of them only: each is claimed by itself. Of each: the
    institution, the programme, the code, the day.
    """
    problems: list[Reason] = []
    for number, item in enumerate(items):
        if item in items[:number]:
            problems.append(reason("ITEM_TWICE", f"{path}[{number}]"))
        elif any(item[2] == code and item[1] != programme for _, programme, code, _ in items[:number]):
            problems.append(reason("ITEM_PROGRAMMES", f"{path}[{number}].programme"))
    return problems


def _dated_problems(one: intake_pb2.Visit | intake_pb2.Item, path: str, today: date) -> list[Reason]:
    return day_problems(one.date, f"{path}.date", today) + _charge_problems(one.charge, f"{path}.charge")


def _charge_problems(charge: intake_pb2.Charge, path: str) -> list[Reason]:
    """medfee_sumamt = fulamt_ownpay_amt + overlmt_selfpay + preselfpay_amt + inscp_scp_amt, where parts are given."""
    outside_fen = charge.own_pay_fen + charge.over_limit_fen + charge.self_pay_first_fen
    if not charge.HasField("total_fen"):
        return [reason("FIELD_REQUIRED", f"{path}.total_fen")] if outside_fen else []
    if charge.policy_range_fen > charge.total_fen:
        return [reason("POLICY_RANGE_ABOVE_TOTAL", f"{path}.policy_range_fen")]
    if outside_fen and charge.policy_range_fen + outside_fen != charge.total_fen:
        return [reason("LINES_DO_NOT_ADD_UP", f"{path}.total_fen")]
    return []
