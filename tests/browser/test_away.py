"""A part of the platform is away while one looks: what is shown, what is kept, and the way back."""

import re

from playwright.async_api import Locator, Page, expect

from tests.support.browser import Watch, axe, screenshot
from tests.support.whole_platform import Platform

OLD = re.compile(r"^What is shown is .+ old\.$")
COUNTED_DOWN = re.compile(r"Tried \d+ times?\. Again in \d+ s\.")
LATER = re.compile(r"Tried (?:[2-9]|\d\d+) times\.")

BREAK = """() => {
  const { log10 } = Math
  window.mend = () => { Math.log10 = log10 }
  Math.log10 = () => { throw new Error('broken on purpose') }
}"""
"""What every chart of lateness asks for: the next screen that has one breaks."""


def away(page: Page) -> Locator:
    return page.get_by_role("alert").filter(has_text="The platform is away at the moment")


def old(page: Page) -> Locator:
    return page.get_by_text(OLD).first


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def opened(page: Page, address: str, what: str) -> Page:
    """Another tab of the same browser, once it shows this."""
    tab = await page.context.new_page()
    await tab.goto(address)
    await expect(tab.get_by_text(what).first).to_be_visible()
    return tab


async def goes(page: Page, to: str) -> None:
    """As by a link of the page: nothing is loaded but what the screen asks for."""
    await page.evaluate("to => history.pushState(null, '', to)", to)


async def called(platform: Platform, name: str) -> int:
    """How many triggers have this very name."""
    found = (await platform.rest.get("/triggers/", params={"q": name})).json()
    return [each["name"] for each in found].count(name)


