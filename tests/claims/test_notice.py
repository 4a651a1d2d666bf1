"""The notice as it is handed over: complete, told the same in both languages, honest about its sources, on the page.

`python -m tests.claims.test_notice` writes the two samples of docs/notices.md anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import orjson
import pytest
import yaml

from services.claims import rules
from services.claims.model import (
    Benefit,
    Category,
    Claim,
    ClaimKind,
    DeliveryMode,
    DenyReason,
    Determination,
    Event,
    EventType,
    Facts,
    Father,
    Insured,
    Item,
    Level,
    LineKind,
    OutOfCity,
    Paid,
    Prior,
    PriorKind,
    Programme,
    Reviewed,
    State,
    Stay,
    StepView,
    Surgery,
    Visit,
)
from services.claims.rules.history import REVISIONS
from services.claims.wire.notice import Subject, citation, notice, since, step_text, trace_step
from services.claims.wire.notice.layout import WIDTH, table, width, wrapped
from services.kit import messages
from services.kit.dates import month_of
from services.kit.law import Law, canonical, from_content
from services.kit.messages import CATALOGUE, Language
from services.kit.money import yuan

PAGE: Final = Path(__file__).parents[2] / "docs" / "notices.md"
STORED: Final = Path(__file__).parent / "data" / "stored-2026.1.ndjson"
COMMAND: Final = ".venv/bin/python -m tests.claims.test_notice"

SUBJECT: Final = Subject("BJ-2026-000123", "counter", 1)
HOSPITAL, OTHER = "H61030200123", "H61030300456"
DAY: Final = date(2026, 3, 10)
MONEY: Final = re.compile(r"-?\d{1,3}(?:,\d{3})*\.\d{2}")
STEP: Final = re.compile(r" {0,2}(\d+)\. ")


def months(first: str, last: str) -> tuple[int, int]:
    return month_of(date.fromisoformat(f"{first}-01")), month_of(date.fromisoformat(f"{last}-01"))


def delivery(**given: object) -> Event:
    return Event(EventType.DELIVERY, DAY, DeliveryMode.VAGINAL, birth_order=1)._replace(**given)  # type: ignore[arg-type]


def stay(fen: int, hospital: str = HOSPITAL, **given: object) -> Stay:
    made = Stay(hospital, Level.TERTIARY, date(2026, 3, 9), date(2026, 3, 14), fen)
    return made._replace(**given)  # type: ignore[arg-type]


def art(day: int, code: str = "311201026", **given: object) -> Item:
    return Item(Programme.ART, code, date(2026, 2, day), 300000)._replace(**given)  # type: ignore[arg-type]


EMPLOYEE: Final = Insured(Category.EMPLOYEE, (months("2024-01", "2026-03"),), own_monthly_wage_fen=810000)
SIMPLE: Final = Facts(
    date(2026, 3, 20), delivery(), EMPLOYEE, ClaimKind.ALLOWANCE, (Benefit.ALLOWANCE,), ((2025, 540000),)
)
BOTH: Final = SIMPLE._replace(
    kind=ClaimKind.PROVIDER_SETTLEMENT, benefits=(Benefit.MEDICAL, Benefit.ALLOWANCE), stays=(stay(520000),)
)
MEDICAL: Final = BOTH._replace(benefits=(Benefit.MEDICAL,))
MISCARRIAGE: Final = SIMPLE._replace(event=Event(EventType.MISCARRIAGE, DAY, gestation_days=111))
SPOUSE: Final = BOTH._replace(insured=Insured(Category.SPOUSE_OF_EMPLOYEE), kind=ClaimKind.REIMBURSEMENT)
SHORT: Final = SIMPLE._replace(
    decision_date=date(2026, 5, 10),
    event=delivery(date=date(2026, 4, 20)),
    insured=Insured(
        Category.EMPLOYEE,
        (months("2024-07", "2025-11"), months("2026-01", "2026-04")),
        ((month_of(date(2025, 12, 1)), date(2026, 4, 8)),),
        650000,
    ),
    employer_wages=((2025, 620000),),
)
TWINS: Final = BOTH._replace(
    event=delivery(mode=DeliveryMode.CAESAREAN, infants=2), employer_wages=((2025, 750000),), stays=(stay(980000),)
)

NEAR: Final = Prior(PriorKind.ALLOWANCE_APPROVED, date(2026, 1, 10))
CASES: Final[Mapping[str, Facts]] = {
    "simple": SIMPLE,
    "caesarean twins": TWINS,
    "third child with father": SIMPLE._replace(
        event=delivery(birth_order=3, prepregnancy_check=True), father=Father(leave_requested=True, living_apart=True)
    ),
    "father at hand": SIMPLE._replace(father=Father(leave_requested=True)),
    "triplets at first": SIMPLE._replace(event=delivery(infants=3)),
    "before direct payment": SIMPLE._replace(
        decision_date=date(2025, 8, 28),
        event=delivery(date=date(2025, 8, 20)),
        employer_wages=((2024, 540000),),
        insured=EMPLOYEE._replace(paid_months=(months("2023-01", "2025-08"),)),
    ),
    "miscarriage": MISCARRIAGE,
    "miscarriage, late": MISCARRIAGE._replace(event=MISCARRIAGE.event._replace(gestation_days=112)),
    "miscarriage, no gestation": MISCARRIAGE._replace(event=MISCARRIAGE.event._replace(gestation_days=None)),
    "short contributions": SHORT,
    "uninsured": BOTH._replace(
        insured=Insured(Category.UNINSURED_EMPLOYEE, own_monthly_wage_fen=720000),
        visits=(Visit(date(2026, 1, 8), 45000),),
        items=(art(1),),
    ),
    "spouse": SPOUSE,
    "spouse, settled as resident": SPOUSE._replace(
        prior=(Prior(PriorKind.RESIDENT_SETTLED, DAY, hospital=HOSPITAL, paid_fen=292500),)
    ),
    "unemployment benefit": BOTH._replace(insured=Insured(Category.UNEMPLOYMENT_BENEFIT)),
    "flexible": BOTH._replace(insured=Insured(Category.FLEXIBLE, (months("2025-01", "2026-03"),))),
    "resident, ordinary and catastrophic": MEDICAL._replace(
        insured=Insured(Category.RESIDENT, student=True),
        kind=ClaimKind.REIMBURSEMENT,
        stays=(stay(9_500_000, out_of_city=OutOfCity.EMERGENCY_UNFILED),),
        paid=Paid(own_fen=300000),
    ),
    "resident, at the cap": MEDICAL._replace(
        insured=Insured(Category.RESIDENT), stays=(stay(9_500_000),), paid=Paid(fund_fen=12_900_000)
    ),
    "resident asks for an allowance": SIMPLE._replace(
        insured=Insured(Category.RESIDENT), benefits=(Benefit.ALLOWANCE,)
    ),
    "resident states no cost": SIMPLE._replace(insured=Insured(Category.RESIDENT), benefits=(Benefit.MEDICAL,)),
    "duplicate stay": MEDICAL._replace(prior=(Prior(PriorKind.DELIVERY_SETTLED, DAY, paid_fen=450000),)),
    "duplicate allowance": SIMPLE._replace(prior=(Prior(PriorKind.ALLOWANCE_APPROVED, DAY),)),
    "duplicate miscarriage": MISCARRIAGE._replace(
        prior=(Prior(PriorKind.ALLOWANCE_APPROVED, DAY, EventType.MISCARRIAGE),)
    ),
    "near another": SIMPLE._replace(prior=(NEAR,)),
    "transfer": MEDICAL._replace(
        stays=(stay(450000), stay(480000, OTHER, transfer_filed=True, out_of_city=OutOfCity.TRANSFER_FILED))
    ),
    "wage missing": SIMPLE._replace(employer_wages=(), insured=EMPLOYEE._replace(own_monthly_wage_fen=None)),
    "own wage missing": SIMPLE._replace(insured=EMPLOYEE._replace(own_monthly_wage_fen=None)),
    "paid under another number": SPOUSE._replace(settled=("STAY/1",)),
    "visits": MEDICAL._replace(
        stays=(),
        visits=(Visit(date(2025, 11, 3), 32000), Visit(date(2026, 1, 8), 45000), Visit(date(2026, 2, 9), 20000)),
    ),
    "surgery without rates": BOTH._replace(
        event=Event(EventType.FAMILY_PLANNING_SURGERY, DAY, surgery=Surgery.LIGATION_REVERSAL)
    ),
    "surgery": SIMPLE._replace(event=Event(EventType.FAMILY_PLANNING_SURGERY, DAY, surgery=Surgery.LIGATION)),
    "items": MEDICAL._replace(
        stays=(),
        items=(
            art(1, times_before=3),
            art(5, code="311201027", out_of_city=True),
            art(6, code="X99"),
            Item(Programme.ANALGESIA, "330100015", DAY, 90000),
        ),
    ),
    "impossible": BOTH._replace(event=delivery(infants=0), stays=(stay(-1),)),
    "not registered": SIMPLE._replace(event=delivery(registered=False)),
    "flat": TWINS._replace(benefits=(Benefit.MEDICAL,), stays=(stay(500000), stay(400000, OTHER))),
    "flat, paid back": MEDICAL._replace(kind=ClaimKind.REIMBURSEMENT, stays=(stay(150000),)),
    "by contribution base": SIMPLE._replace(employer_bases=((2025, 2_000_000),)),
    "no contribution base": SIMPLE,
    "the fund pays the extension": SIMPLE,
    "low wages": SIMPLE,
    "third child found": SIMPLE._replace(event=delivery(infants=2, birth_order=2, third_child=True)),
    "no third child found": SIMPLE._replace(event=delivery(infants=2, birth_order=2, third_child=False)),
    "found another event": SIMPLE._replace(prior=(NEAR._replace(same_event=False),)),
    "found the same event": SIMPLE._replace(prior=(NEAR._replace(same_event=True),)),
    "employer confirmed": SIMPLE._replace(reviewed=Reviewed(employer_confirmed=True)),
    **{f"denied, {why}": SIMPLE._replace(reviewed=Reviewed(denied=why)) for why in DenyReason},
    "before the law held": SIMPLE._replace(decision_date=date(2015, 3, 20), event=delivery(date=date(2015, 3, 10))),
}
FLAT: Final = {
    "medical.delivery.mode": "FLAT",
    "medical.flat.vaginal": "300000",
    "medical.flat.caesarean": "500000",
    "medical.flat.extra_infant": "80000",
}
GIVEN: Final[Mapping[str, Mapping[str, str]]] = {
    "visits": {"medical.antenatal.cap_per_pregnancy": "60000"},
    "items": {"art.items": "311201026,311201027"},
    "not registered": {"policy.require_registration": "true"},
    "flat": FLAT,
    "flat, paid back": FLAT,
    "by contribution base": {
        "allowance.base_source": "UNIT_AVG_CONTRIB_BASE",
        "allowance.base.cap_monthly": "1395000",
        "allowance.divisor": "365",
        "allowance.divisor_months": "12",
    },
    "no contribution base": {"allowance.base_source": "UNIT_AVG_CONTRIB_BASE"},
    "the fund pays the extension": {"allowance.fund_days.local60": "true"},
    "low wages": {"allowance.base.floor_monthly": "560000"},
}
SAMPLES: Final = (("caesarean twins", Language.ZH), ("short contributions", Language.EN))


def decided(name: str) -> tuple[Determination, Law]:
    law = rules.LAW.given(GIVEN[name]) if name in GIVEN else rules.LAW
    return rules.decide(CASES[name], law), law


def page(name: str, language: Language, subject: Subject | None = SUBJECT) -> str:
    determination, law = decided(name)
    return notice(subject, determination, CASES[name], law, rules.REVISION, language)


def pages(name: str) -> list[str]:
    return [page(name, language) for language in Language]


every_case = pytest.mark.parametrize("name", CASES)


# --- the page --------------------------------------------------------------------------------------------------------


@every_case
def test_no_line_is_wider_than_the_page(name: str) -> None:
    for text in [*pages(name), *(page(name, language, None) for language in Language)]:
        assert [line for line in text.splitlines() if width(line) > WIDTH] == []
        assert [line for line in text.splitlines() if line != line.rstrip()] == []
        assert "\n\n\n" not in text


@every_case
def test_both_languages_say_the_same(name: str) -> None:
    chinese, english = pages(name)

    assert steps_of(chinese) == steps_of(english)
    assert sorted(MONEY.findall(chinese)) == sorted(MONEY.findall(english))
    assert len(sections(chinese)) == len(sections(english))


@every_case
def test_every_step_stands_on_the_page_once(name: str) -> None:
    determination, law = decided(name)
    said = page(name, Language.EN)

    once = [
        *determination.trace,
        *(s for line in determination.lines for s in line.trace if s not in determination.trace),
    ]
    assert steps_of(said) == list(range(1, len(once) + 1))
    flat = re.sub(r"\s+", " ", said)
    for step in once:
        assert step_text(step, Language.EN) in flat
        assert citation(step, law, Language.EN) in flat


@every_case
def test_every_word_is_in_its_own_language(name: str) -> None:
    english = page(name, Language.EN)

    assert not re.search(r"[\u4e00-\u9fff]", english)
    for text in pages(name):
        assert not re.search(r"[A-Z]{2,}_[A-Z]+|\{|\}|None|[a-z]+\.[a-z_]+\.[a-z_]+", text)


@every_case
def test_nothing_on_it_names_a_person(name: str) -> None:
    for text in pages(name):
        assert not re.search(r"(?<!\d)\d{17}[\dX]", text)
        assert "http" not in text


@every_case
def test_what_was_stored_reads_as_what_was_decided(name: str) -> None:
    """Dates have become text, and enums their codes."""
    determination, law = decided(name)
    stored = Determination.from_data(orjson.loads(canonical(determination.as_data())))
    facts = Facts.from_data(orjson.loads(canonical(CASES[name].as_data())))

    for language in Language:
        assert notice(SUBJECT, stored, facts, law, rules.REVISION, language) == page(name, language)


def steps_of(text: str) -> list[int]:
    return [int(found[1]) for line in text.splitlines() if (found := STEP.match(line))]


def sections(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(r"[A-G]\. |[一二三四五六七]、", line)]


def part(text: str, title: str) -> str:
    """One section, without its heading."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if re.fullmatch(rf"[A-G]\. {title}", line))
    end = next((n for n in range(start + 1, len(lines)) if re.match(r"[A-G]\. |---", lines[n])), len(lines))
    return "\n".join(lines[start + 1 : end])


