"""One request of one principal: done once, in one transaction, and answered again with its first answer.

A dry run (`validate_only`) is the same work, rolled back: what it answers is what would come of it, refusals among it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

from services.kit import auth
from services.kit.clock import Clock
from services.kit.db import Database, Tx
from services.kit.errors import Invalid
from services.kit.messages import reason
from services.kit.seal import Sealer

AnswerT = TypeVar("AnswerT", bound=Message)


class _Foreseen(Exception):  # no error: it ends the transaction of a dry run
    pass


@dataclass(frozen=True, slots=True)
class Asking:
    database: Database
    clock: Clock
    sealer: Sealer

    async def once(self, request: Any, act: Callable[[Tx], Awaitable[AnswerT]], kind: type[AnswerT]) -> AnswerT:
        """What `act` makes of it, or made of it before. Raises Invalid for an id that another request had."""
        actor, content = auth.current().name, request.DESCRIPTOR.full_name.encode()
        digest = self.sealer.digest(content + request.SerializeToString(deterministic=True))
        if getattr(request, "validate_only", False):
            return await self._foreseen(act)
        async with self.database.transaction() as tx:
            rows = await tx.fetch(
                "SELECT digest, answer FROM answered WHERE actor = $1 AND request_id = $2", actor, request.request_id
            )
            if rows:
                if rows[0]["digest"] != digest:
                    raise Invalid(reason("REQUEST_ID_REUSED", "request_id"))
                return kind.FromString(rows[0]["answer"])
            made = await act(tx)
            await tx.execute(
                "INSERT INTO answered VALUES ($1, $2, $3, $4, $5)",
                actor, request.request_id, digest, made.SerializeToString(), self.clock.now(),
            )  # fmt: skip
            return made

    async def _foreseen(self, act: Callable[[Tx], Awaitable[AnswerT]]) -> AnswerT:
        made: list[AnswerT] = []
        with suppress(_Foreseen):
            async with self.database.transaction() as tx:
                made.append(await act(tx))
                raise _Foreseen
        return made[0]
