"""Against mock-bank, the independent bank: it takes all we write, and we read all it says, however it fails."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from services.kit.errors import Unavailable
from services.treasury.bank import Handover, Outgoing, Received, answers
from services.treasury.bank.camt import End, Entry
from services.treasury.bank.folder import FolderBank, Folders
from services.treasury.bank.live import LiveBank
from services.treasury.bank.pacs004 import Return
from services.treasury.bank.pain001 import Payment
from services.treasury.bank.pain002 import Answer, Group, Outcome, outcome
from services.treasury.bank.reference import encode
from services.treasury.rules.reconciling import balances
from tests.treasury.bank.answers import whole
from tests.treasury.bank.builders import CLOSED, MOCK_DEBTOR, NO_SUCH_BANK, order, payment, payment_id, written
from tests.treasury.bank.mock import MockBank, running
from tests.treasury.bank.test_pain001 import PAYMENTS

OURS = "NL41MOCK0000000001"


@pytest.fixture
def mock() -> Iterator[MockBank]:
    with running() as bank:
        yield bank


def live(url: str, tmp_path: Path, timeout_s: float = 10.0, authorization: str = "") -> LiveBank:
    secret = SecretStr(authorization) if authorization else None
    folders = Folders(tmp_path / "bank")
    return LiveBank(url, folders, timeout_s=timeout_s, answer_bytes_max=64 << 20, authorization=secret)


def outgoing(tmp_path: Path, *payments: Payment, name: str = "RUN-20261126-1", **changed: Any) -> Outgoing:
    return written(tmp_path, payments, f"{name}.xml", debtor=MOCK_DEBTOR, message_id=name, **changed)


def send(bank: LiveBank, file: Outgoing) -> Handover:
    return asyncio.run(bank.send(file))


def heard(bank: LiveBank | FolderBank) -> list[Received]:
    """Everything new, and done with."""

    async def all_of_them() -> list[Received]:
        found = [received async for received in bank.answers()]
        for received in found:
            await bank.done(received)
        return [one._replace(path=next((one.path.parents[1]).glob(f"processed/*/*.{one.name}"))) for one in found]

    return asyncio.run(all_of_them())


def records(received: list[Received]) -> list[Any]:
    found: list[Any] = []
    for one in received:
        with one.path.open("rb") as content:
            found += answers.read(content, one.kind)
    return found


def told(found: list[Any]) -> dict[str, tuple[Outcome, str]]:
    return {
        one.end_to_end_id: (outcome(one.status, one.reasons), one.reasons[0].code if one.reasons else "")
        for one in found
        if isinstance(one, Answer)
    }


def groups(found: list[Any]) -> list[Outcome]:
    return [outcome(one.status, one.reasons) for one in found if isinstance(one, Group)]


def statements(found: list[Any]) -> list[End]:
    return [one for one in found if isinstance(one, End) and one.report.account == OURS and one.report.sequence]


def entries(found: list[Any]) -> list[tuple[str, int, bool, str]]:
    return [
        (one.end_to_end_id, one.amount_fen, one.is_credit, one.return_reason) for one in found if isinstance(one, Entry)
    ]


ONE, TWO, THREE = (encode(payment_id(number)) for number in (1, 2, 3))


def test_paid_settled_and_on_the_statement(mock: MockBank, tmp_path: Path) -> None:
    bank = live(mock.url, tmp_path)

    assert send(bank, outgoing(tmp_path, payment(1), payment(2, amount_fen=1))) is Handover.TAKEN
    mock.days_pass()
    found = records(heard(bank))

    assert told(found) == {ONE: (Outcome.ACCEPTED, ""), TWO: (Outcome.ACCEPTED, "")}
    assert (
        sorted(entries(found)) == [(ONE, 1_960_000, False, "")] * 2 + [(TWO, 1, False, "")] * 2
    )  # advice and statement
    (ended,) = statements(found)
    assert (ended.booked_fen, balances([whole(ended)])) == (-1_960_001, [])
    assert heard(bank) == []


def test_the_bank_finds_nothing_wrong_with_what_we_write(mock: MockBank, tmp_path: Path) -> None:
    file = outgoing(tmp_path, *(payment(number, name="欧阳·阿依古丽 & <𠮷>") for number in range(1, 50)))

    answer = _posted(mock, "/_mock/validate", file.path.read_bytes())

    assert "0 findings" in answer
    assert "49 payments" in answer


@settings(max_examples=25, deadline=None)
@given(st.lists(PAYMENTS, min_size=1, max_size=20, unique_by=lambda one: one.payment_id))
def test_the_bank_finds_nothing_wrong_with_any_payments(
    tmp_path_factory: pytest.TempPathFactory, payments: list[Payment]
) -> None:
    payments.sort(key=lambda one: one.payee_kind)
    file = outgoing(tmp_path_factory.mktemp("run"), *payments)

    with running() as bank:
        assert "0 findings" in _posted(bank, "/_mock/validate", file.path.read_bytes())


def _posted(bank: MockBank, path: str, content: bytes) -> str:
    host, port = bank.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        head = f"POST {path} HTTP/1.0\r\nContent-Length: {len(content)}\r\nContent-Type: application/xml\r\n\r\n"
        connection.sendall(head.encode() + content)
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    return said.partition(b"\r\n\r\n")[2].decode()


def test_a_closed_account_and_an_unknown_bank_are_rejected_and_the_rest_is_paid(mock: MockBank, tmp_path: Path) -> None:
    bank = live(mock.url, tmp_path)

    send(bank, outgoing(tmp_path, payment(1), payment(2, account=CLOSED), payment(3, account=NO_SUCH_BANK)))
    found = records(heard(bank))

    assert groups(found) == [Outcome.PARTIAL]
    assert told(found) == {
        ONE: (Outcome.ACCEPTED, ""),
        TWO: (Outcome.REJECTED, "AC04"),
        THREE: (Outcome.REJECTED, "RC01"),
    }
    assert [one[0] for one in entries(found)] == [ONE]


def test_an_account_without_money_pays_what_it_can(mock: MockBank, tmp_path: Path) -> None:
    mock.behave(behaviour="insufficient-funds", balance=100)
    bank = live(mock.url, tmp_path)

    send(bank, outgoing(tmp_path, payment(1, amount_fen=101), payment(2, amount_fen=100)))

    assert told(records(heard(bank))) == {ONE: (Outcome.REJECTED, "AM04"), TWO: (Outcome.ACCEPTED, "")}


def test_a_rejected_file_is_told_for_all_its_payments(mock: MockBank, tmp_path: Path) -> None:
    mock.behave(behaviour="reject-file")
    bank = live(mock.url, tmp_path)

    assert send(bank, outgoing(tmp_path, payment(1))) is Handover.TAKEN
    (group,) = records(heard(bank))

    assert (group.original_message_id, outcome(group.status, group.reasons)) == ("RUN-20261126-1", Outcome.REJECTED)
    assert group.reasons[0].code == "FF01"


def test_a_file_sent_twice_by_whatever_mistake_is_a_duplicate_and_no_rejection(mock: MockBank, tmp_path: Path) -> None:
    bank, file = live(mock.url, tmp_path), outgoing(tmp_path, payment(1))
    send(bank, file)

    assert send(bank, file) is Handover.BEFORE
    assert send(live(mock.url, tmp_path / "forgetful"), file) is Handover.TAKEN
    found = records(heard(bank))

    assert groups(found) == [Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert [one[:2] for one in entries(found)] == [(ONE, 1_960_000)]


def test_a_payment_comes_back_days_after_it_settled(mock: MockBank, tmp_path: Path) -> None:
    mock.behave(behaviour="return-later", parameters={"days": 3, "reason": "MD07", "end_to_end_id": TWO})
    bank = live(mock.url, tmp_path)
    send(bank, outgoing(tmp_path, payment(1), payment(2)))

    mock.days_pass(7)
    found = records(heard(bank))

    assert [(one.end_to_end_id, one.amount_fen, one.reason) for one in found if isinstance(one, Return)] == [
        (TWO, 1_960_000, "MD07")
    ]
    assert [one for one in entries(found) if one[2]] == [(TWO, 1_960_000, True, "MD07")] * 2
    days = statements(found)
    assert len(days) == 5
    assert balances([whole(one) for one in days]) == []
    assert asyncio.run(bank.status(TWO)).outcome is Outcome.RETURNED  # type: ignore[union-attr]


def test_a_silent_bank_is_asked_and_its_statement_tells(mock: MockBank, tmp_path: Path) -> None:
    mock.behave(behaviour="silent")
    bank = live(mock.url, tmp_path)
    send(bank, outgoing(tmp_path, payment(1)))

    found = records(heard(bank))
    assert told(found) == {}
    standing = asyncio.run(bank.status(ONE))
    assert standing is not None
    assert (standing.known, standing.outcome) == (True, Outcome.SETTLED)

    mock.days_pass()
    assert entries(records(heard(bank))) == [(ONE, 1_960_000, False, "")]


def test_a_payment_the_bank_does_not_know_stays_unknown(mock: MockBank, tmp_path: Path) -> None:
    standing = asyncio.run(live(mock.url, tmp_path).status("X/?&é"))

    assert standing is not None
    assert (standing.known, standing.outcome) == (False, Outcome.UNKNOWN)


def test_a_statement_with_a_hole_is_read_and_the_hole_is_told(mock: MockBank, tmp_path: Path) -> None:
    mock.behave(behaviour="statement-gap")
    bank = live(mock.url, tmp_path)
    send(bank, outgoing(tmp_path, payment(1), payment(2, amount_fen=77)))

    mock.days_pass()
    (ended,) = statements(records(heard(bank)))

    (found,) = balances([whole(ended)])
    assert (found.reason.code, dict(found.reason.values)["difference"]) == ("BANK_STATEMENT_DIFFERENCE", "-0.77")


def test_an_account_closed_before_the_day_of_payment_rejects_what_was_accepted(mock: MockBank, tmp_path: Path) -> None:
    bank, file = live(mock.url, tmp_path), outgoing(tmp_path, payment(1), execute_on=_days_later(4))
    send(bank, file)
    assert told(records(heard(bank))) == {ONE: (Outcome.ACCEPTED, "")}

    mock.behave(closed=True)
    mock.days_pass(7)

    assert told(records(heard(bank))) == {ONE: (Outcome.REJECTED, "AC04")}


def _days_later(days: int) -> Any:
    return order([payment()]).execute_on.replace(day=26 + days)


def test_a_bank_that_answers_late_is_heard_though_others_came_first(tmp_path: Path) -> None:
    with running(status_delay_ms=3_600_000) as mock:
        bank = live(mock.url, tmp_path)
        send(bank, outgoing(tmp_path, payment(1)))
        first = heard(bank)

        mock.days_pass()
        later = heard(bank)

    assert [one.kind for one in first] == ["camt.054.001.08"]
    assert sorted({one.kind for one in later}) == ["camt.053.001.08", "pain.002.001.10"]
    numbers = [int(one.name.split(".")[1].split("-")[0]) for one in (*first, *later)]
    assert min(numbers[1:]) < numbers[0]  # by the bank's number, the late one came before


def test_what_was_not_done_is_told_again_and_what_was_done_is_not(mock: MockBank, tmp_path: Path) -> None:
    send(live(mock.url, tmp_path), outgoing(tmp_path, payment(1)))

    async def only_listened() -> list[Received]:
        return [received async for received in live(mock.url, tmp_path).answers()]

    first, again = asyncio.run(only_listened()), asyncio.run(only_listened())
    assert first == again != []
    assert len(heard(live(mock.url, tmp_path))) == len(first)
    assert heard(live(mock.url, tmp_path)) == []


# --- doubt -----------------------------------------------------------------------------------------------------------


@contextmanager
def deaf(says: bytes = b"", *, reads: bool = True) -> Iterator[str]:
    """A bank that takes a connection, reads the request or not, says this much and hangs up, or says nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                if reads:
                    connection.recv(1 << 20)
                connection.sendall(says)
                if not says and reads:
                    over.wait(30)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        over.set()
        serving.join(30)


