"""Creating and editing triggers: the preview, errors at their fields, tests, conflicts."""

import json
import re

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import NewContext
from tests.support.browser import NARROW, Watch, axe
from tests.support.whole_platform import Platform


def field(page: Page, name: str) -> Locator:
    return page.get_by_role("textbox", name=name, exact=True)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name)


def is_editor(url: str) -> bool:
    """99 kB, for whoever opens a field of JSON and for nobody else."""
    return re.search(r"/ui/assets/JsonEditor-[^/]+\.js$", url) is not None


async def chosen_zone(page: Page, zone: str) -> None:
    await page.get_by_label("Time zone: ").click()
    await page.get_by_placeholder("Search 600 zones").fill(zone)
    await page.get_by_role("option", name=zone).click()


async def test_a_cron_trigger_is_previewed_mended_at_its_character_and_created(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(422)
    await page.goto("/ui/triggers/new?kind=cron")
    await field(page, "Name").fill("nightly <b>report</b>")
    await chosen_zone(page, "America/New_York")
    cron = field(page, "Cron expression")
    await cron.fill("30 2 * 13 *")
    # Quiet while one types: said, but not marked as wrong.
    await expect(page.get_by_text("'13' is out of range").first).to_be_visible()
    assert await cron.get_attribute("aria-invalid") is None
    await button(page, "Create trigger").click()
    await expect(cron).to_be_focused()
    assert await cron.evaluate("it => it.value.slice(it.selectionStart, it.selectionEnd)") == "13"
    assert await cron.get_attribute("aria-invalid") == "true"
    await axe(page)

    await cron.fill("30 2 8-14 3 SUN")
    times = page.get_by_role("table").get_by_role("row")
    await expect(times).to_have_count(11)
    changes = page.get_by_text("of this schedule. What it skips fires once, right after the gap.")
    await expect(changes.first).to_be_visible()
    asked = {"cron": "30 2 8-14 3 SUN", "timezone": "America/New_York", "count": 10}
    ahead = (await platform.rest.post("/schedules/preview", json=asked)).json()["occurrences"]
    shown = page.locator(".edit-ahead[aria-busy=false] .times tbody td:first-child time")
    await expect(shown).to_have_count(10)
    instants = await shown.evaluate_all("all => all.map((time) => time.dateTime)")
    assert instants == [each["scheduled_for"] for each in ahead]
    await button(page, "Create trigger").click()
    await page.wait_for_url("**/ui/triggers/0*")
    trigger_id = page.url.rsplit("/", 1)[1]
    stored = (await platform.rest.get(f"/triggers/{trigger_id}")).json()
    assert stored["name"] == "nightly <b>report</b>"
    assert (stored["cron"], stored["timezone"]) == ("30 2 8-14 3 SUN", "America/New_York")
    await page.goto(f"/ui/triggers/new?copy={trigger_id}")
    await expect(field(page, "Name")).to_have_value("nightly <b>report</b> (copy)")
    await expect(cron).to_have_value("30 2 8-14 3 SUN")


async def test_a_test_without_saving_shows_its_event_and_leaving_asks(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto("/ui/triggers/new?kind=once")
    await expect(button(page, "Add a payload")).to_be_visible()
    assert not any(map(is_editor, asked))
    await button(page, "Add a payload").click()
    editor = field(page, "Payload")
    await expect(editor).to_be_focused()
    assert any(map(is_editor, asked))
    await page.keyboard.type('{"big": 123456789012345678901}')
    # Escape, then Tab leaves the editor.
    await page.keyboard.press("Escape")
    await page.keyboard.press("Tab")
    await expect(editor).not_to_be_focused()
    await button(page, "Test in 2 s").click()
    result = page.get_by_role("region", name="Test without saving")
    await expect(result.get_by_text("Accepted. It fires")).to_be_visible()
    # On a busy machine it may be late.
    await expect(result.get_by_text(re.compile("test, (fired|late)"))).to_be_visible()
    await expect(result.get_by_text("archives in 1 h 59 min")).to_be_visible()
    await axe(page)

    await page.get_by_role("link", name="Event log").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Leave without saving?")
    await axe(page)
    await button(page, "Stay here").click()
    await expect(editor).to_contain_text("123456789012345678901")
    await page.get_by_role("link", name="Event log").click()
    await button(page, "Leave").click()
    await page.wait_for_url("**/ui/events")


async def test_an_api_payload_is_a_form_whose_errors_stand_at_their_fields(
    new_context: NewContext, watch: Watch
) -> None:
    watch.expect(422)
    page = await (await new_context(viewport=NARROW, color_scheme="dark")).new_page()
    await page.goto("/ui/triggers/new?kind=api")
    await button(page, "Add a schema").click()
    await field(page, "Schema").fill(
        '{"type": "object", "required": ["amount"], "properties":'
        ' {"amount": {"type": "number", "minimum": 0}, "who": {"type": "string"}}}'
    )
    amount = field(page, "amount (needed when it fires)")
    await amount.fill("-1")
    await field(page, "who").fill("me")
    await button(page, "Test now").click()
    await expect(amount).to_be_focused()
    await expect(page.get_by_role("alert")).to_contain_text("One thing has to be mended first")
    await axe(page)
    await amount.fill("12.50")
    # What the request brings is wrong there, and nothing of the draft is.
    sent = field(page, "What a request would send (JSON)")
    await sent.fill('{"amount": "a lot"}')
    await button(page, "Test now").click()
    await expect(page.get_by_text('amount: the value is not of type "number"')).to_be_visible()
    await expect(sent).to_have_attribute("aria-invalid", "true")
    await expect(amount).not_to_have_attribute("aria-invalid", "true")
    await sent.fill('{"who": null, "more": [1]}')
    await button(page, "Test now").click()
    payload = page.get_by_role("region", name="Payload").last
    await expect(payload).to_contain_text('"more"')
    await expect(payload).not_to_contain_text('"who"')
    await page.get_by_text("The same by curl or NATS").click()
    await expect(page.get_by_role("region", name="curl", exact=True)).to_contain_text(
        "X-API-KEY: $KEY"
    )


async def test_an_edit_shows_before_and_after_and_a_conflict_keeps_what_was_typed(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(412)
    created = await platform.create(
        name="report",
        type="scheduled",
        cron="30 2 * * *",
        payload={"to": "ops", "n": 12345678901234567890},
        ends_at="2099-01-01T00:00:00Z",
    )
    trigger_id = created["id"]
    await page.goto(f"/ui/triggers/{trigger_id}/edit")
    await field(page, "Name").fill("weekday report")
    await field(page, "Cron expression").fill("30 2 * * MON-FRI")
    await button(page, "Review changes").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(
        "Nothing fires at once, and nothing that is due is dropped."
    )
    await expect(dialog.get_by_text("no longer: ")).to_have_count(2)
    await axe(page)

    theirs = {"name": "their report", "description": "theirs", "payload": {"to": "all"}}
    answer = await platform.rest.patch(f"/triggers/{trigger_id}", json=theirs)
    assert answer.status_code == 200, answer.text
    await button(page, "Save changes").click()
    await expect(dialog).to_contain_text("Somebody else has changed it meanwhile")
    name = dialog.get_by_role("row", name="Name")
    for text in ("report", "their report", "weekday report"):
        await expect(name.get_by_role("cell", name=text).first).to_be_visible()
    await axe(page)
    await name.get_by_role("button", name="Theirs").click()
    await button(page, "See what it would do").click()
    await button(page, "Save changes").click()
    await page.wait_for_url(f"**/ui/triggers/{trigger_id}")
    stored = (await platform.rest.get(f"/triggers/{trigger_id}")).json()
    assert (stored["name"], stored["cron"]) == ("their report", "30 2 * * MON-FRI")
    assert stored["payload"] == {"to": "all", "n": 12345678901234567890}
    assert stored["ends_at"] == "2099-01-01T00:00:00Z"


async def test_an_error_in_a_closed_part_opens_it_and_a_large_payload_is_no_editor(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(422, 404)
    created = await platform.create(
        name="large", type="scheduled", interval=60, payload=["y" * 150_000]
    )
    trigger_id = created["id"]
    await page.goto(f"/ui/triggers/{trigger_id}/edit")
    async with page.expect_download() as download:
        await button(page, "Download all of it").click()
    path = await (await download.value).path()
    assert json.loads(path.read_text())[0] == "y" * 150_000
    assert await page.locator(".cm-content").count() == 0

    fold = page.get_by_text("Limits", exact=True)
    await fold.click()
    most = field(page, "At most (fires)")
    await most.fill("0")
    await fold.click()
    await expect(most).not_to_be_visible()
    await button(page, "Review changes").click()
    await expect(most).to_be_focused()

    assert (await platform.rest.delete(f"/triggers/{trigger_id}")).status_code == 204
    await most.fill("")
    await page.goto(f"/ui/triggers/{trigger_id}/edit")
    await expect(page.get_by_role("link", name="Show its history")).to_be_visible()
    await axe(page)


async def test_a_review_that_cannot_be_loaded_says_so_and_is_asked_for_again(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect("net::ERR_FAILED")
    made = await platform.create(name="cut off", type="api")
    for part in ("css", "js"):
        tab = await page.context.new_page()
        # A comparison is shown by targets' forms, too: it is a part of its own.
        cut = re.compile(rf"/ui/assets/(dialogs|Compare)-[^/]+\.{part}$")
        await tab.route(cut, lambda route: route.abort())
        await tab.goto(f"/ui/triggers/{made['id']}/edit")
        await field(tab, "Name").fill(f"cut off from {part}")
        await button(tab, "Review changes").click()
        told = tab.get_by_role("alert").filter(has_text="The review of your changes could not be")
        await expect(told).to_be_focused()
        await expect(told).to_contain_text("what you typed is kept")
        assert "/ui/" not in await told.inner_text()
        await axe(tab)
        await tab.unroute(cut)
        await button(tab, "Try again").press("Enter")
        review = tab.get_by_role("dialog", name=f"Save cut off from {part}?")
        await expect(review).to_contain_text(f"cut off from {part}")
        await expect(told).to_be_hidden()
        # It came with its looks.
        compare = review.locator(".compare-table").first
        await expect(compare).to_have_css("border-collapse", "collapse")
