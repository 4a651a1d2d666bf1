"""What becomes of a mapped message, given the settlements and undos before it. Pure: the caller loads and saves.

An undo (2305) carries numbers only, often comes before its settlement (2304), and sometimes names the hospital's own
number of it. So settlements are remembered, and an undo that is early waits: it leaves after its settlement, under the
same key, in that order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cradle.claims.v1 import intake_pb2

from services.claims.model.platform import PlatformMessage, PlatformSettlement, PlatformUndo
from services.claims.wire.platform import Finding, FindingKind, Kind, Mapped
from services.kit.member_key import member_key
from services.kit.messages import reason

_UNDONE = "input.data.setl_id"
_UNDONE_BY_HOSPITAL = "input.data.medins_setl_id"
_PERSON = "input.data.psn_no"


class Status(StrEnum):
    MAPPED = "MAPPED"
    NOT_MAPPED = "NOT_MAPPED"
    REPEATED = "REPEATED"
    WAITING = "WAITING"


@dataclass(frozen=True, slots=True)
class Leaving:
    """A record for the intake, with its key; and the undo that waited for its settlement, whose void it is."""

    intake: intake_pb2.ClaimIntake
    key: bytes
    undo: PlatformUndo | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: `mapped` with what was found on the way, and what leaves for the intake."""

    status: Status
    mapped: Mapped
    leaving: tuple[Leaving, ...] = ()
    claim_number: str = ""


@dataclass(slots=True)
class Register:
    """What is known of one source; `new_...` and `matched` are what a batch adds."""

    digest: Callable[[bytes], bytes]
    settlements: dict[str, PlatformSettlement] = field(default_factory=dict)
    waiting: list[PlatformUndo] = field(default_factory=list)
    new_settlements: dict[str, PlatformSettlement] = field(default_factory=dict)
    new_messages: list[PlatformMessage] = field(default_factory=list)
    matched: list[PlatformUndo] = field(default_factory=list)
    _contents: dict[tuple[str, str], set[bytes]] = field(default_factory=lambda: defaultdict(set))
    _by_hospital: dict[tuple[str, bytes], set[str]] = field(default_factory=lambda: defaultdict(set))

    def know(self, settlements: Iterable[PlatformSettlement], messages: Iterable[PlatformMessage]) -> None:
        """What was taken before."""
        for settlement in settlements:
            self._remember(settlement)
        for message in messages:
            self._contents[message.hospital, message.msgid].add(message.content_hash)

    def take(self, mapped: Mapped) -> Outcome:
        """Settle one message; those after it see what it changed.

        Only what was taken is known again: a message that could not be mapped may be sent once more and succeed, for
        the crosswalk may have learned its codes meanwhile.
        """
        message = self.message_of(mapped)
        contents = self._contents[message.hospital, message.msgid] if message else set()
        if message is not None and message.content_hash in contents:
            return Outcome(Status.REPEATED, mapped)
        if contents:
            mapped = _with(mapped, FindingKind.CONTRADICTION, "PLATFORM_MSGID_CLASH", "msgid")
        outcome = self._taken(mapped)
        if message is not None and outcome.status in {Status.MAPPED, Status.WAITING}:
            contents.add(message.content_hash)
            self.new_messages.append(message)
        return outcome

    def _taken(self, mapped: Mapped) -> Outcome:
        if mapped.kind is Kind.SETTLEMENT:
            return self._settlement(mapped)
        if mapped.void is not None:
            return self._undo(mapped, mapped.void)
        if mapped.intake is None:
            return Outcome(Status.NOT_MAPPED, mapped)
        return Outcome(Status.MAPPED, mapped, (Leaving(mapped.intake, mapped.key),))

    def last_word(self, outcome: Outcome) -> Outcome:
        """What becomes of an undo that had to wait, when nothing more comes.

        Where its settlement came after it, its void has left. Else the void leaves alone, if its number is known: its
        settlement was sent long ago, so the key need not be the same.
        """
        void, mapped = outcome.mapped.void, _waited(outcome.mapped)
        if void is None or (undo := self.undo_of(mapped, void)) not in self.waiting:
            return replace(outcome, status=Status.MAPPED, mapped=mapped)
        self.waiting.remove(undo)
        again = self._undo(mapped, void)
        if again.status is not Status.WAITING:
            return again
        if not undo.number:
            return _refused(mapped, FindingKind.UNMAPPED, "PLATFORM_UNDO_NEVER_MATCHED", _UNDONE_BY_HOSPITAL)
        leaving = Leaving(intake_pb2.ClaimIntake(void=void), member_key(undo.number))
        mapped = _with(mapped, FindingKind.DOUBT, "PLATFORM_UNDO_UNMATCHED", _UNDONE)
        return Outcome(Status.MAPPED, mapped, (leaving,), undo.number)

    def message_of(self, mapped: Mapped) -> PlatformMessage | None:
        if not mapped.msgid or not mapped.hospital:
            return None
        return PlatformMessage(mapped.hospital, mapped.msgid, self.digest(mapped.content))

    def settlement_of(self, mapped: Mapped) -> PlatformSettlement:
        return PlatformSettlement(
            mapped.settlement_id,
            mapped.hospital,
            self._digest(mapped.hospital_settlement_id),
            self._digest(mapped.person),
            mapped.key,
        )

    def undo_of(self, mapped: Mapped, void: intake_pb2.VoidClaim) -> PlatformUndo:
        return PlatformUndo(
            mapped.settlement_id,
            mapped.hospital,
            self._digest(mapped.hospital_settlement_id),
            self._digest(mapped.person),
            void.SerializeToString(deterministic=True),
        )

    def _remember(self, settlement: PlatformSettlement) -> None:
        self.settlements[settlement.number] = settlement
        if settlement.hospital_number:
            self._by_hospital[settlement.hospital, settlement.hospital_number].add(settlement.number)

    def _named_by(self, undo: PlatformUndo) -> list[PlatformSettlement]:
        numbers = {undo.number} if undo.number else self._by_hospital.get((undo.hospital, undo.hospital_number), set())
        found = [self.settlements[number] for number in sorted(numbers) if number in self.settlements]
        return [one for one in found if _is_named(undo, one)]

    def _digest(self, text: str) -> bytes:
        return self.digest(text.encode("utf-8", "surrogatepass")) if text else b""

    def _settlement(self, mapped: Mapped) -> Outcome:
        settlement = self.settlement_of(mapped)
        if settlement.number:
            before = self.settlements.get(settlement.number)
            if before and not settlement.key:
                settlement = replace(settlement, key=before.key)
            self.new_settlements[settlement.number] = settlement
            self._remember(settlement)
        if mapped.intake is None:
            return Outcome(Status.NOT_MAPPED, mapped)
        leaving = [Leaving(mapped.intake, mapped.key)]
        for undo in [one for one in self.waiting if _is_of(one, settlement)]:
            leaving.append(Leaving(_void(undo.void, settlement), settlement.key, undo))
            self.waiting.remove(undo)
            self.matched.append(undo)
        return Outcome(Status.MAPPED, mapped, tuple(leaving), settlement.number)

    def _undo(self, mapped: Mapped, void: intake_pb2.VoidClaim) -> Outcome:
        undo = self.undo_of(mapped, void)
        found = self._named_by(undo)
        if not found:
            self.waiting.append(undo)
            return Outcome(Status.WAITING, _with(mapped, FindingKind.DOUBT, "PLATFORM_UNDO_WAITS", _UNDONE))
        if len(found) > 1:
            return _refused(mapped, FindingKind.CONTRADICTION, "PLATFORM_UNDO_UNCLEAR", _UNDONE)
        if not _is_of(undo, found[0]):
            return _refused(mapped, FindingKind.CONTRADICTION, "PLATFORM_UNDO_OF_ANOTHER", _PERSON)
        if not found[0].key:
            return _refused(mapped, FindingKind.UNMAPPED, "PLATFORM_UNDO_OF_NOTHING", _UNDONE)
        leaving = Leaving(_void(undo.void, found[0]), found[0].key)
        return Outcome(Status.MAPPED, mapped, (leaving,), found[0].number)


