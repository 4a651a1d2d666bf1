"""Takes parked records up again when an operator asks, the normal way and in order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.kit import telemetry
from services.kit.db import Database
from services.kit.errors import is_away, is_conflict
from services.kit.parking import Parking
from services.kit.stream import Stream

Prepared = TypeVar("Prepared")
_LOOK_EVERY_S = 1.0
_log = telemetry.log(__name__)


@dataclass(frozen=True, slots=True)
class Replays(Generic[Prepared]):
    """The replays of one stream. Every worker may run them: a record's row is locked while it is taken."""

    stream: Stream[Prepared]
    database: Database
    parking: Parking

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                parked = await self.parking.waiting(self.database)
                telemetry.PARKED_RECORDS.labels(self.parking.consumer).set(parked)
                while heads := await self.parking.requested(self.database):
                    for head in heads:
                        await self.replay(head)
            except Exception as error:
                if not is_away(error) and not is_conflict(error):
                    raise
                _log.warning("replay waits", error=type(error).__name__)

    async def replay(self, parked_id: int) -> None:
        """Take a parked record up again the normal way; its row changes in the transaction of its effect."""
        try:
            async with self.database.transaction() as tx:
                message = await self.parking.take(tx, parked_id)
            if message is None:
                return
            prepared = await self.stream.prepare([message])
            async with self.database.transaction() as tx:
                if await self.parking.take(tx, parked_id) is not None:
                    await self.stream.apply(tx, prepared)
                    await self.parking.replayed(tx, parked_id)
                    _log.info("record replayed", position=message.position)
        except Exception as error:
            if is_away(error) or is_conflict(error):
                raise
            _log.error("record failed again", parked=parked_id, error=type(error).__name__)
            async with self.database.transaction() as tx:
                await self.parking.failed_again(tx, parked_id, error)
