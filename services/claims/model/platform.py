"""What is kept of the platform's settlements, so that an undo finds its own: numbers and digests, nobody's data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlatformSettlement:
    """`number` is the platform's (setl_id), by which the claim is numbered; the hospital's own is kept as a digest.

    `key` is the intake's key of the claim, empty where the settlement could not be mapped. It is sealed when stored.
    """

    number: str
    hospital: str
    hospital_number: bytes
    person: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class PlatformUndo:
    """An undo that waits for its settlement. `number` is empty where it names the hospital's own number only.

    `id` is its row, 0 for one that has none yet; `void` is the record for the intake, in its binary form.
    """

    number: str
    hospital: str
    hospital_number: bytes
    person: bytes
    void: bytes
    id: int = 0


@dataclass(frozen=True, slots=True)
class PlatformMessage:
    """By what a message is known again: its hospital, its id and a digest of its content."""

    hospital: str
    msgid: str
    content_hash: bytes
