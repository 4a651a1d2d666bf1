"""What the tests of the mapping ask: map this, and say what was found."""

from __future__ import annotations

from typing import Any

from cradle.claims.v1 import intake_pb2

from services.claims.wire.platform import Adapter, FindingKind, Mapped, read_message
from tests.builders import TODAY
from tests.claims.platform.messages import raw, settlement

ADAPTER = Adapter("hospitals")
PLAIN = {  # what a message without trouble is still told: whole weeks are all the platform has
    ("DOUBT", "PLATFORM_GESTATION_WHOLE_WEEKS", "context_2402.geso_val")
}


def read(content: dict[str, Any], source: str = "hospitals") -> Mapped:
    return read_message(Adapter(source), raw(content), TODAY)


def found(mapped: Mapped, *, ignored: bool = False) -> set[tuple[str, str, str]]:
    return {
        (str(one.kind), one.reason.code, one.reason.field)
        for one in mapped.findings
        if ignored or one.kind is not FindingKind.IGNORED
    } - PLAIN


def claim_of(mapped: Mapped) -> intake_pb2.ClaimSubmission:
    assert mapped.intake is not None, found(mapped)
    return mapped.intake.submit.claim


def changed(changes: dict[str, Any]) -> Mapped:
    return read(settlement(changes))
