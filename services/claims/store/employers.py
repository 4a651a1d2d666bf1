"""What claims knows of the allowances of employers' women, summed: no row of anybody leaves this statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from services.claims.model.employer import EmployerFacts
from services.kit.db import Database

# A claim counts as its latest determination says; one that was decided again while the law changed, too. What it came
# to lies in the row as canonical JSON. A leave is no longer than its claim's event lies before its end, so claims of
# events long before the period are left out by the index.
FACTS: Final = """
WITH mine AS (
    SELECT claim.employer, claim.person, claim.state, claim.event_date,
           last.facts::jsonb #>> '{event,type}' AS event_type,
           last.facts::jsonb #>> '{insured,category}' AS category,
           last.result::jsonb -> 'figures' AS figures
    FROM claim
    LEFT JOIN LATERAL (
        SELECT facts, result FROM determination WHERE determination.claim_id = claim.id
        ORDER BY determination.version DESC LIMIT 1
    ) AS last ON true
    WHERE claim.employer = ANY($1) AND claim.kind = 'ALLOWANCE' AND claim.employer <> ''
      AND claim.state IN ('APPROVED', 'PARTIALLY_APPROVED', 'DENIED', 'PENDED')
      AND claim.event_date BETWEEN $2::date - $4::int AND $3
), told AS (
    SELECT mine.*, state IN ('APPROVED', 'PARTIALLY_APPROVED') AS is_approved, event_date >= $2 AS is_of_period,
           state IN ('APPROVED', 'PARTIALLY_APPROVED')
               AND COALESCE((figures ->> 'leave_end')::date BETWEEN $2 AND $3, false) AS has_ended,
           category = 'UNINSURED_EMPLOYEE' AS is_uninsured
    FROM mine
)
SELECT employer,
       count(*) FILTER (WHERE is_of_period) AS claims,
       count(*) FILTER (WHERE is_of_period AND is_approved) AS approved,
       count(*) FILTER (WHERE is_of_period AND state = 'DENIED') AS denied,
       count(*) FILTER (WHERE is_of_period AND state = 'PENDED') AS pending,
       count(*) FILTER (WHERE is_of_period AND is_uninsured) AS uninsured,
       sum((figures ->> 'employer_liability_fen')::bigint) FILTER (WHERE is_of_period AND is_uninsured)
           AS employer_liability_fen,
       count(*) FILTER (WHERE has_ended) AS leaves_ended,
       count(*) FILTER (WHERE has_ended AND event_type = 'DELIVERY') AS maternity_leaves_ended,
       count(DISTINCT person) FILTER (WHERE has_ended) AS women,
       sum((figures ->> 'leave_days')::bigint) FILTER (WHERE has_ended) AS days_entitled,
       sum((figures ->> 'fund_days')::bigint) FILTER (WHERE has_ended) AS fund_days,
       sum((figures ->> 'allowance_fen')::bigint) FILTER (WHERE has_ended) AS allowance_fen,
       count(*) FILTER (WHERE has_ended AND figures ->> 'payee' = 'EMPLOYER') AS paid_to_employer,
       sum((figures ->> 'allowance_fen')::bigint) FILTER (WHERE has_ended AND figures ->> 'payee' = 'EMPLOYER')
           AS paid_to_employer_fen,
       count(*) FILTER (WHERE has_ended AND (figures ->> 'employer_topup_fen')::bigint > 0) AS below_pay,
       sum((figures ->> 'employer_topup_fen')::bigint) FILTER (WHERE has_ended) AS topup_fen,
       -- A figure that is not known is there, and is null.
       count(*) FILTER (WHERE has_ended AND figures -> 'employer_topup_fen' = 'null'::jsonb) AS pay_unknown,
       sum((figures ->> 'employer_leave_fen')::bigint) FILTER (WHERE has_ended) AS employer_leave_fen
FROM told GROUP BY employer
"""

_LONGEST_LEAVE_DAYS: Final = 366


async def facts_of(
    database: Database, employers: Sequence[UUID], first_day: date, last_day: date
) -> dict[UUID, EmployerFacts]:
    """The facts of each employer of whom anything is on file."""
    rows = await database.fetch(FACTS, list(map(str, employers)), first_day, last_day, _LONGEST_LEAVE_DAYS)
    names = EmployerFacts._fields
    return {UUID(row["employer"]): EmployerFacts(*[int(row[name] or 0) for name in names]) for row in rows}
