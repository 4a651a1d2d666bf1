"""What a request names: a source, and a claim by its id or by its sender's number."""

from __future__ import annotations

from collections.abc import Sequence

from services.kit import auth
from services.kit.errors import unseen
from services.kit.messages import reason


def source_seen(given: str, sources: Sequence[str]) -> str:
    """The source that a list is narrowed to, if any. One that is not for who asks is told as one that is not there."""
    own = auth.current().sources
    known = [one for one in sources if own is None or one in own]
    if given and given not in known:
        raise unseen(reason("SOURCE_UNKNOWN", "source", known=", ".join(known)), is_there=given in sources)
    return given
