"""The four kinds of failure are told apart."""

from __future__ import annotations

import asyncpg
import grpc
import pytest
from aiokafka import errors as kafka
from asyncpg.exceptions import DataError as ClientDataError  # the server's; the client's own is below
from asyncpg.exceptions._base import DataError as EncodingError
from grpc.aio import AioRpcError, Metadata

from services.kit.errors import Conflict, Fenced, Invalid, Unavailable, is_away, is_conflict, places
from services.kit.messages import reason


def rpc_error(code: grpc.StatusCode) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details=None, debug_error_string=None)


AWAY = [
    Unavailable(),
    ConnectionRefusedError(),
    ConnectionResetError(),
    BrokenPipeError(),
    TimeoutError(),
    OSError(),
    asyncpg.ConnectionDoesNotExistError(),
    asyncpg.ConnectionFailureError(),
    asyncpg.CannotConnectNowError(),
    asyncpg.AdminShutdownError(),
    asyncpg.CrashShutdownError(),
    asyncpg.TooManyConnectionsError(),
    asyncpg.DiskFullError(),
    asyncpg.IdleInTransactionSessionTimeoutError(),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    rpc_error(grpc.StatusCode.UNAVAILABLE),
    rpc_error(grpc.StatusCode.DEADLINE_EXCEEDED),
    rpc_error(grpc.StatusCode.RESOURCE_EXHAUSTED),
    rpc_error(grpc.StatusCode.UNAUTHENTICATED),
    rpc_error(grpc.StatusCode.PERMISSION_DENIED),
    kafka.KafkaConnectionError(),
    kafka.NodeNotReadyError(),
    kafka.RequestTimedOutError(),
    kafka.NotLeaderForPartitionError(),
]
CONFLICTS = [
    Conflict(),
    asyncpg.UniqueViolationError(),
    asyncpg.ExclusionViolationError(),
    asyncpg.SerializationError(),
    asyncpg.DeadlockDetectedError(),
    asyncpg.LockNotAvailableError(),
]
NEITHER = [
    ValueError(),
    KeyError(),
    ZeroDivisionError(),
    AssertionError(),
    Invalid(reason("NOT_FOUND", name="x")),
    Fenced(),
    ClientDataError(),
    EncodingError("invalid input for query argument $1: 'x'"),
    asyncpg.NumericValueOutOfRangeError(),
    asyncpg.CharacterNotInRepertoireError(),
    asyncpg.CheckViolationError(),
    asyncpg.ForeignKeyViolationError(),
    asyncpg.NotNullViolationError(),
    asyncpg.UndefinedTableError(),
    asyncpg.RaiseError(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    rpc_error(grpc.StatusCode.INVALID_ARGUMENT),
    rpc_error(grpc.StatusCode.INTERNAL),
    rpc_error(grpc.StatusCode.UNIMPLEMENTED),
    kafka.MessageSizeTooLargeError(),
    kafka.TopicAuthorizationFailedError(),
]


def kind(error: Exception) -> tuple[bool, bool]:
    return is_away(error), is_conflict(error)


@pytest.mark.parametrize("error", AWAY, ids=repr)
def test_what_is_away_is_waited_for(error: Exception) -> None:
    assert kind(error) == (True, False)


@pytest.mark.parametrize("error", CONFLICTS, ids=repr)
def test_a_lost_race_is_decided_again(error: Exception) -> None:
    assert kind(error) == (False, True)


@pytest.mark.parametrize("error", NEITHER, ids=repr)
def test_anything_else_is_neither(error: Exception) -> None:
    assert kind(error) == (False, False)


def test_a_statement_with_the_wrong_number_of_arguments_is_our_bug() -> None:
    """asyncpg calls it an InterfaceError, as it does a closed connection; waiting will not mend it."""
    error = asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed")

    assert not is_away(error)


def after(cause: Exception) -> Exception:
    """What clearing up a connection raises while the cause is on its way."""
    error: Exception = asyncpg.InterfaceError("cannot perform operation: another operation is in progress")
    error.__context__ = cause
    return error


def test_what_clearing_up_raises_does_not_hide_why_it_was_cleared_up() -> None:
    goodbye = asyncpg.InternalClientError("cannot switch to state 21; another operation (2) is in progress")

    assert is_away(after(goodbye))
    assert is_away(after(after(goodbye)))
    assert not is_away(after(KeyError()))
    assert not is_away(asyncpg.InterfaceError("cannot perform operation: another operation is in progress"))


def test_a_value_that_the_client_cannot_write_is_our_bug() -> None:
    assert not is_away(asyncpg.InternalClientError("no binary format encoder for type hstore"))


def test_places_name_files_and_lines_and_never_values() -> None:
    try:
        int("610302199403124029x")
    except ValueError as error:
        told = places(error)

    assert "test_errors.py" in told
    assert "in test_places_name" in told
    assert "610302199403124029" not in told
