"""The web UI in a real Chromium, against a real platform: what one waits for, frames, memory."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from playwright.async_api import Page

from bench.log import arrivals, write_load
from bench.log.filling import fill
from bench.log.loading import TRIGGERS, hours_until
from bench.log.payloads import notes
from bench.log.query_load import client
from bench.sizes import Sizes
from bench.support.checks import expect, expect_equal, until
from bench.support.creating import every, publish_creates
from bench.support.figures import Result
from bench.support.servers import Platform
from bench.support.usage import Meter
from bench.support.workers import Worker
from bench.ui import told
from bench.ui.browser import NARROW, WIDE, signed_in, started
from bench.ui.filtering import Sought, choose_filters, kinds_of
from bench.ui.following import Watched, watch
from bench.ui.frames import Scrolled, scroll, to_and_fro
from bench.ui.interactions import interact
from bench.ui.keystrokes import type_expressions
from bench.ui.memory import Held, held
from bench.ui.overview import Overview, ask_overview
from bench.ui.shifts import screens, shift

TOMORROW_S = 24 * 3600
ROW = 42
"""Pixels of a row in the list of triggers."""
LOADED_S = 300
SLOWDOWN = 4
AMONG = 50
"""Triggers and events on the platform where screens are opened."""
MINUTE_S = 60


async def typing(sizes: Sizes) -> Result:
    async with _page() as (servers, page):
        meter = Meter(servers.pids)
        waits = await type_expressions(page, sizes.keystrokes)
        return told.typed(waits, meter.read())


async def filtering(sizes: Sizes) -> Result:
    """Also the overview's own cost at that size."""
    made = notes()
    now = _now()
    async with _page() as (servers, page):
        await publish_creates(servers, _logged_triggers(), answered=True)
        hours = hours_until(now, sizes.logged)
        with servers.stopped("retention"):
            loaded_s, closed_s, _ = await fill(servers, made, hours, now, _say)
        _say("overview")
        overview = await ask_overview(servers, sizes.overviews, sizes.asked_s)
        _say("filters")
        sought = Sought(
            triggers=[f"Bench {number}" for number in range(100, 100 + sizes.rounds)],
            common=made.words_in(0.2, sizes.rounds),
            rare=made.words_in(0.01, sizes.rounds),
        )
        meter = Meter(servers.pids)
        waits = await choose_filters(page, sizes.rounds, kinds_of(sought))
        return told.filtered(sizes.logged, loaded_s + closed_s, waits, overview, meter.read())


async def scrolling(sizes: Sizes) -> Result:
    """The same page with few triggers and with many, and an empty page of that height."""
    few, many = sizes.listed
    async with _page() as (servers, page):
        stages: list[tuple[int, Scrolled, Overview]] = []
        whole: Scrolled | None = None
        created = 0
        for count in (few, many):
            _say(f"{count:,} triggers")
            await _create(servers, created, count)
            created = count
            overview = await ask_overview(servers, sizes.overviews, sizes.asked_s)
            await page.goto("/ui/triggers")
            await page.locator("[data-row]").first.wait_for()
            whole = await scroll(page, _until_all_loaded(page, count))
            there = await scroll(page, to_and_fro(sizes.scrolled_s, each=60))
            stages.append((count, there, overview))
        await page.goto("about:blank")
        await page.set_content(f"<div style='height: {many * ROW}px'></div>")
        empty = await scroll(page, to_and_fro(sizes.scrolled_s, each=60))
        assert whole is not None
        return told.scrolled(stages, whole, empty)


async def following(sizes: Sizes) -> Result:
    async with _page() as (servers, page):
        await _fire_some(servers, AMONG)
        await page.goto("/ui/events")
        await page.get_by_text("Live", exact=True).wait_for()
        await page.locator("[data-row]").first.wait_for()
        memory = [("quiet, before", await held(page))]
        watched = {"quiet": await watch(page, sizes.framed_s)}
        begun = arrivals.begun_at(_now())
        before = await arrivals.there_since(servers, begun)
        async with Worker("writer", write_load.write, servers, sizes.arriving) as writer:
            await writer.ready()
            await arrivals.first_arrived(servers, begun)
            meter = Meter(servers.pids)
            await _while_they_arrive(page, sizes, watched, memory)
            costs = meter.read()
            arrived = await arrivals.arrived(servers, writer, begun, before)
        memory.append(("quiet, after", await held(page)))
        return told.followed(watched, memory, arrived, costs)


