"""What was sent is to the claim on file under its number: taken in, the same again, or to be returned."""

from __future__ import annotations

from typing import Final, Literal

from services.claims.model import FINAL, KEEPS, Claim, Move, Payment, Submission, Void, refusal
from services.kit.messages import Reason, reason

ACCEPTED: Final = "ACCEPTED"
REPEATED: Final = "REPEATED"

Standing = Literal["ACCEPTED", "REPEATED"] | Reason
_LEFT: Final = {Payment.IN_PAYMENT, Payment.PAID, Payment.OVERPAID}


def standing(submission: Submission, content_hash: bytes, on_file: Claim | None) -> Standing:
    """Accepted as a new claim or the next revision, the same content again, or the reason to return it.

    A number is the sender's own, so other content under the same number and revision is told, never overwritten.
    """
    if on_file is None:
        return ACCEPTED if submission.revision == 1 else reason("REVISION_UNKNOWN", "replace.claim.claim_number")
    return _of_known(submission, content_hash, on_file)


def _of_known(submission: Submission, content_hash: bytes, on_file: Claim) -> Standing:
    if on_file.state in FINAL:
        return reason("CLAIM_VOIDED", f"{'submit' if submission.revision == 1 else 'replace'}.claim.claim_number")
    current = on_file.revision
    if submission.revision == current + 1:
        return refusal(on_file.state, Move.REPLACE, "replace.claim.claim_number") or _unless_paid(on_file)
    if submission.revision > current:
        return reason("REVISION_GAP", "replace.revision", current=current, expected=current + 1)
    if on_file.content_hashes[submission.revision - 1] == content_hash:
        return REPEATED
    if submission.revision in {1, current}:
        place = "submit.claim.claim_number" if submission.revision == 1 else "replace.revision"
        return reason("CONTENT_CONFLICT", place, expected=current + 1)
    return reason("REVISION_STALE", "replace.revision", current=current, revision=submission.revision)


def _unless_paid(on_file: Claim) -> Standing:
    """A claim for which money has left is not stated anew by its sender: it is voided, which asks the money back.

    A correction that waits began before the money left, and is finished.
    """
    if on_file.payment in _LEFT and on_file.state not in KEEPS:
        return reason("CLAIM_IN_PAYMENT", "replace.claim.claim_number", payment=on_file.payment)
    return ACCEPTED


def standing_of_void(void: Void, content_hash: bytes, on_file: Claim | None) -> Standing:
    """Accepted, the same void again, or the reason to return it. What is voided must be known by its revision."""
    if on_file is None:
        return reason("VOID_UNKNOWN", "void.claim_number")
    if on_file.state in FINAL:
        return REPEATED if on_file.void_hash == content_hash else reason("VOID_ALREADY", "void.claim_number")
    if void.revision != on_file.revision:
        return reason("VOID_STALE", "void.revision", current=on_file.revision, revision=void.revision)
    return refusal(on_file.state, Move.VOID, "void.claim_number") or ACCEPTED
