"""mock-bank, the independent bank, in this process on a free port; its clock is driven, never waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mockbank.server import Config, make_server

from deploy.demo.bank import MockBank

__all__ = ["MockBank", "running"]


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
