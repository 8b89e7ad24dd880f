"""Targets: made and edited by a form, their secrets shown once, listed, and deleted."""

import asyncio
import re

from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import NewContext
from tests.support.browser import NARROW, Watch, axe, screenshot
from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform

LIST = "/ui/targets"
HOOK: Json = {"type": "webhook", "url": "https://1.1.1.1/T0/hook"}
"""An address, so that no name is looked up; nothing is sent, since no trigger names it."""


def field(page: Page | Locator, name: str) -> Locator:
    # What is typed as a secret has no role; what has several controls is a group of the same name.
    return page.locator("input, textarea").and_(page.get_by_label(name, exact=True))


def button(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def made(platform: Platform, **fields: object) -> Json:
    response = await platform.rest.post("/targets/", json=fields)
    assert response.status_code == 201, response.text
    found: Json = response.json()
    return found


async def delete_all(platform: Platform) -> None:
    for path in ("/triggers/", "/targets/"):
        while rows := (await platform.rest.get(path, params={"limit": 100})).json():
            for each in rows:
                await platform.rest.delete(f"{path}{each['id']}")


async def test_the_first_webhook_is_made_and_its_secret_is_shown_once(
    page: Page, platform: Platform
) -> None:
    await delete_all(platform)
    await page.goto(LIST)
    await expect(page.get_by_role("heading", name="No targets yet")).to_be_visible()
    await axe(page)
    await page.get_by_role("link", name="Add a webhook").click()
    await field(page, "URL").fill(HOOK["url"])
    await field(page, "Name").fill("<b>shop</b>")
    await button(page, "Add a header").click()
    await expect(field(page, "Header 1: Name")).to_be_focused()
    await field(page, "Header 1: Name").fill("Authorization")
    await field(page, "Header 1: secret").check()
    await field(page, "Header 1: Value").fill("Bearer c4n4ry")
    await button(page, "Create target").click()
    await page.wait_for_url("**/ui/targets/0*")
    once = page.get_by_role("region", name="Its signing secret")
    await expect(once.get_by_text("the only time that it is shown")).to_be_visible()
    await expect(once.get_by_role("heading")).to_be_focused()
    secret = button(once, "Copy the secret")
    await expect(secret).to_contain_text(re.compile(r"^whsec_\S{32,}"))
    await axe(page)
    await screenshot(page, "target-made")

    # Nobody can show it again, and nothing keeps it: not the address, not this browser.
    text = await secret.inner_text()
    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert text not in page.url + kept
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("<b>shop</b>")
    await expect(page.get_by_text("Authorization: not shown")).to_be_visible()
    await expect(once).to_be_hidden()
    await expect(page.get_by_text("c4n4ry")).to_have_count(0)

    # What is stored is kept by an edit that leaves it alone.
    await page.get_by_role("link", name="Edit", exact=True).click()
    await expect(button(page, "Save changes")).to_be_disabled()
    await page.get_by_text("Limits", exact=True).click()
    await field(page, "Timeout").fill("5")
    await button(page, "Save changes").click()
    await page.wait_for_url(re.compile(r"/ui/targets/[^/]+$"))
    stored = (await platform.rest.get(page.url.partition("/ui")[2])).json()
    assert (stored["timeout"], stored["secret_headers"]) == (5, {"Authorization": "***"})


async def test_what_is_wrong_stands_at_its_field_and_its_row(
    new_context: NewContext, watch: Watch
) -> None:
    watch.expect(422)
    page = await (await new_context(viewport=NARROW, color_scheme="dark")).new_page()
    await page.goto(f"{LIST}/new")
    # Nothing is sent for what the page can tell by itself.
    await button(page, "Create target").click()
    await expect(field(page, "URL")).to_be_focused()
    await field(page, "URL").fill("https://127.0.0.1:9000/hook")
    for place, (name, value) in enumerate((("X-Shop", "a"), ("Content-Type", "b")), start=1):
        await button(page, "Add a header").click()
        await field(page, f"Header {place}: Name").fill(name)
        await field(page, f"Header {place}: Value").fill(value)
    await page.get_by_text("Retries", exact=True).click()
    await button(page, "Set delays of its own").click()
    await field(page, "Delay 1").fill("5")
    await button(page, "Add a delay").click()
    await field(page, "Delay 2").fill("90000")
    await field(page, "Answers that end it").fill("410, 500")
    # Closed again: what is wrong in it opens it.
    await page.get_by_text("Retries", exact=True).click()
    await button(page, "Create target").click()

    summary = page.get_by_role("alert").filter(has_text="4 things have to be mended first")
    await expect(summary).to_be_focused()
    await expect(summary.get_by_role("listitem")).to_have_text(
        [
            re.compile(r"^URL 127\.0\.0\.1 is not a public address\..*: ETP_WEBHOOK_ALLOW$"),
            "Header Content-Type this header is the platform's own",
            "Delay 2 must be 1 s to 24 h",
            "Answers that end it 500: must be 400 to 499",
        ]
    )
    for name in ("URL", "Header 2: Name", "Delay 2", "Answers that end it"):
        await expect(field(page, name)).to_have_attribute("aria-invalid", "true")
    for name in ("Header 1: Name", "Delay 1"):
        assert await field(page, name).get_attribute("aria-invalid") is None
    await summary.get_by_role("button", name="Delay 2").click()
    await expect(field(page, "Delay 2")).to_be_focused()
    await axe(page)
    await screenshot(page, "target-errors-narrow", full_page=True)
    # What is mended is not wrong any more, and the others still are.
    await button(page, "Remove delay 2").click()
    await button(page, "Remove the header Content-Type").click()
    await expect(summary).to_have_count(0)
    await expect(page.get_by_text("2 things have to be mended first")).to_be_visible()


async def test_an_edit_meets_anothers_and_both_are_shown(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(412)
    target = await made(platform, **HOOK, name="edited", secret_headers={"X-Token": "a"})
    address = f"/targets/{target['id']}"
    await page.goto(f"/ui{address}/edit")
    await field(page, "Name").fill("mine")
    await field(page, "Header 1: Value").fill("c4n4ry")
    theirs = {"name": "theirs", "concurrency": 3}
    assert (await platform.rest.patch(address, json=theirs)).status_code == 200
    await button(page, "Save changes").click()
    asked = page.get_by_role("dialog", name="Somebody else has changed it meanwhile")
    await expect(asked.get_by_role("row", name=re.compile("^Name edited"))).to_contain_text(
        "theirs"
    )
    await expect(asked.get_by_role("row", name=re.compile("^At once"))).to_be_visible()
    await expect(asked).not_to_contain_text("c4n4ry")
    await axe(page)
    await button(asked, "Go on with this").click()
    await button(page, "Save changes").click()
    await page.wait_for_url(re.compile(rf"/ui{address}$"))
    stored = (await platform.rest.get(address)).json()
    assert (stored["name"], stored["concurrency"], stored["version"]) == ("mine", 3, 3)

    await page.get_by_role("tab", name="History").click()
    await page.get_by_role("button", name=re.compile("^2 edited")).click()
    changed = page.get_by_role("table", name="Version 2: what changed")
    await expect(changed.get_by_role("row", name="Name edited theirs")).to_be_visible()
    await axe(page)


async def test_a_secret_is_rotated_and_what_a_trigger_names_is_not_deleted(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(404, 409, 422)
    target = await made(platform, **HOOK, name="target, rotated")
    trigger = await platform.create(name="names it", type="api", targets=[target["id"]])
    await page.goto(f"{LIST}?q=ROTATED&type=webhook")
    await page.get_by_role("link", name="target, rotated").click()
    await button(page, "Rotate the secret").click()
    asked = page.get_by_role("dialog", name="Rotate the secret of target, rotated?")
    await field(asked, "Both sign for").fill("200")
    await button(asked, "Rotate the secret").click()
    await expect(asked.get_by_role("group", name="Both sign for")).to_contain_text(
        "must be 0 to 7 days"
    )
    await axe(page)
    await field(asked, "Both sign for").fill("2")
    await button(asked, "Rotate the secret").click()
    once = page.get_by_role("region", name="Its signing secret")
    await expect(button(once, "Copy the secret")).to_contain_text("whsec_")
    await expect(page.get_by_text("2 secrets")).to_be_visible()
    await button(once, "I have it").click()
    await expect(once).to_be_hidden()
    stored = (await platform.rest.get(f"/targets/{target['id']}")).json()
    assert [one["expires_at"] is None for one in stored["secrets"]] == [True, False]

    await button(page, "Delete").click()
    asked = page.get_by_role("dialog", name="Delete target, rotated?")
    await button(asked, "Delete target, rotated").click()
    await expect(asked.get_by_role("alert")).to_contain_text("is named by names it")
    await axe(page)
    assert (await platform.rest.delete(f"/triggers/{trigger['id']}")).status_code == 204
    await button(asked, "Delete target, rotated").click()
    await page.wait_for_url("**/ui/targets")
    await page.goto(f"{LIST}/{target['id']}")
    await expect(page.get_by_role("heading", name="This target is deleted")).to_be_visible()


async def test_a_trigger_chooses_its_targets_and_shows_them(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(422)
    orders = await made(platform, type="nats", subject="out.orders", name="chosen, orders")
    audit = await made(platform, type="nats", subject="out.audit", name="chosen, audit")
    await page.goto("/ui/triggers/new?kind=api")
    await field(page, "Name").fill("delivers")
    for word in ("orders", "AUDIT"):
        await page.get_by_role("combobox", name="Where it is delivered").click()
        await page.get_by_placeholder("Part of a target").fill(f"chosen, {word}")
        option = page.get_by_role("option", name=f"chosen, {word.lower()}")
        await expect(option).to_be_visible()
        await axe(page)
        await option.click()
        await page.keyboard.press("Escape")
    chosen = page.get_by_role("group", name="Targets")
    await expect(chosen.get_by_role("listitem")).to_contain_text(["out.orders", "out.audit"])
    await axe(page)

    # One that is gone by now is named at its place, and can be taken out.
    assert (await platform.rest.delete(f"/targets/{audit['id']}")).status_code == 204
    await button(page, "Create trigger").click()
    await expect(chosen).to_contain_text(f"there is no target {audit['id']}")
    await button(page, "Remove the target chosen, audit").click()
    await button(page, "Create trigger").click()
    await page.wait_for_url("**/ui/triggers/0*")
    stored = (await platform.rest.get(page.url.partition("/ui")[2])).json()
    assert stored["targets"] == [orders["id"]]

    # A test of it goes there as well, or where it is told to.
    trigger = page.url
    await page.goto(f"{trigger}?tab=test")
    where = page.get_by_role("group", name="Deliver the test to")
    await expect(where.get_by_role("button", name="its target")).to_have_attribute(
        "aria-pressed", "true"
    )
    await where.get_by_role("button", name="none").first.click()
    await field(page, "Payload").fill('{"big": 123456789012345678901}')
    await axe(page)
    await button(page, "Fire a test").click()
    result = page.get_by_role("region", name="What became of it")
    await result.get_by_role("link").first.click()
    await expect(page.get_by_text("123456789012345678901")).to_be_visible()
    event = (await platform.events(trigger_id=trigger.rsplit("/", 1)[1]))[0]["id"]
    assert (await platform.rest.get(f"/events/{event}")).json()["deliveries"] == []
    await page.goto(trigger)
    card = page.get_by_role("region", name="Delivered to")
    await card.get_by_role("link", name="chosen, orders").click()
    await page.wait_for_url(f"**/ui/targets/{orders['id']}")


async def test_an_event_shows_what_was_delivered_and_what_is_tried_again(
    page: Page, platform: Platform
) -> None:
    # Nothing but the platform's own broker: on this subject no stream stores anything.
    there = await made(platform, type="nats", subject="out.there", name="seen, there")
    nowhere = await made(
        platform, type="nats", subject="out.nowhere", durable=True, name="seen, nowhere"
    )
    trigger = await platform.create(name="seen", type="api", targets=[there["id"], nowhere["id"]])
    event = await platform.fire(trigger["id"], payload={"order": 1})
    await platform.until_events(1, delivery="pending", target_id=nowhere["id"])
    # The names come after the event: until then a target is named by its id.
    read = asyncio.Event()

    async def slowly(route: Route) -> None:
        await read.wait()
        await route.continue_()

    await page.route("**/targets/?*", slowly)
    await page.goto(f"/ui/events?trigger={trigger['id']}&event={event}")
    drawer = page.get_by_role("dialog", name="seen")
    for target in (there, nowhere):
        await expect(drawer.get_by_role("link", name=target["id"])).to_be_visible()
    await axe(page)
    read.set()
    rows = drawer.locator(".delivery")
    await expect(rows.filter(has_text="seen, there")).to_contain_text("delivered")
    waiting = rows.filter(has_text="seen, nowhere")
    # By itself, as attempts are made.
    await expect(waiting).to_contain_text("no stream stored it")
    await expect(waiting).to_contain_text(re.compile("waits for its time: next|the target fails"))
    await axe(page)
    await screenshot(page, "event-deliveries")
    # What has arrived is sent once more, and only that.
    await button(drawer, "Deliver again: seen, there").click()
    arrived = rows.filter(has_text="seen, there")
    await expect(arrived).to_contain_text("round 2")
    await expect(arrived).to_contain_text("delivered")
    await expect(button(drawer, "Try now: seen, nowhere")).to_be_visible()
    # And to a target that its trigger does not name.
    other = await made(platform, type="nats", subject="out.other", name="seen, elsewhere")
    await drawer.get_by_role("combobox", name="Deliver to other targets").click()
    await page.get_by_placeholder("Part of a target").fill("elsewhere")
    await page.get_by_role("option", name="seen, elsewhere").click()
    await page.keyboard.press("Escape")
    await button(drawer, "Deliver").click()
    await expect(rows.filter(has_text="seen, elsewhere")).to_contain_text("delivered")
    await expect(button(drawer, "Deliver")).to_be_disabled()
    await axe(page)
    await platform.until_events(1, delivery="delivered", target_id=other["id"])

    await drawer.get_by_role("button", name="Close").click()
    await page.get_by_role("combobox", name="Delivery: any").click()
    await page.get_by_role("option", name="blocked").click()
    await page.keyboard.press("Escape")
    await page.wait_for_url("**delivery=blocked**")
    await expect(page.get_by_text("No event passes these filters")).to_be_visible()
    await page.goto(f"/ui/events?delivery=pending&target={nowhere['id']}")
    await expect(page.get_by_role("row").filter(has_text="seen")).to_be_visible()
    await expect(page.get_by_role("combobox", name="Target: seen, nowhere")).to_be_visible()
    await expect(page.get_by_text("it is read again by itself")).to_be_visible()
    await axe(page)

    # All that the log shows, by the filters that narrow it, counted first.
    await page.goto(f"/ui/events?trigger={trigger['id']}&target={there['id']}&source=api")
    await button(page, "Deliveries").click()
    await page.get_by_role("menuitem", name="Deliver again").click()
    asked = page.get_by_role("dialog", name="Deliver again what is shown")
    await expect(asked.get_by_role("listitem")).to_have_text(
        ["Source api", "Trigger seen", "Target seen, there"]
    )
    await expect(asked.get_by_role("status")).to_have_text("There is no such delivery.")
    await asked.get_by_role("checkbox", name="delivered").check()
    await expect(asked.get_by_role("status")).to_have_text("This is 1 delivery.")
    await axe(page)
    await screenshot(page, "log-deliver-again")
    await button(asked, "Deliver 1 again").click()
    await expect(asked).to_be_hidden()
    await expect(page.get_by_text("1 delivery asked for again")).to_be_visible()

    async def is_third_round() -> bool:
        shown = (await platform.rest.get(f"/events/{event}")).json()["deliveries"]
        return {one["target_id"]: one["round"] for one in shown}[there["id"]] == 3

    await eventually(is_third_round)

    await page.goto(f"{LIST}/{there['id']}")
    await button(page, "Test").click()
    asked = page.get_by_role("dialog", name="Test seen, there")
    await button(asked, "Send a test event").click()
    await expect(asked.get_by_role("status")).to_contain_text("delivered")
    await axe(page)

    # Whoever is to know that it fails, is chosen among the targets.
    await page.goto(f"{LIST}/{nowhere['id']}/edit")
    await page.get_by_text("Alerts", exact=True).click()
    await page.get_by_role("combobox", name="Alerts: none").click()
    await page.get_by_placeholder("Part of a target").fill("seen, th")
    await page.get_by_role("option", name="seen, there").click()
    await button(page, "Save changes").click()
    await page.wait_for_url(f"**{LIST}/{nowhere['id']}")
    await expect(page.get_by_role("link", name="seen, there")).to_be_visible()

    # What waits is given up, after it was counted, and can be delivered again by hand.
    await expect(page.get_by_text("1 delivery waiting")).to_be_visible()
    await button(page, "Cancel what waits …").click()
    asked = page.get_by_role("dialog", name="Cancel what waits for seen, nowhere?")
    await expect(asked.get_by_role("status")).to_have_text("This is 1 delivery.")
    await axe(page)
    await button(asked, "Cancel 1").click()
    await expect(page.get_by_text("Nothing waits for it")).to_be_visible()
    await platform.until_events(1, delivery="dead", target_id=nowhere["id"])
    await button(page, "Deliver again …").click()
    await button(page, "Deliver 1 again").click()
    await platform.until_events(1, delivery="pending", target_id=nowhere["id"])
    await page.goto(f"{LIST}?q=seen, ")
    await expect(page.get_by_role("row", name=re.compile("seen, nowhere"))).to_contain_text(
        "1 waiting"
    )
    await expect(page.get_by_role("row", name=re.compile("seen, there"))).to_contain_text("ok")
    await axe(page)


async def test_of_more_than_a_hundred_targets_each_is_found(page: Page, platform: Platform) -> None:
    """The list goes on as it is scrolled; what is too much to choose from says so."""
    targets: list[Json] = []
    for begin in range(0, 104, 13):
        targets += await asyncio.gather(
            *(
                made(platform, type="nats", subject="out.many", name=f"many {number:03}")
                for number in range(begin, begin + 13)
            )
        )
    await page.goto(f"{LIST}?q=many")
    oldest = page.get_by_role("link", name=re.compile(r"^many 0(0\d|1[0-2])$"))
    await expect(page.get_by_role("link", name=re.compile(r"^many 1"))).not_to_have_count(0)
    await expect(oldest).to_have_count(0)

    async def is_in_sight() -> bool:
        await page.mouse.wheel(0, 4_000)
        return await oldest.count() > 3

    await page.mouse.move(400, 400)
    await eventually(is_in_sight, within=20, what="the last page is shown")

    await page.goto("/ui/triggers/new?kind=api")
    await page.get_by_role("combobox", name="Where it is delivered").click()
    more = page.get_by_text("There are more: type a part of the name.")
    await expect(more).to_be_visible()
    await axe(page)
    await page.get_by_placeholder("Part of a target").fill("many 000")
    await expect(page.get_by_role("option", name="many 000")).to_be_visible()
    await expect(more).to_be_hidden()

    # What else is tested on this platform has a list of its own.
    await asyncio.gather(*(platform.rest.delete(f"/targets/{one['id']}") for one in targets))
