"""`cradle claims submit`: what a file holds, sent to its source's intake or only looked at, and what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import grpc
import typer
from cradle.claims.v1 import intake_pb2, receipt_pb2, submitting_pb2
from cradle.claims.v1.service_pb2_grpc import ClaimsServiceStub
from cradle.common.v1 import reason_pb2

from services.cli import intake, views
from services.cli.failures import Exit, Failure, asking_broker, coded, from_rpc
from services.cli.files import FileArgument, Row, read_rows
from services.cli.intake import Sent
from services.cli.mapping import to_intake
from services.cli.session import Session, as_data, document
from services.kit.ids import new_id


class Foreseen(NamedTuple):
    """A message that was only looked at, and what stands against it."""

    place: str
    intake: intake_pb2.ClaimIntake
    reasons: Sequence[reason_pb2.Reason]


def submit(
    context: typer.Context,
    file: FileArgument,
    source: Annotated[str | None, typer.Option(help="the sender; the first of CRADLE_SOURCES if not given")] = None,
    *,
    wait: Annotated[bool, typer.Option(help="wait for the receipts")] = True,
    timeout: Annotated[float, typer.Option(min=0.1, help="seconds to wait for the receipts")] = 30.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what each would be returned for by itself, and send nothing")
    ] = False,
) -> None:
    """Send the claims of FILE (YAML, JSON or NDJSON; - is standard input) and show what became of each.

    A row is `submit: {claim: ...}`, `replace: {claim: ..., revision: n}`, `void: {claim_number: ..., revision: n}`,
    `control_totals: {date: ...}`, or a bare claim, which is submitted. Nothing is sent unless all of them can be read.
    A dry run reads them as the worker does, and does not look at what is on file. Exit status 1: at least one was
    returned.
    """
    session: Session = context.obj
    rows = read_rows(file)
    messages = _read(rows)
    chosen = _source(session, source)
    if dry_run:
        _tell_foreseen(session, _foresee(session, chosen, rows, messages))
        return
    with asking_broker(session.settings.kafka_bootstrap_servers):
        if wait:
            sent = _submit(session, chosen, messages, timeout)
        else:
            sent = asyncio.run(intake.send(session.broker, chosen, messages))
    _show_sent(session, sent)
    if wait:
        _end(session, sent, timeout)


def _read(rows: Sequence[Row]) -> list[intake_pb2.ClaimIntake]:
    """All or none: what cannot be read is told for every row before anything is sent."""
    messages, problems = [], []
    for row in rows:
        message, found = to_intake(row.content)
        messages.append(message)
        for problem in found:
            problem.field = f"{row.place} {problem.field}".strip()
            problems.append(problem)
    if problems:
        raise Failure(Exit.USAGE, [*problems, coded("CLI_NOTHING_SENT")])
    return messages


def _source(session: Session, source: str | None) -> str:
    known = session.settings.sources
    if source is not None and source not in known:
        raise Failure(Exit.USAGE, [coded("CLI_SOURCE_UNKNOWN", "--source", source=source, known=", ".join(known))])
    return source or known[0]


# --- only looking ----------------------------------------------------------------------------------------------------


def _foresee(
    session: Session, source: str, rows: Sequence[Row], messages: Sequence[intake_pb2.ClaimIntake]
) -> list[Foreseen]:
    found = []
    with (
        session.channel(session.settings.claims_target) as channel,
        session.progress("CLI_PROGRESS_ROWS", len(rows)) as progress,
    ):
        stub = ClaimsServiceStub(channel)
        for row, message, key in zip(rows, messages, intake.keys_of(messages), strict=True):
            request = submitting_pb2.SubmitClaimRequest(
                parent=f"sources/{source}",
                intake=message,
                request_id=str(new_id()),
                validate_only=True,
                member_key=key if message.WhichOneof("event") == "void" else b"",
            )
            found.append(Foreseen(row.place, message, _against(session, stub, request)))
            progress.advance(progress.task_ids[0])
    return found


def _against(
    session: Session, stub: ClaimsServiceStub, request: submitting_pb2.SubmitClaimRequest
) -> Sequence[reason_pb2.Reason]:
    try:
        stub.SubmitClaim(request, timeout=session.settings.grpc_deadline_s)
    except grpc.RpcError as error:
        failure = from_rpc(error, session.settings.claims_target)
        if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
            raise failure from error
        for reason in failure.reasons:
            reason.field = reason.field.removeprefix("intake.")  # a path inside the message, as a receipt has it
        return failure.reasons
    return ()


def _tell_foreseen(session: Session, found: Sequence[Foreseen]) -> None:
    if session.as_json:
        document(
            {
                "results": [
                    {
                        "place": one.place,
                        "message": one.intake.WhichOneof("event"),
                        "claim_number": intake.number_of(one.intake),
                        "reasons": [as_data(given) for given in one.reasons],
                    }
                    for one in found
                ],
                "dry_run": True,
            }
        )
    else:
        session.show(views.foreseen(session, [(one.place, one.intake, one.reasons) for one in found]))
    session.note("CLI_DRY_RUN")
    if any(one.reasons for one in found):
        raise typer.Exit(Exit.RETURNED)


# --- sending ---------------------------------------------------------------------------------------------------------


def _submit(session: Session, source: str, messages: Sequence[intake_pb2.ClaimIntake], timeout_s: float) -> list[Sent]:
    with session.progress("CLI_PROGRESS_RECEIPTS", len(messages)) as progress:
        return asyncio.run(
            intake.submit(
                session.broker,
                source,
                messages,
                timeout_s,
                lambda: progress.advance(progress.task_ids[0]),
            )
        )


def _show_sent(session: Session, sent: Sequence[Sent]) -> None:
    if session.as_json:
        document({"results": [_result(one) for one in sent]})
    else:
        session.show(views.results(session, sent))


def _result(one: Sent) -> dict[str, Any]:
    return {
        "message": one.intake.WhichOneof("event"),
        "claim_number": one.number,
        "position": as_data(receipt_pb2.RecordPosition(**one.position._asdict())),
        "receipt": as_data(one.receipt) if one.receipt else None,
    }


def _end(session: Session, sent: Sequence[Sent], timeout_s: float) -> None:
    """The exit status the receipts call for."""
    received = [one.receipt for one in sent if one.receipt is not None]
    refused = {receipt_pb2.RECEIPT_STATUS_RETURNED, receipt_pb2.RECEIPT_STATUS_TOTALS_DIFFER}
    returned = sum(receipt.status in refused for receipt in received)
    session.note("CLI_COUNT_RECEIPTS", sent=len(sent), received=len(received), returned=returned)
    if len(received) < len(sent):
        session.note("CLI_RECEIPTS_MISSING", missing=len(sent) - len(received), seconds=f"{timeout_s:g}")
        raise typer.Exit(Exit.UNAVAILABLE)
    if returned:
        raise typer.Exit(Exit.RETURNED)
