"""The certificate as PDF. The same certificate is the same bytes: no clock, no randomness, one named font."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

import typst

from services.certification.issued import Issued
from services.certification.paper import fonts, qr
from services.kit.errors import Invalid, Refused
from services.kit.messages import Language, reason, text

FONTS: Final = Path("/usr/share/fonts/truetype/wqy")  # where Debian puts fonts-wqy-microhei
_FONT: Final = "wqy-microhei.ttc"
_TEMPLATE: Final = Path(__file__).with_name("certificate.typ")
_WORDS: Final = (
    "CERTIFICATE_TITLE",
    "CERTIFICATE_AWARD",
    "CERTIFICATE_NUMBER",
    "CERTIFICATE_USCC",
    "CERTIFICATE_SCHEME",
    "CERTIFICATE_TIER",
    "CERTIFICATE_AWARDED_ON",
    "CERTIFICATE_VALID_TO",
    "CERTIFICATE_OFFICE",
    "CERTIFICATE_SCAN",
)
_CHARACTERS_MAX: Final = 120  # of any one thing that is printed


@dataclass(frozen=True, slots=True)
class Press:
    """Sets certificates, with the font read once."""

    compiler: typst.Compiler
    known: frozenset[int]

    def pdf(self, issued: Issued, verify_url: str) -> bytes:
        """Raises Invalid for what cannot be printed: a character the font has not, a name or address too long."""
        printed = _printed(issued)
        self._check(printed)
        raw = self.compiler.compile(
            format="pdf",
            sys_inputs={"certificate": json.dumps({**_words(), **printed}), "qr": qr.svg(verify_url)},
            timestamp=datetime.combine(issued.awarded_on, time(), UTC),
        )
        if not isinstance(raw, bytes):
            raise TypeError("typst answers a PDF with its bytes")
        return raw

    def _check(self, printed: dict[str, str]) -> None:
        for name, value in printed.items():
            if len(value) > _CHARACTERS_MAX:
                raise Invalid(reason("PAPER_TEXT_TOO_LONG", name, limit=_CHARACTERS_MAX))
            missing = sorted({character for character in value if ord(character) not in self.known})
            if missing:
                points = ", ".join(f"U+{ord(character):04X}" for character in missing)
                raise Invalid(reason("PAPER_CHARACTER_MISSING", name, characters=points))


def press_of(folder: Path = FONTS) -> Press:
    """Raises Refused where the font is not installed: without it every Chinese character would be an empty box."""
    font = folder / _FONT
    if not font.is_file():
        raise Refused(reason("PAPER_FONT_MISSING", folder=folder, package="fonts-wqy-microhei"))
    compiler = typst.Compiler(
        _TEMPLATE, font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
    )
    return Press(compiler, fonts.characters(font))


def _printed(issued: Issued) -> dict[str, str]:
    return {
        "number": issued.number,
        "employer": issued.employer,
        "uscc": issued.uscc,
        "scheme": issued.scheme,
        "tier": issued.tier,
        "awarded_on_zh": _zh(issued.awarded_on),
        "awarded_on_en": issued.awarded_on.isoformat(),
        "valid_to_zh": _zh(issued.valid_to),
        "valid_to_en": issued.valid_to.isoformat(),
        "office_zh": issued.office.zh,
        "office_en": issued.office.en,
    }


def _zh(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _words() -> dict[str, str]:
    return {
        f"{code.removeprefix('CERTIFICATE_').lower()}_label_{short}": text(code, language)
        for code in _WORDS
        for short, language in (("zh", Language.ZH), ("en", Language.EN))
    }
