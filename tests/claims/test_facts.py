"""The public format of facts: what is read, what is refused, and that no value is ever repeated."""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

import pytest
from cradle.claims.v1 import facts_pb2
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from services.claims.model import (
    Benefit,
    Category,
    ClaimKind,
    DeliveryMode,
    DenyReason,
    Event,
    EventType,
    Facts,
    Father,
    Insured,
    Item,
    Level,
    OutOfCity,
    Paid,
    Prior,
    PriorKind,
    Programme,
    Reviewed,
    Stay,
    Surgery,
    Visit,
)
from services.claims.wire.facts import read
from services.claims.wire.plain import plain
from services.kit.errors import Invalid
from services.kit.messages import Language

WHOLE: dict[str, Any] = {
    "decision_date": "2026-03-20",
    "kind": "REIMBURSEMENT",
    "benefits": ["MEDICAL"],
    "event": {
        "type": "FAMILY_PLANNING_SURGERY",
        "date": "2026-03-10",
        "delivery_mode": "CAESAREAN",
        "dystocia": "true",
        "infants": "2",
        "birth_order": "3",
        "gestation_days": "112",
        "surgery": "4",
        "prepregnancy_check": "true",
        "registered": "false",
        "third_child": "true",
    },
    "insured": {
        "category": "FLEXIBLE",
        "own_monthly_wage_fen": "600000",
        "paid_months": ["2024-07..2025-11", "2026-03"],
        "back_paid": {"2025-12": "2026-02-10"},
        "student": "true",
    },
    "employer": {
        "average_monthly_wage_fen": {"2025": "600000", "2024": "500000"},
        "average_contribution_base_fen": {"2025": "400000"},
    },
    "father": {"leave_requested": "true", "living_apart": "true"},
    "stays": [
        {
            "hospital": "H61030200123",
            "level": "TERTIARY",
            "admission_date": "2026-03-09",
            "discharge_date": "2026-03-14",
            "policy_range_fen": "480000",
            "transfer_filed": "true",
            "out_of_city": "EMERGENCY_UNFILED",
        }
    ],
    "visits": [{"date": "2025-10-10", "policy_range_fen": "10000"}],
    "items": [
        {
            "programme": "ART",
            "code": "ART01",
            "date": "2026-01-10",
            "policy_range_fen": "90000",
            "times_before": "2",
            "out_of_city": "true",
        }
    ],
    "prior": [
        {
            "kind": "ALLOWANCE_APPROVED",
            "hospital": "H2",
            "event_date": "2025-01-01",
            "event_type": "MISCARRIAGE",
            "paid_fen": "7",
            "same_event": "false",
        }
    ],
    "paid": {"antenatal_fen": "1", "fund_fen": "2", "own_fen": "3", "catastrophic_fen": "4"},
    "reviewed": {"employer_confirmed": "true", "denied": "PAPERS_FALSE"},
}
READ = Facts(
    date(2026, 3, 20),
    Event(
        EventType.FAMILY_PLANNING_SURGERY,
        date(2026, 3, 10),
        DeliveryMode.CAESAREAN,
        dystocia=True,
        infants=2,
        birth_order=3,
        gestation_days=112,
        surgery=Surgery.INDUCTION,
        prepregnancy_check=True,
        registered=False,
        third_child=True,
    ),
    Insured(
        Category.FLEXIBLE,
        ((2024 * 12 + 6, 2025 * 12 + 10), (2026 * 12 + 2, 2026 * 12 + 2)),
        ((2025 * 12 + 11, date(2026, 2, 10)),),
        600_000,
        student=True,
    ),
    ClaimKind.REIMBURSEMENT,
    (Benefit.MEDICAL,),
    ((2024, 500_000), (2025, 600_000)),
    ((2025, 400_000),),
    Father(leave_requested=True, living_apart=True),
    (
        Stay(
            "H61030200123",
            Level.TERTIARY,
            date(2026, 3, 9),
            date(2026, 3, 14),
            480_000,
            transfer_filed=True,
            out_of_city=OutOfCity.EMERGENCY_UNFILED,
        ),
    ),
    (Visit(date(2025, 10, 10), 10_000),),
    (Item(Programme.ART, "ART01", date(2026, 1, 10), 90_000, 2, out_of_city=True),),
    (Prior(PriorKind.ALLOWANCE_APPROVED, date(2025, 1, 1), EventType.MISCARRIAGE, "H2", 7, same_event=False),),
    Paid(1, 2, 3, 4),
    Reviewed(employer_confirmed=True, denied=DenyReason.PAPERS_FALSE),
)
LEAST = {
    "decision_date": "2026-03-20",
    "event": {"type": "DELIVERY", "date": "2026-03-10"},
    "insured": {"category": "EMPLOYEE"},
}


