"""A bank that speaks HTTP. The paths are those of mock-bank 0.9; a real bank's would be a module beside this one.

| | |
|---|---|
| `POST /payments` | a payment file in |
| `GET /_mock/mailbox?leave`, `GET /_mock/messages` | what it has said; left there, or our crash would lose it |
| `GET /_mock/payments/<EndToEndId>` | one payment |

What comes lands in the folders of the bank first (`folder`), whole and by content, so both adapters keep what the bank
said in the same way. Every message is looked at each time: a bank that waits with one numbers it before others that
came earlier, so "all after the last number" would lose it.

Sending has one rule. Until the connection stands nothing has left; from the first byte on, whatever goes wrong (a
timeout, a reset, half an answer, an answer nobody expected) leaves the file UNKNOWN.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote, urlsplit

import orjson
from pydantic import SecretStr

from services.kit.errors import Invalid, Unavailable
from services.kit.messages import Reason, reason
from services.treasury.bank import Handover, Outgoing, Received, Standing
from services.treasury.bank.folder import Folders, told
from services.treasury.bank.pain002 import Outcome, Why, outcome
from services.treasury.bank.placing import content_of

_BY_HTTP: Final = "HTTP"
_TAKEN: Final = frozenset({200, 201, 202, 422})  # 422: read and judged; the judgement comes as an answer
_NOT_READ: Final = frozenset({400, 401, 403, 404, 405, 411, 413, 415})
_NOT_FOUND: Final = 404
_OK: Final = 200
_STATEMENT: Final = "camt.053."
_WORDS: Final = {"accepted": Outcome.ACCEPTED, "booked": Outcome.SETTLED, "returned": Outcome.RETURNED}


class LiveBank:
    """`Bank` over HTTP. `timeout_s` is for each step: to connect, to write, to read."""

    def __init__(
        self,
        url: str,
        folders: Folders,
        *,
        timeout_s: float,
        answer_bytes_max: int,
        authorization: SecretStr | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = urlsplit(url)
        self._folders, self._timeout_s, self._bytes_max, self._tls = folders, timeout_s, answer_bytes_max, tls
        self._headers = {}
        if authorization is not None:  # user:password
            said = base64.b64encode(authorization.get_secret_value().encode()).decode()
            self._headers["Authorization"] = f"Basic {said}"

    async def send(self, file: Outgoing) -> Handover:
        return await asyncio.to_thread(self._send, file)

    async def answers(self, since: datetime | None = None) -> AsyncIterator[Received]:
        for received in await asyncio.to_thread(self._fetch, since):
            yield received

    async def statements(self, since: datetime) -> AsyncIterator[Received]:
        for received in await asyncio.to_thread(self._fetch, since):
            if received.kind.startswith(_STATEMENT):
                yield received

    async def status(self, end_to_end_id: str) -> Standing | None:
        return await asyncio.to_thread(self._status, end_to_end_id)

    async def done(self, received: Received) -> None:
        await asyncio.to_thread(self._folders.take, received)

    async def refused(self, received: Received, reasons: Sequence[Reason]) -> None:
        await asyncio.to_thread(self._folders.refuse, received, reasons)

    # --- in a thread -------------------------------------------------------------------------------------------------

    def _send(self, file: Outgoing) -> Handover:
        if self._folders.begun(file) is not None:
            return Handover.BEFORE
        found = content_of(file.path).sha256
        if found != file.sha256:
            raise Invalid(reason("BANK_FILE_HASH", file.path.name, expected=file.sha256.hex(), found=found.hex()))
        connection = self._connection()
        try:
            connection.connect()
        except OSError:
            return Handover.NOT_SENT
        try:
            if not self._folders.begin(file, _BY_HTTP):
                return Handover.BEFORE
            with file.path.open("rb") as content:
                return _handed(self._post(connection, content, file.path.stat().st_size))
        except (OSError, HTTPException):
            return Handover.UNKNOWN
        finally:
            connection.close()

    def _post(self, connection: HTTPConnection, content: BinaryIO, size: int) -> int:
        headers = {**self._headers, "Content-Type": "application/xml", "Content-Length": str(size)}
        connection.request("POST", f"{self._url.path}/payments", body=content, headers=headers)
        return connection.getresponse().status

    def _fetch(self, since: datetime | None) -> list[Received]:
        self._get("/_mock/mailbox?leave")  # the bank sends what is due when somebody looks
        _, messages = self._get("/_mock/messages")
        for message in messages:
            self._folders.deliver(_name(message), message["body"].encode())
        return told(self._folders, since)

    def _status(self, end_to_end_id: str) -> Standing:
        status, said = self._get(f"/_mock/payments/{quote(end_to_end_id, safe='')}")
        if status == _NOT_FOUND:
            return Standing(known=False)
        word, why = str(said["status"]), str(said["reason"] or "")
        booked = word == "accepted" and said["booked_at"]
        return Standing(known=True, status=word, reason=why, outcome=_outcome("booked" if booked else word, why))

    def _get(self, path: str) -> tuple[int, Any]:
        """Status and JSON. Raises Unavailable unless it is an answer to what was asked."""
        connection = self._connection()
        try:
            connection.request("GET", self._url.path + path, headers=self._headers)
            response = connection.getresponse()
            body = response.read(self._bytes_max + 1)
        except (OSError, HTTPException) as error:
            raise Unavailable(f"the bank does not answer: {type(error).__name__}") from error
        finally:
            connection.close()
        if response.status not in {_OK, _NOT_FOUND} or len(body) > self._bytes_max:
            raise Unavailable(f"the bank answered {response.status}, {len(body)} bytes")
        try:
            return response.status, orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Unavailable("the bank's answer is no JSON") from error

    def _connection(self) -> HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            return HTTPSConnection(host, port, timeout=self._timeout_s, context=self._tls)
        return HTTPConnection(host, port, timeout=self._timeout_s)


def _handed(status: int) -> Handover:
    if status in _TAKEN:
        return Handover.TAKEN
    return Handover.REFUSED if status in _NOT_READ else Handover.UNKNOWN


def _outcome(word: str, why: str) -> Outcome:
    """Of the bank's own word; a rejection as a duplicate is none here either."""
    return outcome("RJCT", (Why(why, ""),)) if word == "rejected" else _WORDS.get(word, Outcome.UNKNOWN)


def _name(message: dict[str, Any]) -> str:
    return f"{int(message['id']):08d}-{Path(str(message['type'])).name}.xml"
