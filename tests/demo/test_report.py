"""The account of a run: once per submission, nothing missing, nothing explained away; and the run itself, small."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from datetime import date
from functools import partial

import pytest
from cradle.claims.v1 import claim_pb2, intake_pb2, receipt_pb2
from cradle.common.v1 import reason_pb2
from rich.cells import cell_len
from rich.console import Console

from deploy.demo import city, dirt, explain, report, run, totals
from deploy.demo.__main__ import disagreeing, verdict
from deploy.demo.account import Account, Balance, Came, Position
from deploy.demo.claims import Submission, generate
from deploy.demo.expect import differences
from deploy.demo.wrap import wrapped
from deploy.local.stack import Stack
from services.kit.messages import Kept, Language, Reason, reason

TODAY = date(2026, 11, 23)
TOPIC = "claims.intake.v1.counter"


def submission(truth: str = "clean", key: bytes = b"") -> Submission:
    return Submission("counter", key, b"", truth)


def position(offset: int) -> Position:
    return Position(TOPIC, 0, offset)


def receipt(
    offset: int,
    outcome: str = "APPROVED",
    status: str = "DETERMINED",
    *,
    codes: Iterable[str] = (),
    receipt_id: str = "",
    claim: str = "",
    revision: int = 1,
    allowance_fen: int = 0,
) -> receipt_pb2.ClaimReceipt:
    return receipt_pb2.ClaimReceipt(
        receipt_id=receipt_id or f"receipt-{offset}",
        status=receipt_pb2.ReceiptStatus.Value(f"RECEIPT_STATUS_{status}"),
        outcome=claim_pb2.ClaimState.Value(f"CLAIM_STATE_{outcome}"),
        position=receipt_pb2.RecordPosition(topic=TOPIC, partition=0, offset=offset),
        reasons=[reason_pb2.Reason(code=code) for code in codes],
        claim=claim or f"claims/{offset}",
        revision=revision,
        allowance_fen=allowance_fen,
    )


def account(*truths: str, same_woman: bool = False) -> Account:
    """Everything sent and confirmed, nothing answered."""
    keys = [b"her" if same_woman else bytes([number]) for number in range(len(truths))]
    made = Account([submission(truth, key) for truth, key in zip(truths, keys, strict=True)])
    for index in range(len(truths)):
        made.hand_over(index, 0.0)
        made.confirm(index, position(index))
    return made


def answered(*answers: tuple[str, receipt_pb2.ClaimReceipt], same_woman: bool = False) -> Account:
    made = account(*(truth for truth, _ in answers), same_woman=same_woman)
    for _, one in answers:
        made.read(one, 1.0)
    return made


# --- counting --------------------------------------------------------------------------------------------------------


def test_a_receipt_that_comes_twice_counts_once() -> None:
    made = account("clean")

    made.read(receipt(0), 1.0)
    made.read(receipt(0), 2.0)

    assert made.balance() == Balance(sent=1, determined=1, pended=0, returned=0, duplicate=0, voided=0, parked=0)
    assert (made.answered, made.repeated, made.waiting) == (1, 1, 0)
    assert made.elapsed_s() == 1.0
    assert verdict(made) == []


def test_a_receipt_may_be_read_before_the_broker_confirms_the_submission() -> None:
    made = Account([submission()])
    made.hand_over(0, 0.0)

    made.read(receipt(7), 1.0)
    before = made.answered
    made.confirm(0, position(7))

    assert (before, made.answered, made.waiting) == (0, 1, 0)


def test_receipts_of_other_senders_count_nowhere() -> None:
    made = account("clean")

    made.read(receipt(99), 1.0)
    made.hold([position(98)])

    assert made.balance() == Balance(sent=1, determined=0, pended=0, returned=0, duplicate=0, voided=0, parked=0)
    assert made.waiting == 1


def test_a_second_answer_to_one_submission_is_a_failure() -> None:
    made = answered(("clean", receipt(0)))

    made.read(receipt(0, receipt_id="another"), 2.0)

    assert made.balance().determined == 1
    assert any("two ways" in problem for problem in verdict(made))


def test_each_status_has_its_place() -> None:
    made = answered(
        ("clean", receipt(0)),
        ("clean", receipt(1, "DENIED")),
        ("second_hospital_same_birth", receipt(2, "DUPLICATE")),
        ("unknown_person", receipt(3, "PENDED", "PENDED")),
        ("id_check_digit", receipt(4, "UNSPECIFIED", "RETURNED")),
        ("resend_identical", receipt(5, "APPROVED", "DUPLICATE")),
    )

    assert made.balance() == Balance(sent=6, determined=3, pended=1, returned=1, duplicate=1, voided=0, parked=0)
    assert str(made.balance()) == "sent=6 determined=3 pended=1 returned=1 duplicate=1 voided=0 parked=0"
    assert verdict(made) == []


def test_a_word_on_payment_decides_nothing() -> None:
    made = answered(("unknown_person", receipt(0, "PENDED", "PENDED")))
    paid = receipt(0, "APPROVED", "PAYMENT", receipt_id="later")
    paid.ClearField("position")

    made.read(paid, 2.0)

    assert made.balance() == Balance(sent=1, determined=0, pended=1, returned=0, duplicate=0, voided=0, parked=0)


def test_a_missing_answer_puts_it_out_of_balance_and_is_named() -> None:
    made = account("clean", "clean")
    made.read(receipt(0), 1.0)

    problems = verdict(made)

    assert not made.balance().is_even
    assert any("out of balance" in problem for problem in problems)
    assert any(f"clean at {TOPIC}/0/1" in problem for problem in problems)


def test_a_submission_the_broker_never_confirmed_is_a_failure() -> None:
    made = Account([submission(), submission()])
    made.confirm(0, position(0))
    made.read(receipt(0), 1.0)

    assert made.balance().is_even
    assert any("1 of them never confirmed" in problem for problem in verdict(made))


def test_a_parked_submission_balances_but_was_to_be_answered() -> None:
    made = account("clean")

    made.hold([position(0)])

    assert made.waiting == 0
    assert made.balance() == Balance(sent=1, determined=0, pended=0, returned=0, duplicate=0, voided=0, parked=1)
    assert [one.answer.came for one in differences(made)] == [Came.PARKED]


def test_a_parked_submission_that_was_answered_after_all_counts_with_its_answer() -> None:
    made = account("clean")

    made.hold([position(0)])
    made.read(receipt(0), 1.0)

    assert made.waiting == 0
    assert made.balance() == Balance(sent=1, determined=1, pended=0, returned=0, duplicate=0, voided=0, parked=0)


# --- what was to be expected -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("truth", "outcome", "status", "codes"),
    [
        ("clean", "UNSPECIFIED", "RETURNED", ["FIELD_REQUIRED"]),
        ("clean", "PENDED", "PENDED", ["PERSON_UNKNOWN"]),
        ("clean", "PENDED", "PENDED", ["DELIVERY_DATE_REVIEW"]),
        ("clean", "APPROVED", "DUPLICATE", []),
        ("text_damaged", "UNSPECIFIED", "RETURNED", ["MESSAGE_UNREADABLE"]),
        ("other_category", "PENDED", "PENDED", ["PARAMETER_UNSET"]),
        ("scheme_mismatch", "PENDED", "PENDED", ["EMPLOYER_MISMATCH"]),
        ("unknown_person", "APPROVED", "DETERMINED", []),
        ("id_check_digit+county_unknown", "APPROVED", "DETERMINED", []),
        ("empty_message", "PENDED", "PENDED", []),
        ("resend_identical", "APPROVED", "DETERMINED", []),
    ],
)
def test_what_did_not_become_what_it_should_is_a_failure(
    truth: str, outcome: str, status: str, codes: list[str]
) -> None:
    made = answered((truth, receipt(0, outcome, status, codes=codes)))

    assert [one.answer.submission.truth for one in differences(made)] == [truth]
    assert any("something else" in problem for problem in verdict(made))


def test_a_sound_claim_may_wait_for_a_wage() -> None:
    assert differences(answered(("clean", receipt(0, "PENDED", "PENDED", codes=["WAGE_REQUIRED"])))) == []


@pytest.mark.parametrize(
    ("truth", "outcome", "codes"),
    [
        ("other_category", "APPROVED", []),
        ("other_category", "DENIED", ["NOT_ENTITLED"]),
        ("other_category", "DENIED", ["NO_EMPLOYER_WAGE_BASE"]),
        ("other_category", "DENIED", ["NOT_INSURED"]),
        ("scheme_mismatch", "DENIED", ["NOT_ENTITLED"]),
    ],
)
def test_who_is_insured_otherwise_than_as_an_employee_is_decided_too(
    truth: str, outcome: str, codes: list[str]
) -> None:
    assert differences(answered((truth, receipt(0, outcome, codes=codes)))) == []


def test_of_two_claims_near_each_other_from_two_sources_either_may_be_the_one_that_waits() -> None:
    made = answered(
        ("clean", receipt(0, "PENDED", "PENDED", codes=["DELIVERY_DATE_REVIEW"])),
        ("second_claim_near_date", receipt(1)),
        same_woman=True,
    )

    assert differences(made) == []


def test_a_denied_delivery_does_not_make_another_near_it_wait() -> None:
    made = answered(("clean", receipt(0, "DENIED")), ("second_claim_near_date", receipt(1, "DENIED")), same_woman=True)

    assert differences(made) == []


def test_a_woman_with_two_approved_claims_is_a_failure() -> None:
    made = answered(("clean", receipt(0)), ("second_hospital_same_birth", receipt(1)), same_woman=True)

    assert [one.expected for one in differences(made)] == ["one approved claim a woman"]


def test_a_correction_is_the_same_claim_and_not_a_second_one() -> None:
    first, second = receipt(0, claim="claims/a"), receipt(1, claim="claims/a", revision=2)

    assert differences(answered(("clean", first), ("correction", second), same_woman=True)) == []


def test_every_kind_of_dirt_has_an_expectation() -> None:
    for kind in city.load().dirt.kinds:
        made = answered((kind, receipt(0, "UNSPECIFIED", "RETURNED")))

        assert [one.expected for one in differences(made) if one.expected.startswith("a rule for")] == []
        assert dirt.effect(city.load(), kind) in report.EFFECTS


# --- showing ---------------------------------------------------------------------------------------------------------


def test_the_sum_counts_a_corrected_claim_once() -> None:
    made = answered(
        ("clean", receipt(0, claim="claims/a", allowance_fen=100_00)),
        ("correction", receipt(1, claim="claims/a", revision=2, allowance_fen=250_00)),
        same_woman=True,
    )

    shown = Console(file=io.StringIO(), width=report.WIDTH, record=True)
    shown.print(report.by_county(list(made.answers())))

    assert shown.export_text().splitlines()[-2].split()[-2:] == ["250", "0"]


@pytest.mark.parametrize("width", [12, 13, 30, 100])
def test_chinese_fills_its_column_without_a_closing_mark_at_the_beginning_of_a_line(width: int) -> None:
    text = "产假共 213 天，自 2026-05-15 至 2026-12-13；其中基金支付 128 天（不含延长的产假）。"

    lines = wrapped(text, width)

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(line) <= width for line in lines)
    assert not any(line.startswith(tuple("，。；）")) for line in lines)


def test_control_totals_count_what_a_source_sent_on_its_days_and_the_same_again_once() -> None:
    made = generate(162, 2_000, TODAY, "stress")

    told = list(totals.told(made.submissions, TODAY))

    days = {(one.source, one.value) for one in told}
    assert len(days) == len(told) == len({one.key for one in told}) <= 2 * totals.DAYS
    counted = [intake_pb2.ClaimIntake.FromString(one.value).control_totals for one in told]
    assert sum(one.submitted + one.replaced + one.voided for one in counted) > 0
    assert all(one.claimed_fen >= 0 for one in counted)
    again = Submission(
        "counter", b"", next(s.value for s in made.submissions if s.truth == "clean"), "resend_identical"
    )
    assert [one.value for one in totals.told([*made.submissions, again], TODAY)] == [one.value for one in told]


def test_control_totals_that_differ_are_a_failure() -> None:
    agrees, differs = receipt(0, "UNSPECIFIED", "TOTALS_AGREE"), receipt(1, "UNSPECIFIED", "TOTALS_DIFFER")

    assert disagreeing(answered(("control_totals", agrees))) == []
    assert disagreeing(answered(("control_totals", agrees), ("control_totals", differs)))


def test_a_row_of_many_receipts_names_no_value_of_one() -> None:
    def told(offset: int, *whys: Reason) -> receipt_pb2.ClaimReceipt:
        one = receipt(offset, "RETURNED", "RETURNED")
        one.reasons.extend(
            reason_pb2.Reason(code=why.code, text_zh=why.text(Language.ZH), text_en=why.text(Language.EN))
            for why in whys
        )
        return one

    limit = reason("FIELD_TOO_LONG", limit=64)
    days = [reason("DATE_IN_FUTURE", last=day) for day in ("2026-11-22", "2026-11-23")]
    answers = answered(*(("clean", told(offset, limit, day)) for offset, day in enumerate(days)))
    shown = Console(file=io.StringIO(), width=report.WIDTH, record=True)
    shown.print(report.by_reason(answers.answers()))

    text = shown.export_text()
    assert "2026-11-2" not in text
    assert all("64" in limit.text(language) for language in Language)
    assert text.count("64") == len(Language)
    assert Kept("DATE_IN_FUTURE").text(Language.ZH) in text


# --- the run ---------------------------------------------------------------------------------------------------------


@pytest.mark.integration
def test_every_submission_of_a_small_city_is_accounted_for_and_shown(stack: Stack) -> None:
    addresses = run.Addresses.of(stack.environment)
    made = generate(1162, 300, TODAY, "stress")
    account = Account(made.submissions)

    run.fill_registry(addresses, made.employers, made.persons, made.providers, lambda _: None)
    asyncio.run(run.stream(addresses, account, lambda: None))
    fill = partial(run.fill_registry, addresses, (), made.late_persons, (), lambda _: None)
    asyncio.run(run.late(addresses, account, fill))

    assert verdict(account) == []
    assert account.balance().is_even
    assert account.sent == len(made.submissions) == 300
    answers = list(account.answers())
    shown = Console(file=io.StringIO(), width=report.WIDTH, record=True)
    explained = explain.explain(addresses.claims, addresses.identity, answers)
    shown.print(report.by_county(answers), report.by_reason(answers), report.by_truth(answers))
    shown.print(*map(report.explanation, explained), report.pace(account, {"worker": 1.0}))
    text = shown.export_text()
    assert len(explained) == 3
    assert all(page in text for one in explained for page in (one.zh.splitlines()[0], one.en.splitlines()[0]))
    assert "claims/s" in text
    assert all(cell_len(line) <= report.WIDTH for line in text.splitlines())