def test_the_cases_go_through_every_sentence_and_every_reason() -> None:
    of_the_first_rules = {"CATEGORY", "SAME_DELIVERY"}
    results = [decided(name)[0] for name in CASES]

    said = {StepView.of(step).rule for result in results for step in result.steps()}
    of_certification = yaml.safe_load(
        (Path(messages.__file__).with_name("texts") / "certification.yaml").read_text("utf-8")
    )
    ours = {
        code.removeprefix("STEP_") for code in CATALOGUE if code.startswith("STEP_") and code not in of_certification
    }
    assert ours - said == of_the_first_rules
    assert {reason for result in results for reason in result.reasons} >= {"CAP_REACHED", "ITEM_COUNT_REACHED"}


# --- sums ------------------------------------------------------------------------------------------------------------


@every_case
def test_the_sums_are_the_figures(name: str) -> None:
    determination, _ = decided(name)
    figures = determination.figures
    result = part(page(name, Language.EN), "Result")

    for line in determination.lines:
        if line.amount_fen:
            assert yuan(line.amount_fen) in result
    total = figures.allowance_fen + figures.medical_fen + figures.catastrophic_fen
    assert total == sum(line.amount_fen for line in determination.lines)
    if len(determination.lines) > 1 and total:
        assert re.search(rf"Sum[a-z ]* +{re.escape(yuan(total))}", result)
    owed = sum(filter(None, [figures.employer_topup_fen, figures.employer_leave_fen, figures.employer_liability_fen]))
    assert (f"The employer owes {yuan(owed)} yuan" in re.sub(r"\s+", " ", result)) == bool(owed)


