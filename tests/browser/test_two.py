"""Two tabs of one browser, and two platforms on one host: what is shared, and what is not; and
what a downtime made of the second one's triggers."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import NewContext
from tests.support.browser import Watch, axe, screenshot
from tests.support.eventually import eventually
from tests.support.whole_platform import Platform, now, running, text

WHY = "found later than the grace of 1 s; none fires late"


@pytest.fixture(scope="module")
async def second(built_ui: None) -> AsyncIterator[Platform]:
    """Another one on this host; there, what is found 1 s after it was due is a misfire."""
    async with running(environment={"ETP_MISFIRE_GRACE": "1s"}) as started:
        yield started


async def signed_in_by_link(page: Page, platform: Platform) -> None:
    url, key = platform.status["url"], platform.status["api_key"]
    await page.goto(f"{url}/ui/#key={quote(key)}")
    await expect(page.get_by_role("heading", level=1, name="Triggers")).to_be_visible()


async def sign_out(page: Page, platform: Platform) -> None:
    await page.goto(f"{platform.status['url']}/ui/access")
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/ui/login")


async def test_an_edit_in_one_tab_is_seen_in_the_other_and_so_is_signing_out_and_in(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(401, 404)
    made = await platform.create(name="tabs, before", type="scheduled", interval="PT1H")
    address = f"/ui/triggers/{made['id']}"
    other = await page.context.new_page()
    await other.goto(address)
    await expect(other.get_by_role("heading", level=1)).to_have_text("tabs, before")
    await page.goto(f"{address}/edit")
    await page.get_by_role("textbox", name="Name", exact=True).fill("tabs, after")
    await page.get_by_role("button", name="Review changes").click()
    await page.get_by_role("button", name="Save changes").click()
    await page.wait_for_url(f"**{address}")
    # Nothing is pressed there.
    await expect(other.get_by_role("heading", level=1)).to_have_text("tabs, after")

    await sign_out(page, platform)
    await other.wait_for_url(f"**/ui/login?next={quote(address[3:], '')}")
    await expect(other.get_by_label("API key")).to_be_visible()
    await page.get_by_label("API key").fill(platform.status["api_key"])
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Triggers")
    await other.wait_for_url(f"**{address}")
    await expect(other.get_by_role("heading", level=1)).to_have_text("tabs, after")

    # Deleted in one while the other has its form open.
    await other.goto(f"{address}/edit")
    name = other.get_by_role("textbox", name="Name", exact=True)
    await name.fill("tabs, typed")
    await page.goto(address)
    await page.get_by_role("button", name="More for tabs, after").click()
    await page.get_by_role("menuitem", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete tabs, after").click()
    await expect(page.get_by_role("heading", name="This trigger is deleted")).to_be_visible()
    await other.get_by_role("button", name="Review changes").click()
    await expect(other.get_by_role("alert")).to_contain_text("The trigger was deleted meanwhile")
    await expect(name).to_have_value("tabs, typed")


async def test_two_platforms_on_one_host_leave_each_others_sessions_alone(
    new_context: NewContext, platform: Platform, second: Platform, watch: Watch
) -> None:
    watch.expect(401)
    context = await new_context(is_signed_in=False)
    here, there = await context.new_page(), await context.new_page()
    await signed_in_by_link(here, platform)
    await signed_in_by_link(there, second)
    await second.create(name="of the second alone", type="api")
    for _ in range(2):
        await there.reload()
        await expect(there.get_by_text("of the second alone")).to_be_visible()
        await here.reload()
        await expect(here.get_by_role("heading", level=1, name="Triggers")).to_be_visible()
        await expect(here.get_by_text("of the second alone")).to_be_hidden()
    await sign_out(here, platform)
    await there.reload()
    await expect(there.get_by_text("of the second alone")).to_be_visible()
    await signed_in_by_link(here, platform)
    await sign_out(there, second)
    await here.goto(f"{platform.status['url']}/ui/access")
    await expect(here.get_by_role("heading", name="This session")).to_be_visible()


async def test_what_a_downtime_missed_comes_by_itself_says_why_and_is_made_up_for(
    new_context: NewContext, second: Platform
) -> None:
    starts = now() + timedelta(seconds=5)
    name = "missed, beat"
    made = await second.create(
        name=name,
        type="scheduled",
        interval=1,
        starts_at=text(starts),
        misfire={"policy": "none"},
    )
    context = await new_context(at=second.status["url"], api_key=second.status["api_key"])
    page, overview = await context.new_page(), await context.new_page()
    await page.goto(f"/ui/triggers/{made['id']}?tab=log&kind=missed")
    await expect(page.get_by_role("heading", name="Nothing of the chosen kinds")).to_be_visible()
    services = overview.get_by_role("region", name="Services").get_by_role("listitem")
    async with second.gone("scheduler"):
        await overview.goto("/ui/overview")
        await expect(services.filter(has_text=re.compile("^schedulernot ready"))).to_have_count(1)
        await eventually(lambda: now() > starts + timedelta(seconds=3), within=30)
    await second.until_ready()

    # Nothing is pressed: the scheduler is back, and says what it found too late.
    rows = page.get_by_role("list", name=re.compile("^What happened to this trigger"))
    missed = rows.get_by_role("link").filter(has_text=WHY)
    await expect(missed.first).to_be_visible()
    await missed.first.click()
    await page.wait_for_url("**/ui/events?event=*")
    [missed_id] = re.findall(r"event=([^&]+)", page.url)
    drawer = page.get_by_role("dialog", name=name)
    await expect(drawer.get_by_role("region", name="Why it was missed")).to_contain_text(WHY)
    await axe(page)
    await screenshot(page, "missed-drawer")

    await drawer.get_by_role("button", name="Replay", exact=True).click()
    origin = drawer.get_by_role("region", name="A replay of").get_by_role("link")
    await expect(origin).to_have_text(missed_id)
    [replayed_id] = re.findall(r"event=([^&]+)", page.url)
    made_up_for = (await second.rest.get(f"/events/{replayed_id}")).json()
    assert (made_up_for["status"], made_up_for["replay_of"]) == ("fired", missed_id)
    await origin.click()
    again = drawer.get_by_role("region", name="Replayed as").get_by_role("link")
    await expect(again).to_have_text(replayed_id)

    await page.goto(f"/ui/events?trigger={made['id']}&status=missed")
    await expect(page.locator(f'[data-row="{missed_id}"]')).to_contain_text(WHY)
    await page.goto("/ui/triggers?attention=missed")
    await expect(page.get_by_role("row").filter(has_text=name)).to_be_visible()
    await expect(page.get_by_role("row").filter(has_text="of the second alone")).to_have_count(0)
    await overview.reload()
    await expect(services.filter(has_text=re.compile("^schedulerready"))).to_have_count(1)
    attention = overview.get_by_role("region", name="Needs attention")
    await attention.get_by_role("link", name=name).click()
    await overview.wait_for_url(f"**/ui/triggers/{made['id']}?tab=log")
    await expect(overview.get_by_role("link").filter(has_text=WHY).first).to_be_visible()


async def test_a_one_time_fire_that_is_missed_says_so_and_promises_nothing(
    new_context: NewContext, second: Platform
) -> None:
    context = await new_context(at=second.status["url"], api_key=second.status["api_key"])
    page = await context.new_page()
    due = now() + timedelta(seconds=5)
    made = await second.create(
        name="missed, once",
        type="scheduled",
        schedule_time=text(due),
        misfire={"policy": "none"},
    )
    awaited = page.get_by_text("As soon as it fires, its event comes in here by itself.")
    recent = page.locator(".recent-row")
    async with second.hung("scheduler"):
        await page.goto(f"/ui/triggers/{made['id']}")
        await expect(awaited).to_be_visible()
        # What somebody asks for meanwhile is not what is awaited, rejected or fired.
        asked = f"/triggers/{made['id']}/fire"
        refused = await second.rest.post(asked, json={"colour": "red"})
        assert refused.status_code == 422
        await second.fire(made["id"])
        await expect(recent).to_have_count(2)
        await expect(recent.filter(has_text="rejected")).to_contain_text("/colour")
        await expect(awaited).to_be_visible()
        await eventually(lambda: now() > due + timedelta(seconds=2))

    await expect(page.get_by_text("It did not fire: it was missed.")).to_be_visible()
    await expect(awaited).to_have_count(0)
    await expect(recent).to_have_count(3)
    await expect(recent.first).to_contain_text(WHY)
    await expect(page.get_by_text("No more", exact=True)).to_be_visible()
    await expect(page.get_by_text("Nothing to come: its schedule is over.")).to_be_visible()
    axis = page.get_by_role("slider", name="Fires on a time axis")
    await axis.press("End")
    await expect(axis).to_have_attribute("aria-valuetext", re.compile("^(?!due)"))
    await axe(page)
    await screenshot(page, "missed-once")

    await page.get_by_role("link", name="Why did it not fire?").click()
    told = page.get_by_role("list", name=re.compile("^What happened to this trigger"))
    rows = told.get_by_role("listitem")
    await expect(rows.filter(has_text=WHY)).to_contain_text("missed")
    await expect(rows.filter(has_text="/colour")).to_contain_text("rejected")
    await page.go_back()
    # Whoever comes later finds the same, and nothing that is awaited.
    await page.reload()
    await expect(recent).to_have_count(3)
    await expect(awaited).to_have_count(0)
