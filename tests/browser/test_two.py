"""Two tabs of one browser, and two platforms on one host: what is shared, and what is not."""

from urllib.parse import quote

from playwright.async_api import Page, expect

from tests.browser.conftest import NewContext
from tests.support.browser import Watch
from tests.support.whole_platform import Platform, running


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
    new_context: NewContext, platform: Platform, watch: Watch
) -> None:
    watch.expect(401)
    context = await new_context(is_signed_in=False)
    here, there = await context.new_page(), await context.new_page()
    async with running() as second:
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
        await there.close()
