"""mock-bank, the independent bank, in this process on a free port; its clock is driven, never waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mockbank.server import Config, make_server

from deploy.demo.bank import MockBank as Remote

__all__ = ["MockBank", "running"]


class MockBank(Remote):
    """Its remote control, and what only whoever started it can change."""

    def __init__(self, url: str, auth: str, config: Config) -> None:
        super().__init__(url, auth)
        self._config = config

    def answer_after(self, hours: int) -> None:
        """From the next file on: by its own clock, so once days have passed."""
        self._config.status_delay_ms = hours * 3_600_000


@contextmanager
def running(**given: Any) -> Iterator[MockBank]:
    """Its clock stands on Thursday 2026-11-26, and its account ACME is in yuan."""
    config = Config(port=0, quiet=True, clock="2026-11-26T09:00", **given)
    server = make_server(config)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    serving.start()
    try:
        bank = MockBank(f"http://127.0.0.1:{server.server_address[1]}", given.get("auth", ""), config)
        for account in ("ACME", "GLOBEX", "INITECH", "EURODIS"):
            bank.behave(account, currency="CNY")
        yield bank
    finally:
        server.shutdown()
        server.server_close()
        serving.join(10)
