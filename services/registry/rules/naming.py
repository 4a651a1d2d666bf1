"""Whether an account is in the name of whom it is recorded for."""

from __future__ import annotations

import unicodedata
from typing import Final

# Within the names of some peoples; each system writes another one.
_DOTS: Final = dict.fromkeys(map(ord, "·•・‧∙⋅."))


def is_holder(holder: str, name: str) -> bool:
    """Whether it is the same name: blanks, dots, width and case make no other, and a name not known is no other."""
    return not _bare(name) or _bare(holder) == _bare(name)


def _bare(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).translate(_DOTS).split()).casefold()
