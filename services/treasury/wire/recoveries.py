"""What is asked about recoveries and answered: protobuf to model and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from cradle.treasury.v1 import money_pb2, recovery_pb2
from google.type.date_pb2 import Date

from services.kit.dates import to_proto
from services.kit.messages import Language, reason
from services.kit.money import yuan
from services.treasury.bank import reference
from services.treasury.model.recoveries import Decided, Instalment, Recovery, RecoveryState
from services.treasury.wire import answers

STATES: Final = {recovery_pb2.RecoveryState.Value(f"RECOVERY_STATE_{one}"): str(one) for one in RecoveryState}


# --- what is asked ----------------------------------------------------------------------------------------------------


def instalments(given: Iterable[recovery_pb2.Instalment]) -> list[Instalment]:
    return [
        Instalment(number, answers.day(one.due_date, f"instalments[{number - 1}].due_date"), one.amount_fen)
        for number, one in enumerate(given, 1)
    ]


# --- what is answered -------------------------------------------------------------------------------------------------


def recovery(found: Recovery, proposed_by: str = "") -> recovery_pb2.Recovery:
    message = recovery_pb2.Recovery(
        name=f"recoveries/{found.id}",
        order=f"orders/{found.order_id}",
        payee=money_pb2.Payee(
            kind=money_pb2.PayeeKind.Value(f"PAYEE_KIND_{found.payee.kind}"), reference=found.payee.reference
        ),
        county=found.county,
        state=_state(found.state),
        etag=str(found.number),
        amount_fen=found.amount_fen,
        outstanding_fen=found.outstanding_fen,
        live_fen=found.live_fen,
        offset_fen=found.offset_fen,
        repaid_fen=found.repaid_fen,
        written_off_fen=found.written_off_fen,
        disputed_fen=found.disputed_fen,
        reason=answers.reasons([reason(found.reason)])[0],
        article=found.article,
        notice_date=_day(found.notified_on),
        due_date=_day(found.due_on),
        reference=reference.encode(found.id),
        proposed_by=proposed_by,
    )
    if found.state == RecoveryState.NOTIFIED:  # its reason is the notice's, and it may still be answered
        message.notice_zh, message.notice_en = _notice(found, Language.ZH), _notice(found, Language.EN)
    return message


def whole(found: Recovery, parts: Iterable[Instalment], moves: Iterable[Mapping[str, Any]]) -> recovery_pb2.Recovery:
    message = recovery(found)
    message.instalments.extend(
        recovery_pb2.Instalment(due_date=to_proto(one.due_on), amount_fen=one.amount_fen) for one in parts
    )
    message.moves.extend(map(_move, moves))
    return message


def decided(found: Decided) -> recovery_pb2.DecideOrderResponse:
    return recovery_pb2.DecideOrderResponse(
        order=answers.order(found.order), prepared_by=found.prepared_by, approved_by=found.approved_by
    )


def _notice(found: Recovery, language: Language) -> str:
    return reason(
        "RECOVERY_NOTICE",
        article=found.article,
        amount=yuan(found.outstanding_fen),
        why=reason(found.reason).text(language),
        due=found.due_on.isoformat() if found.due_on else "",
        reference=reference.encode(found.id),
    ).text(language)


def _move(row: Mapping[str, Any]) -> recovery_pb2.RecoveryMove:
    message = recovery_pb2.RecoveryMove(
        kind=row["kind"],
        state=_state(row["state"]),
        outstanding_fen=row["outstanding_fen"],
        reason=row["reason"],
        actor=row["actor"],
    )
    message.time.FromDatetime(row["at"])
    return message


def _state(name: str) -> recovery_pb2.RecoveryState.ValueType:
    return recovery_pb2.RecoveryState.Value(f"RECOVERY_STATE_{name}")


def _day(day: date | None) -> Date | None:
    return to_proto(day) if day else None
