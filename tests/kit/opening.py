"""Everything that a database shows to whoever holds its keys: what is in the clear, and what they open."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import asyncpg

from deploy.local.stack import Stack
from services.claims.model.review import note_context
from services.kit.outbox import opened
from services.kit.seal import Sealer
from tests.kit.live import sealer_of

Row = Mapping[str, Any]

# What every sealed column was sealed for. One that is not here fails: nobody would know that it still opens.
PLACES: Final[Mapping[str, Callable[[Row], bytes]]] = {
    "submission.sealed": lambda row: row["position"].encode(),
    "review_entry.note_sealed": lambda row: note_context(row["review_id"], row["number"]),
    "platform_settlement.sealed_key": lambda row: f"platform/{row['source']}/{row['number']}".encode(),
    "parked.sealed": lambda row: f"{row['topic']}/{row['partition']}/{row['record_offset']}".encode(),
    "payment.account_sealed": lambda row: f"payment/{row['id']}/account".encode(),
    "statement_entry.detail_sealed": lambda row: b"statement_entry/" + row["key"],
    "refusal.sealed": lambda row: f"refusal/{row['position']}".encode(),
    "person.sealed": lambda row: row["id"].bytes,
    "payee_account.sealed": lambda row: f"payee/{row['kind']}/{row['reference']}".encode(),
    "provider.sealed_account": lambda row: f"provider/{row['code']}".encode(),
    "evidence.sealed_name": lambda row: row["id"].bytes,
    "objection.sealed_lead": lambda row: f"objection/{row['id']}".encode(),
}
_NEVER_WRITTEN: Final = {"unmatched.detail_sealed"}


async def readable(stack: Stack, dsn: str) -> str:
    """Every row of every table, bytes in hexadecimal, and below it all that opens."""
    master, connection = sealer_of(stack), await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
        rows = {name: await connection.fetch(f'SELECT *, t::text AS shown FROM "{name}" AS t') for (name,) in tables}
    finally:
        await connection.close()
    assert len(rows) >= 5
    keys = {
        row["person_id"]: master.unwrap(row["wrapped"], row["person_id"].bytes) for row in rows.get("person_key", ())
    }
    found = []
    for table, held in rows.items():
        for row in held:
            found.append(row["shown"])
            found += [plain.decode("utf-8", "replace") for plain in _opened(table, row, master, keys)]
    return "\n".join(found)


def _opened(table: str, row: Row, master: Sealer, keys: Mapping[Any, Sealer]) -> list[bytes]:
    if table == "outbox":
        return [opened(row, master)[part] for part in ("key", "payload")]
    found = []
    for column, value in row.items():
        place = f"{table}.{column}"
        if "sealed" not in column or not isinstance(value, bytes) or place in _NEVER_WRITTEN:
            continue
        hers = keys.get(row["id"] if table == "person" else row.get("reference"), master)
        if (plain := hers.opened(value, PLACES[place](row))) is not None:
            found.append(plain)
    return found


def traces(*words: str) -> re.Pattern[str]:
    """These words as they are, and as their bytes in hexadecimal."""
    return re.compile("|".join(re.escape(one) for word in words for one in (word, word.encode().hex())))
