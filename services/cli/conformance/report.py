"""The report of a run and its signature: canonical JSON, and beside it a detached JWS (RFC 7515, Ed25519)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from cradle.claims.v1 import claim_pb2, intake_pb2, receipt_pb2, submitting_pb2
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from services.cli.conformance.judging import outcome_of, status_of
from services.cli.conformance.playing import Played
from services.cli.failures import Exit, Failure, coded
from services.cli.session import as_data
from services.kit.law import canonical
from services.kit.messages import Reason
from services.kit.reasons import reason_message

FORMAT: Final = "cradle.conformance.v1"
_ALGORITHM: Final = "Ed25519"  # RFC 9864
_CURVE: Final = "Ed25519"
_CONTRACT: Final = (claim_pb2, intake_pb2, receipt_pb2, submitting_pb2)

Judged = Sequence[tuple[Played, Sequence[Reason]]]


def made(run: str, source: str, today: date, lasted: tuple[datetime, datetime], judged: Judged) -> dict[str, Any]:
    """What was sent, promised and answered. It names no person: claim numbers and codes only."""
    steps = [_step(played, problems) for played, problems in judged]
    failed = sum(not step["ok"] for step in steps)
    return {
        "format": FORMAT,
        "run": run,
        "source": source,
        "today": today.isoformat(),
        "begun": lasted[0].isoformat(timespec="milliseconds"),
        "ended": lasted[1].isoformat(timespec="milliseconds"),
        "contract_sha256": contract_digest(),
        "ok": not failed,
        "cases": len({played.step.case for played, _ in judged}),
        "steps": len(steps),
        "failed": failed,
        "results": steps,
    }


def contract_digest() -> str:
    """Of the messages this was played with, so that a report tells which contract it speaks of."""
    joined = b"".join(module.DESCRIPTOR.serialized_pb for module in _CONTRACT)
    return hashlib.sha256(joined).hexdigest()


def _step(played: Played, problems: Sequence[Reason]) -> dict[str, Any]:
    step, told = played.step, played.told[0] if played.told else None
    return {
        "case": step.case,
        "step": step.number,
        "by": step.by,
        "value_sha256": hashlib.sha256(step.value).hexdigest(),
        "position": "/".join(map(str, played.position)) if played.position else "",
        "expected": {
            "status": step.expected.status,
            "outcome": step.expected.outcome,
            "codes": list(step.expected.codes),
            "refused": list(step.expected.refused),
        },
        "got": {
            "receipt_id": told.receipt.receipt_id if told else "",
            "status": status_of(told.receipt) if told else "",
            "outcome": outcome_of(told.receipt) if told else "",
            "codes": [f"{one.code} {one.field}".strip() for one in told.receipt.reasons] if told else [],
            "refused": list(played.refused or ()),
        },
        "ok": not problems,
        "problems": [as_data(reason_message(problem)) for problem in problems],
        "seconds": played.seconds,
    }


# --- signing ---------------------------------------------------------------------------------------------------------


def write(report: dict[str, Any], path: Path, key: Path) -> Path:
    """The report, and its signature beside it; answers where that is."""
    private = _key(key)
    if not private.is_private:
        raise Failure(Exit.USAGE, [coded("CLI_CONFORMANCE_KEY", str(key))])
    content = canonical(report).encode()
    header = {"alg": _ALGORITHM, "kid": _thumbprint(private), "typ": FORMAT}
    token = jws.serialize_compact(header, content, private, algorithms=[_ALGORITHM])
    path.write_bytes(content)
    beside = signature_of(path)
    beside.write_text(jws.detach_content(token) + "\n", "ascii")
    return beside


def verified(path: Path, key: Path) -> dict[str, Any]:
    """The report, if this key signed these bytes. Raises Failure otherwise."""
    public = _key(key)
    try:
        content, signature = path.read_bytes(), signature_of(path).read_text("ascii").strip()
        head, middle, tail = signature.split(".")
        payload = base64.urlsafe_b64encode(content).rstrip(b"=").decode()
        jws.deserialize_compact(f"{head}.{middle or payload}.{tail}", public, algorithms=[_ALGORITHM])
        report: dict[str, Any] = json.loads(content)
    except (OSError, ValueError, JoseError) as error:
        raise Failure(Exit.RETURNED, [coded("CLI_CONFORMANCE_FORGED", str(path))]) from error
    if middle or report.get("format") != FORMAT:
        raise Failure(Exit.RETURNED, [coded("CLI_CONFORMANCE_FORGED", str(path))])
    return report


def signature_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.jws")


def _key(path: Path) -> OKPKey:
    try:
        key = OKPKey.import_key(path.read_text("ascii"))
    except (OSError, ValueError, JoseError) as error:
        raise Failure(Exit.USAGE, [coded("CLI_CONFORMANCE_KEY", str(path))]) from error
    if key.curve_name != _CURVE:
        raise Failure(Exit.USAGE, [coded("CLI_CONFORMANCE_KEY", str(path))])
    return key


def _thumbprint(key: OKPKey) -> str:
    return key.thumbprint()
