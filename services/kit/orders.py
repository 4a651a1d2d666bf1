"""The digest of an order to the treasury, by which who writes one and who reads it know the same content."""

from __future__ import annotations

import hashlib

from cradle.treasury.v1 import order_pb2


def content_hash(order: order_pb2.OrderStated) -> bytes:
    """SHA-256 of the order without this field, serialised deterministically."""
    bare = order
    if order.content_hash:
        bare = order_pb2.OrderStated()
        bare.CopyFrom(order)
        bare.ClearField("content_hash")
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).digest()
