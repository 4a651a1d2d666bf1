"""The authority's side, up to the decision: completeness, gates, information, sheets, the visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from services.certification.model import Answer, Filed, Looked, Move, Sheet, Source, State, Visit
from services.certification.model import Asked as Question
from services.certification.rules import gates, scoring
from services.certification.rules.measuring import Impossible
from services.certification.store import file
from services.certification.usecases.applying import employer_of
from services.certification.usecases.desk import Desk, Found
from services.certification.usecases.moving import SYSTEM, Asked, done, in_hand, move
from services.kit.db import Tx
from services.kit.errors import Invalid, Refused
from services.kit.messages import reason

_REQUESTS: Final = "requests"  # the quantity of a gate that claims can check


async def accept(desk: Desk, tx: Tx, asked: Asked) -> Filed:
    return await move(desk, tx, await in_hand(tx, asked), done(desk, Move.COMPLETE, asked.actor))


async def send_back(desk: Desk, tx: Tx, asked: Asked, missing: Sequence[tuple[str, str]]) -> Filed:
    """What is missing, by criterion ("": of the file as a whole), all of it at once (一次性告知)."""
    said = {"missing": [{"criterion": criterion, "said": words} for criterion, words in missing]}
    return await move(desk, tx, await in_hand(tx, asked), done(desk, Move.RETURN, asked.actor), said)


class Shown(NamedTuple):
    """What a person found out about a gate, and by which document."""

    found: Answer
    document: str


class Elsewhere(NamedTuple):
    """What the other services say of its gates, and of how many maternity leaves claims knows."""

    gates: Sequence[Found] = ()
    leaves: int = 0


async def record_gate(desk: Desk, tx: Tx, asked: Asked, shown: Shown, known: Elsewhere) -> Filed:
    """What a service of ours knows is that service's to say, and nobody can know of fewer leaves than claims does."""
    filed, found = await in_hand(tx, asked), shown.found
    if found.indicator in {answer.indicator for answer, _ in known.gates}:
        raise Refused(reason("GATE_IS_LOOKED_UP", "found.criterion"))
    gate = next((one for one in desk.scheme_of(filed).indicators if one.id == found.indicator), None)
    requests = dict(found.quantities).get(_REQUESTS, ())
    if gate is not None and gate.source is Source.CLAIMS and sum(requests) < known.leaves:
        raise Invalid(reason("GATE_BELOW_CLAIMS", "found.quantities", known=known.leaves))
    looked = look(desk, filed, found, asked.actor, shown.document)
    return await screened(desk, tx, await _looked_up(desk, tx, filed, [looked]))


async def look_up(desk: Desk, tx: Tx, filed: Filed, found: Sequence[Found]) -> Filed:
    """What services of ours say of its gates, each as its own move."""
    known = [look(desk, filed, answer, service) for answer, service in found]
    return await _looked_up(desk, tx, filed, known) if known else filed


async def screened(desk: Desk, tx: Tx, filed: Filed) -> Filed:
    """Goes on to be assessed as soon as every gate is known; one that is open declines it in the end."""
    scheme = desk.scheme_of(filed)
    if filed.application.state is not State.SCREENING or gates.unknown(scheme, filed.application.gates):
        return filed
    return await move(desk, tx, filed, done(desk, Move.SCREEN, SYSTEM))


async def ask(desk: Desk, tx: Tx, asked: Asked, question: str, criteria: Sequence[str]) -> Filed:
    filed = await in_hand(tx, asked)
    known = {one.id for one in desk.scheme_of(filed).indicators}
    if strange := [place for place, one in enumerate(criteria) if one not in known]:
        raise Invalid(*[reason("CRITERION_UNKNOWN", f"criteria[{place}]") for place in strange])
    who = done(desk, Move.ASK, asked.actor)
    after = await move(desk, tx, filed, who)
    await file.ask(tx, filed, Question(question, tuple(criteria), who.on), asked.actor)
    return after


async def score(desk: Desk, tx: Tx, asked: Asked, answers: Sequence[Answer]) -> Filed:
    """A sheet of one assessor. Raises Refused for one who has scored it before, or who proposes its award; Invalid for
    figures that cannot be, for a sheet is not taken back and nothing could be decided by it.
    """
    filed = await in_hand(tx, asked)
    if asked.actor == filed.proposed_by:
        raise Refused(reason("DECIDER_IS_ASSESSOR", "name"))
    scheme = desk.scheme_of(filed)
    if wrong := scoring.impossible(answers, employer_of(filed.stated, scheme), scheme):
        raise Invalid(*[reason("FACT_OUT_OF_RANGE", f"answers[{place}]") for place in wrong])
    after = await move(desk, tx, filed, done(desk, Move.SCORE, asked.actor))
    await file.add_sheet(tx, after, Sheet(asked.actor, tuple(answers)), desk.clock.now())
    return after


async def finish(desk: Desk, tx: Tx, asked: Asked) -> Filed:
    return await move(desk, tx, await in_hand(tx, asked), done(desk, Move.ASSESS, asked.actor))


async def visit(desk: Desk, tx: Tx, asked: Asked, found: Visit) -> Filed:
    """Not in the future, and not before it was handed in."""
    filed = await in_hand(tx, asked)
    first = filed.submitted_on or found.visited_on
    today = desk.clock.today()
    if not first <= found.visited_on <= today:
        raise Invalid(reason("FIELD_OUT_OF_RANGE", "visit_date", bounds=f"≥ {first}, ≤ {today}"))
    after = await move(desk, tx, filed, done(desk, Move.VISIT, asked.actor))
    await file.add_visit(tx, after, found, asked.actor, desk.clock.now())
    return after


def look(desk: Desk, filed: Filed, found: Answer, asked: str, document: str = "") -> Looked:
    """Whether a gate is passed by what was found. Raises Invalid for what is no gate, or for figures that cannot be."""
    scheme = desk.scheme_of(filed)
    gate = next((one for one in scheme.indicators if one.id == found.indicator), None)
    if gate is None or found.indicator not in gates.unknown(scheme, ()):
        raise Invalid(reason("GATE_UNKNOWN", "found.criterion"))
    try:
        passed = gates.look(gate, dict(found.quantities), employer_of(filed.stated, scheme))
    except Impossible as error:
        raise Invalid(reason("FACT_OUT_OF_RANGE", "found")) from error
    if passed is None:
        raise Invalid(reason("FIELD_REQUIRED", "found.quantities"))
    return Looked(found.indicator, passed, found, asked, document)


async def _looked_up(desk: Desk, tx: Tx, filed: Filed, looked: Sequence[Looked]) -> Filed:
    for one in looked:
        said: Mapping[str, str] = {"gate": one.gate}
        who = done(desk, Move.LOOK_UP, one.asked, gate=one.gate, passed=one.passed)
        filed = await move(desk, tx, filed, who, said)
        await file.add_gates(tx, filed, [one], desk.clock.now())
    return filed
