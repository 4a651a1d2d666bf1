"""Taking in what sources send: read and look up, then decide, save and say so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from functools import partial

from cradle.registry.v1 import service_pb2 as registry_pb2

from services.claims import rules, store
from services.claims.model import FINAL, Claim, ClaimKind, Coverage, Institution, Received, Sent
from services.claims.store import NOBODY, Named, Number, Settled, erasing, reviews
from services.claims.usecases import appealing, queueing
from services.claims.usecases.batch import OnFile, Prepared
from services.claims.usecases.comparing import compare
from services.claims.usecases.office import Office
from services.claims.usecases.settling import settle
from services.claims.usecases.telling import count, say_so
from services.claims.wire import intake
from services.claims.wire import registry as asking
from services.claims.wire.registry import Visited
from services.kit.db import Tx
from services.kit.errors import Conflict
from services.kit.parking import Message
from services.kit.stream import read_each


async def prepare(office: Office, messages: Sequence[Message]) -> Prepared:
    """Read a batch and ask the registry about all of it in one call."""
    today, first_day = office.clock.today(), rules.first_day(office.law)
    bytes_max, digest = office.settings.message_bytes_max, office.sealer.digest
    received = tuple(await read_each(messages, lambda m: intake.read(m, today, first_day, bytes_max, digest)))
    asked = [r for r in received if r.submission is not None]
    if not asked:
        return Prepared(received, {}, office.clock.now())
    return await _looked_up(office, received, asked)


async def _looked_up(office: Office, received: tuple[Received, ...], asked: Sequence[Received]) -> Prepared:
    submissions = [r.submission for r in asked if r.submission]
    visited = sorted({one for submission in submissions for one in asking.visited(submission)})
    at_once, more = visited[: asking.PROVIDERS_MAX], visited[asking.PROVIDERS_MAX :]
    request = registry_pb2.BatchGetCoverageRequest(
        purpose="deciding claims", providers=asking.provider_queries(at_once)
    )
    for submission in submissions:
        asking.add_coverage_query(request, submission)
    answer = await office.registry.BatchGetCoverage(request, timeout=office.settings.grpc_deadline_s)
    coverage: dict[str, Coverage] = {r.position: asking.coverage(a) for r, a in zip(asked, answer.answers, strict=True)}
    institutions = dict(zip(at_once, map(asking.institution, answer.providers), strict=True))
    if more:
        institutions |= await _institutions(office, more)
    return Prepared(received, coverage, answer.known_at.ToDatetime(tzinfo=UTC), institutions)


async def _institutions(office: Office, visited: Sequence[Visited]) -> dict[Visited, Institution]:
    """Those beyond what one call takes: a batch of claims with very many costs."""
    found: dict[Visited, Institution] = {}
    for start in range(0, len(visited), asking.PROVIDERS_MAX):
        part = visited[start : start + asking.PROVIDERS_MAX]
        request = registry_pb2.BatchGetCoverageRequest(providers=asking.provider_queries(part))
        answer = await office.registry.BatchGetCoverage(request, timeout=office.settings.grpc_deadline_s)
        found |= zip(part, map(asking.institution, answer.providers), strict=True)
    return found


async def take_in(office: Office, tx: Tx, batch: Prepared) -> None:
    """Settle every record of the batch, save it and say so. Control totals are compared when all else is written."""
    on_file, terms = await _on_file(tx, batch), office.terms()
    settled = []
    for received in batch.received:
        if received.totals is None:
            settled.append(settle(received, batch, on_file, terms))
            if (change := settled[-1].change) is not None:
                on_file.take(change)
    await store.save_changes(tx, [s.change for s in settled if s.change], terms.ground(batch.known_at))
    await queueing.queue(tx, [(s.change, [r.code for r in s.reasons]) for s in settled if s.change], terms)
    if voided := [s.change.claim for s in settled if s.change and s.change.claim.state in FINAL]:
        await appealing.lapse(tx, voided, terms)
    await _save_submissions(office, tx, settled, batch, on_file)
    if totals := [r for r in batch.received if r.totals]:
        compared = await compare(tx, totals, terms)
        await _save_submissions(office, tx, compared, batch, on_file)
        settled += compared
    for one in settled:
        say_so(tx, one, terms)
    tx.after_commit(partial(count, settled))


async def _on_file(tx: Tx, batch: Prepared) -> OnFile:
    """What is on file about a batch, locked: the persons first, those of claims that will change among them.

    A husband is locked too: a change of his coverage is heard before the look-up, or when the claim is on file.
    """
    persons = {c.person for c in batch.coverage.values() if c.person}
    husbands = {c.husband for c in batch.coverage.values() if c.husband}
    submitted = {(r.source, r.submission.number) for r in batch.received if r.submission}
    changing = {
        (r.source, r.claim_number) for r in batch.received if r.void or (r.submission and r.sent is Sent.REPLACE)
    }
    if changing:
        persons |= await store.persons_of(tx, changing)
    await store.lock_persons(tx, persons | husbands)
    employers = {c.insured_by for c in batch.coverage.values() if c.insured_by}
    if await store.changed_since(tx, persons | husbands, employers, batch.known_at):
        raise Conflict("coverage changed since it was looked up")
    claims = await store.load_claims(tx, submitted | changing)
    if any(claim.person and claim.person not in persons for claim in _of(claims, changing)):
        raise Conflict("a claim went to another person while its own was locked")
    medical = any(r.submission and r.submission.kind is not ClaimKind.ALLOWANCE for r in batch.received)
    standing = await store.load_standing(tx, persons, with_taken=medical or bool(changing))
    orders = await store.load_orders(tx, {claim.id for claim in claims.values()}) if claims else {}
    denied = await reviews.denied_events(tx, persons)
    return OnFile(claims, standing, orders, await erasing.erased(tx, persons | husbands), denied)


def _of(claims: dict[Number, Claim], numbers: set[Number]) -> list[Claim]:
    return [claims[number] for number in numbers if number in claims]


async def _save_submissions(
    office: Office, tx: Tx, settled: Sequence[Settled], batch: Prepared, on_file: OnFile
) -> None:
    """Keep what came, sealed; of whom was erased only that it came."""
    named = [_named(one, batch, on_file) for one in settled]
    kept = (
        [on_file.erased.isdisjoint((who.person, who.husband)) for who in named]
        if on_file.erased
        else [True] * len(named)
    )
    sealed = [
        office.sealer.seal(s.received.value, s.received.position.encode()) if keep else None
        for s, keep in zip(settled, kept, strict=True)
    ]
    await store.save_submissions(tx, settled, named, sealed)
    if not all(kept):
        await erasing.take_keys(
            tx,
            [(s.received.source, s.received.claim_number) for s, keep in zip(settled, kept, strict=True) if not keep],
        )


def _named(settled: Settled, batch: Prepared, on_file: OnFile) -> Named:
    """A claim of which a later record of the batch makes another person's does not lead to whom this one names."""
    claim, coverage = settled.claim, batch.coverage.get(settled.received.position)
    last = on_file.claims.get((claim.source, claim.number), claim) if claim else None
    by = coverage or claim
    if by is None:
        return NOBODY
    is_apart = last is None or (by.person, by.husband) != (last.person, last.husband)
    return Named(by.person, by.husband, is_apart)
