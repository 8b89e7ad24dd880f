"""The log was made anew while pages follow it: each reads it again by itself, and goes on.

The log of this platform is not lost: a page is made to ask for what follows an event of another
one. What it hears then, it hears from the gateway, as after a loss.
"""

import re
from itertools import pairwise

from playwright.async_api import Locator, Page, Route, expect

from tests.support.browser import SEEN
from tests.support.eventually import eventually
from tests.support.whole_platform import Platform

STREAM = re.compile(r"/events/stream\?")
POSITION = re.compile(r"&last_event_id=[^&]*")
OF_ANOTHER_LOG = "&last_event_id=1-1"

LISTS_READ_AT = """() => performance.getEntriesByType('resource')
  .filter(({ name }) => new URL(name).pathname === '/events/')
  .map(({ startTime }) => startTime)"""
"""In milliseconds, by the page's own clock."""

NAMED = "all => all.map((one) => one.dataset.row ?? new URL(one.href).searchParams.get('event'))"
"""The events that rows of a log and links to events stand for."""


async def after_another_log(route: Route) -> None:
    await route.continue_(url=POSITION.sub("", route.request.url) + OF_ANOTHER_LOG)


async def goes_on(tab: Page) -> None:
    """It is seen again, and its log is another one; it has begun to follow that one then."""
    asked: list[str] = []
    tab.on("request", lambda request: asked.extend(STREAM.findall(request.url)))
    await tab.route(STREAM, after_another_log, times=1)
    await tab.evaluate(SEEN, False)
    await eventually(lambda: len(asked) > 1, within=30, what="the log is followed anew")


async def shows(rows: Locator, events: list[str]) -> None:
    """These alone, each once, the newest first."""
    await expect(rows).to_have_count(len(events))
    assert await rows.evaluate_all(NAMED) == events[::-1]


async def test_pages_read_a_log_that_was_made_anew_and_follow_it_without_gap_or_repetition(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="anew, order", type="api")
    fired = [await platform.fire(made["id"])]
    await platform.until_events(1, trigger_id=made["id"])
    own, triggers = await page.context.new_page(), await page.context.new_page()
    log, recent = page.locator("[data-row]"), own.locator(".recent-way")
    await page.goto(f"/ui/events?trigger={made['id']}")
    await own.goto(f"/ui/triggers/{made['id']}")
    await triggers.goto("/ui/triggers?q=anew, order")

    async def all_show() -> None:
        for rows in (log, recent):
            await shows(rows, fired)
        name = re.compile(rf"^last {len(fired)} results?$")
        await expect(triggers.get_by_role("img", name=name)).to_be_visible()

    await all_show()
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await expect(own.get_by_text("live", exact=True)).to_be_visible()
    for tab in (page, own, triggers):
        await tab.evaluate(SEEN, True)
    fired += [await platform.fire(made["id"]) for _ in range(2)]
    await platform.until_events(3, trigger_id=made["id"])
    for tab in (page, own, triggers):
        await goes_on(tab)
    await all_show()
    fired.append(await platform.fire(made["id"]))
    await all_show()


async def test_a_log_that_is_lost_time_and_again_is_read_again_ever_more_seldom(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="anew, often", type="api")
    await page.goto(f"/ui/events?trigger={made['id']}")
    following = page.get_by_text("new events come in by themselves")
    await expect(following).to_be_visible()
    await page.route(STREAM, after_another_log, times=3)
    await page.evaluate(SEEN, True)
    await page.evaluate(SEEN, False)
    await expect(page.get_by_text("Connection lost; it goes on by itself")).to_be_visible()
    fired = [await platform.fire(made["id"])]

    async def was_read_three_times_more() -> bool:
        return len(await page.evaluate(LISTS_READ_AT)) == 4

    await eventually(was_read_three_times_more, within=30)
    await expect(following).to_be_visible()
    await shows(page.locator("[data-row]"), fired)
    _, *read_again = await page.evaluate(LISTS_READ_AT)
    waits = [after - before for before, after in pairwise(read_again)]
    assert len(waits) == 2
    # As long as was waited, and the answer that lost it once more.
    assert waits[0] > 950
    assert waits[1] > 1_950
