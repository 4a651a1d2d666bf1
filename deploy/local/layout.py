"""Where a stack lives on disk, whose it is, and the secrets that it keeps there."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from deploy.local.errors import StackError

ROOT = Path(__file__).parents[2]
_SHARED = Path("/var/tmp")  # noqa: S108  # not /tmp: that may be wiped at boot, or live in memory


def home() -> Path:
    """The folder of all stacks of this clone, made if need be; refused if somebody else put one there."""
    digest = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    folder = _SHARED / f"cradle-{digest}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o755)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise StackError(f"{folder} belongs to another user; remove it")
    return folder


def is_passing() -> bool:
    """Whether stacks are started to be thrown away, as every test's are: they start quickly, and wait for no disk."""
    return "CRADLE_PASSING" in os.environ


class NameLock:
    """Held by the supervisor of a stack for as long as it lives, so that a name has one supervisor at most."""

    def __init__(self, name: str) -> None:
        self._path = home() / f"{name}.lock"
        self._file: IO[str] | None = None

    def take(self) -> bool:
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return True

    def drop(self) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None

    def holder(self) -> int | None:
        """The process id of the living supervisor, if there is one."""
        with suppress(FileNotFoundError), self._path.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(file.read() or 0) or None
        return None


def keep_secrets(folder: Path) -> dict[str, str]:
    """The stack's own secrets, made at its first start and the same at every later one."""
    path = folder / "secrets.json"
    if not path.exists():
        made = {
            "CRADLE_SEALING_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "CRADLE_BLIND_INDEX_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "database_password": secrets.token_urlsafe(24),
        }
        write_private(path, made)
    return dict(json.loads(path.read_text()))


def keep_banks(folder: Path) -> dict[str, str]:
    """An account of every fund at one bank, which is folders of the stack's own: no money leaves this machine."""
    path = folder / "banks.yaml"
    if not path.exists():
        account = {
            "code": "main",
            "funds": ["EMPLOYEE_INSURANCE", "RESIDENT_INSURANCE", "UNEMPLOYMENT", "FISCAL"],
            "name": "宝鸡市医疗保障基金管理中心",
            "account": "61050162010800000123",
            "bank_code": "105100000017",
            "folders": str(folder / "bank"),
        }
        write_private(path, {"accounts": [account]})
    return {"CRADLE_BANKS": str(path), "CRADLE_BANK_SPOOL": str(folder / "bank-spool"), "CRADLE_BANK_EVERY_S": "1"}


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    write_private_text(path, json.dumps(content, indent=1))


def write_private_text(path: Path, content: str) -> None:
    """Write a file that only we may read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    fresh.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
