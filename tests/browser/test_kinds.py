"""A trigger of each kind, created by the form and seen to fire; one is deleted while it is open."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

from playwright.async_api import Page, expect

from tests.support.browser import Watch
from tests.support.whole_platform import Platform, ahead, now

ZONE = ZoneInfo("Europe/Berlin")
"""Of the browser: what the form begins with."""

FIRED = re.compile("^test, (fired|late)$")
"""On a busy machine it may be late."""

NO_PAUSE = "A paused trigger is forgotten, and what it left out appears nowhere."
NO_NEXT = "None of what was to come will happen. Next would have been:"
NO_PAUSE_AND_WHAT_ENDS: dict[str, tuple[dict[str, str], str, str, int]] = {
    "once": (
        {"type": "scheduled", "schedule_time": ahead(86_400)},
        "It fires once: give it another time by editing it, or delete it.",
        "This will not happen any more:",
        1,
    ),
    "interval": ({"type": "scheduled", "interval": "PT1H"}, NO_PAUSE, NO_NEXT, 5),
    "cron": ({"type": "scheduled", "cron": "30 2 * * *"}, NO_PAUSE, NO_NEXT, 5),
    "api": (
        {"type": "api"},
        "It fires on request alone: who asks for it decides. It can be deleted.",
        "It will not fire on request any more.",
        0,
    ),
}
"""Of each kind: a definition, what is said of a pause and of a delete, and how many times of it."""


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


async def tried_before_it_is_saved(tab: Page) -> None:
    """Fired before it is saved; what became of it stands in the form."""
    await tab.get_by_role("button", name="Test now").click()
    result = tab.get_by_role("region", name="Test without saving")
    await expect(result.get_by_text(FIRED)).to_be_visible()
    await expect(result.get_by_text("Saved, it would go on at")).to_be_visible()


async def test_each_kind_is_created_by_the_form_and_fires_before_ones_eyes(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(422)
    interval = await new(page, "Interval", "kinds, often")
    await interval.get_by_role("textbox", name="Every", exact=True).fill("PT1S")
    await expect(interval.get_by_role("table").get_by_role("row")).to_have_count(11)
    await tried_before_it_is_saved(interval)
    cron = await new(page, "Cron", "kinds, each second")
    await cron.get_by_role("textbox", name="Cron expression").fill("* * * * * *")
    await expect(cron.get_by_role("table").get_by_role("row")).to_have_count(11)
    await tried_before_it_is_saved(cron)
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
    cron_id = await created(cron)
    order_id = await created(api)

    # Nothing is reloaded: what each did comes in by itself.
    for tab in (interval, cron):
        await expect(tab.locator(".recent-row").nth(1)).to_be_visible()
    assert (await platform.rest.delete(f"/triggers/{cron_id}")).status_code == 204
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


async def test_each_kind_says_why_there_is_no_pause_and_what_a_delete_ends(
    page: Page, platform: Platform
) -> None:
    for kind, (fields, _, _, _) in NO_PAUSE_AND_WHAT_ENDS.items():
        await platform.create(name=f"ends, {kind}", **fields)
    await page.goto("/ui/triggers?q=ends,")
    dialog = page.get_by_role("dialog")
    for kind, (_, no_pause, ends, times) in NO_PAUSE_AND_WHAT_ENDS.items():
        name = f"ends, {kind}"
        for item, title, told in (
            ("Why is there no pause?", f"There is no pause for {name}", no_pause),
            ("Delete", f"Delete {name}?", ends),
        ):
            await page.get_by_role("button", name=f"More for {name}").click()
            await page.get_by_role("menuitem", name=item, exact=True).click()
            await expect(dialog.get_by_role("heading", name=title)).to_be_visible()
            await expect(dialog.get_by_text(told)).to_be_visible()
            if item == "Delete":
                # One more: the head of the table.
                await expect(dialog.get_by_role("row")).to_have_count(times and 1 + times)
            await page.keyboard.press("Escape")
            await expect(dialog).to_have_count(0)
