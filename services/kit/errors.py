"""The four kinds of failure. Everything that goes wrong is one of them, and each has one answer.

| kind | meaning | answer |
|---|---|---|
| `Invalid` | can never succeed | tell the sender, keep the input |
| `Conflict` | lost a race | read again and decide again |
| `Unavailable` | something is away | wait, for ever |
| anything else | our bug | roll back, park the record, go on |
"""

from __future__ import annotations

import traceback

import asyncpg
import grpc
from aiokafka.errors import KafkaError, KafkaTimeoutError

from services.kit.messages import Reason


class Invalid(Exception):
    """What was sent can never succeed; `reasons` say why, coded and located."""

    def __init__(self, *reasons: Reason) -> None:
        super().__init__(", ".join(f"{reason.code} {reason.field}".strip() for reason in reasons))
        self.reasons = reasons


class NotFound(Invalid):
    """The thing asked for does not exist."""


class OutOfScope(NotFound):
    """It is there, and not for who asks: told in the same words as what is not, and noted as a refusal."""


class Unauthenticated(Invalid):
    """Nobody known is asking; the same question can succeed only with another certificate or token."""


class Forbidden(Invalid):
    """Who asks is known, and may not."""


class Refused(Invalid):
    """It cannot be done as things stand; it may be another time, or by another person."""


class Stale(Invalid):
    """It was asked of something that has changed since it was read; `reasons` say what changed."""


class Conflict(Exception):
    """Somebody else was faster; the same work may succeed when it is read and decided again."""


class Unavailable(Exception):
    """A broker, database or service is away; the same work will succeed when it is back."""


class Fenced(Exception):
    """Another worker owns this partition now. Not an error: what we hold is dropped."""


def unseen(why: Reason, *, is_there: bool) -> NotFound:
    """The one answer to what is not there and to what is not for who asks."""
    return OutOfScope(why) if is_there else NotFound(why)


_CONFLICTS = (
    asyncpg.UniqueViolationError,
    asyncpg.ExclusionViolationError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, crash, cancelled by the administrator
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.IdleInTransactionSessionTimeoutError,
)
_CLOSED = (
    "clos",
    "released back to the pool",
    # The server ended an idle session: its goodbye was read, the end of the stream not yet.
    "cannot switch to state",
)
_AWAY_CODES = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    # Refused as ourselves: a certificate or an access file is wrong, not the record in hand. A person mends it.
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
)


def is_conflict(error: BaseException) -> bool:
    """Whether doing it again, in smaller parts if need be, will help."""
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code() is grpc.StatusCode.ABORTED
    return isinstance(error, (Conflict, *_CONFLICTS))


def is_away(error: BaseException) -> bool:
    """Whether waiting will help. A gRPC answer tells by its code, a Kafka error by itself."""
    match error:
        case Unavailable():
            return True
        case grpc.aio.AioRpcError():
            return error.code() in _AWAY_CODES
        case KafkaError():
            return bool(error.retriable) or isinstance(error, KafkaTimeoutError)
        case asyncpg.QueryCanceledError():
            return False  # the statement took too long for its batch: see is_conflict
        case asyncpg.InterfaceError() | asyncpg.InternalClientError():
            # asyncpg's words for a connection that was closed under us, and also for our own misuse of it; or for a
            # connection that cannot be cleared up: then what it was cleared up after tells.
            first = error.__context__
            return any(words in str(error) for words in _CLOSED) or (first is not None and is_away(first))
        case _:
            return isinstance(error, _AWAY)


def places(error: BaseException) -> str:
    """Where the error was raised: file, line and function. Source lines and messages may hold values, so not they."""
    frames = traceback.extract_tb(error.__traceback__)
    return "\n".join(f"{frame.filename.rpartition('services/')[2]}:{frame.lineno} in {frame.name}" for frame in frames)