def changed(path: str, value: object) -> dict[str, Any]:
    """The whole facts with one value changed, or taken out where it is `...`."""
    content: Any = copy.deepcopy(WHOLE)
    *steps, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    inside = content
    for step in steps:
        inside = inside[step]
    if value is ...:
        del inside[last]
    else:
        inside[last] = value
    return dict(content)


def told(content: object) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        read(content)
    return [(given.code, given.field) for given in refused.value.reasons]


def test_everything_that_can_be_stated_is_read() -> None:
    assert read(WHOLE) == READ


def test_what_is_not_stated_stands_at_its_default() -> None:
    facts = read(LEAST)

    assert facts == Facts(date(2026, 3, 20), Event(EventType.DELIVERY, date(2026, 3, 10)), Insured(Category.EMPLOYEE))
    assert facts.benefits == (Benefit.MEDICAL, Benefit.ALLOWANCE)
    assert facts.kind is ClaimKind.PROVIDER_SETTLEMENT
    assert facts.event.registered


def test_null_is_not_stated_and_an_empty_list_is() -> None:
    nothing = {**LEAST, "father": None, "insured": {"category": "EMPLOYEE", "paid_months": None}}

    assert read(nothing) == read(LEAST)
    assert read({**LEAST, "insured": {"category": "EMPLOYEE", "paid_months": []}}).insured.paid_months == ()


def test_numbers_and_flags_may_come_as_json_has_them() -> None:
    assert read(changed("event/infants", 2)) == READ
    assert read(changed("event/surgery", 4)) == READ
    assert read(changed("event/dystocia", value=True)) == READ
    assert read(changed("insured/own_monthly_wage_fen", 600_000)) == READ


def test_months_out_of_order_can_be_read_and_are_left_to_the_rules() -> None:
    assert read(changed("insured/paid_months", ["2026-03..2024-07"])).insured.paid_months == (
        (2026 * 12 + 2, 2024 * 12 + 6),
    )


@pytest.mark.parametrize(
    "fen", ["6000.5", "1e5", "1_000", " 5", "5 ", "+5", "", "６", "0x10", 1e5, 6000.0, True, [], {}]
)
def test_money_is_whole_fen(fen: object) -> None:
    assert told(changed("insured/own_monthly_wage_fen", fen)) == [("FACT_NOT_MONEY", "insured.own_monthly_wage_fen")]


