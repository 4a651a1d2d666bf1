"""How employers stand on a day, for the other services: from the database, each time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from services.certification.store import looking
from services.certification.usecases.desk import Desk
from services.kit.errors import Invalid
from services.kit.ids import read_id
from services.kit.messages import Reason, reason

_USCC: Final = 18  # characters
_FORM: Final = "UUID | GB 32100"


async def status(desk: Desk, employers: Sequence[str], as_of: date) -> Sequence[Sequence[Any]]:
    """Place, number, state, valid_to, since of those that held one; places from 0, by reference or by code."""
    if as_of > desk.clock.today():
        raise Invalid(reason("DATE_IN_FUTURE", "as_of", last=desk.clock.today()))
    references: list[UUID] = []
    usccs: list[str] = []
    places: list[int] = []  # of references, then of codes
    of_codes: list[int] = []
    wrong: list[Reason] = []
    for place, one in enumerate(employers):
        if len(one) == _USCC:
            usccs.append(one)
            of_codes.append(place)
            continue
        try:
            references.append(read_id(one))
            places.append(place)
        except ValueError:
            wrong.append(reason("FIELD_MALFORMED", f"employers[{place}]", form=_FORM))
    if wrong:
        raise Invalid(*wrong)
    rows = await looking.status(desk.database, references, usccs, as_of)
    return [
        (places[place - 1] if place > 0 else of_codes[-place - 1], number, state, valid_to, since)
        for place, number, state, valid_to, since in rows
    ]
