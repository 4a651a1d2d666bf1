"""Reasons as messages."""

from __future__ import annotations

from cradle.common.v1 import reason_pb2

from services.kit.messages import Kept, Language, Reason


def reason_message(given: Reason | Kept, field: str = "") -> reason_pb2.Reason:
    """With its text in both languages; at another place, if that is said."""
    return reason_pb2.Reason(
        code=given.code, field=field or given.field, text_zh=given.text(Language.ZH), text_en=given.text(Language.EN)
    )
