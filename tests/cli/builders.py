"""Rows as a user would write them. The persons and the employer are made up."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stdnum.cn import ric, uscc

COUNTY = "610331"
EMPLOYER = "91610331MA6XCL101" + uscc.calc_check_digit("91610331MA6XCL101")


def id_number(serial: int) -> str:
    """A woman's, with a right check digit."""
    body = f"61033119930415{serial:02d}2"
    return body + str(ric.calc_check_digit(body + "0"))


def claim(number: str, serial: int, **changed: Any) -> dict[str, Any]:
    return {
        "claim_number": number,
        "person_id_number": id_number(serial),
        "employer_uscc": EMPLOYER,
        "county": COUNTY,
        "kind": "CLAIM_KIND_ALLOWANCE",
        "event": {
            "type": "EVENT_TYPE_DELIVERY",
            "date": {"year": 2026, "month": 9, "day": 10},
            "delivery_mode": "DELIVERY_MODE_VAGINAL",
            "infants": 1,
            "birth_order": 1,
        },
        "submit_time": "2026-11-20T09:30:00+08:00",
        **changed,
    }


def employer(**changed: Any) -> dict[str, Any]:
    wages = {"2024": 780_000, "2025": 800_000}
    return {
        "uscc": EMPLOYER,
        "name": "太白某机械有限公司",
        "county": COUNTY,
        "average_monthly_wage_fen": wages,
        **changed,
    }


def person(serial: int, **changed: Any) -> dict[str, Any]:
    return {
        "person_id_number": id_number(serial),
        "name": "某某",
        "category": "CATEGORY_EMPLOYEE",
        "employer_uscc": EMPLOYER,
        "paid_months": [{"first_month": 2024 * 12, "last_month": 2026 * 12 + 9}],
        **changed,
    }


def write_lines(path: Path, rows: Iterable[object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path
