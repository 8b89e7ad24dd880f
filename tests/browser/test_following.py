"""The log while nobody looks at it, while much comes in, zoomed by mouse, and the way Back."""

import asyncio
import re
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import WITHIN_MS
from tests.support.browser import SEEN
from tests.support.eventually import eventually
from tests.support.whole_platform import Platform

PRESS_WHEN_THERE = """name => new Promise((done) => {
  const look = () => {
    const all = [...document.querySelectorAll('.log-live button')]
    const found = all.find((button) => button.textContent === name)
    if (!found) return requestAnimationFrame(look)
    done(found.previousElementSibling.textContent)
    found.click()
  }
  look()
})"""
"""What is there for a second alone; answers what stands before it."""

FIRST_IN_SIGHT = """() => {
  const { bottom } = document.querySelector('.table-head').getBoundingClientRect()
  const topOf = (row) => row.getBoundingClientRect().top
  const first = [...document.querySelectorAll('[data-row]')].find((row) => topOf(row) >= bottom)
  return [first.dataset.row, topOf(first)]
}"""

HEAR = """() => {
  const LIVE = '[aria-live], [role=status], [role=alert]'
  window.said = []
  new MutationObserver((records) => {
    const regions = new Set()
    for (const { target, addedNodes } of records) {
      const own = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement
      regions.add(own?.closest(LIVE))
      for (const node of addedNodes) {
        if (node.matches?.(LIVE)) regions.add(node)
        node.querySelectorAll?.(LIVE).forEach((region) => regions.add(region))
      }
    }
    for (const region of regions) {
      if (region && region.ariaLive !== 'off') said.push([performance.now(), region.textContent])
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true })
}"""
"""What a screen reader is told from now on, and when."""

MANY, FLOOD = 60, 300

RAIL = (40, 600)
"""A place beside the log: the pointer is over nothing that it would hold."""


def rows(page: Page) -> Locator:
    return page.locator("[data-row]")


async def ids(page: Page) -> list[str]:
    found: list[str] = await rows(page).evaluate_all("all => all.map((row) => row.dataset.row)")
    return found


async def followed(page: Page, trigger_id: str) -> None:
    await page.goto(f"/ui/events?trigger={trigger_id}")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()


async def fire_many(platform: Platform, trigger_id: str, count: int) -> None:
    async with platform.connected() as client:
        command = {"trigger_id": trigger_id, "payload": "one of many"}
        await asyncio.gather(*(platform.send(client, "fire", command) for _ in range(count)))
    await platform.until_events(count, trigger_id=trigger_id)


async def scroll_down(page: Page) -> None:
    await page.mouse.wheel(0, 900)
    # To its end, where the browser scrolls smoothly.
    await page.wait_for_function("() => scrollY > 899")


async def focus_a_row(page: Page) -> None:
    await rows(page).nth(5).focus()


async def select_a_name(page: Page) -> None:
    name = await rows(page).nth(5).locator(".log-name").bounding_box()
    assert name is not None
    middle = name["y"] + name["height"] / 2
    await page.mouse.move(name["x"] + 2, middle)
    await page.mouse.down()
    await page.mouse.move(name["x"] + 50, middle, steps=3)
    await page.mouse.up()
    # The press has focused the row: it is not to be what holds it.
    await page.evaluate("document.activeElement.blur()")
    assert await page.evaluate("getSelection().toString()") != ""


async def only_rows_near_the_window_are_in_the_page(page: Page) -> None:
    async def are_near() -> bool:
        return await rows(page).evaluate_all(
            "all => all.length > 10 && all.map((row) => row.getBoundingClientRect())"
            ".every(({ top, bottom }) => bottom > -300 && top < innerHeight + 300)"
        )

    await eventually(are_near, what="all rows of the page are near its window")
    assert await rows(page).count() < MANY * 2 / 3
    in_all = await page.get_by_role("table").get_attribute("aria-rowcount")
    assert int(in_all or 0) > MANY


async def test_what_one_reads_stays_in_its_place_and_what_comes_in_is_told_now_and_then(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="read, order", type="api")
    listening = await page.context.new_page()
    await followed(listening, made["id"])
    await listening.evaluate(HEAR)
    await fire_many(platform, made["id"], MANY)
    await followed(page, made["id"])
    await page.mouse.move(*RAIL)
    await only_rows_near_the_window_are_in_the_page(page)
    new = page.get_by_role("button", name="1 new", exact=True)
    for read in (scroll_down, focus_a_row, select_a_name):
        await read(page)
        await page.mouse.move(*RAIL)
        await only_rows_near_the_window_are_in_the_page(page)
        before = await page.evaluate(FIRST_IN_SIGHT)
        event = await platform.fire(made["id"], payload=read.__name__)
        await expect(new).to_be_in_viewport()
        assert await page.evaluate(FIRST_IN_SIGHT) == before
        await new.click()
        await expect(rows(page).first).to_have_attribute("data-row", event)
        await expect(rows(page).first).to_be_in_viewport()

    # Meanwhile who hears the log is told how many came, and not of each.
    await listening.wait_for_function("() => said.some(([, text]) => text.endsWith(' new events'))")
    said = await listening.evaluate("said")
    # Each ten seconds at most, by timers that a busy machine lets wait.
    assert len(said) <= 2 or all(at - before > 5_000 for (before, _), (at, _) in pairwise(said))
    await expect(rows(listening).first).to_have_attribute("data-row", event)


