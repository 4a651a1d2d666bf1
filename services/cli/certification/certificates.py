"""Certificates: how they stand, what is published of them, and what holders and the office do with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from cradle.certification.v1 import certificate_pb2, certificates_pb2

from services.cli.certification import views
from services.cli.certification.applying import Limit, Request
from services.cli.certification.asking import call, on_what_stands, pages_of
from services.cli.failures import Exit, Failure, coded
from services.cli.session import Session
from services.cli.treasury_runs import given_day

certificates = typer.Typer(no_args_is_help=True, help="Certificates, from their award on.")

State = Literal["ACTIVE", "SUSPENDED", "EXPIRED", "SUPERSEDED", "REVOKED", "SURRENDERED"]
Suspension = Literal["VIOLATION_OPENED", "ARREARS", "NURSING_ROOM_CLOSED"]
Veto = Literal[
    "PREGNANCY_DISMISSAL", "FALSE_DATA", "INSURANCE_FRAUD", "NURSERY_ABUSE", "HARASSMENT_CONCEALED", "GRAVE_ACCIDENT"
]
_Name = Annotated[str, typer.Argument(help="the certificate's number, or certificates/NUMBER")]
_To = Annotated[Path, typer.Option(dir_okay=False, help="a file that is not there yet")]
_Document = Annotated[str, typer.Option(help="what it rests on")]
_Due = Annotated[str, typer.Option(help="the anniversary that the report is due on, as 2027-06-01")]


@certificates.command("list")
def list_(
    context: typer.Context,
    *,
    employer: Annotated[str, typer.Option(help="its code; all in scope if not given")] = "-",
    state: Annotated[State | None, typer.Option(help="all if not given", case_sensitive=False)] = None,
    limit: Limit = 50,
) -> None:
    """Show certificates, newest first."""
    session: Session = context.obj
    wanted = certificates_pb2.ListCertificatesRequest(parent=f"employers/{employer}")
    if state:
        wanted.state = certificate_pb2.CertificateState.Value(f"CERTIFICATE_STATE_{state}")
    views.certificates(session, list(pages_of(session, "ListCertificates", "certificates", wanted, limit)))


@certificates.command()
def show(
    context: typer.Context,
    name: _Name,
    *,
    as_of: Annotated[str, typer.Option(help="a day that is past; today if not given")] = "",
) -> None:
    """Show one as it stands, or stood on a day, with its history and reports."""
    session: Session = context.obj
    day = given_day(as_of, "--as-of") if as_of else None
    views.certificate(session, call(session, "GetCertificate", name=_full(name), as_of=day))


@certificates.command()
def status(
    context: typer.Context,
    employers: Annotated[list[str], typer.Argument(help="codes, or the registry's references")],
    *,
    as_of: Annotated[str, typer.Option(help="the day")],
) -> None:
    """How employers stood on a day, as other services ask it."""
    session: Session = context.obj
    found = call(session, "BatchGetCertificateStatus", employers=employers, as_of=given_day(as_of, "--as-of"))
    views.statuses(session, employers, found.statuses)


@certificates.command()
def paper(context: typer.Context, name: _Name, *, to: _To) -> None:
    """Fetch the certificate as PDF, in Chinese and English."""
    session: Session = context.obj
    _write(to, call(session, "GetCertificatePaper", name=_full(name)).pdf)
    session.note("CLI_WRITTEN", file=str(to))


@certificates.command()
def credential(context: typer.Context, name: _Name, *, to: _To) -> None:
    """Fetch the certificate as a signed credential (JWS)."""
    session: Session = context.obj
    _write(to, call(session, "GetCredential", name=_full(name)).credential.encode())
    session.note("CLI_WRITTEN", file=str(to))


@certificates.command()
def report(
    context: typer.Context,
    name: _Name,
    *,
    due: _Due,
    as_at: Annotated[str, typer.Option(help="the day that the figures are of")],
    staff: Annotated[int, typer.Option(min=1)],
    women: Annotated[int, typer.Option(min=0)],
    statement: Annotated[str, typer.Option(help="what was done in the year; no personal data")] = "",
    request_id: Request = "",
) -> None:
    """File the holder's yearly report."""
    days = {"due_date": given_day(due, "--due"), "as_at": given_day(as_at, "--as-at")}
    filed = certificates_pb2.YearlyReport(**days, staff=staff, women=women, statement=statement)
    _move(context.obj, "FileYearlyReport", name, request_id, report=filed)


@certificates.command("check-report")
def check_report(
    context: typer.Context,
    name: _Name,
    *,
    due: _Due,
    in_order: Annotated[bool, typer.Option("--in-order/--return")],
    said: Annotated[str, typer.Option(help="why it is returned")] = "",
    request_id: Request = "",
) -> None:
    """Check a yearly report, as another person than who filed it."""
    given = {"due_date": given_day(due, "--due"), "in_order": in_order, "said": said}
    _move(context.obj, "CheckYearlyReport", name, request_id, **given)


@certificates.command()
def surrender(context: typer.Context, name: _Name, *, request_id: Request = "") -> None:
    """Give it back, for good."""
    _move(context.obj, "SurrenderCertificate", name, request_id)


@certificates.command()
def suspend(
    context: typer.Context,
    name: _Name,
    *,
    why: Annotated[Suspension, typer.Option(case_sensitive=False)],
    document: _Document,
    request_id: Request = "",
) -> None:
    """Suspend it until what it rests on has ended."""
    _move(context.obj, "SuspendCertificate", name, request_id, suspension=_suspension(why), document=document)


@certificates.command()
def reinstate(
    context: typer.Context,
    name: _Name,
    *,
    why: Annotated[Suspension, typer.Option(help="which suspension ends", case_sensitive=False)],
    document: _Document,
    request_id: Request = "",
) -> None:
    """End a suspension that a person began; what an authority stated ends by its own word."""
    _move(context.obj, "ReinstateCertificate", name, request_id, suspension=_suspension(why), document=document)


@certificates.command()
def revoke(
    context: typer.Context,
    name: _Name,
    *,
    veto: Annotated[Veto, typer.Option(case_sensitive=False)],
    on: Annotated[str, typer.Option(help="the day of the decision that proves it")],
    document: _Document,
    request_id: Request = "",
) -> None:
    """Revoke it on a veto event. For false data it is revoked when a second person says the same."""
    kind = certificates_pb2.VetoKind.Value(f"VETO_KIND_{veto}")
    _move(context.obj, "RevokeCertificate", name, request_id, veto=kind, date=given_day(on, "--on"), document=document)


def _move(session: Session, method: str, name: str, request_id: str, **given: Any) -> None:
    full = _full(name)
    made = on_what_stands(
        session, method, lambda: call(session, "GetCertificate", name=full, as_of=None), request_id, name=full, **given
    )
    views.certificate(session, made)
    if made.proposed:
        session.note("CLI_SECOND_PERSON_AWAITED")


def _full(name: str) -> str:
    return name if name.startswith("certificates/") else f"certificates/{name}"


def _suspension(why: Suspension) -> certificates_pb2.SuspensionKind.ValueType:
    return certificates_pb2.SuspensionKind.Value(f"SUSPENSION_KIND_{why}")


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as opened:
            opened.write(content)
    except FileExistsError:
        raise Failure(Exit.USAGE, [coded("CLI_FILE_THERE", str(path))]) from None
