"""How schemes and applications look: as tables for a person, as one JSON document for a machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from cradle.certification.v1 import application_pb2 as pb
from cradle.certification.v1 import (
    applying_pb2,
    assessing_pb2,
    certificate_pb2,
    certificates_pb2,
    evidence_pb2,
    scheme_pb2,
)
from rich.table import Table

from services.cli import views
from services.cli.session import Session, as_data, document
from services.kit.messages import Language


def scheme(session: Session, found: scheme_pb2.Scheme) -> None:
    if session.as_json:
        document(as_data(found))
        return
    starts = views.day(found.in_force_from) if found.HasField("in_force_from") else session.text("CLI_NOT_IN_FORCE")
    facts = [
        ("NAME", found.name),
        ("TITLE", words(session, found.title)),
        ("IN_FORCE", starts),
        ("DIGEST", found.digest),
    ]
    session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in facts]))
    rows = [(words(session, one.title), one.max_points) for one in found.dimensions]
    session.show(_table(session, ("TITLE", "POINTS"), rows))
    figures = [
        (one.name, one.value, scheme_pb2.SourceStatus.Name(one.status).removeprefix("SOURCE_STATUS_").lower(),
         words(session, one.citation))
        for one in found.figures
    ]  # fmt: skip
    session.show(_table(session, ("NAME", "VALUE", "STATUS", "DETAIL"), figures), piped_width=_WIDE)


def criteria(session: Session, found: Sequence[scheme_pb2.Criterion]) -> None:
    if session.as_json:
        document({"criteria": [as_data(one) for one in found]})
        return
    rows = [
        (one.id, one.points or "-", words(session, one.title), ", ".join(one.quantities),
         ", ".join(words(session, kind.title) for kind in one.evidence))
        for one in found
    ]  # fmt: skip
    session.show(_table(session, ("CRITERION", "POINTS", "TITLE", "QUANTITIES", "EVIDENCE"), rows), piped_width=_WIDE)


def evidence(session: Session, found: Sequence[evidence_pb2.Evidence]) -> None:
    if session.as_json:
        document({"evidence": [as_data(one) for one in found]})
        return
    rows = [(one.name, one.criterion, one.kind, one.file_name, str(one.size_bytes)) for one in found]
    session.show(_table(session, ("NAME", "CRITERION", "KIND", "FILE", "SIZE"), rows), piped_width=_WIDE)


def decision(session: Session, found: pb.Decision) -> None:
    """The outcome and its reasons, points by dimension, then every criterion with what shows it."""
    if session.as_json:
        document({"decision": as_data(found)})
        return
    session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in _decided(session, found)]))
    dimensions = [
        (session.text(scheme_pb2.Dimension.Name(one.dimension)), one.points, one.max_points) for one in found.dimensions
    ]
    session.show(_table(session, ("DIMENSION", "POINTS", "MOST"), dimensions))
    rows = [
        (one.criterion, session.text(pb.CriterionStanding.Name(one.standing)), one.points, one.max_points, one.figure,
         ", ".join(words(session, kind.title) for kind in one.evidence))
        for one in found.criteria
    ]  # fmt: skip
    columns = ("CRITERION", "STANDING", "POINTS", "MOST", "FIGURE", "EVIDENCE")
    session.show(_table(session, columns, rows), piped_width=_WIDE)


def application(session: Session, found: pb.Application) -> None:
    if session.as_json:
        document(as_data(found))
        return
    facts = [
        ("NAME", found.name),
        ("EMPLOYER", found.employer.removeprefix("employers/")),
        ("STATE", state(session, found.state)),
        ("WAITS_FOR", waiting(session, found)),
        ("SCHEME", found.scheme),
        ("ETAG", found.etag),
        ("COUNTY", found.county),
        ("SUBMITTED", views.day(found.submit_date) if found.HasField("submit_date") else ""),
        ("NOTICE_ENDS", views.day(found.notice_end_date) if found.HasField("notice_end_date") else ""),
        ("STAFF", f"{found.facts.staff} / {found.facts.women} / {found.facts.sector}" if found.facts.staff else ""),
        ("ANSWERS", str(len(found.answers) or "")),
        ("ASKED", found.information_request.question),
        ("MISSING", "\n".join(f"{one.criterion} {one.said}".strip() for one in found.returned_for)),
        ("FINDINGS", found.site_visit.findings),
        ("OBJECTIONS", "\n".join(_objection(session, one) for one in found.objections)),
        ("GATES_OPEN", "\n".join(one.criterion for one in found.gates if not one.passed)),
        ("CERTIFICATE", found.certificate),
        ("MOVES", ", ".join(found.open_moves)),
    ]
    if found.HasField("decision"):
        facts += _decided(session, found.decision)
    session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in facts]))


def applications(session: Session, found: Sequence[pb.Application]) -> None:
    if session.as_json:
        document({"applications": [as_data(one) for one in found]})
        return
    rows = [(*_brief(session, one), one.county, views.instant(one.update_time)) for one in found]
    columns = ("NAME", "EMPLOYER", "STATE", "WAITS_FOR", "COUNTY", "UPDATED")
    session.show(_table(session, columns, rows), piped_width=_WIDE)


def tasks(session: Session, found: Sequence[assessing_pb2.Task]) -> None:
    if session.as_json:
        document({"tasks": [as_data(one) for one in found]})
        return
    rows = [
        (*_brief(session, one.application), str(one.risk), session.text("CLI_OVERDUE") if one.overdue else "")
        for one in found
    ]
    columns = ("NAME", "EMPLOYER", "STATE", "WAITS_FOR", "RISK", "OVERDUE")
    session.show(_table(session, columns, rows), piped_width=_WIDE)


def certificates(session: Session, found: Sequence[certificates_pb2.CertificateOnFile]) -> None:
    if session.as_json:
        document({"certificates": [as_data(one) for one in found]})
        return
    rows = [
        (one.certificate.name, one.employer.removeprefix("employers/"), one.employer_name,
         _certificate_state(session, one.certificate.state), _day(one.certificate, "awarded_on"),
         _day(one.certificate, "valid_to"), one.county)
        for one in found
    ]  # fmt: skip
    columns = ("NAME", "EMPLOYER", "EMPLOYER_NAME", "STATE", "AWARDED", "VALID_TO", "COUNTY")
    session.show(_table(session, columns, rows), piped_width=_WIDE)


def certificate(session: Session, found: certificates_pb2.CertificateOnFile) -> None:
    """Its facts, then its history, then its reports."""
    if session.as_json:
        document(as_data(found))
        return
    one = found.certificate
    facts = [
        ("NAME", one.name),
        ("EMPLOYER", f"{found.employer.removeprefix('employers/')} {found.employer_name}"),
        ("STATE", _certificate_state(session, one.state)),
        ("AWARDED", _day(one, "awarded_on")),
        ("VALID_TO", _day(one, "valid_to")),
        ("LOCKED_UNTIL", _day(one, "locked_until")),
        ("SCHEME", found.scheme),
        ("ETAG", found.etag),
        ("PROPOSED", "\n".join(certificates_pb2.VetoKind.Name(each.veto) for each in found.proposed)),
    ]
    session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in facts]))
    history = [(views.day(each.date), _certificate_state(session, each.state), each.reason) for each in one.history]
    session.show(_table(session, ("DATE", "STATE", "DETAIL"), history))
    if found.reports:
        rows = [
            (views.day(each.due_date), views.day(each.file_date), session.text(_report_state(each.state)), each.said)
            for each in found.reports
        ]
        session.show(_table(session, ("DUE", "FILED", "STATE", "DETAIL"), rows))


def statuses(session: Session, employers: Sequence[str], found: Sequence[certificates_pb2.CertificateStatus]) -> None:
    """One for each that was asked about, in their order."""
    if session.as_json:
        document({"statuses": [as_data(one) for one in found]})
        return
    rows = [
        (employer, one.certificate, *(_stands(session, one) if one.certificate else ("", "", "")))
        for employer, one in zip(employers, found, strict=True)
    ]
    session.show(_table(session, ("EMPLOYER", "CERTIFICATE", "STATE", "SINCE", "VALID_TO"), rows), piped_width=_WIDE)


def line(session: Session, found: pb.Application) -> None:
    """One line of what is watched."""
    if session.as_json:
        document(as_data(found))
        return
    typer.echo(f"{views.instant(found.update_time)}  {state(session, found.state)}  {waiting(session, found)}")


def explanation(session: Session, found: applying_pb2.ExplainApplicationResponse) -> None:
    if session.as_json:
        document(as_data(found))
        return
    typer.echo(found.text_zh if session.language is Language.ZH else found.text_en)


def state(session: Session, given: pb.ApplicationState.ValueType) -> str:
    return session.text(pb.ApplicationState.Name(given))


def waiting(session: Session, found: pb.Application) -> str:
    """For whom, and until when."""
    whom = session.text(pb.WaitingFor.Name(found.waiting.waiting_for))
    if not found.waiting.HasField("due_date"):
        return whom
    return session.text(
        "CLI_WAITS_UNTIL", whom=whom, day=views.day(found.waiting.due_date), days=found.waiting.working_days_left
    )


def words(session: Session, given: scheme_pb2.Words) -> str:
    return given.zh if session.language is Language.ZH else given.en


def _certificate_state(session: Session, given: certificate_pb2.CertificateState.ValueType) -> str:
    return session.text(certificate_pb2.CertificateState.Name(given))


def _stands(session: Session, one: certificates_pb2.CertificateStatus) -> tuple[str, str, str]:
    return _certificate_state(session, one.state), _day(one, "since"), _day(one, "valid_to")


def _report_state(given: certificates_pb2.ReportState.ValueType) -> str:
    return certificates_pb2.ReportState.Name(given)


def _day(message: Any, name: str) -> str:
    return views.day(getattr(message, name)) if message.HasField(name) else ""


def _brief(session: Session, found: pb.Application) -> tuple[str, str, str, str]:
    return found.name, found.employer.removeprefix("employers/"), state(session, found.state), waiting(session, found)


def _decided(session: Session, found: pb.Decision) -> list[tuple[str, str]]:
    return [
        ("OUTCOME", session.text(pb.DecisionOutcome.Name(found.outcome))),
        ("SCORE", f"{found.score} ({found.bonus})" if found.score else ""),
        ("REASONS", views.reasons(session, found.reasons)),
    ]


def _objection(session: Session, one: pb.Objection) -> str:
    settled = "CLI_OBJECTION_UPHELD" if one.upheld else "CLI_OBJECTION_REJECTED"
    return f"{one.name} {views.day(one.file_date)} {session.text(settled if one.settled else 'CLI_OBJECTION_OPEN')}"


def _table(session: Session, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    return views.table(session, [f"CLI_COL_{one}" for one in columns], rows, right={"CLI_COL_POINTS", "CLI_COL_MOST"})


_WIDE = 160
