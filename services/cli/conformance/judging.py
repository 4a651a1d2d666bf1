"""What came back against what was promised: nothing wrong, or each difference, coded."""

from __future__ import annotations

from collections.abc import Iterator

from cradle.claims.v1 import claim_pb2, receipt_pb2

from services.cli.conformance.playing import Played, Told
from services.kit.messages import Reason, reason


def judge(played: Played, source: str) -> list[Reason]:
    """Everything in which what came back for one step differs from its promise."""
    expected = played.step.expected
    got = played.refused or ()
    if set(got) != set(expected.refused):
        return [reason("CLI_CONFORMANCE_REFUSAL", wanted=_listed(expected.refused), got=_listed(got))]
    if expected.refused:
        return []
    if not expected.status:
        return [reason("CLI_CONFORMANCE_SENT")] if played.position or played.told else []
    if not played.told:
        return [reason("CLI_CONFORMANCE_NO_RECEIPT")]
    problems = list(_problems(played, played.told[0], source))
    if len({told.receipt.receipt_id for told in played.told}) > 1:
        problems.append(reason("CLI_CONFORMANCE_TWO_RECEIPTS", count=len(played.told)))
    return problems


def _problems(played: Played, told: Told, source: str) -> Iterator[Reason]:
    step, expected, receipt = played.step, played.step.expected, told.receipt
    status, outcome = status_of(receipt), outcome_of(receipt)
    codes = tuple(f"{one.code} {one.field}".strip() for one in receipt.reasons)
    if status != expected.status:
        yield reason("CLI_CONFORMANCE_STATUS", wanted=expected.status, got=status)
    if outcome != expected.outcome:
        yield reason("CLI_CONFORMANCE_OUTCOME", wanted=expected.outcome or "-", got=outcome or "-")
    if sorted(codes) != sorted(expected.codes):
        yield reason("CLI_CONFORMANCE_CODES", wanted=_listed(expected.codes), got=_listed(codes))
    if expected.status != "RETURNED" and (receipt.claim_number, receipt.revision) != (step.claim_number, step.revision):
        yield reason("CLI_CONFORMANCE_ECHO")
    if receipt.source != source or not receipt.content_hash or not receipt.receipt_id:
        yield reason("CLI_CONFORMANCE_ECHO")
    if any(not one.text_zh or not one.text_en for one in receipt.reasons):
        yield reason("CLI_CONFORMANCE_TEXTS")
    if step.key_of is not None and step.key_of.encode() in told.raw:
        yield reason("CLI_CONFORMANCE_PERSONAL")
    if told.headers is not None and not _is_addressed(told, receipt):
        yield reason("CLI_CONFORMANCE_HEADERS")


def _is_addressed(told: Told, receipt: receipt_pb2.ClaimReceipt) -> bool:
    """Keyed by the claim number, or by its own id where none could be read; and a CloudEvent of that id."""
    headers = told.headers or {}
    place = f"{receipt.position.topic}/{receipt.position.partition}/{receipt.position.offset}"
    return (
        told.key == (receipt.claim_number or receipt.receipt_id).encode()
        and headers.get("ce_id") == receipt.receipt_id.encode()
        and headers.get("ce_type") == b"cradle.claims.v1.ClaimReceipt"
        and headers.get("ce_specversion") == b"1.0"
        and headers.get("causationid") == place.encode()
    )


def status_of(receipt: receipt_pb2.ClaimReceipt) -> str:
    return receipt_pb2.ReceiptStatus.Name(receipt.status).removeprefix("RECEIPT_STATUS_")


def outcome_of(receipt: receipt_pb2.ClaimReceipt) -> str:
    return claim_pb2.ClaimState.Name(receipt.outcome).removeprefix("CLAIM_STATE_") if receipt.outcome else ""


def _listed(codes: tuple[str, ...]) -> str:
    return ", ".join(codes) or "-"
