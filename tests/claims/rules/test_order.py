"""Facts told in another order, or in other words, are the same facts."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.claims.model import (
    NOTHING_PAID,
    Determination,
    Facts,
    LineKind,
    State,
)
from services.claims.rules import decide
from tests.claims.rules.drawn import LAWS, any_claim, any_law

shuffles = st.randoms(use_true_random=False)


def in_other_words(paid: tuple[tuple[int, int], ...], random: Random) -> tuple[tuple[int, int], ...]:
    """The same months by other spans: split, doubled, and in another order."""
    found: list[tuple[int, int]] = []
    for first, last in paid:
        cut = random.randint(first, last)
        found += [(first, cut), (cut + 1, last)] if cut < last else [(first, last)]
    found += random.sample(found, k=len(found) // 2)
    random.shuffle(found)
    return tuple(found)


def shuffled(given: tuple[Any, ...], random: Random) -> tuple[Any, ...]:
    return tuple(random.sample(given, k=len(given)))


@given(any_claim, any_law, shuffles)
def test_the_order_of_months_wages_and_priors_does_not_matter(claim: Facts, law: int, random: Random) -> None:
    insured = claim.insured._replace(
        paid_months=in_other_words(claim.insured.paid_months or (), random),
        back_paid=shuffled(claim.insured.back_paid, random),
    )
    other = claim._replace(
        insured=insured,
        employer_wages=shuffled(claim.employer_wages, random),
        employer_bases=shuffled(claim.employer_bases, random),
        prior=shuffled(claim.prior, random),
    )

    first, second = decide(claim, LAWS[law]), decide(other, LAWS[law])

    assert (second.outcome, second.reasons, second.figures) == (first.outcome, first.reasons, first.figures)


@given(any_claim, any_law, shuffles)
def test_the_order_of_stays_does_not_matter_where_no_cap_is_met(claim: Facts, law: int, random: Random) -> None:
    small = tuple(stay._replace(policy_range_fen=stay.policy_range_fen % 3_000_000) for stay in claim.stays)
    one = claim._replace(stays=small, paid=NOTHING_PAID)
    other = one._replace(stays=shuffled(small, random))

    first, second = decide(one, LAWS[law]), decide(other, LAWS[law])

    assert (second.outcome, set(second.reasons), second.figures) == (first.outcome, set(first.reasons), first.figures)
    assert kinds(first) == kinds(second)


def kinds(found: Determination) -> Counter[tuple[LineKind, State]]:
    return Counter((line.kind, line.outcome) for line in found.lines)
