"""What stands in the name of a resource, as in `runs/{id}`."""

from __future__ import annotations

from uuid import UUID

from services.kit.errors import Invalid
from services.kit.messages import reason


def id_named(name: str, collection: str, field: str = "name") -> UUID:
    """The id in `collection/{id}`. Raises Invalid."""
    prefix, _, text = name.partition("/")
    try:
        if prefix == collection:
            return UUID(text)
    except ValueError:
        pass
    raise Invalid(reason("NAME_MALFORMED", field, form=f"{collection}/ID"))


def number_named(name: str, collection: str, field: str = "name") -> int:
    """The number in `collection/{number}`, or by itself. Raises Invalid."""
    number = name.removeprefix(f"{collection}/")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Invalid(reason("NAME_MALFORMED", field, form=f"{collection}/NUMBER"))
    return int(number)
