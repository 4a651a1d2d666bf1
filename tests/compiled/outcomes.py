"""What the core comes to on drawn facts and claims, a line each, in whichever form it runs.

python -m tests.compiled.outcomes
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

import orjson

from services.claims import rules
from services.claims.model import Category, Coverage, Determination, Facts, Institution, Level
from services.claims.model.review import Proposal, Supplement
from services.claims.usecases import OnFile, Prepared, Terms, settle
from services.claims.usecases.telling import claim_event, order_event
from services.claims.wire.intake import read
from services.claims.wire.registry import visited
from services.kit import money
from services.kit.law import canonical
from tests.bench import load
from tests.builders import TODAY, message, spans
from tests.claims.rules.drawn import LAWS, some_claim

FACTS, RECORDS = 3_000, 1_500
_NOW: Final = datetime(2026, 11, 23, 4, tzinfo=UTC)
_TERMS: Final = Terms(rules.LAW, TODAY, _NOW, TODAY + timedelta(days=30), TODAY + timedelta(days=20))
_COVERAGE: Final = Coverage(
    UUID(int=1), Category.EMPLOYEE, "e-1", "e-1", spans("2024-01..2026-10"), (), ((2025, 600_000),), reported_to_month=1
)


def decisions() -> Iterator[str]:
    """Facts and what is decided on them, as they are stored, and read back from that and stored again."""
    for number in range(FACTS):
        facts = some_claim(Random(number))
        kept, law = canonical(facts.as_data()), LAWS[number % len(LAWS)]
        result = rules.decide(facts, law)
        told = canonical(result.as_data())
        yield f"{kept} {told} {rules.held_by(facts, result, [])} {rules.taken_by(facts, result, law)}"
        yield canonical(Facts.from_data(orjson.loads(kept)).as_data())
        yield canonical(Determination.from_data(orjson.loads(told)).as_data())
        found = Supplement(third_child=number % 2 == 0, same_event=True, infants=number % 3, registered=False)
        proposal = canonical(Proposal(found, None, told, TODAY, law.digest).as_data())
        yield f"{proposal} {Proposal.from_data(orjson.loads(proposal))}"


def records() -> Iterator[str]:
    """Records as they come, some of them with a byte that is wrong: what is read, settled, written and told."""
    first, on_file = rules.first_day(rules.LAW), OnFile({}, {})
    for number in range(RECORDS):
        draw = Random(number)
        value = bytearray(load.claim(number % 1_000, f"S-{number % 1_200}"))
        if number % 3 == 0:
            value[draw.randrange(120)] = draw.randrange(256)
        sent = message(bytes(value), offset=number)
        received = read(sent, TODAY, first, 1 << 20, lambda content: hashlib.sha256(content).digest())
        places = visited(received.submission) if received.submission else ()
        known = {place: Institution(is_known=True, level=Level.TERTIARY, reference="p-1") for place in places}
        settled = settle(received, Prepared((received,), {received.position: _COVERAGE}, _NOW, known), on_file, _TERMS)
        yield repr(settled)
        if settled.change:
            on_file.take(settled.change)
            events = [claim_event(settled.change, [], "cause", _TERMS)]
            events += [
                order_event(settled.change.claim.id, one, "cause", _TERMS) for one in settled.change.orders or ()
            ]
            yield repr([event[1:] for event in events])  # an event's id is new each time


if __name__ == "__main__":
    sys.stdout.write(f"{'plain' if money.__file__.endswith('.py') else 'compiled'}\n")
    sys.stdout.writelines(f"{line}\n" for told in (decisions(), records()) for line in told)
