"""New ids grow with time; stable ids are those of their parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.kit.ids import new_id, stable_id, stable_id_at

parts = st.lists(st.binary(max_size=20), min_size=1, max_size=4)


def test_new_ids_are_uuid7_and_in_order() -> None:
    ids = [new_id() for _ in range(2_000)]

    assert {(made.version, made.variant) for made in ids} == {(7, "specified in RFC 4122")}
    assert ids == sorted(set(ids))


def test_ids_of_records_are_uuid7_the_same_again_and_in_order() -> None:
    at = datetime(2026, 11, 23, 4, 5, 6, 789_000, tzinfo=UTC)
    made = [stable_id_at(at + timedelta(milliseconds=ms), n, b"a", b"1") for ms in range(3) for n in (0, 1, 4095)]

    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert made == sorted(set(made))
    assert made[0] == stable_id_at(at, 0, b"a", b"1") == UUID("01a20694-3865-7000-a94c-259f2300f920")
    assert len({stable_id_at(at, 0, *one) for one in ((b"a", b"1"), (b"a", b"2"), (b"b", b"1"), (b"a1", b""))}) == 4


def test_a_stable_id_stays_what_it_is() -> None:
    """Receipts already sent carry it, so it may never change."""
    assert stable_id(b"claims.intake.v1.hospitals/0/7", b"\x01\x02") == UUID("4bd75ff8-fbee-85e9-955e-33387149159c")


@given(parts)
def test_a_stable_id_is_version_8_and_the_same_again(given_parts: list[bytes]) -> None:
    made = stable_id(*given_parts)

    assert made == stable_id(*given_parts)
    assert (made.version, made.variant) == (8, "specified in RFC 4122")


@given(parts, parts)
def test_other_parts_give_another_id(one: list[bytes], two: list[bytes]) -> None:
    assert (stable_id(*one) == stable_id(*two)) == (one == two)


def test_parts_do_not_run_into_each_other() -> None:
    assert stable_id(b"a", b"bc") != stable_id(b"ab", b"c")
    assert stable_id(b"abc") != stable_id(b"abc", b"")
    assert stable_id(b"a\x00b") != stable_id(b"a", b"b")
