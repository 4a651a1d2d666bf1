"""A replay's memory: one line a finished chunk, in a file that only grows, so that a kill costs a chunk at most."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import orjson

from services.kit.errors import Invalid
from services.kit.messages import reason

_FINISHED: Final = b'{"finished":true}\n'


@dataclass(slots=True)
class Checkpoint:
    """`plan` is what the first run cut; `done` are the finished chunks by number, with what they came to."""

    path: Path
    file: IO[bytes]
    wanted: Mapping[str, Any]
    plan: dict[str, Any] | None = None
    done: dict[int, dict[str, Any]] = field(default_factory=dict)

    def begin(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self._write(orjson.dumps({"wanted": self.wanted, "plan": plan}) + b"\n")

    def finish(self, chunk: int, result: dict[str, Any]) -> None:
        self.done[chunk] = result
        self._write(orjson.dumps({"chunk": chunk, "result": result}) + b"\n")

    def end(self, *, keep: bool) -> None:
        """All chunks are done. What is kept is a record, and the next run begins anew."""
        if keep:
            self._write(_FINISHED)
        else:
            self.path.unlink()

    def _write(self, line: bytes) -> None:
        self.file.write(line)
        self.file.flush()


@contextmanager
def opened(path: Path, wanted: Mapping[str, Any]) -> Iterator[Checkpoint]:
    """Go on where the file ends. Raises Invalid if it is another replay's, is no checkpoint, or is in use."""
    try:
        file = path.open("a+b")
    except OSError as error:
        raise Invalid(reason("REPLAY_FILE", "--checkpoint", file=path, problem=error.strerror)) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Invalid(reason("REPLAY_CHECKPOINT_IN_USE", "--checkpoint", file=path)) from None
        found = Checkpoint(path, file, wanted)
        _load(found)
        try:
            yield found
        finally:
            if found.plan is None:  # it came to nothing, and leaves nothing behind
                path.unlink()


def _load(found: Checkpoint) -> None:
    found.file.seek(0)
    lines = found.file.read().splitlines(keepends=True)
    whole = [line for line in lines if line.endswith(b"\n")]  # the last may have been cut short
    if lines and not _is_ours(lines[0]):
        raise Invalid(reason("REPLAY_CHECKPOINT_OTHER", "--checkpoint", file=found.path))
    if not whole or whole[-1] == _FINISHED:
        found.file.truncate(0)
        return
    head = orjson.loads(whole[0])
    if head["wanted"] != found.wanted:
        raise Invalid(reason("REPLAY_CHECKPOINT_OTHER", "--checkpoint", file=found.path))
    found.file.truncate(sum(map(len, whole)))
    found.plan = head["plan"]
    for line in whole[1:]:
        data = orjson.loads(line)
        found.done[data["chunk"]] = data["result"]


def _is_ours(line: bytes) -> bool:
    return line.startswith(b'{"wanted":')