def test_money_below_nothing_can_be_read_and_is_left_to_the_rules() -> None:
    assert read(changed("insured/own_monthly_wage_fen", "-1")).insured.own_monthly_wage_fen == -1


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("decision_date", "2026-02-30", "FACT_NOT_DATE"),
        ("decision_date", "20260310", "FACT_NOT_DATE"),
        ("decision_date", "2026-03-10T00:00:00", "FACT_NOT_DATE"),
        ("decision_date", "9999-12-31", "FACT_NOT_DATE"),
        ("decision_date", 20260310, "FACT_NOT_DATE"),
        ("decision_date", ..., "FACT_MISSING"),
        ("event", ..., "FACT_MISSING"),
        ("event", "DELIVERY", "FACT_NOT_MAPPING"),
        ("event/type", ..., "FACT_MISSING"),
        ("event/type", "BIRTH", "FACT_NOT_CODE"),
        ("event/type", "delivery", "FACT_NOT_CODE"),
        ("event/date", ..., "FACT_MISSING"),
        ("event/infants", "2.5", "FACT_NOT_WHOLE"),
        ("event/infants", "10000", "FACT_NOT_WHOLE"),
        ("event/infants", True, "FACT_NOT_WHOLE"),
        ("event/dystocia", "yes", "FACT_NOT_FLAG"),
        ("event/dystocia", 1, "FACT_NOT_FLAG"),
        ("event/surgery", "0", "FACT_NOT_CODE"),
        ("event/surgery", "10", "FACT_NOT_CODE"),
        ("event/mode", "VAGINAL", "FACT_UNKNOWN"),
        ("insured/category", ..., "FACT_MISSING"),
        ("insured/category", [], "FACT_NOT_CODE"),
        ("insured/paid_months", "2024-01", "FACT_NOT_LIST"),
        ("insured/paid_months/0", "2024-13", "FACT_NOT_MONTHS"),
        ("insured/paid_months/0", "2024-01...2024-02", "FACT_NOT_MONTHS"),
        ("insured/paid_months/0", 202401, "FACT_NOT_MONTHS"),
        ("insured/back_paid/2025-12", "soon", "FACT_NOT_DATE"),
        ("employer/average_monthly_wage_fen", [], "FACT_NOT_MAPPING"),
        ("employer/average_monthly_wage_fen/2025", "x", "FACT_NOT_MONEY"),
        ("father/leave_requested", ..., "FACT_MISSING"),
        ("stays", {}, "FACT_NOT_LIST"),
        ("stays/0", "H1", "FACT_NOT_MAPPING"),
        ("stays/0/level", "QUATERNARY", "FACT_NOT_CODE"),
        ("stays/0/policy_range_fen", ..., "FACT_MISSING"),
        ("stays/0/hospital", "a\nb", "FACT_NOT_TEXT"),
        ("stays/0/hospital", "x" * 65, "FACT_NOT_TEXT"),
        ("stays/0/hospital", 5, "FACT_NOT_TEXT"),
        ("items/0/code", ..., "FACT_MISSING"),
        ("prior/0/kind", "SETTLED", "FACT_NOT_CODE"),
        ("paid/fund_fen", "1.5", "FACT_NOT_MONEY"),
        ("benefits", [], "FACT_MISSING"),
        ("benefits/0", "CASH", "FACT_NOT_CODE"),
        ("notes", "x", "FACT_UNKNOWN"),
    ],
)
def test_what_does_not_fit_is_told_by_its_path(path: str, value: object, code: str) -> None:
    shown = "".join(
        f"[{part}]" if part.isdigit() and len(part) < 4 else f".{part}" for part in path.split("/")
    ).removeprefix(".")

    assert told(changed(path, value)) == [(code, shown)]


@pytest.mark.parametrize("key", ["25", "2o25", "2025-01", "1e3"])
def test_a_year_that_is_none_is_told(key: str) -> None:
    assert told(changed("employer/average_monthly_wage_fen", {key: "1"}))[0][0] == "FACT_NOT_YEAR"


@pytest.mark.parametrize("content", [None, 5, "facts", [], [{}]])
def test_what_are_no_facts_at_all_is_told(content: object) -> None:
    assert told(content) == [("FACT_NOT_MAPPING", "")]


def test_all_of_it_is_told_at_once_under_the_path_asked_for() -> None:
    with pytest.raises(Invalid) as refused:
        read({"decision_date": "x", "stays": [{}]}, "cases[3].facts")

    assert {given.field for given in refused.value.reasons} == {
        f"cases[3].facts.{name}"
        for name in (
            "decision_date",
            "event",
            "insured",
            "stays[0].level",
            "stays[0].admission_date",
            "stays[0].discharge_date",
            "stays[0].policy_range_fen",
        )
    }


def test_a_settled_cost_that_is_none_of_those_given_is_refused() -> None:
    """A slip would otherwise decide as if nothing had been paid."""
    visits = [{"date": "2025-10-10", "policy_range_fen": "10000"}] * 2
    with pytest.raises(Invalid) as raised:
        read(WHOLE | {"visits": visits, "settled": ["SURGERY/1", "STAY/1", "VISIT/2", "VISIT/3", "x"]}, "facts")

    assert [(one.code, one.field) for one in raised.value.reasons] == [
        ("FACT_NO_COST", f"facts.settled[{place}]") for place in (1, 3, 4)
    ]
    assert raised.value.reasons[0].text(Language.EN).endswith("[SURGERY/1, VISIT/1..2, ITEM/1]")
    assert read(WHOLE | {"settled": ["SURGERY/1", "VISIT/1", "ITEM/1"]}).settled == ("SURGERY/1", "VISIT/1", "ITEM/1")
    with pytest.raises(Invalid):
        read({name: value for name, value in WHOLE.items() if name != "stays"} | {"settled": ["SURGERY/1"]})


def test_an_unknown_name_is_answered_with_the_names_of_its_place() -> None:
    with pytest.raises(Invalid) as refused:
        read(changed("stays/0/levl", "x"))

    assert "admission_date" in refused.value.reasons[0].text(Language.EN)
    assert "decision_date" not in refused.value.reasons[0].text(Language.EN)


