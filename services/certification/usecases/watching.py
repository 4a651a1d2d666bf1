"""Watching applications, as everything is watched."""

from __future__ import annotations

from functools import partial

from services.certification.model import Filed
from services.certification.model.moves import CLOSED
from services.certification.store import applications
from services.kit.db import Database
from services.kit.settings import Settings
from services.kit.watching import Watching


def watching(database: Database, settings: Settings) -> Watching[Filed]:
    return Watching(
        settings,
        partial(applications.versions, database),
        partial(applications.by_id, database),
        lambda filed: filed.number,
        lambda filed: filed.application.state in CLOSED,
    )
