"""A bank behind object storage: a name is put once, every doubt is UNKNOWN, and what the bank says is kept."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import ObjectStore

from services.kit.errors import Invalid, Unavailable
from services.treasury.bank import Handover, Outgoing
from services.treasury.bank.folder import Folders
from services.treasury.bank.objects import ObjectBank, opened
from tests.treasury.bank.answers import entry, report, statement
from tests.treasury.bank.test_folder import heard, names, outgoing

BYTES_MAX = 1 << 20
TIMEOUT_S = 5.0


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    (tmp_path / "bucket").mkdir()
    return opened("memory:///" if request.param == "memory" else f"file://{tmp_path}/bucket", TIMEOUT_S)


def bank(store: ObjectStore, tmp_path: Path) -> ObjectBank:
    return ObjectBank(store, Folders(tmp_path / "kept"), answer_bytes_max=BYTES_MAX)


def send(to: ObjectBank, file: Outgoing) -> Handover:
    return asyncio.run(to.send(file))


def lying(store: ObjectStore, prefix: str) -> list[str]:
    return sorted(meta["path"] for metas in obstore.list(store, prefix=prefix) for meta in metas)


def put(store: ObjectStore, name: str, content: str) -> None:
    obstore.put(store, f"inbox/{name}", content.encode())


# --- out -------------------------------------------------------------------------------------------------------------


def test_a_file_is_handed_over_once_and_again_never(store: ObjectStore, tmp_path: Path) -> None:
    file = outgoing(tmp_path)

    assert send(bank(store, tmp_path), file) is Handover.TAKEN
    content = bytes(obstore.get(store, "outbox/RUN-1.xml").bytes())
    assert hashlib.sha256(content).digest() == file.sha256
    assert send(bank(store, tmp_path), file) is Handover.BEFORE
    obstore.delete(store, "outbox/RUN-1.xml")  # the bank takes it away

    assert send(bank(store, tmp_path / "elsewhere"), file) is Handover.BEFORE
    assert lying(store, "outbox") == []


def test_the_signature_lies_beside_it(store: ObjectStore, tmp_path: Path) -> None:
    file = outgoing(tmp_path)
    signature = file.path.with_name("RUN-1.xml.sig")
    signature.write_text("{}")

    assert send(bank(store, tmp_path), file._replace(signature=signature)) is Handover.TAKEN
    assert lying(store, "outbox") == ["outbox/RUN-1.xml", "outbox/RUN-1.xml.sig"]


def test_a_name_used_for_another_file_is_refused(store: ObjectStore, tmp_path: Path) -> None:
    file = outgoing(tmp_path)
    obstore.put(store, "handed/RUN-1.xml", b"01" * 32)

    with pytest.raises(Invalid, match="BANK_FILE_CONFLICT"):
        send(bank(store, tmp_path), file)
    assert lying(store, "outbox") == []


def test_a_file_that_changed_since_it_was_committed_does_not_leave(store: ObjectStore, tmp_path: Path) -> None:
    file = outgoing(tmp_path)
    file.path.write_text("changed")

    with pytest.raises(Invalid, match="BANK_FILE_HASH"):
        send(bank(store, tmp_path), file)
    assert lying(store, "") == []


def test_of_many_at_once_one_hands_it_over(store: ObjectStore, tmp_path: Path) -> None:
    file, here = outgoing(tmp_path), bank(store, tmp_path)

    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda _: send(here, file), range(32)))

    assert told.count(Handover.TAKEN) == 1
    assert set(told) == {Handover.TAKEN, Handover.BEFORE}


def test_after_a_crash_behind_the_note_it_is_not_handed_over(store: ObjectStore, tmp_path: Path) -> None:
    file = outgoing(tmp_path)
    obstore.put(store, "handed/RUN-1.xml", file.sha256.hex().encode())

    assert send(bank(store, tmp_path), file) is Handover.BEFORE
    assert lying(store, "outbox") == []


# --- doubt: what speaks S3, and hangs up ------------------------------------------------------------------------------


class Cloud:
    """As little of S3 as a put and a get need. It hangs up on what `hangs_up` names, after it has kept it or before."""

    def __init__(self, hangs_up: str = "", *, keeps: bool = False) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[str] = []
        self.hangs_up, self.keeps = hangs_up, keeps

    def put(self, path: str, content: bytes, *, is_first: bool) -> int | None:
        self.puts.append(path)
        if self.hangs_up and self.hangs_up in path:
            if self.keeps:
                self.objects[path] = content
            return None
        if is_first and path in self.objects:
            return 412
        self.objects[path] = content
        return 200


@contextmanager
def running(cloud: Cloud) -> Iterator[ObjectStore]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200 if self.path in cloud.objects else 404, cloud.objects.get(self.path, b""))

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            status = cloud.put(self.path, content, is_first=self.headers.get("If-None-Match") == "*")
            if status is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self._answer(status, b"")

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Mon, 23 Nov 2026 02:00:00 GMT")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        serving.start()
        yield at(server.server_address[1])
        server.shutdown()
        serving.join(10)


def at(port: int) -> ObjectStore:
    """As `opened` makes it, with keys and an address that stand in the environment elsewhere."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ENDPOINT": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "cn-northwest-1",
        }.items():
            environment.setenv(name, value)
        return opened("s3://bank/city", TIMEOUT_S, plain_http=True)


