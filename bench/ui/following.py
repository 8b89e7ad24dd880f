"""The log's page while events arrive: its frames, what it shows of them, and what it holds."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from playwright.async_api import Page

from bench.support.checks import expect

from .browser import devtools, probe
from .centiles import Centiles, Frames, centiles, frames_of
from .frames import CPU_TIME, task_seconds

LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    frames: Frames
    cpu: float
    """Share of a core that the page's main thread used."""
    rate: float
    """Events a second, as the page says it; the mean."""
    age: Centiles
    """Seconds since the newest row in sight was logged."""
    rows: int
    """In the DOM, at most."""
    newest: Sequence[str]
    """The ids of the rows that were the first at some time."""


async def watch(page: Page, seconds: float) -> Watched:
    looks = []
    async with devtools(page) as session:
        await session.send("Performance.enable", CPU_TIME)
        before = await task_seconds(session)
        await probe(page, "startFrames()")
        started = time.monotonic()
        while (elapsed := time.monotonic() - started) < seconds:
            await asyncio.sleep(min(LOOK_S, seconds - elapsed))
            looks.append(await probe(page, "seen()"))
        deltas = await probe(page, "takeFrames()")
        elapsed = time.monotonic() - started
        cpu_s = await task_seconds(session) - before
    expect(all(look["id"] for look in looks), "the log shows no row")
    return Watched(
        frames=frames_of(deltas),
        cpu=cpu_s / elapsed,
        rate=fmean(look["rate"] for look in looks),
        age=centiles([look["age"] / 1000 for look in looks]),
        rows=max(look["rows"] for look in looks),
        newest=list(dict.fromkeys(look["id"] for look in looks)),
    )
