"""The code on the paper (ISO/IEC 18004), as an image that can be printed at any size."""

from __future__ import annotations

import segno

from services.kit.errors import Invalid
from services.kit.messages import reason


def svg(content: str) -> str:
    """With correction level M (15 %): paper is folded and stamped. Raises Invalid for more than a code can hold."""
    try:
        return str(segno.make_qr(content, error="m", boost_error=False).svg_inline(border=4))
    except segno.DataOverflowError:
        raise Invalid(reason("PAPER_CODE_TOO_LONG", "verify_url")) from None
