"""A trigger's page: what it did, what it will do, why it did not, and the ways back."""

import re
from datetime import timedelta

from playwright.async_api import Locator, Page, expect

from tests.support.browser import NARROW, Watch, axe, screenshot
from tests.support.eventually import eventually
from tests.support.whole_platform import Platform, ahead, now, text

SCHEMA = {
    "type": "object",
    "required": ["amount"],
    "properties": {"amount": {"type": "number", "minimum": 0}},
}

NOTE_MOTION = """() => {
  window.moved = []
  const note = ({ target }) => {
    const all = document.getAnimations().map(({ effect }) => effect.getComputedTiming().duration)
    // The one that has begun just now is over by now where it takes no time.
    const { animationDuration } = getComputedStyle(target)
    moved.push(parseFloat(animationDuration) * 1000, ...all)
  }
  for (const type of ['animationstart', 'transitionrun']) document.addEventListener(type, note)
}"""
"""How long everything is that moves from now on, in milliseconds."""


async def test_a_first_trigger_fires_before_ones_eyes(page: Page, platform: Platform) -> None:
    first = await platform.create(
        name="<b>first</b>", type="scheduled", schedule_time=ahead(12), payload="hello"
    )
    await page.goto(f"/ui/triggers/{first['id']}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("<b>first</b>")
    axis = page.get_by_role("slider", name="Fires on a time axis")
    await expect(axis).to_have_attribute("aria-valuetext", re.compile(r"^due .* in \d+ s$"))
    # Nothing is pressed and nothing reloaded: it comes by itself.
    await expect(page.get_by_text("It fired, on the real path")).to_be_visible()
    await expect(page.get_by_role("link", name="Make your own")).to_be_visible()
    await axis.press("Home")
    await expect(axis).to_have_attribute("aria-valuetext", re.compile(r"^(fired|late) "))
    await expect(page.get_by_text("completed", exact=True)).to_be_visible()
    await axe(page)
    await screenshot(page, "trigger-now")
    await page.set_viewport_size(NARROW)
    await axe(page)
    await screenshot(page, "trigger-now-narrow", full_page=True)
    await axis.press("Enter")
    await expect(page).to_have_url(re.compile(rf"/ui/events\?event=.+&trigger={first['id']}"))


async def test_an_old_version_is_restored_after_both_are_shown(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(412)
    made = await platform.create(
        name="nightly", type="scheduled", cron="30 2 * * *", payload={"depth": {"x": 1}}
    )
    address = f"/triggers/{made['id']}"
    edit = {"cron": "30 3 * * *", "payload": {"depth": {"x": 2}}}
    assert (await platform.rest.patch(address, json=edit)).status_code == 200
    await page.goto(f"/ui{address}?tab=history&version=2")
    changed = page.get_by_role("table", name="Version 2: what changed")
    await expect(changed.get_by_role("row", name="Payload /depth/x 1 2")).to_be_visible()
    await expect(
        changed.get_by_role("row", name="Cron expression 30 2 * * * 30 3 * * *")
    ).to_be_visible()

    await page.get_by_role("button", name="Restore 1").click()
    asked = page.get_by_role("dialog", name="Restore version 1?")
    await expect(
        asked.get_by_role("row", name="Cron expression 30 3 * * * 30 2 * * *")
    ).to_be_visible()
    await expect(asked.get_by_text("At 02:30 (UTC).")).to_be_visible()
    await expect(asked.get_by_text(re.compile(r"03:30:00$"))).to_have_count(5)
    await expect(asked.get_by_text(re.compile(r"02:30:00$"))).to_have_count(5)
    await screenshot(page, "trigger-restore")

    # Somebody else was faster: nothing is overwritten unseen.
    assert (await platform.rest.patch(address, json={"description": "x"})).status_code == 200
    await asked.get_by_role("button", name="Restore version 1").click()
    await expect(asked.get_by_role("alert")).to_contain_text("it is version 3 now")
    await asked.get_by_role("button", name="Look again").click()
    await expect(asked.get_by_role("row", name="Description x not set")).to_be_visible()
    await asked.get_by_role("button", name="Restore version 1").click()
    await expect(asked).to_be_hidden()
    await expect(page.get_by_role("button", name=re.compile("^4 edited"))).to_be_visible()
    now = (await platform.rest.get(address)).json()
    assert (now["version"], now["cron"], now["payload"], now["description"]) == (
        4,
        "30 2 * * *",
        {"depth": {"x": 1}},
        None,
    )


async def test_a_version_that_is_refused_today_leads_to_a_form_that_begins_with_it(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(404, 422)
    due = now() + timedelta(seconds=5)
    made = await platform.create(
        name="once, old", type="scheduled", schedule_time=text(due), labels=["kept"]
    )
    address = f"/triggers/{made['id']}"
    edit = {"name": "once, new", "schedule_time": ahead(86_400), "labels": []}
    assert (await platform.rest.patch(address, json=edit)).status_code == 200
    await page.goto(f"/ui{address}?tab=history")
    await eventually(lambda: now() > due)

    async def is_refused(asked: Locator) -> None:
        await expect(asked.get_by_role("alert")).to_contain_text("It cannot be restored as it was")
        await expect(asked.get_by_role("listitem")).to_contain_text("/schedule_time")
        await asked.get_by_role("button", name="Try again").click()
        await expect(asked.get_by_role("alert")).to_contain_text("schedule-in-past")

    await page.get_by_role("button", name="Restore 1").click()
    asked = page.get_by_role("dialog", name="Restore version 1?")
    await is_refused(asked)
    await axe(page)
    await screenshot(page, "trigger-restore-refused")
    adapt = asked.get_by_role("link", name="Copy it and change that")
    await expect(adapt).to_have_attribute("href", f"/ui/triggers/new?copy={made['id']}&version=1")

    # Of a deleted one it is left, too, and what it leads to is that very version.
    assert (await platform.rest.delete(address)).status_code == 204
    await page.reload()
    await page.get_by_role("button", name="Create version 1 again").click()
    asked = page.get_by_role("dialog", name="Create once, old again?")
    await is_refused(asked)
    await asked.get_by_role("link", name="Copy it and change that").click()
    name = page.get_by_role("textbox", name="Name", exact=True)
    await expect(name).to_have_value("once, old (copy)")
    time = page.get_by_label("Time", exact=True)
    await expect(time).to_have_value(re.compile(f"^{due:%Y-%m-%dT%H:%M}"))
    await time.fill(f"{due + timedelta(days=1):%Y-%m-%dT%H:%M:%S}")
    await page.get_by_role("button", name="Create trigger").click()
    await page.wait_for_url("**/ui/triggers/0*")
    await expect(page.get_by_role("heading", level=1)).to_have_text("once, old (copy)")
    again = (await platform.rest.get(f"/triggers/{page.url.rsplit('/', 1)[1]}")).json()
    assert again["labels"] == ["kept"]


async def test_the_log_says_why_it_did_not_fire(page: Page, platform: Platform) -> None:
    made = await platform.create(name="orders", type="api", payload_schema=SCHEMA)
    address = f"/triggers/{made['id']}"
    await platform.fire(made["id"], payload={"amount": 1})
    refused = await platform.rest.post(f"{address}/fire", json={"payload": {"amount": -1}})
    assert refused.status_code == 422
    assert (await platform.rest.patch(address, json={"labels": ["a"]})).status_code == 200
    await platform.until_events(2, trigger_id=made["id"])

    await page.goto(f"/ui{address}")
    await page.get_by_role("link", name="Why did it not fire?").click()
    told = page.get_by_role("list", name=re.compile("^What happened to this trigger"))
    rows = told.get_by_role("listitem")
    await expect(rows).to_have_count(3)
    await expect(rows.nth(0)).to_contain_text("version 2: Labels")
    await expect(rows.nth(1)).to_contain_text("/payload/amount: the value is less than the minimum")
    await expect(rows.nth(2)).to_contain_text("created")
    await screenshot(page, "trigger-log")

    await page.get_by_role("checkbox", name="Edits").uncheck()
    await expect(rows).to_have_count(1)
    await page.reload()
    await expect(rows).to_have_count(1)
    await page.get_by_role("checkbox", name="Fired").check()
    await expect(rows).to_have_count(2)
    # What comes in moves into its place; not for who wants no motion.
    await page.emulate_media(reduced_motion="reduce")
    await page.evaluate(NOTE_MOTION)
    await platform.fire(made["id"], payload={"amount": 2})
    await expect(rows).to_have_count(3)
    await eventually(lambda: page.evaluate("moved.length > 0"), what="the row has come in")
    assert max(await page.evaluate("moved")) < 1
    await page.go_back()
    await page.go_back()
    await expect(page.get_by_role("checkbox", name="Edits")).to_be_checked()


async def test_a_test_shows_its_event_in_place(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(422)
    made = await platform.create(
        name="orders", type="api", payload={"currency": "EUR"}, payload_schema=SCHEMA
    )
    await page.goto(f"/ui/triggers/{made['id']}?tab=test")
    payload = page.get_by_role("textbox", name="Payload")
    outcome = page.get_by_role("region", name="What became of it")
    await payload.fill('{"amount": ')
    await payload.press("Control+Enter")
    await expect(page.get_by_text(re.compile("^This is not JSON"))).to_be_visible()
    await payload.fill('{"amount": -1}')
    await payload.press("Control+Enter")
    await expect(outcome).to_contain_text("/payload/amount")
    await payload.fill('{"amount": 9007199254740993}')
    await payload.press("Control+Enter")
    await expect(outcome.get_by_text("test, fired")).to_be_visible()
    await expect(outcome).to_contain_text('"currency": "EUR"')
    await expect(outcome).to_contain_text("archives in 1 h 59 min")
    await axe(page)
    await screenshot(page, "trigger-test")
    [event] = await platform.events(trigger_id=made["id"], status="fired")
    assert event["is_test"]
    detail = (await platform.rest.get(f"/events/{event['id']}")).json()
    # As it was typed: more than a double holds.
    assert detail["payload"] == {"currency": "EUR", "amount": 9007199254740993}


async def test_a_deleted_trigger_is_created_again_from_its_history(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(404)
    made = await platform.create(name="gone", type="scheduled", interval="PT1H", labels=["kept"])
    await page.goto(f"/ui/triggers/{made['id']}")
    await page.get_by_role("button", name="More for gone").click()
    await page.get_by_role("menuitem", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete gone").click()
    await expect(page.get_by_role("heading", name="This trigger is deleted")).to_be_visible()
    await screenshot(page, "trigger-gone")
    await page.get_by_role("button", name="Create again", exact=True).click()
    asked = page.get_by_role("dialog", name="Create gone again?")
    await expect(asked.get_by_text("Every hour")).to_be_visible()
    await asked.get_by_role("button", name="Create again").click()
    await expect(page.get_by_role("tab", name="Now")).to_be_visible()
    again = page.url.rsplit("/", 1)[1]
    assert again != made["id"]
    shown = (await platform.rest.get(f"/triggers/{again}")).json()
    assert (shown["interval"], shown["labels"]) == (made["interval"], ["kept"])

    await page.goto("/ui/triggers/nonsense")
    await expect(page.get_by_role("heading", name="There is no such trigger")).to_be_visible()
