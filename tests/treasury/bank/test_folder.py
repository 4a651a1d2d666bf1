"""A bank behind folders: once out, once in, half files never, nothing deleted."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.kit.errors import Invalid
from services.kit.messages import reason
from services.treasury.bank import Bank, Handover, Outgoing, Received
from services.treasury.bank.folder import FolderBank, Folders
from tests.treasury.bank.answers import entry, report, statement
from tests.treasury.bank.builders import payment, written


def put(root: Path, name: str, content: str, *, age_s: int = 0, digest: str | None = "") -> Path:
    """What a bank puts into the inbox; with its hash beside it unless `digest` says otherwise."""
    path = root / "inbox" / name
    path.write_text(content, "utf-8")
    if digest is not None:
        said = digest or hashlib.sha256(content.encode()).hexdigest()
        path.with_name(f"{name}.sha256").write_text(f"{said}  {name}\n", "ascii")
    os.utime(path, (1_800_000_000 - age_s, 1_800_000_000 - age_s))
    return path


def heard(bank: Bank, since: datetime | None = None) -> list[Received]:
    async def all_of_them() -> list[Received]:
        return [received async for received in bank.answers(since)]

    return asyncio.run(all_of_them())


def names(received: list[Received]) -> list[str]:
    return [one.name for one in received]


def content(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "outbox").iterdir())


# --- out -------------------------------------------------------------------------------------------------------------


def outgoing(tmp_path: Path, number: int = 1) -> Outgoing:
    (tmp_path / "built").mkdir(exist_ok=True)
    return written(tmp_path / "built", [payment(number)], f"RUN-{number}.xml")


def test_a_file_is_handed_over_once_and_again_never(tmp_path: Path) -> None:
    root, file = tmp_path / "bank", outgoing(tmp_path)

    assert asyncio.run(FolderBank(Folders(root)).send(file)) is Handover.TAKEN
    lying = root / "outbox" / "RUN-1.xml"
    assert hashlib.sha256(lying.read_bytes()).digest() == file.sha256
    lying.unlink()  # the bank takes it away

    assert asyncio.run(FolderBank(Folders(root)).send(file)) is Handover.BEFORE
    assert content(root) == []


def test_the_signature_lies_there_before_the_file(tmp_path: Path) -> None:
    file = outgoing(tmp_path)
    signature = file.path.with_name("RUN-1.xml.sig")
    signature.write_text("{}")

    Folders(tmp_path / "bank").hand_over(file._replace(signature=signature))

    assert content(tmp_path / "bank") == ["RUN-1.xml", "RUN-1.xml.sig"]


def test_a_name_used_for_another_file_is_refused(tmp_path: Path) -> None:
    file = outgoing(tmp_path)
    folders = Folders(tmp_path / "bank")
    folders.hand_over(file)

    with pytest.raises(Invalid, match="BANK_FILE_CONFLICT"):
        folders.hand_over(file._replace(sha256=b"\x01" * 32))


def test_a_file_that_changed_since_it_was_committed_does_not_leave(tmp_path: Path) -> None:
    file = outgoing(tmp_path)
    file.path.write_text("changed")

    with pytest.raises(Invalid, match="BANK_FILE_HASH"):
        Folders(tmp_path / "bank").hand_over(file)
    assert content(tmp_path / "bank") == []


def test_a_crash_before_the_file_appears_is_mended_by_calling_again(tmp_path: Path) -> None:
    root, file = tmp_path / "bank", outgoing(tmp_path)
    crashed = Folders(root)
    (root / "handing" / "RUN-1.xml.0").write_bytes(file.path.read_bytes())
    crashed.begin(file, "RUN-1.xml.0")

    assert content(root) == []
    assert Folders(root).hand_over(file) is Handover.TAKEN
    assert Folders(root).hand_over(file) is Handover.BEFORE
    assert content(root) == ["RUN-1.xml"]


def test_of_many_at_once_one_hands_it_over(tmp_path: Path) -> None:
    root, file = tmp_path / "bank", outgoing(tmp_path)
    Folders(root)

    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda _: Folders(root).hand_over(file), range(32)))

    assert told.count(Handover.TAKEN) == 1
    assert set(told) == {Handover.TAKEN, Handover.BEFORE}


# --- in --------------------------------------------------------------------------------------------------------------


def test_what_came_is_told_until_it_is_done_and_kept_after(tmp_path: Path) -> None:
    bank = FolderBank(Folders(tmp_path))
    put(tmp_path, "a.xml", report(""))

    (told,) = heard(bank)
    assert (told.name, told.kind) == ("a.xml", "pain.002.001.10")
    assert heard(FolderBank(Folders(tmp_path))) == [told]  # it was not done: after a crash it is told again

    asyncio.run(bank.done(told))
    asyncio.run(bank.done(told))
    assert heard(bank) == []
    (kept,) = (tmp_path / "processed").glob("*/*.a.xml")
    assert kept.read_text("utf-8") == report("")


def test_the_same_content_again_is_taken_once_under_any_name(tmp_path: Path) -> None:
    bank = FolderBank(Folders(tmp_path))
    put(tmp_path, "a.xml", report(""))
    for told in heard(bank):
        asyncio.run(bank.done(told))

    put(tmp_path, "a.xml", report(""))
    put(tmp_path, "b.xml", report(""))

    assert heard(bank) == []
    assert len([path for path in (tmp_path / "processed").glob("*/*") if path.suffix == ".xml"]) == 3
    assert [path for path in (tmp_path / "inbox").iterdir() if path.is_file()] == []


def test_the_banks_next_file_of_the_same_name_is_another(tmp_path: Path) -> None:
    bank = FolderBank(Folders(tmp_path))
    put(tmp_path, "today.xml", report("<GrpSts>RCVD</GrpSts>"))
    (first,) = heard(bank)
    put(tmp_path, "today.xml", report("<GrpSts>RJCT</GrpSts>"))

    asyncio.run(bank.done(first))

    (second,) = heard(bank)
    assert (first.name, first.sha256 == second.sha256) == (second.name, False)
    assert "RJCT" in second.path.read_text("utf-8")


def test_what_changes_while_it_is_told_is_told_as_it_is_then(tmp_path: Path) -> None:
    bank = FolderBank(Folders(tmp_path))
    put(tmp_path, "a.xml", report("")[:90], digest=None)
    assert heard(bank) == []
    (half,) = heard(bank)
    half.path.write_text(report(""), "utf-8")  # a writer that paused goes on

    (whole,) = heard(bank)
    asyncio.run(bank.refused(half, [reason("BANK_FILE_HALF", "", line=1)]))

    assert heard(bank) == [whole]
    assert whole.sha256 == hashlib.sha256(report("").encode()).digest()


def test_half_a_file_is_left_until_it_is_whole(tmp_path: Path) -> None:
    bank, whole = FolderBank(Folders(tmp_path)), report("")
    put(tmp_path, "a.xml.part", whole)
    put(tmp_path, ".b.xml", whole)
    path = put(tmp_path, "c.xml", whole[:100], digest=None, age_s=30)
    assert heard(bank) == []

    path.write_text(whole[:200], "utf-8")
    assert heard(bank) == []

    path.write_text(whole, "utf-8")
    assert heard(bank) == []
    assert names(heard(bank)) == ["c.xml"]


def test_half_a_file_whose_hash_came_first_is_left_until_it_fits(tmp_path: Path) -> None:
    bank, whole = FolderBank(Folders(tmp_path)), report("")
    path = put(tmp_path, "a.xml", whole)
    path.write_text(whole[:50], "utf-8")
    assert heard(bank) == []

    path.write_text(whole, "utf-8")
    assert names(heard(bank)) == ["a.xml"]


def refuse(bank: FolderBank) -> None:
    """The one that did not come whole, as it is told."""
    (told,) = heard(bank)
    assert told.problem is not None
    asyncio.run(bank.refused(told, [told.problem]))


def test_a_wrong_hash_is_refused_with_its_reason_and_kept(tmp_path: Path) -> None:
    bank = FolderBank(Folders(tmp_path))
    put(tmp_path, "a.xml", report(""), digest="00" * 32)

    assert heard(bank) == []
    refuse(bank)
    assert heard(bank) == []
    (kept,) = (tmp_path / "refused").glob("*/*.a.xml")
    assert kept.read_text("utf-8") == report("")
    (why,) = (tmp_path / "refused").glob("*/*.a.xml.reasons")
    assert why.read_text("utf-8").startswith("BANK_FILE_HASH a.xml\n")


@pytest.mark.parametrize("digest", [None, "no hash"])
def test_where_hashes_are_agreed_a_file_without_one_is_refused(tmp_path: Path, digest: str | None) -> None:
    bank = FolderBank(Folders(tmp_path, hash_required=True))
    put(tmp_path, "a.xml", report(""), digest=digest)

    assert heard(bank) == []
    refuse(bank)
    assert heard(bank) == []
    (why,) = (tmp_path / "refused").glob("*/*.reasons")
    assert why.read_text("utf-8").startswith("BANK_FILE_HASH_MISSING a.xml\n")


def test_what_is_refused_lies_with_its_reasons_and_may_be_put_back(tmp_path: Path) -> None:
    bank = FolderBank(Folders(tmp_path))
    put(tmp_path, "a.xml", "<x/>")
    (told,) = heard(bank)

    asyncio.run(bank.refused(told, [reason("BANK_NOT_XML", "", line=1)]))
    asyncio.run(bank.refused(told, [reason("BANK_NOT_XML", "", line=1)]))

    assert heard(bank) == []
    put(tmp_path, "a.xml", "<x/>")
    assert names(heard(bank)) == ["a.xml"]


def test_files_come_in_the_order_of_their_time_not_of_their_name(tmp_path: Path) -> None:
    bank = FolderBank(Folders(tmp_path))
    put(tmp_path, "a.xml", report(""), age_s=10)
    put(tmp_path, "b.xml", statement(entry("10.00")), age_s=20)

    assert names(heard(bank)) == ["b.xml", "a.xml"]


def test_a_restored_treasury_hears_again_what_was_taken_since(tmp_path: Path) -> None:
    bank = FolderBank(Folders(tmp_path))
    put(tmp_path, "old.xml", statement(""), age_s=1000)
    put(tmp_path, "new.xml", statement(entry("10.00")), age_s=10)
    put(tmp_path, "other.xml", report(""), age_s=10)
    for told in heard(bank):
        asyncio.run(bank.done(told))
    since = datetime.fromtimestamp(1_800_000_000 - 500, UTC)

    async def statements() -> list[Received]:
        return [received async for received in bank.statements(since)]

    assert names(heard(bank, since)) == ["new.xml", "other.xml"]
    (again,) = asyncio.run(statements())
    assert again.kind == "camt.053.001.08"
    asyncio.run(bank.done(again))
    assert again.path.exists()


@pytest.mark.parametrize("name", ["对账单" * 20 + ".xml", "x" * 200 + ".xml", os.fsdecode(b"a\xff\xfe.xml")])
def test_any_name_a_file_can_have_is_taken_and_kept(tmp_path: Path, name: str) -> None:
    bank = FolderBank(Folders(tmp_path))
    put(tmp_path, name, report(""), digest=None)
    put(tmp_path, f"2{name}", statement(""), digest=None)
    assert heard(bank) == []

    one, other = heard(bank)
    asyncio.run(bank.done(one))
    asyncio.run(bank.refused(other, [reason("BANK_FILE_HASH_MISSING", other.name)]))

    assert heard(bank) == []
    assert len(list((tmp_path / "processed").glob("*/*"))) == 1
    assert len(list((tmp_path / "refused").glob("*/*"))) == 2


def test_two_workers_put_the_same_away_once(tmp_path: Path) -> None:
    bank = FolderBank(Folders(tmp_path))
    put(tmp_path, "a.xml", report(""))
    (told,) = heard(bank)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Folders(tmp_path).take(told), range(16)))

    assert len([path for path in (tmp_path / "processed").glob("*/*") if path.suffix == ".xml"]) == 1


def test_files_with_names_and_accounts_are_not_for_everybody(tmp_path: Path) -> None:
    Folders(tmp_path / "bank").hand_over(outgoing(tmp_path))

    assert (tmp_path / "bank" / "outbox" / "RUN-1.xml").stat().st_mode & 0o007 == 0
    assert (tmp_path / "bank" / "outbox").stat().st_mode & 0o007 == 0


def test_a_link_out_of_the_inbox_is_not_followed(tmp_path: Path) -> None:
    bank = FolderBank(Folders(tmp_path / "bank"))
    (tmp_path / "secret.xml").write_text(report(""))
    (tmp_path / "bank" / "inbox" / "a.xml").symlink_to(tmp_path / "secret.xml")

    assert heard(bank) == heard(bank) == []


def test_folders_cannot_be_asked_of_a_payment(tmp_path: Path) -> None:
    assert asyncio.run(FolderBank(Folders(tmp_path)).status("01KG000000E008000000000001")) is None


def test_killed_at_any_moment_a_file_is_handed_over_whole_and_once(tmp_path: Path) -> None:
    files, root = 40, Path(__file__).parents[3]

    told = subprocess.run(
        [sys.executable, "-m", "tests.treasury.bank.killed", str(tmp_path), str(files), "7"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout

    *each, killed = told.splitlines()
    assert each == ["1 whole, 0 not"] * files
    assert int(killed) > files