async def _while_they_arrive(
    page: Page, sizes: Sizes, watched: dict[str, Watched], memory: list[tuple[str, Held]]
) -> None:
    started = time.monotonic()
    watched["they arrive"] = await watch(page, sizes.framed_s)
    _say("reading")
    # No element is waited for that would lie still: it is the pointer that makes them.
    box = await page.locator(".table-body").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 200, box["y"] + 100)
    watched["they arrive, a row is pointed at"] = reading = await watch(page, sizes.framed_s)
    expect_equal(len(reading.newest), 1, "first rows while one reads")
    await page.mouse.move(2, 2)
    looks = max(1, round(sizes.followed_s / MINUTE_S))
    for look in range(1, looks + 1):
        at = started + sizes.followed_s * look / looks
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        memory.append((f"after {time.monotonic() - started:,.0f} s", await held(page)))
        _say(f"{memory[-1][0]}: {memory[-1][1]}")
    watched["they arrive, at the end"] = await watch(page, sizes.framed_s)


async def slowed(sizes: Sizes) -> Result:
    async with started() as (servers, browser):
        trigger_id, event_id = await _fire_some(servers, AMONG)
        shifts: dict[str, list[float]] = {}
        async with signed_in(browser, servers.url, servers.api_key) as page:
            plain = await interact(page, sizes.interactions, 1)
            slow = await interact(page, sizes.interactions, SLOWDOWN)
        for size in (WIDE, NARROW):
            async with signed_in(browser, servers.url, servers.api_key, size) as page:
                for name, at in screens(trigger_id, event_id).items():
                    for rate in (1, SLOWDOWN):
                        shifts.setdefault(name, []).append(await shift(page, at, rate))
        return told.slowed(plain, slow, shifts)


@asynccontextmanager
async def _page() -> AsyncIterator[tuple[Platform, Page]]:
    async with (
        started() as (servers, browser),
        signed_in(browser, servers.url, servers.api_key) as page,
    ):
        yield servers, page


async def _create(servers: Platform, first: int, end: int) -> None:
    """Triggers ``first`` to before ``end``: each hour, from tomorrow on."""
    at = float(int(time.time())) + TOMORROW_S
    made = [every(number, 3600, at + number % 3600) for number in range(first, end)]
    await publish_creates(servers, made, answered=True)
    async with client(servers) as http:

        async def all_there() -> bool:
            answer = await http.get("/overview")
            return bool(answer.json()["triggers"]["active"] == end)

        await until(all_there, within=LOADED_S, what=f"{end} triggers")


def _until_all_loaded(page: Page, count: int):
    """Down, until the list is as long as ``count`` rows: page after page comes in meanwhile."""
    asked = 0

    async def goes_on(so_far: float) -> int:
        nonlocal asked
        expect(so_far < LOADED_S, f"{count} triggers were not scrolled through")
        asked += 1
        if asked % 30:
            return 1
        left = f"document.documentElement.scrollHeight < {count * ROW}"
        at_end = "scrollY + innerHeight < document.documentElement.scrollHeight - 2"
        return int(await page.evaluate(f"() => ({left}) || ({at_end})"))

    return goes_on


def _logged_triggers() -> list[dict[str, Any]]:
    """Those whose rows the log is filled with."""
    return [
        {"trigger_id": f"bench-{number:04}", "name": f"Bench {number}", "type": "api"}
        for number in range(TRIGGERS)
    ]


async def _fire_some(servers: Platform, count: int) -> tuple[str, str]:
    """So many triggers, each fired once; the last one's id and its event's."""
    async with client(servers) as http:
        for number in range(count):
            fields = {"name": f"Bench {number}", "type": "api", "payload": {"number": number}}
            made = (await http.post("/triggers/", json=fields)).json()
            fired = (await http.post(f"/triggers/{made['id']}/fire", json={})).json()
        answer = await http.get(f"/events/{fired['event_id']}", params={"wait": "30s"})
        expect_equal(answer.status_code, 200, answer.text)
    return made["id"], fired["event_id"]


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _say(what: str) -> None:
    print(f"  {what} …", file=sys.stderr, flush=True)
