"""One request of one person: done once, answered again with its first answer, and refused on what has changed.

A dry run is the same work, rolled back: what it answers is what would come of it, refusals among it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from google.protobuf.message import Message

from services.kit.db import Database, Tx
from services.kit.errors import Invalid, NotFound, Refused, Stale
from services.kit.messages import reason
from services.treasury.model import Run, RunState
from services.treasury.model.moves import refusal
from services.treasury.store import runs
from services.treasury.usecases.paydesk import PayDesk

AnswerT = TypeVar("AnswerT", bound=Message)
MadeT = TypeVar("MadeT")


class Asked(NamedTuple):
    actor: str
    request_id: str
    digest: bytes
    is_dry: bool = False  # `validate_only`


class _Foreseen(Exception):  # no error: it ends the transaction of a dry run
    pass


def asked(pay: PayDesk, actor: str, request: Any) -> Asked:
    content = request.DESCRIPTOR.full_name.encode() + request.SerializeToString(deterministic=True)
    return Asked(actor, request.request_id, pay.desk.sealer.digest(content), getattr(request, "validate_only", False))


async def once(
    pay: PayDesk, one: Asked, act: Callable[[Tx], Awaitable[AnswerT]], kind: type[AnswerT]
) -> tuple[AnswerT, bool]:
    """Do it in one transaction; answers also whether it was done now."""
    if one.is_dry:
        return await foreseen(pay.database, act), False
    async with pay.database.transaction() as tx:
        if before := await runs.answered_before(tx, one.actor, one.request_id):
            digest, answer = before
            if digest != one.digest:
                raise Invalid(reason("REQUEST_ID_REUSED", "request_id"))
            return kind.FromString(answer), False
        made = await act(tx)
        await runs.keep_request(
            tx, one.actor, one.request_id, one.digest, answer=made.SerializeToString(), now=pay.desk.clock.now()
        )
        return made, True


async def foreseen(database: Database, act: Callable[[Tx], Awaitable[MadeT]]) -> MadeT:
    """What would come of it: done in a transaction of its own, and rolled back."""
    made: list[MadeT] = []
    with suppress(_Foreseen):
        async with database.transaction() as tx:
            made.append(await act(tx))
            raise _Foreseen
    return made[0]


async def undone(tx: Tx, act: Callable[[], Awaitable[MadeT]]) -> MadeT:
    """The same within a transaction; what it locked is free again."""
    made: list[MadeT] = []
    with suppress(_Foreseen):
        async with tx.part():
            made.append(await act())
            raise _Foreseen
    return made[0]


async def in_hand(tx: Tx, run_id: UUID, etag: str, to: RunState | None) -> Run:
    """A run, locked, as it was read, that may move there (None: it stays where it is)."""
    run = await runs.lock_run(tx, run_id)
    if run is None:
        raise NotFound(reason("NOT_FOUND", "name", name=f"runs/{run_id}"))
    if to is not None and (why := refusal(run.state, to, "name")):
        raise Refused(why)
    if etag != str(run.number):
        raise Stale(reason("RUN_CHANGED", "etag", state=run.state, etag=run.number))
    return run
