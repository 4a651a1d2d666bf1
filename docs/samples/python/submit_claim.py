"""Hands in one claim over gRPC, retried as the published service config says, and prints its receipt, or why not.

    python submit_claim.py CLAIM_NUMBER ID_NUMBER CREDIT_CODE YYYY-MM-DD

CRADLE_CLAIMS_TARGET and CRADLE_SOURCE say where and as whom; your certificate is in CRADLE_TLS_CERTIFICATE,
CRADLE_TLS_KEY and CRADLE_TLS_AUTHORITIES.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path
from uuid import uuid4

import grpc
from cradle.claims.v1 import service_pb2_grpc, submitting_pb2
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from refusal import refusal
from send_claim import claim

SERVICE_CONFIG = Path(__file__).parents[1] / "service-config.json"
WAIT_S, DEADLINE_S = 20, 30


def channel() -> grpc.Channel:
    authorities, key, certificate = (
        Path(os.environ[f"CRADLE_TLS_{name}"]).read_bytes() for name in ("AUTHORITIES", "KEY", "CERTIFICATE")
    )
    options = [("grpc.service_config", SERVICE_CONFIG.read_text("utf-8")), ("grpc.enable_retries", 1)]
    credentials = grpc.ssl_channel_credentials(authorities, key, certificate)
    return grpc.secure_channel(os.environ["CRADLE_CLAIMS_TARGET"], credentials, options)


def main(number: str, id_number: str, credit_code: str, delivered: str) -> None:
    request = submitting_pb2.SubmitClaimRequest(
        parent=f"sources/{os.environ.get('CRADLE_SOURCE', 'sandbox')}",
        intake=claim(number, id_number, credit_code, date.fromisoformat(delivered)),
        # One id for one submission, kept until it is answered: a retry under it appends nothing twice.
        request_id=str(uuid4()),
        receipt_wait=Duration(seconds=WAIT_S),
    )
    with channel() as open_channel:
        try:
            answer = service_pb2_grpc.ClaimsServiceStub(open_channel).SubmitClaim(request, timeout=DEADLINE_S)
        except grpc.RpcError as error:
            print(json.dumps(refusal(error), ensure_ascii=False))
            sys.exit(1)
    print(json.dumps(json_format.MessageToDict(answer, preserving_proto_field_name=True), ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