def test_no_value_and_no_odd_name_is_repeated() -> None:
    number = "61033119930415012X"
    content = {
        "decision_date": number,
        number: 1,
        "event": {"type": number, "date": number, "surgery": number},
        "insured": {"category": number, "own_monthly_wage_fen": number, "paid_months": [number], f"a {number}": 1},
        "stays": [{"hospital": number * 4}],
    }

    with pytest.raises(Invalid) as refused:
        read(content)

    words = "".join(
        f"{given.field} {given.text(Language.ZH)} {given.text(Language.EN)}" for given in refused.value.reasons
    )
    assert number not in words
    assert "?" in words


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=8,
)
PATHS = ["decision_date", "event", "event/infants", "insured/paid_months", "insured/back_paid", "stays/0", "paid"]


@settings(max_examples=300)
@given(path=st.sampled_from(PATHS), value=JSON)
def test_whatever_is_given_is_read_or_refused_by_code(path: str, value: object) -> None:
    try:
        facts = read(changed(path, value))
    except Invalid as error:
        refused = error.reasons
    else:
        assert isinstance(facts, Facts)
        return
    assert all(given.code.startswith("FACT_") for given in refused)


# --- protobuf ------------------------------------------------------------------------------------------------


def proto() -> facts_pb2.ClaimFacts:
    """The whole facts as a message."""
    content = copy.deepcopy(WHOLE)
    for place, names in {
        "": ("decision_date",),
        "event": ("date",),
        "stays": ("admission_date", "discharge_date"),
        "visits": ("date",),
        "items": ("date",),
        "prior": ("event_date",),
    }.items():
        inside: Any = content[place] if place else content
        for one in inside if isinstance(inside, list) else [inside]:
            for name in names:
                one[name] = _date(one[name])
    event, insured, stay = content["event"], content["insured"], content["stays"][0]
    event |= {"type": f"EVENT_TYPE_{event['type']}", "delivery_mode": f"DELIVERY_MODE_{event['delivery_mode']}"}
    insured |= {
        "category": f"CATEGORY_{insured['category']}",
        "paid_months": {"spans": insured["paid_months"]},
        "back_paid": {month: _date(day) for month, day in insured["back_paid"].items()},
    }
    stay |= {"level": f"LEVEL_{stay['level']}", "out_of_city": f"OUT_OF_CITY_{stay['out_of_city']}"}
    content["items"][0]["programme"] = "PROGRAMME_ART"
    content["prior"][0] |= {"kind": "PRIOR_KIND_ALLOWANCE_APPROVED", "event_type": "EVENT_TYPE_MISCARRIAGE"}
    content |= {"kind": "CLAIM_KIND_REIMBURSEMENT", "benefits": ["BENEFIT_MEDICAL"]}
    message = facts_pb2.ClaimFacts()
    return json_format.ParseDict(_flags(content), message)


def _date(text: str) -> dict[str, int]:
    year, month, day = map(int, text.split("-"))
    return {"year": year, "month": month, "day": day}


def _flags(content: Any) -> Any:
    match content:
        case dict():
            return {name: _flags(value) for name, value in content.items()}
        case list():
            return [_flags(value) for value in content]
        case "true" | "false":
            return content == "true"
        case _:
            return content


def test_a_message_says_what_a_file_says() -> None:
    assert read(plain(proto())) == READ


def test_every_name_of_a_file_is_in_the_message() -> None:
    def names(message: Any) -> set[str]:
        return {field.name for field in message.DESCRIPTOR.fields}

    assert names(facts_pb2.ClaimFacts) == set(WHOLE)
    for part, message in {
        "event": facts_pb2.EventFacts,
        "insured": facts_pb2.InsuredFacts,
        "employer": facts_pb2.EmployerFacts,
        "father": facts_pb2.FatherFacts,
        "paid": facts_pb2.PaidFacts,
        "reviewed": facts_pb2.ReviewedFacts,
    }.items():
        assert names(message) == set(WHOLE[part])
    for part, message in {
        "stays": facts_pb2.StayFacts,
        "visits": facts_pb2.VisitFacts,
        "items": facts_pb2.ItemFacts,
        "prior": facts_pb2.PriorFacts,
    }.items():
        assert names(message) == set(WHOLE[part][0])


def test_months_that_are_set_and_empty_were_stated() -> None:
    message = proto()
    message.insured.paid_months.Clear()
    message.insured.paid_months.SetInParent()
    assert read(plain(message)).insured.paid_months == ()

    message.insured.ClearField("paid_months")
    assert read(plain(message)).insured.paid_months is None
