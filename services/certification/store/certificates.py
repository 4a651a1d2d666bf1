"""Certificates, by number."""

from __future__ import annotations

from datetime import date

from services.certification.model import Filed
from services.kit.db import Tx


async def next_serial(tx: Tx) -> int:
    rows = await tx.fetch("SELECT nextval(pg_get_serial_sequence('certificate', 'serial')) AS serial")
    return int(rows[0]["serial"])


async def create(tx: Tx, filed: Filed, awarded_on: date) -> None:
    await tx.execute(
        """INSERT INTO certificate (number, serial, employer, uscc, employer_name, county, application_id,
                                    scheme_digest, awarded_on)
           OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        filed.certificate,
        int(filed.certificate.rsplit("-", 1)[1]),
        filed.employer,
        filed.uscc,
        filed.employer_name,
        filed.county,
        filed.id,
        filed.scheme_digest,
        awarded_on,
    )
