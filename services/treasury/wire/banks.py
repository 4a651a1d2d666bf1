"""Our accounts at banks, as CRADLE_BANKS names them: which fund is paid from which, and how its bank is reached.

```yaml
accounts:
- code: medical                     # a name of ours, on every payment and file
  funds: [EMPLOYEE_INSURANCE, RESIDENT_INSURANCE]
  name: 宝鸡市医疗保障基金管理中心
  account: "61050162010800000123"
  bank_code: "105100000017"
  known_as: ""                      # how the bank's statements call it, if otherwise
  folders: /srv/banks/ccb           # files for and from the bank; with a url or a bucket, what it said is kept there
  url: ""
  bucket: ""                        # s3://bucket/prefix: files for and from the bank as objects
  format: PAIN_001                  # or PAYROLL_CSV (代发文件), not with a url
  hash_required: false              # true: a file in the folders counts only with its <name>.sha256
```
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from services.treasury.model import Format, Fund, Paying

ANSWER_BYTES_MAX: Final = 256 << 20
TIMEOUT_S: Final = 60.0


class BanksError(ValueError):
    """The file is not one; says why."""


class AccountAtBank(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    funds: tuple[Fund, ...]
    name: str
    account: str
    bank_code: str
    known_as: str = ""
    folders: Path
    url: str = ""
    bucket: str = ""
    format: Format = Format.PAIN_001
    hash_required: bool = False

    @model_validator(mode="after")
    def _in_one_way(self) -> Self:
        if self.url and self.bucket:
            raise ValueError(f"{self.code}: a url or a bucket")
        if self.url and self.format is not Format.PAIN_001:
            raise ValueError(f"{self.code}: a bank with a url takes PAIN_001")
        if self.hash_required and (self.url or self.bucket):
            raise ValueError(f"{self.code}: hashes are required in folders only")
        return self

    @property
    def paying(self) -> Paying:
        return Paying(self.code, self.name, self.account, self.bank_code, self.known_as or self.account, self.format)


class _Banks(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    accounts: tuple[AccountAtBank, ...]


def read(path: Path) -> tuple[AccountAtBank, ...]:
    """Raises BanksError: a fund is paid from one account, an account has one name, and folders one rule."""
    try:
        found = _Banks.model_validate(yaml.safe_load(path.read_text("utf-8"))).accounts
    except (ValidationError, yaml.YAMLError) as error:
        raise BanksError(f"{path.name}: {error}") from None
    if twice := _twice(one.code for one in found) | _twice(fund for one in found for fund in one.funds):
        raise BanksError(f"{path.name}: {', '.join(sorted(twice))} twice")
    required: dict[Path, bool] = {}
    for one in found:
        if required.setdefault(one.folders, one.hash_required) != one.hash_required:
            raise BanksError(f"{path.name}: {one.code}: in the same folders hashes are required, or not")
    return found


def _twice(names: Iterable[str]) -> set[str]:
    return {str(name) for name, times in Counter(names).items() if times > 1}
