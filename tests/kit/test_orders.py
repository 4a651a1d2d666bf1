"""The digest of an order: of all it says, and of nothing else."""

from __future__ import annotations

import hashlib

from cradle.treasury.v1 import money_pb2, order_pb2

from services.kit.orders import content_hash


def order(revision: int = 1, owed_fen: int = 500) -> order_pb2.OrderStated:
    return order_pb2.OrderStated(
        programme=money_pb2.PROGRAMME_MATERNITY,
        line="STAY/1",
        revision=revision,
        owed_fen=owed_fen,
        payee=money_pb2.Payee(reference="h-1"),
    )


def test_the_digest_is_that_of_the_order_without_it() -> None:
    bare, hashed = order(), order()
    hashed.content_hash = content_hash(hashed)

    assert hashed.content_hash == hashlib.sha256(bare.SerializeToString(deterministic=True)).digest()
    assert content_hash(hashed) == hashed.content_hash


def test_another_order_has_another_digest() -> None:
    assert len({content_hash(one) for one in (order(), order(owed_fen=501), order(revision=2))}) == 3
