"""Breaks: read, proposed about, ended; every step is kept. Their rows are locked before orders and payments."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import orjson

from services.kit.db import Database, Tx
from services.kit.messages import reason
from services.treasury.model.breaks import OUR_FAULTS, Break, BreakKind, BreakStep, Finding, Proposal, Way

_COLUMNS: Final = ", ".join(Break._fields)
SYSTEM: Final = "treasury"


class Wanted(NamedTuple):
    """Which breaks are asked for; empty is any, no counties are everywhere."""

    is_open: bool
    kind: str
    account: str
    counties: Sequence[str] | None


async def list_breaks(database: Database, wanted: Wanted, after: int | None, limit: int) -> list[Break]:
    """Oldest first. Who is bound to counties sees those about their payments."""
    rows = await database.fetch(
        f"""SELECT {_COLUMNS} FROM unmatched
            WHERE {"is_open" if wanted.is_open else "NOT is_open"} AND ($1 = '' OR kind = $1)
              AND ($2 = '' OR account = $2)
              AND ($3::text[] IS NULL OR payment_id IN (SELECT p.id FROM payment AS p WHERE p.county = ANY($3)))
              AND ($4::bigint IS NULL OR id > $4)
            ORDER BY id LIMIT $5""",
        *wanted[1:],
        after,
        limit,
    )
    return [_break_of(row) for row in rows]


async def open_breaks(source: Database | Tx, accounts: Collection[str] | None = None) -> dict[str, int]:
    """How many breaks are open, by our account; those that name none are under no name."""
    rows = await source.fetch(
        """SELECT account, count(*) AS count FROM unmatched
           WHERE is_open AND ($1::text[] IS NULL OR account = ANY($1)) GROUP BY account""",
        None if accounts is None else list(accounts),
    )
    return {row["account"]: row["count"] for row in rows}


async def oldest_open(database: Database) -> datetime | None:
    rows = await database.fetch("SELECT min(received_at) AS at FROM unmatched WHERE is_open")
    found: datetime | None = rows[0]["at"]
    return found


async def by_ids(source: Database | Tx, ids: Collection[int], counties: Sequence[str] | None = None) -> list[Break]:
    rows = await source.fetch(
        f"""SELECT {_COLUMNS} FROM unmatched
            WHERE id = ANY($1)
              AND ($2::text[] IS NULL OR payment_id IN (SELECT p.id FROM payment AS p WHERE p.county = ANY($2)))
            ORDER BY id""",
        list(ids),
        counties,
    )
    return [_break_of(row) for row in rows]


async def lock(tx: Tx, ids: Collection[int]) -> list[Break]:
    """These, in order of id."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM unmatched WHERE id = ANY($1) ORDER BY id FOR UPDATE", list(ids))
    return [_break_of(row) for row in rows]


async def steps(database: Database | Tx, break_id: int) -> list[BreakStep]:
    rows = await database.fetch(
        "SELECT number, step, way, why, note, actor, at FROM unmatched_step WHERE break_id = $1 ORDER BY number",
        break_id,
    )
    return [BreakStep(*row) for row in rows]


class Step(NamedTuple):
    step: str
    actor: str
    at: datetime


async def propose(tx: Tx, breaks: Sequence[Break], proposal: Proposal, step: Step) -> None:
    """How these end, all together; the first is the one that was asked about."""
    ids = [one.id for one in breaks]
    await tx.execute(
        """UPDATE unmatched AS u
           SET number = number + 1, way = $2, why = $3, note = $4, ends_payment = $5, proposed_by = $6,
               proposed_at = $7, ends_with = array_remove($1::bigint[], u.id)
           WHERE id = ANY($1)""",
        ids,
        proposal.way,
        proposal.why,
        proposal.note,
        proposal.payment_id,
        step.actor,
        step.at,
    )
    await _keep(tx, breaks, _said(proposal), step)


async def withdraw(tx: Tx, breaks: Sequence[Break], proposal: Proposal, step: Step) -> None:
    await tx.execute(
        """UPDATE unmatched SET number = number + 1, way = NULL, why = '', note = '', ends_payment = NULL,
               proposed_by = NULL, proposed_at = NULL, ends_with = '{}'
           WHERE id = ANY($1)""",
        [one.id for one in breaks],
    )
    await _keep(tx, breaks, _said(proposal), step)