def _is_named(undo: PlatformUndo, settlement: PlatformSettlement) -> bool:
    """Whether the undo names it: by the platform's number, or by the hospital's own where that is all it has."""
    if undo.number:
        return undo.number == settlement.number
    named = (undo.hospital, undo.hospital_number)
    return bool(undo.hospital_number) and named == (settlement.hospital, settlement.hospital_number)


def _is_of(undo: PlatformUndo, settlement: PlatformSettlement) -> bool:
    """Whether it names it, and for the same person where both say whom."""
    differs = undo.person and settlement.person and undo.person != settlement.person
    return _is_named(undo, settlement) and not differs


def _void(kept: bytes, settlement: PlatformSettlement) -> intake_pb2.ClaimIntake:
    void = intake_pb2.VoidClaim.FromString(kept)
    void.claim_number = settlement.number
    return intake_pb2.ClaimIntake(void=void)


def _waited(mapped: Mapped) -> Mapped:
    """Without the word that it waits."""
    return replace(mapped, findings=tuple([one for one in mapped.findings if one.reason.code != "PLATFORM_UNDO_WAITS"]))


def _with(mapped: Mapped, kind: FindingKind, code: str, path: str) -> Mapped:
    return replace(mapped, findings=(*mapped.findings, Finding(kind, reason(code, path))))


def _refused(mapped: Mapped, kind: FindingKind, code: str, path: str) -> Outcome:
    return Outcome(Status.NOT_MAPPED, _with(mapped, kind, code, path))
