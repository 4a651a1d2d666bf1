"""Employers and institutions on file: locked, read, and written with what is known of them now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.kit.db import Database, Tx
from services.registry.model import Contract, Level

Years = tuple[tuple[int, int], ...]


class EmployerOnFile(NamedTuple):
    """An employer as it stands; `version` 0 is one that was made just now."""

    id: UUID
    name: str
    county: str
    version: int
    recorded_at: datetime | None
    wages: Years
    bases: Years
    closed_on: date | None = None


class EmployerRow(NamedTuple):
    id: UUID
    name: str
    county: str
    version: int


class WageRow(NamedTuple):
    id: UUID
    at: datetime
    wages: Years
    bases: Years


class ProviderOnFile(NamedTuple):
    id: UUID
    name: str
    county: str
    sealed_account: bytes | None
    recorded_at: datetime | None
    contracts: tuple[Contract, ...]


class ProviderRow(NamedTuple):
    id: UUID
    name: str
    county: str
    sealed_account: bytes | None


class LevelRow(NamedTuple):
    id: UUID
    at: datetime
    contracts: tuple[Contract, ...]


_EMPLOYERS: Final = """
SELECT employer.id, employer.uscc, employer.name, employer.county, employer.version,
       GREATEST(known.recorded_at, closing.recorded_at) AS recorded_at, closing.closed_on,
       known.years, known.monthly_fen, known.base_years, known.base_fen
FROM employer
LEFT JOIN LATERAL (
    SELECT * FROM employer_wage WHERE employer_wage.employer_id = employer.id
    ORDER BY employer_wage.recorded_at DESC LIMIT 1
) AS known ON true
LEFT JOIN LATERAL (
    SELECT * FROM employer_closing WHERE employer_closing.employer_id = employer.id
    ORDER BY employer_closing.recorded_at DESC LIMIT 1
) AS closing ON true
WHERE employer.uscc = ANY($1)
"""

_PROVIDERS: Final = """
SELECT provider.id, provider.code, provider.name, provider.county, provider.sealed_account,
       known.recorded_at, known.first_days, known.last_days, known.levels
FROM provider
LEFT JOIN LATERAL (
    SELECT * FROM provider_level WHERE provider_level.provider_id = provider.id
    ORDER BY provider_level.recorded_at DESC LIMIT 1
) AS known ON true
WHERE provider.code = ANY($1)
"""


async def lock_employers(tx: Tx, given: Sequence[tuple[UUID, str]]) -> dict[str, EmployerOnFile]:
    """Lock employers, given as (new id, code) in order of the code, making those that are not there."""
    ids, usccs = [employer for employer, _ in given], [uscc for _, uscc in given]
    await tx.fetch(
        """INSERT INTO employer (id, uscc, name, county)
           SELECT id, uscc, '', '' FROM unnest($1::uuid[], $2::text[]) AS given (id, uscc)
           ON CONFLICT (uscc) DO NOTHING""",
        ids,
        usccs,
    )
    await tx.fetch("SELECT 1 FROM employer WHERE uscc = ANY($1) ORDER BY uscc FOR NO KEY UPDATE", usccs)
    return {
        row["uscc"]: EmployerOnFile(
            row["id"],
            row["name"],
            row["county"],
            row["version"],
            row["recorded_at"],
            tuple(zip(row["years"] or (), row["monthly_fen"] or (), strict=True)),
            tuple(zip(row["base_years"] or (), row["base_fen"] or (), strict=True)),
            row["closed_on"],
        )
        for row in await tx.fetch(_EMPLOYERS, usccs)
    }


async def employers_of(tx: Tx | Database, usccs: Sequence[str]) -> dict[str, UUID]:
    rows = await tx.fetch("SELECT uscc, id FROM employer WHERE uscc = ANY($1)", usccs)
    return {row["uscc"]: row["id"] for row in rows}


async def save_employers(tx: Tx, changed: Sequence[EmployerRow], wages: Sequence[WageRow]) -> None:
    ids, names, counties, versions = [list(column) for column in zip(*changed, strict=True)] or [[], [], [], []]
    await tx.execute(
        """UPDATE employer SET name = given.name, county = given.county, version = given.version
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) AS given (id, name, county, version)
           WHERE employer.id = given.id""",
        ids,
        names,
        counties,
        versions,
    )
    await tx.copy(
        "employer_wage",
        ("employer_id", "recorded_at", "years", "monthly_fen", "base_years", "base_fen"),
        [
            (
                row.id,
                row.at,
                [year for year, _ in row.wages],
                [fen for _, fen in row.wages],
                [year for year, _ in row.bases],
                [fen for _, fen in row.bases],
            )
            for row in wages
        ],
    )


async def lock_providers(tx: Tx, given: Sequence[tuple[UUID, str]]) -> dict[str, ProviderOnFile]:
    """Lock institutions, given as (new id, code) in order of the code, making those that are not there."""
    ids, codes = [provider for provider, _ in given], [code for _, code in given]
    await tx.fetch(
        """INSERT INTO provider (id, code, name, county)
           SELECT id, code, '', '' FROM unnest($1::uuid[], $2::text[]) AS given (id, code)
           ON CONFLICT (code) DO NOTHING""",
        ids,
        codes,
    )
    await tx.fetch("SELECT 1 FROM provider WHERE code = ANY($1) ORDER BY code FOR NO KEY UPDATE", codes)
    return {
        row["code"]: ProviderOnFile(
            row["id"],
            row["name"],
            row["county"],
            row["sealed_account"],
            row["recorded_at"],
            tuple(
                Contract(first, last, Level(level))
                for first, last, level in zip(
                    row["first_days"] or (), row["last_days"] or (), row["levels"] or (), strict=True
                )
            ),
        )
        for row in await tx.fetch(_PROVIDERS, codes)
    }


async def save_providers(tx: Tx, changed: Sequence[ProviderRow], levels: Sequence[LevelRow]) -> None:
    ids, names, counties, accounts = [list(column) for column in zip(*changed, strict=True)] or [[], [], [], []]
    await tx.execute(
        """UPDATE provider SET name = given.name, county = given.county, sealed_account = given.account
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) AS given (id, name, county, account)
           WHERE provider.id = given.id""",
        ids,
        names,
        counties,
        accounts,
    )
    await tx.copy(
        "provider_level",
        ("provider_id", "recorded_at", "first_days", "last_days", "levels"),
        [
            (
                row.id,
                row.at,
                [contract.first_day for contract in row.contracts],
                [contract.last_day for contract in row.contracts],
                [contract.level for contract in row.contracts],
            )
            for row in levels
        ],
    )