@pytest.mark.parametrize(
    ("says", "reads"),
    [
        (b"", True),
        (b"", False),
        (b"HTTP/1.1 2", True),
        (b"\x00\x01\x02\r\n", True),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 302 There\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 429 Later\r\nContent-Length: 0\r\n\r\n", True),
    ],
    ids=["silence", "hung up", "half a line", "noise", "busy", "elsewhere", "too many"],
)
def test_once_a_byte_has_left_every_doubt_is_unknown_and_nothing_is_sent_again(
    tmp_path: Path, says: bytes, *, reads: bool
) -> None:
    file = outgoing(tmp_path, payment(1))
    with deaf(says, reads=reads) as url:
        assert send(live(url, tmp_path, 0.3), file) is Handover.UNKNOWN

    with running() as mock:
        assert send(live(mock.url, tmp_path), file) is Handover.BEFORE
        assert mock.ask("GET", "/_mock/payments") == []


def test_what_never_left_may_be_sent_again(mock: MockBank, tmp_path: Path) -> None:
    file = outgoing(tmp_path, payment(1))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert send(live(f"http://127.0.0.1:{port}", tmp_path), file) is Handover.NOT_SENT
    assert send(live(mock.url, tmp_path), file) is Handover.TAKEN


def test_a_bank_that_does_not_let_us_in_has_read_nothing(tmp_path: Path) -> None:
    with running(auth="city:secret") as mock:
        refused = send(live(mock.url, tmp_path, authorization="city:wrong"), outgoing(tmp_path, payment(1)))
        taken = send(
            live(mock.url, tmp_path, authorization="city:secret"), outgoing(tmp_path, payment(2), name="RUN-2")
        )

    assert (refused, taken) == (Handover.REFUSED, Handover.TAKEN)


