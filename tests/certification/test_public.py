"""The public page over HTTP: what anybody is answered, and what nobody is told."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.request
import zlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import jwt
import pytest

from deploy.local.roles import ALL_ROLES
from deploy.local.stack import Stack
from services.certification.credential import read_keys as keys_of
from services.certification.issued import Outcome
from services.certification.model import Suspension
from services.certification.page import HEADERS
from services.certification.usecases import holders
from services.certification.usecases.verifying import Published
from services.kit.messages import Language, text
from tests.certification.holder import holder
from tests.certification.office import EMPLOYER, THIRD
from tests.certification.paper import KEYS, URL, pem
from tests.certification.public import (
    EXPIRED,
    OUTCOMES,
    REVOKED,
    SUSPENDED,
    VALID,
    Known,
    certificate,
    code,
    credential,
    place,
    public,
    public_beside,
)

pytestmark = pytest.mark.integration

FORGERS = keys_of(pem())
UNKNOWN = "BJ-FFE-2026-999999"


def asking(way: Callable[[aiohttp.ClientSession], Awaitable[None]], **given: Any) -> None:
    async def run() -> None:
        async with public(**given) as url, aiohttp.ClientSession(url) as http:
            await way(http)

    asyncio.run(run())


async def outcome(http: aiohttp.ClientSession, **asked: str) -> dict[str, Any]:
    async with http.get("/certificates.json", params=asked) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        found: dict[str, Any] = await answer.json()
        return found


async def handed(http: aiohttp.ClientSession, token: str) -> str:
    async with http.post("/verify", data=token, headers={"accept": "application/json"}) as answer:
        assert answer.status == 200
        return str((await answer.json())["outcome"])


def altered(token: str) -> str:
    head, body, signature = token.split(".")
    raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).replace(b"2026", b"2027")
    return f"{head}.{base64.urlsafe_b64encode(raw).decode().rstrip('=')}.{signature}"


def test_a_certificate_is_told_by_number_by_the_code_on_its_paper_and_by_its_credential() -> None:
    async def way(http: aiohttp.ClientSession) -> None:
        for number, wanted in OUTCOMES.items():
            by_number = await outcome(http, number=f" {number.lower()} ")
            by_code = await outcome(http, code=code(number), number="whatever the form held")
            assert by_number["outcome"] == by_code["outcome"] == wanted.value
            assert by_number["certificate"] == by_code["certificate"]
            assert by_number["certificate"]["number"] == number
            assert await handed(http, credential(number)) == wanted.value

    asking(way)


def test_what_is_forged_altered_or_unknown_is_plainly_invalid_and_names_nobody() -> None:
    async def way(http: aiohttp.ClientSession) -> None:
        wrong = {code(VALID, FORGERS): "CREDENTIAL_KEY_UNKNOWN", altered(code(VALID)): "CREDENTIAL_SIGNATURE"}
        wrong |= {credential(VALID): "CREDENTIAL_UNREADABLE", "x": "CREDENTIAL_UNREADABLE"}
        for given, why in wrong.items():
            found = await outcome(http, code=given)
            assert (found["outcome"], found["reasons"][0]["code"], found["certificate"]) == ("INVALID", why, None)
        tokens = [credential(VALID, FORGERS), altered(credential(VALID)), code(VALID), "", "a.b.c", "\x00", "证书"]
        assert {await handed(http, one) for one in tokens} == {"INVALID"}

    asking(way)


def test_what_does_not_exist_and_what_could_not_be_have_one_answer() -> None:
    async def way(http: aiohttp.ClientSession) -> None:
        strange = [UNKNOWN, "", "'; DROP TABLE certificate", "\x00", "x" * 500, "BJ-FFE-2026-000001\n2", "编号"]
        answers = [await outcome(http, number=one) for one in strange]
        for one in answers:
            del one["checked_at"]
        assert all(one == answers[0] for one in answers)
        assert answers[0]["reasons"][0]["code"] == "CERTIFICATE_UNKNOWN"

    register = Known()
    asking(way, register=register)
    assert register.asked == [UNKNOWN]  # nothing that cannot be a number comes as far as the database


@pytest.mark.parametrize("language", Language)
def test_a_person_gets_the_page_in_her_language(language: Language) -> None:
    async def way(http: aiohttp.ClientSession) -> None:
        for asked, headers in ({"lang": language.value}, {}), ({}, {"accept-language": language.value}):
            async with http.get("/certificates", params={"number": REVOKED, **asked}, headers=headers) as answer:
                shown = await answer.text()
                assert text("VERIFIED_REVOKED", language) in shown
                assert f'lang="{language.value}"' in shown
        form = {"credential": credential(SUSPENDED), "lang": language.value}
        async with http.post("/verify", data=form) as answer:
            assert text("VERIFIED_SUSPENDED", language) in await answer.text()
        for path in ("/", "/certificates"):
            async with http.get(path, params={"lang": language.value}) as answer:
                assert text("VERIFY_TITLE", language) in (shown := await answer.text())
                assert 'role="status"' not in shown

    asking(way)


def test_every_answer_is_strict_whatever_was_asked() -> None:
    strict = {name: value for name, value in HEADERS if name not in {"content-type", "cache-control"}}

    async def way(http: aiohttp.ClientSession) -> None:
        expected = {
            ("GET", "/"): 200, ("HEAD", "/"): 200, ("GET", "/certificates?number=x"): 200, ("GET", "/healthz"): 200,
            ("GET", "/certificates.json"): 200, ("GET", "/status/revocation/0"): 200,
            ("GET", "/.well-known/jwks.json"): 200, ("GET", "/status/revocation/1"): 404,
            ("GET", "/status/refresh/0"): 404, ("GET", "/certificates.xml"): 404, ("GET", "/../etc/passwd"): 404,
            ("POST", "/certificates"): 405, ("DELETE", "/verify"): 405, ("GET", f"/?{'x' * 9000}"): 400,
        }  # fmt: skip
        for (method, path), status in expected.items():
            async with http.request(method, path) as answer:
                assert (method, path[:30], answer.status) == (method, path[:30], status)
                if status != 400:  # not even read as a request
                    assert {name: answer.headers.get(name) for name in strict} == strict
                    assert "set-cookie" not in answer.headers
        async with http.post("/verify", data=b"x" * 16_385) as answer:
            assert answer.status == 413
        async with http.post("/verify", data=b"x" * 16_384) as answer:
            assert answer.status == 200

    asking(way)


def test_while_the_register_is_away_nobody_is_told_that_a_certificate_holds() -> None:
    async def way(http: aiohttp.ClientSession) -> None:
        async with http.get("/certificates", params={"number": VALID}) as answer:
            assert answer.status == 503
            assert answer.headers["retry-after"]
            assert text("VERIFIED_VALID", Language.ZH) not in await answer.text()

    asking(way, register=Known(away=True))


def test_no_more_than_so_many_are_answered_at_once() -> None:
    async def run() -> None:
        register = Known(slow=asyncio.Event())
        assert register.slow
        async with public(register, at_once_max=2) as url, aiohttp.ClientSession(url) as http:
            waiting = [asyncio.create_task(outcome(http, number=VALID)) for _ in range(2)]
            for _ in waiting:
                await register.entered.get()
            async with http.get("/certificates", params={"number": VALID}) as answer:
                assert answer.status == 503
            register.slow.set()
            assert {(await one)["outcome"] for one in waiting} == {"VALID"}
            assert (await outcome(http, number=VALID))["outcome"] == "VALID"

    asyncio.run(run())


def test_a_rotated_key_goes_on_verifying_what_it_signed() -> None:
    newer = keys_of(pem(), [KEYS.signing.as_pem(private=False)])

    async def way(http: aiohttp.ClientSession) -> None:
        for keys in (KEYS, newer):
            assert (await outcome(http, code=code(VALID, keys)))["outcome"] == "VALID"
            assert await handed(http, credential(VALID, keys)) == "VALID"

    asking(way, keys=newer)


# --- on the tables ---------------------------------------------------------------------------------------------------


def test_what_happens_to_a_certificate_is_what_its_paper_leads_to(stack: Stack, dsn: str) -> None:
    async def way() -> None:
        async with holder(stack, dsn) as at:
            one = await at.awarded()
            published = Published(at.desk, timedelta(hours=1))
            async with public(published) as url, aiohttp.ClientSession(url) as http:

                async def stands(wanted: str) -> None:
                    told = [
                        await outcome(http, number=one.number),
                        await outcome(http, code=one.code.split("code=")[1]),
                    ]
                    assert [found["outcome"] for found in told] == [wanted, wanted]
                    assert told[0]["certificate"]["uscc"] == at.uscc
                    assert await handed(http, one.credential) == wanted

                await stands("VALID")
                await at.does(THIRD, holders.suspend, Suspension.ARREARS, "x")
                await stands("SUSPENDED")
                await at.does(EMPLOYER, holders.surrender)
                await stands("REVOKED")
                assert (await outcome(http, number=UNKNOWN))["outcome"] == "INVALID"
                for sheet, status in ((0, 200), (1, 404)):
                    async with http.get(f"/status/revocation/{sheet}") as answer:
                        assert answer.status == status

    asyncio.run(way())


def test_the_page_is_a_process_of_its_own(stack: Stack) -> None:
    async def way() -> None:
        async with aiohttp.ClientSession(stack.environment["CRADLE_CERTIFICATE_URL"]) as http:
            assert (await outcome(http, number=UNKNOWN))["outcome"] == "INVALID"
            async with http.get("/.well-known/jwks.json") as answer:
                assert len(json.loads(await answer.read())["keys"]) == 1

    stack.start_role(ALL_ROLES[-1])
    asyncio.run(way())


# --- somebody else verifies ------------------------------------------------------------------------------------------


def test_another_verifier_finds_the_same_with_nothing_but_what_is_published() -> None:
    """PyJWT and the standards' words, over HTTP: keys, credential, and the bits at its place in both lists."""
    with public_beside() as url:
        keys = jwt.PyJWKClient(f"{url}/.well-known/jwks.json")

        def opened(token: str) -> Any:
            key = keys.get_signing_key_from_jwt(token)
            return json.loads(jwt.PyJWS().decode(token, key.key, algorithms=["ES256"]))

        def is_set(entry: dict[str, str]) -> bool:
            address = entry["statusListCredential"].replace(URL, url)
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310  # ours
                listed = opened(answer.read().decode())["credentialSubject"]
            assert listed["statusPurpose"] == entry["statusPurpose"]
            packed = listed["encodedList"].removeprefix("u")
            bits = zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), 31)
            at = int(entry["statusListIndex"])
            return bool(bits[at // 8] >> (7 - at % 8) & 1)

        found = {}
        for number in OUTCOMES:
            said = opened(credential(number))
            assert said["credentialSubject"]["certificateNumber"] == number
            found[number] = [is_set(entry) for entry in said["credentialStatus"]]
        with pytest.raises(jwt.PyJWKClientError):
            opened(credential(VALID, FORGERS))

    assert found == {VALID: [False, False], SUSPENDED: [False, True], REVOKED: [True, False], EXPIRED: [False, False]}
    assert {place(number).index for number in OUTCOMES} == {0, 1, 2, 3}
    assert certificate(EXPIRED).valid_to.year == 2024
    assert Outcome.INVALID not in OUTCOMES.values()
