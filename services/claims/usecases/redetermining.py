"""Deciding again because the law changed: planned for all claims, approved by a second person, then carried out.

Both go by person, in one order, chunk by chunk, by the same decision on the facts as known: what is planned is what
would be done. The cursor moves in the transaction of what a chunk comes to, so that whoever dies meanwhile has done all
of it or nothing; of two who work at once, one has it. Only whoever decides under the law of the plan works on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from services.claims import rules, store
from services.claims.model import APPROVING, Determination, Figures, State
from services.claims.model.redetermination import (
    FIRST,
    Finding,
    Item,
    Place,
    Redetermination,
    RedeterminationState,
    Result,
    Sum,
)
from services.claims.model.review import LAW_CHANGED, Review
from services.claims.store import Change, Known, redetermining, reviews
from services.claims.usecases import queueing
from services.claims.usecases.batch import OnFile, Terms
from services.claims.usecases.office import Office
from services.claims.usecases.ordering import ordered
from services.claims.usecases.telling import codes_of, count_paid, say_later
from services.kit import telemetry
from services.kit.db import Database, Tx
from services.kit.errors import NotFound, Refused, Stale
from services.kit.ids import new_id
from services.kit.law import NotInForce, Unset
from services.kit.messages import reason
from services.kit.timer import narrowed

_CHUNKS_MAX: Final = 20  # of one look of the timer
_LAST: Final = UUID(int=2**128 - 1)
_UNDECIDED: Final = (rules.FactMissing, Unset, NotInForce)
_log = telemetry.log(__name__)


class Redecided(NamedTuple):
    """A claim under the law in force. Change None: that law cannot decide it."""

    change: Change | None
    result: Determination


# --- what persons do -------------------------------------------------------------------------------------------------


async def begin(office: Office, tx: Tx, actor: str) -> Redetermination:
    """Begin a plan. Refused where nothing was ever decided under another law, or another one is not over."""
    digest = office.law.digest
    if not await redetermining.other_laws(tx, digest):
        raise Refused(reason("LAW_UNCHANGED", digest=digest[:12]))
    if going_on := await redetermining.open_one(tx):
        raise Refused(reason("REDETERMINATION_OPEN", name=f"redeterminations/{going_on.id}", state=going_on.state))
    planning, first_hash = RedeterminationState.PLANNING, rules.redetermining.FIRST_HASH
    new = Redetermination(new_id(), digest, planning, 1, FIRST, first_hash, actor, office.clock.now())
    await redetermining.begin(tx, new)
    return new


async def approve(office: Office, tx: Tx, one: Redetermination, plan_hash: bytes, actor: str) -> Redetermination:
    """Another person approves exactly this plan, by the hash that was chained while it was made.

    Its claims are not read again, however many they are: their table is append-only, and each has the digest of what it
    comes to, by which it is carried out or not.
    """
    _may(one, RedeterminationState.PLANNED)
    if actor == one.planned_by:
        raise Refused(reason("REDETERMINATION_SECOND_PERSON"))
    if one.law_digest != office.law.digest:
        raise Refused(reason("REDETERMINATION_LAW_OTHER", planned=one.law_digest[:12], now=office.law.digest[:12]))
    if plan_hash != one.plan_hash:
        raise Refused(reason("REDETERMINATION_HASH_DIFFERS", "plan_hash"))
    state, now = RedeterminationState.APPROVED, office.clock.now()
    return await _moved(tx, one, state=state, cursor=FIRST, approved_by=actor, approved_at=now)


async def cancel(office: Office, tx: Tx, one: Redetermination, actor: str) -> Redetermination:
    """What was done stays done; nothing more is."""
    _may(one, RedeterminationState.PLANNING, RedeterminationState.PLANNED, RedeterminationState.APPROVED)
    return await _moved(tx, one, state=RedeterminationState.CANCELLED, cancelled_by=actor, ended_at=office.clock.now())


async def in_hand(tx: Tx, redetermination_id: UUID, etag: str) -> Redetermination:
    """It, locked, as it was read."""
    one = await redetermining.by_id(tx, redetermination_id, lock=True)
    if one is None:
        raise NotFound(reason("NOT_FOUND", "name", name=f"redeterminations/{redetermination_id}"))
    if etag != str(one.number):
        raise Stale(reason("REDETERMINATION_CHANGED", "etag", state=one.state, etag=one.number))
    return one


def _may(one: Redetermination, *states: RedeterminationState) -> None:
    if one.state not in states:
        raise Refused(reason("REDETERMINATION_MOVE_NOT_ALLOWED", "name", state=one.state, allowed=", ".join(states)))


async def _moved(tx: Tx, one: Redetermination, **changes: object) -> Redetermination:
    after = one._replace(number=one.number + 1, **changes)  # type: ignore[arg-type]  # fields by their names
    if not await redetermining.move(tx, one, after):
        raise Stale(reason("REDETERMINATION_CHANGED", "etag", state=one.state, etag=one.number))
    return after


# --- going on, chunk by chunk ----------------------------------------------------------------------------------------


async def go_on(office: Office, database: Database) -> int:
    """Some chunks of what is being planned or carried out; answers how many."""
    chunks = 0
    while chunks < _CHUNKS_MAX:
        one = await redetermining.open_one(database)
        if one is None or one.law_digest != office.law.digest or one.state is RedeterminationState.PLANNED:
            break
        await (_plan if one.state is RedeterminationState.PLANNING else _carry_out)(office, database, one)
        chunks += 1
    return chunks


async def _plan(office: Office, database: Database, one: Redetermination) -> None:
    """Look at the claims of the next persons; nothing is changed but the plan."""
    persons = await redetermining.persons_after(database, one.cursor.person, office.settings.timer_claims_max)
    async with database.transaction() as tx:
        if not persons:
            await _planned(office, tx, one)
            return
        known = await store.as_they_stand(tx, persons)
        items, sums = _found(known, await _on_file(tx, known), office.terms())
        chained = rules.redetermining.chained(one.plan_hash, items)
        after = one._replace(cursor=Place(persons[-1], _LAST), plan_hash=chained)
        if await redetermining.move(tx, one, after):
            await redetermining.add(tx, one.id, items, sums)
            tx.after_commit(lambda: _log.info("planned", persons=len(persons), claims=len(known), differ=len(items)))


async def _planned(office: Office, tx: Tx, one: Redetermination) -> None:
    """The plan is whole. Where nothing differs there is nothing to approve."""
    now, (planned, _) = office.clock.now(), await redetermining.progress(tx, one.id)
    state = RedeterminationState.PLANNED if planned else RedeterminationState.DONE
    after = one._replace(state=state, number=one.number + 1, planned_at=now, ended_at=None if planned else now)
    await redetermining.move(tx, one, after)


def _found(known: Sequence[Known], on_file: OnFile, terms: Terms) -> tuple[list[Item], list[Sum]]:
    """What the law in force makes of these claims, each after those of the same person before it."""
    items: list[Item] = []
    sums: dict[tuple[str, Finding], Sum] = {}
    for one in sorted(known, key=_place):
        if one.determination is None:  # it waits for her coverage, and will be decided under the law in force
            continue
        found = Finding.SAME
        county, up_fen, down_fen = one.claim.county, 0, 0
        if one.law_digest != terms.law.digest:
            item, made = _compared(one, one.determination, on_file, terms)
            found, up_fen, down_fen = item.difference.finding, item.difference.up_fen, item.difference.down_fen
            if found is not Finding.SAME:
                items.append(item)
            if made is not None and found in {Finding.UP, Finding.WAITED}:
                on_file.take(made)
        before = sums.get((county, found), Sum(county, found, 0, 0, 0))
        sums[county, found] = Sum(county, found, before.claims + 1, before.up_fen + up_fen, before.down_fen + down_fen)
    return items, list(sums.values())


def _place(one: Known) -> tuple[UUID, UUID]:
    return one.claim.person or _LAST, one.claim.id


def _compared(one: Known, before: Determination, on_file: OnFile, terms: Terms) -> tuple[Item, Change | None]:
    change, result = _decided(one, on_file, terms)
    difference = rules.redetermining.difference(before, result)
    place = Place(one.claim.person or _LAST, one.claim.id)
    digest = rules.redetermining.digest(result)
    return Item(place, one.determined_version, one.claim.county, difference, digest), change


def _decided(one: Known, on_file: OnFile, terms: Terms) -> Redecided:
    """The claim under the law in force, on the facts as known: the next in the sequence of its revision."""
    others = on_file.others(one.claim.person, one.claim)
    holds = [hold for standing in others for hold in standing.holds]
    taken = [each for standing in others for each in standing.taken]
    facts = one.facts._replace(decision_date=terms.today)
    try:
        facts = rules.with_history(facts, holds, taken, terms.law)
        result = rules.decide(facts, terms.law)
    except _UNDECIDED:
        return Redecided(None, Determination(State.ERROR, (), Figures()))
    pended = result.outcome is State.PENDED
    held = () if pended else rules.held_by(facts, result, holds)
    takes = () if pended else rules.taken_by(facts, result, terms.law)
    was_decided = one.determination is not None and one.determination.outcome is not State.PENDED
    claim = one.claim._replace(version=one.claim.version + 1, state=result.outcome, updated_at=terms.now)
    sequence = one.sequence + 1 if was_decided else one.sequence
    return Redecided(Change(claim, facts, result, sequence, held, takes, known_at=one.known_at), result)


# --- carrying out ----------------------------------------------------------------------------------------------------


async def _carry_out(office: Office, database: Database, one: Redetermination) -> None:
    """The next claims of the plan. One that a bug stops is told so and passed over."""
    items, at = await redetermining.next_items(database, one.id, one.cursor, office.settings.timer_claims_max), one
    if not items:
        async with database.transaction() as tx:
            state, now = RedeterminationState.DONE, office.clock.now()
            await redetermining.move(tx, one, one._replace(state=state, number=one.number + 1, ended_at=now))
        return

    async def apply(part: Sequence[Item]) -> int:
        nonlocal at
        after = at._replace(cursor=part[-1].place)
        async with database.transaction() as tx:
            if not await redetermining.move(tx, at, after):
                return 0  # somebody else was faster
            await _apply(office, tx, one.id, part)
        at = after
        return len(part)

    async def pass_over(item: Item) -> None:
        nonlocal at
        after = at._replace(cursor=item.place)
        async with database.transaction() as tx:
            if await redetermining.move(tx, at, after):
                await redetermining.done(tx, one.id, {item.place.claim: Result.FAILED}, office.clock.now())
        at = after

    await narrowed(apply, items, lambda item: item.place.claim, pass_over)


async def _apply(office: Office, tx: Tx, redetermination_id: UUID, items: Sequence[Item]) -> None:
    """Decide these claims from what stands now. What does not come to what was approved is asked of a person."""
    terms = office.terms()
    await store.lock_persons(tx, {item.place.person for item in items})
    known = {one.claim.id: one for one in await store.of_claims(tx, [item.place.claim for item in items])}
    on_file = await _on_file(tx, list(known.values()))
    changes: list[Change] = []
    asked: list[Review] = []
    results: dict[UUID, Result] = {}
    for item in items:
        one = known.get(item.place.claim)
        result, change = _carried_out(item, one, on_file, terms)
        results[item.place.claim] = result
        if change is not None:
            made = ordered(change, on_file.orders.get(change.claim.id, {}), terms)
            on_file.take(made)
            changes.append(made)
        elif result is Result.ASKED and one is not None:
            asked.append(queueing.ask_decided(one.claim, LAW_CHANGED, terms))
    await store.save_changes(tx, changes, terms.ground(terms.now))
    await queueing.queue(tx, [(change, codes_of(change)) for change in changes], terms)
    await reviews.open_reviews(tx, asked)
    for change in changes:
        say_later(tx, change, f"redeterminations/{redetermination_id}", terms)
    await redetermining.done(tx, redetermination_id, results, terms.now)
    tx.after_commit(lambda: count_paid(changes))
    tx.after_commit(lambda: _log.info("redetermined", claims=len(items), changed=len(changes), asked=len(asked)))


def _carried_out(item: Item, one: Known | None, on_file: OnFile, terms: Terms) -> tuple[Result, Change | None]:
    if one is None or one.determination is None or one.law_digest == terms.law.digest:
        return Result.SETTLED, None  # voided, waiting for something else, or decided under this law since
    now, change = _compared(one, one.determination, on_file, terms)
    if now.difference.finding is Finding.SAME:
        return Result.SETTLED, None
    as_planned = (now.determined_version, now.digest, now.place) == (item.determined_version, item.digest, item.place)
    if not as_planned or change is None or now.difference.finding not in {Finding.UP, Finding.WAITED}:
        return Result.ASKED, None
    if one.determination.outcome not in APPROVING and on_file.approves_denied(change.claim):
        return Result.ASKED, None  # who approves a plan for all claims has not looked at this one
    return Result.DECIDED, change


async def _on_file(tx: Tx, known: Sequence[Known]) -> OnFile:
    persons = {one.claim.person for one in known if one.claim.person}
    standing = await store.load_standing(tx, persons, with_taken=True)
    by_number = {(one.claim.source, one.claim.number): one.claim for one in known}
    orders = await store.load_orders(tx, [one.claim.id for one in known])
    denied = await reviews.denied_events(tx, persons)
    return OnFile(by_number, standing, orders, denied=denied)
