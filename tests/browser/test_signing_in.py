"""Signing in: the key is exchanged for a cookie once, and nobody else can use either."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import NewContext
from tests.support.browser import NARROW, Watch, axe, screenshot
from tests.support.whole_platform import Platform, now
from trigger_api.domain.sessions import LASTS
from trigger_local.secrets import generate

VIEW = "/ui/triggers?q=report&sort=name"

READ = """async (url) => {
  const read = await fetch(url + '/session', { credentials: 'include' }).then(
    async (answer) => (await answer.json()).key_id,
    (error) => error.name,
  )
  const followed = await new Promise((done) => {
    const source = new EventSource(url + '/events/stream', { withCredentials: true })
    const end = () => {
      done(['connecting', 'open', 'closed'][source.readyState])
      source.close()
    }
    source.onopen = end
    source.onerror = end
  })
  return [read, followed]
}"""
"""Whose session a page can read, and whether it can follow the log."""


async def test_a_link_signs_in_and_leaves_no_key_where_a_script_could_read_it(
    new_context: NewContext, platform: Platform
) -> None:
    page = await (await new_context(is_signed_in=False)).new_page()
    key = platform.status["api_key"]
    await page.goto(f"/ui/#key={quote(key)}")
    await expect(page.get_by_role("heading", level=1, name="Triggers")).to_be_visible()
    assert key not in await page.evaluate("location.href + document.cookie")
    kept = await page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, history.state])"
    )
    assert key not in kept
    assert await page.evaluate("document.cookie") == ""
    # A new tab of the same profile is signed in, too.
    other = await page.context.new_page()
    await other.goto("/ui/access")
    await expect(other.get_by_role("heading", name="This session")).to_be_visible()


async def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back_to_the_very_view(
    new_context: NewContext, platform: Platform, watch: Watch
) -> None:
    page = await (await new_context(is_signed_in=False)).new_page()
    watch.expect(401)
    await page.goto(VIEW)
    await expect(page).to_have_url(f"{platform.status['url']}/ui/login?next={quote(VIEW[3:], '')}")
    field = page.get_by_label("API key")
    await expect(field).to_be_focused()
    await axe(page)
    await screenshot(page, "login")
    await field.fill("etp_000000000000.nobody")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("this is no API key of this platform")).to_be_visible()
    await axe(page)
    await field.fill(platform.status["api_key"])
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(platform.status["url"] + VIEW)
    await page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    await expect(page.get_by_role("heading", level=1, name="Triggers")).to_be_visible()


async def test_an_address_of_another_site_is_no_way_back(
    new_context: NewContext, platform: Platform
) -> None:
    page = await (await new_context(is_signed_in=False)).new_page()
    for wanted in ("//elsewhere.example/x", "https://elsewhere.example", "/\\elsewhere.example"):
        await page.goto(f"/ui/login?next={quote(wanted, '')}")
        await page.get_by_label("API key").fill(platform.status["api_key"])
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{platform.status['url']}/ui/triggers")


async def test_a_session_that_ended_leads_to_the_sign_in_and_signing_out_ends_one(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(401)
    await page.goto("/ui/access")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(f"{platform.status['url']}/ui/login")
    await page.goto("/ui/access")
    await expect(page).to_have_url(f"{platform.status['url']}/ui/login?next=%2Faccess")
    await page.get_by_label("API key").fill(platform.status["api_key"])
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="This session")).to_be_visible()
    # The cookie is gone while the page is open, as by a key that was revoked.
    await page.context.clear_cookies()
    await page.get_by_role("link", name="Event log").click()
    await expect(page).to_have_url(f"{platform.status['url']}/ui/login?next=%2Fevents")
    await page.get_by_label("API key").fill(platform.status["api_key"])
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{platform.status['url']}/ui/events")


async def test_what_was_typed_when_a_session_ended_is_there_again_until_one_signs_out(
    page: Page, platform: Platform, watch: Watch
) -> None:
    watch.expect(401)
    name = page.get_by_role("textbox", name="Name", exact=True)
    every = page.get_by_role("textbox", name="Every", exact=True)

    async def sign_in() -> None:
        await page.get_by_label("API key").fill(platform.status["api_key"])
        await page.keyboard.press("Enter")

    async def is_ended_with(interval: str) -> None:
        await page.context.clear_cookies()
        await page.get_by_role("button", name=interval, exact=True).click()
        await expect(page).to_have_url(re.compile("/ui/login"))

    async def stored() -> str:
        text: str = await page.evaluate("JSON.stringify({...sessionStorage})")
        return text

    await page.goto("/ui/triggers/new?kind=interval")
    await name.fill("Half typed")
    await is_ended_with("15 min")
    # The sign-in is a page like any other: one may reload it.
    await page.reload()
    assert "Half typed" in await stored()
    await sign_in()
    await expect(name).to_have_value("Half typed")
    await expect(every).to_have_value("15")
    kept = await stored()
    assert "Half typed" not in kept

    # Who signs in for something else, and out again, leaves nothing of it in this browser.
    await is_ended_with("1 min")
    kept += await stored()
    assert "Half typed" in kept
    assert platform.status["api_key"].partition(".")[2] not in kept
    await page.goto("/ui/login?next=%2Faccess")
    await sign_in()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("API key")).to_be_visible()
    assert "Half typed" not in await stored()
    # Nor does what another key typed stay for whoever signs in next.
    await page.evaluate("sessionStorage.setItem('etp.unsaved', 'another {\"Half typed\": 1}')")
    await page.goto("/ui/login?next=%2Ftriggers%2Fnew%3Fkind%3Dinterval")
    assert "Half typed" in await stored()
    await sign_in()
    await expect(name).to_have_value("")
    assert "Half typed" not in await stored()


async def test_a_cookie_that_is_old_forged_or_of_a_key_that_is_no_more_signs_nobody_in(
    new_context: NewContext, platform: Platform
) -> None:
    context = await new_context(is_signed_in=False)
    page = await context.new_page()
    url = platform.status["url"]
    name, good = platform.session(now() - timedelta(minutes=5))
    key_id, ends, signed = good.split(".")
    rotated = f"{key_id}:{generate().api_key_hash.partition(':')[2]}"
    bad = {
        "old": platform.session(now() - LASTS)[1],
        "forged": f"{key_id}.{ends}.{signed[:-2]}{'AA' if signed[-2:] != 'AA' else 'BB'}",
        "made to last": f"{key_id}.{int(ends) + 60}.{signed}",
        "of a revoked key": platform.session(now(), generate().api_key_hash)[1],
        "of a rotated key": platform.session(now(), rotated)[1],
    }
    # Made by hand, it is as good as one that the gateway gave: the others are bad by one thing.
    for what, value in (("good", good), *bad.items(), ("good again", good)):
        await context.clear_cookies()
        cookie = {"name": name, "value": value, "url": url, "httpOnly": True, "sameSite": "Strict"}
        await context.add_cookies([cookie])
        await page.goto(VIEW)
        there = VIEW if value == good else f"/ui/login?next={quote(VIEW[3:], '')}"
        await expect(page, what).to_have_url(url + there)
        shown = page.get_by_role("searchbox") if value == good else page.get_by_label("API key")
        await expect(shown, what).to_be_visible()


@pytest.mark.parametrize(
    ("host", "refusal"), [("127.0.0.1", "cross-site"), ("localhost", "unauthorized")]
)
async def test_a_page_of_another_port_or_another_site_reads_and_changes_nothing(
    page: Page, platform: Platform, watch: Watch, host: str, refusal: str
) -> None:
    """Cookies know no ports: the browser sends the session along, and the gateway refuses. To
    another site's requests it is not lent."""
    watch.expect(401, 403, 404, "net::ERR_FAILED")
    await page.goto("/ui/access")
    key_id = platform.status["api_key"].removeprefix("etp_").partition(".")[0]
    assert await page.evaluate(READ, platform.status["url"]) == [key_id, "open"]
    before = await (await page.request.get("/triggers/?q=forged&count=true")).json()
    async with other_page(host) as other:
        stranger = await page.context.new_page()
        await stranger.goto(other)
        read = await stranger.evaluate(READ, platform.status["url"])
        assert read == ["TypeError", "closed"]
        status = await stranger.evaluate(
            """async (url) => {
                const body = new Blob(['{"name": "forged", "type": "scheduled", "interval": 30}'])
                await fetch(url + '/triggers/', {
                    method: 'POST', mode: 'no-cors', credentials: 'include', body,
                })
                return 'sent'
            }""",
            platform.status["url"],
        )
        assert status == "sent"
        await stranger.evaluate(
            """async (url) => {
                const form = document.createElement('form')
                form.method = 'POST'
                form.enctype = 'text/plain'
                form.action = url + '/triggers/'
                const field = document.createElement('input')
                field.name = '{"name": "forged", "type": "scheduled", "interval": 30, "labels": ["'
                field.value = '"]}'
                form.append(field)
                document.body.append(form)
                form.submit()
            }""",
            platform.status["url"],
        )
        await stranger.wait_for_url(f"{platform.status['url']}/**")
        assert refusal in (await stranger.content())
    after = await (await page.request.get("/triggers/?q=forged&count=true")).json()
    assert before == after == []
    # What Chromium prints of a page that may not read what it asked for.
    watch.heard = [said for said in watch.heard if "has been blocked by CORS policy" not in said]


@asynccontextmanager
async def other_page(host: str) -> AsyncIterator[str]:
    """An empty page at a port of its own: of this computer, by whichever of its names."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b"<!doctype html><title>other</title><body></body>"
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n" % len(body) + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://{host}:{port}/"
