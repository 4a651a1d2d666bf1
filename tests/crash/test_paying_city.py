"""SIGKILL of every role of the treasury while it pays; its bank answers twice, late, never and in the wrong order."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from random import Random
from threading import Event, Thread

import pytest

from services.kit.dates import to_proto
from tests.crash.chaos import at_once, eventually
from tests.crash.conftest import Tell
from tests.crash.paying import ROLES, TODAY, PayingTown, paying_town

ORDERS_EACH = 40
LATE_H = 36  # after it has booked the payments, and the day's statement is told
# mock-bank's own failures, and after how many hours it answers. `silent` never does; it books what it took.
MOODS: tuple[tuple[str, int], ...] = (("accept", LATE_H), ("silent", 0), ("insufficient-funds", LATE_H), ("accept", 0))


class Echo:
    """Says again what the bank has said, newest first: the same words in other bytes, so it is no known message."""

    def __init__(self, town: PayingTown, inbox: Path) -> None:
        self.town, self.inbox, self.over, self.said = town, inbox, Event(), Counter[int]()
        self.thread = Thread(target=self._say)

    def _say(self) -> None:
        while not self.over.wait(0.5):
            for message in reversed(self.town.mock.ask("GET", "/_mock/messages")):
                number = int(message["id"])
                self.said[number] += 1
                if self.said[number] == 1:
                    self._deliver(f"again-{number}.xml", f"{message['body']}\n<!-- again -->".encode())

    def _deliver(self, name: str, content: bytes) -> None:
        (self.inbox / f"{name}.sha256").write_text(hashlib.sha256(content).hexdigest())
        (self.inbox / f".{name}").write_bytes(content)
        (self.inbox / f".{name}").rename(self.inbox / name)


LONG = 40


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(4, id="short", marks=pytest.mark.crash),
        pytest.param(LONG, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(2_400)]),
    ],
)
def test_whatever_is_killed_and_however_the_bank_answers_each_order_is_paid_once(
    tmp_path: Path, rounds: int, random: Random, tell: Tell
) -> None:
    killed = Counter[str]()
    with paying_town(tmp_path) as town:
        over = Event()

        def kill() -> None:
            """Each role in turn, at a random moment."""
            roles = [role for _ in range(rounds) for role in random.sample(ROLES, len(ROLES))]
            for role in roles:
                if over.wait(random.uniform(0.1, 1.0)):
                    return
                town.stack.kill(role)
                town.stack.process(role).start()
                killed[role] += 1

        def pay() -> None:
            for number in range(rounds):
                mood, hours = MOODS[number % len(MOODS)]
                town.mock.behave(behaviour=mood, parameters={})
                town.mock.answer_after(hours)
                town.owe(range(1_000 * (number + 1), 1_000 * (number + 1) + ORDERS_EACH))
                town.pay()
            eventually(lambda: sum(killed.values()) == len(ROLES) * rounds, 60, "not all are killed")
            town.wait_taken()
            town.mock.behave(behaviour="accept", parameters={})
            town.mock.answer_after(0)

        echo = Echo(town, tmp_path / "bank" / "inbox")
        echo.thread.start()
        try:
            at_once(kill, pay)
            over.set()
            for role in ROLES:
                town.stack.wait_ready(role)
            settle(town)
        finally:
            over.set()
            echo.over.set()
            echo.thread.join()

        town.check()
        assert town.pay() == 0
        late = late_answers(town)
        assert late or rounds < LONG  # by chance: in a short run none may come late
        said = f"{len(echo.said)} messages said twice, {late} answers late"
        tell(f"{dict(killed)} killed, {len(town.owed)} orders, {said}: each paid once")


def late_answers(town: PayingTown) -> int:
    """Of how many payments the bank's first answer was heard after it had told of the money."""
    return town.count(
        """SELECT count(*) FROM (
               SELECT e.end_to_end_id FROM statement_entry AS e JOIN bank_answer AS a USING (end_to_end_id)
               GROUP BY e.end_to_end_id HAVING min(a.message_id) > min(e.message_id)) AS late"""
    )


def settle(town: PayingTown) -> None:
    """The rejected are paid anew, and the bank's days pass until all is settled."""
    day = date.fromisoformat(TODAY)
    until_s = time.monotonic() + 120
    while town.unsettled():
        assert time.monotonic() < until_s, f"{town.unsettled()} orders are left"
        town.pay(to_proto(day))
        town.mock.days_pass()
        day += timedelta(1)
        heard = len(town.mock.ask("GET", "/_mock/messages"))
        eventually(lambda heard=heard: town.heard() >= heard, 30, "messages are not worked")  # type: ignore[misc]
