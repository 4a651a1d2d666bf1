"""What a request names: a source, and a claim by its id or by its sender's number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.claims import store
from services.claims.model import Claim
from services.kit import auth
from services.kit.db import Database
from services.kit.errors import Invalid, unseen
from services.kit.identifiers import holds_id_number
from services.kit.messages import reason
from services.kit.naming import id_named

_FORMS: Final = "claims/ID | sources/SOURCE/claims/NUMBER"


def source_seen(given: str, sources: Sequence[str]) -> str:
    """The source that a list is narrowed to, if any. One that is not for who asks is told as one that is not there."""
    own = auth.current().sources
    known = [one for one in sources if own is None or one in own]
    if given and given not in known:
        raise unseen(reason("SOURCE_UNKNOWN", "source", known=", ".join(known)), is_there=given in sources)
    return given


async def claim_named(database: Database, name: str, field: str) -> Claim:
    """A claim by its id, or by its sender's number, in the scope of who asks: of another's nobody learns that
    it is there. What holds somebody's ID number is not looked for, for the answer repeats it.
    """
    match name.split("/"):
        case ["sources", source, "claims", number] if holds_id_number(source) or holds_id_number(number):
            raise Invalid(reason("ID_NUMBER_NOT_HERE", field))
        case ["sources", source, "claims", number]:
            claim = await store.claim_by_number(database, source, number)
        case ["claims", _]:
            claim = await store.claim_by_id(database, id_named(name, "claims", field))
        case _:
            raise Invalid(reason("NAME_MALFORMED", field, form=_FORMS))
    if claim is None or not auth.current().sees(source=claim.source, county=claim.county):
        raise unseen(reason("NOT_FOUND", field, name=name), is_there=claim is not None)
    return claim
