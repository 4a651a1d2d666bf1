"""Evidence on the real PostgreSQL and a real folder, and over gRPC on the running system."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cradle.certification.v1 import evidence_pb2 as pb
from cradle.certification.v1.evidence_pb2_grpc import EvidenceServiceStub

from deploy.local.stack import Stack
from services.certification import objects
from services.certification.model import Filed
from services.certification.model.evidence import Exhibit, Limits, Offered
from services.certification.store import evidence
from services.certification.usecases import applying, assessing, evidencing
from services.certification.usecases.evidencing import Room
from services.kit import auth, db, rpc
from services.kit.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from tests.builders import uscc
from tests.certification.files import CRITERION, EXECUTABLE, KIND, PDF, offered, pdf, pieces
from tests.certification.office import CLERK, EMPLOYER, Office, office, principal
from tests.certification.test_service import calling, draft, employer, known_employer
from tests.claims.harness import told
from tests.kit.live import rows

pytestmark = pytest.mark.integration

OTHER = "attitude.leader_named"
LIMITS = Limits(1000, 2500, 5)


@dataclass
class Shelf:
    """An office with a folder for evidence."""

    at: Office
    room: Room
    folder: Path

    async def hands_in(self, filed: Filed, given: Offered, sent: AsyncIterator[bytes]) -> Exhibit:
        name = f"applications/{filed.id}"
        with auth.acting(EMPLOYER):
            await evidencing.take_in(self.room, name, given, sent)
            async with self.room.desk.database.transaction() as tx:
                return await evidencing.add(self.room, tx, name, given)

    async def removes(self, given: Exhibit) -> None:
        with auth.acting(EMPLOYER):
            async with self.room.desk.database.transaction() as tx:
                await evidencing.remove(self.room, tx, given.id)

    async def listed(self, filed: Filed) -> list[Exhibit]:
        with auth.acting(EMPLOYER):
            return await evidencing.of_application(self.room, f"applications/{filed.id}")

    def stored(self) -> list[str]:
        return sorted(one.name for one in self.folder.rglob("*") if one.is_file())

    async def aged(self) -> None:
        """An hour goes by."""
        await self.room.desk.database.fetch(
            "UPDATE evidence_content SET touched_at = touched_at - $1::interval", evidencing.UNTOUCHED
        )

    async def rows(self) -> list[tuple[str, str]]:
        found = await self.room.desk.database.fetch("SELECT sha256, state FROM evidence_content ORDER BY sha256")
        return [(row["sha256"].hex(), row["state"]) for row in found]


@asynccontextmanager
async def shelf(stack: Stack, dsn: str, folder: Path) -> AsyncIterator[Shelf]:
    async with office(stack, dsn) as at:
        yield Shelf(at, Room(at.desk, objects.opened(folder.as_uri()), LIMITS), folder)


async def refused(doing: Awaitable[Any]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as found:
        await doing
    return [(one.code, one.field) for one in found.value.reasons]


def test_a_file_is_stored_once_whatever_it_shows_and_goes_when_it_shows_nothing(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def way() -> None:
        async with shelf(stack, dsn, tmp_path / "kept") as at:
            filed, content = await at.at.draft(), pdf("policy")
            given, name = offered(content), hashlib.sha256(content).hexdigest()

            first, race = await asyncio.gather(*[at.hands_in(filed, given, pieces(content)) for _ in range(2)])
            assert race == first
            again = await at.hands_in(filed, given._replace(file_name="another.pdf"), pieces(content, 1000))
            other = await at.hands_in(filed, given._replace(criterion=OTHER), pieces(content))

            assert again == first
            assert await at.listed(filed) == [first, other]
            assert at.stored() == [name]
            assert b"".join([part async for part in at.room.objects.read(given.sha256)]) == content
            assert (
                "制度".encode() not in (await at.room.desk.database.fetch("SELECT * FROM evidence"))[0]["sealed_name"]
            )

            await at.removes(first)
            await at.aged()
            assert await evidencing.sweep(at.room) == 0
            assert at.stored() == [name]

            await at.removes(other)
            assert await evidencing.sweep(at.room) == 1
            assert at.stored() == []
            assert await at.rows() == []

            assert await at.hands_in(filed, given, pieces(content))
            assert at.stored() == [name]

    asyncio.run(way())


def test_what_is_not_taken_leaves_nothing_behind(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def stops() -> AsyncIterator[bytes]:
        yield b"%PDF-"
        raise asyncio.CancelledError

    async def never() -> AsyncIterator[bytes]:
        pytest.fail("a byte was asked for")
        yield b""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(100)

    async def way() -> None:
        async with shelf(stack, dsn, tmp_path / "kept") as at:
            filed, content = await at.at.draft(), pdf()
            given = offered(content)
            with pytest.raises(asyncio.CancelledError):
                await at.hands_in(filed, given, stops())
            too_large = given._replace(size_bytes=2 * 10**9)
            assert await refused(at.hands_in(filed, too_large, never())) == [("EVIDENCE_TOO_LARGE", "file.size_bytes")]
            for sent, code, field in (
                (pieces(content[:-1]), "EVIDENCE_CUT_SHORT", "file.size_bytes"),
                (endless(), "EVIDENCE_LONGER", "file.size_bytes"),
                (pieces(content[:-1] + b"!"), "EVIDENCE_HASH", "file.sha256"),
            ):
                assert await refused(at.hands_in(filed, given, sent)) == [(code, field)]
            named_pdf = at.hands_in(filed, offered(EXECUTABLE, PDF), pieces(EXECUTABLE))
            assert await refused(named_pdf) == [("EVIDENCE_NOT_AS_SAID", "file.media_type")]

            assert await at.listed(filed) == []
            assert at.stored() == []
            assert await at.rows() == []

    asyncio.run(way())


def test_limits_and_states_hold_to_the_last_moment(stack: Stack, dsn: str, tmp_path: Path) -> None:
    async def way() -> None:
        async with shelf(stack, dsn, tmp_path / "kept") as at:
            filed = await at.at.draft()
            big = [pdf(str(number)).ljust(1000, b"%") for number in range(3)]
            at_once = [at.hands_in(filed, offered(one), pieces(one, 1000)) for one in big]
            made = await asyncio.gather(*at_once, return_exceptions=True)
            taken = [one for one in made if isinstance(one, Exhibit)]
            assert [str(one) for one in made if not isinstance(one, Exhibit)] == ["EVIDENCE_TOO_MUCH file.size_bytes"]
            assert len(taken) == 2
            with auth.acting(principal("employer", "uscc-other", employers=frozenset({uscc(8)}))):
                with pytest.raises(NotFound):
                    await evidencing.of_application(at.room, f"applications/{filed.id}")
                with pytest.raises(NotFound):
                    await evidencing.found(at.room, taken[0].id)

            filed = await at.at.does(EMPLOYER, applying.submit, await at.at.stated(filed))
            with pytest.raises(Refused, match="EVIDENCE_NOT_OPEN"):
                await at.hands_in(filed, offered(pdf()), pieces(pdf()))
            with pytest.raises(Refused, match="EVIDENCE_KEPT"):
                await at.removes(taken[0])
            filed = await at.at.does(CLERK, assessing.send_back, filed, [(CRITERION, "缺页")])
            assert await at.hands_in(filed, offered(pdf()), pieces(pdf()))
            with pytest.raises(Refused, match="EVIDENCE_KEPT"):
                await at.removes(taken[0])

    asyncio.run(way())


def test_what_an_upload_or_a_sweep_that_died_left_is_swept_and_not_used_meanwhile(
    stack: Stack, dsn: str, tmp_path: Path
) -> None:
    async def way() -> None:
        async with shelf(stack, dsn, tmp_path / "kept") as at:
            filed, content = await at.at.draft(), pdf("stray")
            given, database = offered(content), at.room.desk.database
            with auth.acting(EMPLOYER):
                await evidencing.take_in(at.room, f"applications/{filed.id}", given, pieces(content))
            assert await evidencing.sweep(at.room) == 0  # it may yet be said what it shows
            await at.aged()

            marked = await evidence.leaving(database, at.room.desk.clock.now() - timedelta(minutes=1), 9)
            assert marked == [given.sha256]
            with pytest.raises(Conflict):
                await at.hands_in(filed, given, pieces(content))
            full = replace(at.room, at_once=asyncio.Semaphore(0))
            with auth.acting(EMPLOYER), pytest.raises(Unavailable):
                await evidencing.take_in(full, f"applications/{filed.id}", given, pieces(content))
            with auth.acting(EMPLOYER), pytest.raises(Conflict):
                async with database.transaction() as tx:
                    await evidencing.add(at.room, tx, f"applications/{filed.id}", given)
            (tmp_path / "kept" / given.sha256.hex()[:2] / given.sha256.hex()).unlink()  # and here it died

            assert await evidencing.sweep(at.room) == 1
            assert await at.rows() == []

    asyncio.run(way())


# --- over gRPC -------------------------------------------------------------------------------------------------------


def announced(content: bytes, application: str, **changes: Any) -> pb.UploadEvidenceRequest:
    file = {
        "application": application, "criterion": CRITERION, "kind": KIND, "file_name": "制度.pdf", "media_type": PDF,
        "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content), "request_id": str(uuid.uuid4()),
    }  # fmt: skip
    return pb.UploadEvidenceRequest(file=pb.EvidenceFile(**{**file, **changes}))


async def said(call: Awaitable[Any]) -> tuple[Any, list[tuple[str, str]]]:
    with pytest.raises(grpc.aio.AioRpcError) as found:
        await call
    return told(found.value)


def test_an_employers_system_uploads_reads_and_removes_in_pieces(stack: Stack) -> None:
    async def way() -> None:
        code = await known_employer(stack)
        who, target = employer(stack, code), stack.environment["CRADLE_CERTIFICATION_TARGET"]
        async with calling(stack, who) as hr, rpc.channel(target, who) as channel:
            filed, files = await draft(hr, code), EvidenceServiceStub(channel)
            content = pdf("over grpc").ljust(700_000, b"%")
            first = announced(content, filed.name)
            parts = [
                first,
                *[pb.UploadEvidenceRequest(chunk=content[at : at + 2**18]) for at in range(0, 700_000, 2**18)],
            ]

            made = await files.UploadEvidence(iter(parts), timeout=20)
            again = await files.UploadEvidence(iter(parts), timeout=20)
            read = [part async for part in files.ReadEvidence(pb.ReadEvidenceRequest(name=made.name), timeout=20)]
            listed = await files.ListEvidence(pb.ListEvidenceRequest(parent=filed.name), timeout=20)

            assert again == made
            assert (made.file_name, made.size_bytes, made.sha256) == ("制度.pdf", 700_000, first.file.sha256)
            assert read[0].evidence == made
            assert b"".join(part.chunk for part in read[1:]) == content
            assert list(listed.evidence) == [made]
            dsn = db.service_dsn(stack.environment["DATABASE_URL"], "certification")
            answers = await rows(dsn, "SELECT answer FROM answered")
            assert [one for one in answers if "制度".encode() in one["answer"]] == []

            for wrong, code_, field in (
                ([announced(content, filed.name, size_bytes=2 * 10**9)], "EVIDENCE_TOO_LARGE", "file.size_bytes"),
                ([announced(content, filed.name, request_id="x")], "FIELD_MALFORMED", "file.request_id"),
                ([announced(content, filed.name, file_name="../a.pdf")], "FIELD_MALFORMED", "file.file_name"),
                ([parts[1]], "EVIDENCE_ORDER", "file"),
                ([announced(content, filed.name), first], "EVIDENCE_ORDER", "chunk"),
                ([announced(content, filed.name), parts[1]], "EVIDENCE_CUT_SHORT", "file.size_bytes"),
            ):
                answer = await said(files.UploadEvidence(iter(wrong), timeout=20))
                assert answer == (grpc.StatusCode.INVALID_ARGUMENT, [(code_, field)])

            removal = pb.RemoveEvidenceRequest(name=made.name, request_id=str(uuid.uuid4()))
            await files.RemoveEvidence(removal, timeout=20)
            await files.RemoveEvidence(removal, timeout=20)
            gone = await said(
                files.RemoveEvidence(pb.RemoveEvidenceRequest(name=made.name, request_id=str(uuid.uuid4())))
            )
            assert gone == (grpc.StatusCode.NOT_FOUND, [("NOT_FOUND", "name")])

    asyncio.run(way())
