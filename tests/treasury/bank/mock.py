"""mock-bank, the independent bank, in this process on a free port; its clock is driven, never waited for."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

from mockbank.server import Config, make_server


class MockBank:
    def __init__(self, url: str, auth: str) -> None:
        self.url, self._auth = url, base64.b64encode(auth.encode()).decode()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, content, {"Authorization": f"Basic {self._auth}"}, method=method)  # noqa: S310
        with urlopen(request, timeout=30) as response:  # noqa: S310
            return json.loads(response.read())

    def behave(self, account: str = "ACME", **changed: object) -> None:
        self.ask("PATCH", f"/_mock/accounts/{account}", changed)

    def days_pass(self, days: int = 1) -> None:
        self.ask("POST", f"/_mock/advance?days={days}")


@contextmanager
def running(**config: Any) -> Iterator[MockBank]:
    """Its clock stands on Thursday 2026-11-26, and its account ACME is in yuan."""
    server = make_server(Config(port=0, quiet=True, clock="2026-11-26T09:00", **config))
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    serving.start()
    try:
        bank = MockBank(f"http://127.0.0.1:{server.server_address[1]}", config.get("auth", ""))
        for account in ("ACME", "GLOBEX", "INITECH", "EURODIS"):
            bank.behave(account, currency="CNY")
        yield bank
    finally:
        server.shutdown()
        server.server_close()
        serving.join(10)