async def test_a_tab_that_nobody_sees_holds_no_stream_and_goes_on_without_a_gap(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="hidden, order", type="api")
    fired = [await platform.fire(made["id"], payload=0)]
    await platform.until_events(1, trigger_id=made["id"])
    ended: list[str] = []
    page.on("requestfailed", lambda request: ended.append(urlsplit(request.url).path))
    page.on("requestfinished", lambda request: ended.append(urlsplit(request.url).path))
    await followed(page, made["id"])
    await expect(rows(page)).to_have_count(1)
    fired.append(await platform.fire(made["id"], payload=1))
    await expect(rows(page)).to_have_count(2)
    await page.evaluate(SEEN, True)
    await expect(page.get_by_text("Waiting for this tab to be seen")).to_be_visible()
    await eventually(lambda: "/events/stream" in ended, what="the stream is closed")
    fired += [await platform.fire(made["id"], payload=n) for n in range(2, 6)]
    await platform.until_events(6, trigger_id=made["id"])
    await expect(rows(page)).to_have_count(2)
    async with page.expect_request("**/events/stream?**last_event_id=**"):
        await page.evaluate(SEEN, False)
    await expect(rows(page)).to_have_count(6)
    assert await ids(page) == fired[::-1]


async def test_a_flood_shows_its_rate_and_offers_a_filter(page: Page, platform: Platform) -> None:
    made = await platform.create(name="flood, order", type="api")
    await followed(page, made["id"])
    # Meanwhile nobody looks: all of it comes at once, however slow the machine is.
    await page.evaluate(SEEN, True)
    await fire_many(platform, made["id"], FLOOD)
    pressed = asyncio.create_task(page.evaluate(PRESS_WHEN_THERE, "Show missed and rejected alone"))
    await page.evaluate(SEEN, False)
    rate = re.fullmatch(r"(\d+) a second", await asyncio.wait_for(pressed, WITHIN_MS / 1000))
    assert rate is not None
    assert int(rate[1]) > 50
    await page.wait_for_url("**/ui/events?**status=**")
    assert parse_qs(urlsplit(page.url).query)["status"] == ["missed,rejected"]


async def test_the_log_is_zoomed_by_mouse_and_back_leads_to_filter_place_and_row(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="back, order", type="api")
    for n in range(MANY):
        await platform.fire(made["id"], payload=n)
    await platform.until_events(MANY, trigger_id=made["id"])
    await page.goto(f"/ui/events?trigger={made['id']}&source=api")
    await expect(page.get_by_text(f"{MANY} events: {MANY} fired")).to_be_visible()
    chart = await page.get_by_role("slider").bounding_box()
    assert chart is not None
    middle = chart["y"] + chart["height"] / 2
    await page.mouse.move(chart["x"] + chart["width"] * 0.8, middle)
    await page.mouse.down()
    await page.mouse.move(chart["x"] + chart["width"] - 2, middle, steps=5)
    await page.mouse.up()
    await expect(page.get_by_text("Not live")).to_be_visible()
    zoomed = parse_qs(urlsplit(page.url).query)
    assert zoomed["from"] < zoomed["to"]
    await expect(page.get_by_text(f"{MANY} events: {MANY} fired")).to_be_visible()

    await page.mouse.wheel(0, 900)
    await page.wait_for_function("() => scrollY > 500")
    row = rows(page).nth(20)
    event = await row.get_attribute("data-row")
    await row.scroll_into_view_if_needed()
    place = await page.evaluate("() => scrollY")
    await row.focus()
    await row.press("Enter")
    await page.get_by_role("dialog").get_by_role("link", name="back, order").press("Enter")
    await page.wait_for_url(f"**/ui/triggers/{made['id']}")
    await page.go_back()
    await page.go_back()
    await expect(page.locator(f'[data-row="{event}"]')).to_be_focused()
    assert parse_qs(urlsplit(page.url).query) == zoomed
    assert abs(await page.evaluate("() => scrollY") - place) < 40
