"""Where the keys go on when a control leaves the page by its own press."""

from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.support.whole_platform import Platform

MANY = 40


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def fired(platform: Platform, trigger: dict[str, Any], count: int) -> list[str]:
    """Events of a trigger, the newest first."""
    ids = [await platform.fire(trigger["id"], payload=n) for n in range(count)]
    await platform.until_events(count, trigger_id=trigger["id"])
    return ids[::-1]


async def test_the_bar_of_new_events_leads_to_the_first_of_them(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="focus, log", type="api")
    before = await fired(platform, made, MANY)
    await page.goto(f"/ui/events?trigger={made['id']}")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await page.mouse.move(40, 600)
    await page.locator(f'[data-row="{before[8]}"]').focus()
    first = await platform.fire(made["id"], payload="first")
    await button(page, "1 new").focus()
    # It waits for the press, though nobody reads the table any more.
    await page.evaluate("scrollTo(0, 0)")
    second = await platform.fire(made["id"], payload="second")
    await expect(button(page, "2 new")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(f'[data-row="{second}"]')).to_be_focused()
    assert await page.evaluate("scrollY") == 0
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(f'[data-row="{first}"]')).to_be_focused()

    # From further down it leads up there, too.
    await page.mouse.wheel(0, 900)
    await page.wait_for_function("() => scrollY > 500")
    third = await platform.fire(made["id"], payload="third")
    await button(page, "1 new").press("Enter")
    await expect(page.locator(f'[data-row="{third}"]')).to_be_focused()
    assert await page.evaluate("scrollY") == 0


async def test_a_triggers_own_log_shows_what_waits_and_goes_on_there(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="focus, story", type="api")
    await fired(platform, made, 1)
    await page.goto(f"/ui/triggers/{made['id']}?tab=log")
    links = page.get_by_role("list", name="What happened to this trigger").get_by_role("link")
    await expect(links).to_have_count(2)
    await links.first.focus()
    event = await platform.fire(made["id"], payload="waits")
    await expect(button(page, "1 new")).to_be_visible()
    # Reached from the list by keys it stays, and so does what was read.
    await page.keyboard.press("Shift+Tab")
    await expect(button(page, "1 new")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(links).to_have_count(3)
    await expect(links.first).to_be_focused()
    assert event in (await links.first.get_attribute("href") or "")
    # Past it by keys: nothing waits for a reader who has left.
    await platform.fire(made["id"], payload="passed by")
    await expect(button(page, "1 new")).to_be_visible()
    await page.keyboard.press("Shift+Tab")
    await expect(button(page, "1 new")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(links).to_have_count(4)
    await expect(page.get_by_role("checkbox", name="Dead letters")).to_be_focused()

    # A kind of which there is nothing, and the way back.
    await page.goto(f"/ui/triggers/{made['id']}?tab=log&kind=missed")
    await button(page, "Show all kinds").press("Enter")
    await expect(page.get_by_role("checkbox", name="Fired")).to_be_focused()


async def test_the_list_of_triggers_takes_the_focus_of_what_stood_below_it(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="focus, list", type="api")
    await page.goto("/ui/triggers?sort=-created")
    row = page.locator(f'[data-row="{made["id"]}"]')
    await row.focus()
    await page.keyboard.press("x")
    await button(page, "Clear").press("Enter")
    await expect(page.get_by_text("1 selected")).to_be_hidden()
    await expect(row).to_be_focused()
    newer = await platform.create(name="focus, newer", type="api")
    await button(page, "Show").press("Enter")
    await expect(page.locator(f'[data-row="{newer["id"]}"]')).to_be_visible()
    await expect(row).to_be_focused()
    await expect(button(page, "Show")).to_be_hidden()


async def test_what_is_taken_from_a_form_hands_on_the_focus(page: Page) -> None:
    await page.goto("/ui/triggers/new?kind=api")
    label = page.get_by_role("combobox", name="Add a label")
    await label.fill("one,")
    await button(page, "Remove the label one").press("Enter")
    await expect(label).to_be_focused()
