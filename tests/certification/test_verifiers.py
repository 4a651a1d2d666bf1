"""Others verify what we sign: PyJWT from the published key set, and nothing but cryptography from RFC 7515's words."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from services.certification.credential import address, issue, published
from tests.certification.paper import ISSUED, KEYS, PLACE, URL, lists

PUBLISHED = json.loads(json.dumps(published(KEYS)))
TOKEN = issue(ISSUED, PLACE, URL, KEYS)
ALL = {
    "credential": TOKEN,
    "revocation list": lists().revocation,
    "suspension list": lists(suspended=[PLACE.index]).suspension,
    "code on the paper": address(ISSUED.number, URL, KEYS).partition("?code=")[2],
}


def raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def by_pyjwt(token: str) -> Any:
    key = jwt.PyJWKSet.from_dict(PUBLISHED)[jwt.get_unverified_header(token)["kid"]]
    return json.loads(jwt.PyJWS().decode(token, key.key, algorithms=["ES256"]))


def by_hand(token: str) -> Any:
    head, body, signature = token.split(".")
    key = next(one for one in PUBLISHED["keys"] if one["kid"] == json.loads(raw(head))["kid"])
    x, y = int.from_bytes(raw(key["x"])), int.from_bytes(raw(key["y"]))
    numbers = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1())
    both = raw(signature)
    signed_pair = encode_dss_signature(int.from_bytes(both[:32]), int.from_bytes(both[32:]))
    numbers.public_key().verify(signed_pair, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    return json.loads(raw(body))


@pytest.mark.parametrize("what", ALL)
def test_pyjwt_and_plain_cryptography_read_the_same(what: str) -> None:
    assert by_pyjwt(ALL[what]) == by_hand(ALL[what])


@pytest.mark.parametrize("what", ALL)
def test_neither_takes_an_altered_one(what: str) -> None:
    head, body, signature = ALL[what].split(".")
    altered = f"{head}.{base64.urlsafe_b64encode(raw(body).replace(b'20', b'21')).decode().rstrip('=')}.{signature}"

    with pytest.raises(jwt.InvalidSignatureError):
        by_pyjwt(altered)
    with pytest.raises(InvalidSignature):
        by_hand(altered)


def test_the_credential_has_what_the_data_model_asks_for() -> None:
    said = by_pyjwt(TOKEN)

    assert said["@context"][0] == "https://www.w3.org/ns/credentials/v2"
    assert said["type"][0] == "VerifiableCredential"
    assert said["issuer"]["id"] == URL
    assert (said["validFrom"], said["validUntil"]) == ("2026-12-01T00:00:00+08:00", "2029-11-30T23:59:59+08:00")
    assert [one["statusPurpose"] for one in said["credentialStatus"]] == ["revocation", "suspension"]
    assert jwt.get_unverified_header(TOKEN)["typ"] == "vc+jwt"


def test_a_key_is_named_by_its_thumbprint() -> None:
    key = PUBLISHED["keys"][0]
    canonical = json.dumps({name: key[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode()

    assert thumbprint.startswith(key["kid"])
    assert len(key["kid"]) == 16
