"""An event's life, shortened to seconds, while it is looked at: active, archived, erased."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import Watch, screenshot
from tests.support.whole_platform import Platform, running

LIVES = {"ETP_ACTIVE_FOR": "10s", "ETP_KEPT_FOR": "24s", "ETP_MISFIRE_GRACE": "20s"}

OFTEN = """{
  const real = window.setInterval
  window.setInterval = (what, ms, ...rest) => real(what, Math.min(ms, 1_000), ...rest)
}"""
"""What is read again each half minute is read each second: these lives are shorter than that."""


@pytest.fixture(scope="module")
async def platform(built_ui: None) -> AsyncIterator[Platform]:
    async with running(environment=LIVES) as started:
        yield started


async def test_every_page_tells_the_lengths_that_this_platform_was_set_to(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="told, never due", type="scheduled", cron="0 0 1 1 *")
    await page.goto("/ui/overview")
    for told in ("10 s", "24 s"):
        await expect(page.get_by_role("button", name=told, exact=True)).to_be_visible()
    await expect(page.get_by_text("triggers late, last 10 s")).to_be_visible()
    await expect(page.get_by_text("dashed at 20 s")).to_be_visible()
    await expect(page.get_by_text("or rejected in the last 10 s.")).to_be_visible()

    await page.get_by_role("link", name="Triggers", exact=True).click()
    await page.get_by_role("button", name="missed, last 10 s").click()
    await expect(page.get_by_text("those with missed, last 10 s.")).to_be_visible()
    await page.get_by_role("button", name="Clear all filters").click()
    await expect(page.get_by_text("none in 24 s").first).to_be_visible()

    await page.goto(f"/ui/triggers/{made['id']}")
    await expect(page.get_by_role("heading", name="In 24 s, without tests")).to_be_visible()
    await expect(page.get_by_text("No scheduled fires in the last 24 s.")).to_be_visible()

    await page.get_by_role("link", name="Event log").click()
    for told in ("Active 10 s", "Archived 14 s"):
        await expect(page.get_by_role("button", name=told)).to_be_visible()
    await page.get_by_role("combobox", name="Late by").click()
    await page.get_by_role("option", name="20 s or more").click()
    await expect(page).to_have_url(re.compile(r"[?&]late=20$"))


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
    await archived.add_init_script(OFTEN)
    await archived.goto(f"{log}&life=archived")
    await expect(archived.get_by_role("heading", name="No event passes")).to_be_visible()
    await expect(archived.get_by_text("no events", exact=True)).to_be_visible()
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
    # Nothing is pressed there, nor loaded anew.
    await expect(archived.locator(rows)).to_have_count(1)
    await expect(archived.get_by_text("1 event: 1 fired", exact=True)).to_be_visible()

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
