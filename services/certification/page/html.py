"""The page for people. It needs no script and loads nothing; every value is escaped where it is put in."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from services.certification.issued import Issued, Verification
from services.kit.dates import SHANGHAI
from services.kit.messages import Language, text

_HERE: Final = Path(__file__).parent
_STYLE: Final = (_HERE / "page.css").read_text("utf-8")
_PAGE: Final = Template((_HERE / "page.html").read_text("utf-8"))
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = (
    ("content-type", "text/html; charset=utf-8"),
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
)


def page(
    found: Verification | None, language: Language, *, number: str = "", code: str = "", credential: str = ""
) -> str:
    """What was found, or without it the question alone. All else is what was asked, kept for the reader."""
    other = Language.EN if language is Language.ZH else Language.ZH
    return _PAGE.substitute(
        language=language.value,
        title=_word("VERIFY_TITLE", language),
        style=_STYLE,
        found="" if found is None else _found(found, language),
        hint=_word("VERIFY_HINT", language),
        number_label=_word("CERTIFICATE_NUMBER", language),
        number=escape(number),
        credential_label=_word("VERIFY_CREDENTIAL", language),
        credential=escape(credential),
        action=_word("VERIFY_ACTION", language),
        other=other.value,
        other_name=_word("VERIFY_LANGUAGE", other),
        code=escape(code),
    )


def _found(found: Verification, language: Language) -> str:
    reasons = "".join(f"<p>{escape(one.text(language))}</p>" for one in found.reasons)
    rows = [] if found.issued is None else [*_rows(found.issued, language)]
    at = found.checked_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    listed = "".join(
        f"<dt>{_word(label, language)}</dt><dd>{escape(value)}</dd>"
        for label, value in [*rows, ("VERIFY_CHECKED_AT", at)]
    )
    outcome = found.outcome.value
    return (
        f'<section class="{outcome.lower()}" role="status">'
        f'<p class="outcome">{_word(f"VERIFIED_{outcome}", language)}</p>{reasons}</section><dl>{listed}</dl>'
    )


def _rows(issued: Issued, language: Language) -> Iterator[tuple[str, str]]:
    yield "CERTIFICATE_NUMBER", issued.number
    yield "CERTIFICATE_EMPLOYER", issued.employer
    yield "CERTIFICATE_USCC", issued.uscc
    yield "CERTIFICATE_SCHEME", issued.scheme
    if issued.tier:
        yield "CERTIFICATE_TIER", issued.tier
    yield "CERTIFICATE_AWARDED_ON", issued.awarded_on.isoformat()
    yield "CERTIFICATE_VALID_TO", issued.valid_to.isoformat()
    yield "CERTIFICATE_OFFICE", issued.office.name(language)


def _word(code: str, language: Language) -> str:
    return escape(text(code, language))
