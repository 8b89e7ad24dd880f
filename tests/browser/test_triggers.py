"""The list of triggers: found, fired, deleted, one or many, and what it says when it is empty."""

import json
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import NewContext
from tests.support.browser import NARROW, Watch, axe, screenshot
from tests.support.whole_platform import Platform

LIST = "/ui/triggers"


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has_text=name)


async def more(page: Page, name: str, item: str) -> None:
    await page.get_by_role("button", name=f"More for {name}").click()
    await page.get_by_role("menuitem", name=item, exact=True).click()


async def delete_all(platform: Platform) -> None:
    while rows := (await platform.rest.get("/triggers/", params={"limit": 500})).json():
        for each in rows:
            await platform.rest.delete(f"/triggers/{each['id']}")


async def test_an_empty_list_makes_a_first_trigger_that_fires(
    page: Page, platform: Platform
) -> None:
    await delete_all(platform)
    await page.goto(LIST)
    await expect(page.get_by_role("heading", name="No triggers yet")).to_be_visible()
    await axe(page)
    await page.get_by_role("button", name="Fire one in 10 seconds").click()
    await page.wait_for_url("**/ui/triggers/*-*")
    trigger_id = page.url.rsplit("/", 1)[1]
    await expect(page.get_by_text("It fired, on the real path")).to_be_visible()
    [event] = await platform.until_events(1, trigger_id=trigger_id)
    assert event["status"] == "fired"


async def test_filters_stand_in_the_address_and_back_brings_list_and_place_again(
    page: Page, platform: Platform
) -> None:
    await platform.create(
        name="list, nightly", type="scheduled", cron="30 2 * * *", labels=["a,b", "list"]
    )
    await platform.create(name="list, order", type="api", labels=["list"])
    await page.goto(f"{LIST}?sort=-created")
    await expect(row(page, "list, order")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("LIST, ")
    await page.wait_for_url("**/triggers?*q=LIST*")
    await page.get_by_role("combobox", name="Label: any").click()
    await page.get_by_role("option", name="a,b (1)").click()
    await page.keyboard.press("Escape")
    await expect(row(page, "list, order")).to_be_hidden()
    await page.reload()
    await expect(row(page, "list, nightly")).to_be_visible()
    await expect(row(page, "list, order")).to_be_hidden()
    await page.get_by_role("button", name="missed, last 2 h").click()
    await expect(page.get_by_role("heading", name="No trigger matches")).to_be_visible()
    await expect(page.get_by_text("label a,b")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("button", name="missed, last 2 h")).to_have_attribute(
        "aria-pressed", "false"
    )
    await row(page, "list, nightly").get_by_role("link", name="list, nightly").click()
    await page.wait_for_url("**/ui/triggers/*-*")
    await page.go_back()
    await expect(page.get_by_role("searchbox")).to_have_value("LIST, ")
    await expect(row(page, "list, nightly")).to_be_focused()


async def shows(page: Page, *pickers: str, words: str) -> None:
    for each in pickers:
        await expect(page.get_by_role("combobox", name=each, exact=True)).to_be_visible()
    await expect(page.get_by_role("searchbox")).to_have_value(words)


async def test_filters_survive_a_reload_their_clearing_with_back_and_a_colleague(
    page: Page, platform: Platform, new_context: NewContext
) -> None:
    # Without any label there would be none to choose.
    await platform.create(name="filtered, order", type="api", labels=["filtered"])
    all_of_them = (
        "Type: scheduled",
        "Status: completed",
        "Label: of nobody",
        "Due: within 24 h",
        "Sort: name, Z first",
    )
    cleared = ("Type: any", "Status: any", "Label: any", "Due: any time", all_of_them[-1])
    await page.goto(
        f"{LIST}?q=word&type=scheduled&status=completed&label=of nobody&due=24h&sort=-name"
    )
    await shows(page, *all_of_them, words="word")
    await page.reload()
    await shows(page, *all_of_them, words="word")
    await page.get_by_role("button", name="Clear all filters").click()
    await shows(page, *cleared, words="")
    await expect(page.get_by_role("table", name="Triggers")).to_be_visible()
    await page.go_back()
    await shows(page, *all_of_them, words="word")
    colleague = await (await new_context()).new_page()
    await colleague.goto(page.url)
    await shows(colleague, *all_of_them, words="word")
    await expect(colleague.get_by_role("heading", name="No trigger matches")).to_be_visible()


async def test_keys_lead_through_the_rows_and_fire_shows_its_refusal_and_its_event(
    page: Page, platform: Platform, watch: Watch
) -> None:
    schema = {"required": ["amount"], "properties": {"amount": {"type": "number", "minimum": 1}}}
    made = await platform.create(
        name="keys, order", type="api", payload={"currency": "EUR"}, payload_schema=schema
    )
    await page.goto(f"{LIST}?q=keys,")
    await expect(row(page, "keys, order")).to_be_visible()
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await expect(page.get_by_role("checkbox", name="Select keys, order")).to_be_checked()
    fire = page.get_by_role("button", name="Fire keys, order now")
    await fire.click()
    payload = page.get_by_role("textbox", name="Payload")
    await expect(payload).to_have_value(json.dumps({"amount": 1}, indent=2))
    watch.expect(422)
    await payload.fill('{"amount": 0, "id": 12345678901234567890}')
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("/amount: ")).to_be_visible()
    await axe(page)
    await payload.fill('{"amount": 2, "id": 12345678901234567890}')
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("keys, order fired").first).to_be_visible()
    await expect(fire).to_be_focused()
    await expect(row(page, "keys, order").get_by_text("fired")).to_be_visible()
    points = row(page, "keys, order").get_by_role("img", name="last 2 results, 1 rejected")
    await expect(points).to_be_visible()
    [event] = await platform.until_events(1, trigger_id=made["id"], status="fired")
    told = (await platform.rest.get(f"/events/{event['id']}")).text
    assert "12345678901234567890" in told
    await page.get_by_role("button", name="Show its event").click()
    await page.wait_for_url(f"**/ui/events/{event['id']}")