async def note(tx: Tx, one: Break, awaited: str, text: str, step: Step) -> None:
    await tx.execute("UPDATE unmatched SET number = number + 1 WHERE id = $1", one.id)
    await _keep(tx, [one], ("", awaited, text), step)


class Counter(NamedTuple):
    """What the ledger has for a break that ended as a payment."""

    break_id: int
    account: str
    amount_fen: int
    on: date | None


async def end(tx: Tx, breaks: Sequence[Break], proposal: Proposal, step: Step, counter: Counter | None) -> None:
    await tx.execute(
        "UPDATE unmatched SET number = number + 1, is_open = false, ended_by = $2, ended_at = $3 WHERE id = ANY($1)",
        [one.id for one in breaks],
        step.actor,
        step.at,
    )
    if counter:
        await tx.execute(
            "UPDATE unmatched SET counter_account = $2, counter_fen = $3, counter_on = $4 WHERE id = $1", *counter
        )
    await _keep(tx, breaks, _said(proposal), step)


def _said(proposal: Proposal) -> tuple[str, str, str]:
    return proposal.way, proposal.why, proposal.note


async def _keep(tx: Tx, breaks: Sequence[Break], said: tuple[str, str, str], step: Step) -> None:
    await tx.execute(
        """INSERT INTO unmatched_step (break_id, number, step, way, why, note, actor, at)
           SELECT u.id, (SELECT count(*) FROM unmatched_step AS s WHERE s.break_id = u.id) + 1, $2, $3, $4, $5, $6, $7
           FROM unmatched AS u WHERE u.id = ANY($1)""",
        [one.id for one in breaks],
        step.step,
        *said,
        step.actor,
        step.at,
    )


# --- computed ones ----------------------------------------------------------------------------------------------------


async def find(tx: Tx, findings: Sequence[Finding], now: datetime) -> None:
    """Each once, by its key; one that had healed and is there again is open again."""
    if not findings:
        return
    rows = [
        (
            hashlib.sha256(one.key.encode()).digest(),
            *one[1:14],
            orjson.dumps([(one.reason.code, one.reason.field, one.reason.values)]).decode(),
        )
        for one in findings
    ]
    await tx.execute(
        """WITH found AS (
               INSERT INTO unmatched (key, kind, source, file_name, payment_id, order_id, end_to_end_id, account,
                                      value_on, amount_fen, is_credit, effect_fen, counter_fen, counter_on, reasons,
                                      counter_account, received_at)
               SELECT mine.*, CASE WHEN mine.counter_fen = 0 THEN '' ELSE mine.account END, $16
               FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::text[],
                           $8::text[], $9::date[], $10::bigint[], $11::boolean[], $12::bigint[], $13::bigint[],
                           $14::date[], $15::text[])
                    AS mine (key, kind, source, file_name, payment_id, order_id, end_to_end_id, account, value_on,
                             amount_fen, is_credit, effect_fen, counter_fen, counter_on, reasons)
               ON CONFLICT (key) DO UPDATE SET is_open = true, way = NULL, number = unmatched.number + 1
               WHERE unmatched.way = 'HEALED' AND NOT unmatched.is_open
               RETURNING id, number)
           INSERT INTO unmatched_step (break_id, number, step, way, why, note, actor, at)
           SELECT id, (SELECT count(*) FROM unmatched_step AS s WHERE s.break_id = found.id) + 1, 'OPENED', '', '', '',
                  $17, $16
           FROM found WHERE number > 1""",
        *map(list, zip(*rows, strict=True)),
        now,
        SYSTEM,
    )


async def heal_balances(tx: Tx, since: date, keys: Collection[str], unseen: Collection[str], now: datetime) -> None:
    """Statements that add up now; of those since a day, which were looked at with what was before them. `unseen` are
    accounts that were not looked at.
    """
    digests = [hashlib.sha256(one.encode()).digest() for one in keys]
    which = "is_open AND kind = 'BALANCE' AND value_on >= $1 AND NOT key = ANY($2) AND NOT account = ANY($3)"
    await _heal(tx, which, (since, digests, list(unseen)), now)