def test_over_the_wire_a_name_is_put_once(tmp_path: Path) -> None:
    file, cloud = outgoing(tmp_path), Cloud()
    with running(cloud) as store:
        assert send(bank(store, tmp_path), file) is Handover.TAKEN
        assert send(bank(store, tmp_path), file) is Handover.BEFORE

    assert cloud.puts == ["/bank/city/handed/RUN-1.xml", "/bank/city/outbox/RUN-1.xml"]
    assert hashlib.sha256(cloud.objects["/bank/city/outbox/RUN-1.xml"]).digest() == file.sha256


@pytest.mark.parametrize("keeps", [True, False])
def test_a_put_of_which_nobody_knows_is_unknown_and_is_not_tried_again(tmp_path: Path, *, keeps: bool) -> None:
    file, cloud = outgoing(tmp_path), Cloud("outbox", keeps=keeps)
    with running(cloud) as store:
        assert send(bank(store, tmp_path), file) is Handover.UNKNOWN
        cloud.hangs_up = ""
        assert send(bank(store, tmp_path), file) is Handover.BEFORE

    assert cloud.puts.count("/bank/city/outbox/RUN-1.xml") == 1


def test_before_the_note_stands_nothing_has_left(tmp_path: Path) -> None:
    file, cloud = outgoing(tmp_path), Cloud("handed")
    with running(cloud) as store:
        assert send(bank(store, tmp_path), file) is Handover.NOT_SENT
        cloud.hangs_up = ""
        assert send(bank(store, tmp_path), file) is Handover.TAKEN


def test_storage_that_is_away_is_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        store = at(closed.getsockname()[1])

    assert send(bank(store, tmp_path), outgoing(tmp_path)) is Handover.NOT_SENT
    with pytest.raises(Unavailable):
        heard(bank(store, tmp_path))


# --- in --------------------------------------------------------------------------------------------------------------


def test_what_the_bank_puts_is_told_until_it_is_done_and_no_more(store: ObjectStore, tmp_path: Path) -> None:
    here = bank(store, tmp_path)
    put(store, "2026/answer.xml", report(""))
    put(store, "answer.xml.sha256", "x")

    first = heard(here)
    assert [name.partition(".")[2] for name in names(first)] == ["2026_answer.xml"]
    assert heard(here) == first
    asyncio.run(here.done(first[0]))

    assert heard(here) == []
    assert heard(bank(store, tmp_path)) == []  # and it has seen nothing yet
    put(store, "again.xml", report(""))
    put(store, "new.xml", statement(entry("1.00", "DBIT")))
    assert [name.partition(".")[2] for name in names(heard(here))] == ["new.xml"]


def test_a_name_may_be_used_again_and_as_long_as_it_likes(store: ObjectStore, tmp_path: Path) -> None:
    here, name = bank(store, tmp_path), "s" * 200 + ".xml"
    put(store, name, report(""))
    (first,) = heard(here)
    asyncio.run(here.done(first))

    put(store, name, statement(entry("1.00", "DBIT")))

    assert [one.kind for one in heard(here)] == ["camt.053.001.08"]


@pytest.mark.parametrize(("size", "kept"), [(99, 99), (100, 100), (101, 101), (5000, 101)])
def test_of_what_is_too_large_there_comes_enough_to_refuse_it(
    store: ObjectStore, tmp_path: Path, size: int, kept: int
) -> None:
    put(store, "big.xml", "x" * size)

    (one,) = heard(ObjectBank(store, Folders(tmp_path / "kept"), answer_bytes_max=100))

    assert one.path.stat().st_size == kept
