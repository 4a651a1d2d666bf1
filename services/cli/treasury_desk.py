"""What the treasury's commands share: its things by their names, and a move of one, done once or only foreseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from services.cli.paging import pages
from services.cli.session import Session
from services.kit.ids import new_id

Limit = Annotated[int, typer.Option(min=1, help="how many at most")]
RequestId = Annotated[str, typer.Option(help="a uuid; sent again with the same one, it is done once")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="only tell what would come of it; nothing is changed")]


def once(request_id: str, *, dry_run: bool) -> dict[str, Any]:
    """How a move is asked for, as its request has it."""
    return {"request_id": request_id or str(new_id()), "validate_only": dry_run}


@dataclass(frozen=True)
class Desk:
    """A service of the treasury. `kind` and `collection` name what it keeps, as Recovery and recoveries."""

    service: ServiceDescriptor
    stub: Callable[[Any], Any]
    kind: str = ""
    collection: str = ""

    def call(self, session: Session, method: str, request: Any, deadline_s: float | None = None) -> Any:
        settings = session.settings
        with session.channel(settings.treasury_target) as channel:
            return getattr(self.stub(channel), method)(request, timeout=deadline_s or settings.grpc_deadline_s)

    def pages(self, session: Session, method: str, name: str, wanted: Any, limit: int) -> list[Any]:
        return list(pages(lambda request: self.call(session, method, request), name, wanted, limit))

    def get(self, session: Session, name: str) -> Any:
        return self.call(session, f"Get{self.kind}", self._request(f"Get{self.kind}")(name=self.named(name)))

    def named(self, name: str) -> str:
        """Its whole name; a person may say the part that tells it from others."""
        return full(self.collection, name)

    def move(self, session: Session, method: str, name: str, given: dict[str, Any], **more: Any) -> Any:
        """Move one as it stands now. `given` is from `once`."""
        found = self.get(session, name)
        made = self.call(session, method, self._request(method)(name=found.name, etag=found.etag, **given, **more))
        if given["validate_only"]:
            session.note("CLI_NOTHING_CHANGED")
        return made

    def _request(self, method: str) -> Any:
        return GetMessageClass(self.service.methods_by_name[method].input_type)


def full(collection: str, name: str) -> str:
    return name if name.startswith(f"{collection}/") else f"{collection}/{name}"
