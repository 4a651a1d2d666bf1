"""The certificate on paper: one PDF in Chinese and English, with the code that leads to the public page.

| file | |
|---|---|
| `qr` | the code, as an image (segno) |
| `typst` | the PDF (typst), set by `certificate.typ` |
| `fonts` | which characters the font can show |

Needs the extra `pdf` and Debian's `fonts-wqy-microhei`.
"""

from services.certification.paper.typst import Press, press_of

__all__ = ["Press", "press_of"]
