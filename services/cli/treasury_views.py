"""How the treasury's answers look: as a table in yuan for a person, in fen as one JSON document or as CSV."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from cradle.treasury.v1 import money_pb2, service_pb2

from services.cli import views
from services.cli.session import Session, as_data, document
from services.kit.money import yuan

_FIGURES = ("APPROPRIATED", "AVAILABLE", "RESERVED", "COMMITTED", "SPENT", "HELD_ORDERS", "HELD")
_OF_FUNDS = (*_FIGURES[:5], "RECEIVABLE", "RECOVERED", *_FIGURES[5:])  # a table of budgets has no room for these


class Report(NamedTuple):
    """Columns by name, and rows of text and of whole fen; `documents` are the same as JSON."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str | int, ...]]
    documents: Sequence[Any]
    money: frozenset[str] = frozenset()
    total: tuple[str | int, ...] = ()


def present(session: Session, report: Report, name: str) -> None:
    if session.as_json:
        document({name: list(report.documents)})
        return
    if session.as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(f"{one.lower()}_fen" if one in report.money else one.lower() for one in report.columns)
        writer.writerows(report.rows)
        return
    rows = [*report.rows, report.total] if report.total and report.rows else report.rows
    shown = (
        [_cell(column, value, report.money) for column, value in zip(report.columns, row, strict=True)] for row in rows
    )
    session.show(
        views.table(
            session,
            [f"CLI_COL_{one}" for one in report.columns],
            shown,
            right={f"CLI_COL_{one}" for one in report.money},
        ),
        piped_width=_PIPED_WIDTH,
    )


_PIPED_WIDTH = 160


def _cell(column: str, value: str | int, money: frozenset[str]) -> str:
    return yuan(value) if column in money and isinstance(value, int) else str(value)


def funds(session: Session, found: Sequence[service_pb2.Budget]) -> Report:
    """Budgets added up by fund and year."""
    sums: dict[tuple[int, int], Counter[str]] = {}
    for one in found:
        figures = Counter({column: _figure(one, column) for column in _OF_FUNDS})
        sums.setdefault((-one.key.fiscal_year, one.key.fund), Counter()).update(figures)
    rows: list[tuple[str | int, ...]] = [
        (_fund(session, fund), -year, *(figures[column] for column in _OF_FUNDS))
        for (year, fund), figures in sorted(sums.items())
    ]
    documents = [
        {
            "fund": money_pb2.Fund.Name(fund),  # type: ignore[arg-type]  # a value of the enum, as it came
            "fiscal_year": -year,
            **{f"{column.lower()}{'' if column == 'HELD_ORDERS' else '_fen'}": figures[column] for column in _OF_FUNDS},
        }
        for (year, fund), figures in sorted(sums.items())
    ]
    return Report(("FUND", "YEAR", *_OF_FUNDS), rows, documents, frozenset(_OF_FUNDS) - {"HELD_ORDERS"})


def budgets(session: Session, found: Sequence[service_pb2.Budget]) -> Report:
    rows: list[tuple[str | int, ...]] = [
        (
            _fund(session, one.key.fund),
            one.key.pooling_area,
            one.key.county,
            _programme(session, one.key.programme),
            one.key.fiscal_year,
            *(_figure(one, column) for column in _FIGURES),
        )
        for one in found
    ]
    columns = ("FUND", "POOLING_AREA", "COUNTY", "PROGRAMME", "YEAR", *_FIGURES)
    return Report(columns, rows, [as_data(one) for one in found], frozenset(_FIGURES) - {"HELD_ORDERS"})


def orders(session: Session, found: Sequence[service_pb2.Order]) -> Report:
    rows = [
        (
            one.name,
            one.case_id,
            " ".join(filter(None, (one.line, one.period))),
            one.revision,
            _state(session, one.state),
            one.county,
            views.day(one.payable_on),
            one.owed_fen,
            one.reserved_fen,
            one.live_fen,
            one.settled_fen,
            " ".join(reason.code for reason in one.reasons),
        )
        for one in found
    ]
    columns = ("NAME", "CASE", "LINE", "REVISION", "STATE", "COUNTY", "PAYABLE_ON", "OWED", "RESERVED", "LIVE")
    money = frozenset({"OWED", "RESERVED", "LIVE", "SETTLED"})
    return Report((*columns, "SETTLED", "REASONS"), rows, [as_data(one) for one in found], money)


