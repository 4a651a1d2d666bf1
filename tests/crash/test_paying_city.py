"""SIGKILL of every role of the treasury while it pays; its bank answers twice, late, never and in the wrong order."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from itertools import count, islice
from pathlib import Path
from random import Random
from threading import Event, Thread

import pytest

from services.kit.dates import to_proto
from tests.crash.chaos import at_once, eventually
from tests.crash.conftest import Tell
from tests.crash.paying import ROLES, TODAY, PayingTown, paying_town
from tests.treasury.cashier import deliver

ORDERS_EACH = 40
LATE_H = 36  # after it has booked the payments, and the day's statement is told
# mock-bank's own failures, and after how many hours it answers. `silent` never does; it books what it took.
MOODS: tuple[tuple[str, int], ...] = (("accept", LATE_H), ("silent", 0), ("insufficient-funds", LATE_H), ("accept", 0))
_LAST = 99_999_999


class Echo:
    """Says again what the bank has said, newest first: the same words in other bytes, so it is no known message."""

    def __init__(self, town: PayingTown, inbox: Path) -> None:
        self.town, self.inbox, self.over, self.said = town, inbox, Event(), set[int]()
        self.thread = Thread(target=self._say)

    def _say(self) -> None:
        while not self.over.wait(0.2):
            for message in reversed(self.town.mock.ask("GET", "/_mock/messages")):
                if (number := int(message["id"])) not in self.said:
                    # What came in one instant is read by name: the newest first.
                    again = f"{message['body']}\n<!-- again -->".encode()
                    deliver(self.inbox, f"{_LAST - number:08d}-again.xml", again)
                    self.said.add(number)


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(4, id="short", marks=pytest.mark.crash),
        pytest.param(40, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(2_400)]),
    ],
)
def test_whatever_is_killed_and_however_the_bank_answers_each_order_is_paid_once(
    tmp_path: Path, rounds: int, random: Random, tell: Tell
) -> None:
    killed = Counter[str]()
    amounts = count(1_000)
    with paying_town(tmp_path) as town:

        def kill(over: Event) -> None:
            """Each role once, at a random moment."""
            try:
                for role in random.sample(ROLES, len(ROLES)):
                    over.wait(random.uniform(0.1, 0.6))  # the moment; nothing is waited for
                    town.stack.kill(role)
                    town.stack.process(role).start()
                    killed[role] += 1
            finally:
                over.set()

        echo = Echo(town, tmp_path / "bank" / "inbox")
        echo.thread.start()
        try:
            for number in range(rounds):
                mood, hours = MOODS[number % len(MOODS)]
                town.mock.behave(behaviour=mood, parameters={})
                town.mock.answer_after(hours)
                over = Event()
                at_once(partial(kill, over), partial(pay_on, town, amounts, over))
            town.mock.behave(behaviour="accept", parameters={})
            town.mock.answer_after(0)
            for role in ROLES:
                town.stack.wait_ready(role)
            settle(town)
        finally:
            echo.over.set()
            echo.thread.join()

        town.check()
        assert town.pay() == 0
        found = {what: town.count(sql) for what, sql in ANSWERS.items()}
        tell(f"{dict(killed)} killed, {len(town.owed)} orders, answers {found}: each paid once")
        assert all(found.values()), found


def pay_on(town: PayingTown, amounts: Iterator[int], over: Event) -> None:
    """New orders, until the killing is over and the bank has some of them: a file whose sender died may never leave."""
    before = at_bank(town)
    while not over.is_set() or at_bank(town) == before:
        town.owe(list(islice(amounts, ORDERS_EACH)))
        town.wait_taken()
        town.pay()
        eventually(lambda: not town.count(_ON_THE_WAY), 60, "payments are on their way to the bank")


def at_bank(town: PayingTown) -> int:
    return len(town.mock.ask("GET", "/_mock/payments"))


def settle(town: PayingTown) -> None:
    """The rejected are paid anew, and the bank's days pass until all is settled and it has nothing left to say."""
    day = date.fromisoformat(TODAY)
    until_s = time.monotonic() + 120
    while town.unsettled() or town.mock.ask("GET", "/_mock/queue"):
        assert time.monotonic() < until_s, f"{town.unsettled()} orders are left"
        town.pay(to_proto(day))
        town.mock.days_pass()
        day += timedelta(1)
        eventually(lambda: town.heard() == 2 * said(town), 60, "messages are not worked")


def said(town: PayingTown) -> int:
    """How many messages the bank has for us by now: it says something of what is sent meanwhile, too."""
    return len(town.mock.ask("GET", "/_mock/messages"))


_ON_THE_WAY = """
SELECT count(*) FROM payment AS p LEFT JOIN bank_file AS f ON f.id = p.file_id
WHERE p.state IN ('CREATED', 'RESERVED', 'QUEUED') OR (p.state = 'SENT' AND f.handover IS NULL)"""

ANSWERS = {
    "late": """
SELECT count(*) FROM (
    SELECT e.end_to_end_id FROM statement_entry AS e JOIN bank_answer AS a USING (end_to_end_id)
    GROUP BY e.end_to_end_id HAVING min(a.message_id) > min(e.message_id)) AS of_payment""",
    "never": """
SELECT count(DISTINCT e.end_to_end_id) FROM statement_entry AS e JOIN payment AS p USING (end_to_end_id)
WHERE NOT EXISTS (SELECT FROM bank_answer AS a WHERE a.end_to_end_id = e.end_to_end_id)""",
    "twice": """
SELECT count(*) FROM (
    SELECT end_to_end_id FROM bank_answer
    GROUP BY end_to_end_id HAVING count(DISTINCT message_id) > 1) AS of_payment""",
    "newest first": """
SELECT count(*) FROM (
    SELECT name > lag(name) OVER (ORDER BY id) AS is_older FROM bank_message WHERE name LIKE '%-again.xml') AS again
WHERE is_older""",
}
