"""`cradle treasury recover | orders release, refuse`: what was paid too much, and orders that wait for two persons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import typer
from cradle.treasury.v1 import recovery_pb2, service_pb2
from cradle.treasury.v1.recovery_pb2_grpc import RecoveryServiceStub
from cradle.treasury.v1.service_pb2_grpc import TreasuryServiceStub
from google.type.date_pb2 import Date

from services.cli import recovery_views as shown
from services.cli import treasury_views
from services.cli.failures import Exit, Failure, coded
from services.cli.session import Session
from services.cli.treasury_desk import Desk, DryRun, Limit, RequestId, full, once

recover = typer.Typer(no_args_is_help=True, help="What was paid beyond what is owed, and is asked back.")

State = Literal[
    "DETECTED", "NOTIFIED", "DISPUTED", "OFFSETTING", "INSTALMENTS", "RECOVERED", "WITHDRAWN", "WRITTEN_OFF"
]
Why = Literal["REDETERMINED", "CASE_VOIDED", "CASE_REVERSED", "COVERAGE_CORRECTED", "PAID_IN_ERROR"]
Ground = Literal["AMOUNT_DISPUTED", "PAYMENT_NOT_RECEIVED", "ENTITLED_TO_IT", "OTHER_GROUND"]
GivenUp = Literal["UNCOLLECTABLE", "GONE_OR_DISSOLVED", "HARDSHIP", "COSTS_MORE_THAN_IT_BRINGS"]
Released = Literal["CHECKED_WITH_PAYEE", "CHECKED_WITH_CASE"]
NotReleased = Literal["NOT_JUSTIFIED", "WRONG_PAYEE"]

_PARTS: Final = 2  # of an instalment as it is given
_Name = Annotated[str, typer.Argument(help="the recovery's id, or recoveries/ID")]
_Order = Annotated[str, typer.Argument(help="the order's number, or orders/ID")]
_Amount = Annotated[int, typer.Option(min=1, help="in fen")]
_Document = Annotated[str, typer.Option(help="what it rests on")]
_DESK: Final = Desk(
    recovery_pb2.DESCRIPTOR.services_by_name["RecoveryService"], RecoveryServiceStub, "Recovery", "recoveries"
)
_ORDERS: Final = Desk(
    service_pb2.DESCRIPTOR.services_by_name["TreasuryService"], TreasuryServiceStub, "Order", "orders"
)


@recover.command("list")
def recover_list(
    context: typer.Context,
    *,
    state: Annotated[State | None, typer.Option(help="all if not given", case_sensitive=False)] = None,
    payee: Annotated[str, typer.Option(help="the registry's reference; all if not given")] = "",
    limit: Limit = 50,
) -> None:
    """Show what is asked back, newest first."""
    session: Session = context.obj
    wanted = recovery_pb2.ListRecoveriesRequest(payee=payee)
    if state:
        wanted.state = recovery_pb2.RecoveryState.Value(f"RECOVERY_STATE_{state}")
    found = _DESK.pages(session, "ListRecoveries", "recoveries", wanted, limit)
    treasury_views.present(session, shown.recoveries(session, found), "recoveries")


@recover.command()
def show(context: typer.Context, name: _Name) -> None:
    """Show one: how far it has come, its notice while it may be answered, its instalments, and every move."""
    session: Session = context.obj
    shown.recovery(session, _DESK.get(session, name))


@recover.command()
def notify(
    context: typer.Context,
    name: _Name,
    *,
    article: Annotated[str, typer.Option(help="the article it rests on, as the payee is to read it")],
    reason: Annotated[Why, typer.Option(case_sensitive=False)],
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Tell the payee, who may answer until a day; after it, it is kept from the next payments."""
    _move(context.obj, "NotifyRecovery", name, once(request_id, dry_run=dry_run), article=article, reason=reason)


