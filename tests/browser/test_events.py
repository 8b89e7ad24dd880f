"""The event log: followed without gap, filtered in its address, and each row told in full."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import NewContext
from tests.support.browser import NARROW, Watch, axe, screenshot
from tests.support.whole_platform import Platform

HOSTILE = '<img src=x onerror="alert(1)">\u202e order placed'
SCHEMA = {"type": "object", "properties": {"amount": {"type": "number", "minimum": 1}}}


async def placed(platform: Platform, **amounts: Any) -> tuple[str, list[str]]:
    """An api trigger that fired for each of these."""
    made = await platform.create(name=HOSTILE, type="api", payload_schema=SCHEMA)
    fired = [await platform.fire(made["id"], payload=each) for each in amounts.values()]
    await platform.until_events(len(fired), trigger_id=made["id"])
    return made["id"], fired


def rows(page: Page) -> Locator:
    return page.locator("[data-row]")


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


async def test_new_events_come_in_and_never_move_what_one_reads(
    page: Page, platform: Platform
) -> None:
    trigger, [first] = await placed(platform, a={"amount": 1})
    await page.goto(f"/ui/events?trigger={trigger}")
    await expect(rows(page)).to_have_count(1)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    second = await platform.fire(trigger, payload={"amount": 2})
    await expect(rows(page)).to_have_count(2)
    await expect(rows(page).first).to_have_attribute("data-row", second)

    await page.locator(f'[data-row="{first}"]').hover()
    third = await platform.fire(trigger, payload={"amount": 3})
    await expect(page.get_by_role("button", name="1 new")).to_be_visible()
    await expect(rows(page)).to_have_count(2)
    await axe(page)
    await screenshot(page, "events-new")
    await page.get_by_role("button", name="1 new").click()
    await expect(rows(page).first).to_have_attribute("data-row", third)

    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    fourth = await platform.fire(trigger, payload={"amount": 4})
    await platform.until_events(4, trigger_id=trigger)
    await expect(rows(page)).to_have_count(3)
    await page.get_by_role("button", name="Follow").click()
    await expect(rows(page)).to_have_count(4)
    await expect(rows(page).first).to_have_attribute("data-row", fourth)


async def shows(page: Page, *pickers: str, words: str) -> None:
    """The archived log, with these filters."""
    archived = page.get_by_role("button", name="Archived 46 h")
    await expect(archived).to_have_attribute("aria-pressed", "true")
    for each in pickers:
        await expect(page.get_by_role("combobox", name=each, exact=True)).to_be_visible()
    await expect(page.get_by_role("searchbox")).to_have_value(words)
    await expect(page.get_by_role("heading", level=2)).to_be_visible()


async def test_filters_survive_a_reload_their_clearing_with_back_and_a_colleague(
    page: Page, new_context: NewContext
) -> None:
    address = "/ui/events?life=archived&status=missed,rejected&source=nats&test=only&late=30&q=word"
    all_of_them = (
        "Result: missed, rejected",
        "Source: nats",
        "Tests: only",
        "Late by: 30 s or more",
    )
    await page.goto(address)
    await shows(page, *all_of_them, words="word")
    await page.reload()
    await shows(page, *all_of_them, words="word")
    await page.get_by_role("button", name="Clear all filters").click()
    await shows(page, "Result: any", "Source: any", "Tests: any", "Late by: any", words="")
    assert asked(page) == {"life": ["archived"]}
    await page.go_back()
    await shows(page, *all_of_them, words="word")
    colleague = await (await new_context()).new_page()
    await colleague.goto(page.url)
    await shows(colleague, *all_of_them, words="word")


async def test_a_lost_connection_goes_on_without_gap_or_duplicate(
    page: Page, platform: Platform, watch: Watch
) -> None:
    trigger, fired = await placed(platform, a={"amount": 1})
    await page.goto(f"/ui/events?trigger={trigger}")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    watch.expect("net::", 500, 502, 503)
    await platform.kill("api")
    await expect(page.get_by_text("Connection lost", exact=False)).to_be_visible()
    await platform.until_ready()
    for amount in range(2, 7):
        fired.append(await platform.fire(trigger, payload={"amount": amount}))
    await expect(rows(page)).to_have_count(6)
    shown = await rows(page).evaluate_all("found => found.map((row) => row.dataset.row)")
    assert shown == fired[::-1]
    await expect(page.get_by_text("Connection lost", exact=False)).to_have_count(0)


async def test_a_row_opens_beside_the_log_is_replayed_and_gives_the_focus_back(
    page: Page, platform: Platform
) -> None:
    trigger, [small, big] = await placed(
        platform, a={"amount": 12345678901234567890}, b={"amount": 2, "text": "word " * 40_000}
    )
    await page.goto(f"/ui/events?trigger={trigger}")
    await rows(page).first.focus()
    await page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    await expect(drawer.get_by_text("The first 20 kB of 201 kB.", exact=False)).to_be_visible()
    await expect(drawer.get_by_role("heading", level=2)).to_have_text(HOSTILE)
    assert asked(page)["event"] == [big]
    await page.keyboard.press("j")
    await expect(drawer.get_by_text("12345678901234567890")).to_be_visible()
    assert asked(page)["event"] == [small]
    await page.reload()
    await expect(drawer.get_by_text("12345678901234567890")).to_be_visible()
    await screenshot(page, "events-drawer")
    await drawer.get_by_role("button", name="Replay").click()
    await expect(drawer.get_by_text("A replay of")).to_be_visible()
    again = asked(page)["event"][0]
    assert again != small
    await drawer.get_by_role("link", name=small).click()
    await expect(drawer.get_by_role("link", name=again)).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(drawer).to_have_count(0)
    await expect(page.locator(f'[data-row="{small}"]')).to_be_focused()
    await page.go_back()
    await expect(drawer).to_be_visible()


async def test_a_filtered_log_is_zoomed_exported_and_replayed(
    new_context: NewContext, platform: Platform, tmp_path: Path, watch: Watch
) -> None:
    page = await (await new_context(accept_downloads=True)).new_page()
    trigger, _ = await placed(platform, a={"amount": 1}, b={"amount": 2, "note": "Straße"})
    refused = await platform.rest.post(f"/triggers/{trigger}/fire", json={"payload": {"amount": 0}})
    assert refused.status_code == 422
    await platform.until_events(3, trigger_id=trigger)
    await page.goto(f"/ui/events?trigger={trigger}")
    await expect(page.get_by_text("3 events: 2 fired, 1 rejected")).to_be_visible()
    await expect(rows(page).first).to_contain_text("/payload/amount")

    await page.get_by_role("button", name="Export").click()
    async with page.expect_download() as download:
        await page.get_by_role("menuitem", name="NDJSON").click()
    await (await download.value).save_as(tmp_path / "log.ndjson")
    lines = (tmp_path / "log.ndjson").read_text().splitlines()
    assert {json.loads(line)["trigger_id"] for line in lines} == {trigger}
    assert len(lines) == 3

    chart = page.get_by_role("slider")
    await chart.focus()
    for key in ("End", "Shift+ArrowLeft", "Enter"):
        await page.keyboard.press(key)
    await expect(page.get_by_text("Not live")).to_be_visible()
    assert {"from", "to"} <= set(asked(page))
    await page.get_by_role("button", name="Show the whole time").click()
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()

    await page.keyboard.press("/")
    await page.keyboard.type("strasse")
    await expect(rows(page)).to_have_count(1)
    await page.get_by_role("searchbox").fill("nothing has this")
    await expect(page.get_by_role("heading", name="No event passes")).to_be_visible()
    await page.get_by_role("searchbox").fill("")
    await expect(rows(page)).to_have_count(3)

    await page.get_by_role("button", name="Replay…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("2 events would fire again")).to_be_visible()
    await expect(dialog.get_by_text("1 event cannot be replayed")).to_be_visible()
    await screenshot(page, "events-replay")
    await dialog.get_by_role("button", name="Replay 2 events").click()
    await dialog.get_by_role("button", name="To the new events").click()
    await expect(dialog).to_have_count(0)
    await expect(rows(page)).to_have_count(2)
    assert asked(page)["source"] == ["replay"]
    await page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    await screenshot(page, "events-narrow")


async def test_an_event_that_is_not_there_says_what_may_be(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(404, 410)
    await page.goto("/ui/events/01900000-0000-7000-8000-000000000000")
    await expect(page.get_by_role("heading", name="This event was erased")).to_be_visible()
    await expect(page.get_by_text("and was erased around")).to_be_visible()
    await page.goto("/ui/events/no-such-event")
    await expect(page.get_by_role("heading", name="There is no such event")).to_be_visible()
    await page.get_by_role("link", name="To the log").click()
    await expect(page.get_by_role("heading", level=1, name="Event log")).to_be_visible()
