"""Worked cases judged: each decided by the shipped rules of its service, and compared with what it expects."""

from collections.abc import Mapping

from services.cli.verdicts import certification, claims
from services.cli.verdicts.common import Judge, Verdict, as_text, judge, texts

__all__ = ["Judge", "Verdict", "as_text", "judge", "judges", "texts"]


def judges() -> Mapping[str, Judge]:
    """By service; each keeps what it has made for the cases before."""
    return {"claims": claims.judge(), "certification": certification.judge}
