"""The README's pictures of the web UI, made anew: of a platform that has run for a while.

``.venv/bin/python -m tests.support.ui_pictures [MINUTES]`` writes ``docs/pictures/ui-*.png``. What
is in them happens while it runs: triggers fire, some late since the platform was away, orders are
refused, and of two receivers one is down for a time.
"""

import asyncio
import contextlib
import random
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform, running
from ui_build import building
from ui_build.chromium import MISSING, chromium_path, launch_options

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
MINUTES = 20.0
LOW, HIGH = {"width": 1280, "height": 760}, {"width": 1280, "height": 960}
SEED = 7

ORDER = {
    "type": "object",
    "properties": {"order": {"type": "string"}, "amount": {"type": "number", "minimum": 0}},
    "required": ["order"],
}
SCHEDULED: tuple[tuple[str, str, Json], ...] = (
    ("price feed", "shop", {"interval": "PT40S"}),
    ("heartbeat", "ops", {"interval": "PT15S", "misfire": {"policy": "all"}}),
    ("stock sync", "shop", {"cron": "* * * * *", "timezone": "Europe/Berlin"}),
    ("cache warm-up", "ops", {"cron": "*/5 * * * *"}),
    ("nightly report", "reports", {"cron": "30 2 * * *", "timezone": "America/New_York"}),
    ("opening hours", "shop", {"cron": "30 9 * * MON-FRI", "timezone": "Europe/Berlin"}),
    ("dunning letters", "billing", {"cron": "0 10 * * 1", "timezone": "Europe/Paris"}),
    ("invoice run", "billing", {"cron": "0 6 1 * *", "timezone": "Asia/Kolkata"}),
    ("newsletter", "marketing", {"cron": "0 8 * * THU", "timezone": "America/Sao_Paulo"}),
    ("rotate credentials", "ops", {"cron": "15 4 1 */3 *"}),
)


