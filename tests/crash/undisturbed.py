"""What an undisturbed run gives: the same records in the log's order, by the same stream, into a fresh database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cradle.registry.v1.service_pb2_grpc import RegistryServiceStub

from deploy.local.stack import Stack
from services.claims import rules, streams
from services.claims.usecases import Office
from services.kit import db, rpc
from services.kit.clock import Clock
from services.kit.db import Database
from services.kit.parking import Message
from services.kit.seal import Sealer
from services.kit.settings import Settings
from tests.kit.live import new_database

_PER_BATCH = 500
Since = tuple[Sequence[str], Sequence[int]]  # topic and partition, as a position begins, and the first offset


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record, without the ids that differ from run to run."""

    status: str
    reasons: tuple[str, ...]
    number: str
    revision: int
    content_hash: bytes
    decision: tuple[int, str, str, str, str, str] | None  # version, outcome, law, rules, facts, result


async def decide(stack: Stack, records: Sequence[Any], today: date) -> dict[str, Outcome]:
    """Take all the records in, with the registry's answers of now."""
    dsn = new_database(stack, "claims")
    settings = _settings(stack, today)
    sealer = Sealer.from_base64(settings.sealing_key.get_secret_value())
    async with db.connect(dsn) as database, rpc.channel(settings.registry_target, stack.operator) as channel:
        stream = streams.intake(Office(settings, Clock(today), rules.LAW, sealer, RegistryServiceStub(channel)))
        for start in range(0, len(records), _PER_BATCH):
            part = records[start : start + _PER_BATCH]
            messages = [Message(r.topic, r.partition, r.offset, r.key, r.value or b"", r.timestamp) for r in part]
            prepared = await stream.prepare(messages)
            async with database.transaction() as tx:
                await stream.apply(tx, prepared)
        return {position: found[0] for position, found in (await outcomes(database)).items()}


# A whole run keeps one database: what earlier tests left in it is not read again.
OURS = """(SELECT submission.* FROM submission JOIN unnest($1::text[], $2::bigint[]) AS since (place, first)
    ON regexp_replace(position, '/[0-9]+$', '') = place AND substring(position FROM '[0-9]+$')::bigint >= first)"""


async def outcomes(database: Database, since: Since | None = None) -> dict[str, list[Outcome]]:
    """What became of every record, by position; a determination belongs to the submission that was accepted."""
    found: dict[str, list[Outcome]] = {}
    rows = await database.fetch(
        f"""SELECT position, status, reasons, claim_number, submission.revision, content_hash,
                  version, outcome, law_digest, rules_revision, facts, result
           FROM {"submission" if since is None else OURS} AS submission
           LEFT JOIN determination ON status IN ('DETERMINED', 'PENDED')
                AND determination.claim_id = submission.claim_id AND determination.revision = submission.revision
                AND determination.sequence = 1
           ORDER BY submission.id""",
        *(since or ()),
    )
    for row in rows:
        decision = (
            row["version"],
            row["outcome"],
            row["law_digest"],
            row["rules_revision"],
            row["facts"],
            row["result"],
        )
        found.setdefault(row["position"], []).append(
            Outcome(
                row["status"],
                tuple(row["reasons"]),
                row["claim_number"],
                row["revision"],
                row["content_hash"],
                decision if row["version"] else None,
            )
        )
    return found


def _settings(stack: Stack, today: date) -> Settings:
    given = stack.environment
    return Settings.model_validate(
        {
            "KAFKA_BOOTSTRAP_SERVERS": given["KAFKA_BOOTSTRAP_SERVERS"],
            "DATABASE_URL": given["DATABASE_URL"],
            "environment": "local",
            "today": today,
            "sealing_key": given["CRADLE_SEALING_KEY"],
            "blind_index_key": given["CRADLE_BLIND_INDEX_KEY"],
            "registry_target": given["CRADLE_REGISTRY_TARGET"],
        }
    )
