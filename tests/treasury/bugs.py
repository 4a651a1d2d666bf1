"""Bugs of ours, as far as a database can have them: to write a certain row fails, and waiting does not help."""

from __future__ import annotations

from services.kit.db import Database


async def plant(database: Database, table: str, when: str) -> None:
    """`when` is a condition on NEW."""
    async with database.transaction() as tx:
        await tx.execute(
            f"""CREATE OR REPLACE FUNCTION bug_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN IF {when} THEN RAISE EXCEPTION 'a planted bug'; END IF; RETURN NEW; END $$"""
        )
        await tx.execute(
            f"""CREATE OR REPLACE TRIGGER bug BEFORE INSERT OR UPDATE ON {table}
                FOR EACH ROW EXECUTE FUNCTION bug_of_{table}()"""
        )


async def mend(database: Database, table: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(f"DROP TRIGGER bug ON {table}")
