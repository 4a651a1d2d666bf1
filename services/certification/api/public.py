"""HTTP for anybody: the public page, the same as JSON, the status lists and the keys. It reads, and knows nobody.

It stands behind a gateway, which ends TLS (and so says HSTS) and bounds how often one address may ask. Here is bounded
how much a request may hold, how long it may take, and how many are answered at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, TypeAlias

import orjson
from aiohttp import web

from services.certification.issued import Verification
from services.certification.page import HEADERS, document, page
from services.certification.usecases import verifying
from services.certification.usecases.verifying import Desk
from services.kit import telemetry
from services.kit.errors import is_away, is_conflict, places
from services.kit.messages import Language, text

_BODY_BYTES_MAX: Final = 16 * 1024
_ANSWER_S: Final = 5.0
_IDLE_S: Final = 15.0
_LISTS_KEPT_S: Final = 60
_KEYS_KEPT_S: Final = 300
_PLAIN: Final = {"content-type": "text/plain; charset=utf-8"}
_JSON: Final = {"content-type": "application/json"}
_FOR_ANY_SITE: Final = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
_STRICT: Final = {name: value for name, value in HEADERS if name != "content-type"}
_log = telemetry.log(__name__)

Answer: TypeAlias = "Callable[[web.Request], Awaitable[web.StreamResponse]]"


class Public:
    def __init__(self, desk: Desk, at_once_max: int) -> None:
        self.desk = desk
        self.at_once_max = at_once_max
        self.at_once = 0

    def application(self) -> web.Application:
        @web.middleware
        async def guarded(request: web.Request, handler: Answer) -> web.StreamResponse:
            return await self._guarded(request, handler)

        made = web.Application(client_max_size=_BODY_BYTES_MAX, middlewares=[guarded])
        made.add_routes(
            [
                web.get("/", self.question),
                web.get("/certificates{form:(|[.]json)}", self.certificate),
                web.post("/verify", self.credential),
                web.get("/status/{purpose:revocation|suspension}/{sheet:[0-9]{1,6}}", self.status),
                web.get("/.well-known/jwks.json", self.keys),
                web.get("/healthz", self.health),
            ]
        )
        return made

    # --- for people, and for machines --------------------------------------------------------------------------------

    async def question(self, request: web.Request) -> web.Response:
        return _page(None, _language(request, request.query))

    async def certificate(self, request: web.Request) -> web.Response:
        """By `code` if there is one, else by `number`."""
        asked, as_json = request.query, _wants_json(request)
        number, code = asked.get("number", ""), asked.get("code", "")
        if code:
            found = await verifying.by_code(self.desk, code)
        elif number or as_json:
            found = await verifying.by_number(self.desk, number)
        else:
            return _page(None, _language(request, asked))
        return _document(found) if as_json else _page(found, _language(request, asked), number=number, code=code)

    async def credential(self, request: web.Request) -> web.Response:
        """A form's field, or the body as it is."""
        sent: Mapping[str, object] = {}
        if request.content_type == "application/x-www-form-urlencoded":
            sent = await request.post()
        token = str(sent.get("credential", "")) if sent else (await request.read()).decode("ascii", "replace")
        found = await verifying.by_credential(self.desk, token)
        if _wants_json(request):
            return _document(found)
        return _page(found, _language(request, sent or request.query), credential=token)

    # --- for who verifies alone --------------------------------------------------------------------------------------

    async def status(self, request: web.Request) -> web.Response:
        found = await verifying.status_lists(self.desk, int(request.match_info["sheet"]))
        if found is None:
            raise web.HTTPNotFound
        purpose = request.match_info["purpose"]
        kept = {"content-type": "application/vc+jwt", "cache-control": f"public, max-age={_LISTS_KEPT_S}"}
        return web.Response(
            text=found.revocation if purpose == "revocation" else found.suspension,
            headers={**_STRICT, **_FOR_ANY_SITE, **kept},
        )

    async def keys(self, request: web.Request) -> web.Response:
        kept = {"content-type": "application/jwk-set+json", "cache-control": f"public, max-age={_KEYS_KEPT_S}"}
        body = orjson.dumps(verifying.key_set(self.desk))
        return web.Response(body=body, headers={**_STRICT, **_FOR_ANY_SITE, **kept})

    async def health(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n", headers={**_STRICT, **_PLAIN})

    # --- around every answer -----------------------------------------------------------------------------------------

    async def _guarded(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        route = request.match_info.route.resource
        made = await self._bounded(request, answer)
        telemetry.PUBLIC_ANSWERS.labels(route.canonical if route else "none", str(made.status)).inc()
        return made

    async def _bounded(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        if self.at_once >= self.at_once_max:
            return _failed(HTTPStatus.SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE")
        self.at_once += 1
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await answer(request)
        except web.HTTPException as refused:  # no such page, another method, a body too large
            headers = {
                **_STRICT,
                **_PLAIN,
                **({"allow": refused.headers["allow"]} if "allow" in refused.headers else {}),
            }
            return web.Response(status=refused.status, text=f"{refused.reason}\n", headers=headers)
        except Exception as error:  # noqa: BLE001  # nothing of a failure is told to strangers
            if is_away(error) or is_conflict(error):
                _log.warning("waiting", error=type(error).__name__)
                return _failed(HTTPStatus.SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE")
            _log.error("answer failed", error=type(error).__name__, places=places(error))
            return _failed(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR")
        finally:
            self.at_once -= 1


@asynccontextmanager
async def serving(public: Public, listen: str) -> AsyncIterator[str]:
    """Serve until left; the address that it listens on."""
    host, port = listen.rsplit(":", 1)
    runner = web.AppRunner(public.application(), access_log=None, keepalive_timeout=_IDLE_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, int(port)).start()
        yield f"{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _page(found: Verification | None, language: Language, **asked: str) -> web.Response:
    headers = {**dict(HEADERS), "vary": "accept, accept-language"}
    return web.Response(text=page(found, language, **asked), headers=headers)


def _document(found: Verification) -> web.Response:
    return web.Response(body=document(found), headers={**_STRICT, **_JSON, "vary": "accept"})


def _failed(status: HTTPStatus, code: str) -> web.Response:
    said = "\n".join(text(code, language) for language in Language)
    return web.Response(status=status, text=f"{said}\n", headers={**_STRICT, **_PLAIN, "retry-after": "5"})


def _language(request: web.Request, asked: Mapping[str, object]) -> Language:
    chosen = str(asked.get("lang", "")) or request.headers.get("accept-language", "")
    return Language.EN if chosen.lower().startswith("en") else Language.ZH


def _wants_json(request: web.Request) -> bool:
    accepts = request.headers.get("accept", "")
    return request.match_info.get("form") == ".json" or ("json" in accepts and "html" not in accepts)
