"""How a redetermination looks: by county, and claim by claim."""

from __future__ import annotations

from collections.abc import Sequence

from cradle.claims.v1 import redetermination_pb2

from services.cli import treasury_views, views
from services.cli.session import Session, as_data, document
from services.cli.treasury_views import Report
from services.kit.money import yuan

_pb = redetermination_pb2
_FINDINGS = ("UP", "WAITED", "DOWN", "SAME")
_COUNTS = tuple(f"CLAIMS_{name}" for name in _FINDINGS)


def done(one: _pb.Redetermination) -> int:
    return one.decided + one.asked + one.settled + one.failed


def whole(session: Session, one: _pb.Redetermination) -> None:
    """Its facts, then the table of differences by county."""
    if session.as_json:
        document(as_data(one))
        return
    if not session.as_csv:
        became = session.text(
            "CLI_DONE_CLAIMS", decided=one.decided, asked=one.asked, settled=one.settled, failed=one.failed
        )
        pairs = [
            ("REDETERMINATION", one.name),
            ("STATE", _state(session, one)),
            ("PLANNED_CLAIMS", str(one.planned)),
            ("DONE_CLAIMS", f"{done(one)}: {became}" if one.approved_by else ""),
            ("PLANNED_BY", one.planned_by),
            ("APPROVED_BY", one.approved_by),
            ("PLAN_HASH", one.plan_hash),
            ("LAW", one.law_digest),
        ]
        session.show(views.facts(session, [(f"CLI_COL_{name}", value) for name, value in pairs]))
    treasury_views.present(session, counties(one), "sums")
    if one.state == _pb.REDETERMINATION_STATE_PLANNED:
        session.note("CLI_SECOND_PERSON_AWAITED")
    elif one.state == _pb.REDETERMINATION_STATE_DONE and not one.planned:
        session.note("CLI_NOTHING_DIFFERS")


def counties(one: _pb.Redetermination) -> Report:
    """A row a county: how many claims, and how much, up and down."""
    rows: dict[str, list[int]] = {}
    for found in one.sums:
        row = rows.setdefault(found.county, [0] * (len(_FINDINGS) + 2))
        row[_FINDINGS.index(_name(found.finding))] += found.claims
        row[-2] += found.up_fen
        row[-1] += found.down_fen
    made: list[tuple[str | int, ...]] = [(county, *row) for county, row in sorted(rows.items())]
    total = ("", *(sum(column) for column in zip(*rows.values(), strict=True))) if len(rows) > 1 else ()
    columns = ("COUNTY", *_COUNTS, "UP", "DOWN")
    return Report(columns, made, [as_data(found) for found in one.sums], frozenset({"UP", "DOWN"}), total)


def claims(session: Session, found: Sequence[_pb.RedeterminedClaim]) -> Report:
    rows: list[tuple[str | int, ...]] = [
        (
            f"{one.source}/{one.claim_number}",
            one.county,
            session.text(f"CLI_{_pb.RedeterminationFinding.Name(one.finding)}"),
            views.state(session, one.before_outcome),
            views.state(session, one.after_outcome),
            one.before_fen,
            one.after_fen,
            "; ".join(_line(line) for line in one.lines),
            session.text(f"CLI_{_pb.RedeterminationResult.Name(one.result)}") if one.result else "",
        )
        for one in found
    ]
    money = ("BEFORE_AMOUNT", "AFTER_AMOUNT")
    columns = ("NUMBER", "COUNTY", "CHANGE", "BEFORE", "AFTER", *money, "DIFFERS", "RESULT")
    return Report(columns, rows, [as_data(one) for one in found], frozenset(money))


def listed(session: Session, found: Sequence[_pb.Redetermination]) -> Report:
    rows: list[tuple[str | int, ...]] = [
        (one.name, _state(session, one), one.planned, done(one), one.planned_by, one.approved_by, one.law_digest[:12])
        for one in found
    ]
    columns = ("REDETERMINATION", "STATE", "PLANNED_CLAIMS", "DONE_CLAIMS", "PLANNED_BY", "APPROVED_BY", "LAW")
    return Report(columns, rows, [as_data(one) for one in found])


def both(session: Session, one: _pb.RedeterminedClaim) -> str:
    """Both results of a claim, for who must choose."""
    before, after = views.state(session, one.before_outcome), views.state(session, one.after_outcome)
    head = f"{before} {yuan(one.before_fen)} -> {after} {yuan(one.after_fen)}"
    return "\n".join([head, *(_line(line) for line in one.lines)])


def _line(line: _pb.RedeterminedLine) -> str:
    return f"{line.line} {yuan(line.before_fen)} -> {yuan(line.after_fen)}"


def _state(session: Session, one: _pb.Redetermination) -> str:
    return session.text(f"CLI_{_pb.RedeterminationState.Name(one.state)}")


def _name(finding: _pb.RedeterminationFinding.ValueType) -> str:
    return _pb.RedeterminationFinding.Name(finding).removeprefix("REDETERMINATION_FINDING_")
