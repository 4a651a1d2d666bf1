"""How results look to a person: tables in the chosen language, money in yuan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC

from cradle.claims.v1 import appeal_pb2, claim_pb2, intake_pb2, receipt_pb2
from cradle.common.v1 import reason_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from rich.table import Table

from services.cli.failures import said
from services.cli.intake import Sent, number_of
from services.cli.session import Session
from services.cli.tables import Sheet
from services.kit.dates import SHANGHAI
from services.kit.identifiers import holds_id_number
from services.kit.messages import CATALOGUE
from services.kit.money import yuan

_WAITING = "..."
_NOT_SHOWN = "***"
_RIGHT = {
    "CLI_COL_AMOUNT",
    "CLI_COL_ALLOWANCE",
    "CLI_COL_REVISION",
    "CLI_COL_RECORDS",
    "CLI_COL_LAG",
    "CLI_COL_PARTITIONS",
    "CLI_COL_BEGINNING",
    "CLI_COL_END",
    "CLI_COL_ID",
    "CLI_COL_PARTITION",
    "CLI_COL_OFFSET",
    "CLI_COL_ATTEMPTS",
}


def table(
    session: Session, columns: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[str] = ()
) -> Sheet:
    """Columns are named by their code in the catalogue; figures stand right, and no word is cut in two."""
    made = Sheet()
    for code in columns:
        made.add_column(session.text(code), justify="right" if code in _RIGHT or code in right else "left")
    for row in rows:
        made.add_row(*row)
    if not made.row_count:
        made.add_row(session.text("CLI_NONE"))
    return made


def facts(session: Session, pairs: Iterable[tuple[str, str]]) -> Table:
    """One thing: its fields below each other, those without a value left out."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="bold")
    made.add_column(overflow="fold")
    for code, value in pairs:
        if value:
            made.add_row(session.text(code), value)
    return made


def results(session: Session, sent: Sequence[Sent]) -> Table:
    """What became of each message that was sent."""
    columns = ("MESSAGE", "NUMBER", "REVISION", "STATUS", "OUTCOME", "AMOUNT", "REASONS")
    return table(session, [f"CLI_COL_{name}" for name in columns], (_result(session, one) for one in sent))


def _result(session: Session, one: Sent) -> tuple[str, ...]:
    receipt = one.receipt
    if receipt is None:
        return (message(session, one.intake), number(one.number), "", _WAITING, "", "", "")
    return (
        message(session, one.intake),
        receipt.claim_number or number(one.number),
        str(receipt.revision or ""),
        status(session, receipt.status),
        state(session, receipt.outcome),
        yuan(receipt.allowance_fen + receipt.medical_fen) if receipt.payee or receipt.medical_fen else "",
        reasons(session, receipt.reasons),
    )


def number(given: str) -> str:
    """A claim number as its file has it; one that holds an ID number is returned, and stands on no screen either."""
    return _NOT_SHOWN if holds_id_number(given) else given


def message(session: Session, intake: intake_pb2.ClaimIntake) -> str:
    """Which of the messages it is; totals with their day, for they have no number."""
    name = str(intake.WhichOneof("event") or "submit")
    return f"{session.text(f'CLI_MESSAGE_{name.upper()}')} {day(intake.control_totals.date)}".rstrip()


def foreseen(
    session: Session, found: Iterable[tuple[str, intake_pb2.ClaimIntake, Sequence[reason_pb2.Reason]]]
) -> Table:
    """What each message of a file would be returned for by itself."""
    rows = (
        (place, message(session, intake), number(number_of(intake)), reasons(session, why) or session.text("CLI_OK"))
        for place, intake, why in found
    )
    return table(session, [f"CLI_COL_{name}" for name in ("PLACE", "MESSAGE", "NUMBER", "REASONS")], rows)


def line(session: Session, version: int, found: claim_pb2.Claim) -> str:
    """One line of what is watched."""
    about = (state(session, found.state), payment(session, found.payment))
    return f"{instant(found.update_time)}  {version}  {' '.join(filter(None, about))}"


def claims(session: Session, found: Sequence[claim_pb2.Claim]) -> Table:
    columns = ("NAME", "REVISION", "STATE", "PAYMENT", "COUNTY", "EVENT_DATE", "UPDATED")
    rows = (
        (
            f"{claim.source}/{claim.claim_number}",
            str(claim.revision),
            state(session, claim.state),
            payment(session, claim.payment),
            claim.county,
            day(claim.event_date),
            instant(claim.update_time),
        )
        for claim in found
    )
    return table(session, [f"CLI_COL_{name}" for name in columns], rows)


