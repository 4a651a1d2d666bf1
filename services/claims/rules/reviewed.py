"""What a reviewer found: laid over the facts, and noted beside the article under which it was looked for.

The findings act where they matter: in `leave`, `duplicates`, `deciding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.claims.model import NOT_REVIEWED, DenyReason, Event, EventType, Facts, Prior
from services.claims.model.review import Supplement
from services.claims.rules.leave import third_by_its_infants
from services.claims.rules.working import Working
from services.kit.law import Dated

_OF_EVENT: Final = ("gestation_days", "birth_order", "infants", "dystocia", "prepregnancy_check", "registered")

_ARTICLE: Final = {
    DenyReason.NOT_PROVEN: "AGENCY_20",
    DenyReason.EMPLOYMENT_NOT_REAL: "INSURANCE_88",
    DenyReason.PAPERS_FALSE: "INSURANCE_88",
}


def note(facts: Facts, working: Working) -> None:
    """Note every finding. 社会保险经办条例 art. 26: the agency verifies before it decides."""
    for prior in facts.prior:
        if prior.same_event is not None:
            _note_event(facts, prior, working)
    if facts.event.third_child is not None and facts.event.type is EventType.DELIVERY:
        _note_third_child(facts.event, working)
    if facts.reviewed is not NOT_REVIEWED:
        _note_case(facts, working)


def _note_event(facts: Facts, prior: Prior, working: Working) -> None:
    rule = "FOUND_SAME_EVENT" if prior.same_event else "FOUND_OTHER_EVENT"
    working.cite(rule, "FUND_17", date=facts.event.date, other=prior.event_date)


def _note_third_child(event: Event, working: Working) -> None:
    rule = "FOUND_THIRD_CHILD" if event.third_child else "FOUND_NO_THIRD_CHILD"
    working.cite(rule, "AGENCY_26", order=event.birth_order, infants=event.infants)


def _note_case(facts: Facts, working: Working) -> None:
    if facts.reviewed.employer_confirmed:
        working.cite("FOUND_EMPLOYER", "AGENCY_26")
    if denied := facts.reviewed.denied:
        working.cite(f"DENIED_{denied}", _ARTICLE[denied])


def lay_over(facts: Facts, found: Supplement, rates: Mapping[str, Dated]) -> Facts:
    """The facts as supplemented. A finding about nothing is told by `unasked`."""
    event = facts.event._replace(**{name: value for name in _OF_EVENT if (value := getattr(found, name)) is not None})
    if found.third_child is not None:
        event = event._replace(third_child=found.third_child)
    prior = facts.prior
    if found.same_event is not None:
        near = _near(facts, rates)
        prior = tuple([one._replace(same_event=found.same_event) if one in near else one for one in prior])
    reviewed = facts.reviewed
    if found.employer_confirmed:
        reviewed = reviewed._replace(employer_confirmed=True)
    return facts._replace(event=event, prior=prior, reviewed=reviewed)


def unasked(facts: Facts, found: Supplement, rates: Mapping[str, Dated]) -> list[str]:
    """The findings that are no question of this case, by name."""
    names = []
    event = facts.event._replace(birth_order=found.birth_order or facts.event.birth_order)
    event = event._replace(infants=found.infants or event.infants)
    if found.third_child is not None and not (event.birth_order and third_by_its_infants(event, rates)):
        names.append("third_child")
    if found.same_event is not None and not _near(facts, rates):
        names.append("same_event")
    return names


def _near(facts: Facts, rates: Mapping[str, Dated]) -> list[Prior]:
    """The events of the same kind within the window, on another day."""
    window, day = rates["duplicate.window_days"].count, facts.event.date
    return [
        prior
        for prior in facts.prior
        if prior.event_type is facts.event.type and 0 < abs((prior.event_date - day).days) <= window
    ]
