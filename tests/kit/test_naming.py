"""What stands in the name of a resource, read; one error for all that is none."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.kit.errors import Invalid
from services.kit.messages import Language
from services.kit.naming import id_named, number_named

ID = UUID("0190f5fe-7c00-7a00-8000-000000000000")


@pytest.mark.parametrize("text", [str(ID), str(ID).upper(), ID.hex, f"{{{ID}}}", ID.urn])
def test_an_id_is_read_however_it_is_spelt(text: str) -> None:
    assert id_named(f"runs/{text}", "runs") == ID


@pytest.mark.parametrize(
    "name", ["", "runs", "runs/", "runs/17", str(ID), f"payments/{ID}", f"runs/{ID}/x", f"Runs/{ID}"]
)
def test_what_names_no_run_is_told_by_its_field_and_form(name: str) -> None:
    with pytest.raises(Invalid) as raised:
        id_named(name, "runs", "run")

    (told,) = raised.value.reasons
    assert (told.code, told.field) == ("NAME_MALFORMED", "run")
    assert all(told.text(language).rstrip(".").endswith("runs/ID") for language in Language)


def test_a_number_is_read_with_its_collection_and_alone() -> None:
    assert number_named("orders/17", "orders") == number_named("17", "orders") == 17
    assert number_named("9" * 18, "orders") == 10**18 - 1


@pytest.mark.parametrize("name", ["", "orders/", "orders/x", "breaks/17", "orders/-1", "orders/１７", "9" * 19])
def test_what_names_no_order_is_told_by_its_field_and_form(name: str) -> None:
    with pytest.raises(Invalid) as raised:
        number_named(name, "orders")

    (told,) = raised.value.reasons
    assert (told.code, told.field) == ("NAME_MALFORMED", "name")
    assert all("orders/NUMBER" in told.text(language) for language in Language)
