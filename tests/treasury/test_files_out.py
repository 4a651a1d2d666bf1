"""Files for banks on the whole way, in both formats: written, signed, intended, handed over, settled by a statement."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from cradle.treasury.v1 import money_pb2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from lxml import etree

from deploy.local.stack import Stack
from services.kit.errors import Invalid
from services.kit.run import Process
from services.kit.settings import load
from services.treasury.bank import Bank, Handover, Outgoing
from services.treasury.bank.amounts import decimal
from services.treasury.bank.folder import FolderBank, Folders
from services.treasury.bank.placing import content_of
from services.treasury.bank.signing import SUFFIX, Ed25519Signer, verify
from services.treasury.main import sender_of
from services.treasury.model import Format, Paying, RunState
from services.treasury.store import files
from services.treasury.usecases import banking, sending
from services.treasury.wire import banks
from tests.kit.live import new_database
from tests.treasury.bank.test_signing import pem
from tests.treasury.cashier import OURS, Cashier, cashier, lose_spool, moved, statement
from tests.treasury.counter import FUND, MATERNITY, case, message, order, sealed
from tests.treasury.sending_again import NotingBank

pytestmark = pytest.mark.integration
KEY = Ed25519PrivateKey.generate()
AMOUNTS = (1_960_000, 1, 35_007)


def act(stack: Stack, root: Path, one: Format, story: Callable[[Cashier], Awaitable[None]]) -> None:
    """Three orders of two classes of payee, and a treasury that signs."""

    async def run() -> None:
        paying = OURS._replace(format=one)
        async with cashier(stack, new_database(stack, "treasury"), root, paying=paying) as here:
            here.sender = replace(here.sender, signer=Ed25519Signer(pem(KEY)))
            await here.counter.give(100_000_000)
            await here.owe(*AMOUNTS[:2])
            hospitals = message(case(), AMOUNTS[2])
            hospitals.payee.kind = money_pb2.PAYEE_KIND_PROVIDER
            await here.counter.take_in(sealed(hospitals))
            await story(here)
            await here.holds()

    asyncio.run(run())


def told(path: Path) -> list[tuple[str, str]]:
    """The end-to-end ids of a file with their amounts, in yuan."""
    if path.suffix == ".csv":
        _, _, _, *lines = csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""))
        return [(line[1], line[7]) for line in lines]
    found = etree.parse(path).iterfind(".//{*}CdtTrfTxInf")
    return [(one.findtext(".//{*}EndToEndId") or "", one.findtext(".//{*}InstdAmt") or "") for one in found]


@pytest.mark.parametrize("one", Format)
def test_a_file_is_handed_over_whole_signed_and_once_and_a_statement_settles_it(
    stack: Stack, tmp_path: Path, one: Format
) -> None:
    outbox = tmp_path / "bank" / "outbox"

    async def story(here: Cashier) -> None:
        run = await here.sent()
        (file,) = await files.of_run(here.database, run.id)
        path = outbox / file.name
        rows = await here.payments()

        assert sorted(there.name for there in outbox.iterdir()) == [path.name, path.name + SUFFIX]
        assert path.suffix == one.suffix
        assert sorted(told(path)) == sorted((row["end_to_end_id"], decimal(row["amount_fen"])) for row in rows)
        assert (file.handover, file.intent_at is not None) == (Handover.TAKEN, True)
        content, signature = content_of(path), (outbox / (path.name + SUFFIX)).read_bytes()
        assert (file.sha256, file.size_bytes, file.signature) == (*content, signature)
        verify(path.name, content, signature, KEY.public_key())

        path.rename(tmp_path / path.name)  # the bank takes it
        await banking.start(here.sender)
        await here.round()
        assert not path.exists()

        await here.hear(statement(*map(moved, rows)))
        assert await here.states() == ["RECONCILED"] * len(AMOUNTS)
        assert (await here.run(run.id)).state == RunState.SETTLED
        assert not await here.queue_of_unmatched()

    act(stack, tmp_path, one, story)


@pytest.mark.parametrize("one", Format)
def test_a_file_that_somebody_has_altered_is_not_what_was_signed(stack: Stack, tmp_path: Path, one: Format) -> None:
    outbox = tmp_path / "bank" / "outbox"

    async def story(here: Cashier) -> None:
        await here.sent()
        (path,) = outbox.glob(f"*{one.suffix}")
        signature = (outbox / (path.name + SUFFIX)).read_bytes()

        altered = tmp_path / path.name
        altered.write_bytes(path.read_bytes().replace(b"19600.00", b"19600.01", 1))
        assert altered.read_bytes() != path.read_bytes()
        for name, content in [(path.name, content_of(altered)), (f"other{one.suffix}", content_of(path))]:
            with pytest.raises(Invalid, match="BANK_SIGNATURE"):
                verify(name, content, signature, KEY.public_key())
        with pytest.raises(Invalid, match="BANK_SIGNATURE"):
            verify(path.name, content_of(path), signature, Ed25519PrivateKey.generate().public_key())

    act(stack, tmp_path, one, story)


@pytest.mark.parametrize("one", Format)
def test_a_file_that_is_built_again_has_the_same_bytes_and_signature_whatever_the_bank_takes_by_then(
    stack: Stack, tmp_path: Path, one: Format
) -> None:
    async def story(here: Cashier) -> None:
        await here.queue(await here.approved())
        (file,) = await files.to_send(here.database, [OURS.code])
        path, first = await sending.write(here.sender, file)
        signature = path.with_name(path.name + SUFFIX).read_bytes()

        lose_spool(tmp_path)
        (other,) = {*Format} - {one}
        taken = replace(here.pay, paying={FUND: OURS._replace(format=other)})
        (file,) = await files.to_send(here.database, [OURS.code])
        path, again = await sending.write(replace(here.sender, pay=taken), file._replace(sha256=first.sha256))

        assert (path.name, again) == (file.name, first)
        assert path.with_name(path.name + SUFFIX).read_bytes() == signature

    act(stack, tmp_path, one, story)


class LookingBank(NotingBank):
    """Looks, when a file reaches it, at what is on record of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.here: Cashier | None = None
        self.found: list[tuple[bool, bool, list[str]]] = []

    async def send(self, file: Outgoing) -> Handover:
        assert self.here is not None
        (row,) = await self.here.database.fetch("SELECT * FROM bank_file WHERE name = $1", file.path.name)
        on_record = row["sha256"] == content_of(file.path).sha256
        self.found.append((on_record, row["intent_at"] is not None, await self.here.states()))
        return Handover.TAKEN


