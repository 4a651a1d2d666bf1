"""The paying: two clerks, three runs, a bank that rejects some and returns some late, and a budget that is too small.

1. One small county is paid first. Its banks have merged, and two days later all of it comes back.
2. Everybody else is paid. Our account at the bank holds too little, so the bank rejects what it cannot pay; women whose
   accounts nobody has told are left out.
3. Accounts are told and told anew, the bank's account is filled, and what was left, rejected and returned is paid.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import grpc
from cradle.treasury.v1 import run_pb2
from cradle.treasury.v1.run_pb2_grpc import RunServiceStub
from cradle.treasury.v1.service_pb2 import (
    Budget,
    ListBudgetsRequest,
    ListOrdersRequest,
    Order,
    VerifyLedgerRequest,
    VerifyLedgerResponse,
)
from cradle.treasury.v1.service_pb2_grpc import TreasuryServiceStub

from deploy.demo.bank import MockBank
from deploy.local import authority
from deploy.local.errors import StackError
from deploy.local.stack import Stack
from services.kit import rpc
from services.kit.dates import to_proto
from services.kit.ids import new_id

CLERK: Final = "li"
SECOND: Final = "wang"
RETURNED_FOR: Final = "AC04"  # ISO 20022: the account is closed
_RETURN_DAYS: Final = 2
_OPENING_FEN: Final = 10**12
_SHORT: Final = 200  # the bank's account is short of one part in so many
_CALL_TIMEOUT_S: Final = 30.0
_SILENCE_MAX_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.1
_PAGE: Final = 1000
FoundT = TypeVar("FoundT")
_WAITED_FOR: Final = frozenset(
    run_pb2.PaymentState.Value(f"PAYMENT_STATE_{name}")
    for name in ("CREATED", "RESERVED", "QUEUED", "SENT", "ACCEPTED", "SETTLED", "UNKNOWN")
)


class StillError(StackError):
    """What was waited for does not come."""


class Person(NamedTuple):
    """A clerk's own connection, with his own token."""

    runs: Any
    treasury: Any


@dataclass(frozen=True, slots=True)
class Office:
    """Who plans and sends, who approves, and the bank they pay through."""

    clerk: Person
    second: Person
    bank: MockBank


class Books(NamedTuple):
    """All that the treasury and the bank say in the end."""

    orders: list[Order]
    budgets: list[Budget]
    runs: list[run_pb2.Run]  # with their sums
    left_out: list[list[run_pb2.PlanException]]  # by run
    bank: list[dict[str, Any]]  # the bank's own list of payments
    imbalance_fen: int


@contextmanager
def office(stack: Stack, bank: MockBank) -> Iterator[Office]:
    """Two persons with a token each."""
    with ExitStack() as open_now:

        def person(name: str, role: str) -> Person:
            token = stack.authority.token(name, {"cradle_role": role})
            identity = stack.authority.identity(authority.OPERATOR, token=token)
            channel = open_now.enter_context(
                rpc.blocking_channel(stack.environment["CRADLE_TREASURY_TARGET"], identity)
            )
            return Person(RunServiceStub(channel), TreasuryServiceStub(channel))

        yield Office(person(CLERK, "treasury-clerk"), person(SECOND, "treasury-approver"), bank)


def ordered(office: Office, expected_fen: int) -> int:
    """Wait until the treasury has been told of so much; answers of how much."""

    def found() -> int:
        return sum(one.reserved_fen + one.held_fen for one in _budgets(office))

    return _until(found, lambda fen: fen == expected_fen, f"orders of {expected_fen} fen")


def small_county_first(office: Office, county: str) -> run_pb2.Run | None:
    """Its payments settle, and all of them are to come back."""
    run = planned(office, run_pb2.RunScope(county=county))
    returning = {"days": _RETURN_DAYS, "reason": RETURNED_FOR}
    office.bank.behave(behaviour="return-later", parameters=returning, balance=_OPENING_FEN)
    return _sent(office, run)


def all_others(office: Office) -> run_pb2.Run | None:
    """The bank pays as long as there is money, and rejects what is larger than what is left."""
    run = planned(office, run_pb2.RunScope())
    there_fen = run.planned_fen - run.planned_fen // _SHORT if run else 0
    office.bank.behave(behaviour="insufficient-funds", parameters={}, balance=there_fen)
    return _sent(office, run)


def what_is_left(office: Office) -> run_pb2.Run | None:
    """With money in the bank's account."""
    run = planned(office, run_pb2.RunScope())
    office.bank.behave(behaviour="accept", parameters={}, balance=_OPENING_FEN)
    return _sent(office, run)


def days_pass(office: Office, runs: Iterable[run_pb2.Run]) -> None:
    """The bank's days pass, and what it says of them is heard: each payment is proven by a statement, or has failed."""
    for _ in range(_RETURN_DAYS + 1):
        office.bank.days_pass()
    for run in runs:
        _until(partial(_run, office, run.name), _is_over, f"the end of {run.name}")


def comes_back(office: Office, run: run_pb2.Run) -> None:
    """All of that run."""

    def is_back(found: run_pb2.Run) -> bool:
        return {one.state for one in found.sums} == {run_pb2.PAYMENT_STATE_RETURNED}

    _until(partial(_run, office, run.name), is_back, f"what is returned of {run.name}")


def close(office: Office, runs: Iterable[run_pb2.Run]) -> None:
    """Each, as soon as statements have all of it: until then nothing that an advice says came back is paid again."""
    for run in runs:
        _until(partial(_closed, office, run.name), bool, f"all of {run.name} on statements")


