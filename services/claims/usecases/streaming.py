"""A stream of submissions: read ahead up to a window, appended in batches, answered in the order of their numbers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from cradle.claims.v1 import intake_pb2, submitting_pb2
from protovalidate import Validator

from services.claims.usecases import submitting
from services.claims.usecases.submitting import Entry, FrontDesk, Taken
from services.kit.errors import Invalid
from services.kit.messages import reason
from services.kit.reasons import reason_message
from services.kit.shape import shape_problems

_BATCH_MAX: Final = 100
_VALIDATOR: Final = Validator()

Requests = AsyncIterator[submitting_pb2.StreamClaimsRequest]


@dataclass(slots=True)
class Conversation:
    """What is under way on one connection. `None` in a queue is its end."""

    desk: FrontDesk
    source: str
    stream: UUID
    resume_after: int
    window: asyncio.Semaphore
    read: asyncio.Queue[Entry | None] = field(default_factory=asyncio.Queue)
    taken: asyncio.Queue[Taken | None] = field(default_factory=asyncio.Queue)

    async def reading(self, requests: Requests) -> None:
        """Read ahead, as far as the window allows: the transport then holds back whoever sends."""
        last = self.resume_after
        try:
            await self.window.acquire()
            async for request in requests:
                self.read.put_nowait(_entry(request, last, self.desk.settings.message_bytes_max))
                last = request.submission.number
                await self.window.acquire()
        finally:
            self.read.put_nowait(None)

    async def appending(self) -> None:
        """Append what was read, as many at once as there are."""
        try:
            while entries := await self._batch():
                refused = {e.number: submitting.refusals(self.desk, self.source, e) for e in entries}
                good = [entry for entry in entries if not refused[entry.number]]
                known = {t.number: t for t in await self._handed_in(good)}
                taken = [known.get(e.number) or Taken(e.number, reasons=refused[e.number]) for e in entries]
                if returned := [one for one in zip(entries, taken, strict=True) if one[1].reasons]:
                    await submitting.keep_refused(self.desk, self.source, self.stream, returned)
                for one in taken:
                    self.taken.put_nowait(one)
        finally:
            self.taken.put_nowait(None)

    async def _handed_in(self, entries: list[Entry]) -> list[Taken]:
        return await submitting.hand_in(self.desk, self.source, self.stream, entries) if entries else []

    async def _batch(self) -> list[Entry]:
        """The next submissions in order; empty at the end."""
        entries: list[Entry] = []
        entry = await self.read.get()
        while entry is not None:
            entries.append(entry)
            if len(entries) == _BATCH_MAX or self.read.empty():
                return entries
            entry = self.read.get_nowait()
        self.read.put_nowait(None)  # found behind others: the next look ends
        return entries

    async def answers(self) -> AsyncGenerator[submitting_pb2.SubmissionAnswer, None]:
        while (taken := await self.taken.get()) is not None:
            yield await self._answer(taken)
            self.window.release()

    async def _answer(self, taken: Taken) -> submitting_pb2.SubmissionAnswer:
        """A receipt is waited for so long after its record was appended, however long it stood in the queue."""
        left_s = self.desk.settings.receipt_wait_max_s - (time.monotonic() - taken.at_s)
        return submitting_pb2.SubmissionAnswer(
            number=taken.number,
            position=submitting.position(self.source, taken.place) if taken.place else None,
            receipt=await submitting.receipt(self.desk, self.source, taken, left_s),
            reasons=[reason_message(given) for given in taken.reasons],
            repeated_number=taken.repeated,
        )


def _entry(request: submitting_pb2.StreamClaimsRequest, last: int, bytes_max: int) -> Entry:
    """Without a right number there is nothing to answer to, so that ends the stream; anything else is answered. What is
    too large is answered without being kept: a stream may have hundreds of them under way.
    """
    submission, where = request.submission, "submission."
    problems = shape_problems(_VALIDATOR, request)
    if request.WhichOneof("message") == "open":
        raise Invalid(reason("STREAM_OPENED_TWICE", "open"))
    if unnumbered := [one for one in problems if not one.field.startswith(where) or one.field == f"{where}number"]:
        raise Invalid(*unnumbered)
    if submission.number <= last:
        raise Invalid(reason("STREAM_NUMBER_NOT_ASCENDING", "submission.number", last=last))
    if (size := submission.intake.ByteSize()) > bytes_max:
        too_large = reason("MESSAGE_TOO_LARGE", "intake", size=size, limit=bytes_max)
        return Entry(submission.number, intake_pb2.ClaimIntake(), submission.member_key, (too_large,))
    others = tuple(replace(one, field=one.field.removeprefix(where)) for one in problems)
    return Entry(submission.number, submission.intake, submission.member_key, others)


async def opening(requests: Requests) -> submitting_pb2.OpenClaimStream:
    """The first message. Raises Invalid if it is another, or not in its shape."""
    first = await anext(aiter(requests), None)
    if first is None or not first.HasField("open"):
        raise Invalid(reason("STREAM_NOT_OPENED", "open"))
    if problems := shape_problems(_VALIDATOR, first):
        raise Invalid(*problems)
    return first.open


async def converse(
    desk: FrontDesk, source: str, opened: submitting_pb2.OpenClaimStream, requests: Requests
) -> AsyncGenerator[submitting_pb2.SubmissionAnswer, None]:
    """Answer every submission. What was appended is answered before a mistake of the caller's ends the stream."""
    window = asyncio.Semaphore(desk.settings.stream_unanswered_max)
    talk = Conversation(desk, source, UUID(opened.stream_id), opened.resume_after, window)
    async with desk.receipts.following():
        tasks = [asyncio.create_task(talk.reading(requests)), asyncio.create_task(talk.appending())]
        try:
            async with aclosing(talk.answers()) as answers:
                async for answer in answers:
                    yield answer
            for task in reversed(tasks):  # what kept us from appending goes first
                await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