@pytest.mark.parametrize("one", Format)
def test_hash_and_intent_are_on_record_before_the_first_byte_leaves(stack: Stack, tmp_path: Path, one: Format) -> None:
    async def run() -> None:
        bank = LookingBank(tmp_path)
        paying = OURS._replace(format=one)
        async with cashier(stack, new_database(stack, "treasury"), tmp_path, bank, paying) as here:
            bank.here = here
            await here.counter.give(1000)
            await here.counter.take_in(order(case(), 100))
            await here.sent()

            assert bank.found == [(True, True, ["SENT"])]

    asyncio.run(run())


def test_two_banks_of_two_formats_get_a_file_each_of_one_run(stack: Stack, tmp_path: Path) -> None:
    async def run() -> None:
        async with cashier(stack, new_database(stack, "treasury"), tmp_path) as here:
            paying = {
                "EMPLOYEE_INSURANCE": OURS,
                "RESIDENT_INSURANCE": OURS._replace(code="residents", format=Format.PAYROLL_CSV),
            }
            here.pay = replace(here.pay, paying=paying)
            folders = {one.code: Folders(tmp_path / one.code) for one in paying.values()}
            reached: dict[str, Bank] = {code: FolderBank(there) for code, there in folders.items()}
            here.sender = replace(here.sender, pay=here.pay, banks=reached)
            for fund in paying:
                await here.counter.give(1000, MATERNITY._replace(fund=fund))
            await here.owe(100)
            await here.owe(200, fund=money_pb2.FUND_RESIDENT_INSURANCE)

            await here.sent()

            (first,) = (tmp_path / OURS.code / "outbox").iterdir()
            (second,) = (tmp_path / "residents" / "outbox").iterdir()
            assert [amount for _, amount in told(first)] == ["1.00"]
            assert [amount for _, amount in told(second)] == ["2.00"]
            assert (first.suffix, second.suffix) == (".xml", ".csv")
            await here.holds()

    asyncio.run(run())


def test_what_the_environment_says_of_banks_keys_and_spool_is_how_files_leave(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One fund through folders as CSV, another through object storage; both signed with the key of the settings."""
    ours = {"name": OURS.name, "account": OURS.account, "bank_code": OURS.bank_code}
    said = [
        {**ours, "code": "folder", "funds": [FUND], "folders": f"{tmp_path}/folder", "format": "PAYROLL_CSV"},
        {
            **ours,
            "code": "bucket",
            "funds": ["RESIDENT_INSURANCE"],
            "folders": f"{tmp_path}/kept",
            "bucket": f"file://{tmp_path}/bucket",
        },
    ]
    (tmp_path / "bucket").mkdir()
    (tmp_path / "banks.yaml").write_text(yaml.safe_dump({"accounts": said}), "utf-8")
    (tmp_path / "key.pem").write_bytes(pem(KEY))
    for name, value in {
        **stack.environment,
        "CRADLE_BANKS": f"{tmp_path}/banks.yaml",
        "CRADLE_BANK_SPOOL": f"{tmp_path}/spool",
        "CRADLE_BANK_SIGNING_KEY": f"{tmp_path}/key.pem",
    }.items():
        monkeypatch.setenv(name, value)

    async def run() -> None:
        async with cashier(stack, new_database(stack, "treasury"), tmp_path) as here:
            desk = here.pay.desk
            process = Process("treasury", load(), desk.clock, here.database, desk.sealer, desk.law)
            paying: dict[str, Paying] = {
                fund: one.paying for one in banks.read(tmp_path / "banks.yaml") for fund in one.funds
            }
            here.pay = replace(here.pay, paying=paying)
            here.sender = sender_of(process, here.pay)
            for fund in paying:
                await here.counter.give(1000, MATERNITY._replace(fund=fund))
            await here.owe(100)
            await here.owe(200, fund=money_pb2.FUND_RESIDENT_INSURANCE)

            run = await here.sent()

            for file in await files.of_run(here.database, run.id):
                assert file.handover == Handover.TAKEN
                path = tmp_path / file.paying.code / "outbox" / file.name
                signature = (path.with_name(path.name + SUFFIX)).read_bytes()
                verify(path.name, content_of(path), signature, KEY.public_key())
            (inbox := tmp_path / "bucket" / "inbox").mkdir()
            (inbox / "statement.xml").write_text(statement(*map(moved, await here.payments())), "utf-8")
            await here.round()
            assert await here.states() == ["RECONCILED", "RECONCILED"]
            assert (await here.run(run.id)).state == RunState.SETTLED
            await here.holds()

    asyncio.run(run())