def _closed(office: Office, name: str) -> bool:
    """Whether it is, now. Raises grpc.RpcError if it is refused for more than where it stands."""
    run = _run(office, name)
    request = run_pb2.CloseRunRequest(name=name, etag=run.etag, request_id=str(new_id()))
    try:
        office.clerk.runs.CloseRun(request, timeout=_CALL_TIMEOUT_S)
    except grpc.RpcError as error:
        if error.code() not in {grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ABORTED}:  # or moved meanwhile
            raise
        return False
    return True


def _verified(office: Office) -> int:
    """By how much the ledger's sums differ. Raises StillError if a block does."""
    request = VerifyLedgerRequest()
    imbalance_fen = 0
    while True:
        part: VerifyLedgerResponse = office.second.treasury.VerifyLedger(request, timeout=_CALL_TIMEOUT_S)
        imbalance_fen += part.imbalance_fen
        if part.first_wrong_block:
            raise StillError(f"block {part.first_wrong_block} of the ledger is not what was sealed")
        if not part.next_page_token:
            return imbalance_fen
        request.page_token = part.next_page_token


def books(office: Office, runs: Iterable[run_pb2.Run]) -> Books:
    ask, names = office.second, [run.name for run in runs]
    imbalance_fen = _verified(office)
    left_out = [
        list(_pages(ask.runs.ListExceptions, run_pb2.ListExceptionsRequest(run=name, page_size=_PAGE), "exceptions"))
        for name in names
    ]
    return Books(
        orders=list(_pages(ask.treasury.ListOrders, ListOrdersRequest(page_size=_PAGE), "orders")),
        budgets=_budgets(office),
        runs=[_run(office, name) for name in names],
        left_out=left_out,
        bank=office.bank.payments(),
        imbalance_fen=imbalance_fen,
    )


# --- a run -----------------------------------------------------------------------------------------------------------


def planned(office: Office, scope: run_pb2.RunScope) -> run_pb2.Run | None:
    """By the first, for the bank's today, and approved by the second. None: there is nothing to pay."""
    request = run_pb2.PlanRunRequest(scope=scope, execute_on=to_proto(office.bank.today()), request_id=str(new_id()))
    begun = office.clerk.runs.PlanRun(request, timeout=_CALL_TIMEOUT_S)
    look = partial(_run, office, begun.name)
    plan = _until(look, lambda run: run.state != run_pb2.RUN_STATE_PLANNING, f"the plan of {begun.name}")
    if not plan.planned_count:
        return None
    approval = run_pb2.ApproveRunRequest(
        name=plan.name, etag=plan.etag, plan_hash=plan.plan_hash, request_id=str(new_id())
    )
    office.second.runs.ApproveRun(approval, timeout=_CALL_TIMEOUT_S)
    return _until(look, lambda run: bool(run.is_ready), f"the money of {plan.name}")


def _sent(office: Office, run: run_pb2.Run | None) -> run_pb2.Run | None:
    """Queued by the first; the bank takes the file once it is there, and what it answers is heard."""
    if run is None:
        return None
    request = run_pb2.SendRunRequest(name=run.name, etag=run.etag, request_id=str(new_id()))
    office.clerk.runs.SendRun(request, timeout=_CALL_TIMEOUT_S)
    look = partial(_run, office, run.name)
    _until(look, _has_left, f"the file of {run.name}")
    office.bank.take_files()
    return _until(look, _is_answered, f"answers to {run.name}")


def _has_left(run: run_pb2.Run) -> bool:
    return bool(run.files) and all(file.handover for file in run.files)


def _is_answered(run: run_pb2.Run) -> bool:
    return all(one.state != run_pb2.PAYMENT_STATE_SENT for one in run.sums)


def _is_over(run: run_pb2.Run) -> bool:
    return not _WAITED_FOR & {one.state for one in run.sums}


def _run(office: Office, name: str) -> run_pb2.Run:
    found: run_pb2.Run = office.clerk.runs.GetRun(run_pb2.GetRunRequest(name=name), timeout=_CALL_TIMEOUT_S)
    return found


def _budgets(office: Office) -> list[Budget]:
    return list(office.clerk.treasury.ListBudgets(ListBudgetsRequest(), timeout=_CALL_TIMEOUT_S).budgets)


def _pages(method: Callable[..., Any], request: Any, field: str) -> Iterator[Any]:
    while True:
        page = method(request, timeout=_CALL_TIMEOUT_S)
        yield from getattr(page, field)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _until(look: Callable[[], FoundT], is_it: Callable[[FoundT], bool], what: str) -> FoundT:
    """Look until it is so. Raises StillError when nothing has moved for a minute."""
    found = look()
    moved_s = time.monotonic()
    while not is_it(found):
        time.sleep(_LOOK_EVERY_S)
        found, before = look(), found
        if found != before:
            moved_s = time.monotonic()
        elif time.monotonic() - moved_s > _SILENCE_MAX_S:
            raise StillError(f"nothing moves any more, and {what} is not there: {_short(found)}")
    return found


def _short(found: object) -> str:
    if isinstance(found, run_pb2.Run):
        states: Counter[str] = Counter()
        for one in found.sums:
            states[run_pb2.PaymentState.Name(one.state)] += one.count
        return f"{run_pb2.RunState.Name(found.state)} {dict(states)}"
    return str(found)
