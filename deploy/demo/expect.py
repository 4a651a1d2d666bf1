"""What must become of each submission, going by the truth about it; and what did otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from deploy.demo import city, dirt
from deploy.demo.account import DETERMINED, Account, Answer, Came
from deploy.demo.stories import CLEAN, CORRECTION, LATE, MEDICAL, MISCARRIAGE, OTHER_CATEGORY, SURGERY, VOID

# What a sound claim may wait for, by what it is for: the wage of an employer founded this year, contributions of this
# month, gestation that was not stated, a figure that the authority has not set.
_CASH: Final = frozenset({"WAGE_REQUIRED", "CONTRIBUTIONS_NOT_REPORTED"})
_WAITS: Final[Mapping[str, frozenset[str]]] = {
    MEDICAL: frozenset({"PARAMETER_UNSET"}),
    MISCARRIAGE: frozenset({*_CASH, "GESTATION_REQUIRED"}),
    SURGERY: frozenset({*_CASH, "PARAMETER_UNSET"}),
}
_SOUND: Final = frozenset({CLEAN, CORRECTION, OTHER_CATEGORY, MEDICAL, LATE, MISCARRIAGE, SURGERY})
_NEAR: Final = "DELIVERY_DATE_REVIEW"


class Difference(NamedTuple):
    answer: Answer
    expected: str


def differences(account: Account) -> list[Difference]:
    """Submissions of which something else became than their truth calls for, and women who would be paid twice.

    Those without an answer are told apart; of them nothing is known.
    """
    answers = [answer for answer in account.answers() if answer.came is not Came.NOTHING]
    of_woman: dict[bytes, list[Answer]] = defaultdict(list)
    for answer in answers:
        of_woman[answer.submission.key].append(answer)
    found = [
        Difference(answer, expected)
        for answer in answers
        for expected, is_met in [_expected(answer, of_woman[answer.submission.key])]
        if not is_met
    ]
    return found + [Difference(claim, "one approved claim a woman") for claim in _paid_twice(of_woman)]


def _expected(answer: Answer, hers: Sequence[Answer]) -> tuple[str, bool]:
    """What is to become of it, and whether that came."""
    came = answer.came
    match dirt.effect(city.load(), answer.submission.truth):
        case effect if effect in _SOUND or effect in {"KEEP", "DECIDE"}:
            waits = came is Came.PENDED and _may_wait(answer, hers)
            return "determined, or pended for what may be missing", came in DETERMINED or waits
        case "void":
            return "voided", came is Came.VOIDED
        case "PEND":
            return "pended", came is Came.PENDED or _is_near_to_nothing(answer, hers)
        case "RETURN" | "FATAL":
            return "returned", came is Came.RETURNED
        case "DUP":  # the original is always a sound claim, so it was not itself returned
            return "duplicate", came is Came.SAME_AGAIN
        case effect:
            return f"a rule for {effect}", False


def _may_wait(answer: Answer, hers: Sequence[Answer]) -> bool:
    """A sound claim may also wait for a person to compare it with another of hers for a day near it.

    Order holds within a source only: the second claim of a woman from another source may be decided first, and then
    the first one is the one that waits (医疗保障基金使用监督管理条例 art. 17: nobody is paid twice for one delivery).
    """
    waits = _WAITS.get(answer.submission.truth, _CASH)
    return set(answer.codes) & waits != set() or (_NEAR in answer.codes and _has_near(hers))


def _has_near(hers: Sequence[Answer]) -> bool:
    return any(one.submission.truth == "second_claim_near_date" for one in hers)


def _is_near_to_nothing(answer: Answer, hers: Sequence[Answer]) -> bool:
    """Only an approved delivery makes another near it wait.

    Her second claim is decided like any other if the first was denied, or if the first is the one that waits because
    it came from another source and was read later.
    """
    if answer.submission.truth != "second_claim_near_date" or answer.came not in DETERMINED:
        return False
    return not any(one.came is Came.APPROVED for one in hers if one is not answer)


def _paid_twice(of_woman: Mapping[bytes, Sequence[Answer]]) -> Iterator[Answer]:
    """Every event here is of another woman, so two approved claims of hers of one kind would pay it twice."""
    for answers in of_woman.values():
        by_kind: dict[bool, list[Answer]] = defaultdict(list)
        for claim in approved_claims(answers):
            by_kind[claim.submission.truth == MEDICAL].append(claim)
        yield from (claims[-1] for claims in by_kind.values() if len(claims) > 1)


def approved_claims(answers: Sequence[Answer]) -> list[Answer]:
    """The claims that stand approved, each by the receipt of its latest revision; none that was taken back."""
    latest: dict[str, Answer] = {}
    for answer in answers:
        if answer.receipt is None or answer.came not in DETERMINED | {Came.PENDED, Came.VOIDED}:
            continue
        known = latest.get(answer.receipt.claim)
        if known is None or known.receipt is None or _is_newer(answer, known):
            latest[answer.receipt.claim] = answer
    return [answer for answer in latest.values() if answer.came is Came.APPROVED]


def _is_newer(answer: Answer, known: Answer) -> bool:
    """A void names the revision that it takes back."""
    told, before = answer.receipt, known.receipt
    return (
        told is not None
        and before is not None
        and (told.revision, answer.came is Came.VOIDED)
        > (
            before.revision,
            known.came is Came.VOIDED,
        )
    )


def is_sound(truth: str) -> bool:
    return truth in _SOUND or truth == VOID
