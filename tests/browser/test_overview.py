"""The platform on one screen, who is signed in, and the keys that work everywhere."""

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import NewContext
from tests.support.browser import NARROW, axe, screenshot
from tests.support.whole_platform import Platform


async def test_the_overview_shows_what_was_is_and_will_be(page: Page, platform: Platform) -> None:
    beat = await platform.create(name="<i>beat</i>", type="scheduled", interval="PT2S")
    await page.goto("/ui/overview")
    lanes = page.get_by_role("region", name="Due within the hour")
    lane = lanes.get_by_role("listitem").filter(has_text="<i>beat</i>")
    await expect(lane.get_by_role("img")).to_have_accessible_name(
        re.compile(r"^more than \d+ occurrences$")
    )
    await expect(lane).to_contain_text(re.compile(r"in \d s|now"))
    fires = page.get_by_role("region", name="Fires by result")
    await expect(fires).to_contain_text(re.compile(r"[1-9]\d* fired, \d+ missed"))
    lateness = page.get_by_role("region", name="Lateness").get_by_role("slider")
    told = r"Half fired within .+, 99 of 100 within "
    await expect(lateness).to_have_attribute("aria-valuetext", re.compile(f"^{told}"))
    await lateness.press("ArrowLeft")
    await expect(lateness).to_have_attribute("aria-valuetext", re.compile(rf"\d\d:\d\d: {told}"))
    await lateness.press("Escape")
    await expect(lateness).to_have_attribute("aria-valuetext", re.compile(f"^{told}"))
    services = page.get_by_role("region", name="Services").get_by_role("listitem")
    for name in ("api", "scheduler", "executor", "retention"):
        await expect(services.filter(has_text=re.compile(rf"^{name}ready"))).to_have_count(1)
    await expect(page.get_by_text("None: everything could be handled.")).to_be_visible()
    # Other tests have triggers on this platform, too.
    await expect(
        page.get_by_role("link", name=re.compile(r"^[1-9]\d* active triggers$"))
    ).to_be_visible()
    await expect(page.get_by_role("link", name="0 dead letters")).to_be_visible()
    await axe(page)
    await screenshot(page, "overview", full_page=True)

    # Its state is in the address, and a part of its chart leads to the log of that time.
    await page.get_by_role("button", name="12 h").click()
    await expect(page).to_have_url(re.compile(r"\?range=12h$"))
    await page.reload()
    await expect(page.get_by_role("button", name="12 h")).to_have_attribute("aria-pressed", "true")
    chart = page.get_by_role("region", name="Fires by result").get_by_role("slider")
    await chart.press("End")
    await chart.press("Enter")
    await expect(page).to_have_url(re.compile(r"/ui/events\?from=.+&to=.+&test=without"))
    await page.go_back()
    await page.set_viewport_size(NARROW)
    await expect(lane).to_be_visible()
    await axe(page)
    await screenshot(page, "overview-narrow", full_page=True)
    await lane.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("<i>beat</i>")
    assert (await platform.rest.delete(f"/triggers/{beat['id']}")).status_code == 204


async def test_keys_lead_anywhere_and_the_theme_is_the_readers_own(
    new_context: NewContext, platform: Platform
) -> None:
    page = await (await new_context(color_scheme="dark")).new_page()
    wanted = await platform.create(name="palette: <b>found</b>", type="api")
    await page.goto("/ui/access")
    await expect(page.get_by_role("heading", name="This session")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await screenshot(page, "access-dark")
    await page.get_by_role("button", name="Light").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")

    await page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    await expect(keys).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(keys).to_be_hidden()

    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox").fill("palette:")
    found = page.get_by_role("option", name="palette: <b>found</b>")
    await expect(found).to_have_attribute("aria-selected", "true")
    await screenshot(page, "palette")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(rf"/ui/triggers/{wanted['id']}"))
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    await page.keyboard.press("n")
    await expect(page.get_by_role("heading", level=1)).to_have_text("New trigger")
