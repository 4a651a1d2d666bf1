"""A person's token: what is taken, what is seen through, and how the issuer's keys change under it."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from deploy.local.authority import AUDIENCE, ISSUER, keep
from services.kit.auth.tokens import KeysUnread, Tokens, fetching
from services.kit.errors import Unauthenticated
from tests.kit.forging import by_hand, confused, unsigned

ALGORITHMS = ("ES256", "RS256")
Key = ECKey | RSAKey


def ec_key(kid: str = "one") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


ONE, RSA = ec_key(), RSAKey.generate_key(2048, {"kid": "rsa"})


def said(**changed: object) -> dict[str, Any]:
    """Everything a token must say, valid for an hour; None leaves a claim out."""
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "anna", "iat": now, "exp": now + 3600, **changed}
    return {name: value for name, value in claims.items() if value is not None}


def signed(key: Key = ONE, *, kid: str | None = None, alg: str = "ES256", **changed: object) -> str:
    return jwt.encode({"alg": alg, "kid": kid or key.kid}, said(**changed), key, algorithms=[alg])


class Issuer:
    """Publishes keys, and counts how often it is asked for them."""

    def __init__(self, *keys: Key) -> None:
        self.keys: Sequence[Key] = keys
        self.asked = 0
        self.away = False

    async def __call__(self) -> bytes:
        self.asked += 1
        if self.away:
            raise ConnectionRefusedError
        return json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()


def reader(issuer: Issuer, *, refresh_s: float = 3600, max_age_s: float = 3600) -> Tokens:
    tokens = Tokens(ISSUER, AUDIENCE, ALGORITHMS, issuer, refresh_s, max_age_s)
    asyncio.run(tokens.start())
    return tokens


def refusal(tokens: Tokens, token: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        asyncio.run(tokens.check(token))
    return refused.value.reasons[0].code


@pytest.fixture
def tokens() -> Tokens:
    return reader(Issuer(ONE, RSA))


@pytest.mark.parametrize(("key", "alg"), [(ONE, "ES256"), (RSA, "RS256")], ids=["ES256", "RS256"])
def test_a_token_of_the_issuer_says_who_it_is_and_until_when(tokens: Tokens, key: Key, alg: str) -> None:
    claims, until = asyncio.run(tokens.check(signed(key, alg=alg)))

    assert claims["sub"] == "anna"
    assert until == datetime.fromtimestamp(claims["exp"], UTC)


def test_one_of_several_audiences_may_be_us(tokens: Tokens) -> None:
    assert asyncio.run(tokens.check(signed(aud=["elsewhere", AUDIENCE])))


NOW = int(datetime.now(UTC).timestamp())
WRONG = {
    "of another audience": signed(aud="elsewhere"),
    "of no audience": signed(aud=None),
    "of another issuer": signed(iss="urn:elsewhere"),
    "of no issuer": signed(iss=None),
    "that never ends": signed(exp=None),
    "that ends in words": signed(exp="tomorrow"),
    "of nobody": signed(sub=None),
    "not valid yet": signed(nbf=NOW + 3600),
    "of the future": signed(iat=NOW + 3600),
    "of another key under a known name": signed(ec_key("one")),
    "of a key that is not known": signed(ec_key("two")),
    "signed by one kind of key under the name of another": signed(ONE, kid="rsa"),
    "by an algorithm not taken": jwt.encode({"alg": "PS256", "kid": "rsa"}, said(), RSA, algorithms=["PS256"]),
    "nobody signed": unsigned(said()),
    "nobody signed, written otherwise": by_hand({"alg": "NONE", "kid": "one"}, said()),
    "with the public key as a secret": confused(said(), RSA.as_pem(private=False)),
    "without a key's name": jwt.encode({"alg": "ES256"}, said(), ONE),
    "with its own key inside": by_hand({"alg": "ES256", "jwk": ONE.as_dict(private=False)}, said(), b"x" * 64),
    "with a critical header nobody knows": by_hand({"alg": "ES256", "kid": "one", "crit": ["x"]}, said(), b"x" * 64),
    "with a number for an algorithm": by_hand({"alg": 256, "kid": "one"}, said()),
    "with a list for a header": by_hand([], said()),
    "with a list for a key's name": by_hand({"alg": "ES256", "kid": ["one"]}, said()),
    "whose claims are no object": by_hand({"alg": "ES256", "kid": "one"}, []),
    "whose header is a pit": ".".join([base64.urlsafe_b64encode(b"[" * 5_000).decode(), "e30", ""]),
    "cut short": signed()[:-4],
    "too long": "x" * 9_000,
    "empty": "",
    "not of our characters": "é.ü.ñ",
}


@pytest.mark.parametrize("token", WRONG.values(), ids=WRONG.keys())
def test_a_token_is_seen_through(tokens: Tokens, token: str) -> None:
    assert refusal(tokens, token) == "AUTH_TOKEN_INVALID"


def test_a_token_changed_by_one_claim_is_seen_through(tokens: Tokens) -> None:
    header, claims, signature = signed().split(".")
    other = by_hand({}, said(sub="mallory")).split(".")[1]

    assert refusal(tokens, f"{header}.{other}.{signature}") == "AUTH_TOKEN_INVALID"
    assert refusal(tokens, f"{header}.{claims}.{signature[::-1]}") == "AUTH_TOKEN_INVALID"


@given(st.text(max_size=200) | st.lists(st.text(max_size=30), min_size=3, max_size=5).map(".".join))
def test_any_text_is_refused_and_never_a_failure(text: str) -> None:
    assert refusal(reader(Issuer(ONE)), text) == "AUTH_TOKEN_INVALID"


NAMES = st.sampled_from(["alg", "kid", "crit", "b64", "typ", "enc", "zip"])


@given(st.dictionaries(NAMES, st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_any_header_is_refused_and_never_a_failure(header: dict[str, object]) -> None:
    assert refusal(reader(Issuer(ONE)), by_hand(header, said(), b"x" * 64)) == "AUTH_TOKEN_INVALID"


@pytest.mark.parametrize("late", [timedelta(seconds=1), timedelta(days=1)], ids=str)
def test_a_token_that_is_over_says_so(tokens: Tokens, late: timedelta) -> None:
    assert refusal(tokens, signed(exp=int((datetime.now(UTC) - late).timestamp()))) == "AUTH_TOKEN_EXPIRED"


def test_a_forged_token_that_is_over_is_only_forged(tokens: Tokens) -> None:
    assert refusal(tokens, signed(ec_key("one"), exp=NOW - 60)) == "AUTH_TOKEN_INVALID"


def test_a_token_that_was_taken_once_still_ends(tokens: Tokens) -> None:
    token = signed()
    claims, _ = asyncio.run(tokens.check(token))
    tokens.known[token] = claims, datetime.now(UTC) - timedelta(seconds=1)

    assert refusal(tokens, token) == "AUTH_TOKEN_EXPIRED"


# --- the issuer's keys ----------------------------------------------------------------------------------------------


def test_a_new_key_is_found_by_its_unknown_name() -> None:
    issuer, new = Issuer(ONE), ec_key("new")
    tokens = reader(issuer, refresh_s=0)
    issuer.keys = [ONE, new]

    assert asyncio.run(tokens.check(signed(new)))
    assert asyncio.run(tokens.check(signed(ONE)))
    assert issuer.asked == 2


def test_unknown_names_ask_the_issuer_once_an_interval_however_many() -> None:
    issuer = Issuer(ONE)
    tokens = reader(issuer)
    tokens.looked_s -= 3601  # the interval since the start is over

    async def flood() -> list[Any]:
        asked = [tokens.check(signed(ec_key(f"unknown-{n}"))) for n in range(20)]
        return list(await asyncio.gather(*asked, return_exceptions=True))

    assert all(isinstance(refused, Unauthenticated) for refused in asyncio.run(flood()))
    assert issuer.asked == 2


def test_a_key_that_was_taken_back_ends_with_the_age_of_the_keys() -> None:
    issuer = Issuer(ONE, RSA)
    tokens = reader(issuer, refresh_s=0, max_age_s=3600)
    token = signed()
    asyncio.run(tokens.check(token))
    issuer.keys = [RSA]
    assert asyncio.run(tokens.check(token))

    tokens.had_s -= 3601

    assert refusal(tokens, token) == "AUTH_TOKEN_INVALID"


def test_while_the_issuer_is_away_its_keys_stay() -> None:
    issuer = Issuer(ONE)
    tokens = reader(issuer, refresh_s=0, max_age_s=0)
    issuer.away = True

    assert asyncio.run(tokens.check(signed()))
    assert refusal(tokens, signed(ec_key("two"))) == "AUTH_TOKEN_INVALID"


def test_a_secret_among_the_issuers_keys_signs_nothing() -> None:
    async def with_secret() -> bytes:
        secret = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}
        return json.dumps({"keys": [secret, ONE.as_dict(private=False)]}).encode()

    tokens = Tokens(ISSUER, AUDIENCE, ALGORITHMS, with_secret, 0, 3600)
    asyncio.run(tokens.start())

    assert [key.kid for key in tokens.keys] == ["one"]


@pytest.mark.parametrize(
    "published",
    [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [{"kty": "EC"}]}', b"\xff", b'{"keys": [1]}'],
)
def test_what_is_no_key_set_stops_the_start(published: bytes) -> None:
    async def fetch() -> bytes:
        return published

    with pytest.raises(KeysUnread):
        asyncio.run(Tokens(ISSUER, AUDIENCE, ALGORITHMS, fetch, 0, 3600).start())


def test_keys_are_read_from_a_file(tmp_path: Path) -> None:
    authority = keep(tmp_path)

    tokens = Tokens(ISSUER, AUDIENCE, ALGORITHMS, fetching(str(authority.token_keys), None), 0, 3600)
    asyncio.run(tokens.start())

    assert asyncio.run(tokens.check(authority.token("anna", {})))[0]["sub"] == "anna"


@pytest.mark.parametrize("where", ["http://keys.example/", "ftp://keys.example/", "file:///etc/keys"])
def test_keys_are_not_read_by_anything_but_https(where: str) -> None:
    with pytest.raises(KeysUnread):
        fetching(where, None)


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    tokens = Tokens(ISSUER, AUDIENCE, ALGORITHMS, fetching(str(tmp_path / "none.json"), None), 0, 3600)

    with pytest.raises(KeysUnread, match="FileNotFoundError"):
        asyncio.run(tokens.start())


# --- by https -------------------------------------------------------------------------------------------------------


@contextmanager
def publishing(folder: Path, status: int, body: bytes) -> Iterator[str]:
    """An https server with a certificate of the folder's authority; its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "https://localhost/keys")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    own = keep(folder).identity("service/issuer")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def get_request(self) -> tuple[ssl.SSLSocket, Any]:
            """The handshake comes with the first byte read, so that one that fails is closed like any other."""
            plain, address = super().get_request()
            return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}/keys?of=us"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def started(where: str, trusted: Path | None) -> Tokens:
    tokens = Tokens(ISSUER, AUDIENCE, ALGORITHMS, fetching(where, trusted), 0, 3600)
    asyncio.run(tokens.start())
    return tokens


@pytest.mark.integration
def test_keys_are_read_by_https(tmp_path: Path) -> None:
    authority = keep(tmp_path)
    with publishing(tmp_path, 200, authority.token_keys.read_bytes()) as where:
        tokens = started(where, authority.authorities)

    assert asyncio.run(tokens.check(authority.token("anna", {})))


@pytest.mark.integration
@pytest.mark.parametrize("status", [302, 404, 500])
def test_only_an_answer_that_is_the_keys_is_taken(tmp_path: Path, status: int) -> None:
    authority = keep(tmp_path)
    with publishing(tmp_path, status, authority.token_keys.read_bytes()) as where, pytest.raises(KeysUnread):
        started(where, authority.authorities)


@pytest.mark.integration
def test_an_issuer_with_a_certificate_of_another_authority_is_not_believed(tmp_path: Path) -> None:
    ours = keep(tmp_path / "ours")
    keys = keep(tmp_path / "theirs").token_keys.read_bytes()
    with publishing(tmp_path / "theirs", 200, keys) as where, pytest.raises(KeysUnread, match="SSLCertVerification"):
        started(where, ours.authorities)
