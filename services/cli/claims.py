"""`cradle claims`: send claims, find them, and have them explained."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import typer
from cradle.claims.v1 import claim_pb2, service_pb2, submitting_pb2
from cradle.claims.v1.service_pb2_grpc import ClaimsServiceStub

from services.cli import (
    appeals,
    deciding,
    platform,
    redeterminations,
    replay,
    returned,
    submitting,
    views,
)
from services.cli.paging import PAGE, pages
from services.cli.session import Session, as_data, document
from services.kit.messages import Language

app = typer.Typer(no_args_is_help=True, help="Send claims, find them, and have them explained.")

State = Literal[
    "PENDED", "APPROVED", "PARTIALLY_APPROVED", "DENIED", "DUPLICATE", "RETURNED", "WITHDRAWN", "VOIDED", "REVERSED"
]
Payment = Literal["PAYABLE", "IN_PAYMENT", "PAID", "OVERPAID"]
_PAGE_MAX = 1000
_WATCHED_S = 3600.0
_LANGUAGE = {Language.ZH: service_pb2.LANGUAGE_ZH_CN, Language.EN: service_pb2.LANGUAGE_EN}
_Name = Annotated[str, typer.Argument(help="claims/ID, sources/SOURCE/claims/NUMBER, or SOURCE/NUMBER")]

app.add_typer(platform.app, name="platform")
app.add_typer(redeterminations.app, name="redetermine")
app.add_typer(appeals.app, name="appeal")
app.command("decide")(deciding.decide)
app.command("replay")(replay.replay)
app.command("submit")(submitting.submit)
app.command("returned")(returned.submissions)
app.command("totals")(returned.totals)


@app.callback()
def claims(context: typer.Context) -> None:
    session: Session = context.obj
    if session.as_csv and context.invoked_subcommand not in {"appeal", "redetermine"}:
        raise typer.BadParameter(session.text("CLI_CSV_NOT_HERE"), param_hint="--output")


@app.command("list")
def list_(
    context: typer.Context,
    *,
    state: Annotated[State | None, typer.Option(case_sensitive=False)] = None,
    payment: Annotated[Payment | None, typer.Option(help="how far it is paid", case_sensitive=False)] = None,
    county: Annotated[str, typer.Option(help="division code")] = "",
    source: Annotated[str, typer.Option(help="the sender")] = "",
    overdue: Annotated[
        bool, typer.Option("--overdue", help="only what waits, for no reviewer, past the law's days for deciding it")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 50,
    page_size: Annotated[int, typer.Option(min=1, max=_PAGE_MAX, help="how many are asked for at a time")] = PAGE,
) -> None:
    """Show the claims on file, newest first."""
    session: Session = context.obj
    wanted = service_pb2.ListClaimsRequest(source=source, county=county, overdue=overdue)
    if state:
        wanted.state = claim_pb2.ClaimState.Value(f"CLAIM_STATE_{state}")
    if payment:
        wanted.payment = claim_pb2.PaymentState.Value(f"PAYMENT_STATE_{payment}")
    with session.channel(session.settings.claims_target) as channel:
        call = ClaimsServiceStub(channel).ListClaims
        asking = partial(call, timeout=session.settings.grpc_deadline_s)
        found = list(pages(asking, "claims", wanted, limit, page_size))
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
def watch(
    context: typer.Context,
    name: _Name,
    *,
    after: Annotated[int, typer.Option(min=0, help="only what is above this version")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="end after so many changes")] = 1000,
) -> None:
    """Show a claim as it stands and each time it changes, until it is voided."""
    session: Session = context.obj
    request = submitting_pb2.WatchClaimRequest(name=full_name(name), after_version=after)
    with session.channel(session.settings.claims_target) as channel:
        for number, told in enumerate(ClaimsServiceStub(channel).WatchClaim(request, timeout=_WATCHED_S), 1):
            if session.as_json:
                document(as_data(told))
            else:
                typer.echo(views.line(session, told.version, told.claim))
            if number == limit:
                return


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