def test_each_payee_has_a_sum_where_there_are_two() -> None:
    result = part(page("caesarean twins", Language.EN), "Result")

    assert re.search(r"of it to you +32,000\.00", result)
    assert re.search(r"of it to the hospital +9,800\.00", result)


def test_what_waits_has_no_amount_yet() -> None:
    result = part(page("surgery without rates", Language.EN), "Result")

    assert re.search(r"Maternity allowance +waiting +open", result)
    assert not MONEY.search(result)


def test_the_employer_s_part_is_added_up() -> None:
    owed = part(page("short contributions", Language.EN), "What the employer owes")

    assert re.search(r"Wages for leave the fund does not pay +13,000\.00", owed)
    assert re.search(r"What the fund refuses and the employer bears +21,233\.33", owed)
    assert re.search(r"Sum +34,233\.33", owed)


@pytest.mark.parametrize("name", ["spouse", "flexible", "unemployment benefit", "duplicate stay", "impossible"])
def test_who_has_no_employer_or_asks_for_nothing_of_it_reads_nothing_of_one(name: str) -> None:
    assert not any("What the employer owes" in line for line in sections(page(name, Language.EN)))


@pytest.mark.parametrize("name", ["own wage missing", "wage missing"])
def test_a_wage_not_stated_is_told_not_counted_as_nothing(name: str) -> None:
    owed = part(page(name, Language.EN), "What the employer owes")

    assert "Your own monthly wage before the leave was not stated" in owed
    assert not MONEY.search(owed)


