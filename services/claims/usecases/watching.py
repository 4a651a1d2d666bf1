"""Watching claims, as everything is watched."""

from __future__ import annotations

from functools import partial

from services.claims import store
from services.claims.model import Claim
from services.claims.model.moves import FINAL
from services.kit.db import Database
from services.kit.settings import Settings
from services.kit.watching import Watching


def watching(database: Database, settings: Settings) -> Watching[Claim]:
    return Watching(
        settings,
        partial(store.versions, database),
        partial(store.claim_by_id, database),
        lambda claim: claim.version,
        lambda claim: claim.state in FINAL,
    )
