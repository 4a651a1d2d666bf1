"""The bank: mock-bank, which is not ours, as a process of its own that takes files from a folder and writes into one.

Its days pass when we say so. It knows the treasury's account by a number of 17 digits, and calls it by an IBAN.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.error import URLError
from urllib.request import Request, urlopen

from deploy.local import layout
from deploy.local.errors import StackError
from deploy.local.stack import Stack

OURS: Final = "61050162010800123"
_HELD_AS: Final = "ACME"  # the first of the accounts it begins with
_KNOWN_AS: Final = "NL41MOCK0000000001"
_NAME: Final = "宝鸡市医疗保障基金管理中心"
_FUNDS: Final = ("EMPLOYEE_INSURANCE", "RESIDENT_INSURANCE", "UNEMPLOYMENT", "FISCAL")
_CALL_TIMEOUT_S: Final = 180.0  # a file of 15 000 payments takes it 7 s, and more beside other work
_READY_TIMEOUT_S: Final = 20.0
_LOOK_EVERY_S: Final = 0.05
_NEVER_MS: Final = 3_600_000  # it looks into its folder when told to


class MockBank:
    """Its remote control."""

    def __init__(self, url: str, auth: str = "") -> None:
        self.url, self._auth = url, base64.b64encode(auth.encode()).decode()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, content, {"Authorization": f"Basic {self._auth}"}, method=method)  # noqa: S310
        with urlopen(request, timeout=_CALL_TIMEOUT_S) as response:  # noqa: S310
            return json.loads(response.read())

    def behave(self, account: str = _HELD_AS, **changed: object) -> None:
        self.ask("PATCH", f"/_mock/accounts/{account}", changed)

    def take_files(self) -> None:
        self.ask("POST", "/_mock/drop/scan")

    def days_pass(self, days: int = 1) -> None:
        self.ask("POST", f"/_mock/advance?days={days}")

    def today(self) -> date:
        return date.fromisoformat(self.ask("GET", "/_mock/state")["clock"]["date"])

    def payments(self) -> list[dict[str, Any]]:
        return list(self.ask("GET", "/_mock/payments"))


@contextmanager
def folders() -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Folders between the treasury and the bank, and what the treasury is told of them."""
    layout.home().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="demo-bank-", dir=layout.home()) as root:
        folder = Path(root)
        account = {
            "code": "main",
            "funds": list(_FUNDS),
            "name": _NAME,
            "account": OURS,
            "bank_code": "105100000017",
            "known_as": _KNOWN_AS,
            "folders": str(folder),
        }
        layout.write_private(folder / "banks.yaml", {"accounts": [account]})
        for name in ("outbox", "inbox"):
            (folder / name).mkdir()
        yield folder, {"CRADLE_BANKS": str(folder / "banks.yaml"), "CRADLE_BANK_EVERY_S": "0.2"}


def start(stack: Stack, folder: Path, today: date) -> MockBank:
    """Open the bank in the morning of that day; the stack ends it."""
    port = stack.port("mock-bank/http")
    options = {
        "--port": port,
        "--clock": f"{today}T09:00",
        "--timezone": "Asia/Shanghai",
        "--drop-dir": folder / "outbox",
        "--pickup-dir": folder / "inbox",
        "--drop-settle-ms": 0,
        "--drop-interval-ms": _NEVER_MS,
    }
    said = [str(word) for option in options.items() for word in option]
    stack.add(stack.command("mock-bank", (sys.executable, "-m", "mockbank", "--quiet", *said)))
    bank = MockBank(f"http://127.0.0.1:{port}")
    _wait(bank)
    bank.behave(name=_NAME, currency="CNY", account_number=OURS)
    return bank


def _wait(bank: MockBank) -> None:
    until = time.monotonic() + _READY_TIMEOUT_S
    while True:
        try:
            bank.ask("GET", "/_mock/health")
        except (URLError, ConnectionError):
            if time.monotonic() > until:
                raise StackError("mock-bank does not become ready") from None
            time.sleep(_LOOK_EVERY_S)
        else:
            return
