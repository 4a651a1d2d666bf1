"""Deciding: the intent to award and its notice, objections, award or decline, and the review of a decision.

Whoever scored does not decide, and whoever proposed does not award: three persons, by constraints of the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from services.certification import rules
from services.certification.model import Decision, Dimension, Facts, Filed, Move, Objected
from services.certification.rules import FactMissing
from services.certification.store import file
from services.certification.store.file import Decided
from services.certification.usecases import assessing, awarding, standing
from services.certification.usecases.applying import employer_of
from services.certification.usecases.desk import Desk, Found
from services.certification.usecases.moving import Asked, done, in_hand, move
from services.kit.db import Tx
from services.kit.errors import Refused
from services.kit.ids import new_id
from services.kit.law import canonical
from services.kit.messages import reason


async def propose(
    desk: Desk, tx: Tx, asked: Asked, accepted: Sequence[Dimension], found: Sequence[Found] = ()
) -> Filed:
    """With what the gates' services say of them now: one that was open may be closed since."""
    filed = await assessing.look_up(desk, tx, await in_hand(tx, asked), found)
    await standing.may_hold(desk, tx, filed)
    return await _decide(desk, tx, filed, _By(Move.PROPOSE, asked.actor, accepted), proposed_by=asked.actor)


async def decline(desk: Desk, tx: Tx, asked: Asked, accepted: Sequence[Dimension], found: Sequence[Found]) -> Filed:
    """With what the gates' services say of them now."""
    filed = await assessing.look_up(desk, tx, await in_hand(tx, asked), found)
    return await _decide(desk, tx, filed, _By(Move.DECLINE, asked.actor, accepted))


async def award(desk: Desk, tx: Tx, asked: Asked, found: Sequence[Found]) -> Filed:
    """With what the gates' services say of them now. What was accepted when it was proposed still is."""
    filed = await in_hand(tx, asked)
    if asked.actor == filed.proposed_by:
        raise Refused(reason("AWARD_SECOND_PERSON", "name"))
    filed = await assessing.look_up(desk, tx, filed, found)
    proposal = await file.last_decision(tx, filed.id)
    accepted = Facts.from_data(orjson.loads(proposal.facts)).accepted if proposal else ()
    number = await awarding.next_number(desk, tx, filed)
    after = await _decide(desk, tx, filed, _By(Move.AWARD, asked.actor, accepted), certificate=number)
    await awarding.award(desk, tx, after)
    return after


async def object_to(desk: Desk, tx: Tx, asked: Asked, lead: str) -> Filed:
    """Stops the award until it is settled."""
    filed = await in_hand(tx, asked)
    who = done(desk, Move.OBJECT, asked.actor)
    after = await move(desk, tx, filed, who)
    objection = Objected(new_id(), who.on, asked.actor)
    await file.object_to(tx, filed, objection, desk.sealer.seal(lead.encode(), context_of(objection)))
    return after


async def settle(desk: Desk, tx: Tx, asked: Asked, settled: Objected) -> Filed:
    """By another person than who took it in. Where it was right, others score anew, in a round of their own."""
    filed = await in_hand(tx, asked)
    who = done(desk, Move.SETTLE, asked.actor, upheld=bool(settled.upheld))
    anew = {"round": filed.round + 1, "proposed_by": ""} if settled.upheld else {}
    after = await move(desk, tx, filed, who, {"objection": str(settled.id), "upheld": settled.upheld}, **anew)
    await file.settle(tx, filed, settled, asked.actor, who.on)
    return after


async def decide_review(
    desk: Desk, tx: Tx, asked: Asked, found: Sequence[Found] = (), *, uphold: bool, why: str
) -> Filed:
    """By the sheets of the panel and what the gates' services say now, and by nobody who had a part in the decision
    that is reviewed.
    """
    filed = await in_hand(tx, asked)
    before = await file.last_decision(tx, filed.id)
    if before and asked.actor in (before.decided_by, *filed.application.earlier_assessors):
        raise Refused(reason("REVIEWED_BY_THE_SAME", "name"))
    filed = await assessing.look_up(desk, tx, filed, found)
    by = _By(Move.UPHOLD if uphold else Move.OVERTURN, asked.actor)
    return await _decide(desk, tx, filed, by, said={"reason": why})


class _By(NamedTuple):
    move: Move
    actor: str
    accepted: Sequence[Dimension] = ()


def context_of(objection: Objected) -> bytes:
    return f"objection/{objection.id}".encode()


async def _decide(
    desk: Desk, tx: Tx, filed: Filed, by: _By, said: dict[str, str] | None = None, **changes: str
) -> Filed:
    """The decision by what is on file, stored with all it rests on, and the move that it allows."""
    if by.actor in filed.application.assessors:
        raise Refused(reason("DECIDER_IS_ASSESSOR", "name"))
    facts, decision = await decided(desk, tx, filed, by.accepted)
    if not _fits(by.move, decision):
        raise Refused(reason("DECISION_IS_ANOTHER", "name"), *map(reason, decision.reasons))
    who = done(desk, by.move, by.actor, decision=decision)
    after = await move(desk, tx, filed, who, said, **changes)
    stored = Decided(
        after.number, by.move, decision.outcome, canonical(facts.as_data()), canonical(decision.as_data()),
        filed.scheme_digest, rules.REVISION, by.actor, tuple(one.assessor for one in facts.sheets), who.on,
    )  # fmt: skip
    await file.decide(tx, after, stored, desk.clock.now())
    return after


async def decided(desk: Desk, tx: Tx, filed: Filed, accepted: Sequence[Dimension]) -> tuple[Facts, Decision]:
    """Raises Refused while a gate is not looked up."""
    scheme = desk.scheme_of(filed)
    sheets = await file.sheets(tx, filed)
    employer = employer_of(filed.stated, scheme)
    facts = Facts(employer, filed.application.gates, filed.kind, sheets=sheets, accepted=tuple(sorted(accepted)))
    try:
        return facts, rules.decide(facts, scheme)
    except FactMissing:
        raise Refused(reason("GATES_NOT_LOOKED_UP", "name")) from None


_AWARDS = frozenset({Move.PROPOSE, Move.AWARD, Move.OVERTURN})


def _fits(to: Move, decision: Decision) -> bool:
    return decision.outcome == ("AWARDED" if to in _AWARDS else "DECLINED")
