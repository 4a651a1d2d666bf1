"""`cradle treasury`: funds, budgets, orders and the ledger, for the clerks of the treasury and whoever audits them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import typer
from cradle.treasury.v1 import money_pb2, service_pb2
from cradle.treasury.v1.service_pb2_grpc import TreasuryServiceStub

from services.cli import treasury_views as shown
from services.cli.failures import Exit
from services.cli.session import Session
from services.cli.treasury_accounts import refused_accounts
from services.cli.treasury_breaks import breaks, reconcile
from services.cli.treasury_desk import Desk, DryRun, Limit, RequestId, once
from services.cli.treasury_hold import hold
from services.cli.treasury_recover import recover, register
from services.cli.treasury_runs import given_day, runs
from services.cli.treasury_runs import statement as bank_statement

app = typer.Typer(no_args_is_help=True, help="Funds, budgets, orders and the ledger.")
budgets = typer.Typer(no_args_is_help=True, help="What may be paid, by fund, county, programme and year.")
orders = typer.Typer(no_args_is_help=True, help="What is to be paid, and what became of it.")
ledger = typer.Typer(no_args_is_help=True, help="Every fen, twice.")
app.add_typer(budgets, name="budgets")
app.add_typer(orders, name="orders")
app.add_typer(ledger, name="ledger")
app.add_typer(hold, name="hold")
app.add_typer(runs, name="runs")
app.add_typer(bank_statement, name="statement")
app.add_typer(breaks, name="breaks")
app.command()(reconcile)
app.command()(refused_accounts)
app.add_typer(recover, name="recover")
register(orders)

Fund = Literal["EMPLOYEE_INSURANCE", "RESIDENT_INSURANCE", "UNEMPLOYMENT", "FISCAL"]
Programme = Literal["MATERNITY", "NURSERY"]
State = Literal["RESERVED", "HELD", "SETTLED", "OVERPAID"]

_DESK: Final = Desk(service_pb2.DESCRIPTOR.services_by_name["TreasuryService"], TreasuryServiceStub, "Order", "orders")
_Fund = Annotated[Fund | None, typer.Option(help="all if not given", case_sensitive=False)]
_County = Annotated[str, typer.Option(help="division code; all if not given")]
_Month = Annotated[str, typer.Option(help="as in 2026-11")]


@app.command()
def funds(context: typer.Context, *, year: Annotated[int, typer.Option(help="all if not given")] = 0) -> None:
    """Show what each fund has in each year, over all its budgets."""
    session: Session = context.obj
    found = _DESK.call(session, "ListBudgets", service_pb2.ListBudgetsRequest(fiscal_year=year))
    shown.present(session, shown.funds(session, found.budgets), "funds")


@budgets.command("list")
def budgets_list(
    context: typer.Context,
    *,
    fund: _Fund = None,
    county: _County = "",
    year: Annotated[int, typer.Option(help="all if not given")] = 0,
) -> None:
    """Show budgets, and the orders that wait for their money. One without a pooling area is not open."""
    session: Session = context.obj
    wanted = service_pb2.ListBudgetsRequest(fund=_fund(fund), county=county, fiscal_year=year)
    shown.present(session, shown.budgets(session, _DESK.call(session, "ListBudgets", wanted).budgets), "budgets")


@budgets.command()
def appropriate(
    context: typer.Context,
    *,
    fund: Annotated[Fund, typer.Option(case_sensitive=False)],
    pooling_area: Annotated[str, typer.Option(help="division code (统筹区)")],
    county: Annotated[str, typer.Option(help="division code")],
    programme: Annotated[Programme, typer.Option(case_sensitive=False)],
    year: Annotated[int, typer.Option()],
    amount_fen: Annotated[int, typer.Option(help="in fen; what is taken back is negative")],
    document: Annotated[str, typer.Option(help="the document it rests on (批复文号)")],
    effective_on: Annotated[str, typer.Option(help="from which day, as in 2026-11-01; today if not given")] = "",
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Give money to a budget, or take back what is available. Orders that wait for it are released in order."""
    session: Session = context.obj
    request = service_pb2.AppropriateBudgetRequest(
        key=service_pb2.BudgetKey(
            fund=_fund(fund),
            pooling_area=pooling_area,
            county=county,
            programme=money_pb2.Programme.Value(f"PROGRAMME_{programme}"),
            fiscal_year=year,
        ),
        amount_fen=amount_fen,
        document=document,
        effective_on=given_day(effective_on, "--effective-on") if effective_on else None,
        **once(request_id, dry_run=dry_run),
    )
    answered = _DESK.call(session, "AppropriateBudget", request)
    shown.present(session, shown.budgets(session, [answered]), "budgets")
    if dry_run:
        session.note("CLI_NOTHING_CHANGED")


