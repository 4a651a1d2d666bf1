"""The public page: what a verification found, as HTML in Chinese or English and as JSON. Pure; whoever serves it adds
`HEADERS`.
"""

from services.certification.page.answer import document
from services.certification.page.html import HEADERS, page

__all__ = ["HEADERS", "document", "page"]
