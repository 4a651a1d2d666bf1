"""Appeals: filed against what stands, decided where its review is answered, by another person than who decided before.

Nothing is held back meanwhile: what was determined is owed and goes on being paid, and what is disputed beyond it is
not ordered before it is determined (行政复议法 art. 42: an appeal does not suspend the decision).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from typing import Final
from uuid import UUID

from services.claims import rules, store
from services.claims.model import FINAL, Claim, Determination, State
from services.claims.model.appeal import (
    APPEAL_MOVES,
    Appeal,
    AppealGround,
    AppealMove,
    AppealState,
    Appellant,
    LateBecause,
    refusal_of_move,
)
from services.claims.model.review import APPEAL, RISK, Review, note_context
from services.claims.store import appeals, reviews
from services.claims.usecases.batch import Terms
from services.claims.usecases.office import Office
from services.claims.usecases.telling import event_of
from services.claims.wire import appeal as wire
from services.kit.calendar import CALENDAR
from services.kit.db import Tx
from services.kit.errors import Invalid, Refused, Stale
from services.kit.ids import new_id
from services.kit.messages import reason

_DETERMINED: Final = {State.APPROVED, State.PARTIALLY_APPROVED, State.DENIED, State.DUPLICATE}


async def file(  # noqa: PLR0917  # all of it is stated
    office: Office,
    tx: Tx,
    actor: str,
    claim_id: UUID,
    lines: tuple[str, ...],
    appellant: Appellant,
    ground: AppealGround,
    late_because: LateBecause | None,
    notified_on: date | None,
    note: str,
) -> Appeal:
    """File an appeal, and ask a person to decide it."""
    terms, claim = office.terms(), (await store.lock_claims(tx, {claim_id}))[claim_id]
    if claim.state in FINAL:
        raise Refused(reason("APPEAL_CLAIM_VOIDED", "claim", state=claim.state))
    stands = await appeals.standing(tx, claim)
    if claim.state not in _DETERMINED or stands is None:
        raise Refused(reason("APPEAL_NOT_DETERMINED", "claim", state=claim.state))
    if before := await appeals.against(tx, claim.id, stands.version):
        code = "APPEAL_OPEN" if before.state is AppealState.FILED else "APPEAL_DECIDED"
        raise Refused(reason(code, "claim", name=f"appeals/{before.id}", state=before.state))
    _check_lines(lines, stands.determination)
    notified = notified_on or stands.decided_on
    _check_days(notified, stands.decided_on, late_because, terms)
    due_on = rules.appealing.due_on(terms.today, terms.law, CALENDAR)
    review = Review(new_id(), claim.id, claim.version, claim.kind, APPEAL, due_on, RISK[APPEAL], terms.now, terms.now)
    sealed = office.sealer.seal(note.encode(), note_context(review.id, review.number)) if note else None
    appeal = Appeal(
        new_id(),
        claim.id,
        stands.version,
        claim.revision,
        review.id,
        lines,
        appellant,
        ground,
        late_because,
        notified,
        terms.today,
        actor,
        terms.now,
    )
    await reviews.open_reviews(tx, [replace(review, note_sealed=sealed)])
    await appeals.file(tx, appeal)
    await _say_so(tx, claim, appeal, terms)
    return appeal


def _check_lines(lines: Collection[str], determination: Determination) -> None:
    known = [f"{line.kind}/{line.number}" for line in determination.lines]
    wrong = [place for place, line in enumerate(lines) if line not in known]
    if wrong:
        raise Invalid(*[reason("APPEAL_LINE_UNKNOWN", f"lines[{place}]", known=", ".join(known)) for place in wrong])


def _check_days(notified: date, decided: date, late_because: LateBecause | None, terms: Terms) -> None:
    if not decided <= notified <= terms.today:
        raise Invalid(reason("APPEAL_NOTIFIED_WRONG", "notify_date", first=decided, last=terms.today))
    last = rules.appealing.last_day(notified, terms.law, CALENDAR)
    is_late = last is not None and terms.today > last
    if is_late and late_because is None:
        raise Refused(reason("APPEAL_LATE", "late_because", last=last))
    if late_because is not None and not is_late:
        raise Invalid(reason("APPEAL_NOT_LATE", "late_because", last=last or "-"))


async def withdraw(office: Office, tx: Tx, actor: str, listed: Appeal, etag: str) -> Appeal:
    """Withdraw it; the same determination may be appealed again while there is time."""
    terms, claim = office.terms(), (await store.lock_claims(tx, {listed.claim_id}))[listed.claim_id]
    await reviews.locked(tx, listed.review_id)
    appeal = await appeals.of_review(tx, listed.review_id)
    if etag != str(appeal.number):
        raise Stale(reason("APPEAL_CHANGED", "etag", state=appeal.state, etag=appeal.number))
    ended = _ended(appeal, AppealMove.WITHDRAW, terms)._replace(decided_by=actor)
    await appeals.end(tx, ended)
    await reviews.close(tx, [appeal.review_id], terms.now)
    await _say_so(tx, claim, ended, terms)
    return ended


async def lapse(tx: Tx, claims: Collection[Claim], terms: Terms) -> None:
    """Claims were taken back by their sender, which their own events tell: nothing is left to decide."""
    lapsed = await appeals.lapse(tx, [claim.id for claim in claims], terms.now)
    if lapsed:
        await reviews.close(tx, lapsed, terms.now)


async def is_another(tx: Tx, review: Review, *actors: str) -> set[str]:
    """Who filed it, or ever decided about the claim, does not decide it; answers who decided."""
    appeal = await appeals.of_review(tx, review.id)
    deciders = await reviews.deciders(tx, appeal.claim_id, but=review.id)
    if {appeal.filed_by, *deciders} & set(actors):
        raise Refused(reason("APPEAL_BY_ANOTHER"))
    return deciders


async def decided(  # noqa: PLR0917  # who, and how
    tx: Tx, review: Review, claim: Claim, move: AppealMove, first: str, second: str | None, terms: Terms
) -> Claim:
    """Its review was answered: the claim's next version, which says so."""
    deciders = await is_another(tx, review, first, second or first)
    ended = _ended(await appeals.of_review(tx, review.id), move, terms)
    ended = ended._replace(decided_by=first, second_by=second or "")
    await appeals.end(tx, ended, deciders)
    return await _say_so(tx, claim, ended, terms)


def _ended(appeal: Appeal, move: AppealMove, terms: Terms) -> Appeal:
    if refused := refusal_of_move(appeal.state, move):
        raise Refused(refused)
    return appeal._replace(state=APPEAL_MOVES[appeal.state][move], number=appeal.number + 1, decided_at=terms.now)


async def _say_so(tx: Tx, claim: Claim, appeal: Appeal, terms: Terms) -> Claim:
    """Each event has a version of the claim's own."""
    moved = claim._replace(version=claim.version + 1, updated_at=terms.now)
    await store.save_payment(tx, [moved])
    tx.emit(event_of(moved, wire.event(moved, appeal), f"appeals/{appeal.id}/{appeal.number}", terms.now))
    return moved