def test_a_bank_that_is_away_is_waited_for(tmp_path: Path) -> None:
    with deaf(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n") as url, pytest.raises(Unavailable):
        heard(live(url, tmp_path, 0.3))
    with deaf() as url, pytest.raises(Unavailable):
        asyncio.run(live(url, tmp_path, 0.3).status(ONE))


# --- the same bank through folders -----------------------------------------------------------------------------------


def test_through_folders_the_same_bank_is_paid_through_and_heard(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "bank")
    bank, outbox, inbox = FolderBank(folders), tmp_path / "bank" / "outbox", tmp_path / "bank" / "inbox"
    with running(drop_dir=str(outbox), pickup_dir=str(inbox), drop_settle_ms=0, drop_interval_ms=3_600_000) as mock:
        file = outgoing(tmp_path, payment(1), payment(2, account=CLOSED))
        assert asyncio.run(bank.send(file)) is Handover.TAKEN
        mock.ask("POST", "/_mock/drop/scan")
        mock.days_pass()
        mock.ask("POST", "/_mock/drop/scan")

        assert heard(bank) == []  # without hashes beside them, files are whole when they lie still
        found = records(heard(bank))

        assert told(found) == {ONE: (Outcome.ACCEPTED, ""), TWO: (Outcome.REJECTED, "AC04")}
        assert entries(found) == [(ONE, 1_960_000, False, "")] * 2
        assert asyncio.run(bank.send(file)) is Handover.BEFORE
        mock.ask("POST", "/_mock/drop/scan")
        assert len(mock.ask("GET", "/_mock/payments")) == 2
