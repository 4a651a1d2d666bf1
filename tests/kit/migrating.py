"""A database as it was before a migration, with what is in one of today."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import asyncpg

from services.kit.migrations import for_dbmate
from tests.kit.live import rows

SERVICES = Path(__file__).parents[2] / "services"


def migrated_before(dsn: str, service: str, version: str, folder: Path) -> None:
    """As that database was when the migration was not there."""
    folder.mkdir()
    for file in [*SERVICES.glob("kit/migrations/*.sql"), *SERVICES.glob(f"{service}/migrations/*.sql")]:
        if file.name < version:
            shutil.copy(file, folder)
    dbmate = str(Path(sysconfig.get_path("scripts")) / "dbmate")
    subprocess.run(  # our own command, no shell
        [dbmate, "--no-dump-schema", "--migrations-dir", str(folder), "up"],
        env={"DATABASE_URL": for_dbmate(dsn)},
        check=True,
        timeout=120,
    )


async def bring(old: str, new: str) -> None:
    """Every row of the newer database that the older has a table and columns for, as if it had been made there."""
    columns = """SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) AS columns
                 FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
                 WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND is_generated = 'NEVER'
                   AND table_name <> 'schema_migrations' GROUP BY table_name"""
    there = {one["table_name"]: one["columns"] for one in await rows(new, columns)}
    target = await asyncpg.connect(old)
    await target.execute("SET session_replication_role = replica")
    for one in await target.fetch(columns):
        both = [name for name in one["columns"] if name in there[one["table_name"]]]
        found = await rows(new, f"SELECT {', '.join(both)} FROM {one['table_name']}")
        await target.copy_records_to_table(one["table_name"], columns=both, records=found)
    await target.execute("SELECT setval(oid::regclass, 1000000) FROM pg_class WHERE relkind = 'S'")
    await target.close()