@orders.command("list")
def orders_list(
    context: typer.Context,
    *,
    state: Annotated[
        State | None, typer.Option(help="HELD is the queue of what cannot be paid yet", case_sensitive=False)
    ] = None,
    case: Annotated[str, typer.Option(help="the claim's id, or the subsidy's")] = "",
    county: _County = "",
    limit: Limit = 50,
) -> None:
    """Show orders, newest first."""
    session: Session = context.obj
    wanted = service_pb2.ListOrdersRequest(case_id=case, county=county)
    if state:
        wanted.state = service_pb2.OrderState.Value(f"ORDER_STATE_{state}")
    found = _DESK.pages(session, "ListOrders", "orders", wanted, limit)
    shown.present(session, shown.orders(session, found), "orders")


@orders.command()
def show(context: typer.Context, name: Annotated[str, typer.Argument(help="the order's number, or orders/ID")]) -> None:
    """Show one order: what is owed, what is reserved, on its way and settled, and why it waits."""
    session: Session = context.obj
    shown.order(session, _DESK.get(session, name))


@orders.command()
def refusals(context: typer.Context, *, limit: Limit = 50) -> None:
    """Show what came in and was not taken, newest first."""
    session: Session = context.obj
    found = _DESK.pages(session, "ListRefusals", "refusals", service_pb2.ListRefusalsRequest(), limit)
    shown.present(session, shown.refusals(session, found), "refusals")


@ledger.command()
def verify(context: typer.Context) -> None:
    """Compute the sealed blocks and every sum again, part by part. Ends with 1 if anything differs."""
    session: Session = context.obj
    request, found = service_pb2.VerifyLedgerRequest(), service_pb2.VerifyLedgerResponse()
    with session.progress("CLI_PROGRESS_VERIFYING", None) as progress:
        while True:
            part = _DESK.call(session, "VerifyLedger", request)
            found = shown.verified_so_far(found, part)
            progress.update(progress.task_ids[0], total=part.total_parts, completed=part.verified_parts)
            if not part.next_page_token:
                break
            request.page_token = part.next_page_token
    shown.verified(session, found)
    if found.first_wrong_block or found.imbalance_fen:
        raise typer.Exit(Exit.RETURNED)


@ledger.command("trial-balance")
def trial_balance(
    context: typer.Context,
    *,
    fund: _Fund = None,
    county: _County = "",
    booked_to: Annotated[str, typer.Option(help="booked until this day; until now if not given")] = "",
    effective_to: Annotated[str, typer.Option(help="with effect until this day")] = "",
) -> None:
    """Show the balance of every account as of a day; both sides have the same sum."""
    session: Session = context.obj
    request = service_pb2.GetTrialBalanceRequest(
        fund=_fund(fund),
        county=county,
        booked_to=given_day(booked_to, "--booked-to") if booked_to else None,
        effective_to=given_day(effective_to, "--effective-to") if effective_to else None,
    )
    shown.present(session, shown.trial_balance(_DESK.call(session, "GetTrialBalance", request)), "accounts")


@ledger.command()
def statement(context: typer.Context, *, month: _Month, fund: _Fund = None, county: _County = "") -> None:
    """Show what each account had, what moved in a month, and what it had then."""
    session: Session = context.obj
    request = service_pb2.GetStatementRequest(fund=_fund(fund), county=county, month=month)
    shown.present(session, shown.statement(_DESK.call(session, "GetStatement", request).accounts), "accounts")


@ledger.command()
def transfers(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="as in 610300/EMPLOYEE_INSURANCE/2026/610302/MATERNITY/RESERVED")],
    *,
    month: _Month,
    limit: Limit = 1000,
) -> None:
    """Show the transfers of an account in a month, in order of booking."""
    session: Session = context.obj
    wanted = service_pb2.ListTransfersRequest(account=account, month=month)
    found = _DESK.pages(session, "ListTransfers", "transfers", wanted, limit)
    shown.present(session, shown.transfers(found), "transfers")


# --- asking ----------------------------------------------------------------------------------------------------------


def _fund(given: str | None) -> money_pb2.Fund.ValueType:
    return money_pb2.Fund.Value(f"FUND_{given}") if given else money_pb2.FUND_UNSPECIFIED
