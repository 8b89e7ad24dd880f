"""A real platform with its built UI, a real Chromium, and a page that is signed in.

Platform and browser are shared by a worker's browser tests; every test has a context of its own:
its cookies, its storage, its cache. What a page says that its flow does not expect fails the test.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.support.browser import WIDE, Watch
from tests.support.whole_platform import Platform, running
from ui_build import building
from ui_build.chromium import MISSING, chromium_path, launch_options

WITHIN_MS = 30_000
"""For what a page waits for: the machine may be shared."""

expect.set_options(timeout=WITHIN_MS)

NewContext = Callable[..., Awaitable[BrowserContext]]


@pytest.fixture(scope="session")
async def built_ui() -> None:
    """The UI of these very sources; of several workers one builds it."""
    await asyncio.to_thread(building.build, print)


@pytest.fixture(scope="package")
async def platform(built_ui: None) -> AsyncIterator[Platform]:
    """Everything as ``make run`` starts it."""
    async with running() as started:
        yield started


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    path = chromium_path(prefers_shell=True)
    if path is None:
        if "CI" in os.environ:
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(**launch_options(path))
        yield launched
        await launched.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Over all contexts of the test; it fails on what the test does not ``expect``."""
    found = Watch()
    yield found
    assert found.unexpected == []


@pytest.fixture
async def new_context(
    browser: Browser, platform: Platform, watch: Watch
) -> AsyncIterator[NewContext]:
    """Makes another browser profile: ``await new_context(is_signed_in=False, viewport=NARROW)``.

    ``at`` is the address of another platform, ``api_key`` its key.
    """
    made: list[BrowserContext] = []

    async def new(
        *,
        is_signed_in: bool = True,
        at: str | None = None,
        api_key: str | None = None,
        **options: Any,
    ) -> BrowserContext:
        context = await browser.new_context(
            **{
                "base_url": at or platform.status["url"],
                "viewport": WIDE,
                "locale": "en-GB",
                "timezone_id": "Europe/Berlin",
                **options,
            }
        )
        made.append(context)
        context.set_default_timeout(WITHIN_MS)
        await watch.over(context)
        if is_signed_in:
            answer = await context.request.post(
                "/session", data={"api_key": api_key or platform.status["api_key"]}
            )
            assert answer.status == 200, await answer.text()
        return context

    yield new
    for context in made:
        await context.close()


@pytest.fixture
async def page(new_context: NewContext) -> Page:
    """A tab that is signed in by the cookie that the real ``POST /session`` set; still empty."""
    return await (await new_context()).new_page()
