from __future__ import annotations

import pytest

from services.kit.member_key import member_key
from tests.cli.builders import id_number


def test_the_key_is_the_published_one() -> None:
    """A vector for whoever writes a sender in another language. It must never change: it orders a person's claims."""
    assert member_key("61033119930415012X").hex() == "99eb8d4a1a97088a2a84f70e818327ff"


@pytest.mark.parametrize(
    "written", ["61033119930415012x", " 61033119930415012X ", "６１０３３１１９９３０４１５０１２Ｘ"]
)
def test_ways_to_write_the_same_number_give_the_same_key(written: str) -> None:
    assert member_key(written) == member_key("61033119930415012X")


def test_persons_have_keys_of_their_own_that_do_not_hold_the_number() -> None:
    keys = {serial: member_key(id_number(serial)) for serial in range(100)}

    assert len(set(keys.values())) == 100
    assert all(len(key) == 16 and id_number(serial).encode() not in key for serial, key in keys.items())
