"""A person's token on every call of a channel, as metadata.

gRPC's own call credentials would do the same from a thread of its core: they cost a client a third of its calls, and
closing a blocking channel may then wait for that thread for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import grpc

Call = Callable[[Any, Any], Any]


class Bearer(
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[type-arg]
    grpc.UnaryStreamClientInterceptor,  # type: ignore[type-arg]
    grpc.StreamUnaryClientInterceptor,  # type: ignore[type-arg]
    grpc.StreamStreamClientInterceptor,  # type: ignore[type-arg]
):
    """For a blocking channel."""

    def __init__(self, token: str) -> None:
        self._header = ("authorization", f"Bearer {token}")

    def _call(self, continuation: Call, details: Any, request: Any) -> Any:
        return continuation(details._replace(metadata=(*(details.metadata or ()), self._header)), request)

    intercept_unary_unary: Any = _call
    intercept_unary_stream: Any = _call
    intercept_stream_unary: Any = _call
    intercept_stream_stream: Any = _call


def of_channel(token: str) -> Sequence[grpc.aio.ClientInterceptor]:
    """The same for a channel of asyncio, which wants one interceptor for each arity."""
    header = ("authorization", f"Bearer {token}")

    async def call(_self: object, continuation: Call, details: Any, request: Any) -> Any:
        told = grpc.aio.Metadata(*(details.metadata or ()), header)
        return await continuation(details._replace(metadata=told), request)

    kinds: dict[str, Any] = {
        "intercept_unary_unary": grpc.aio.UnaryUnaryClientInterceptor,
        "intercept_unary_stream": grpc.aio.UnaryStreamClientInterceptor,
        "intercept_stream_unary": grpc.aio.StreamUnaryClientInterceptor,
        "intercept_stream_stream": grpc.aio.StreamStreamClientInterceptor,
    }
    return [type("Bearer", (kind,), {name: call})() for name, kind in kinds.items()]
