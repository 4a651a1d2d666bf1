"""3201: the totals of a source that is one hospital become its control totals; any others are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.claims.wire.platform import Adapter, Mapped, read_message
from services.claims.wire.platform.crosswalk import SHIPPED
from services.claims.wire.platform.crosswalk.model import Sender
from tests.builders import TODAY
from tests.claims.platform.mapped import found
from tests.claims.platform.messages import DATA, raw, totals

ALONE = (replace(SHIPPED[0], senders={"alone": Sender((), whole_totals=True)}),)


def read(changes: dict[str, Any] | None = None) -> Mapped:
    return read_message(Adapter("alone", ALONE), raw(totals(changes)), TODAY)


def test_one_days_totals_of_a_source_of_one_hospital_are_its_control_totals() -> None:
    mapped = read()

    assert mapped.intake is not None
    made = mapped.intake.control_totals
    assert (made.date.year, made.date.month, made.date.day) == (2026, 3, 13)
    assert (made.submitted, made.replaced, made.voided, made.claimed_fen) == (2, 0, 0, 407_052)
    assert mapped.key
    assert found(mapped) == {
        ("DOUBT", "PLATFORM_TOTALS_NET", f"{DATA}fixmedins_setl_cnt"),
        ("DOUBT", "PLATFORM_TOTALS_OF_ALL_CARE", f"{DATA}insutype"),
    }


@pytest.mark.parametrize("source", ["sandbox", "hospitals", "counter"])
def test_as_shipped_a_source_of_one_hospital_has_its_totals_mapped_and_one_of_many_is_told(source: str) -> None:
    mapped = read_message(Adapter(source, SHIPPED), raw(totals()), TODAY)

    assert (mapped.intake is not None) is (source == "sandbox")
    told = ("UNMAPPED", "PLATFORM_TOTALS_OF_ONE_HOSPITAL", "fixmedins_code") in found(mapped)
    assert told is (source != "sandbox")


def test_totals_of_the_maternity_scheme_count_maternity_only() -> None:
    assert found(read({f"{DATA}insutype": "510"})) == {("DOUBT", "PLATFORM_TOTALS_NET", f"{DATA}fixmedins_setl_cnt")}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({f"{DATA}stmt_enddate": "2026-03-14"}, ("PLATFORM_TOTALS_OF_SEVERAL_DAYS", f"{DATA}stmt_enddate")),
        ({f"{DATA}fixmedins_setl_cnt": "-1"}, ("PLATFORM_NUMBER_RANGE", f"{DATA}fixmedins_setl_cnt")),
        ({f"{DATA}fund_pay_sumamt": "1.005"}, ("PLATFORM_AMOUNT_DECIMALS", f"{DATA}fund_pay_sumamt")),
        ({f"{DATA}stmt_begndate": ""}, ("PLATFORM_MISSING", f"{DATA}stmt_begndate")),
        (
            {f"{DATA}stmt_begndate": "2026-12-01", f"{DATA}stmt_enddate": "2026-12-01"},
            ("DATE_IN_FUTURE", f"{DATA}stmt_begndate"),
        ),
    ],
    ids=["days", "count", "amount", "missing", "future"],
)
def test_totals_that_cannot_be_ours_are_told(changes: dict[str, str], told: tuple[str, str]) -> None:
    mapped = read(changes)

    assert mapped.intake is None
    assert ("UNMAPPED", *told) in found(mapped)
