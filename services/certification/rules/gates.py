"""Gates (必备项): what the look-ups showed, never the applicant's word alone. All must pass."""

from __future__ import annotations

from services.certification.model import Employer, Facts, Indicator, IndicatorKind, Scheme, Why
from services.certification.rules.measuring import NotShown, Quantities, is_met, with_employer
from services.certification.rules.scoring import applies
from services.certification.rules.working import FactMissing, Working


def look(gate: Indicator, quantities: Quantities, employer: Employer) -> bool | None:
    """Whether a gate is passed by what was looked up; None where that is not known yet. Raises Impossible."""
    if not applies(gate, employer):
        return True
    try:
        return all(is_met(condition, with_employer(quantities, employer)) for condition in gate.must)
    except NotShown:
        return None


def failed(facts: Facts, working: Working) -> tuple[Why, ...]:
    """The reasons of every gate that is not passed, each once. Raises FactMissing for one nobody has looked up."""
    shown, reasons = dict(facts.gates), []
    for gate in working.scheme.of(IndicatorKind.GATE):
        if gate.id not in shown:
            raise FactMissing(gate.id)
        working.cite("GATE_PASSED" if shown[gate.id] else "GATE_OPEN", gate.law, indicator=gate.id)
        if not shown[gate.id] and gate.reason:
            reasons.append(gate.reason)
    return tuple(dict.fromkeys(reasons))


def unknown(scheme: Scheme, shown: tuple[tuple[str, bool], ...]) -> list[str]:
    """The gates that nobody has looked up yet."""
    return [gate.id for gate in scheme.of(IndicatorKind.GATE) if gate.id not in dict(shown)]