@recover.command()
def dispute(
    context: typer.Context,
    name: _Name,
    *,
    amount_fen: _Amount,
    ground: Annotated[Ground, typer.Option(case_sensitive=False)],
    document: _Document,
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Record that the payee disputes so much; that part is frozen, the rest goes on."""
    given = {"amount_fen": amount_fen, "ground": ground, "document": document}
    _move(context.obj, "DisputeRecovery", name, once(request_id, dry_run=dry_run), **given)


@recover.command()
def resolve(
    context: typer.Context,
    name: _Name,
    *,
    uphold: Annotated[bool, typer.Option("--uphold/--reject", help="whether the payee is right")],
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Resolve a dispute as another person than who recorded it. What is upheld is given up."""
    _move(context.obj, "ResolveDispute", name, once(request_id, dry_run=dry_run), uphold=uphold)


@recover.command()
def instalments(
    context: typer.Context,
    name: _Name,
    parts: Annotated[list[str], typer.Argument(help="a day and fen each, as in 2027-01-31=50000")],
    *,
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Let it be repaid in parts that sum to what is left. One that is missed ends them."""
    _move(context.obj, "SetInstalments", name, once(request_id, dry_run=dry_run), instalments=_parts(parts))


@recover.command("write-off")
def write_off(
    context: typer.Context,
    name: _Name,
    *,
    amount_fen: _Amount,
    reason: Annotated[GivenUp, typer.Option(case_sensitive=False)],
    document: _Document,
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Propose to give so much up; it is given up when a second person says the same."""
    given = {"amount_fen": amount_fen, "reason": reason, "document": document}
    _move(context.obj, "WriteOffRecovery", name, once(request_id, dry_run=dry_run), **given)


@recover.command()
def repay(
    context: typer.Context,
    name: _Name,
    *,
    item: Annotated[str, typer.Option(help="the open credit, as in unmatched/12")],
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Say that a credit which names nothing is this repayment. One with the recovery's reference needs nobody."""
    _move(context.obj, "RecordRepayment", name, once(request_id, dry_run=dry_run), item=full("unmatched", item))


# --- orders -----------------------------------------------------------------------------------------------------------


def register(orders: typer.Typer) -> None:
    """Beside the other commands about orders."""
    orders.command()(release)
    orders.command()(refuse)


def release(
    context: typer.Context,
    name: _Order,
    *,
    reason: Annotated[Released, typer.Option(case_sensitive=False)],
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Let an order through that waits for a person; it is, when a second person says the same of this revision."""
    _decide(context.obj, name, reason, once(request_id, dry_run=dry_run), is_release=True)


def refuse(
    context: typer.Context,
    name: _Order,
    *,
    reason: Annotated[NotReleased, typer.Option(case_sensitive=False)],
    request_id: RequestId = "",
    dry_run: DryRun = False,
) -> None:
    """Refuse an order that waits for a person; it waits for another revision when a second person says the same."""
    _decide(context.obj, name, reason, once(request_id, dry_run=dry_run), is_release=False)


# --- asking ----------------------------------------------------------------------------------------------------------


def _move(session: Session, method: str, name: str, given: dict[str, Any], **more: Any) -> None:
    made = _DESK.move(session, method, name, given, **more)
    shown.recovery(session, made)
    if made.proposed_by and not given["validate_only"]:
        session.note("CLI_SECOND_PERSON_AWAITED")


def _decide(session: Session, name: str, reason: str, given: dict[str, Any], *, is_release: bool) -> None:
    order = _ORDERS.get(session, name)
    request = recovery_pb2.DecideOrderRequest(
        name=order.name, revision=order.revision, release=is_release, reason=reason, **given
    )
    made = _DESK.call(session, "DecideOrder", request)
    treasury_views.order(session, made.order)
    if given["validate_only"]:
        session.note("CLI_NOTHING_CHANGED")
    elif not made.approved_by:
        session.note("CLI_SECOND_PERSON_AWAITED")


def _parts(given: Sequence[str]) -> list[recovery_pb2.Instalment]:
    return [_part(one) for one in given]


def _part(text: str) -> recovery_pb2.Instalment:
    found = text.split("=")
    try:
        year, month, day = (int(part) for part in found[0].split("-"))
        fen = int(found[1]) if len(found) == _PARTS else 0
    except ValueError:
        raise Failure(Exit.USAGE, [coded("FACT_NOT_DATE", "PARTS")]) from None
    return recovery_pb2.Instalment(due_date=Date(year=year, month=month, day=day), amount_fen=fen)