# --- what it says ----------------------------------------------------------------------------------------------------


@every_case
def test_every_reason_is_told(name: str) -> None:
    determination, _ = decided(name)
    flat = re.sub(r"\s+", " ", part(page(name, Language.EN), "Result"))

    for code in determination.reasons:
        assert CATALOGUE[code][Language.EN] in flat


@every_case
def test_a_result_on_a_placeholder_says_so_at_the_top(name: str) -> None:
    determination, _ = decided(name)
    said = page(name, Language.EN)
    sure = {view.status for view in map(StepView.of, determination.steps()) if view.parameter}
    paid = [line for line in determination.lines if line.outcome is State.APPROVED and line.kind is LineKind.STAY]

    assert ("A placeholder was used" in said or "a placeholder was used" in said) == ("placeholder" in sure)
    assert ("From a secondary source" in said) == ("secondary" in sure)
    if any(StepView.of(step).status == "placeholder" for line in paid for step in line.trace):
        assert "PLEASE NOTE" in part(said, "Result").split("Benefit")[0]


def test_a_result_on_nothing_but_what_was_read_has_no_marks() -> None:
    said = page("duplicate stay", Language.EN)

    assert "PLEASE NOTE" not in said
    assert not re.search(r"\d [!*]$", said, re.MULTILINE)


