"""The crosswalk from the platform's codes to ours: data by version, read strictly, with its source for each code."""

from __future__ import annotations

from services.claims.wire.platform.crosswalk.model import Codes, Crosswalk, Found, choose
from services.claims.wire.platform.crosswalk.reading import SHIPPED, load

__all__ = ["SHIPPED", "Codes", "Crosswalk", "Found", "choose", "load"]