async def heal_missing(tx: Tx, now: datetime) -> None:
    """What a statement has by now, explained before or not, or about to be; and what was accepted and has ended. What
    has ended as not made by the bank's word has moved its payment, and stays so.
    """
    await _heal(
        tx,
        """kind = $1 AND (is_open OR way <> ALL($2)) AND EXISTS (
               SELECT FROM payment AS p WHERE p.id = unmatched.payment_id
               AND CASE WHEN unmatched.is_credit AND unmatched.effect_fen > 0
                        THEN p.state NOT IN ('SENT', 'ACCEPTED', 'UNKNOWN')
                        WHEN unmatched.is_credit THEN p.return_statement IS NOT NULL
                        WHEN unmatched.effect_fen <> 0 THEN p.debit_statement IS NOT NULL
                        ELSE p.debit_statement IS NOT NULL
                             OR (unmatched.is_open AND p.state NOT IN ('SENT', 'ACCEPTED', 'UNKNOWN')) END)""",
        (BreakKind.MISSING, [Way.HEALED, Way.NOT_PAID]),
        now,
    )


async def heal_answers(tx: Tx, now: datetime) -> None:
    """Answers that were in doubt about payments that statements have as paid."""
    await _heal(
        tx,
        """is_open AND source = 'ANSWER' AND reasons::jsonb -> 0 ->> 0 = ANY($1) AND payment_id IN (
               SELECT p.id FROM payment AS p WHERE p.id = unmatched.payment_id AND p.state = $2)""",
        (["ANSWER_DUPLICATE", "ANSWER_UNCLEAR", "ANSWER_CONTRADICTS"], "RECONCILED"),
        now,
    )


async def heal(tx: Tx, ids: Collection[int], now: datetime) -> None:
    """What has become a payment's after all: the payment was not known when it was heard, and is now."""
    await _heal(tx, "is_open AND id = ANY($1) AND source = ANY($2)", (list(ids), ["ENTRY", "RETURN", "ANSWER"]), now)


async def heal_worked(tx: Tx, keys: Collection[bytes], now: datetime) -> None:
    """Messages that a bug of ours was about, and that are worked by now."""
    await _heal(tx, "is_open AND key = ANY($1) AND reasons::jsonb -> 0 ->> 0 = ANY($2)", (list(keys), OUR_FAULTS), now)


async def retried(tx: Tx, one: Break, step: Step) -> None:
    await tx.execute("UPDATE unmatched SET number = number + 1 WHERE id = $1", one.id)
    await _keep(tx, [one], ("", "", ""), step)


async def repaid(tx: Tx, break_id: int, step: Step) -> None:
    """A credit that is a payee's repayment: recovery has it, by its own rules and persons."""
    ended = await lock(tx, [break_id])
    await tx.execute(
        """UPDATE unmatched SET number = number + 1, is_open = false, way = 'REPAID', ended_by = $2, ended_at = $3
           WHERE id = $1 AND is_open""",
        break_id,
        step.actor,
        step.at,
    )
    await _keep(tx, [one for one in ended if one.is_open], (Way.REPAID, "", ""), step)


async def _heal(tx: Tx, which: str, arguments: Sequence[object], now: datetime) -> None:
    at, actor = f"${len(arguments) + 1}", f"${len(arguments) + 2}"
    await tx.execute(
        f"""WITH healed AS (
                UPDATE unmatched SET is_open = false, way = 'HEALED', number = number + 1, ended_at = {at}, why = '',
                       note = '', ends_with = '{{}}', ends_payment = NULL, proposed_by = NULL, proposed_at = NULL
                WHERE {which} RETURNING id)
            INSERT INTO unmatched_step (break_id, number, step, way, why, note, actor, at)
            SELECT id, (SELECT count(*) FROM unmatched_step AS s WHERE s.break_id = healed.id) + 1, 'HEALED', 'HEALED',
                   '', '', {actor}, {at}
            FROM healed""",
        *arguments,
        now,
        SYSTEM,
    )


def _break_of(row: Mapping[str, Any]) -> Break:
    found = {
        **row,
        "kind": BreakKind(row["kind"]),
        "reasons": tuple(reason(code, field, **dict(values)) for code, field, values in orjson.loads(row["reasons"])),
        "way": Way(row["way"]) if row["way"] else None,
        "ends_with": tuple(row["ends_with"]),
    }
    return Break(*(found[name] for name in Break._fields))