async def test_without_the_database_screens_keep_what_they_show_and_come_back_by_themselves(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(503)
    made = await platform.create(name="away, nightly", type="scheduled", cron="30 2 * * *")
    event = await platform.fire(made["id"])
    await platform.until_events(1, trigger_id=made["id"])
    shown = [
        await opened(page, "/ui/triggers?q=away, nightly", "away, nightly"),
        await opened(page, f"/ui/triggers/{made['id']}", "away, nightly"),
        await opened(page, "/ui/overview", "due within 1 h"),
        await opened(page, f"/ui/events?trigger={made['id']}", "away, nightly"),
    ]
    fresh = {
        address: await opened(page, "/ui/access", "This session")
        for address in (
            "/ui/triggers?q=away, night",
            f"/ui/triggers/{made['id']}?tab=log",
            f"/ui/triggers/{made['id']}/edit",
            f"/ui/events/{event}",
            f"/ui/events?trigger={made['id']}",
        )
    }
    async with platform.gone("postgres"):
        for address, tab in fresh.items():
            await goes(tab, address)
        # Who loads the page meanwhile is told the same.
        await page.goto("/ui/overview")
        for tab in (*fresh.values(), page):
            await expect(away(tab)).to_contain_text(COUNTED_DOWN)
        for tab in shown:
            await expect(old(tab)).to_be_visible()
        await expect(shown[0].get_by_role("link", name="away, nightly")).to_be_visible()
        await screenshot(shown[0], "away-triggers")
        await screenshot(shown[2], "away-overview", full_page=True)
        # Nobody presses anything.
        for tab in (*fresh.values(), page):
            await expect(away(tab)).to_contain_text(LATER)
        await screenshot(page, "away")
    await platform.until_ready()
    for tab in (*fresh.values(), page):
        await expect(away(tab)).to_be_hidden()
    for tab in fresh.values():
        await expect(tab.get_by_text("away, nightly").first).to_be_visible()
    for tab in shown:
        await expect(old(tab)).to_be_hidden()
    await expect(page.get_by_text("due within 1 h")).to_be_visible()


async def test_what_a_hanging_database_keeps_waiting_shows_its_skeleton_until_it_is_there(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(503)
    made = await platform.create(name="hung, nightly", type="scheduled", cron="30 2 * * *")
    await platform.fire(made["id"])
    await platform.until_events(1, trigger_id=made["id"])
    screens = {
        "/ui/triggers?q=hung, nightly": ("Triggers", "hung, nightly"),
        f"/ui/triggers/{made['id']}": ("Trigger", "Around now"),
        f"/ui/events?trigger={made['id']}": ("Event log", "hung, nightly"),
        "/ui/overview": ("Overview", "fired, "),
    }
    await page.goto("/ui/access")
    await expect(page.get_by_role("heading", name="This session")).to_be_visible()
    async with platform.hung("postgres"):
        for address, (title, _) in screens.items():
            await goes(page, address)
            # The screen is there, and no longer what stands for its code.
            await expect(page.get_by_role("heading", level=1)).to_have_text(title)
            await expect(page.locator("[role=status].is-due").first).to_have_text("Loading")
        await screenshot(page, "away-skeleton")
    for address, (_, what) in reversed(screens.items()):
        await goes(page, address)
        await expect(page.get_by_text(what).first).to_be_visible()
        await expect(page.locator(".skeleton")).to_have_count(0)
    await platform.until_ready()


async def test_a_screen_that_breaks_says_so_leaves_the_others_and_can_be_tried_again(
    page: Page, platform: Platform, watch: Watch
) -> None:
    made = await platform.create(name="broken, order", type="api")
    await platform.fire(made["id"])
    await platform.until_events(1, trigger_id=made["id"])
    await page.goto("/ui/access")
    await expect(page.get_by_role("heading", name="This session")).to_be_visible()
    await page.evaluate(BREAK)
    await goes(page, "/ui/triggers?q=broken, order")
    broken = page.get_by_role("alert").filter(has_text="broken on purpose")
    await expect(broken).to_contain_text("This did not work")
    await axe(page)
    await screenshot(page, "broken")
    await page.get_by_role("link", name="Access").click()
    await expect(page.get_by_role("heading", name="This session")).to_be_visible()
    await page.go_back()
    await expect(broken).to_be_visible()
    await page.evaluate("mend()")
    await button(page, "Try again").click()
    await expect(page.get_by_role("link", name="broken, order")).to_be_visible()
    await expect(broken).to_be_hidden()
    # React prints what a boundary has caught, and nothing else was heard.
    told = [said for said in watch.heard if said.startswith("Error: broken on purpose")]
    assert told
    watch.heard[:] = [said for said in watch.heard if said not in told]


async def test_what_the_broker_could_not_take_is_kept_and_sent_again_once(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(503)
    made = await platform.create(name="kept, order", type="api")
    edit = await opened(page, f"/ui/triggers/{made['id']}/edit", "Edit kept, order")
    fire = await opened(page, "/ui/triggers?q=kept, order", "kept, order")
    test = await opened(page, f"/ui/triggers/{made['id']}?tab=test", "kept, order")
    await page.goto("/ui/triggers/new?kind=interval")
    await page.get_by_role("textbox", name="Name", exact=True).fill("kept, new")
    await button(page, "1 h").click()
    await edit.get_by_role("textbox", name="Name", exact=True).fill("kept, renamed")
    await button(edit, "Review changes").click()
    await expect(button(edit, "Save changes")).to_be_enabled()
    await button(fire, "Fire kept, order now").click()
    await fire.get_by_role("textbox", name="Payload").fill('{"n": 12345678901234567890}')
    await test.get_by_role("textbox", name="Payload").fill('{"test": true}')
    async with platform.gone("nats"):
        await button(page, "Create trigger").click()
        await button(edit, "Save changes").click()
        await fire.keyboard.press("Control+Enter")
        await test.keyboard.press("Control+Enter")
        await expect(page.get_by_role("alert")).to_contain_text("It may have been stored")
        for tab in (page, edit):
            await expect(away(tab)).to_be_visible()
        await expect(fire.get_by_text("the platform is away")).to_be_visible()
        await expect(test.get_by_text("503 unavailable")).to_be_visible()
        await screenshot(page, "away-create")
        await screenshot(fire, "away-fire")
    await platform.until_ready()
    await button(page, "Create trigger").click()
    await page.wait_for_url("**/ui/triggers/0*")
    await expect(edit.get_by_role("textbox", name="Name", exact=True)).to_have_value(
        "kept, renamed"
    )
    await button(edit, "Review changes").click()
    await button(edit, "Save changes").click()
    await edit.wait_for_url(f"**/ui/triggers/{made['id']}")
    await fire.keyboard.press("Control+Enter")
    await expect(fire.get_by_text("kept, order fired").first).to_be_visible()
    await test.keyboard.press("Control+Enter")
    await expect(test.get_by_text("test, fired")).to_be_visible()
    assert await called(platform, "kept, new") == 1
    assert await called(platform, "kept, renamed") == 1
    await platform.until_quiet()
    [fired] = await platform.events(trigger_id=made["id"], is_test="false")
    told = (await platform.rest.get(f"/events/{fired['id']}")).text
    assert "12345678901234567890" in told


async def test_what_is_stored_and_not_applied_yet_is_followed_until_it_is(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="stored, old", type="scheduled", interval="PT1H")
    edit = await opened(page, f"/ui/triggers/{made['id']}/edit", "Edit stored, old")
    await edit.get_by_role("textbox", name="Name", exact=True).fill("stored, edited")
    await button(edit, "Review changes").click()
    await expect(button(edit, "Save changes")).to_be_enabled()
    await page.goto("/ui/triggers/new?kind=api")
    await page.get_by_role("textbox", name="Name", exact=True).fill("stored, new")
    async with platform.gone("scheduler"):
        await button(page, "Create trigger").click()
        await button(edit, "Save changes").click()
        for tab in (page, edit):
            await expect(tab.get_by_text("Stored, not applied yet")).to_be_visible()
        await screenshot(page, "away-stored")
    await platform.until_ready()
    await page.wait_for_url("**/ui/triggers/0*")
    await expect(page.get_by_role("heading", level=1)).to_have_text("stored, new")
    await edit.wait_for_url(f"**/ui/triggers/{made['id']}")
    await expect(edit.get_by_role("heading", level=1)).to_have_text("stored, edited")
    assert await called(platform, "stored, new") == 1


async def test_a_dead_gateway_leaves_every_screen_as_it_was_and_nothing_typed_is_lost(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect("net::", 500, 502, 503)
    made = await platform.create(name="dead, order", type="api")
    shown = [
        await opened(page, "/ui/triggers?q=dead, order", "dead, order"),
        await opened(page, f"/ui/triggers/{made['id']}", "dead, order"),
        await opened(page, "/ui/overview", "due within 1 h"),
    ]
    never_loaded = await opened(page, "/ui/access", "This session")
    await page.goto("/ui/triggers/new?kind=cron")
    await page.get_by_role("textbox", name="Name", exact=True).fill("dead, new")
    cron = page.get_by_role("textbox", name="Cron expression")
    await cron.fill("0 9 * * *")
    times = page.get_by_role("table").get_by_role("row")
    await expect(times).to_have_count(11)
    async with platform.gone("api"):
        await never_loaded.get_by_role("link", name="Event log").click()
        not_loaded = never_loaded.get_by_role("alert").filter(has_text="could not be loaded")
        await expect(not_loaded).to_be_visible()
        await button(never_loaded, "Try again").click()
        await cron.fill("0 10 * * *")
        await expect(page.get_by_text("it goes on by itself", exact=False)).to_be_visible()
        await button(page, "Create trigger").click()
        await expect(away(page)).to_contain_text("the gateway does not answer")
        for tab in shown:
            await expect(old(tab)).to_be_visible()
        await expect(shown[0].get_by_role("link", name="dead, order")).to_be_visible()
        await screenshot(shown[1], "away-trigger")
        # What was pressed has not put the browser's own page in the place of ours.
        await expect(not_loaded).to_be_visible()
        assert await never_loaded.evaluate("location.pathname") == "/ui/events"
        await screenshot(never_loaded, "away-not-loaded")
        # What waits for ten seconds by now can be told to ask at once.
        async with shown[2].expect_request("**/overview"):
            await button(shown[2], "Try again").first.press("Enter")
    await platform.until_ready()
    # It comes with its looks, however often they were asked for in vain.
    await expect(never_loaded.get_by_text("Live", exact=True)).to_be_visible()
    await expect(never_loaded.locator(".log-live")).to_have_css("position", "sticky")
    await expect(not_loaded).to_be_hidden()
    for tab in shown:
        await expect(old(tab)).to_be_hidden()
    # The button went with what it said: keys go on from the title of what is there.
    await expect(shown[2].get_by_role("heading", level=1)).to_be_focused()
    await button(page, "Create trigger").click()
    await page.wait_for_url("**/ui/triggers/0*")
    assert await called(platform, "dead, new") == 1
