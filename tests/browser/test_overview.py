"""The platform on one screen, who is signed in, the keys and the clock that are everywhere."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.async_api import Page, expect

from tests.browser.conftest import NewContext
from tests.support.browser import NARROW, axe, screenshot
from tests.support.whole_platform import Platform, now

ZONES = {"Yours": "Europe/Berlin", "UTC": "UTC", "Schedule": "Asia/Tokyo"}
"""What the switch offers: the browser's zone, and that of the trigger that is looked at."""

DAY = timedelta(days=1)

AHEAD = """{
  const real = Date.now
  Date.now = () => real() + 7_500_000
  window.told = []
  new MutationObserver(() => {
    for (const time of document.querySelectorAll('main time:not(.mono)')) {
      window.told.push(time.textContent)
    }
  }).observe(document, { subtree: true, childList: true, characterData: true })
}"""
"""The clock of a computer that is two hours and five minutes fast; and how far off anything was
said to be, were it for a moment."""


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


async def test_one_switch_moves_every_clock_and_how_long_until_is_by_the_servers(
    new_context: NewContext, platform: Platform
) -> None:
    context = await new_context()
    await context.add_init_script(AHEAD)
    page = await context.new_page()
    due = (now() + timedelta(minutes=5)).astimezone(ZoneInfo(ZONES["Schedule"]))
    made = await platform.create(
        name="clocks, switch",
        type="scheduled",
        cron=f"{due.minute} {due.hour} * * *",
        timezone=ZONES["Schedule"],
    )
    at = datetime.fromisoformat(made["next_fire_at"])
    switch = page.get_by_role("group", name="Times in")
    told = page.locator(f'time[datetime="{made["next_fire_at"]}"]')
    in_minutes = re.compile(r"^in (\d+) min( (\d+) s)?$")

    async def shows(choice: str) -> None:
        pressed = switch.get_by_role("button", pressed=True)
        await expect(pressed).to_have_text(choice)
        clock = at.astimezone(ZoneInfo(ZONES[choice])).strftime("%H:%M:%S")
        await expect(told.and_(page.locator(".mono")).first).to_contain_text(clock)

    async def moves_them(last: str) -> None:
        """Each choice is seen at once; ``last`` is the one that stays."""
        await expect(told.filter(has_text=in_minutes).first).to_be_visible()
        until = in_minutes.match(await told.filter(has_text=in_minutes).first.inner_text())
        assert until is not None
        left = timedelta(minutes=int(until[1]), seconds=int(until[3] or 0))
        assert abs(at - now() - left) < timedelta(seconds=30)
        for choice in (*(each for each in ZONES if each != last), last):
            await switch.get_by_role("button", name=choice, exact=True).click()
            await shows(choice)

    await page.goto("/ui/triggers?q=clocks, switch")
    await shows("Yours")
    await moves_them("UTC")
    told_of_next = await page.evaluate("window.told")
    assert [each for each in told_of_next if not in_minutes.match(each)] == []
    await page.get_by_role("link", name="clocks, switch").click()
    await page.wait_for_url(f"**/ui/triggers/{made['id']}")
    await shows("UTC")
    await moves_them("Schedule")
    await page.get_by_role("link", name="Overview").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    await shows("Schedule")
    await moves_them("UTC")
    await page.reload()
    await shows("UTC")


async def test_an_hour_that_a_clock_repeats_is_told_by_its_offsets(
    page: Page, platform: Platform
) -> None:
    """Berlin's clock goes from three back to two on the last Sunday of October."""
    last = date(now().year + 1, 10, 31)
    sunday = last - timedelta(days=(last.weekday() + 1) % 7)
    made = await platform.create(
        name="clocks, twice",
        type="scheduled",
        cron="30 2 * * *",
        timezone="Europe/Berlin",
        dst_policy="literal",
        starts_at=f"{sunday - DAY}T12:00:00Z",
    )
    await page.goto(f"/ui/triggers/{made['id']}")
    ahead = page.get_by_role("region", name="Next fires")
    rows = ahead.get_by_role("row")
    day, monday = (f"{each:%a} {each.day} {each:%b %Y}" for each in (sunday, sunday + DAY))
    await expect(rows.nth(1)).to_contain_text(f"{day} 02:30:00 +02:00")
    await expect(rows.nth(2)).to_contain_text(f"{day} 02:30:00 +01:00")
    await expect(rows.nth(3)).to_have_text(re.compile(rf"^{monday} 02:30:00in "))
    await expect(rows.filter(has_text="this time comes twice")).to_have_count(2)
    await expect(ahead.get_by_role("listitem")).to_have_text(
        f"{day} 03:00:00: the clock goes to 02:00:00. It repeats 1 time of this schedule."
        " What it repeats fires each time the clock shows it."
    )
    # So it is on the browser's own clock, by its own rules; UTC has no such hour.
    facts = page.get_by_role("region", name="clocks, twice")
    await expect(facts.get_by_text(f"{day} 02:30:00 +02:00", exact=True)).to_be_visible()
    await page.get_by_role("button", name="UTC", exact=True).click()
    await expect(facts.get_by_text(f"{day} 00:30:00", exact=True)).to_be_visible()
    await expect(rows.nth(2)).to_contain_text(f"{day} 01:30:00")