def test_what_somebody_gave_for_one_calculation_is_not_called_law() -> None:
    said = page("visits", Language.EN, None)

    assert "Given by the user and not checked" in said
    assert "since" not in said


def test_a_calculation_says_that_it_is_none_of_a_decision() -> None:
    chinese, english = (page("simple", language, None) for language in Language)

    assert "not a decision" in english
    assert "不是核定决定" in chinese
    assert SUBJECT.number not in english + chinese
    assert "approved." not in part(english, "Result").splitlines()[0]
    assert "seal" not in english


@every_case
def test_every_notice_tells_the_remedies_and_no_time_limit_of_ours(name: str) -> None:
    chinese, english = pages(name)

    assert "art. 83" in re.sub(r"\s+", " ", english)
    assert "第八十三条" in re.sub(r"\s+", "", chinese)
    assert "0917-12393" in chinese
    assert not re.search(r"\d+ ?(?:日|天|days|months) ?(?:内|of receiving)", chinese + english)


@pytest.mark.parametrize(
    ("state", "revisions", "said"),
    [
        (State.APPROVED, 1, None),
        (State.PENDED, 2, "the claim was corrected since and stands at revision 2;"),
        (State.RETURNED, 3, "the claim was corrected since and stands at revision 3;"),
        (State.VOIDED, 1, "the claim was voided since; what follows is no longer in force."),
        (State.VOIDED, 2, "the claim was voided since; what follows is no longer in force."),
        (State.REVERSED, 1, "the claim was voided since, after it was paid; what was paid is asked back."),
    ],
)
def test_what_no_longer_says_how_the_claim_stands_says_so_before_its_result(
    state: State, revisions: int, said: str | None
) -> None:
    on, at = date(2026, 3, 10), datetime(2026, 3, 20, tzinfo=UTC)
    claim = Claim(UUID(int=1), "counter", SUBJECT.number, 1, state, "610302", on, None, (b"",) * revisions, at, at)
    about = SUBJECT._replace(since=since(claim, revision=1))

    head = page("caesarean twins", Language.EN, about).split("A. Result")[0]
    assert ("PLEASE NOTE" in head) == (said is not None)
    assert (said or "") in re.sub(r"\s+", " ", head)
    assert ("请注意" in page("caesarean twins", Language.ZH, about).split("一、")[0]) == (said is not None)


def test_what_by_law_is_no_part_of_the_result_is_told() -> None:
    flat = re.sub(r"\s+", " ", page("spouse", Language.EN))

    assert "Unemployed spouse of an employee: by law there is no maternity allowance" in flat


def test_facts_that_cannot_be_are_named_in_words() -> None:
    assert "To be corrected: number of infants, cost of stay 1." in re.sub(r"\s+", " ", page("impossible", Language.EN))


