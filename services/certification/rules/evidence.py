"""Whether a file may be taken as evidence, by what it is said to be; its bytes are looked at elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from services.certification.model import Indicator, Scheme, State
from services.certification.model.evidence import MEDIA_TYPES, Held, Limits, Offered
from services.kit.messages import Reason, reason

# While the applicant has the file in hand.
OPEN = (State.DRAFT, State.RETURNED, State.INFORMATION_REQUESTED)


def not_open(state: State | None, asked: Collection[str], criterion: str) -> Reason | None:
    """Why nothing can be handed in as the application stands; `asked`: the criteria that were asked about."""
    if state not in OPEN:
        return reason("EVIDENCE_NOT_OPEN", state=state, open=", ".join(OPEN))
    if state is State.INFORMATION_REQUESTED and criterion not in asked:
        return reason("CRITERION_NOT_ASKED", "file.criterion", criterion=criterion)
    return None


def problems(offered: Offered, scheme: Scheme, held: Held, limits: Limits) -> list[Reason]:
    """Everything that stands against it."""
    wanted = next((one for one in scheme.indicators if one.id == offered.criterion), None)
    return [*_of_criterion(offered, wanted, held), *_of_file(offered, held, limits)]


def _of_criterion(offered: Offered, wanted: Indicator | None, held: Held) -> Iterator[Reason]:
    if wanted is None:
        yield reason("CRITERION_UNKNOWN", "file.criterion")
        return
    if offered.kind not in wanted.evidence.kinds:
        yield reason("EVIDENCE_KIND", "file.kind", known=", ".join(wanted.evidence.kinds))
    if held.of_criterion >= wanted.evidence.most:
        yield reason("EVIDENCE_TOO_MANY", "file.criterion", most=wanted.evidence.most)


def _of_file(offered: Offered, held: Held, limits: Limits) -> Iterator[Reason]:
    endings = MEDIA_TYPES.get(offered.media_type)
    if endings is None:
        yield reason("EVIDENCE_MEDIA_TYPE", "file.media_type", known=", ".join(MEDIA_TYPES))
    elif not offered.file_name.lower().endswith(endings):
        yield reason("EVIDENCE_ENDING", "file.file_name", known=", ".join(endings))
    if offered.size_bytes > limits.file_bytes:
        yield reason("EVIDENCE_TOO_LARGE", "file.size_bytes", limit=limits.file_bytes)
    elif held.size_bytes + offered.size_bytes > limits.application_bytes:
        left = max(limits.application_bytes - held.size_bytes, 0)
        yield reason("EVIDENCE_TOO_MUCH", "file.size_bytes", limit=limits.application_bytes, left=left)
