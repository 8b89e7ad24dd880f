"""Frames while the wheel turns: an event of the mouse for each frame of a 60 Hz screen."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import CDPSession, Page

from bench.support.checks import expect

from .browser import devtools, probe
from .centiles import Frames, frames_of

TURN_S = 1 / 60
CPU_TIME = {"timeDomain": "threadTicks"}
"""Of the main thread: what another process took of its core does not count."""
NOTCH = 100
"""Pixels of one wheel event."""


@dataclass(frozen=True, slots=True)
class Scrolled:
    frames: Frames
    events: int
    seconds: float
    cpu_s: float
    """Of the page's main thread."""


async def scroll(page: Page, goes_on: Callable[[float], Awaitable[int]]) -> Scrolled:
    """``goes_on`` is told the seconds so far and says where to: down (1), up (-1), no more (0)."""
    box = page.viewport_size
    assert box is not None
    place = {"x": box["width"] // 2, "y": box["height"] // 2}
    async with devtools(page) as session:
        await session.send("Performance.enable", CPU_TIME)
        before = await task_seconds(session)
        await probe(page, "startFrames()")
        started = time.monotonic()
        events = 0
        while (way := await goes_on(time.monotonic() - started)) != 0:
            wheel = {"type": "mouseWheel", "deltaX": 0, "deltaY": way * NOTCH, **place}
            await session.send("Input.dispatchMouseEvent", wheel)
            events += 1
            await asyncio.sleep(max(0.0, started + events * TURN_S - time.monotonic()))
        deltas = await probe(page, "takeFrames()")
        seconds = time.monotonic() - started
        cpu_s = await task_seconds(session) - before
    expect(len(deltas) > 0, "no frame was drawn while the wheel turned")
    return Scrolled(frames_of(deltas), events, seconds, cpu_s)


async def task_seconds(session: CDPSession) -> float:
    """CPU seconds of the main thread so far."""
    return (await metrics(session))["TaskDuration"]


async def metrics(session: CDPSession) -> dict[str, float]:
    told = await session.send("Performance.getMetrics")
    return {one["name"]: one["value"] for one in told["metrics"]}


def to_and_fro(seconds: float, each: int) -> Callable[[float], Awaitable[int]]:
    """Down for ``each`` events, up for as many, and so on."""
    count = 0

    async def goes_on(so_far: float) -> int:
        nonlocal count
        count += 1
        if so_far >= seconds:
            return 0
        return 1 if (count - 1) // each % 2 == 0 else -1

    return goes_on