async def test_a_delete_says_what_ends_and_notices_an_edit_of_someone_else(
    page: Page, platform: Platform, watch: Watch
) -> None:
    made = await platform.create(name="gone, nightly", type="scheduled", cron="30 2 * * *")
    await page.goto(f"{LIST}?q=gone,")
    await more(page, "gone, nightly", "Why is there no pause?")
    await expect(page.get_by_text("Left out, of the next")).to_be_visible()
    await page.get_by_role("button", name="Delete it").click()
    await page.get_by_role("button", name="Delete …").click()
    confirm = page.get_by_role("button", name="Delete gone, nightly")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("row")).to_have_count(1 + 5)
    edit = await platform.rest.patch(f"/triggers/{made['id']}", json={"cron": "0 5 * * *"})
    assert edit.status_code == 200
    watch.expect(412)
    await confirm.click()
    await expect(dialog.get_by_text("it is at version 2 now")).to_be_visible()
    await expect(dialog.get_by_text("At 05:00")).to_be_visible()
    await axe(page)
    await confirm.click()
    await expect(page.get_by_text("gone, nightly deleted").first).to_be_visible()
    await expect(page.get_by_role("heading", name="No trigger matches")).to_be_visible()


async def test_skipped_dates_are_shown_before_they_are_saved(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="skip, nightly", type="scheduled", cron="30 2 * * *")
    await page.goto(f"{LIST}?q=skip,")
    await more(page, "skip, nightly", "Why is there no pause?")
    await page.get_by_label("From").fill("2031-03-01")
    await page.get_by_label("To, inclusive").fill("2031-03-05")
    await expect(page.get_by_text("None of the next falls on these dates.")).to_be_visible()
    await page.get_by_role("button", name="Skip these dates").click()
    await expect(page.get_by_text("skip, nightly skips these dates").first).to_be_visible()
    shown = (await platform.rest.get(f"/triggers/{made['id']}")).json()
    assert shown["exclude"] == ["2031-03-01/2031-03-05"]


