"""What CRADLE_BANKS says of our accounts, read strictly."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.treasury.main import bank_of
from services.treasury.model import Format
from services.treasury.wire.banks import BanksError, read
from tests.treasury.bank.answers import report

ACCOUNT = {
    "code": "main",
    "funds": ["EMPLOYEE_INSURANCE"],
    "name": "宝鸡市医疗保障基金管理中心",
    "account": "61050162010800000123",
    "bank_code": "105100000017",
    "folders": "/srv/bank",
}


def written(folder: Path, *accounts: dict[str, Any]) -> Path:
    path = folder / "banks.yaml"
    path.write_text(yaml.safe_dump({"accounts": list(accounts)}), "utf-8")
    return path


def test_a_bank_may_take_the_csv_file_and_takes_iso_20022_unless_it_says_so(tmp_path: Path) -> None:
    other = {**ACCOUNT, "code": "other", "funds": ["RESIDENT_INSURANCE"], "format": "PAYROLL_CSV", "known_as": "X"}

    first, second = (one.paying for one in read(written(tmp_path, ACCOUNT, other)))

    assert (first.format, first.known_as) == (Format.PAIN_001, first.account)
    assert (second.format, second.known_as) == (Format.PAYROLL_CSV, "X")


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"format": "PAYROLL_CSV", "url": "https://bank"}, "a bank with a url takes PAIN_001"),
        ({"bucket": "s3://bank", "url": "https://bank"}, "a url or a bucket"),
        ({"format": "MT101"}, "format"),
        ({"hash_required": True, "url": "https://bank"}, "hashes are required in folders only"),
        ({"hash_required": True, "bucket": "s3://bank"}, "hashes are required in folders only"),
        ({"funds": ["EMPLOYEE_INSURANCE", "EMPLOYEE_INSURANCE"]}, "EMPLOYEE_INSURANCE twice"),
        ({"funds": ["LOTTERY"]}, "funds"),
        ({"formt": "PAIN_001"}, "formt"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, changed: dict[str, Any], word: str) -> None:
    with pytest.raises(BanksError, match=word):
        read(written(tmp_path, {**ACCOUNT, **changed}))


def test_a_bank_whose_files_need_a_hash_says_so_for_its_folders(tmp_path: Path) -> None:
    other = {**ACCOUNT, "code": "other", "funds": ["RESIDENT_INSURANCE"], "hash_required": True}

    with pytest.raises(BanksError, match="other: in the same folders hashes are required, or not"):
        read(written(tmp_path, ACCOUNT, other))
    apart = read(written(tmp_path, ACCOUNT, {**other, "folders": "/srv/other"}))

    assert [one.hash_required for one in apart] == [False, True]


@pytest.mark.parametrize("hash_required", [False, True])
def test_such_a_file_is_refused_without_its_hash(tmp_path: Path, hash_required: bool) -> None:
    (account,) = read(written(tmp_path, {**ACCOUNT, "folders": str(tmp_path), "hash_required": hash_required}))
    bank = bank_of(account)

    async def told() -> list[str | None]:
        found: list[str | None] = []
        for _ in range(2):  # a file without a hash is told when it has not changed between two looks
            found += [one.problem.code if one.problem else None async for one in bank.answers()]
        return found

    (tmp_path / "inbox" / "a.xml").write_text(report(""), "utf-8")
    assert asyncio.run(told()) == ["BANK_FILE_HASH_MISSING" if hash_required else None]


@pytest.mark.parametrize("one", Format)
def test_a_files_name_tells_its_format(one: Format) -> None:
    assert Format.of(f"01KG000000E008000000000EMR{one.suffix}") is one
