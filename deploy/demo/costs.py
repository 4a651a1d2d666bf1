"""What a stay and the visits before it cost, and how a claim for them is filled in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Final

from cradle.claims.v1 import intake_pb2

from deploy.demo.births import Birth
from deploy.demo.figures import Stays
from services.kit.dates import to_proto

_BETWEEN_VISITS: Final = timedelta(days=21)


def stay(rng: Random, figures: Stays, birth: Birth, today: date) -> intake_pb2.Stay:
    """The stay of a delivery: admitted on its day or the day before, discharged after some days, and by today."""
    mode = "CAESAREAN" if birth.is_caesarean else "VAGINAL"
    admitted = birth.date - timedelta(days=rng.randint(0, 1))
    left = min(admitted + timedelta(days=figures.days[mode].draw(rng)), today)
    level = birth.hospital.level
    cost = figures.cost[level][mode]
    total_fen = round(min(cost.drawn.draw(rng), cost.max) * 100)
    return intake_pb2.Stay(
        provider=birth.hospital.code,
        admission_date=to_proto(admitted),
        discharge_date=to_proto(max(left, birth.date)),
        charge=_charge(figures, total_fen, min(1.0, figures.in_policy_scope[level].draw(rng))),
    )


def visits(rng: Random, figures: Stays, birth: Birth) -> Iterator[intake_pb2.Visit]:
    """The antenatal visits she kept the papers of, the last three weeks before the birth."""
    for back in range(figures.visits.draw(rng), 0, -1):
        yield intake_pb2.Visit(
            provider=birth.hospital.code,
            date=to_proto(birth.date - _BETWEEN_VISITS * back),
            charge=_charge(figures, round(figures.visit_cost.draw(rng) * 100), 1.0),
        )


def _charge(figures: Stays, total_fen: int, in_scope: float) -> intake_pb2.Charge:
    """The parts add up to the total, to the fen."""
    policy_range_fen = round(total_fen * in_scope)
    rest_fen = total_fen - policy_range_fen
    over_limit_fen = round(rest_fen * figures.over_limit)
    self_pay_first_fen = round(rest_fen * figures.self_pay_first)
    return intake_pb2.Charge(
        policy_range_fen=policy_range_fen,
        total_fen=total_fen,
        own_pay_fen=rest_fen - over_limit_fen - self_pay_first_fen,
        over_limit_fen=over_limit_fen,
        self_pay_first_fen=self_pay_first_fen,
    )
