"""Calls to certification, and a move of one application as it was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
from cradle.certification.v1 import application_pb2 as pb
from cradle.certification.v1 import (
    applying_pb2,
    applying_pb2_grpc,
    assessing_pb2,
    assessing_pb2_grpc,
    certificates_pb2,
    certificates_pb2_grpc,
    service_pb2,
    service_pb2_grpc,
)

from services.cli.failures import Failure
from services.cli.paging import pages
from services.cli.session import Session
from services.kit.ids import new_id

_TRIES = 3
_OVERTAKEN = {"APPLICATION_CHANGED", "CERTIFICATE_CHANGED"}
_SERVICES: dict[str, tuple[Any, Any]] = {
    "CertificationService": (service_pb2, service_pb2_grpc.CertificationServiceStub),
    "ApplicationService": (applying_pb2, applying_pb2_grpc.ApplicationServiceStub),
    "AssessmentService": (assessing_pb2, assessing_pb2_grpc.AssessmentServiceStub),
    "CertificateService": (certificates_pb2, certificates_pb2_grpc.CertificateServiceStub),
}
_METHODS = {
    method.name: (stub, getattr(module, method.input_type.name))
    for name, (module, stub) in _SERVICES.items()
    for method in module.DESCRIPTOR.services_by_name[name].methods
}


def call(session: Session, method: str, **given: Any) -> Any:
    """One method by its name. Raises Failure."""
    stub, request = _METHODS[method]
    settings = session.settings
    with session.channel(settings.certification_target) as channel:
        return getattr(stub(channel), method)(request(**given), timeout=settings.grpc_deadline_s)


def stub_of(channel: grpc.Channel, method: str) -> Any:
    return getattr(_METHODS[method][0](channel), method)


def pages_of(session: Session, method: str, field: str, wanted: Any, limit: int) -> Iterator[Any]:
    with session.channel(session.settings.certification_target) as channel:
        ask = stub_of(channel, method)
        yield from pages(lambda asked: ask(asked, timeout=session.settings.grpc_deadline_s), field, wanted, limit)


def application(session: Session, name: str) -> pb.Application:
    found: pb.Application = call(session, "GetApplication", name=full(name))
    return found


def move(session: Session, method: str, name: str, request_id: str, **given: Any) -> pb.Application:
    """A move of the application as it stands now."""
    made = on_what_stands(session, method, lambda: application(session, name), request_id, name=full(name), **given)
    moved: pb.Application = getattr(made, "application", made)
    return moved


def on_what_stands(session: Session, method: str, read: Callable[[], Any], request_id: str, **given: Any) -> Any:
    """A change of what is read, as it stands now; where a timer of the office overtakes it, as it stands then."""
    asked = {"request_id": request_id or str(new_id()), **given}
    left = _TRIES
    while True:
        etag, left = read().etag, left - 1
        try:
            return call(session, method, etag=etag, **asked)
        except Failure as failure:
            if not left or failure.reasons[0].code not in _OVERTAKEN:
                raise


def full(name: str) -> str:
    return name if name.startswith("applications/") else f"applications/{name}"