def order(session: Session, found: service_pb2.Order) -> None:
    if session.as_json:
        document(as_data(found))
        return
    kind = money_pb2.PayeeKind.Name(found.payee.kind).removeprefix("PAYEE_KIND_")
    pairs = [
        ("NAME", found.name),
        ("CASE", found.case_id),
        ("PROGRAMME", _programme(session, found.programme)),
        ("LINE", " ".join(filter(None, (found.line, found.period)))),
        ("REVISION", str(found.revision)),
        ("STATE", _state(session, found.state)),
        ("OWED", yuan(found.owed_fen)),
        ("RESERVED", yuan(found.reserved_fen)),
        ("LIVE", yuan(found.live_fen)),
        ("SETTLED", yuan(found.settled_fen)),
        ("FUND", _fund(session, found.fund)),
        ("COUNTY", found.county),
        ("PAYABLE_ON", views.day(found.payable_on)),
        ("PAYEE", f"{kind} {found.payee.reference}"),
        ("REASONS", views.reasons(session, found.reasons)),
        ("LAW", found.law_digest),
        ("UPDATED", views.instant(found.update_time)),
    ]
    session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in pairs]))


def refusals(session: Session, found: Sequence[service_pb2.Refusal]) -> Report:
    rows = [
        (
            one.position,
            one.case_id,
            one.line,
            one.revision,
            views.instant(one.receive_time),
            views.reasons(session, one.reasons),
        )
        for one in found
    ]
    columns = ("POSITION", "CASE", "LINE", "REVISION", "RECEIVED", "REASONS")
    return Report(columns, rows, [as_data(one) for one in found])


def verified_so_far(
    before: service_pb2.VerifyLedgerResponse, part: service_pb2.VerifyLedgerResponse
) -> service_pb2.VerifyLedgerResponse:
    """What the parts before and this one came to together."""
    return service_pb2.VerifyLedgerResponse(
        blocks=before.blocks + part.blocks,
        transfers=before.transfers + part.transfers,
        first_wrong_block=before.first_wrong_block or part.first_wrong_block,
        unsealed=part.unsealed,
        imbalance_fen=before.imbalance_fen + part.imbalance_fen,
        verified_parts=part.verified_parts,
        total_parts=part.total_parts,
    )


def verified(session: Session, found: service_pb2.VerifyLedgerResponse) -> None:
    if session.as_json:
        document(as_data(found))
        return
    pairs = [
        ("BLOCKS", str(found.blocks)),
        ("TRANSFERS", str(found.transfers)),
        ("UNSEALED", str(found.unsealed)),
        ("FIRST_WRONG_BLOCK", str(found.first_wrong_block)),
        ("IMBALANCE", yuan(found.imbalance_fen)),
    ]
    session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in pairs]))
    whole = not found.first_wrong_block and not found.imbalance_fen
    session.note("CLI_LEDGER_WHOLE" if whole else "CLI_LEDGER_DIFFERS")


def trial_balance(found: service_pb2.TrialBalance) -> Report:
    rows = [(one.account, one.debit_fen, one.credit_fen) for one in found.accounts]
    return Report(
        ("ACCOUNT", "DEBIT", "CREDIT"),
        rows,
        [as_data(one) for one in found.accounts],
        frozenset({"DEBIT", "CREDIT"}),
        ("", found.debit_fen, found.credit_fen),
    )


def statement(found: Sequence[service_pb2.AccountMovement]) -> Report:
    rows = [(one.account, one.opening_fen, one.debit_fen, one.credit_fen, one.closing_fen) for one in found]
    columns = ("ACCOUNT", "OPENING", "DEBIT", "CREDIT", "CLOSING")
    return Report(columns, rows, [as_data(one) for one in found], frozenset(columns[1:]))


def transfers(found: Sequence[service_pb2.Transfer]) -> Report:
    rows = [
        (
            one.number,
            views.day(one.booked_on),
            views.day(one.effective_on),
            one.kind,
            one.debit,
            one.credit,
            one.amount_fen,
            one.order or one.payment,
        )
        for one in found
    ]
    columns = ("TRANSFER", "BOOKED_ON", "EFFECTIVE_ON", "KIND", "DEBIT_ACCOUNT", "CREDIT_ACCOUNT", "AMOUNT", "NAME")
    return Report(columns, rows, [as_data(one) for one in found], frozenset({"AMOUNT"}))


def _figure(budget: service_pb2.Budget, column: str) -> int:
    field = "held_orders" if column == "HELD_ORDERS" else f"{column.lower()}_fen"
    return int(getattr(budget, field))


def _fund(session: Session, value: money_pb2.Fund.ValueType | int) -> str:
    return session.text(f"CLI_{money_pb2.Fund.Name(value)}")  # type: ignore[arg-type]  # a value of the enum


def _programme(session: Session, value: money_pb2.Programme.ValueType) -> str:
    return session.text(f"CLI_{money_pb2.Programme.Name(value)}")


def _state(session: Session, value: service_pb2.OrderState.ValueType) -> str:
    return session.text(f"CLI_{service_pb2.OrderState.Name(value)}") if value else ""
