"""One part of a screen cannot be read: it says so once, all else goes on, and a press reads it."""

import contextlib
import re
from collections.abc import AsyncIterator

from playwright.async_api import Page, expect

from tests.support.browser import Watch, axe, screenshot
from tests.support.whole_platform import Platform

NOT_READ = "This could not be read yet; it is tried by itself."
AWAY = "The platform is away at the moment"

BY_HAND = """{
  const now = Date.now()
  Date.now = () => now
  const real = window.setTimeout
  window.setTimeout = (what, ms, ...rest) => real(what, ms >= 1_000 ? 2 ** 31 - 1 : ms, ...rest)
}"""
"""No minute ends, with which a chart is asked for anew, and what is tried again by itself waits for
ever: what comes after a press comes by it."""


@contextlib.asynccontextmanager
async def unreadable(platform: Platform, view: str) -> AsyncIterator[None]:
    """The gateway has no right to this view of the database; the others it reads as ever."""
    await platform.query(f"REVOKE SELECT ON {view} FROM etp_api")
    try:
        yield
    finally:
        await platform.query(f"GRANT SELECT ON {view} TO etp_api")


async def fired(platform: Platform, name: str) -> tuple[str, str]:
    """An api trigger and its event, once it is in the log."""
    made = await platform.create(name=name, type="api")
    event = await platform.fire(made["id"])
    await platform.until_events(1, trigger_id=made["id"])
    return made["id"], event


async def test_charts_of_the_overview_that_cannot_be_read_say_so_beside_all_that_can(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(503)
    await page.add_init_script(BY_HAND)
    charts = [page.get_by_role("region", name=name) for name in ("Fires by result", "Lateness")]
    services = page.get_by_role("region", name="Services").get_by_role("listitem")
    async with unreadable(platform, "retention.sums"):
        await page.goto("/ui/overview")
        for chart in charts:
            await expect(chart.get_by_text(NOT_READ)).to_have_count(1)
        active = page.get_by_role("link", name=re.compile(r"^[\d,]+ active triggers$"))
        await expect(active).to_be_visible()
        await expect(services.filter(has_text=re.compile("^apiready"))).to_have_count(1)
        await expect(page.get_by_text("Loading")).to_have_count(0)
        await expect(page.get_by_text(NOT_READ)).to_have_count(2)
        await expect(page.get_by_text(AWAY)).to_have_count(0)
        await axe(page)
        await screenshot(page, "part-away-overview", full_page=True)
    await charts[0].get_by_role("button", name="Try again").click()
    for chart in charts:
        await expect(chart.get_by_role("slider")).to_be_visible()
    await expect(page.get_by_text(NOT_READ)).to_have_count(0)


async def test_a_chart_of_the_log_that_cannot_be_read_says_so_above_a_log_that_goes_on(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(503)
    trigger, event = await fired(platform, "part, order")
    await page.add_init_script(BY_HAND)
    async with unreadable(platform, "retention.sums"):
        # Of all that is filtered by what its sums tell apart.
        await page.goto("/ui/events?source=api")
        await expect(page.locator(f'[data-row="{event}"]')).to_be_visible()
        await expect(page.get_by_role("status").filter(has_text=NOT_READ)).to_have_count(1)
        another = await platform.fire(trigger)
        await expect(page.locator(f'[data-row="{another}"]')).to_be_visible()
        await expect(page.get_by_text(NOT_READ)).to_have_count(1)
        await expect(page.get_by_text(AWAY)).to_have_count(0)
        await axe(page)
        await screenshot(page, "part-away-events")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("slider")).to_be_visible()
    await expect(page.get_by_text(NOT_READ)).to_have_count(0)
    await expect(page.locator(f'[data-row="{another}"]')).to_be_visible()


async def test_triggers_to_filter_by_that_cannot_be_read_say_so_and_are_chosen_once_they_can(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(503)
    trigger, event = await fired(platform, "part, to be chosen")
    await page.add_init_script(BY_HAND)
    await page.goto("/ui/events?source=api")
    row = page.locator(f'[data-row="{event}"]')
    await expect(row).to_be_visible()
    search = page.get_by_placeholder("Part of a trigger")
    async with unreadable(platform, "scheduler.triggers"):
        await page.get_by_role("combobox", name="Trigger: any").click()
        await search.fill("part, to be")
        told = page.get_by_role("dialog", name="Trigger").get_by_role("alert")
        await expect(told).to_have_count(1)
        await expect(told).to_contain_text("the database does not answer in time")
        await expect(page.get_by_text("No trigger has this in its name.")).to_have_count(0)
        await expect(row).to_be_visible()
        await axe(page)
        await screenshot(page, "part-away-triggers")
    await told.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("option", name="part, to be chosen")).to_be_visible()
    await expect(told).to_have_count(0)
    # One goes on by keys where one was.
    await expect(search).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/ui/events?**trigger={trigger}**")
    await expect(page.locator("[data-row]")).to_have_count(1)
