"""`cradle treasury refused-accounts`: what waits for another account of its payee."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from cradle.treasury.v1 import money_pb2, refused_account_pb2, run_pb2
from cradle.treasury.v1.run_pb2_grpc import RunServiceStub

from services.cli import treasury_views, views
from services.cli.session import Session, as_data
from services.cli.treasury_desk import Desk, Limit
from services.cli.treasury_views import Report

_DESK: Final = Desk(run_pb2.DESCRIPTOR.services_by_name["RunService"], RunServiceStub)


def refused_accounts(
    context: typer.Context,
    *,
    county: Annotated[str, typer.Option(help="division code; all if not given")] = "",
    limit: Limit = 1000,
) -> None:
    """Show orders that are not paid because a bank has refused their payee's account, and what the registry has now."""
    session: Session = context.obj
    wanted = refused_account_pb2.ListRefusedAccountsRequest(county=county)
    found = _DESK.pages(session, "ListRefusedAccounts", "orders", wanted, limit)
    treasury_views.present(session, _report(session, found), "refused_accounts")


def _report(session: Session, found: Sequence[refused_account_pb2.WaitingOrder]) -> Report:
    rows = [
        (
            one.order,
            one.county,
            session.text(f"CLI_{money_pb2.Fund.Name(one.fund)}"),
            f"{money_pb2.PayeeKind.Name(one.payee.kind).removeprefix('PAYEE_KIND_')} {one.payee.reference}",
            one.amount_fen,
            views.reasons(session, one.reasons),
            views.instant(one.since_time),
            session.text(f"CLI_{refused_account_pb2.AccountNow.Name(one.account_now)}"),
            one.account_version,
        )
        for one in found
    ]
    columns = ("ORDER", "COUNTY", "FUND", "PAYEE", "AMOUNT", "REASONS", "SINCE", "ACCOUNT_NOW", "ACCOUNT_VERSION")
    return Report(columns, rows, [as_data(one) for one in found], frozenset({"AMOUNT"}))
