"""The answer for machines: one JSON object, with every sentence in both languages."""

from __future__ import annotations

from typing import Any

import orjson

from services.certification.issued import Issued, Verification
from services.kit.messages import Language, Reason


def document(found: Verification) -> bytes:
    return orjson.dumps(
        {
            "outcome": found.outcome.value,
            "checked_at": found.checked_at.isoformat(),
            "reasons": [_reason(one) for one in found.reasons],
            "certificate": None if found.issued is None else _certificate(found.issued),
        }
    )


def _reason(one: Reason) -> dict[str, str]:
    return {"code": one.code, **{language.value: one.text(language) for language in Language}}


def _certificate(issued: Issued) -> dict[str, Any]:
    return {
        "number": issued.number,
        "employer": issued.employer,
        "uscc": issued.uscc,
        "scheme": issued.scheme,
        "tier": issued.tier or None,
        "awarded_on": issued.awarded_on.isoformat(),
        "valid_to": issued.valid_to.isoformat(),
        "office": {language.value: issued.office.name(language) for language in Language},
    }
