"""A trigger of each kind, created by the form and seen to fire; one is deleted while it is open."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

from playwright.async_api import Page, expect

from tests.support.browser import Watch
from tests.support.whole_platform import Platform, now

ZONE = ZoneInfo("Europe/Berlin")
"""Of the browser: what the form begins with."""


async def new(page: Page, kind: str, name: str) -> Page:
    """A form of this kind in a tab of its own."""
    tab = await page.context.new_page()
    await tab.goto("/ui/triggers/new")
    await (
        tab.get_by_role("radio", name=kind)
        .or_(tab.get_by_role("button", name=kind, exact=True))
        .first.click()
    )
    await tab.get_by_role("textbox", name="Name", exact=True).fill(name)
    return tab


async def created(tab: Page) -> str:
    await tab.get_by_role("button", name="Create trigger").click()
    await tab.wait_for_url("**/ui/triggers/0*")
    return tab.url.rsplit("/", 1)[1]


async def test_one_time_interval_and_api_are_created_by_the_form_and_fire_before_ones_eyes(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(422)
    interval = await new(page, "Interval", "kinds, often")
    await interval.get_by_role("textbox", name="Every", exact=True).fill("PT1S")
    await expect(interval.get_by_role("table").get_by_role("row")).to_have_count(11)
    api = await new(page, "API", "kinds, order")
    await api.get_by_role("button", name="Add a schema").click()
    await api.get_by_role("textbox", name="Schema").fill(
        '{"type": "object", "required": ["amount"],'
        ' "properties": {"amount": {"type": "number", "minimum": 1}}}'
    )
    once = await new(page, "One time", "kinds, once")
    at = (now() + timedelta(seconds=10)).astimezone(ZONE)
    await once.get_by_label("Time", exact=True).fill(at.strftime("%Y-%m-%dT%H:%M:%S"))
    once_id = await created(once)
    often_id = await created(interval)
    order_id = await created(api)

    # Nothing is reloaded: what each did comes in by itself.
    await expect(interval.locator(".recent-row").nth(1)).to_be_visible()
    await api.get_by_role("tab", name="Test").click()
    payload = api.get_by_role("textbox", name="Payload")
    for amount, told in (("0", "/payload/amount"), ("12.5", "fired")):
        await payload.fill(f'{{"amount": {amount}}}')
        await api.get_by_role("button", name="Fire for real …").click()
        await api.get_by_role("dialog").get_by_role("button", name="Fire for real").click()
        outcome = api.get_by_role("region", name="What became of it")
        await expect(outcome).to_contain_text(told)
    await expect(once.get_by_text("It fired, on the real path")).to_be_visible()
    [event] = await platform.events(trigger_id=once_id)
    assert event["scheduled_for"].startswith(
        at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%S")
    )
    statuses = {row["status"] for row in await platform.events(trigger_id=order_id)}
    assert statuses == {"fired", "rejected"}

    # Deleted elsewhere while its page is open.
    watch.expect(404)
    assert (await platform.rest.delete(f"/triggers/{often_id}")).status_code == 204
    await expect(interval.get_by_role("heading", name="This trigger is deleted")).to_be_visible()
    await expect(interval.get_by_text(re.compile("created"), exact=False).first).to_be_visible()
