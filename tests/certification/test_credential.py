"""The signed credential: verified alone; forged, altered, replayed or made for another use, it is seen through."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, KeySet

from services.certification.credential import (
    Issuer,
    Place,
    address,
    issue,
    number_in,
    published,
    read_keys,
    trusted,
    verify,
)
from services.certification.issued import Outcome, Verification
from services.kit.dates import SHANGHAI
from services.kit.errors import Invalid
from services.kit.identifiers import holds_id_number
from services.kit.messages import Reason
from tests.certification.paper import ISSUED, ISSUER, KEYS, NOW, PLACE, URL, lists, pem
from tests.kit.forging import by_hand

TOKEN = issue(ISSUED, PLACE, URL, KEYS)
FRESH = lists()


def said(token: str = TOKEN) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def resigned(payload: Any, **header: Any) -> str:
    """What a key of ours signs, whatever it is."""
    protected = {"alg": "ES256", "kid": KEYS.signing.kid, "typ": "vc+jwt", **header}
    return jws.serialize_compact(protected, json.dumps(payload).encode(), KEYS.signing, algorithms=["ES256"])


def why(found: Verification) -> tuple[Outcome, list[str]]:
    return found.outcome, [reason.code for reason in found.reasons]


def test_a_credential_that_holds_says_what_was_certified() -> None:
    found = verify(TOKEN, ISSUER, FRESH, NOW)

    assert why(found) == (Outcome.VALID, ["CERTIFICATE_HOLDS"])
    assert found.issued == ISSUED


def test_a_tier_is_carried() -> None:
    tiered = replace(ISSUED, tier="示范")

    assert verify(issue(tiered, PLACE, URL, KEYS), ISSUER, FRESH, NOW).issued == tiered


@pytest.mark.parametrize(
    ("revoked", "suspended", "outcome", "code"),
    [
        ([], [PLACE.index], Outcome.SUSPENDED, "CERTIFICATE_SUSPENDED"),
        ([PLACE.index], [], Outcome.REVOKED, "CERTIFICATE_ENDED"),
        ([PLACE.index], [PLACE.index], Outcome.REVOKED, "CERTIFICATE_ENDED"),
        ([PLACE.index - 1, PLACE.index + 1], [PLACE.index - 1, PLACE.index + 1], Outcome.VALID, "CERTIFICATE_HOLDS"),
    ],
)
def test_the_lists_decide_and_only_at_its_own_index(
    revoked: list[int], suspended: list[int], outcome: Outcome, code: str
) -> None:
    found = verify(TOKEN, ISSUER, lists(revoked=revoked, suspended=suspended), NOW)

    assert why(found) == (outcome, [code])


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=SHANGHAI), Outcome.INVALID),
        (datetime(2026, 12, 1, tzinfo=SHANGHAI), Outcome.VALID),
        (datetime(2029, 11, 30, 23, 59, 59, 999_999, tzinfo=SHANGHAI), Outcome.VALID),
        (datetime(2029, 12, 1, tzinfo=SHANGHAI), Outcome.EXPIRED),
    ],
)
def test_it_holds_from_the_first_to_the_end_of_the_last_day_in_shanghai(at: datetime, outcome: Outcome) -> None:
    assert verify(TOKEN, ISSUER, lists(now=at), at).outcome is outcome


def test_a_suspended_one_that_is_over_is_expired_and_a_revoked_one_stays_revoked() -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)

    assert verify(TOKEN, ISSUER, lists(suspended=[PLACE.index], now=at), at).outcome is Outcome.EXPIRED
    assert verify(TOKEN, ISSUER, lists(revoked=[PLACE.index], now=at), at).outcome is Outcome.REVOKED


# --- the lists -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "outcome", "code"),
    [
        (NOW - timedelta(hours=1), Outcome.VALID, "CERTIFICATE_HOLDS"),
        (NOW - timedelta(hours=1, seconds=1), Outcome.INVALID, "CREDENTIAL_STATUS_STALE"),
        (NOW + timedelta(minutes=5), Outcome.VALID, "CERTIFICATE_HOLDS"),
        (NOW + timedelta(minutes=5, seconds=1), Outcome.INVALID, "CREDENTIAL_STATUS_STALE"),
    ],
)
def test_a_list_out_of_its_time_says_nothing(made: datetime, outcome: Outcome, code: str) -> None:
    assert why(verify(TOKEN, ISSUER, lists(now=made), NOW)) == (outcome, [code])


@pytest.mark.parametrize(
    "wrong",
    [
        replace(FRESH, revocation=FRESH.suspension),
        replace(FRESH, suspension=FRESH.revocation),
        replace(FRESH, revocation=""),
        replace(FRESH, suspension=TOKEN),
        replace(FRESH, revocation=FRESH.revocation[:-4]),
        lists(sheet=1),
        lists(keys=read_keys(pem())),
    ],
)
def test_a_list_that_is_not_the_one_says_nothing(wrong: Any) -> None:
    assert why(verify(TOKEN, ISSUER, wrong, NOW)) == (Outcome.INVALID, ["CREDENTIAL_STATUS_UNREADABLE"])


def test_a_list_that_would_unpack_to_more_than_a_list_is_none() -> None:
    payload = said(FRESH.revocation)
    bomb = base64.urlsafe_b64encode(gzip.compress(bytes(16 * 1024 * 1024))).decode().rstrip("=")
    payload["credentialSubject"]["encodedList"] = f"u{bomb}"

    assert why(verify(TOKEN, ISSUER, replace(FRESH, revocation=resigned(payload)), NOW)) == (
        Outcome.INVALID,
        ["CREDENTIAL_STATUS_UNREADABLE"],
    )


@settings(deadline=None)
@given(st.sets(st.integers(0, 131_071), max_size=20), st.integers(0, 131_071))
def test_a_list_read_by_the_words_of_the_standard_has_the_same_bits(indexes: set[int], other: int) -> None:
    encoded = said(lists(revoked=indexes).revocation)["credentialSubject"]["encodedList"]
    raw = gzip.decompress(base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4)))
    bits = "".join(f"{byte:08b}" for byte in raw)

    assert encoded[0] == "u"
    assert len(bits) == 131_072
    assert {index for index in (*indexes, other) if bits[index] == "1"} == indexes


@pytest.mark.parametrize(("serial", "place"), [(0, (0, 0)), (131_071, (0, 131_071)), (131_072, (1, 0))])
def test_every_serial_has_its_own_place(serial: int, place: tuple[int, int]) -> None:
    assert Place.of(serial) == Place(*place)


@pytest.mark.parametrize("index", [-1, 131_072])
def test_there_is_no_place_outside_a_list(index: int) -> None:
    with pytest.raises(Invalid) as refused:
        Place(0, index)

    assert refused.value.reasons[0].code == "STATUS_INDEX_RANGE"


# --- what is forged --------------------------------------------------------------------------------------------------

HEADER = {"alg": "ES256", "kid": KEYS.signing.kid, "typ": "vc+jwt"}
HEAD, BODY, SIGNATURE = TOKEN.split(".")
OTHER = read_keys(pem())
ALTERED = {**said(), "validUntil": "2099-12-31T23:59:59+08:00"}
FORGED = {
    "altered": (by_hand(HEADER, ALTERED).rpartition(".")[0] + "." + SIGNATURE, "CREDENTIAL_SIGNATURE"),
    "unsigned": (by_hand({**HEADER, "alg": "none"}, said()), "CREDENTIAL_UNREADABLE"),
    "no signature": (f"{HEAD}.{BODY}.", "CREDENTIAL_SIGNATURE"),
    "public key as secret": (
        by_hand({**HEADER, "alg": "HS256"}, said(), b"0" * 32),
        "CREDENTIAL_UNREADABLE",
    ),
    "another's key": (issue(ISSUED, PLACE, URL, OTHER), "CREDENTIAL_KEY_UNKNOWN"),
    "key brought along": (
        resigned(said(), jwk=OTHER.signing.as_dict(private=False), kid="unknown"),
        "CREDENTIAL_KEY_UNKNOWN",
    ),
    "no key named": (by_hand({"alg": "ES256", "typ": "vc+jwt"}, said()), "CREDENTIAL_KEY_UNKNOWN"),
    "critical extension": (by_hand({**HEADER, "crit": ["x"], "x": 1}, said()), "CREDENTIAL_UNREADABLE"),
    "another issuer": (issue(ISSUED, PLACE, "https://other.example", KEYS), "CREDENTIAL_ISSUER"),
    "for somebody": (resigned({**said(), "aud": URL}), "CREDENTIAL_AUDIENCE"),
    "another kind": (resigned(said(), typ="paper+jwt"), "CREDENTIAL_UNREADABLE"),
    "a list": (FRESH.revocation, "CREDENTIAL_UNREADABLE"),
    "the code on the paper": (address(ISSUED.number, URL, KEYS).partition("code=")[2], "CREDENTIAL_UNREADABLE"),
    "no object": (resigned([1]), "CREDENTIAL_UNREADABLE"),
    "a list elsewhere": (
        resigned({**said(), "credentialStatus": [{**said()["credentialStatus"][0], "statusListIndex": "1"}] * 2}),
        "CREDENTIAL_UNREADABLE",
    ),
    "no list": (resigned({**said(), "credentialStatus": []}), "CREDENTIAL_UNREADABLE"),
    "no zone": (resigned({**said(), "validFrom": "2026-12-01T00:00:00"}), "CREDENTIAL_UNREADABLE"),
    "empty": ("", "CREDENTIAL_UNREADABLE"),
    "not ASCII": (TOKEN + "证", "CREDENTIAL_UNREADABLE"),
    "too long": (TOKEN + "A" * 8_192, "CREDENTIAL_UNREADABLE"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_what_is_forged_is_invalid_and_says_nothing_of_an_employer(forged: str) -> None:
    token, code = FORGED[forged]

    found = verify(token, ISSUER, FRESH, NOW)

    assert why(found) == (Outcome.INVALID, [code])
    assert found.issued is None


@settings(deadline=None)
@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABZaz09-_.=證\0"))
def test_a_credential_with_any_character_changed_is_never_valid(at: int, character: str) -> None:
    changed = TOKEN[:at] + character + TOKEN[at + 1 :]
    same = _bytes(changed) == _bytes(TOKEN)  # the last character of a part has bits that mean nothing

    found = verify(changed, ISSUER, FRESH, NOW)

    assert same or found.outcome is Outcome.INVALID


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_it_raise(text: str) -> None:
    assert verify(text, ISSUER, FRESH, NOW).outcome is Outcome.INVALID
    assert isinstance(number_in(text, ISSUER), Reason)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(said())), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_nothing_that_our_key_signed_makes_it_raise(changes: dict[str, Any]) -> None:
    found = verify(resigned({**said(), **changes}), ISSUER, FRESH, NOW)

    assert isinstance(found, Verification)


def _bytes(token: str) -> list[bytes] | None:
    try:
        return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]
    except ValueError:
        return None


# --- keys ------------------------------------------------------------------------------------------------------------


def test_what_was_issued_holds_after_the_key_is_changed_twice_and_new_lists_are_signed_by_the_new() -> None:
    first, second, third = pem(), pem(), pem()
    old = issue(ISSUED, PLACE, URL, read_keys(first))
    keys = read_keys(third, (second, first))

    found = verify(old, trusted(URL, keys), lists(keys=keys), NOW)

    assert found.outcome is Outcome.VALID
    assert [key["kid"] for key in published(keys)["keys"]] == [
        read_keys(one).signing.kid for one in (third, second, first)
    ]


def test_a_key_taken_back_takes_all_it_signed_with_it() -> None:
    keys = read_keys(pem())

    assert why(verify(TOKEN, trusted(URL, keys), lists(keys=keys), NOW)) == (
        Outcome.INVALID,
        ["CREDENTIAL_KEY_UNKNOWN"],
    )


def test_no_private_part_is_published() -> None:
    for key in published(read_keys(pem(), (pem(),)))["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def _of(key: Any) -> bytes:
    made: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made


@pytest.mark.parametrize(
    ("given_pem", "code"),
    [
        (b"", "SIGNING_KEY_UNUSABLE"),
        (b"\0".join(pem().splitlines()), "SIGNING_KEY_UNUSABLE"),
        (_of(ec.generate_private_key(ec.SECP384R1())), "SIGNING_KEY_UNUSABLE"),
        (_of(ed25519.Ed25519PrivateKey.generate()), "SIGNING_KEY_UNUSABLE"),
        (ECKey.generate_key("P-256").as_pem(private=False), "SIGNING_KEY_NOT_PRIVATE"),
    ],
)
def test_a_key_that_cannot_sign_is_told_at_once(given_pem: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_keys(given_pem)

    assert refused.value.reasons[0].code == code


# --- what stands in it -----------------------------------------------------------------------------------------------


def test_no_number_of_a_person_stands_in_it() -> None:
    assert not holds_id_number(json.dumps(said(), ensure_ascii=False))


# --- the code on the paper -------------------------------------------------------------------------------------------


def test_the_code_leads_to_its_number_after_an_extension_and_a_change_of_keys() -> None:
    first = pem()
    where, _, code = address(ISSUED.number, URL, read_keys(first)).partition("?code=")

    assert where == f"{URL}/certificates"
    assert number_in(code, trusted(URL, read_keys(pem(), (first,)))) == ISSUED.number


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: address(ISSUED.number, "https://other.example", KEYS), "CREDENTIAL_AUDIENCE"),
        (lambda: address(ISSUED.number, URL, OTHER), "CREDENTIAL_KEY_UNKNOWN"),
        (lambda: f"code={TOKEN}", "CREDENTIAL_UNREADABLE"),
        (lambda: "code=" + resigned({"aud": URL, "sub": 1}, typ="paper+jwt"), "CREDENTIAL_UNREADABLE"),
    ],
)
def test_a_code_that_is_not_this_papers_is_none(made: Callable[[], str], code: str) -> None:
    found = number_in(made().partition("code=")[2], ISSUER)

    assert isinstance(found, Reason)
    assert found.code == code


def test_the_code_is_short_enough_for_a_phone_to_read() -> None:
    assert len(address(ISSUED.number, URL, KEYS)) <= 331  # what version 13 holds at level M: 69 squares a side


def test_the_published_set_is_all_that_a_stranger_needs() -> None:
    stranger = Issuer(URL, KeySet.import_key_set(json.loads(json.dumps(published(KEYS)))))

    assert verify(TOKEN, stranger, FRESH, NOW).outcome is Outcome.VALID
