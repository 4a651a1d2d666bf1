"""A certificate on file as protobuf, and what callers say about it, read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from cradle.certification.v1 import certificate_pb2
from cradle.certification.v1 import certificates_pb2 as pb
from google.type.date_pb2 import Date

from services.certification.model import (
    Certificate,
    CertificateState,
    Change,
    Proposed,
    Report,
    Span,
    Standing,
    Suspension,
    Veto,
)
from services.certification.wire import certificate as wire
from services.kit.dates import from_proto, to_proto
from services.kit.errors import Invalid
from services.kit.messages import reason

_STATE_OF: Final = {number: state for state, number in wire.STATES.items()}
_VETOES: Final = {one: pb.VetoKind.Value(f"VETO_KIND_{one}") for one in Veto}
_VETO_OF: Final = {number: one for one, number in _VETOES.items()}
_SUSPENSION_OF: Final = {
    pb.SuspensionKind.Value(f"SUSPENSION_KIND_{one}"): one for one in Suspension if one is not Suspension.REPORT_OVERDUE
}
_REPORT_STATES: Final = {None: pb.REPORT_STATE_FILED, True: pb.REPORT_STATE_IN_ORDER, False: pb.REPORT_STATE_RETURNED}


# --- what is asked ----------------------------------------------------------------------------------------------------


def day(given: Date, field: str) -> date:
    """Raises Invalid for a day that the calendar does not have."""
    try:
        return from_proto(given)
    except ValueError:
        raise Invalid(reason("DATE_INVALID", field)) from None


def state(given: certificate_pb2.CertificateState.ValueType) -> str:
    return str(_STATE_OF.get(given, ""))


def veto(given: pb.VetoKind.ValueType) -> Veto:
    return _VETO_OF[given]


def suspension(given: pb.SuspensionKind.ValueType) -> Suspension:
    return _SUSPENSION_OF[given]


def report(given: pb.YearlyReport) -> Report:
    """As it is filed; whose, when and by whom is said elsewhere."""
    due_on, as_at = day(given.due_date, "report.due_date"), day(given.as_at, "report.as_at")
    return Report("", due_on, 0, as_at, given.staff, given.women, given.statement, as_at, "")


# --- what is answered -------------------------------------------------------------------------------------------------


def on_file(
    one: Certificate, as_of: date, spans: Sequence[Span], reports: Iterable[Report] = (),
    proposed: Iterable[Proposed] = (),
) -> pb.CertificateOnFile:  # fmt: skip
    return pb.CertificateOnFile(
        certificate=wire.certificate(one.number, one.awarded_on, _standing(spans)),
        etag=str(one.version),
        employer=f"employers/{one.uscc}",
        employer_name=one.employer_name,
        county=one.county,
        application=f"applications/{one.application_id}",
        scheme=f"schemes/{one.scheme}",
        scheme_digest=one.scheme_digest,
        reports=map(_report, reports),
        proposed=[
            pb.ProposedRevocation(veto=_VETOES[Veto(each.veto)], date=to_proto(each.on), document=each.document)
            for each in proposed
        ],
        as_of=to_proto(as_of),
    )


def brief(one: Certificate, today: date) -> pb.CertificateOnFile:
    """As last told, without history."""
    message = on_file(one, today, [one.now])
    message.certificate.ClearField("history")
    return message


def statuses(asked: int, rows: Sequence[Sequence[Any]]) -> pb.BatchGetCertificateStatusResponse:
    """One answer for each that was asked about, in their order."""
    answers = [pb.CertificateStatus() for _ in range(asked)]
    for place, number, standing, valid_to, since in rows:
        answers[place] = pb.CertificateStatus(
            certificate=f"certificates/{number}",
            state=wire.STATES[standing],
            since=to_proto(since),
            valid_to=to_proto(valid_to),
        )
    return pb.BatchGetCertificateStatusResponse(statuses=answers)


def _standing(spans: Sequence[Span]) -> Standing:
    last = spans[-1]
    history: list[Change] = []
    for span in spans:
        change = Change(span.on, CertificateState(span.state), span.why)
        if not history or history[-1][1:] != change[1:]:
            history.append(change)
    return Standing(last.state, last.valid_to, last.kind, last.locked_until, tuple(history))


def _report(one: Report) -> pb.YearlyReport:
    return pb.YearlyReport(
        due_date=to_proto(one.due_on),
        as_at=to_proto(one.as_at),
        staff=one.staff,
        women=one.women,
        statement=one.statement,
        state=_REPORT_STATES[one.in_order],
        file_date=to_proto(one.filed_on),
        check_date=to_proto(one.checked_on) if one.checked_on else None,
        said=one.said,
    )
