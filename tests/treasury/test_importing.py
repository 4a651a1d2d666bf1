"""A file that a person brings in pieces: whole or not at all, refused with its reason, or only foreseen."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from services.kit.errors import Invalid, Unavailable
from services.treasury.usecases import importing
from services.treasury.usecases.importing import Imported, Importing, Offered
from tests.treasury.cashier import CLERK, Cashier, act, moved, reference_of, statement

pytestmark = pytest.mark.integration
KIND = "camt.053.001.08"
_TABLES = ("bank_message", "statement_entry", "statement_day", "unmatched", "transfer", "outbox", "refused_account")


def offered(content: bytes, *, sha256: bytes = b"", size_bytes: int | None = None, is_dry: bool = False) -> Offered:
    """What is announced of a file; as it is, unless it is said otherwise."""
    size = len(content) if size_bytes is None else size_bytes
    return Offered("s.xml", sha256 or hashlib.sha256(content).digest(), size, CLERK, is_dry=is_dry)


async def pieces(content: bytes, size: int = 700) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


def desk_of(here: Cashier, bytes_max: int = 1 << 20) -> Importing:
    return Importing(here.pay, bytes_max, upload_s=20.0)


async def why(desk: Importing, given: Offered, content: bytes) -> tuple[str, str]:
    with pytest.raises(Invalid) as refused:
        await importing.bring(desk, given, pieces(content))
    (found,) = refused.value.reasons
    return found.code, found.field


async def rows_of(here: Cashier) -> list[int]:
    """How many rows there are of all that an import may touch."""
    counts = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in _TABLES)
    (found,) = await here.database.fetch(f"SELECT {counts}")
    return list(found.values())


def test_it_is_taken_once_in_however_many_pieces(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        (one,) = await here.owe(100)
        await here.sent()
        stranger = moved({"end_to_end_id": reference_of(9), "amount_fen": 5}, number="2")
        told = statement(moved(await here.payment(one)), stranger).encode()
        desk = desk_of(here)
        before = await rows_of(here)

        foreseen = await importing.bring(desk, offered(told, is_dry=True), pieces(told))
        assert (await rows_of(here), await here.states(one)) == (before, ["SENT"])
        taken = await importing.bring(desk, offered(told), pieces(told))
        assert await here.states(one) == ["RECONCILED"]
        after = await rows_of(here)
        again = await importing.bring(desk, offered(told), pieces(told, 1))
        known = await importing.bring(desk, offered(told, is_dry=True), pieces(told))

        assert foreseen == taken == Imported(KIND, is_known=False, records=2, unmatched=1)
        assert again == known == taken._replace(is_known=True)
        assert await rows_of(here) == after

    act(stack, dsn, tmp_path, story)


def test_what_is_not_as_announced_is_refused_where_it_is_wrong_and_an_item(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def story(here: Cashier) -> None:
        content = statement().encode()
        size = len(content)
        desk = desk_of(here, bytes_max=size)
        before = await rows_of(here)
        longer = content + b" "
        wrong = [
            (offered(longer), longer, "BANK_FILE_TOO_LARGE", "file.size_bytes"),
            (offered(content), content[:-1], "BANK_FILE_CUT_SHORT", "file.size_bytes"),
            (offered(content), content + b"  ", "BANK_FILE_LONGER", "file.size_bytes"),
            (offered(content, sha256=bytes(32)), content, "BANK_FILE_HASH", "file.sha256"),
            (offered(b""), b"", "BANK_FILE_EMPTY", "file.size_bytes"),
            (offered(content[: size // 2]), content[: size // 2], "BANK_FILE_HALF", ""),
        ]

        for given, came, code, where in wrong:
            assert await why(desk, given._replace(is_dry=True), came) == (code, where)
        assert await rows_of(here) == before

        for given, came, code, where in wrong:
            assert await why(desk, given, came) == (code, where)
        assert sorted(await here.queue_of_unmatched()) == sorted(code for _, _, code, _ in wrong)
        assert not await here.database.fetch("SELECT FROM bank_message")

        at = await importing.bring(desk, offered(content), pieces(content))  # exactly as large as may be
        assert at == Imported(KIND, is_known=False, records=0, unmatched=at.unmatched)

    act(stack, dsn, tmp_path, story)


def test_an_upload_that_stops_leaves_nothing_and_one_too_many_waits(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def story(here: Cashier) -> None:
        content = statement().encode()
        desk = desk_of(here)
        before = await rows_of(here)

        async def broken() -> AsyncIterator[bytes]:
            yield content[:10]
            with pytest.raises(Unavailable):  # two are on their way, this and the one around it
                await importing.bring(desk, offered(content), pieces(content))
            raise ConnectionError

        async def first() -> AsyncIterator[bytes]:
            yield content[:10]
            with pytest.raises(ConnectionError):
                await importing.bring(desk, offered(content), broken())
            yield content[10:]

        assert (await importing.bring(desk, offered(content, is_dry=True), first())).kind == KIND
        assert await rows_of(here) == before

    act(stack, dsn, tmp_path, story)
