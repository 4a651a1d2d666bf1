"""`cradle claims`: send claims, find them, and have them explained."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import typer
from cradle.claims.v1 import claim_pb2, intake_pb2, receipt_pb2, service_pb2
from cradle.claims.v1.service_pb2_grpc import ClaimsServiceStub

from services.cli import appeals, deciding, intake, platform, redeterminations, replay, views
from services.cli.failures import Exit, Failure, asking_broker, coded
from services.cli.files import FileArgument, Row, read_rows
from services.cli.intake import Sent
from services.cli.mapping import to_intake
from services.cli.session import Session, as_data, document
from services.kit.messages import Language

app = typer.Typer(no_args_is_help=True, help="Send claims, find them, and have them explained.")

State = Literal[
    "PENDED", "APPROVED", "PARTIALLY_APPROVED", "DENIED", "DUPLICATE", "RETURNED", "WITHDRAWN", "VOIDED", "REVERSED"
]
Payment = Literal["PAYABLE", "IN_PAYMENT", "PAID", "OVERPAID"]
_PAGE_MAX = 1000
_LANGUAGE = {Language.ZH: service_pb2.LANGUAGE_ZH_CN, Language.EN: service_pb2.LANGUAGE_EN}
_Name = Annotated[str, typer.Argument(help="claims/ID, sources/SOURCE/claims/NUMBER, or SOURCE/NUMBER")]

app.add_typer(platform.app, name="platform")
app.add_typer(redeterminations.app, name="redetermine")
app.add_typer(appeals.app, name="appeal")
app.command("decide")(deciding.decide)
app.command("replay")(replay.replay)


@app.callback()
def claims(context: typer.Context) -> None:
    session: Session = context.obj
    if session.as_csv and context.invoked_subcommand not in {"appeal", "redetermine"}:
        raise typer.BadParameter(session.text("CLI_CSV_NOT_HERE"), param_hint="--output")


@app.command()
def submit(
    context: typer.Context,
    file: FileArgument,
    source: Annotated[str | None, typer.Option(help="the sender; the first of CRADLE_SOURCES if not given")] = None,
    *,
    wait: Annotated[bool, typer.Option(help="wait for the receipts")] = True,
    timeout: Annotated[float, typer.Option(min=0.1, help="seconds to wait for the receipts")] = 30.0,
) -> None:
    """Send the claims of FILE (YAML, JSON or NDJSON; - is standard input) and show what became of each.

    A claim is `submit: {claim: ...}`, `replace: {claim: ..., revision: n}`, or a bare claim, which is submitted.
    Nothing is sent unless all of them can be read. Exit status 1: at least one was returned.
    """
    session: Session = context.obj
    claims = _read(read_rows(file))
    settings, chosen = session.settings, _source(session, source)
    with asking_broker(settings.kafka_bootstrap_servers):
        if wait:
            sent = _submit(session, chosen, claims, timeout)
        else:
            sent = asyncio.run(intake.send(session.broker, chosen, claims))
    _show_sent(session, sent)
    if wait:
        _end(session, sent, timeout)


@app.command("list")
def list_(
    context: typer.Context,
    *,
    state: Annotated[State | None, typer.Option()] = None,
    payment: Annotated[Payment | None, typer.Option(help="how far it is paid")] = None,
    county: Annotated[str, typer.Option(help="division code")] = "",
    source: Annotated[str, typer.Option(help="the sender")] = "",
    limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 50,
    page_size: Annotated[int, typer.Option(min=1, max=_PAGE_MAX, help="how many are asked for at a time")] = 500,
) -> None:
    """Show the claims on file, newest first."""
    session: Session = context.obj
    wanted = service_pb2.ListClaimsRequest(source=source, county=county)
    if state:
        wanted.state = claim_pb2.ClaimState.Value(f"CLAIM_STATE_{state}")
    if payment:
        wanted.payment = claim_pb2.PaymentState.Value(f"PAYMENT_STATE_{payment}")
    found = list(_pages(session, wanted, limit, page_size))
    if session.as_json:
        document({"claims": [as_data(claim) for claim in found]})
        return
    session.show(views.claims(session, found))
    session.note("CLI_COUNT_CLAIMS", count=len(found))


@app.command()
def show(context: typer.Context, name: _Name) -> None:
    """Show one claim with its determination."""
    session: Session = context.obj
    with session.channel(session.settings.claims_target) as channel:
        request = service_pb2.GetClaimRequest(name=full_name(name))
        claim = ClaimsServiceStub(channel).GetClaim(request, timeout=session.settings.grpc_deadline_s)
    if session.as_json:
        document(as_data(claim))
    else:
        session.show(views.claim(session, claim))


@app.command()
def explain(
    context: typer.Context,
    name: _Name,
    revision: Annotated[int, typer.Option(min=0, help="an earlier revision; 0 is the latest")] = 0,
) -> None:
    """Print the notice: the result, each step to it with its article, and the remedies."""
    session: Session = context.obj
    request = service_pb2.ExplainDeterminationRequest(
        name=full_name(name), revision=revision, language=_LANGUAGE[session.language]
    )
    with session.channel(session.settings.claims_target) as channel:
        stub = ClaimsServiceStub(channel)
        explained = stub.ExplainDetermination(request, timeout=session.settings.grpc_deadline_s)
    if session.as_json:
        document(as_data(explained))
    else:
        typer.echo(explained.text)


def full_name(name: str) -> str:
    """The resource name; SOURCE/NUMBER is short for sources/SOURCE/claims/NUMBER."""
    match name.split("/"):
        case [source, number] if source != "claims":
            return f"sources/{source}/claims/{number}"
        case _:
            return name


def _read(rows: Sequence[Row]) -> list[intake_pb2.ClaimIntake]:
    """All or none: what cannot be read is told for every row before anything is sent."""
    claims, problems = [], []
    for row in rows:
        claim, found = to_intake(row.content)
        claims.append(claim)
        for problem in found:
            problem.field = f"{row.place} {problem.field}".strip()
            problems.append(problem)
    if problems:
        raise Failure(Exit.USAGE, [*problems, coded("CLI_NOTHING_SENT")])
    return claims


def _source(session: Session, source: str | None) -> str:
    known = session.settings.sources
    if source is not None and source not in known:
        raise Failure(Exit.USAGE, [coded("CLI_SOURCE_UNKNOWN", "--source", source=source, known=", ".join(known))])
    return source or known[0]


def _submit(session: Session, source: str, claims: Sequence[intake_pb2.ClaimIntake], timeout_s: float) -> list[Sent]:
    with session.progress("CLI_PROGRESS_RECEIPTS", len(claims)) as progress:
        return asyncio.run(
            intake.submit(
                session.broker,
                source,
                claims,
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
        "claim_number": one.claim.claim_number,
        "position": as_data(receipt_pb2.RecordPosition(**one.position._asdict())),
        "receipt": as_data(one.receipt) if one.receipt else None,
    }


def _end(session: Session, sent: Sequence[Sent], timeout_s: float) -> None:
    """The exit status the receipts call for."""
    received = [one.receipt for one in sent if one.receipt is not None]
    returned = sum(receipt.status == receipt_pb2.RECEIPT_STATUS_RETURNED for receipt in received)
    session.note("CLI_COUNT_RECEIPTS", sent=len(sent), received=len(received), returned=returned)
    if len(received) < len(sent):
        session.note("CLI_RECEIPTS_MISSING", missing=len(sent) - len(received), seconds=f"{timeout_s:g}")
        raise typer.Exit(Exit.UNAVAILABLE)
    if returned:
        raise typer.Exit(Exit.RETURNED)


def _pages(
    session: Session, wanted: service_pb2.ListClaimsRequest, limit: int, page_size: int
) -> Iterator[claim_pb2.Claim]:
    with session.channel(session.settings.claims_target) as channel:
        stub = ClaimsServiceStub(channel)
        while limit > 0:
            wanted.page_size = min(limit, page_size)
            page = stub.ListClaims(wanted, timeout=session.settings.grpc_deadline_s)
            yield from page.claims
            limit -= len(page.claims)
            wanted.page_token = page.next_page_token
            if not page.next_page_token:
                return
