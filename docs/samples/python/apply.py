"""Applies for a certification over gRPC: saves a draft, hands it in, and prints how it stands, or why it was refused.

    python apply.py CREDIT_CODE STAFF WOMEN SECTOR ANSWERS.json [--submit]

ANSWERS.json maps criteria to quantities: {"attitude.policy": {"published": 1}}. Without --submit the draft is saved and
what would come of it is printed. CRADLE_CERTIFICATION_TARGET says where; your certificate is in CRADLE_TLS_CERTIFICATE,
CRADLE_TLS_KEY and CRADLE_TLS_AUTHORITIES.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from uuid import uuid4

import grpc
from cradle.certification.v1 import application_pb2, applying_pb2
from cradle.certification.v1.applying_pb2_grpc import ApplicationServiceStub
from google.protobuf import json_format
from google.protobuf.field_mask_pb2 import FieldMask
from refusal import refusal

SERVICE_CONFIG = Path(__file__).parents[1] / "service-config.json"
DEADLINE_S = 30


def channel() -> grpc.Channel:
    authorities, key, certificate = (
        Path(os.environ[f"CRADLE_TLS_{name}"]).read_bytes() for name in ("AUTHORITIES", "KEY", "CERTIFICATE")
    )
    options = [("grpc.service_config", SERVICE_CONFIG.read_text("utf-8")), ("grpc.enable_retries", 1)]
    credentials = grpc.ssl_channel_credentials(authorities, key, certificate)
    return grpc.secure_channel(os.environ["CRADLE_CERTIFICATION_TARGET"], credentials, options)


def request_id() -> str:
    """One id for one change, kept until it is answered: a retry under it changes nothing twice."""
    return str(uuid4())


def answers(path: str) -> list[application_pb2.Answer]:
    return [
        application_pb2.Answer(
            criterion=criterion,
            quantities=[
                application_pb2.Quantity(name=name, figures=map(str, one if isinstance(one, list) else [one]))
                for name, one in quantities.items()
            ],
        )
        for criterion, quantities in json.loads(Path(path).read_text("utf-8")).items()
    ]


def main(code: str, staff: str, women: str, sector: str, path: str, *, submit: bool) -> None:
    with channel() as open_channel:
        stub = ApplicationServiceStub(open_channel)
        draft = stub.CreateApplication(
            applying_pb2.CreateApplicationRequest(
                parent=f"employers/{code}", kind=application_pb2.APPLICATION_KIND_NEW, request_id=request_id()
            ),
            timeout=DEADLINE_S,
        )
        stated = application_pb2.Application(
            name=draft.name,
            etag=draft.etag,
            facts=application_pb2.EmployerFacts(staff=int(staff), women=int(women), sector=sector),
            consents=True,
            answers=answers(path),
        )
        mask = FieldMask(paths=["facts", "consents", "answers"])
        saved = stub.UpdateApplication(
            applying_pb2.UpdateApplicationRequest(application=stated, update_mask=mask, request_id=request_id()),
            timeout=DEADLINE_S,
        )
        handed_in = stub.SubmitApplication(
            applying_pb2.SubmitApplicationRequest(
                name=saved.name, etag=saved.etag, request_id=request_id(), validate_only=not submit
            ),
            timeout=DEADLINE_S,
        )
    print(json.dumps(json_format.MessageToDict(handed_in, preserving_proto_field_name=True), ensure_ascii=False))


if __name__ == "__main__":
    given = [one for one in sys.argv[1:] if one != "--submit"]
    try:
        main(*given, submit="--submit" in sys.argv)
    except grpc.RpcError as error:
        print(json.dumps(refusal(error), ensure_ascii=False))
        sys.exit(1)
