"""Chromium without a window, as a person uses it: where she goes, what she writes and clicks, and what she then sees.

It is spoken to by its own protocol (CDP), over a port that it chose.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from lxml import html

BUILD = Path(__file__).parents[2] / "build"  # where `make browser` puts the program, and a font with Chinese characters
PROGRAM = BUILD / "chromium" / "chromium"
_QUIET = (
    "--no-sandbox",  # it may be root's, and sees no page but ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-port=0",
)
_DEADLINE_S = 30


@dataclass
class Tab:
    socket: aiohttp.ClientWebSocketResponse
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _last: int = 0
    _loaded: bool = False

    async def goes_to(self, url: str) -> None:
        self._loaded = False
        await self.does("Page.navigate", url=url)
        await self._load()

    async def writes(self, selector: str, words: str) -> None:
        await self.does("DOM.focus", nodeId=await self._node(selector))
        await self.does("Input.insertText", text=words)

    async def clicks(self, selector: str) -> None:
        """And waits for the page that this leads to."""
        await self.does("DOM.scrollIntoViewIfNeeded", nodeId=await self._node(selector))
        edges = (await self.does("DOM.getBoxModel", nodeId=await self._node(selector)))["model"]["content"]
        where = {"x": (edges[0] + edges[4]) / 2, "y": (edges[1] + edges[5]) / 2, "button": "left", "clickCount": 1}
        self._loaded = False
        for kind in ("mousePressed", "mouseReleased"):
            await self.does("Input.dispatchMouseEvent", type=kind, **where)
        await self._load()

    async def sees(self, selector: str) -> str:
        """The words of the one element, which must have a place on the page."""
        node = await self._node(selector)
        assert (await self.does("DOM.getBoxModel", nodeId=node))["model"]["width"] > 0
        shown = html.fromstring((await self.does("DOM.getOuterHTML", nodeId=node))["outerHTML"])
        return " ".join(str(shown.text_content()).split())

    async def picture(self) -> bytes:
        return base64.b64decode((await self.does("Page.captureScreenshot"))["data"])

    async def does(self, method: str, **details: Any) -> dict[str, Any]:
        self._last += 1
        await self.socket.send_json({"id": self._last, "method": method, "params": details})
        while (told := await self._hear()).get("id") != self._last:
            pass
        assert "error" not in told, (method, told)
        found: dict[str, Any] = told["result"]
        return found

    async def _node(self, selector: str) -> int:
        root = (await self.does("DOM.getDocument"))["root"]["nodeId"]
        found = int((await self.does("DOM.querySelector", nodeId=root, selector=selector))["nodeId"])
        assert found, f"nothing is {selector}"
        return found

    async def _load(self) -> None:
        while not self._loaded:
            await self._hear()

    async def _hear(self) -> dict[str, Any]:
        told: dict[str, Any] = await self.socket.receive_json(timeout=_DEADLINE_S)
        match told.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requests.append(told["params"]["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(told["params"]["entry"]["text"])
        return told


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Tab]:
    """One tab; `folder` is its own."""
    started = await asyncio.create_subprocess_exec(
        PROGRAM, *_QUIET, f"--user-data-dir={folder}", "about:blank",
        stderr=asyncio.subprocess.PIPE, env={**os.environ, "XDG_DATA_HOME": str(BUILD)},
    )  # fmt: skip
    try:
        async with asyncio.timeout(_DEADLINE_S):
            port = await _port(started)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            async with http.get("/json/list") as answer:
                page = next(one for one in await answer.json() if one["type"] == "page")
            async with http.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                for part in ("Page", "DOM", "Network", "Log"):
                    await tab.does(f"{part}.enable")
                yield tab
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        await started.communicate()


async def _port(started: asyncio.subprocess.Process) -> str:
    assert started.stderr
    said = []
    while line := await started.stderr.readline():
        if found := re.search(rb"DevTools listening on ws://127\.0\.0\.1:(\d+)/", line):
            return found[1].decode()
        said.append(line.decode("utf-8", "replace"))
    raise AssertionError("the browser did not start: " + "".join(said))
