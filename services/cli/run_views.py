"""How runs, payments and the bank's word look."""

from __future__ import annotations

from collections.abc import Sequence

from cradle.treasury.v1 import money_pb2, run_pb2

from services.cli import treasury_views, views
from services.cli.session import Session, as_data, document
from services.cli.treasury_views import Report
from services.kit.money import yuan

_MONEY = frozenset({"AMOUNT", "KEPT"})


def run(session: Session, found: run_pb2.Run) -> None:
    """Its facts, then its sums by fund, county and state, then its files."""
    _run(session, found)
    if found.state == run_pb2.RUN_STATE_PLANNED and not session.as_json:
        session.note("CLI_SECOND_PERSON_AWAITED" if found.planned_count else "CLI_NOTHING_TO_PAY")
        if found.exceptions:
            session.note("CLI_LEFT_OUT_WHY", count=found.exceptions, run=found.name.removeprefix("runs/"))


def foreseen(session: Session, found: run_pb2.Run) -> None:
    """A plan that is none."""
    _run(session, found)
    session.note("CLI_NOTHING_CHANGED")


def _run(session: Session, found: run_pb2.Run) -> None:
    if session.as_json:
        document(as_data(found))
        return
    pairs = [
        ("NAME", found.name),
        ("STATE", _run_state(session, found.state)),
        ("PLANNED", f"{found.planned_count} / {yuan(found.planned_fen)}"),
        ("EXCEPTIONS", str(found.exceptions)),
        ("DROPPED", str(found.dropped)),
        ("EXECUTE_ON", views.day(found.execute_on)),
        ("PLANNED_BY", found.planned_by),
        ("APPROVED_BY", found.approved_by),
        ("SENT_BY", found.sent_by),
        ("PLAN_HASH", found.plan_hash),
    ]
    if not session.as_csv:
        session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in pairs]))
    treasury_views.present(session, sums(session, found.sums), "sums")
    if found.files and not session.as_csv:
        treasury_views.present(session, files(found.files), "files")


def planned(found: run_pb2.Run) -> tuple[int, None]:
    """How many orders were looked at; of how many, the plan knows when it is whole."""
    return found.planned_count + found.exceptions, None


def committed(found: run_pb2.Run) -> tuple[int, int]:
    """How many lines are committed or dropped, and of how many."""
    left = sum(one.count for one in found.sums if one.state == run_pb2.PAYMENT_STATE_CREATED)
    return found.planned_count - left, found.planned_count


def sums(session: Session, found: Sequence[run_pb2.RunSum]) -> Report:
    rows = [
        (_fund(session, one.fund), one.county, _payment_state(session, one.state), one.count, one.amount_fen)
        for one in found
    ]
    return Report(("FUND", "COUNTY", "STATE", "PAYMENTS", "AMOUNT"), rows, [as_data(one) for one in found], _MONEY)


def files(found: Sequence[run_pb2.BankFile]) -> Report:
    rows = [
        (
            one.name,
            one.account,
            one.count,
            one.total_fen,
            views.instant(one.intent_time) if one.HasField("intent_time") else "",
            one.handover,
            one.sha256[:16],
        )
        for one in found
    ]
    columns = ("FILE", "ACCOUNT", "PAYMENTS", "AMOUNT", "INTENT", "HANDOVER", "SHA256")
    return Report(columns, rows, [as_data(one) for one in found], _MONEY)


def runs(session: Session, found: Sequence[run_pb2.Run]) -> Report:
    rows = [
        (
            one.name,
            _run_state(session, one.state),
            one.planned_count,
            one.planned_fen,
            one.exceptions,
            views.day(one.execute_on),
            one.planned_by,
            one.approved_by,
        )
        for one in found
    ]
    columns = ("NAME", "STATE", "PAYMENTS", "AMOUNT", "EXCEPTIONS", "EXECUTE_ON", "PLANNED_BY", "APPROVED_BY")
    return Report(columns, rows, [as_data(one) for one in found], _MONEY)


def payments(session: Session, found: Sequence[run_pb2.Payment]) -> Report:
    rows = [
        (
            one.name,
            one.order,
            one.end_to_end_id,
            _payment_state(session, one.state),
            one.amount_fen,
            one.offset_fen,
            one.county,
            one.reason,
            one.reissue_of,
        )
        for one in found
    ]
    columns = ("NAME", "ORDER", "END_TO_END_ID", "STATE", "AMOUNT", "KEPT", "COUNTY", "REASONS", "REISSUE_OF")
    return Report(columns, rows, [as_data(one) for one in found], _MONEY)


def exceptions(session: Session, found: Sequence[run_pb2.PlanException]) -> Report:
    rows = [(one.order, one.amount_fen, one.county, views.reasons(session, one.reasons)) for one in found]
    return Report(("ORDER", "AMOUNT", "COUNTY", "REASONS"), rows, [as_data(one) for one in found], _MONEY)


def unmatched(session: Session, found: Sequence[run_pb2.Unmatched]) -> Report:
    rows = [
        (
            one.name,
            one.file_name,
            one.source,
            one.end_to_end_id,
            -one.amount_fen if not one.is_credit else one.amount_fen,
            views.reasons(session, one.reasons),
        )
        for one in found
    ]
    columns = ("NAME", "FILE", "KIND", "END_TO_END_ID", "AMOUNT", "REASONS")
    return Report(columns, rows, [as_data(one) for one in found], _MONEY)


def imported(session: Session, found: run_pb2.ImportStatementResponse) -> None:
    if session.as_json:
        document(as_data(found))
        return
    pairs = [("KIND", found.kind), ("RECORDS", str(found.records)), ("UNMATCHED", str(found.unmatched))]
    session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in pairs]))
    if found.is_known:
        session.note("CLI_FILE_KNOWN")


def _fund(session: Session, value: money_pb2.Fund.ValueType) -> str:
    return session.text(f"CLI_{money_pb2.Fund.Name(value)}")


def _run_state(session: Session, value: run_pb2.RunState.ValueType) -> str:
    return session.text(f"CLI_{run_pb2.RunState.Name(value)}")


def _payment_state(session: Session, value: run_pb2.PaymentState.ValueType) -> str:
    return session.text(f"CLI_{run_pb2.PaymentState.Name(value)}")
