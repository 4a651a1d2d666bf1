"""Whoever holds a certificate before her looks it up in a real browser: by number, by code, by credential."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from services.certification.credential import address
from services.kit.messages import Language, text
from tests.browser.chromium import Tab, chromium
from tests.certification.paper import KEYS, URL
from tests.certification.public import EXPIRED, REVOKED, SUSPENDED, VALID, code, credential, public

pytestmark = pytest.mark.browser

ZH, EN = Language.ZH, Language.EN
LOOK_UP, HAND_IN = "main form[method=get] button", "main form[method=post] button"


async def outcome(tab: Tab) -> str:
    return await tab.sees("[role=status] .outcome")


def test_a_certificate_is_looked_up_by_everything_that_shows_it(tmp_path: Path) -> None:
    async def way() -> None:
        async with public() as url, chromium(tmp_path / "profile") as tab:
            await tab.does("Emulation.setScriptExecutionDisabled", value=True)  # none is needed
            await tab.does(
                "Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True
            )

            await tab.goes_to(f"{url}/")
            assert await tab.sees("h1") == text("VERIFY_TITLE", ZH)
            await tab.writes("#number", VALID)
            await tab.clicks(LOOK_UP)
            assert await outcome(tab) == text("VERIFIED_VALID", ZH)
            assert "宝鸡市渭滨区示例机械制造有限责任公司" in await tab.sees("dl")
            size = (await tab.does("Page.getLayoutMetrics"))["cssContentSize"]
            assert size["width"] <= 360  # on a telephone nothing lies beside the page
            (tmp_path / "valid.png").write_bytes(await tab.picture())

            await tab.clicks("header button")
            assert await outcome(tab) == text("VERIFIED_VALID", EN)

            for number, word in ((REVOKED, "VERIFIED_REVOKED"), (SUSPENDED, "VERIFIED_SUSPENDED")):
                scanned = address(number, URL, KEYS).replace(URL, url)  # what the code on the paper holds
                await tab.goes_to(scanned)
                assert await outcome(tab) == text(word, ZH)

            await tab.goes_to(f"{url}/certificates?lang=en&code={code(VALID)[:-9]}AAAAAAAAA")
            assert await outcome(tab) == text("VERIFIED_INVALID", EN)
            assert text("CREDENTIAL_SIGNATURE", EN) in await tab.sees("[role=status]")
            for token, word in ((credential(EXPIRED), "VERIFIED_EXPIRED"), ("ey.none.of.ours", "VERIFIED_INVALID")):
                await tab.goes_to(f"{url}/?lang=en")
                await tab.writes("#credential", token)
                await tab.clicks(HAND_IN)
                assert await outcome(tab) == text(word, EN)

            assert tab.complaints == []
            assert [one for one in tab.requests if not one.startswith(f"{url}/")] == []

    asyncio.run(way())


def test_what_is_asked_can_run_nothing_though_scripts_may_run(tmp_path: Path) -> None:
    evil = "\"><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"

    async def way() -> None:
        async with public() as url, chromium(tmp_path) as tab:
            await tab.goes_to(f"{url}/certificates?lang=en&number={quote(evil)}&code=")
            assert await outcome(tab) == text("VERIFIED_INVALID", EN)
            title = await tab.does("Runtime.evaluate", expression="document.title + document.scripts.length")
            assert title["result"]["value"] == text("VERIFY_TITLE", EN) + "0"
            added = "s = document.createElement('script'); s.text = 'document.title = 1'; document.body.append(s)"
            await tab.does("Runtime.evaluate", expression=added)
            title = await tab.does("Runtime.evaluate", expression="document.title")
            assert title["result"]["value"] == text("VERIFY_TITLE", EN)
            assert any("Content Security Policy" in one for one in tab.complaints)  # it would be told

    asyncio.run(way())
