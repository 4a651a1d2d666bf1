"""Every read of claims is written down before it is answered: health data (个人信息保护法 art. 28)."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.claims.store.reading import keep_read
from services.kit import auth
from services.kit.db import Database


async def shown(database: Database, method: str, claims: Iterable[UUID]) -> None:
    """Who asks is about to be shown something of these claims. What for follows from the role in which it is asked."""
    asking = auth.current()
    await keep_read(database, method, asking.name, asking.role, list(claims))