def test_what_is_older_than_the_law_held_is_not_promised_to_be_set() -> None:
    flat = re.sub(r"\s+", " ", page("before the law held", Language.EN))

    assert "No rule is held for the date of this case on: days of the Shaanxi extension." in flat
    assert "To be set by the authority" not in flat


def test_the_length_of_a_pregnancy_reads_as_a_hospital_writes_it() -> None:
    assert "孕15周6天（111天），不足16周（112天）" in re.sub(r"\n\s*", "", page("miscarriage", Language.ZH))
    assert "16 weeks (112 days)" in page("miscarriage, late", Language.EN)


def test_one_is_told_from_many() -> None:
    assert "1 day" in step_text(("LEAVE_BASE", {"days": 1, "times": 1}, "LABOUR_7_1"), Language.EN)
    assert "98 days" in step_text(("LEAVE_BASE", {"days": 98, "times": 1}, "LABOUR_7_1"), Language.EN)


def test_a_step_for_the_api_has_its_fields() -> None:
    determination, law = decided("simple")
    made = [trace_step(step, law, Language.EN) for step in determination.steps()]

    total = next(step for step in made if step.rule == "ALLOWANCE")
    assert (total.result, total.parameter, total.status) == ("1764000", "allowance.divisor", "placeholder")
    assert total.text == "Allowance: 5,400.00 yuan / 30 x 98 days = 17,640.00 yuan."
    assert all(step.text and step.article for step in made)


@pytest.mark.skipif(not STORED.exists(), reason="no results of revision 2026.1 are kept")
def test_results_of_the_first_rules_still_read() -> None:
    rows = [orjson.loads(line) for line in STORED.read_bytes().splitlines()]
    laws = {row["digest"]: from_content(row["content"]) for row in rows if "content" in row}
    revision, first = REVISIONS["2026.1"], next(iter(laws.values()))
    results = [row for row in rows if "result" in row]

    assert results
    for row in results:
        facts, result = (orjson.loads(one) if isinstance(one, str) else one for one in (row["facts"], row["result"]))
        law = next((laws[value] for value in row.values() if isinstance(value, str) and value in laws), first)
        for language in Language:
            said = notice(SUBJECT, revision.lift_result(result), revision.lift_facts(facts), law, "2026.1", language)
            assert all(width(line) <= WIDTH for line in said.splitlines())


# --- layout ----------------------------------------------------------------------------------------------------------


def test_a_line_does_not_begin_with_a_stop_nor_end_with_an_opening() -> None:
    for columns in range(12, 60):
        lines = wrapped("依据：《女职工劳动保护特别规定》第七条（98天，自2012年4月28日起）。", columns=columns)
        assert [line for line in lines if line[0] in "，。；：）》" or line[-1] in "（《"] == []
        assert all(width(line) <= columns + 4 for line in lines)


def test_a_word_longer_than_the_line_is_broken() -> None:
    lines = wrapped("x" * 200, "  ")

    assert "".join(line.strip() for line in lines) == "x" * 200
    assert max(map(width, lines)) <= WIDTH


def test_a_table_stands_in_columns_whatever_the_script() -> None:
    lines = table(
        ("项目", "结果", "金额", "支付给"), [("生育津贴", "核准", "1.00", "本人"), ("x", "y", "10,000.00", "z")]
    )

    assert len({width(line[: line.index("本人" if "本人" in line else "z")]) for line in lines[2:]}) == 1


# --- the samples -----------------------------------------------------------------------------------------------------


def samples() -> str:
    """docs/notices.md, whole. The digest of the law is left out, for it changes with every parameter."""
    shown = [page(name, language).replace(decided(name)[1].digest[:16], "…") for name, language in SAMPLES]
    return "\n".join(
        [
            "# Two notices",
            "",
            "What a claimant, an employer or a clerk is handed: `cradle claims explain`, and the text of",
            "`ExplainDetermination` and `Decide`. Decided under the law as shipped, placeholders included, on facts",
            f"made up for this page; `{COMMAND}` writes it anew, and a test holds it to the system.",
            "",
            "## 剖宫产双胎：生育津贴和住院费用",
            "",
            "```text",
            shown[0],
            "```",
            "",
            "## Too few months of contributions: what the employer owes",
            "",
            "```text",
            shown[1],
            "```",
            "",
        ]
    )


def test_the_samples_are_what_the_system_says() -> None:
    assert PAGE.read_text("utf-8") == samples(), f"write them anew: {COMMAND}"


if __name__ == "__main__":
    PAGE.write_text(samples(), "utf-8")
