"""An event's life, shortened to seconds, while it is looked at: active, archived, erased."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import Watch, screenshot
from tests.support.whole_platform import Platform, running

LIVES = {"ETP_ACTIVE_FOR": "10s", "ETP_KEPT_FOR": "24s"}


@pytest.fixture(scope="module")
async def platform(built_ui: None) -> AsyncIterator[Platform]:
    async with running(environment=LIVES) as started:
        yield started


async def test_an_event_is_archived_and_erased_before_ones_eyes(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(410)
    made = await platform.create(name="mortal", type="api")
    log = f"/ui/events?trigger={made['id']}"
    rows = "[data-row]"
    await page.goto(log)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    permalink, archived, trigger = [await page.context.new_page() for _ in range(3)]
    await trigger.goto(f"/ui/triggers/{made['id']}")
    event = await platform.fire(made["id"], payload={"secret": "of its own"})
    await page.locator(rows).click()
    drawer = page.get_by_role("dialog")
    await expect(drawer.get_by_text("of its own")).to_be_visible()
    await permalink.goto(f"/ui/events/{event}")
    await expect(permalink.get_by_text("of its own")).to_be_visible()

    # Archived: it leaves the active log; what shows it says so, and goes on showing it.
    await expect(page.locator(rows)).to_have_count(0)
    await expect(drawer.get_by_text("of its own")).to_be_visible()
    for shown in (drawer, permalink):
        await expect(shown.get_by_text("deletes in", exact=False)).to_be_visible()
        await expect(shown.get_by_text("archives in", exact=False)).to_have_count(0)
    await archived.goto(f"{log}&life=archived")
    await expect(archived.locator(rows)).to_have_count(1)

    # Erased: nothing of it is left on any page, and each says why.
    for shown in (drawer, permalink):
        await expect(shown.get_by_role("heading", name="This event was erased")).to_be_visible()
    for tab in (page, permalink, archived, trigger):
        await expect(tab.get_by_text("of its own")).to_have_count(0)
    await expect(archived.locator(rows)).to_have_count(0)
    await expect(trigger.locator(f'a[href*="{event}"]')).to_have_count(0)
    await screenshot(page, "lives-erased")
    await page.keyboard.press("Escape")
    await expect(drawer).to_have_count(0)
    await page.get_by_role("link", name="Event log").click()
    await expect(page.get_by_role("heading", level=1, name="Event log")).to_be_visible()
