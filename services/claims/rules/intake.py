"""What a submission is to the claim on file under its number."""

from __future__ import annotations

from typing import Final, Literal

from services.claims.model import Claim, Submission
from services.kit.messages import Reason, reason

ACCEPTED: Final = "ACCEPTED"
REPEATED: Final = "REPEATED"

Standing = Literal["ACCEPTED", "REPEATED"] | Reason


def standing(submission: Submission, content_hash: bytes, on_file: Claim | None) -> Standing:
    """Accepted as a new claim or the next revision, the same content again, or the reason to return it.

    A number is the sender's own, so other content under the same number and revision is told, never overwritten.
    """
    if on_file is None:
        return ACCEPTED if submission.revision == 1 else reason("REVISION_UNKNOWN", "replace.claim.claim_number")
    current = on_file.revision
    if submission.revision == current + 1:
        return ACCEPTED
    if submission.revision > current:
        return reason("REVISION_GAP", "replace.revision", current=current, expected=current + 1)
    if on_file.content_hashes[submission.revision - 1] == content_hash:
        return REPEATED
    if submission.revision in {1, current}:
        place = "submit.claim.claim_number" if submission.revision == 1 else "replace.revision"
        return reason("CONTENT_CONFLICT", place, expected=current + 1)
    return reason("REVISION_STALE", "replace.revision", current=current, revision=submission.revision)
