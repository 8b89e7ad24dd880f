"""The UI as a real browser loads it from the gateway."""

from playwright.async_api import Page, Response

from tests.browser.conftest import NewContext
from tests.support.browser import Watch, axe, screenshot
from tests.support.eventually import eventually

SMALL = 400
"""Bytes of a script that gzip need not make smaller."""


async def shown(page: Page) -> None:
    await page.locator("#root > *").first.wait_for()


async def test_the_page_loads_without_a_violation_and_its_assets_are_kept(page: Page) -> None:
    answers: list[Response] = []

    def answered(answer: Response) -> None:
        answers.append(answer)

    page.on("response", answered)
    await page.goto("/ui/")
    await shown(page)
    await axe(page)
    assert (await screenshot(page, "first")).is_file()
    assets = [answer for answer in answers if "/ui/assets/" in answer.url]
    assert assets
    for answer in assets:
        headers = await answer.all_headers()
        assert answer.status == 200
        assert headers["cache-control"] == "public, max-age=31536000, immutable", answer.url
        if answer.url.endswith((".js", ".css")) and len(await answer.body()) > SMALL:
            assert headers["content-encoding"] == "gzip", answer.url


async def test_a_view_with_a_query_survives_a_reload(page: Page) -> None:
    address = "/ui/events?life=active"
    await page.goto(address)
    await shown(page)
    answer = await page.reload()
    assert answer is not None
    assert answer.ok
    await shown(page)
    assert page.url.endswith(address)


async def test_the_bare_address_leads_to_the_page_and_keeps_its_fragment(
    new_context: NewContext,
) -> None:
    page = await (await new_context(is_signed_in=False)).new_page()
    await page.goto("/")
    await shown(page)
    assert "/ui/" in page.url


async def test_what_a_page_says_that_nobody_expects_is_heard(page: Page, watch: Watch) -> None:
    await page.goto("/ui/")
    await page.evaluate("document.body.setAttribute('style', 'color: red')")
    await page.evaluate("console.error('said by a test')")
    await page.evaluate("setTimeout(() => { throw new Error('thrown by a test') })")
    await page.evaluate("fetch('/nowhere/at/all')")
    await page.goto("/ui/overview")
    await shown(page)

    def said() -> str:
        return "\n".join(watch.unexpected)

    for part in ("securitypolicyviolation: style-src", "said by", "thrown by", "status of 404"):
        await eventually(lambda part=part: part in said(), what=part)
    watch.expect(404)
    assert "status of 404" not in "\n".join(watch.unexpected)
    watch.heard.clear()
