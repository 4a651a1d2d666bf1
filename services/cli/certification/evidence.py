"""Evidence of an application: files handed in, listed, fetched and taken out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from cradle.certification.v1 import evidence_pb2 as pb
from cradle.certification.v1.evidence_pb2_grpc import EvidenceServiceStub

from services.certification.model.evidence import MEDIA_TYPES
from services.cli.certification import views
from services.cli.certification.asking import full
from services.cli.failures import Exit, Failure, coded
from services.cli.session import Session, document
from services.kit.ids import new_id

evidence = typer.Typer(no_args_is_help=True, help="Files that show what an application states.")

_MEDIA_TYPE_OF: Final = {ending: one for one, endings in MEDIA_TYPES.items() for ending in endings}
_PIECE_BYTES: Final = 256 * 1024
_UPLOAD_S: Final = 300.0
_Evidence = Annotated[str, typer.Argument(help="its id, or evidence/ID")]


@evidence.command()
def upload(
    context: typer.Context,
    application: Annotated[str, typer.Argument(help="the application's id, or applications/ID")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="PDF, JPEG, PNG, CSV, XLSX or DOCX")],
    *,
    criterion: Annotated[str, typer.Option(help="what it shows")],
    kind: Annotated[str, typer.Option(help="one of the kinds that the criterion names, as POLICY_DOC")],
    request_id: Annotated[str, typer.Option(help="a uuid; sent again with the same one, it is done once")] = "",
) -> None:
    """Hand in a file, whole or not at all. It must name no person: black names out first."""
    session: Session = context.obj
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    announced = pb.EvidenceFile(
        application=full(application),
        criterion=criterion,
        kind=kind,
        file_name=file.name,
        media_type=_MEDIA_TYPE_OF.get(file.suffix.lower(), "application/octet-stream"),
        sha256=sha256,
        size_bytes=file.stat().st_size,
        request_id=request_id or str(new_id()),
    )
    with session.channel(session.settings.certification_target) as channel:
        made = EvidenceServiceStub(channel).UploadEvidence(_parts(announced, file), timeout=_UPLOAD_S)
    views.evidence(session, [made])


@evidence.command("list")
def list_(
    context: typer.Context,
    application: Annotated[str, typer.Argument(help="the application's id, or applications/ID")],
) -> None:
    """Show what was handed in, oldest first."""
    session: Session = context.obj
    request = pb.ListEvidenceRequest(parent=full(application))
    with session.channel(session.settings.certification_target) as channel:
        found = EvidenceServiceStub(channel).ListEvidence(request, timeout=session.settings.grpc_deadline_s)
    views.evidence(session, found.evidence)


@evidence.command()
def fetch(
    context: typer.Context,
    name: _Evidence,
    *,
    to: Annotated[Path, typer.Option(dir_okay=False, help="a file that is not there yet")],
) -> None:
    """Fetch a file, and hold it against its digest."""
    session: Session = context.obj
    digest, request = hashlib.sha256(), pb.ReadEvidenceRequest(name=_full(name))
    try:
        with to.open("xb") as written, session.channel(session.settings.certification_target) as channel:
            parts = EvidenceServiceStub(channel).ReadEvidence(request, timeout=_UPLOAD_S)
            said = pb.Evidence()
            for part in parts:
                said.MergeFrom(part.evidence)
                digest.update(part.chunk)
                written.write(part.chunk)
    except FileExistsError:
        raise Failure(Exit.USAGE, [coded("CLI_FILE_THERE", str(to))]) from None
    except Failure:
        to.unlink(missing_ok=True)
        raise
    if digest.hexdigest() != said.sha256:
        to.unlink()
        raise Failure(Exit.INTERNAL, [coded("EVIDENCE_HASH", said.name)])
    views.evidence(session, [said])


@evidence.command()
def remove(
    context: typer.Context,
    name: _Evidence,
    *,
    request_id: Annotated[str, typer.Option(help="a uuid; sent again with the same one, it is done once")] = "",
) -> None:
    """Take a file out of a draft."""
    session: Session = context.obj
    request = pb.RemoveEvidenceRequest(name=_full(name), request_id=request_id or str(new_id()))
    with session.channel(session.settings.certification_target) as channel:
        EvidenceServiceStub(channel).RemoveEvidence(request, timeout=session.settings.grpc_deadline_s)
    if session.as_json:
        document({"removed": request.name})
    else:
        typer.echo(session.text("CLI_EVIDENCE_REMOVED", name=request.name))


def _parts(announced: pb.EvidenceFile, file: Path) -> Iterator[pb.UploadEvidenceRequest]:
    yield pb.UploadEvidenceRequest(file=announced)
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE_BYTES):
            yield pb.UploadEvidenceRequest(chunk=piece)


def _full(name: str) -> str:
    return name if name.startswith("evidence/") else f"evidence/{name}"
