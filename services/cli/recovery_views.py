"""How what is asked back looks."""

from __future__ import annotations

from collections.abc import Sequence

from cradle.treasury.v1 import recovery_pb2

from services.cli import treasury_views, views
from services.cli.session import Session, as_data, document
from services.cli.treasury_views import Report
from services.kit.money import yuan

_FIGURES = ("AMOUNT", "OUTSTANDING", "LIVE", "KEPT", "REPAID", "WRITTEN_OFF")
_MONEY = frozenset(_FIGURES)


def recoveries(session: Session, found: Sequence[recovery_pb2.Recovery]) -> Report:
    rows: list[tuple[str | int, ...]] = [
        (one.name, one.order, one.payee.reference, _state(session, one.state), *_figures(one)) for one in found
    ]
    columns = ("NAME", "ORDER", "PAYEE", "STATE", *_FIGURES)
    return Report(columns, rows, [as_data(one) for one in found], _MONEY)


def recovery(session: Session, found: recovery_pb2.Recovery) -> None:
    """Its facts, then its instalments, then its moves."""
    if session.as_json:
        document(as_data(found))
        return
    if session.as_csv:
        treasury_views.present(session, recoveries(session, [found]), "recoveries")
        return
    pairs = [
        ("NAME", found.name),
        ("STATE", _state(session, found.state)),
        ("REASONS", views.reasons(session, [found.reason])),
        ("ORDER", found.order),
        ("PAYEE", found.payee.reference),
        *[(name, yuan(fen)) for name, fen in zip(_FIGURES, _figures(found), strict=True)],
        ("DISPUTED", yuan(found.disputed_fen)),
        ("DUE", views.day(found.due_date) if found.HasField("due_date") else ""),
        ("REFERENCE", found.reference),
        ("PROPOSED_BY", found.proposed_by),
    ]
    session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in pairs if value]))
    if found.notice_zh:
        session.show(f"{found.notice_zh}\n{found.notice_en}")
    if found.instalments:
        rows = [(views.day(one.due_date), one.amount_fen) for one in found.instalments]
        parts = Report(("DUE", "AMOUNT"), rows, [as_data(one) for one in found.instalments], _MONEY)
        treasury_views.present(session, parts, "instalments")
    if found.moves:
        treasury_views.present(session, _moves(session, found.moves), "moves")


def _moves(session: Session, found: Sequence[recovery_pb2.RecoveryMove]) -> Report:
    rows = [
        (views.instant(one.time), one.kind, _state(session, one.state), one.outstanding_fen, one.reason, one.actor)
        for one in found
    ]
    columns = ("AT", "KIND", "STATE", "OUTSTANDING", "REASONS", "BY")
    return Report(columns, rows, [as_data(one) for one in found], _MONEY)


def _figures(one: recovery_pb2.Recovery) -> tuple[int, ...]:
    return (one.amount_fen, one.outstanding_fen, one.live_fen, one.offset_fen, one.repaid_fen, one.written_off_fen)


def _state(session: Session, value: recovery_pb2.RecoveryState.ValueType) -> str:
    return session.text(f"CLI_{recovery_pb2.RecoveryState.Name(value)}")
