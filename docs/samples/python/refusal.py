"""What a refused call says: its status, and what is wrong with each field. Both samples over gRPC print it."""

from __future__ import annotations

from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


def refusal(error: grpc.RpcError) -> dict[str, Any]:
    """What is wrong with each field, coded: decide by code and field, show the text."""
    status, bad = rpc_status.from_call(error), error_details_pb2.BadRequest()
    for detail in status.details if status else ():
        detail.Unpack(bad)  # does nothing with a detail of another kind
    fields = [
        {"code": one.reason, "field": one.field, "text_en": one.description, "text_zh": one.localized_message.message}
        for one in bad.field_violations
    ]
    return {"refused": error.code().name, "text": error.details(), "reasons": fields}