class Receivers:
    """Two receivers of webhooks: one takes all, the other answers 503 while it ``is_down``."""

    def __init__(self) -> None:
        self.is_down = True
        receivers = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                is_refused = self.path == "/stock" and receivers.is_down
                body = b"maintenance until tonight" if is_refused else b""
                self.send_response(503 if is_refused else 200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """What it is sent is in the log of the platform."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """Where they are."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{self._server.server_port}"
        self._server.shutdown()


async def made(platform: Platform, **fields: Any) -> str:
    response = await platform.rest.post("/targets/", json=fields)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def populated(platform: Platform, at: str) -> dict[str, str]:
    """Targets and triggers; their ids by name."""
    shop = await made(platform, type="webhook", name="order desk", url=f"{at}/orders")
    stock = await made(
        platform, type="webhook", name="warehouse", url=f"{at}/stock", ordered=True, concurrency=4
    )
    audit = await made(platform, type="nats", name="audit trail", subject="out.audit")
    ids = {"order desk": shop, "warehouse": stock, "audit trail": audit}
    named = {"stock sync": [stock, audit], "price feed": [audit]}
    for name, label, schedule in SCHEDULED:
        trigger = await platform.create(
            type="scheduled",
            name=name,
            labels=[label],
            payload={"warehouse": "HAM-2", "full": False} if name == "stock sync" else {},
            targets=named.get(name, []),
            **schedule,
        )
        ids[name] = trigger["id"]
    orders = await platform.create(
        type="api",
        name="order placed",
        labels=["shop"],
        payload_schema=ORDER,
        targets=[shop, stock],
    )
    ids["order placed"] = orders["id"]
    return ids


async def traffic(platform: Platform, trigger_id: str, until: float) -> None:
    """Orders, of which some are refused."""
    chosen = random.Random(SEED)
    number = 4100
    while time.monotonic() < until:
        number += 1
        amount = -1 if chosen.random() < 0.08 else round(chosen.uniform(5, 400), 2)
        order = {"order": f"A-{number}", "amount": amount}
        await platform.rest.post(f"/triggers/{trigger_id}/fire", json={"payload": order})
        await asyncio.sleep(chosen.uniform(2, 8))


async def take(page: Page, name: str, size: Any, scheme: Any) -> None:
    await page.set_viewport_size(size)
    await page.emulate_media(color_scheme=scheme)
    await page.screenshot(path=FOLDER / f"ui-{name}.png", animations="disabled")


async def show(page: Page, address: str, text: str, scheme: Any = "light") -> None:
    await page.emulate_media(color_scheme=scheme)
    await page.goto(f"/ui{address}")
    await page.get_by_text(text).first.wait_for()
    await page.locator(".skeleton").first.wait_for(state="detached")


async def pictures(browser: Browser, platform: Platform, ids: dict[str, str]) -> None:
    """Each page as somebody meets it who has used it for a while."""
    context = await browser.new_context(
        base_url=platform.status["url"],
        viewport=LOW,
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    await context.request.post("/session", data={"api_key": platform.status["api_key"]})
    page = await context.new_page()
    await show(page, "/triggers", "price feed")
    await page.get_by_text("order placed").wait_for()
    await take(page, "triggers", LOW, "light")

    await page.set_viewport_size(HIGH)  # type: ignore[arg-type]
    await show(page, "/triggers/new?kind=cron", "What lies ahead")
    await page.get_by_label("Name", exact=True).fill("nightly report")
    await page.get_by_label("Cron expression").fill("30 2 * 3 SUN")
    await page.get_by_text("Clocks change meanwhile").wait_for()
    await take(page, "new", HIGH, "light")

    await show(page, f"/triggers/{ids['nightly report']}/edit", "What lies ahead", "dark")
    await page.get_by_label("Cron expression").fill("30 2 * * MON-FRI")
    await page.get_by_role("button", name="Review changes").click()
    await page.get_by_text("Its next fires").wait_for()
    await take(page, "review", HIGH, "dark")

    await show(page, f"/triggers/{ids['stock sync']}", "Around now", "dark")
    await page.get_by_role("link", name="warehouse").wait_for()
    await take(page, "trigger", LOW, "dark")

    await page.set_viewport_size(LOW)  # type: ignore[arg-type]
    await show(page, f"/events?event={ids['event']}", "answered 503")
    await take(page, "log", HIGH, "light")

    await show(page, f"/targets/{ids['warehouse']}", "What is set")
    await page.get_by_text("waiting").first.wait_for()
    await take(page, "target", LOW, "light")
    await show(page, f"/events?target={ids['warehouse']}", "Not live", "dark")
    await page.get_by_role("button", name="Deliveries").click()
    await page.get_by_role("menuitem", name="Deliver again").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("checkbox", name="pending").check()
    await dialog.get_by_text("warehouse").wait_for()
    await dialog.get_by_text("This is").wait_for()
    await take(page, "again", LOW, "dark")

    await show(page, "/overview", "Dead letters", "dark")
    await page.get_by_text("in time").first.wait_for()
    await take(page, "overview", HIGH, "dark")
    await context.close()


async def main(minutes: float) -> None:
    path = chromium_path(prefers_shell=True)
    if path is None:
        sys.exit(MISSING)
    await asyncio.to_thread(building.build, print)
    receivers = Receivers()
    allowed = {"ETP_WEBHOOK_ALLOW": "127.0.0.1/32"}
    with receivers.serving() as at:
        async with running(environment=allowed) as platform:
            ids = await populated(platform, at)
            # Away for half of it and a bit: some fire late then, and some are missed.
            half = minutes * 30
            await traffic(platform, ids["order placed"], time.monotonic() + half)
            await platform.down()
            await asyncio.sleep(45)
            await platform.up()
            receivers.is_down = False
            await traffic(platform, ids["order placed"], time.monotonic() + half / 2)
            receivers.is_down = True
            await traffic(platform, ids["order placed"], time.monotonic() + half / 2)
            event = await eventually(
                lambda: waiting(platform, ids["stock sync"]), within=180, what="an event waits"
            )
            ids["event"] = str(event)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(**launch_options(path))
                await pictures(browser, platform, ids)
                await browser.close()


async def waiting(platform: Platform, trigger_id: str) -> str | None:
    """An event of the trigger that was tried and is to be tried again."""
    told = {"delivery": "pending", "trigger_id": trigger_id, "limit": 20}
    for row in (await platform.rest.get("/events/", params=told)).json():
        event = (await platform.rest.get(f"/events/{row['id']}")).json()
        if any(one["attempts"] for one in event["deliveries"] if one["state"] == "pending"):
            return str(row["id"])
    return None


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES))
