"""What moves by itself while a screen loads: the sum of its shifts, which is at least its CLS."""

import asyncio
from collections.abc import Mapping

from playwright.async_api import Page

from .browser import devtools, probe

SETTLING_S = 1.0
"""After the last skeleton: what is asked for once more, or comes in late, has come by then."""


def screens(trigger_id: str, event_id: str) -> Mapping[str, str]:
    one = f"/ui/triggers/{trigger_id}"
    return {
        "triggers": "/ui/triggers",
        **{f"create, {kind}": f"/ui/triggers/new?kind={kind}" for kind in ("once", "cron", "api")},
        **{f"trigger, {tab}": f"{one}?tab={tab}" for tab in ("now", "log", "history", "test")},
        "edit": f"{one}/edit",
        "log": "/ui/events",
        "log, archived": "/ui/events?life=archived",
        "log, drawer open": f"/ui/events?event={event_id}",
        "event": f"/ui/events/{event_id}",
        "overview": "/ui/overview",
        "access": "/ui/access",
    }


async def shift(page: Page, at: str, slowdown: float) -> float:
    async with devtools(page) as session:
        await session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        await page.goto(at)
        await page.locator("h1").first.wait_for()
        await page.locator(".skeleton").first.wait_for(state="detached")
        await asyncio.sleep(SETTLING_S)
        found: float = await probe(page, "shifts()")
        await session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    return found