def claim(session: Session, found: claim_pb2.Claim) -> Table:
    """Everything about one claim, its determination below it."""
    pairs = [
        ("CLI_COL_NUMBER", found.claim_number),
        ("CLI_COL_SOURCE", found.source),
        ("CLI_COL_NAME", found.name),
        ("CLI_COL_REVISION", str(found.revision)),
        ("CLI_COL_STATE", state(session, found.state)),
        ("CLI_COL_AWAITED", reasons(session, found.waits_for)),
        ("CLI_COL_WAITS_UNTIL", day(found.waits_until) if found.HasField("waits_until") else ""),
        ("CLI_COL_PAYMENT", payment(session, found.payment)),
        ("CLI_COL_ORDERS", "\n".join(_order(session, order) for order in found.orders)),
        ("CLI_COL_APPEALS", "\n".join(_appeal(session, one) for one in found.appeals)),
        ("CLI_COL_COUNTY", found.county),
        ("CLI_COL_EVENT_DATE", day(found.event_date)),
        ("CLI_COL_PERSON", found.person),
        ("CLI_COL_RECEIVED", instant(found.receive_time)),
        ("CLI_COL_UPDATED", instant(found.update_time)),
        ("CLI_COL_ERASED", instant(found.person_erase_time) if found.HasField("person_erase_time") else ""),
    ]
    if found.HasField("determination"):
        pairs += _determination(session, found.determination)
    return facts(session, pairs)


def _determination(session: Session, found: claim_pb2.Determination) -> list[tuple[str, str]]:
    payee = claim_pb2.Payee.Name(found.payee)
    return [
        ("CLI_COL_OUTCOME", state(session, found.outcome)),
        ("CLI_COL_DECIDED", day(found.decision_date)),
        ("CLI_COL_LEAVE", _leave(session, found)),
        ("CLI_COL_FATHER_LEAVE", str(found.father_leave_days or "")),
        ("CLI_COL_FUND_DAYS", str(found.fund_days or "")),
        ("CLI_COL_ALLOWANCE", yuan(found.allowance_fen) if found.payee else ""),
        ("CLI_COL_PAYEE", session.text(payee) if found.payee else ""),
        ("CLI_COL_MEDICAL", yuan(found.medical_fen) if found.medical_fen else ""),
        ("CLI_COL_CATASTROPHIC", yuan(found.catastrophic_fen) if found.catastrophic_fen else ""),
        ("CLI_COL_LINES", "\n".join(_line(session, line) for line in found.lines)),
        ("CLI_COL_TOPUP", yuan(found.employer_topup_fen) if found.employer_topup_fen else ""),
        ("CLI_COL_EMPLOYER_LEAVE", yuan(found.employer_leave_fen) if found.employer_leave_fen else ""),
        ("CLI_COL_LIABILITY", yuan(found.employer_liability_fen) if found.employer_liability_fen else ""),
        ("CLI_COL_MONTHS", str(found.continuous_months or "")),
        ("CLI_COL_REASONS", reasons(session, found.reasons)),
        ("CLI_COL_PLACEHOLDERS", "\n".join(found.placeholders)),
        ("CLI_COL_LAW", found.law_digest),
    ]


def _line(session: Session, line: claim_pb2.ClaimLine) -> str:
    name = session.text(claim_pb2.LineKind.Name(line.kind))
    paid = f" {yuan(line.amount_fen)} {session.text(claim_pb2.Payee.Name(line.payee))}" if line.payee else ""
    return f"{name} {line.number}: {state(session, line.outcome)}{paid}"


def _order(session: Session, order: claim_pb2.ClaimOrder) -> str:
    payee, so_far = session.text(claim_pb2.Payee.Name(order.payee)), payment(session, order.payment)
    why = "; ".join(f"{code}: {session.text(code)}" if code in CATALOGUE else code for code in order.reasons)
    return f"{order.line}: {yuan(order.owed_fen)} {payee} {so_far} {why}".rstrip()


def _appeal(session: Session, one: appeal_pb2.Appeal) -> str:
    how, disputed = session.text(f"CLI_{appeal_pb2.AppealState.Name(one.state)}"), ", ".join(one.lines)
    return f"{one.name} {day(one.file_date)} {how} {disputed}".rstrip()


def _leave(session: Session, found: claim_pb2.Determination) -> str:
    if not found.leave_days:
        return ""
    return session.text("CLI_LEAVE_UNTIL", days=found.leave_days, end=day(found.leave_end))


def reasons(session: Session, given: Iterable[reason_pb2.Reason]) -> str:
    """Code and field on one line, the sentence on the next."""
    return "\n".join(
        "\n".join(filter(None, (f"{one.code} {one.field}".strip(), said(one, session.language)))) for one in given
    )


def state(session: Session, value: claim_pb2.ClaimState.ValueType) -> str:
    return session.text(claim_pb2.ClaimState.Name(value).replace("CLAIM_STATE_", "OUTCOME_")) if value else ""


def payment(session: Session, value: claim_pb2.PaymentState.ValueType) -> str:
    return session.text(claim_pb2.PaymentState.Name(value)) if value else ""


def status(session: Session, value: receipt_pb2.ReceiptStatus.ValueType) -> str:
    return session.text(f"CLI_{receipt_pb2.ReceiptStatus.Name(value)}") if value else ""


def day(value: Date) -> str:
    return f"{value.year:04d}-{value.month:02d}-{value.day:02d}" if value.year else ""


def instant(value: Timestamp) -> str:
    """In Shanghai's time."""
    if not value.seconds:
        return ""
    return value.ToDatetime(tzinfo=UTC).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
