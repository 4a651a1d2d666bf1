"""One request of one person: done once, in one transaction, and answered again with its first answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from google.protobuf.message import Message

from services.claims.store import reviews
from services.claims.usecases.reviewing import Desk
from services.kit import auth
from services.kit.db import Tx
from services.kit.errors import Invalid
from services.kit.messages import reason

AnswerT = TypeVar("AnswerT", bound=Message)


async def once(desk: Desk, request: Any, act: Callable[[Tx], Awaitable[AnswerT]], kind: type[AnswerT]) -> AnswerT:
    """Raises Invalid for an id that another request had."""
    actor, content = auth.current().name, request.DESCRIPTOR.full_name.encode()
    digest = desk.office.sealer.digest(content + request.SerializeToString(deterministic=True))
    async with desk.database.transaction() as tx:
        if before := await reviews.answered(tx, actor, request.request_id):
            known, answer = before
            if known != digest:
                raise Invalid(reason("REQUEST_ID_REUSED", "request_id"))
            return kind.FromString(answer)
        made = await act(tx)
        now = desk.office.clock.now()
        await reviews.keep_answer(tx, actor, request.request_id, digest, answer=made.SerializeToString(), now=now)
        return made
