"""An application on file as protobuf, and what callers say about it, read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Final, NamedTuple

from cradle.certification.v1 import application_pb2 as pb
from cradle.certification.v1 import assessing_pb2, scheme_pb2
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from services.certification.model import (
    Answer,
    Asked,
    Decision,
    Dimension,
    Filed,
    Kind,
    Looked,
    Objected,
    Scheme,
    Sheet,
    State,
    Stated,
    Visit,
)
from services.certification.rules import clocks
from services.certification.rules.applications import open_moves
from services.certification.wire import application as wire
from services.certification.wire.scheme import DIMENSIONS
from services.kit.calendar import Calendar, YearNotHeld
from services.kit.dates import to_proto
from services.kit.errors import Invalid
from services.kit.messages import reason

_STATE_OF: Final = {number: state for state, number in wire.STATES.items()}
_DIMENSION_OF: Final = {number: one for one, number in DIMENSIONS.items()}
_SAVED: Final = ("kind", "facts", "facts.staff", "facts.women", "facts.sector", "consents", "answers")
_FOR: Final = {
    State.DRAFT: pb.WAITING_FOR_APPLICANT,
    State.RETURNED: pb.WAITING_FOR_APPLICANT,
    State.INFORMATION_REQUESTED: pb.WAITING_FOR_APPLICANT,
    State.AWARDED: pb.WAITING_FOR_NOBODY,
    State.DECLINED: pb.WAITING_FOR_NOBODY,
    State.WITHDRAWN: pb.WAITING_FOR_NOBODY,
    State.LAPSED: pb.WAITING_FOR_NOBODY,
}


class Whole(NamedTuple):
    """An application with all that hangs on it; `scheme` is the one it goes by."""

    filed: Filed
    scheme: Scheme
    gates: Sequence[Looked] = ()
    asked: Asked | None = None
    visit: Visit | None = None
    objections: Sequence[Objected] = ()
    missing: Sequence[tuple[str, str]] = ()
    decision: Decision | None = None


class Today(NamedTuple):
    day: date
    calendar: Calendar


# --- what is asked ----------------------------------------------------------------------------------------------------


def state(given: pb.ApplicationState.ValueType) -> str:
    return str(_STATE_OF.get(given, ""))


def dimensions(given: Iterable[scheme_pb2.Dimension.ValueType]) -> tuple[Dimension, ...]:
    return tuple(_DIMENSION_OF[one] for one in given)


def mask(given: FieldMask) -> frozenset[str]:
    """The fields to be saved. Raises Invalid for one that is not saved, or for none."""
    wrong = [place for place, path in enumerate(given.paths) if path not in _SAVED]
    if wrong or not given.paths:
        places = [f"update_mask.paths[{place}]" for place in wrong] or ["update_mask"]
        raise Invalid(*[reason("UPDATE_MASK_UNKNOWN", place, known=", ".join(_SAVED)) for place in places])
    return frozenset(given.paths)


def saved(filed: Filed, given: pb.Application, paths: frozenset[str]) -> tuple[Kind, Stated]:
    """Kind and what was stated, with the fields of the mask as given. Answers are merged elsewhere."""
    changes = {
        name: getattr(given.facts, name) for name in ("staff", "women", "sector") if {"facts", f"facts.{name}"} & paths
    }
    if "consents" in paths:
        changes["consents"] = given.consents
    return wire.kind(given.kind) if "kind" in paths else filed.kind, filed.stated._replace(**changes)


def answers(given: Iterable[pb.Answer], scheme: Scheme) -> tuple[Answer, ...]:
    """Raises Invalid for each that the scheme does not ask for, or that comes twice."""
    return wire.sheet("", given, scheme).answers


def sheet(given: assessing_pb2.HandInSheetRequest, scheme: Scheme) -> Sheet:
    return wire.sheet("", given.answers, scheme)


# --- what is answered -------------------------------------------------------------------------------------------------


def brief(filed: Filed, today: Today) -> pb.Application:
    """As a list shows it."""
    application = filed.application
    message = pb.Application(
        name=f"applications/{filed.id}",
        employer=f"employers/{filed.uscc}",
        kind=wire.KINDS[filed.kind],
        state=wire.STATES[application.state or State.DRAFT],
        etag=str(filed.number),
        county=filed.county,
        scheme=f"schemes/{filed.scheme}" if filed.scheme else "",
        scheme_digest=filed.scheme_digest,
        waiting=_waiting(filed, today),
        certificate=f"certificates/{filed.certificate}" if filed.certificate else "",
        update_time=_instant(filed.updated_at),
        open_moves=map(str, open_moves(application)),
    )
    if filed.submitted_on:
        message.submit_date.CopyFrom(to_proto(filed.submitted_on))
    if application.notice_ends_on:
        message.notice_end_date.CopyFrom(to_proto(application.notice_ends_on))
    return message


def whole(given: Whole, today: Today) -> pb.Application:
    message, stated = brief(given.filed, today), given.filed.stated
    message.facts.MergeFrom(pb.EmployerFacts(staff=stated.staff, women=stated.women, sector=stated.sector))
    message.consents = stated.consents
    message.answers.extend(answer_to_proto(one) for one in stated.answers)
    message.gates.extend(
        pb.GateResult(criterion=one.gate, passed=one.passed, looked_up_by=_looked_up_by(one), time=_instant(one.at))
        for one in given.gates
    )
    if given.asked:
        message.information_request.MergeFrom(_asked(given.asked))
    if given.visit:
        visit = given.visit
        message.site_visit.MergeFrom(
            pb.SiteVisit(visit_date=to_proto(visit.visited_on), visitors=len(visit.visitors), findings=visit.findings)
        )
    message.objections.extend(map(_objection, given.objections))
    message.returned_for.extend(pb.ReturnedFor(criterion=one, said=said) for one, said in given.missing)
    if given.decision:
        message.decision.CopyFrom(wire.decision(given.decision, given.scheme))
    return message


def _looked_up_by(one: Looked) -> str:
    """A service by its name; of a person only that it was one, for he may be an assessor."""
    return "person" if one.asked.startswith("person/") else one.asked


def _waiting(filed: Filed, today: Today) -> pb.Waiting:
    state, due = filed.application.state or State.DRAFT, filed.application.due_on
    ends = filed.application.notice_ends_on
    if state is State.PUBLIC_NOTICE and ends and today.day <= ends:
        waiting = pb.Waiting(waiting_for=pb.WAITING_FOR_NOTICE)
        due = ends
    else:
        waiting = pb.Waiting(waiting_for=_FOR.get(state, pb.WAITING_FOR_AUTHORITY))
    if due and waiting.waiting_for != pb.WAITING_FOR_NOBODY:
        waiting.due_date.CopyFrom(to_proto(due))
        with suppress(YearNotHeld):  # the date is told, and the days are counted once the year is held
            waiting.working_days_left = clocks.working_days_left(today.calendar, today.day, due)
    return waiting


def answer_to_proto(given: Answer) -> pb.Answer:
    quantities = [pb.Quantity(name=name, figures=map(str, figures)) for name, figures in given.quantities]
    return pb.Answer(criterion=given.indicator, quantities=quantities)


def _asked(given: Asked) -> pb.InformationRequest:
    message = pb.InformationRequest(
        question=given.question, criteria=given.criteria, ask_date=to_proto(given.asked_on), answer=given.answer
    )
    if given.answered_on:
        message.answer_date.CopyFrom(to_proto(given.answered_on))
    return message


def _objection(given: Objected) -> pb.Objection:
    return pb.Objection(
        name=f"objections/{given.id}",
        file_date=to_proto(given.filed_on),
        settled=given.upheld is not None,
        upheld=bool(given.upheld),
        reason=given.reason,
    )


def _instant(given: datetime | None) -> Timestamp | None:
    if given is None:
        return None
    made = Timestamp()
    made.FromDatetime(given)
    return made
