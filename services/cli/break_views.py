"""How breaks and reconciled days look."""

from __future__ import annotations

from collections.abc import Sequence

from cradle.treasury.v1 import reconciliation_pb2 as pb

from services.cli import treasury_views, views
from services.cli.session import Session, as_data, document
from services.cli.treasury_views import Report
from services.kit.money import yuan

_SUMS = ("OPENING", "CLOSING", "STATEMENT", "LEDGER", "EXPLAINED", "OPEN", "DIFFERENCE")


def breaks(session: Session, found: Sequence[pb.Break]) -> Report:
    rows = [
        (
            one.name,
            _kind(session, one.kind),
            one.account,
            views.day(one.value_date) if one.HasField("value_date") else "",
            one.amount_fen if one.is_credit else -one.amount_fen,
            one.payment or one.end_to_end_id or one.file_name,
            _way(session, one.way),
            one.proposed_by,
            views.reasons(session, one.reasons),
        )
        for one in found
    ]
    columns = ("NAME", "KIND", "BANK_ACCOUNT", "VALUE_DATE", "AMOUNT", "ABOUT", "WAY", "PROPOSED_BY", "REASONS")
    return Report(columns, rows, [as_data(one) for one in found], frozenset({"AMOUNT"}))


def one(session: Session, found: pb.Break) -> None:
    """Its facts, then its history."""
    if session.as_json:
        document(as_data(found))
        return
    if not session.as_csv:
        pairs = [
            ("NAME", found.name),
            ("KIND", _kind(session, found.kind)),
            ("REASONS", views.reasons(session, found.reasons)),
            ("BANK_ACCOUNT", found.account),
            ("VALUE_DATE", views.day(found.value_date) if found.HasField("value_date") else ""),
            ("AMOUNT", yuan(found.amount_fen if found.is_credit else -found.amount_fen)),
            ("END_TO_END_ID", found.end_to_end_id),
            ("PAYMENT", found.payment),
            ("ORDER", found.order),
            ("FILE", found.file_name),
            ("WAY", _way(session, found.way)),
            ("WHY", pb.BreakReason.Name(found.reason).removeprefix("BREAK_REASON_") if found.reason else ""),
            ("OTHERS", " ".join([*found.ends_with, found.ends_payment]).strip()),
            ("NOTE", found.note),
            ("PROPOSED_BY", found.proposed_by),
            ("ENDED_BY", found.ended_by),
        ]
        session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in pairs if value]))
    if found.history or session.as_csv:
        treasury_views.present(session, history(found.history), "history")


def history(found: Sequence[pb.BreakStep]) -> Report:
    rows = [(views.instant(one.time), one.step, one.way, one.reason, one.actor, one.note) for one in found]
    return Report(("AT", "STEP", "WAY", "WHY", "ACTOR", "NOTE"), rows, [as_data(one) for one in found])


def days(session: Session, found: Sequence[pb.ReconciledDay]) -> Report:
    rows = [
        (
            views.day(one.day),
            one.account,
            session.text("CLI_YES" if one.is_covered else "CLI_NO"),
            one.opening_fen,
            one.closing_fen,
            one.statement_fen,
            one.ledger_fen,
            one.explained_fen,
            one.open_fen,
            one.difference_fen,
            one.open_breaks,
        )
        for one in found
    ]
    columns = ("DAY", "BANK_ACCOUNT", "COVERED", *_SUMS, "BREAKS")
    return Report(columns, rows, [as_data(one) for one in found], frozenset(_SUMS))


def _kind(session: Session, value: pb.BreakKind.ValueType) -> str:
    return session.text(f"CLI_{pb.BreakKind.Name(value)}")


def _way(session: Session, value: pb.BreakWay.ValueType) -> str:
    return session.text(f"CLI_{pb.BreakWay.Name(value)}") if value else ""
