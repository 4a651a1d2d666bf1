"""What becomes of a file that is handed over, by what is known of it: sent again only if not a byte of it left."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.treasury.bank import Handover, Outgoing
from services.treasury.model import RunState
from services.treasury.usecases import banking
from tests.kit.live import new_database
from tests.treasury.cashier import cashier
from tests.treasury.sending_again import NotingBank

pytestmark = pytest.mark.integration


class MoodyBank(NotingBank):
    """Answers what it is told to, one after the other, and at last that it has the file."""

    def __init__(self, root: Path, moods: Sequence[Handover | OSError]) -> None:
        super().__init__(root)
        self.moods, self.handed = list(moods), 0

    async def send(self, file: Outgoing) -> Handover:
        self.handed += 1
        mood = self.moods.pop(0) if self.moods else Handover.TAKEN
        if isinstance(mood, OSError):
            raise mood
        return mood


@pytest.mark.parametrize(
    ("moods", "handed", "state"),
    [
        ((Handover.TAKEN,), 1, "SENT"),
        ((Handover.NOT_SENT, Handover.NOT_SENT, Handover.TAKEN), 3, "SENT"),
        ((Handover.NOT_SENT, Handover.UNKNOWN), 2, "UNKNOWN"),
        ((Handover.UNKNOWN,), 1, "UNKNOWN"),
        ((Handover.BEFORE,), 1, "UNKNOWN"),
        ((Handover.REFUSED,), 1, "UNKNOWN"),
        ((ConnectionResetError(),), 1, "UNKNOWN"),
    ],
    ids=str,
)
def test_a_file_is_handed_over_again_only_if_nothing_of_it_left(
    stack: Stack, tmp_path: Path, moods: tuple[Handover | OSError, ...], handed: int, state: str
) -> None:
    async def story() -> None:
        bank = MoodyBank(tmp_path, moods)
        async with cashier(stack, new_database(stack, "treasury"), tmp_path, bank) as here:
            await here.counter.give(1000)
            (one,) = await here.owe(100)
            run = await here.queue(await here.approved())
            for _ in range(5):
                try:
                    await here.round()
                except OSError:
                    continue  # as the role's timer does

            assert (bank.handed, await here.states(one)) == (handed, [state])
            assert (await here.run(run.id)).state == RunState.SENT
            assert await here.told(one) == ["sent"]
            await banking.start(here.sender)
            await here.round()
            assert (bank.handed, await here.states(one)) == (handed, ["UNKNOWN"])
            await here.holds()

    asyncio.run(story())