async def test_a_schedule_ends_with_its_next_fire_after_it_is_shown_what_is_left_out(
    page: Page, platform: Platform
) -> None:
    made = await platform.create(name="last, nightly", type="scheduled", cron="30 2 * * *")
    await page.goto(f"{LIST}?q=last,")
    await more(page, "last, nightly", "Why is there no pause?")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="End it").click()
    await expect(dialog.get_by_role("heading", name="Left out, of the next 10")).to_be_visible()
    left_out, still = await dialog.get_by_role("table").all()
    await expect(left_out.get_by_role("row")).to_have_count(1 + 5)
    await expect(still.get_by_role("row")).to_have_count(1 + 1)
    last = await still.locator("time").first.get_attribute("datetime")
    await dialog.get_by_role("button", name="End last, nightly").click()
    await expect(page.get_by_text("last, nightly ends with its next fire").first).to_be_visible()
    await expect(dialog).to_be_hidden()
    shown = (await platform.rest.get(f"/triggers/{made['id']}")).json()
    assert shown["ends_at"] == shown["next_fire_at"] == last
    coming = (await platform.rest.get(f"/triggers/{made['id']}/next")).json()
    assert [each["scheduled_for"] for each in coming["occurrences"]] == [last]


async def bulk(platform: Platform, definitions: list[dict[str, Any]]) -> None:
    answer = await platform.rest.post("/triggers/bulk", json=definitions)
    assert answer.status_code == 201, answer.text


async def test_all_that_match_are_exported_as_they_are_and_deleted_with_one_summary(
    page: Page, platform: Platform, watch: Watch
) -> None:
    big = 12345678901234567890
    many = [
        {"name": f"many {number:03}", "type": "api", "payload": {"n": big}} for number in range(130)
    ]
    await bulk(platform, many)
    await page.goto(f"{LIST}?q=many&sort=name")
    await page.get_by_role("checkbox", name="Select many 001").check()
    await page.get_by_role("checkbox", name="Select many 004").click(modifiers=["Shift"])
    await expect(page.get_by_text("4 selected")).to_be_visible()
    await page.get_by_role("button", name="Select all 130 that match").click()
    await expect(page.get_by_text("130 selected")).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Export").click()
    lines = (await (await download.value).path()).read_text().splitlines()
    assert sorted(map(json.loads, lines), key=lambda each: each["name"]) == many
    [first] = (await platform.rest.get("/triggers/", params={"q": "many 000"})).json()
    await platform.rest.patch(f"/triggers/{first['id']}", json={"description": "edited elsewhere"})
    watch.expect(412)
    await page.get_by_role("button", name="Delete", exact=True).click()
    confirm = page.get_by_role("button", name="Delete 130 triggers")
    await expect(confirm).to_be_visible()
    await axe(page)
    await confirm.click()
    await expect(page.get_by_text("129 triggers deleted")).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text="many 000")).to_contain_text(
        "edited meanwhile"
    )
    await page.get_by_role("button", name="Close").click()
    await expect(page.get_by_text("1 selected")).to_be_visible()


async def test_names_are_text_and_a_narrow_dark_page_shows_what_fires_without_a_reload(
    new_context: NewContext, platform: Platform
) -> None:
    name = "<img src=x onerror=alert(1)> {{hostile}}"
    await platform.create(name=name, type="scheduled", interval=2)
    context = await new_context(viewport=NARROW, color_scheme="dark")
    page = await context.new_page()
    await page.goto(f"{LIST}?q=hostile")
    shown = row(page, "{{hostile}}")
    await expect(shown.get_by_role("link", name=name)).to_be_visible()
    before = shown.locator("time").first
    was = await before.get_attribute("datetime")
    await expect(shown.get_by_text("fired")).to_be_visible()
    await expect(before).not_to_have_attribute("datetime", was or "")
    width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0
    button = page.get_by_role("button", name="More for")
    await button.click()
    await expect(button).to_have_attribute("aria-expanded", "true")
    delete = page.get_by_role("menuitem", name="Delete")
    await delete.focus()
    # What fires meanwhile is drawn, and closes no menu.
    was = await before.get_attribute("datetime")
    await expect(before).not_to_have_attribute("datetime", was or "")
    await expect(delete).to_be_focused()
    await screenshot(page, "triggers-menu-narrow-dark")
    await page.keyboard.press("Escape")
    await expect(button).to_be_focused()
    await expect(button).to_have_attribute("aria-expanded", "false")
