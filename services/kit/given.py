"""A public format of facts, read: what is known of one case, by the names of its service's models.

What cannot be read is told by its path, all of it at once, and never by its value, which could be personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from services.kit.errors import Invalid
from services.kit.messages import Reason, reason
from services.kit.scalars import Unfit

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}|[0-9-]{1,7}")


class Given(BaseModel):
    """Names of the format; what has no default must be stated."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


GivenT = TypeVar("GivenT", bound=Given)


def fitted(model: type[GivenT], content: object, at: str = "") -> GivenT:
    """The content as that part of the format. Raises Invalid."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise Invalid(*_reasons(error, model, at)) from None


def missing(path: str, at: str = "") -> Reason:
    """A fact that a rule needs and nobody stated."""
    return reason("FACT_MISSING", f"{at}.{path}" if at else path)


def stated(content: object) -> object:
    """Without what was given as null: that is not stated."""
    if isinstance(content, Mapping):
        return {str(key): stated(value) for key, value in content.items() if value is not None}
    return [stated(item) for item in content] if isinstance(content, list) else content


_BUILT_IN: Final = {"missing": "FACT_MISSING", "tuple_type": "FACT_NOT_LIST"}


def _reasons(error: ValidationError, model: type[Given], at: str) -> Iterator[Reason]:
    for one in error.errors(include_url=False, include_input=False):
        place = [part for part in one["loc"] if part != "[key]"]
        path, unfit = path_text(place, at), one.get("ctx", {}).get("error")
        if isinstance(unfit, Unfit):
            yield reason(unfit.why, path, **unfit.values)
        elif one["type"] == "extra_forbidden":
            yield reason("FACT_UNKNOWN", path, known=", ".join(_known(model, place[:-1])))
        else:
            yield reason(_BUILT_IN.get(one["type"], "FACT_NOT_MAPPING"), path)


def path_text(place: Iterable[int | str], at: str = "") -> str:
    """A path as it is shown: names by dots, places in lists by brackets. What is no name could be anything: `?`."""
    path = at
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += ("." if path else "") + (part if _NAME.fullmatch(part) else "?")
    return path


def _known(model: Any, place: Iterable[int | str]) -> list[str]:
    """The names that may stand at a place of the format."""
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = _inside(model.model_fields[part].annotation)
    return list(model.model_fields)


def _inside(annotation: Any) -> Any:
    """The model that an annotation holds, in a list or optional."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, (_inside(argument) for argument in getattr(annotation, "__args__", ()))), None)
