"""How claims go wrong on their way: one function for each kind of dirt, named as in `city.yaml`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from cradle.claims.v1 import intake_pb2
from google.type.date_pb2 import Date

from deploy.demo import remarks
from deploy.demo.births import Birth
from deploy.demo.draw import Weighted
from deploy.demo.employers import Employer
from deploy.demo.figures import Dirt, Figures
from deploy.demo.identity import USCC_ALPHABET, Numbers, id_check_digit, uscc_check
from deploy.demo.people import Woman, father_of

_FULL_WIDTH: Final = str.maketrans("0123456789X", "".join(chr(ord(letter) + 0xFEE0) for letter in "0123456789X"))
_PLACEHOLDER: Final = "\x7f"


@dataclass(frozen=True, slots=True)
class Case:
    """What a sender knows of a claim, and the city around it."""

    figures: Figures
    numbers: Numbers
    employers: Weighted[Employer]
    woman: Woman
    birth: Birth


Spoil = Callable[[Random, Case, intake_pb2.ClaimSubmission], None]


def spoil(rng: Random, kind: str, case: Case, claim: intake_pb2.ClaimSubmission) -> str:
    """Spoil a claim in place and tell how, sometimes in a second field too: `id_15_digits+county_unknown`."""
    field, change = FIELDS[kind]
    change(rng, case, claim)
    dirt = case.figures.dirt
    if field == "whole" or dirt.kinds[kind].effect != "RETURN" or rng.random() >= dirt.several_share:
        return kind
    second = _elsewhere(dirt, field).draw(rng)
    FIELDS[second][1](rng, case, claim)
    return f"{kind}+{second}"


def _elsewhere(dirt: Dirt, field: str) -> Weighted[str]:
    """What else may be wrong at the same time and is returned like the first."""
    return Weighted.of(
        (kind, dirt.kinds[kind].weight)
        for kind, (its_field, _) in FIELDS.items()
        if its_field not in {field, "whole"} and dirt.kinds[kind].effect == "RETURN"
    )


def effect(figures: Figures, truth: str) -> str:
    """What a truth calls for: the effect of its (first) kind, or the truth itself where it is no dirt."""
    kind = figures.dirt.kinds.get(truth.partition("+")[0])
    return kind.effect if kind else truth


# --- her ID number ---------------------------------------------------------------------------------------------------


def _id_check_digit(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    number = claim.person_id_number
    match case.figures.dirt.how("id_check_digit").draw(rng):
        case "two_swapped":
            wrong = _swapped(rng, number)
        case "birth_day_month_swapped":
            wrong = number[:10] + number[12:14] + number[10:12] + number[14:]
        case "last_missing":
            wrong = number[:17]
        case _:
            wrong = _one_digit_off(rng, number)
    is_still_valid = len(wrong) == 18 and id_check_digit(wrong[:17]) == wrong[17]
    claim.person_id_number = _one_digit_off(rng, number) if is_still_valid else wrong


def _one_digit_off(rng: Random, number: str) -> str:
    place = rng.randrange(17)
    other = (int(number[place]) + rng.randint(1, 9)) % 10
    return f"{number[:place]}{other}{number[place + 1 :]}"


def _swapped(rng: Random, number: str) -> str:
    """Two neighbours that differ; GB 11643 notices every such swap."""
    places = [place for place in range(16) if number[place] != number[place + 1]]
    place = rng.choice(places)
    return number[:place] + number[place + 1] + number[place] + number[place + 2 :]


def _id_full_width_or_lower_x(rng: Random, _case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    number = claim.person_id_number
    is_lower = number.endswith("X") and rng.random() < 0.5
    claim.person_id_number = number.lower() if is_lower else number.translate(_FULL_WIDTH)


def _id_15_digits(_rng: Random, _case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    """The form before 1999: no century, no check digit."""
    claim.person_id_number = claim.person_id_number[:6] + claim.person_id_number[8:17]


def _id_of_father(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    claim.person_id_number = father_of(rng, case.figures, case.numbers, case.woman)


# --- her employer ----------------------------------------------------------------------------------------------------


def _employer_code_bad(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    code = claim.employer_uscc
    match case.figures.dirt.how("employer_code_bad").draw(rng):
        case "old_9_char_org_code":
            claim.employer_uscc = code[8:17]
        case "letter_o_for_zero":
            claim.employer_uscc = code.replace("0", "O", 1)
        case _:
            wrong = rng.choice([letter for letter in USCC_ALPHABET if letter != uscc_check(code[:17])])
            claim.employer_uscc = code[:17] + wrong


def _employer_unknown(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    employer = case.woman.employer
    claim.employer_uscc = case.numbers.employer(rng, employer.uscc[:2], employer.county.code)


def _employer_not_hers(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    while claim.employer_uscc == case.woman.employer.uscc:
        claim.employer_uscc = case.employers.draw(rng).uscc


# --- the rest of the claim -------------------------------------------------------------------------------------------


def _order_counts_pregnancies(_rng: Random, _case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    claim.event.birth_order += 1


def _county(kind: str) -> Spoil:
    def change(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
        claim.county = case.figures.dirt.how(kind).draw(rng)

    return change


def _future_date(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    if case.figures.dirt.how("future_date").draw(rng) == "placeholder_2099":
        claim.event.date.CopyFrom(Date(year=2099, month=12, day=31))
    else:
        claim.event.date.year += 1


def _date_impossible(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    year, month, day = map(int, case.figures.dirt.how("date_impossible").draw(rng).split("-"))
    claim.event.date.CopyFrom(Date(year=year, month=month, day=day))


def _amount_times_100(_rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    claim.claimed_fen = asked_fen(case) * 100
    claim.own_monthly_wage_fen = case.woman.own_wage_yuan * 100 * 100


def _amount_absurd(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    claim.claimed_fen = int(case.figures.dirt.how("amount_absurd").draw(rng))


def _amount_negative(_rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    claim.claimed_fen = -asked_fen(case)


def _required_missing(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    field = case.figures.dirt.how("required_missing").draw(rng)
    if field == "infants":
        claim.event.ClearField("infants")
    else:
        claim.ClearField(field)  # type: ignore[arg-type]  # the names come from city.yaml, and a test draws them all


def _text_damaged(rng: Random, _case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    claim.remark = remarks.damaged(rng, claim.remark)


def _text_any_script(rng: Random, case: Case, claim: intake_pb2.ClaimSubmission) -> None:
    claim.remark = remarks.in_any_script(rng, case.figures.remarks, claim.remark)


def asked_fen(case: Case) -> int:
    """What the sender reckons: the employer's wage of the year before, for the nationally paid days."""
    days, birth = case.figures.sending.claimed_days, case.birth
    total = days["base"] + days["extra_infant"] * (birth.infants - 1)
    total += days["dystocia"] if birth.dystocia or birth.is_caesarean else 0
    wages = case.woman.employer.record.average_monthly_wage_fen
    wage_fen = wages.get(birth.date.year - 1) or case.woman.own_wage_yuan * 100
    return (wage_fen * total + days["month"] // 2) // days["month"]


# Each kind with the field it spoils; `whole` stands alone.
FIELDS: Final[Mapping[str, tuple[str, Spoil]]] = {
    "id_check_digit": ("id", _id_check_digit),
    "id_full_width_or_lower_x": ("id", _id_full_width_or_lower_x),
    "id_15_digits": ("id", _id_15_digits),
    "id_of_father": ("id", _id_of_father),
    "order_counts_pregnancies": ("order", _order_counts_pregnancies),
    "county_old_or_pseudo": ("county", _county("county_old_or_pseudo")),
    "county_unknown": ("county", _county("county_unknown")),
    "employer_code_bad": ("employer", _employer_code_bad),
    "employer_unknown": ("whole", _employer_unknown),
    "employer_not_hers": ("employer", _employer_not_hers),
    "future_date": ("date", _future_date),
    "date_impossible": ("date", _date_impossible),
    "amount_times_100": ("amount", _amount_times_100),
    "amount_absurd": ("amount", _amount_absurd),
    "amount_negative": ("amount", _amount_negative),
    "required_missing": ("whole", _required_missing),
    "text_damaged": ("remark", _text_damaged),
    "text_any_script": ("remark", _text_any_script),
}


# --- bytes -----------------------------------------------------------------------------------------------------------


def serialize(intake: intake_pb2.ClaimIntake) -> bytes:
    return intake.SerializeToString(deterministic=True)


def spoilt_bytes(rng: Random, kind: str, case: Case, intake: intake_pb2.ClaimIntake) -> bytes:
    """A record that no reader of the contract can read."""
    match kind:
        case "gbk_bytes_in_utf8":
            return _with_remark(intake, _not_utf8(rng, case, intake.submit.claim.remark))
        case "empty_message":
            return b""
        case "oversize_message":
            size = case.figures.dirt.oversize_bytes
            scan = rng.randbytes(size // 2).hex()  # a scanned page, pasted where a note belongs
            return _with_remark(intake, scan.encode())
        case _:
            return _not_a_message(rng, case, intake)


def _not_utf8(rng: Random, case: Case, text: str) -> bytes:
    if case.figures.dirt.how("gbk_bytes_in_utf8").draw(rng) == "gbk":
        return text.encode("gbk", errors="replace")
    return text.encode()[:-1]


def _with_remark(intake: intake_pb2.ClaimIntake, remark: bytes) -> bytes:
    """Protobuf refuses to write such a text; a sender with a library of its own does not."""
    intake.submit.claim.remark = _PLACEHOLDER * len(remark)
    return serialize(intake).replace(_PLACEHOLDER.encode() * len(remark), remark)


def _not_a_message(rng: Random, case: Case, intake: intake_pb2.ClaimIntake) -> bytes:
    claim = intake.submit.claim
    match case.figures.dirt.how("bytes_not_a_message").draw(rng):
        case "json":
            content = {"claimNumber": claim.claim_number, "kind": "ALLOWANCE", "remark": claim.remark}
            return json.dumps(content, ensure_ascii=False).encode()
        case "xml":
            return f'<?xml version="1.0" encoding="UTF-8"?><claim no="{claim.claim_number}"/>'.encode()
        case "truncated":
            return serialize(intake)[: -rng.randint(10, 60)]
        case _:
            return b"\xff" + rng.randbytes(rng.randint(20, 200))
