"""A real Chromium, and pages that are signed in and have the probe."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from bench.support.checks import BenchFailed, expect, expect_equal
from bench.support.servers import Platform, platform
from ui_build import building
from ui_build.chromium import MISSING, chromium_path, launch_options

WIDE, NARROW = (1280, 800), (390, 844)
WITHIN_MS = 60_000
PROBE = Path(__file__).with_name("probe.js")


@contextlib.asynccontextmanager
async def started() -> AsyncIterator[tuple[Platform, Browser]]:
    """A platform of one's own that serves the UI of these sources, and a browser."""
    await asyncio.to_thread(building.build, print)
    async with platform() as servers, chromium() as browser:
        yield servers, browser
        await servers.check_alive()


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    path = chromium_path()
    expect(path is not None, MISSING)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options(path or ""))
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def signed_in(
    browser: Browser, url: str, api_key: str, size: tuple[int, int] = WIDE
) -> AsyncIterator[Page]:
    """A tab with a session cookie; an error that its pages throw fails the bench."""
    context = await browser.new_context(
        base_url=url,
        viewport={"width": size[0], "height": size[1]},
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    try:
        context.set_default_timeout(WITHIN_MS)
        await context.add_init_script(path=PROBE)
        thrown: list[str] = []
        context.on("weberror", lambda error: thrown.append(str(error.error)))
        answer = await context.request.post("/session", data={"api_key": api_key})
        expect_equal(answer.status, 200, "signing in")
        yield await context.new_page()
        expect(not thrown, f"the page threw {thrown[:3]}")
    finally:
        await context.close()


async def probe(page: Page, call: str, *, within: float = WITHIN_MS / 1000, of: str = "") -> Any:
    """What ``__bench.<call>`` answers; ``of`` says in an error what it was about."""
    try:
        async with asyncio.timeout(within):
            return await page.evaluate(f"() => __bench.{call}")
    except TimeoutError:
        raise BenchFailed(f"{call} {of}: no answer within {within:g} s at {page.url}") from None


@contextlib.asynccontextmanager
async def devtools(page: Page) -> AsyncIterator[CDPSession]:
    session = await page.context.new_cdp_session(page)
    try:
        yield session
    finally:
        await session.detach()
